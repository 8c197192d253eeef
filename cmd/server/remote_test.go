package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

// commandServer serves from memory and returns its URL.
func commandServer(t *testing.T) string {
	t.Helper()
	st, err := store.Open("data", store.Options{Memory: true, Clock: clock.Wall{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	log := slog.New(slog.DiscardHandler)
	identities, err := openIdentities(config{memory: true}, st, log, defaultKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { identities.Close(context.Background()) })
	work := newBackground(config{}, st, log)
	t.Cleanup(work.close)
	handler, err := newHandler(config{}, st, log, identities, work)
	if err != nil {
		t.Fatal(err)
	}
	work.start(config{}, handler, log)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	if _, err := st.CreateBucket(t.Context(), store.BucketSpec{Name: "bucket", Owner: owner()}); err != nil {
		t.Fatal(err)
	}
	return server.URL
}

// ran runs a command against a server and returns its exit code and what it printed.
func ran(endpoint string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(process{
		args: args, stdout: &out, stderr: &errs,
		env: func(name string) string {
			if name == "TOMBSTONE_ENDPOINT" {
				return endpoint
			}
			return ""
		},
	})
	return code, out.String(), errs.String()
}

// Each command talks to a running server, and says in one line what is wrong with it.
func TestCommandsOfARunningServer(t *testing.T) {
	server := commandServer(t)
	denies := filepath.Join(t.TempDir(), "policy.json")
	text := `{"Version":"2012-10-17","Statement":{"Sid":"No","Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"*"}}`
	if err := os.WriteFile(denies, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		code int
		want string // part of what is printed, where the exit code says
	}{
		{"account list", exitOK, "000000000000"},
		{"account create --id 111122223333 backup", exitOK, "111122223333"},
		{"account create --id 111122223333 backup", exitRefused, "EntityAlreadyExists"},
		{"account create", exitRefused, "usage: tombstone account create NAME [--id"},
		{"account", exitRefused, "one of list, create, delete; see \"tombstone help account\""},
		{"account list extra", exitRefused, "usage:"},
		{"account remove", exitRefused, `unknown action "remove"`},
		{"account list --verbose", exitRefused, "-verbose; see \"tombstone help account\""},
		{"account list --endpoint nowhere", exitRefused, "--endpoint"},
		{"account list --secret-key wrong-secret --access-key tombstone", exitRefused, "SignatureDoesNotMatch"},
		{"account list --endpoint http://127.0.0.1:1", exitFailed, "refused"},
		{"user create 111122223333 restic --path /backup/", exitOK, "user/backup/restic"},
		{"user list 111122223333 --json", exitOK, `"arn": "arn:aws:iam::111122223333:user/backup/restic"`},
		{"user create 111122223333 a/b", exitRefused, "ValidationError"},
		{"key create 111122223333 restic", exitOK, "key of      user restic"},
		{"key create 111122223333", exitRefused, "--root"},
		{"key create 111122223333 --root=false", exitRefused, "--root"},
		{"key create 111122223333 restic --root", exitRefused, "one of them"},
		{"key create 111122223333 --root", exitOK, "key of      the root, which may do everything"},
		{"key list 111122223333", exitOK, "restic"},
		{"policy attach 111122223333 restic backup-writer", exitOK, ""},
		{"policy attach 111122223333 restic nothing", exitRefused, "NoSuchEntity"},
		{"policy put 111122223333 no " + denies, exitOK, ""},
		{"policy put 111122223333 no /nowhere", exitRefused, "/nowhere"},
		{"policy put 111122223333 none --user restic " + denies, exitOK, ""},
		{"policy show 111122223333 none --user restic", exitOK, `"Sid": "No"`},
		{"policy show 111122223333 backup-writer --user restic", exitRefused, "NoSuchEntity"},
		{"policy show 111122223333 none --user nobody", exitRefused, "NoSuchEntity"},
		{"policy put 000000000000 no --user none " + denies, exitRefused, "NoSuchEntity"},
		{"policy list 111122223333 restic", exitOK, "backup-writer  managed"},
		{"policy show 111122223333 no", exitOK, `"Sid": "No"`},
		{"policy explain s3:DeleteObjectVersion s3://bucket/key --account 111122223333 --user restic", exitOK, "denied"},
		{"policy explain s3:GetObject bucket/key", exitRefused, "s3://BUCKET"},
		{"policy explain s3:GetObject s3://bucket/key --condition aws:SourceIp", exitRefused, "KEY=VALUE"},
		{"policy explain s3:GetObject s3://bucket/key --condition aws:SourceIp=10.0.0.1 --json", exitOK, `"allowed": true`},
		{"policy detach 111122223333 restic backup-writer", exitOK, ""},
		{"mfa enroll 111122223333 phone", exitOK, "otpauth://"},
		{"mfa list 111122223333", exitOK, "arn:aws:iam::111122223333:mfa/phone"},
		{"mfa remove 111122223333 arn:aws:iam::111122223333:mfa/phone", exitRefused, "Mfa Authentication must be used"},
		{"mfa remove 111122223333 arn:aws:iam::111122223333:mfa/phone --mfa code", exitRefused, "HTTPS"},
		{"locks list bucket", exitOK, "MODE"},
		{"locks verify bucket", exitOK, "sound\nbucket: 0 versions"},
		{"locks verify none", exitRefused, "NoSuchBucket"},
		{"explain s3://bucket", exitOK, "The bucket is empty"},
		{"explain s3://bucket/key?versionId=null", exitOK, "There is no version null of this key."},
		{"explain s3://none", exitRefused, "NoSuchBucket"},
		{"ledger show --bucket bucket", exitOK, "bucket-created"},
		{"ledger show --newest --limit 1 --json", exitOK, `"change":"identity-changed"`},
		{"ledger show --from yesterday", exitRefused, "InvalidArgument"},
		{"ledger show --limit many", exitRefused, "--limit"},
		{"ledger show --limit 10001", exitRefused, "10000"},
		{"ledger verify", exitOK, "sound\n"},
		{"ledger export", exitOK, `"type":"row"`},
		{"clock show", exitOK, "it keeps real time"},
		{"clock set 2030-01-01", exitRefused, "NoTestClock: The clock of this server cannot be set"},
		{"clock advance", exitRefused, "usage: tombstone clock advance DURATION"},
		{"clock accept", exitOK, "0 s"},
		{"user delete 111122223333 restic", exitOK, ""},
		{"account delete 111122223333", exitOK, ""},
		{"account delete 000000000000", exitRefused, "DeleteConflict"},
	}
	for _, test := range tests {
		code, stdout, stderr := ran(server, strings.Fields(test.args)...)
		got := stdout
		if test.code != exitOK {
			got = stderr
			if strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s: not one line: %q", test.args, stderr)
			}
		}
		if code != test.code || !strings.Contains(got, test.want) {
			t.Errorf("%s: exit code %d, %q, %q", test.args, code, stdout, stderr)
		}
	}
}
