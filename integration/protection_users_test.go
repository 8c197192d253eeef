package integration

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/integration/launch"
)

// The keys of the users of a usersServer, each of whom may do what one policy says. All
// have userSecret.
const (
	writerKey      = "AKIAWRITER0000000000" // backup-writer
	janitorKey     = "AKIAJANITOR000000000" // backup-janitor
	auditorKey     = "AKIAAUDITOR000000000" // auditor
	hiderKey       = "AKIAHIDER00000000000" // s3:DeleteObject and nothing else
	removerKey     = "AKIAREMOVER000000000" // s3:DeleteObjectVersion and nothing else
	noHidingKey    = "AKIANOHIDING00000000" // all of S3 but s3:DeleteObject
	noRemovingKey  = "AKIANOREMOVING000000" // all of S3 but s3:DeleteObjectVersion
	noLifecycleKey = "AKIANOLIFECYCLE00000" // all of S3 but s3:PutLifecycleConfiguration
)

// usersOfServer are the users by name: a key and what they may.
var usersOfServer = []struct{ name, key, policies string }{
	{"writer", writerKey, attached("backup-writer")},
	{"janitor", janitorKey, attached("backup-janitor")},
	{"auditor", auditorKey, attached("auditor")},
	{"hider", hiderKey, inline(`{Effect: Allow, Action: "s3:DeleteObject", Resource: "*"}`)},
	{"remover", removerKey, inline(`{Effect: Allow, Action: "s3:DeleteObjectVersion", Resource: "*"}`)},
	{"no-hiding", noHidingKey, allBut("s3:DeleteObject")},
	{"no-removing", noRemovingKey, allBut("s3:DeleteObjectVersion")},
	{"no-lifecycle", noLifecycleKey, allBut("s3:PutLifecycleConfiguration")},
}

func attached(policy string) string { return "        attach: [" + policy + "]\n" }

func inline(statements ...string) string {
	text := "        inline:\n          - name: inline\n            document:\n              Version: \"2012-10-17\"\n              Statement:\n"
	for _, s := range statements {
		text += "                - " + s + "\n"
	}
	return text
}

func allBut(action string) string {
	return inline(`{Effect: Allow, Action: "s3:*", Resource: "*"}`, `{Effect: Deny, Action: "`+action+`", Resource: "*"}`)
}

// usersServer is a server with the users of usersOfServer. It knows what was removed
// through it, so that the ledger can be compared with that.
type usersServer struct {
	*launch.Process
	args    []string
	root    awsClient
	begun   time.Time
	removed []removal
}

// newUsersServer starts one for a test. Its root has an MFA device, whose secret
// nobody is to see.
func newUsersServer(t *testing.T) *usersServer {
	t.Helper()
	text := "accounts:\n  - id: \"" + protectedAccount + "\"\n    mfa:\n      - {name: phone, secret: " + deviceSecret + "}\n    users:\n"
	for _, u := range usersOfServer {
		text += "      - name: " + u.name + "\n        keys: [{access-key: " + u.key + ", secret-key: " + userSecret + "}]\n" + u.policies
	}
	identities := filepath.Join(t.TempDir(), "identities.yaml")
	must(t, os.WriteFile(identities, []byte(text), 0o600))
	s := &usersServer{args: []string{"--data", t.TempDir(), "--identities", identities}, begun: time.Now()}
	s.start(t)
	return s
}

func (s *usersServer) start(t *testing.T) {
	t.Helper()
	s.Process = startFor(t, s.args...)
	s.root = newAWS(t, s.Endpoint)
}

// user returns a client that signs with a user's key.
func (s *usersServer) user(t *testing.T, key string) awsClient {
	return withKeys(t, s.Process, key, userSecret)
}

