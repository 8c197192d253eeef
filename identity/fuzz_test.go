package identity_test

import (
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// A file is refused, with nothing saved, or makes what a start makes again, and what applying it again leaves alone.
func FuzzFile(f *testing.F) {
	f.Add(wholeFile)
	f.Add("accounts: []")
	f.Add("accounts: [{id: 000000000000, mfa: [{name: a, secret: GEZDGNBVGY3TQOJQ}, {name: a, secret: JBSWY3DPEHPK3PXP}]}]")
	f.Add("accounts:\n- id: 111122223333\n  root-keys: [{access-key: abc, secret-key: 12345678}, {access-key: abc, secret-key: 12345678, active: false}]")
	f.Add(twoPolicies(allowAll))
	f.Add("accounts: [{id: 000000000000, policies: [{name: p, document: {1: [null, .inf, 0x1, 010, yes, 2001-01-01]}}]}]")
	f.Add("a: &a [*a]\naccounts: *a")
	f.Add("accounts: !!binary aGFsbG8=")
	f.Fuzz(func(t *testing.T, file string) {
		rows := &identitytest.Rows{}
		r := open(t, rows)
		if err := r.ApplyFile(t.Context(), []byte(file)); err != nil {
			if len(rows.Saves()) > 0 {
				t.Errorf("refused and saved: %v", err)
			}
			return
		}
		before, saves := dump(t, r), len(rows.Saves())
		must(t, r.Close(t.Context()))
		r = open(t, rows)
		if after := dump(t, r); after != before {
			t.Errorf("a start made\n%sof\n%s", after, before)
		}
		must(t, r.ApplyFile(t.Context(), []byte(file)))
		if len(rows.Saves()) != saves {
			t.Errorf("applied again it made\n%sof\n%s", dump(t, r), before)
		}
	})
}

// Rows of any content are refused, or make a registry that can be changed and started again.
func FuzzRows(f *testing.F) {
	rows := &identitytest.Rows{}
	r := populated(f, rows)
	if err := r.Close(f.Context()); err != nil {
		f.Fatal(err)
	}
	for name, value := range rows.Rows() {
		f.Add(name, value)
		f.Add(name, append(value, "\xc8\x01\x05later"...))
		f.Add(name, value[:len(value)-1])
	}
	f.Add("account/"+other, []byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add("user/"+other+"/", []byte("\x01\x01/\x03\x01i"))
	f.Add("mfa/a/b", []byte{})
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		rows := &identitytest.Rows{}
		r := populated(t, rows)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows.Set(name, value)
		r, err := identity.Open(t.Context(), options(rows, clock.NewManual(began)))
		if err != nil {
			return
		}
		before := dump(t, r)
		if _, err := r.CreateUser(t.Context(), by, identity.UserSpec{Account: home, Name: "later"}); err == nil {
			before = dump(t, r)
		}
		must(t, r.Close(t.Context()))
		if after := dump(t, open(t, rows)); after != before {
			t.Errorf("a start made\n%sof\n%s", after, before)
		}
	})
}
