package identity_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

const (
	home  = "000000000000" // the default account
	other = "111122223333"

	allowAll = `{"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	denyAll  = `{"Version":"2012-10-17","Statement":[{"Sid":"none","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

var (
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	by    = identity.By{AccessKey: "rootkey", Operation: "Test", RequestID: "r1"}
)

// options are those of a registry over rows whose time is told by clk.
func options(rows identity.Rows, clk clock.Clock) identity.Options {
	return identity.Options{
		Rows: rows, SecretsKey: [32]byte{1}, Now: clk.Now, Rand: seeded(1),
		Root: identity.RootCredential{
			Account:   policy.Principal{Account: home, CanonicalID: canonical(home), DisplayName: "home"},
			AccessKey: "rootkey", Secret: "rootsecret",
		},
	}
}

func canonical(account string) string {
	sum := sha256.Sum256([]byte("tombstone account " + account))
	return hex.EncodeToString(sum[:])
}

// seeded is a source of the same bytes in each run.
func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func open(t testing.TB, rows identity.Rows) *identity.Registry {
	t.Helper()
	return openAt(t, rows, clock.NewManual(began))
}

func openAt(t testing.TB, rows identity.Rows, clk clock.Clock) *identity.Registry {
	t.Helper()
	r, err := identity.Open(t.Context(), options(rows, clk))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil && !errors.Is(err, identity.ErrClosed) {
			t.Error(err)
		}
	})
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustUser(t testing.TB, r *identity.Registry, account, name string) identity.User {
	t.Helper()
	u, err := r.CreateUser(t.Context(), by, identity.UserSpec{Account: account, Name: name, Path: "/team/"})
	must(t, err)
	return u
}

func mustKey(t testing.TB, r *identity.Registry, account, user string) identity.NewKey {
	t.Helper()
	k, err := r.CreateKey(t.Context(), by, identity.KeySpec{Account: account, User: user})
	must(t, err)
	return k
}

// want checks that an error is one of this kind, and says some text.
func want(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// names lists the policies of a caller.
func names(c *identity.Caller) string {
	var list []string
	for _, p := range c.Policies {
		list = append(list, p.Name)
	}
	return strings.Join(list, " ")
}

func TestRootOfConfiguration(t *testing.T) {
	r := open(t, &identitytest.Rows{})
	c, ok := r.Credential("rootkey")
	if !ok || c.Secret != "rootsecret" {
		t.Fatalf("credential %v", ok)
	}
	caller, ok := r.Caller("rootkey")
	if !ok || caller.Principal.ARN() != "arn:aws:iam::000000000000:root" || len(caller.Policies) != 0 || caller.Temporary {
		t.Errorf("caller %+v", caller)
	}
	if _, ok := r.Credential("nokey"); ok {
		t.Error("a key that nobody has")
	}
	if _, ok := r.Caller("nokey"); ok {
		t.Error("a caller without key")
	}
	a, ok := r.AccountByCanonicalID(canonical(home))
	if !ok || a.ID != home || a.DisplayName != "home" {
		t.Errorf("account %+v", a)
	}
	if _, ok := r.AccountByCanonicalID(""); ok {
		t.Error("an account without canonical id")
	}
	want(t, "delete key", r.DeleteKey(t.Context(), by, "rootkey"), identity.ErrLastRoot)
	want(t, "disable key", r.SetKeyActive(t.Context(), by, "rootkey", false), identity.ErrLastRoot)
	want(t, "delete account", r.DeleteAccount(t.Context(), by, home, true), identity.ErrLastRoot)
}

// What was made is there after the next start, and the secrets with it.
func TestReopen(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	account, root, err := r.CreateAccount(t.Context(), by, identity.AccountSpec{ID: other, DisplayName: "Other"})
	must(t, err)
	user := mustUser(t, r, other, "bob")
	key, disabled := mustKey(t, r, other, "bob"), mustKey(t, r, other, "bob")
	must(t, r.SetKeyActive(t.Context(), by, disabled.AccessKey, false))
	must(t, r.PutPolicy(t.Context(), by, other, "kept", []byte(allowAll)))
	must(t, r.PutUserPolicy(t.Context(), by, other, "bob", "own", []byte(denyAll)))
	for _, name := range []string{"kept", "auditor"} {
		must(t, r.AttachPolicy(t.Context(), by, other, "bob", name))
	}
	device, err := r.EnrollMFA(t.Context(), by, other, "phone")
	must(t, err)
	for _, saved := range rows.Saves() {
		if saved.By != by {
			t.Errorf("%v saved by %+v", saved.Names, saved.By)
		}
	}
	must(t, r.Close(t.Context()))

	for _, r := range []*identity.Registry{r, open(t, rows)} {
		for _, k := range []identity.NewKey{root, key} {
			if c, ok := r.Credential(k.AccessKey); !ok || c.Secret != k.Secret.Reveal() || len(c.Secret) != 40 {
				t.Errorf("credential of %s: %v", k.AccessKey, ok)
			}
		}
		if _, ok := r.Credential(disabled.AccessKey); ok {
			t.Error("a disabled key has a credential")
		}
		if _, ok := r.Caller(disabled.AccessKey); ok {
			t.Error("a disabled key has a caller")
		}
		caller, _ := r.Caller(key.AccessKey)
		p := policy.Principal{Account: other, CanonicalID: canonical(other), DisplayName: "Other", User: "bob", Path: "/team/", UserID: user.ID}
		if caller.Principal != p || names(caller) != "own auditor kept" {
			t.Errorf("caller %+v with %s", caller.Principal, names(caller))
		}
		if got, _ := r.User(other, "bob"); got != user {
			t.Errorf("user %+v, made %+v", got, user)
		}
		if got, _ := r.Account(other); got != account {
			t.Errorf("account %+v, made %+v", got, account)
		}
		if got, _ := r.Devices(other); !slices.Equal(got, []identity.Device{device.Device}) {
			t.Errorf("devices %+v", got)
		}
		if got, _ := r.Keys(other, "bob"); len(got) != 2 || got[0].Active == got[1].Active {
			t.Errorf("keys %+v", got)
		}
	}
	want(t, "a change after Close", r.DeleteKey(t.Context(), by, key.AccessKey), identity.ErrClosed)
}

// The default account's users stay when another account becomes the default one.
func TestOtherDefaultAccount(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	mustUser(t, r, home, "bob")
	k := mustKey(t, r, home, "bob")
	must(t, r.Close(t.Context()))

	o := options(rows, clock.NewManual(began))
	o.Root.Account = policy.Principal{Account: other}
	r, err := identity.Open(t.Context(), o)
	must(t, err)
	defer r.Close(t.Context())
	caller, ok := r.Caller(k.AccessKey)
	if !ok || caller.Principal.ARN() != "arn:aws:iam::000000000000:user/team/bob" || caller.Principal.DisplayName != "home" {
		t.Errorf("caller %+v", caller)
	}
	if a, ok := r.AccountByCanonicalID(canonical(other)); !ok || a.DisplayName != other {
		t.Errorf("the new default account is %+v", a)
	}
}

func TestWrongKey(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	mustUser(t, r, home, "bob")
	k := mustKey(t, r, home, "bob")
	must(t, r.Close(t.Context()))

	o := options(rows, clock.NewManual(began))
	o.SecretsKey = [32]byte{2}
	_, err := identity.Open(t.Context(), o)
	want(t, "another key", err, identity.ErrWrongKey)
	if !strings.Contains(err.Error(), "start with the key file") {
		t.Errorf("%q does not say what to do", err)
	}
	o.SecretsKey = [32]byte{}
	_, err = identity.Open(t.Context(), o)
	want(t, "no key", err, identity.ErrInvalid)

	// A sealed secret counts in its own row only.
	stolen := rows.Rows()["key/"+k.AccessKey]
	rows.Set("key/"+k.AccessKey, nil)
	rows.Set("key/TSAKOTHER", stolen)
	o.SecretsKey = [32]byte{1}
	_, err = identity.Open(t.Context(), o)
	want(t, "a row moved", err, identity.ErrDamaged)
	if !strings.Contains(err.Error(), `"key/TSAKOTHER"`) {
		t.Errorf("%q does not name the row", err)
	}
}

func TestConfiguredKeyCollides(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	mustUser(t, r, home, "bob")
	_, err := r.CreateKey(t.Context(), by, identity.KeySpec{Account: home, User: "bob", AccessKey: "rootkey", Secret: "longenough"})
	want(t, "a key like the root's", err, identity.ErrExists)
	_, err = r.CreateKey(t.Context(), by, identity.KeySpec{Account: home, User: "bob", AccessKey: "bobkey", Secret: "longenough"})
	must(t, err)
	must(t, r.Close(t.Context()))

	o := options(rows, clock.NewManual(began))
	o.Root.AccessKey = "bobkey"
	_, err = identity.Open(t.Context(), o)
	want(t, "a root key like bob's", err, identity.ErrExists)
	if !strings.Contains(err.Error(), "configure another one") {
		t.Errorf("%q does not say what to do", err)
	}
}

// Rows that make no sense are an error, and never passed over.
func TestRefusedRows(t *testing.T) {
	for _, c := range []struct {
		name  string
		value []byte
		want  error
	}{
		{"role/x", []byte{1}, identity.ErrNewer},
		{"account/" + other, []byte{3, 1, 1}, identity.ErrNewer}, // a critical field
		{"account/" + other, nil, nil},
		{"account/" + other, []byte{1, 200}, identity.ErrDamaged},
		{"account/x", []byte{}, identity.ErrDamaged},
		{"user/" + home, []byte{1, 1, '/'}, identity.ErrDamaged},
		{"user/" + other + "/bob", []byte{1, 1, '/', 3, 1, 'i'}, identity.ErrDamaged}, // of no account
		{"policy/" + home + "/p", []byte{1, 2, '{', '}'}, identity.ErrDamaged},
		{"attached/" + home + "/bob/auditor", []byte{65, 1, 1}, identity.ErrDamaged}, // of no user
		{"secrets", []byte{1, 1, 0}, identity.ErrWrongKey},
	} {
		rows := &identitytest.Rows{}
		rows.Set(c.name, c.value)
		r, err := identity.Open(t.Context(), options(rows, clock.NewManual(began)))
		if !errors.Is(err, c.want) {
			t.Errorf("row %s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			must(t, r.Close(t.Context()))
		}
	}
	rows := &identitytest.Rows{}
	r := open(t, rows)
	mustUser(t, r, home, "bob")
	must(t, r.PutPolicy(t.Context(), by, home, "p", []byte(denyAll)))
	must(t, r.AttachPolicy(t.Context(), by, home, "bob", "p"))
	must(t, r.Close(t.Context()))
	rows.Set("policy/"+home+"/p", nil)
	_, err := identity.Open(t.Context(), options(rows, clock.NewManual(began)))
	want(t, "a policy lost", err, identity.ErrDamaged)
	want(t, "a policy lost", err, identity.ErrNoSuchPolicy)
}

// What a later version wrote into a row, and may be passed over, survives a change.
func TestUnknownFieldStays(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	mustUser(t, r, home, "bob")
	k := mustKey(t, r, home, "bob")
	must(t, r.Close(t.Context()))
	name, later := "key/"+k.AccessKey, "\xc8\x01\x05later" // field 200
	rows.Set(name, append(rows.Rows()[name], later...))
	r = open(t, rows)
	must(t, r.SetKeyActive(t.Context(), by, k.AccessKey, false))
	if !strings.HasSuffix(string(rows.Rows()[name]), later) {
		t.Errorf("row %q", rows.Rows()[name])
	}
}