// as is the environment of a program that signs with a user's key, and finds the server
// if it is one of our own.
func (s *usersServer) as(key string) []string {
	return []string{"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + userSecret, "TOMBSTONE_ENDPOINT=" + s.Endpoint}
}

// bucket makes a bucket as the root, in a versioning state.
func (s *usersServer) bucket(t *testing.T, status string) string {
	t.Helper()
	bucket := bucketName(t)
	must(t, s.root.createBucket(bucket))
	if status != "" {
		must(t, s.root.setVersioning(bucket, status))
	}
	return bucket
}

// heldEntry is an entry that a bucket holds, with the sum of its bytes.
type heldEntry struct {
	entry
	sum [sha256.Size]byte
}

// held returns every entry of a bucket, as the root sees them.
func (s *usersServer) held(t *testing.T, bucket string) []heldEntry {
	t.Helper()
	entries, _, err := s.root.versions(bucket, listing{})
	must(t, err)
	all := make([]heldEntry, len(entries))
	for i, sum := range readAll(t, s.root, bucket, entries) {
		all[i] = heldEntry{entries[i], sum}
	}
	return all
}

// wantKept reports entries that a bucket held and does not hold any more, or not with
// the same bytes.
func (s *usersServer) wantKept(t *testing.T, bucket string, before []heldEntry) {
	t.Helper()
	now := s.held(t, bucket)
	for _, want := range before {
		found := slices.ContainsFunc(now, func(e heldEntry) bool {
			return e.key == want.key && e.id == want.id && e.marker == want.marker && e.sum == want.sum
		})
		if !found {
			t.Errorf("%s: %s %s is not there as it was", bucket, want.key, want.id)
		}
	}
}

// ledger runs "tombstone ledger" as the root.
func (s *usersServer) ledger(t *testing.T, args ...string) string {
	t.Helper()
	return mustRun(t, []string{"TOMBSTONE_ENDPOINT=" + s.Endpoint}, binary, append([]string{"ledger"}, args...)...)
}

// removal is an entry that a request removed for good.
type removal struct {
	Change    string // version-removed or marker-removed
	Bucket    string
	Key       string
	VersionID string
	Principal string
	RequestID string
	Operation string
}

// principalOf is how the ledger names the user of a key.
func principalOf(key string) string {
	for _, u := range usersOfServer {
		if u.key == key {
			return "arn:aws:iam::" + protectedAccount + ":user/" + u.name
		}
	}
	return "arn:aws:iam::" + protectedAccount + ":root"
}

// wantLedger kills the server where it is, starts it again, and compares what its ledger
// says was removed with what was: which entry, when, by whom, by which request. Nothing
// else may have been removed.
func (s *usersServer) wantLedger(t *testing.T) {
	t.Helper()
	s.Kill()
	s.start(t)
	type line struct {
		removal
		RealTime time.Time
		Cause    string
	}
	var got []removal
	now := time.Now()
	for text := range strings.Lines(s.ledger(t, "show", "--json")) {
		var l line
		must(t, json.Unmarshal([]byte(text), &l))
		if l.Change != "version-removed" && l.Change != "marker-removed" {
			continue
		}
		if l.RealTime.Before(s.begun.Truncate(time.Second)) || l.RealTime.After(now) || l.Cause != "request" {
			t.Errorf("%+v is not of a request between %v and %v", l, s.begun, now)
		}
		got = append(got, l.removal)
	}
	for _, want := range s.removed {
		if !slices.Contains(got, want) {
			t.Errorf("the ledger does not tell of %+v", want)
		}
	}
	if len(got) != len(s.removed) {
		t.Errorf("the ledger tells of %d removals, there were %d:\n%+v", len(got), len(s.removed), got)
	}
	var report struct{ Sound bool }
	must(t, json.Unmarshal([]byte(s.ledger(t, "verify", "--json")), &report))
	if !report.Sound {
		t.Error("the ledger is not sound")
	}
}

// wantChanges reports changes of other kinds that the ledger says a user made.
func (s *usersServer) wantChanges(t *testing.T, key string, kinds ...string) {
	t.Helper()
	for text := range strings.Lines(s.ledger(t, "show", "--json")) {
		var l removal
		must(t, json.Unmarshal([]byte(text), &l))
		if l.Principal == principalOf(key) && !slices.Contains(kinds, l.Change) {
			t.Errorf("changed: %s", text)
		}
	}
}
