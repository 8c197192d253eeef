package identity_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// takenFile lists all that populated makes by commands, with other contents.
const takenFile = `
accounts:
  - id: 111122223333
    root-keys: [{access-key: otherroot, secret-key: fromthefile}]
    policies: [{name: kept, document: '` + denyAll + `'}, {name: free, document: '` + allowAll + `'}]
    users:
      - name: bob
        keys: [{access-key: bobkey, secret-key: fromthefile, active: false}]
        attach: [kept]
        inline: [{name: own, document: '` + denyAll + `'}]
      - name: eve
    mfa: [{name: phone, secret: GEZDGNBVGY3TQOJQ}]
`

// What commands made has the content of a file that lists it, and stays when the file does
// not list it any more.
func TestFileNeverOwnsWhatCommandsMade(t *testing.T) {
	rows := &identitytest.Rows{}
	r := populated(t, rows)
	before := len(rows.Rows())
	must(t, r.ApplyFile(t.Context(), []byte(takenFile)))
	listed := dump(t, r)
	if strings.Contains(listed, "FromFile:true") || strings.Contains(listed, "(true)") || len(rows.Rows()) != before {
		t.Errorf("the file owns something:\n%s", listed)
	}
	if c, _ := r.Credential("otherroot"); c.Secret != "fromthefile" {
		t.Error("the content is not the file's")
	}
	if _, ok := r.Credential("bobkey"); ok {
		t.Error("a key that the file disables signs")
	}
	must(t, r.ApplyFile(t.Context(), []byte("accounts: []")))
	if left := dump(t, r); left != listed {
		t.Errorf("without the file\n%sof\n%s", left, listed)
	}
}

// An account of the file stays, with an error that names why, as long as it has anything
// that commands made.
func TestFileLeavesAccountsInUse(t *testing.T) {
	ctx := t.Context()
	for what, give := range map[string]func(*identity.Registry) error{
		"user restic": func(r *identity.Registry) error { return r.AttachPolicy(ctx, by, other, "restic", "readonly") },
		"access key": func(r *identity.Registry) error {
			_, err := r.CreateKey(ctx, by, identity.KeySpec{Account: other})
			return err
		},
		"policy made": func(r *identity.Registry) error { return r.PutPolicy(ctx, by, other, "made", []byte(allowAll)) },
		"MFA device": func(r *identity.Registry) error {
			_, err := r.EnrollMFA(ctx, by, other, "phone")
			return err
		},
	} {
		r := open(t, &identitytest.Rows{})
		must(t, r.ApplyFile(ctx, []byte(wholeFile)))
		must(t, give(r))
		before := dump(t, r)
		err := r.ApplyFile(ctx, []byte("accounts: []"))
		want(t, what, err, identity.ErrInUse)
		if !strings.Contains(err.Error(), "such as "+what) || dump(t, r) != before {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The log names each row that a file added, changed and removed, and no secret.
func TestFileIsLogged(t *testing.T) {
	var out bytes.Buffer
	o := options(&identitytest.Rows{}, clock.NewManual(began))
	o.Logger = slog.New(slog.NewTextHandler(&out, nil))
	r, err := identity.Open(t.Context(), o)
	must(t, err)
	defer func() { must(t, r.Close(t.Context())) }()
	must(t, r.ApplyFile(t.Context(), []byte(wholeFile)))
	for _, row := range []string{"account/111122223333", "user/111122223333/restic", "key/restickey", "policy/111122223333/prefix",
		"inline/111122223333/restic/own", "attached/111122223333/restic/auditor", "mfa/GAHT12345678"} {
		if !strings.Contains(out.String(), `msg="identity added" by="identities file" row=`+row+"\n") {
			t.Errorf("%s is not told of", row)
		}
	}
	if strings.Contains(out.String(), "resticsecret") {
		t.Error("a secret is logged")
	}
	out.Reset()
	must(t, r.ApplyFile(t.Context(), []byte(strings.Replace(wholeFile, "resticsecret", "anothersecret", 1))))
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"identity changed" by="identities file" row=key/restickey`) {
		t.Errorf("told: %s", text)
	}
	out.Reset()
	must(t, r.ApplyFile(t.Context(), []byte("accounts: []")))
	if text := out.String(); strings.Contains(text, "added") || strings.Contains(text, "changed") || !strings.Contains(text, "removed\" by=\"identities file\" row=user/111122223333/restic\n") {
		t.Errorf("told: %s", text)
	}
}
