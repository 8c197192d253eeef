package api

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// principals are the accounts and users that requests of a test come from. Each has one
// key, which is named after it.
type principals struct {
	t        testing.TB
	registry *identity.Registry
}

// newPrincipals returns a registry that has the root of the server's account only.
func newPrincipals(t testing.TB, c clock.Clock) *principals {
	t.Helper()
	registry, err := identity.Open(t.Context(), identity.Options{
		Rows:       &identitytest.Rows{},
		SecretsKey: [32]byte{1},
		Now:        c.Now,
		Root: identity.RootCredential{
			Account:   policy.Principal{Account: testOwner.Account, CanonicalID: testOwner.CanonicalID, DisplayName: testOwner.DisplayName},
			AccessKey: testKey, Secret: testSecret,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { registry.Close(context.Background()) })
	return &principals{t, registry}
}

// newPrincipalsServer starts a server whose principals can be made.
func newPrincipalsServer(t testing.TB) (s *testServer, who *principals) {
	t.Helper()
	s = newTestServer(t, func(o *Options) {
		who = newPrincipals(t, o.Clock)
		who.use(o)
	})
	return s, who
}

// use makes p the principals of a server.
func (p *principals) use(o *Options) {
	o.Identities, o.Verifier = p.registry, &auth.Verifier{Keys: p.registry}
}

// account makes an account, whose root signs by the name.
func (p *principals) account(name, id string) {
	p.t.Helper()
	ctx := context.Background()
	spec := identity.AccountSpec{ID: id, CanonicalID: strings.Repeat("0", 52) + id, DisplayName: name}
	if _, _, err := p.registry.CreateAccount(ctx, identity.By{}, spec); err != nil {
		p.t.Fatal(err)
	}
	p.key(id, "", name)
}

// user makes a user with a policy, or gives one that there is another policy. Without
// one, the user has none.
func (p *principals) user(account, name, document string) {
	p.t.Helper()
	ctx := context.Background()
	if _, err := p.registry.User(account, name); err != nil {
		if _, err := p.registry.CreateUser(ctx, identity.By{}, identity.UserSpec{Account: account, Name: name}); err != nil {
			p.t.Fatal(err)
		}
		p.key(account, name, name)
	}
	var err error
	if document == "" {
		err = p.registry.DeleteUserPolicy(ctx, identity.By{}, account, name, "inline")
	} else {
		err = p.registry.PutUserPolicy(ctx, identity.By{}, account, name, "inline", []byte(document))
	}
	if err != nil && document != "" {
		p.t.Fatal(err)
	}
}

func (p *principals) key(account, user, name string) {
	p.t.Helper()
	spec := identity.KeySpec{Account: account, User: user, AccessKey: keyOf(name), Secret: secretOf(name)}
	if _, err := p.registry.CreateKey(context.Background(), identity.By{}, spec); err != nil {
		p.t.Fatal(err)
	}
}

func keyOf(name string) string {
	if name == "" {
		return testKey
	}
	return "KEYOF" + strings.ToUpper(name)
}

func secretOf(name string) string {
	if name == "" {
		return testSecret
	}
	return "secret-of-" + name
}

// principal carries out the commands of a conversation that make principals.
func (c *conversation) principal(t *testing.T, d *datadriven.TestData) string {
	account := testOwner.Account
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "id", "account":
			account = arg.Vals[0]
		case "attach":
			defer func() {
				err := c.principals.registry.AttachPolicy(t.Context(), identity.By{}, account, d.CmdArgs[0].Key, arg.Vals[0])
				if err != nil {
					t.Fatal(err)
				}
			}()
		default:
			t.Fatalf("%s: unknown argument %q", d.Pos, arg.Key)
		}
	}
	if d.Cmd == "account" {
		c.principals.account(d.CmdArgs[0].Key, account)
		return ""
	}
	c.principals.user(account, d.CmdArgs[0].Key, c.expand(d.Input))
	return ""
}
