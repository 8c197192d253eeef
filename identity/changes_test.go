package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// dump writes all that a registry shows, but when keys were last used.
func dump(t testing.TB, r *identity.Registry) string {
	t.Helper()
	var b strings.Builder
	for _, a := range r.Accounts() {
		fmt.Fprintf(&b, "account %+v\n", a)
		dumpKeys(t, &b, r, a.ID, "")
		policies, err := r.Policies(a.ID)
		must(t, err)
		fmt.Fprintf(&b, "  policies %s\n", texts(policies))
		devices, err := r.Devices(a.ID)
		must(t, err)
		fmt.Fprintf(&b, "  devices %+v\n", devices)
		users, err := r.Users(a.ID)
		must(t, err)
		for _, u := range users {
			fmt.Fprintf(&b, " user %+v\n", u)
			inline, attached, err := r.UserPolicies(a.ID, u.Name)
			must(t, err)
			fmt.Fprintf(&b, "  inline %s attached %s\n", texts(inline), attached)
			dumpKeys(t, &b, r, a.ID, u.Name)
		}
	}
	return b.String()
}

func dumpKeys(t testing.TB, b *strings.Builder, r *identity.Registry, account, user string) {
	t.Helper()
	of, err := r.CallerOf(account, user)
	must(t, err)
	fmt.Fprintf(b, "  caller %+v %s\n", of.Principal, names(of))
	keys, err := r.Keys(account, user)
	must(t, err)
	for _, k := range keys {
		caller, active := r.Caller(k.AccessKey)
		c, has := r.Credential(k.AccessKey)
		if active != k.Active || has != k.Active || active && caller != of {
			t.Errorf("key %+v: caller %v, credential %v", k, active, has)
		}
		k.LastUsed = time.Time{}
		fmt.Fprintf(b, "  key %+v secret %s\n", k, c.Secret)
	}
}

func texts(policies []identity.Policy) (list []string) {
	for _, p := range policies {
		list = append(list, fmt.Sprintf("%s (%v): %s", p.Name, p.FromFile, p.JSON))
	}
	return list
}

// populated returns a registry that has one of each, over rows.
func populated(t testing.TB, rows *identitytest.Rows) *identity.Registry {
	t.Helper()
	r := open(t, rows)
	_, _, err := r.CreateAccount(t.Context(), by, identity.AccountSpec{ID: other})
	must(t, err)
	_, err = r.CreateKey(t.Context(), by, identity.KeySpec{Account: other, AccessKey: "otherroot", Secret: "otherrootsecret"})
	must(t, err)
	mustUser(t, r, other, "bob")
	mustUser(t, r, other, "eve")
	_, err = r.CreateKey(t.Context(), by, identity.KeySpec{Account: other, User: "bob", AccessKey: "bobkey", Secret: "bobsecret"})
	must(t, err)
	must(t, r.PutPolicy(t.Context(), by, other, "kept", []byte(allowAll)))
	must(t, r.PutPolicy(t.Context(), by, other, "free", []byte(allowAll)))
	must(t, r.PutUserPolicy(t.Context(), by, other, "bob", "own", []byte(allowAll)))
	must(t, r.AttachPolicy(t.Context(), by, other, "bob", "kept"))
	_, err = r.EnrollMFA(t.Context(), by, other, "phone")
	must(t, err)
	return r
}

const phone = "arn:aws:iam::111122223333:mfa/phone"

