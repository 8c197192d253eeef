package identity_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// With another key, keys and devices are forgotten if that is asked for, in one change that the log tells of; users and
// policies stay, and what is made from then on is read with the new key.
func TestForgetSecrets(t *testing.T) {
	ctx, rows, clk := t.Context(), &identitytest.Rows{}, clock.NewManual(began)
	if sealed, err := identity.Sealed(ctx, rows); sealed || err != nil {
		t.Errorf("nothing is sealed: %v, %v", sealed, err)
	}
	r := populated(t, rows)
	r.Used("bobkey", clk.Now())
	must(t, r.Close(ctx))
	if sealed, err := identity.Sealed(ctx, rows); !sealed || err != nil {
		t.Errorf("sealed: %v, %v", sealed, err)
	}
	o := options(rows, clk)
	o.SecretsKey = [32]byte{2}
	before := rows.Rows()
	_, err := identity.Open(ctx, o)
	want(t, "another key", err, identity.ErrWrongKey)
	if len(rows.Rows()) != len(before) {
		t.Error("a refused start changed rows")
	}

	var out bytes.Buffer
	o.ForgetSecrets, o.Logger = true, slog.New(slog.NewTextHandler(&out, nil))
	r, err = identity.Open(ctx, o)
	must(t, err)
	for name := range rows.Rows() {
		for _, gone := range []string{"key/", "mfa/", "used/"} {
			if strings.HasPrefix(name, gone) {
				t.Errorf("row %s is still there", name)
			}
		}
	}
	saves := rows.Saves()
	last := saves[len(saves)-1]
	if last.By.Operation != "ForgetSecrets" || last.By.Cause != "job" || !slices.Contains(last.Names, "key/bobkey") {
		t.Errorf("the change is %+v", last)
	}
	if !strings.Contains(out.String(), "row=key/bobkey") || !strings.Contains(out.String(), "row=mfa/"+phone) {
		t.Errorf("told: %s", out.String())
	}
	if c, err := r.CallerOf(other, "bob"); err != nil || names(c) != "own kept" {
		t.Errorf("bob is %+v, %v", c, err)
	}
	_, err = r.CreateKey(ctx, by, identity.KeySpec{Account: other})
	must(t, err)
	must(t, r.Close(ctx))

	// All can be read now: there is nothing to forget.
	changes := len(rows.Saves())
	r, err = identity.Open(ctx, o)
	must(t, err)
	if keys, _ := r.Keys(other, ""); len(keys) != 1 || len(rows.Saves()) != changes || !strings.Contains(out.String(), "nothing is forgotten") {
		t.Errorf("keys %v, told: %s", keys, out.String())
	}
	must(t, r.Close(ctx))
}
