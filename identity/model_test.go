package identity_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// model is what a registry should be, in the simplest form: sets of names, each with what it belongs to in front.
type model struct {
	accounts map[string]bool
	users    map[string]bool   // account/user
	keys     map[string]string // access key -> account/user, or account/ of a root
	disabled map[string]bool   // access key
	kept     map[string]string // account/policy -> document
	inline   map[string]string // account/user/policy -> document
	attached map[string]bool   // account/user/policy
}

func newModel() *model {
	return &model{
		accounts: map[string]bool{home: true}, users: map[string]bool{}, keys: map[string]string{}, disabled: map[string]bool{},
		kept: map[string]string{}, inline: map[string]string{}, attached: map[string]bool{},
	}
}

// owns says whether anything of a set begins with prefix.
func owns[V any](set map[string]V, prefix string) bool {
	for name := range set {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func forget[V any](set map[string]V, prefix string) {
	maps.DeleteFunc(set, func(name string, _ V) bool { return strings.HasPrefix(name, prefix) })
}

// missing is the error about a user, or the root of an account, that is not there.
func (m *model) missing(account, user string) error {
	switch {
	case !m.accounts[account]:
		return identity.ErrNoSuchAccount
	case user != "" && !m.users[account+"/"+user]:
		return identity.ErrNoSuchUser
	}
	return nil
}

func (m *model) keysOf(holder string) (list []string) {
	for k, h := range m.keys {
		if h == holder {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	return list
}

func (m *model) dropKey(k string) {
	delete(m.keys, k)
	delete(m.disabled, k)
}

func (m *model) dropUser(account, user string) {
	for _, k := range m.keysOf(account + "/" + user) {
		m.dropKey(k)
	}
	delete(m.users, account+"/"+user)
	forget(m.inline, account+"/"+user+"/")
	forget(m.attached, account+"/"+user+"/")
}

// step is one random change of the registry and the model, and what each answers.
type step struct {
	name    string
	account string
	user    string
	key     string
	policy  string
	text    string
	flag    bool
}

func randomStep(rng *rand.Rand) step {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	return step{
		name: pick("account", "no account", "user", "user", "no user", "key", "key", "key", "status", "no key", "policy", "policy", "no policy",
			"inline", "inline", "no inline", "attach", "attach", "detach"),
		account: pick(home, other), user: pick("ann", "bob"), key: pick("key1", "key2", "key3", "key4"),
		policy: pick("p1", "p2", "auditor"), text: pick(allowAll, denyAll), flag: rng.IntN(2) == 0,
	}
}

// play makes the change in the registry.
func (s step) play(t *testing.T, r *identity.Registry) error {
	ctx := t.Context()
	switch s.name {
	case "account":
		_, _, err := r.CreateAccount(ctx, by, identity.AccountSpec{ID: s.account})
		return err
	case "no account":
		return r.DeleteAccount(ctx, by, s.account, s.flag)
	case "user":
		_, err := r.CreateUser(ctx, by, identity.UserSpec{Account: s.account, Name: s.user})
		return err
	case "no user":
		return r.DeleteUser(ctx, by, s.account, s.user, s.flag)
	case "key":
		_, err := r.CreateKey(ctx, by, identity.KeySpec{Account: s.account, User: s.user, AccessKey: s.key, Secret: "secret-of-" + s.key})
		return err
	case "status":
		return r.SetKeyActive(ctx, by, s.key, s.flag)
	case "no key":
		return r.DeleteKey(ctx, by, s.key)
	case "policy":
		return r.PutPolicy(ctx, by, s.account, s.policy, []byte(s.text))
	case "no policy":
		return r.DeletePolicy(ctx, by, s.account, s.policy)
	case "inline":
		return r.PutUserPolicy(ctx, by, s.account, s.user, s.policy, []byte(s.text))
	case "no inline":
		return r.DeleteUserPolicy(ctx, by, s.account, s.user, s.policy)
	case "attach":
		return r.AttachPolicy(ctx, by, s.account, s.user, s.policy)
	}
	return r.DetachPolicy(ctx, by, s.account, s.user, s.policy)
}

// judge says what the change should answer.
func (m *model) judge(s step) error {
	user, within := s.account+"/"+s.user, s.account+"/"+s.user+"/"+s.policy
	_, key := m.keys[s.key]
	_, kept := m.kept[s.account+"/"+s.policy]
	_, inline := m.inline[within]
	attached := func(name string) bool {
		return strings.HasPrefix(name, s.account+"/") && strings.HasSuffix(name, "/"+s.policy)
	}
	inUse := slices.ContainsFunc(slices.Collect(maps.Keys(m.attached)), attached)
	gone, noAccount := m.missing(s.account, s.user), m.missing(s.account, "")
	for _, c := range []struct {
		names string
		when  bool
		err   error
	}{
		{"account", m.accounts[s.account], identity.ErrExists},
		{"no account, user, policy, no policy", noAccount != nil, noAccount},
		{"no account", s.account == home, identity.ErrLastRoot},
		{"no account", owns(m.users, s.account+"/") && !s.flag, identity.ErrInUse},
		{"user", m.users[user], identity.ErrExists},
		{"key", key, identity.ErrExists},
		{"no user, key, inline, no inline, attach, detach", gone != nil, gone},
		{"no user", !s.flag && (len(m.keysOf(user)) > 0 || owns(m.inline, user+"/") || owns(m.attached, user+"/")), identity.ErrInUse},
		{"status, no key", !key, identity.ErrNoSuchKey},
		{"policy", s.policy == "auditor", identity.ErrExists},
		{"no policy", !kept, identity.ErrNoSuchPolicy},
		{"no policy", inUse, identity.ErrInUse},
		{"no inline", !inline, identity.ErrNoSuchPolicy},
		{"attach", s.policy != "auditor" && !kept, identity.ErrNoSuchPolicy},
		{"detach", !m.attached[within], identity.ErrNoSuchPolicy},
	} {
		if c.when && slices.Contains(strings.Split(c.names, ", "), s.name) {
			return c.err
		}
	}
	return nil
}

// apply makes a change that judge allows.
func (m *model) apply(s step) {
	user, within := s.account+"/"+s.user, s.account+"/"+s.user+"/"+s.policy
	switch s.name {
	case "account":
		m.accounts[s.account] = true
	case "no account":
		for _, u := range []string{"ann", "bob"} {
			m.dropUser(s.account, u)
		}
		delete(m.accounts, s.account)
		forget(m.kept, s.account+"/")
	case "user":
		m.users[user] = true
	case "no user":
		m.dropUser(s.account, s.user)
	case "key":
		m.keys[s.key] = user
	case "status":
		delete(m.disabled, s.key)
		if !s.flag {
			m.disabled[s.key] = true
		}
	case "no key":
		m.dropKey(s.key)
	case "policy":
		m.kept[s.account+"/"+s.policy] = s.text
	case "no policy":
		delete(m.kept, s.account+"/"+s.policy)
	case "inline":
		m.inline[within] = s.text
	case "no inline":
		delete(m.inline, within)
	case "attach":
		m.attached[within] = true
	case "detach":
		delete(m.attached, within)
	}
}

// callers writes who each key is, and what policies say of them.
func (m *model) callers() (list []string) {
	for _, k := range slices.Sorted(maps.Keys(m.keys)) {
		if m.disabled[k] {
			continue
		}
		line := k + " secret-of-" + k + " " + m.keys[k]
		for _, name := range slices.Sorted(maps.Keys(m.inline)) {
			if policy, ok := strings.CutPrefix(name, m.keys[k]+"/"); ok {
				line += " " + policy + m.inline[name]
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m.attached)) {
			if policy, ok := strings.CutPrefix(name, m.keys[k]+"/"); ok {
				account, _, _ := strings.Cut(name, "/")
				line += " " + policy + m.kept[account+"/"+policy]
			}
		}
		list = append(list, line)
	}
	return list
}

func callers(r *identity.Registry) (list []string) {
	for _, k := range []string{"key1", "key2", "key3", "key4"} {
		caller, ok := r.Caller(k)
		c, has := r.Credential(k)
		if ok != has {
			list = append(list, k+" is half there")
		}
		if !ok {
			continue
		}
		line := c.AccessKey + " " + c.Secret + " " + caller.Principal.Account + "/" + caller.Principal.User
		for _, p := range caller.Policies {
			line += " " + p.Name
			if p.Name != "auditor" || len(p.Document.JSON()) == len(allowAll) || len(p.Document.JSON()) == len(denyAll) {
				line += string(p.Document.JSON())
			}
		}
		list = append(list, line)
	}
	return list
}

// Random changes, failures and starts: the registry answers and is what the model says.
func TestRandomChanges(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	failing, full := false, errors.New("disk full")
	rows := &identitytest.Rows{Fail: func(string) error {
		if failing {
			return full
		}
		return nil
	}}
	r, m := open(t, rows), newModel()
	for n := range 2000 {
		s := randomStep(rng)
		wanted := m.judge(s)
		failing = rng.IntN(10) == 0
		saves := len(rows.Saves())
		err := s.play(t, r)
		switch {
		case failing && errors.Is(err, full):
		case !errors.Is(err, wanted) || (err == nil) != (wanted == nil):
			t.Fatalf("seed %d, change %d: %+v answers %v, want %v", seed, n, s, err, wanted)
		case err == nil:
			m.apply(s)
		case len(rows.Saves()) != saves:
			t.Fatalf("seed %d, change %d: %+v is refused and saved", seed, n, s)
		}
		failing = false
		if got, want := callers(r), m.callers(); !slices.Equal(got, want) {
			t.Fatalf("seed %d, change %d: after %+v (%v) there are\n%s\nwant\n%s", seed, n, s, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if n%100 == 0 {
			before := dump(t, r)
			must(t, r.Close(t.Context()))
			if r = open(t, rows); dump(t, r) != before {
				t.Fatal(fmt.Sprintf("seed %d, change %d: a start changed", seed, n), before)
			}
		}
	}
}
