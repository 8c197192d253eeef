package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// Nothing that this package hands out shows a secret, whichever way it is printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	rows := &identitytest.Rows{}
	o := options(rows, clock.NewManual(began))
	o.SecretsKey = [32]byte([]byte("hush-hush-hush-hush-hush-hush-32"))
	o.Root.Secret = "rootsecret-hush"
	r, err := identity.Open(t.Context(), o)
	must(t, err)
	defer r.Close(t.Context())
	k, err := r.CreateKey(t.Context(), by, identity.KeySpec{Account: home, AccessKey: "given", Secret: "given-hush"})
	must(t, err)
	d, err := r.EnrollMFA(t.Context(), by, home, "phone")
	must(t, err)
	k2 := mustKey(t, r, home, "")
	caller, _ := r.Caller("given")
	file := r.ApplyFile(t.Context(), []byte("accounts: [{id: 1, root-keys: [{access-key: x, secret-key: file-hush}]}]"))
	collision := r.ApplyFile(t.Context(), []byte(
		"accounts: [{id: 000000000000, users: [{name: a, keys: [{access-key: given, secret-key: file-hush}]}]}]"))
	wrongCode := r.VerifyMFA(t.Context(), caller, d.Serial, "000000")

	secrets := []string{"hush", k2.Secret.Reveal(), d.Secret.Reveal(), "[104 117 115 104", "0x68, 0x75, 0x73, 0x68"}
	type hidden struct {
		secret identity.Secret
		key    identity.NewKey
		device identity.Enrollment
		option identity.Options
	}
	for name, v := range map[string]any{
		"options": o, "options by pointer": &o, "root": o.Root, "registry": r, "key": k, "device": d, "secret": k.Secret,
		"pointer": &k, "list": []identity.NewKey{k, k2}, "map": map[string]identity.Secret{"a": d.URL}, "caller": caller,
		"hidden": hidden{k.Secret, k, d, identity.Options{}}, "error of a file": file, "error": collision, "wrong code": wrongCode,
	} {
		var logs bytes.Buffer
		slog.New(slog.NewTextHandler(&logs, nil)).Info("text", "value", v)
		slog.New(slog.NewJSONHandler(&logs, nil)).Info("json", "value", v)
		document, err := json.Marshal(v)
		if err != nil && name != "options" && name != "options by pointer" && name != "registry" {
			t.Errorf("%s: %v", name, err)
		}
		printed := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v) + logs.String() + string(document)
		for _, secret := range secrets {
			if strings.Contains(printed, secret) {
				t.Errorf("%s shows %q: %s", name, secret, printed)
			}
		}
	}
	for _, err := range []error{file, collision, wrongCode} {
		if err == nil {
			t.Error("there is no error")
		}
	}
	want(t, "collision", collision, identity.ErrExists)
	if text := fmt.Sprint(k.Secret, d); !strings.Contains(text, "[redacted]") {
		t.Errorf("printed %s", text)
	}
	if (identity.Secret{}).Reveal() != "" {
		t.Error("no secret has a text")
	}
	var nothing *identity.FileError
	if errors.As(wrongCode, &nothing) {
		t.Error("a wrong code is a mistake of a file")
	}
}

// What rows hold does not show a secret either, nor that two secrets are the same.
func TestRowsHoldNoSecret(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	for _, name := range []string{"one", "two"} {
		_, err := r.CreateKey(t.Context(), by, identity.KeySpec{Account: home, AccessKey: name, Secret: "hush-hush"})
		must(t, err)
	}
	d, err := r.EnrollMFA(t.Context(), by, home, "phone")
	must(t, err)
	all := fmt.Sprintf("%q", rows.Rows())
	if strings.Contains(all, "hush") || strings.Contains(all, d.Secret.Reveal()) {
		t.Errorf("rows %s", all)
	}
	if one, two := rows.Rows()["key/one"], rows.Rows()["key/two"]; bytes.Equal(one[len(one)-40:], two[len(two)-40:]) {
		t.Error("equal secrets have equal rows")
	}
}