// changes are one call of each kind that succeeds on a populated registry.
func changes(t *testing.T, r *identity.Registry) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"CreateAccount": func() error {
			_, _, err := r.CreateAccount(ctx, by, identity.AccountSpec{ID: "444455556666"})
			return err
		},
		"DeleteAccount": func() error { return r.DeleteAccount(ctx, by, other, true) },
		"CreateUser": func() error {
			_, err := r.CreateUser(ctx, by, identity.UserSpec{Account: other, Name: "ann"})
			return err
		},
		"DeleteUser":      func() error { return r.DeleteUser(ctx, by, other, "bob", true) },
		"DeleteEmptyUser": func() error { return r.DeleteUser(ctx, by, other, "eve", false) },
		"CreateKey": func() error {
			_, err := r.CreateKey(ctx, by, identity.KeySpec{Account: other, User: "eve"})
			return err
		},
		"SetKeyActive":     func() error { return r.SetKeyActive(ctx, by, "bobkey", false) },
		"DeleteKey":        func() error { return r.DeleteKey(ctx, by, "bobkey") },
		"DeleteRootKey":    func() error { return r.DeleteKey(ctx, by, "otherroot") },
		"PutPolicy":        func() error { return r.PutPolicy(ctx, by, other, "kept", []byte(denyAll)) },
		"DeletePolicy":     func() error { return r.DeletePolicy(ctx, by, other, "free") },
		"PutUserPolicy":    func() error { return r.PutUserPolicy(ctx, by, other, "bob", "own", []byte(denyAll)) },
		"DeleteUserPolicy": func() error { return r.DeleteUserPolicy(ctx, by, other, "bob", "own") },
		"AttachPolicy":     func() error { return r.AttachPolicy(ctx, by, other, "bob", "auditor") },
		"DetachPolicy":     func() error { return r.DetachPolicy(ctx, by, other, "bob", "kept") },
		"EnrollMFA":        func() error { _, err := r.EnrollMFA(ctx, by, other, "tablet"); return err },
		"RemoveMFA":        func() error { return r.RemoveMFA(ctx, by, other, phone) },
		"ApplyFile":        func() error { return r.ApplyFile(ctx, []byte(wholeFile)) },
	}
}

// A change that cannot be saved changes nothing; saved it is one change of rows, and what a start makes of them.
func TestChanges(t *testing.T) {
	full := errors.New("disk full")
	rows := &identitytest.Rows{}
	for name := range changes(t, populated(t, rows)) {
		t.Run(name, func(t *testing.T) {
			failing := false
			rows := &identitytest.Rows{Fail: func(string) error {
				if failing {
					return full
				}
				return nil
			}}
			r := populated(t, rows)
			change, before, stored, saves := changes(t, r)[name], dump(t, r), rows.Rows(), len(rows.Saves())
			failing = true
			want(t, "a change that cannot be saved", change(), full)
			if after := dump(t, r); after != before {
				t.Errorf("it changed\n%sto\n%s", before, after)
			}
			if fmt.Sprint(rows.Rows()) != fmt.Sprint(stored) {
				t.Error("it changed rows")
			}
			failing = false
			must(t, change())
			after := dump(t, r)
			if after == before || len(rows.Saves()) != saves+1 {
				t.Errorf("%d saves, which changed %v", len(rows.Saves())-saves, after != before)
			}
			must(t, r.Close(t.Context()))
			if again := dump(t, open(t, rows)); again != after {
				t.Errorf("a start made\n%sof\n%s", again, after)
			}
		})
	}
}

// What is deleted leaves no row behind, but what is said to stay.
func TestDeleteAllRows(t *testing.T) {
	rows := &identitytest.Rows{}
	r := populated(t, rows)
	r.Used("bobkey", began)
	must(t, r.Close(t.Context()))
	r = open(t, rows)
	if rows.Rows()["used/bobkey"] == nil {
		t.Error("no note of use")
	}
	must(t, r.DeleteAccount(t.Context(), by, other, true))
	if left := rows.Rows(); len(left) != 1 || left["secrets"] == nil {
		t.Errorf("left: %v", left)
	}
}

