package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// A key of the file that somebody disabled stays so at the next start, unless the file
// says otherwise.
func TestFileLeavesDisabledKey(t *testing.T) {
	r, err := identity.Open(t.Context(), identity.Options{
		Rows: &identitytest.Rows{}, SecretsKey: [32]byte{1}, Now: func() time.Time { return time.Unix(0, 0) },
		Root: identity.RootCredential{Account: policy.Principal{Account: "000000000000"}, AccessKey: "root", Secret: "rootsecret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	user := "restic"
	apply := func(active string) bool {
		t.Helper()
		file := "accounts:\n  - id: \"000000000000\"\n    users:\n      - name: " + user + "\n        keys:\n" +
			"          - {access-key: STOLEN, secret-key: secret-of-stolen" + active + "}\n"
		if err := r.ApplyFile(t.Context(), []byte(file)); err != nil {
			t.Fatal(err)
		}
		_, signs := r.Credential("STOLEN")
		return signs
	}
	if !apply("") {
		t.Error("a new key does not sign")
	}
	if err := r.SetKeyActive(t.Context(), identity.By{}, "STOLEN", false); err != nil {
		t.Fatal(err)
	}
	if apply("") {
		t.Error("a key that was disabled signs again")
	}
	user = "renamed" // the user of before goes, with the key
	if apply("") {
		t.Error("a key that was disabled signs again for another user")
	}
	if !apply(", active: true") {
		t.Error("a key that the file enables does not sign")
	}
	if apply(", active: false") {
		t.Error("a key that the file disables signs")
	}
}
