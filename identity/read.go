package identity

import (
	"maps"
	"slices"
	"time"
)

// Account returns the account of an id.
func (r *Registry) Account(id string) (Account, bool) {
	if a := r.snapshot.Load().accounts[id]; a != nil {
		return a.Account, true
	}
	return Account{}, false
}

// AccountByCanonicalID returns the account of a canonical id.
func (r *Registry) AccountByCanonicalID(id string) (Account, bool) {
	s := r.snapshot.Load()
	if a := s.accounts[s.canonical[id]]; a != nil {
		return a.Account, true
	}
	return Account{}, false
}

// Accounts returns all accounts by id.
func (r *Registry) Accounts() []Account {
	s := r.snapshot.Load()
	accounts := make([]Account, 0, len(s.accounts))
	for _, id := range slices.Sorted(maps.Keys(s.accounts)) {
		accounts = append(accounts, s.accounts[id].Account)
	}
	return accounts
}

// Users returns the users of an account by name.
func (r *Registry) Users(account string) ([]User, error) {
	a, err := r.snapshot.Load().account(account)
	if err != nil {
		return nil, &Error{Op: "list users", Subject: account, Err: err}
	}
	users := make([]User, 0, len(a.users))
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		users = append(users, a.users[name].User)
	}
	return users, nil
}

// User returns a user.
func (r *Registry) User(account, name string) (User, error) {
	u, err := r.snapshot.Load().user(account, name)
	if err != nil {
		return User{}, &Error{Op: "read user", Subject: account + "/" + name, Err: err}
	}
	return u.User, nil
}

// Key returns an access key, active or not.
func (r *Registry) Key(accessKey string) (Key, error) {
	k := r.snapshot.Load().keys[accessKey]
	if k == nil {
		return Key{}, &Error{Op: "read key", Subject: accessKey, Err: ErrNoSuchKey}
	}
	return k.shown(), nil
}

// shown returns k with its last use.
func (k *key) shown() Key {
	shown := k.Key
	if ms := k.use.last.Load(); ms > 0 {
		shown.LastUsed = time.UnixMilli(ms).UTC()
	}
	return shown
}

// Keys returns the access keys of a user, or of an account's root if user is empty.
func (r *Registry) Keys(account, user string) ([]Key, error) {
	s := r.snapshot.Load()
	a, err := s.account(account)
	if err != nil {
		return nil, &Error{Op: "list keys", Subject: account, Err: err}
	}
	names := a.keys
	if user != "" {
		u, err := a.user(user)
		if err != nil {
			return nil, &Error{Op: "list keys", Subject: account + "/" + user, Err: err}
		}
		names = u.keys
	}
	keys := make([]Key, 0, len(names))
	for _, accessKey := range names {
		keys = append(keys, s.keys[accessKey].shown())
	}
	return keys, nil
}

// Policies returns the policies that an account keeps, by name. Those that are built in are no account's.
func (r *Registry) Policies(account string) ([]Policy, error) {
	a, err := r.snapshot.Load().account(account)
	if err != nil {
		return nil, &Error{Op: "list policies", Subject: account, Err: err}
	}
	return policies(a.policies), nil
}

// UserPolicies returns the inline policies of a user, and the names of those attached.
func (r *Registry) UserPolicies(account, name string) (inline []Policy, attached []string, err error) {
	u, err := r.snapshot.Load().user(account, name)
	if err != nil {
		return nil, nil, &Error{Op: "list policies", Subject: account + "/" + name, Err: err}
	}
	return policies(u.inline), slices.Sorted(maps.Keys(u.attached)), nil
}

func policies(documents map[string]*document) []Policy {
	list := make([]Policy, 0, len(documents))
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		list = append(list, documents[name].Policy)
	}
	return list
}

// Devices returns the MFA devices of an account by serial.
func (r *Registry) Devices(account string) ([]Device, error) {
	s := r.snapshot.Load()
	a, err := s.account(account)
	if err != nil {
		return nil, &Error{Op: "list devices", Subject: account, Err: err}
	}
	devices := make([]Device, 0, len(a.devices))
	for _, serial := range a.devices {
		devices = append(devices, s.devices[serial].Device)
	}
	return devices, nil
}