func TestRefusals(t *testing.T) {
	r := populated(t, &identitytest.Rows{})
	ctx := t.Context()
	user := func(account, name, path string) error {
		_, err := r.CreateUser(ctx, by, identity.UserSpec{Account: account, Name: name, Path: path})
		return err
	}
	key := func(account, user, access, secret string) error {
		_, err := r.CreateKey(ctx, by, identity.KeySpec{Account: account, User: user, AccessKey: access, Secret: secret})
		return err
	}
	account := func(spec identity.AccountSpec) error { _, _, err := r.CreateAccount(ctx, by, spec); return err }
	enroll := func(account, name string) error { _, err := r.EnrollMFA(ctx, by, account, name); return err }
	must(t, r.DeleteKey(ctx, by, "otherroot"))
	roots, err := r.Keys(other, "")
	must(t, err)
	before := dump(t, r)
	for name, c := range map[string]struct{ got, want error }{
		"account id":            {account(identity.AccountSpec{ID: "12"}), identity.ErrInvalid},
		"account twice":         {account(identity.AccountSpec{ID: other}), identity.ErrExists},
		"canonical id":          {account(identity.AccountSpec{CanonicalID: strings.Repeat("X", 64)}), identity.ErrInvalid},
		"canonical id twice":    {account(identity.AccountSpec{CanonicalID: canonical(home)}), identity.ErrExists},
		"display name":          {account(identity.AccountSpec{DisplayName: "a\nb"}), identity.ErrInvalid},
		"user of no account":    {user("999999999999", "x", ""), identity.ErrNoSuchAccount},
		"user twice":            {user(other, "bob", ""), identity.ErrExists},
		"user name":             {user(other, "a/b", ""), identity.ErrInvalid},
		"long user name":        {user(other, strings.Repeat("a", 65), ""), identity.ErrInvalid},
		"no user name":          {user(other, "", ""), identity.ErrInvalid},
		"path":                  {user(other, "x", "/a"), identity.ErrInvalid},
		"key of no user":        {key(other, "nobody", "", ""), identity.ErrNoSuchUser},
		"key of no account":     {key("999999999999", "", "", ""), identity.ErrNoSuchAccount},
		"key twice":             {key(other, "bob", "bobkey", "longenough"), identity.ErrExists},
		"key of another":        {key(other, "eve", "bobkey", "longenough"), identity.ErrExists},
		"half a pair":           {key(other, "bob", "access", ""), identity.ErrInvalid},
		"key with a slash":      {key(other, "bob", "a/b/c", "longenough"), identity.ErrInvalid},
		"short secret":          {key(other, "bob", "abc", "short"), identity.ErrInvalid},
		"status of no key":      {r.SetKeyActive(ctx, by, "nokey", true), identity.ErrNoSuchKey},
		"delete no key":         {r.DeleteKey(ctx, by, "nokey"), identity.ErrNoSuchKey},
		"last root key":         {r.DeleteKey(ctx, by, roots[0].AccessKey), identity.ErrLastRoot},
		"user with keys":        {r.DeleteUser(ctx, by, other, "bob", false), identity.ErrInUse},
		"account with users":    {r.DeleteAccount(ctx, by, other, false), identity.ErrInUse},
		"delete no user":        {r.DeleteUser(ctx, by, other, "nobody", true), identity.ErrNoSuchUser},
		"delete no account":     {r.DeleteAccount(ctx, by, "999999999999", true), identity.ErrNoSuchAccount},
		"built-in policy":       {r.PutPolicy(ctx, by, other, "auditor", []byte(allowAll)), identity.ErrExists},
		"policy name":           {r.PutPolicy(ctx, by, other, "a b", []byte(allowAll)), identity.ErrInvalid},
		"long policy":           {r.PutPolicy(ctx, by, other, "p", []byte(allowAll+strings.Repeat(" ", 20<<10))), identity.ErrInvalid},
		"attached policy":       {r.DeletePolicy(ctx, by, other, "kept"), identity.ErrInUse},
		"delete no policy":      {r.DeletePolicy(ctx, by, other, "none"), identity.ErrNoSuchPolicy},
		"attach no policy":      {r.AttachPolicy(ctx, by, other, "bob", "none"), identity.ErrNoSuchPolicy},
		"detach no policy":      {r.DetachPolicy(ctx, by, other, "bob", "auditor"), identity.ErrNoSuchPolicy},
		"delete no inline":      {r.DeleteUserPolicy(ctx, by, other, "bob", "none"), identity.ErrNoSuchPolicy},
		"inline of no user":     {r.PutUserPolicy(ctx, by, other, "nobody", "p", []byte(allowAll)), identity.ErrNoSuchUser},
		"device twice":          {enroll(other, "phone"), identity.ErrExists},
		"device name":           {enroll(other, "my phone"), identity.ErrInvalid},
		"device of no account":  {enroll("999999999999", "phone"), identity.ErrNoSuchAccount},
		"remove no device":      {r.RemoveMFA(ctx, by, other, phone+"x"), identity.ErrNoDevice},
		"device of another":     {r.RemoveMFA(ctx, by, home, phone), identity.ErrNoDevice},
		"read no key":           {func() error { _, err := r.Key("nokey"); return err }(), identity.ErrNoSuchKey},
		"read users of nobody":  {func() error { _, err := r.Users("9"); return err }(), identity.ErrNoSuchAccount},
		"caller of nobody":      {func() error { _, err := r.CallerOf(other, "nobody"); return err }(), identity.ErrNoSuchUser},
		"caller of no account":  {func() error { _, err := r.CallerOf("9", ""); return err }(), identity.ErrNoSuchAccount},
		"attach to nobody":      {r.AttachPolicy(ctx, by, other, "nobody", "kept"), identity.ErrNoSuchUser},
		"policy of no account":  {r.PutPolicy(ctx, by, "9", "p", []byte(allowAll)), identity.ErrNoSuchAccount},
		"detach from nobody":    {r.DetachPolicy(ctx, by, other, "nobody", "kept"), identity.ErrNoSuchUser},
		"inline of nobody gone": {r.DeleteUserPolicy(ctx, by, other, "nobody", "p"), identity.ErrNoSuchUser},
	} {
		want(t, name, c.got, c.want)
	}
	var syntax *policy.SyntaxError
	if err := r.PutPolicy(ctx, by, other, "p", []byte("{\n bad")); !errors.As(err, &syntax) || syntax.Line != 2 {
		t.Errorf("malformed policy: %v", err)
	}
	if after := dump(t, r); after != before {
		t.Errorf("refusals changed\n%sto\n%s", before, after)
	}
}

