package identity

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
)

// snapshot is all that is known at one moment. Nothing in it changes once it is published, but the counters that usage and
// attempts keep for the request path.
type snapshot struct {
	accounts  map[string]*account // by id
	canonical map[string]string   // account id by canonical id
	keys      map[string]*key     // by access key, with disabled ones
	devices   map[string]*device  // by serial
}

// In each of these unknown holds the optional fields that a later version wrote into the row.

type account struct {
	Account
	configured bool // it is the default account
	stored     bool // it has a row
	unknown    []byte
	keys       []string // access keys of the root, sorted
	devices    []string // serials, sorted
	users      map[string]*user
	policies   map[string]*document
	caller     *Caller // its root
}

type user struct {
	User
	unknown  []byte
	keys     []string // access keys, sorted
	inline   map[string]*document
	attached map[string]*attachment
	caller   *Caller
}

// document is an inline policy, or one that an account keeps.
type document struct {
	Policy
	unknown []byte
	parsed  *policy.Document
}

// attachment is a policy attached to a user.
type attachment struct {
	created  time.Time
	fromFile bool
	unknown  []byte
}

type key struct {
	Key
	unknown []byte
	secret  Secret
	caller  *Caller
	use     *usage
}

type device struct {
	Device
	unknown []byte
	secret  Secret // base32 without padding
	codes   *attempts
}

// usage is when a key was last used, milliseconds since 1970. All snapshots share it.
type usage struct {
	last    atomic.Int64
	written int64 // what its row says; protected by Registry.mu
}

func newSnapshot() *snapshot {
	return &snapshot{
		accounts: make(map[string]*account), canonical: make(map[string]string),
		keys: make(map[string]*key), devices: make(map[string]*device),
	}
}

func (s *snapshot) clone() *snapshot {
	return &snapshot{
		accounts: maps.Clone(s.accounts), canonical: maps.Clone(s.canonical),
		keys: maps.Clone(s.keys), devices: maps.Clone(s.devices),
	}
}

func newAccount(a Account) *account {
	return &account{Account: a, users: make(map[string]*user), policies: make(map[string]*document)}
}

func (a *account) clone() *account {
	c := *a
	c.keys, c.devices = slices.Clone(a.keys), slices.Clone(a.devices)
	c.users, c.policies = maps.Clone(a.users), maps.Clone(a.policies)
	return &c
}

func newUser(u User) *user {
	return &user{User: u, inline: make(map[string]*document), attached: make(map[string]*attachment)}
}

func (u *user) clone() *user {
	c := *u
	c.keys = slices.Clone(u.keys)
	c.inline, c.attached = maps.Clone(u.inline), maps.Clone(u.attached)
	return &c
}

func (s *snapshot) account(id string) (*account, error) {
	if a := s.accounts[id]; a != nil {
		return a, nil
	}
	return nil, ErrNoSuchAccount
}

func (a *account) user(name string) (*user, error) {
	if u := a.users[name]; u != nil {
		return u, nil
	}
	return nil, ErrNoSuchUser
}

// user returns a user by account and name.
func (s *snapshot) user(account, name string) (*user, error) {
	a, err := s.account(account)
	if err != nil {
		return nil, err
	}
	return a.user(name)
}

// document returns the policy of a name: built in, or kept by the account.
func (a *account) document(name string) (*policy.Document, error) {
	if d, ok := policy.Managed(name); ok {
		return d, nil
	}
	if d := a.policies[name]; d != nil {
		return d.parsed, nil
	}
	return nil, ErrNoSuchPolicy
}

// principal returns the root of a.
func (a *account) principal() policy.Principal {
	return policy.Principal{Account: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName}
}

// callerOf makes what decisions need to know of u: inline policies first, each kind by name.
func (a *account) callerOf(u *user) (*Caller, error) {
	c := &Caller{Principal: a.principal()}
	c.Principal.User, c.Principal.Path, c.Principal.UserID = u.Name, u.Path, u.ID
	if n := len(u.inline) + len(u.attached); n > 0 {
		c.Policies = make([]policy.Named, 0, n)
	}
	for _, name := range slices.Sorted(maps.Keys(u.inline)) {
		c.Policies = append(c.Policies, policy.Named{Name: name, Document: u.inline[name].parsed})
	}
	for _, name := range slices.Sorted(maps.Keys(u.attached)) {
		d, err := a.document(name)
		if err != nil {
			return nil, &Error{Op: "attached policy", Subject: name, Err: err}
		}
		c.Policies = append(c.Policies, policy.Named{Name: name, Document: d})
	}
	return c, nil
}

// insertSorted returns list with s in its place, once.
func insertSorted(list []string, s string) []string {
	i, found := slices.BinarySearch(list, s)
	if found {
		return list
	}
	return slices.Insert(list, i, s)
}

// removeSorted returns list without s.
func removeSorted(list []string, s string) []string {
	if i, found := slices.BinarySearch(list, s); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}