func TestLimits(t *testing.T) {
	r := open(t, &identitytest.Rows{})
	mustUser(t, r, home, "bob")
	for what, c := range map[string]struct {
		max  int
		make func(n int) error
	}{
		"keys": {16, func(int) error {
			_, err := r.CreateKey(t.Context(), by, identity.KeySpec{Account: home, User: "bob"})
			return err
		}},
		"inline policies": {16, func(n int) error {
			return r.PutUserPolicy(t.Context(), by, home, "bob", fmt.Sprint("p", n), []byte(allowAll))
		}},
		"devices": {8, func(n int) error {
			_, err := r.EnrollMFA(t.Context(), by, home, fmt.Sprint("d", n))
			return err
		}},
	} {
		for n := range c.max {
			must(t, c.make(n))
		}
		err := c.make(c.max)
		want(t, what, err, identity.ErrLimit)
		var limit *identity.LimitError
		if errors.As(err, &limit); limit == nil || limit.Max != c.max {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Repeating what holds writes nothing.
func TestNothingToChange(t *testing.T) {
	rows := &identitytest.Rows{}
	r := populated(t, rows)
	saves := len(rows.Saves())
	must(t, r.SetKeyActive(t.Context(), by, "bobkey", true))
	must(t, r.AttachPolicy(t.Context(), by, other, "bob", "kept"))
	must(t, r.PutPolicy(t.Context(), by, other, "kept", []byte(allowAll)))
	must(t, r.PutUserPolicy(t.Context(), by, other, "bob", "own", []byte(allowAll)))
	if n := len(rows.Saves()) - saves; n != 0 {
		t.Errorf("%d saves", n)
	}
}

// A user who comes back under the same name is somebody else.
func TestUserIDs(t *testing.T) {
	r := open(t, &identitytest.Rows{})
	first := mustUser(t, r, home, "bob")
	must(t, r.DeleteUser(t.Context(), by, home, "bob", false))
	if second := mustUser(t, r, home, "bob"); second.ID == first.ID || len(second.ID) != 20 {
		t.Errorf("ids %q and %q", first.ID, second.ID)
	}
}
