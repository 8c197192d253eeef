package identity

import (
	"encoding/base32"
	"fmt"
	"io"
	"time"
)

// userName names a user within the registry.
type userName struct{ account, name string }

// edit is a change in the making: a copy of the snapshot, and the rows that differ. Its put and drop methods keep both in
// step; place methods change the copy alone, for what has its row already.
type edit struct {
	r        *Registry
	next     *snapshot
	rows     map[string][]byte // nil removes
	accounts map[string]bool   // that are the edit's own copies
	users    map[userName]bool // likewise; their callers are made anew by finish
	loading  bool              // rows are being read: what they say was checked when they were written
	lost     []string          // rows that were read and are to be forgotten
}

func (r *Registry) edit(base *snapshot) *edit {
	return &edit{
		r: r, next: base.clone(), rows: make(map[string][]byte),
		accounts: make(map[string]bool), users: make(map[userName]bool),
	}
}

// ownAccount returns an account that may be changed.
func (e *edit) ownAccount(id string) (*account, error) {
	a, err := e.next.account(id)
	if err != nil || e.accounts[id] {
		return a, err
	}
	a = a.clone()
	e.next.accounts[id], e.accounts[id] = a, true
	return a, nil
}

// ownUser returns a user that may be changed, of an account that may be changed.
func (e *edit) ownUser(account, name string) (*user, error) {
	a, err := e.ownAccount(account)
	if err != nil {
		return nil, err
	}
	u, err := a.user(name)
	if err != nil || e.users[userName{account, name}] {
		return u, err
	}
	u = u.clone()
	a.users[name], e.users[userName{account, name}] = u, true
	return u, nil
}

// ownKey returns an access key that may be changed.
func (e *edit) ownKey(accessKey string) (*key, error) {
	k := e.next.keys[accessKey]
	switch {
	case k == nil:
		return nil, ErrNoSuchKey
	case k.Configured:
		return nil, fmt.Errorf("%w: it is the one of the configuration", ErrLastRoot)
	}
	c := *k
	e.next.keys[accessKey] = &c
	return &c, nil
}

// set is the row of name, unless rows are being read.
func (e *edit) set(name string, value []byte) {
	if !e.loading {
		e.rows[name] = value
	}
}

func (e *edit) placeAccount(a *account) error {
	if other, taken := e.next.canonical[a.CanonicalID]; taken && other != a.ID {
		return fmt.Errorf("%w: canonical id of account %s", ErrExists, other)
	}
	e.next.accounts[a.ID], e.accounts[a.ID] = a, true
	e.next.canonical[a.CanonicalID] = a.ID
	return nil
}

// putAccount stores an account that may be changed, or a new one.
func (e *edit) putAccount(a *account) error {
	if err := e.placeAccount(a); err != nil {
		return err
	}
	a.stored = true
	e.set(rowName(kindAccount, a.ID), encodeAccount(a))
	return nil
}

func (e *edit) placeUser(u *user) error {
	a, err := e.ownAccount(u.Account)
	if err != nil {
		return err
	}
	a.users[u.Name], e.users[userName{u.Account, u.Name}] = u, true
	return nil
}

func (e *edit) putUser(u *user) error {
	if err := e.placeUser(u); err != nil {
		return err
	}
	e.set(rowName(kindUser, u.Account, u.Name), encodeUser(u))
	return nil
}

// placeKey hands k to its user or root. Its caller is set by finish.
func (e *edit) placeKey(k *key, secret string) error {
	if other := e.next.keys[k.AccessKey]; other != nil && (other.Account != k.Account || other.User != k.User) {
		return fmt.Errorf("%w: access key %s is that of %s", ErrExists, k.AccessKey, holder(other.Key))
	}
	k.secret = NewSecret(secret)
	if k.User == "" {
		a, err := e.ownAccount(k.Account)
		if err != nil {
			return err
		}
		a.keys = insertSorted(a.keys, k.AccessKey)
	} else {
		u, err := e.ownUser(k.Account, k.User)
		if err != nil {
			return err
		}
		u.keys = insertSorted(u.keys, k.AccessKey)
	}
	e.next.keys[k.AccessKey] = k
	return nil
}

// holder says whose a key is.
func holder(k Key) string {
	if k.User == "" {
		return "the root of " + k.Account
	}
	return k.Account + "/" + k.User
}

func (e *edit) putKey(k *key, secret string) error {
	if err := e.placeKey(k, secret); err != nil {
		return err
	}
	name := rowName(kindKey, k.AccessKey)
	sealed, err := e.r.sealed(name, secret)
	if err != nil {
		return err
	}
	e.set(name, encodeKey(k, sealed))
	return nil
}

func (e *edit) putPolicy(account string, d *document) error {
	a, err := e.ownAccount(account)
	if err != nil {
		return err
	}
	a.policies[d.Name] = d
	for name, u := range a.users {
		if u.attached[d.Name] != nil {
			if _, err := e.ownUser(account, name); err != nil {
				return err
			}
		}
	}
	e.set(rowName(kindPolicy, account, d.Name), encodePolicy(d))
	return nil
}

func (e *edit) putInline(account, name string, d *document) error {
	u, err := e.ownUser(account, name)
	if err != nil {
		return err
	}
	u.inline[d.Name] = d
	e.set(rowName(kindInline, account, name, d.Name), encodePolicy(d))
	return nil
}

func (e *edit) putAttached(account, name, policy string, at *attachment) error {
	u, err := e.ownUser(account, name)
	if err != nil {
		return err
	}
	u.attached[policy] = at
	e.set(rowName(kindAttached, account, name, policy), encodeAttached(at))
	return nil
}

func (e *edit) placeDevice(d *device, secret string) error {
	if other := e.next.devices[d.Serial]; other != nil && other.Account != d.Account {
		return fmt.Errorf("%w: the device is one of account %s", ErrExists, other.Account)
	}
	a, err := e.ownAccount(d.Account)
	if err != nil {
		return err
	}
	a.devices = insertSorted(a.devices, d.Serial)
	d.secret = NewSecret(secret)
	e.next.devices[d.Serial] = d
	return nil
}

func (e *edit) putDevice(d *device, secret string) error {
	if err := e.placeDevice(d, secret); err != nil {
		return err
	}
	name := rowName(kindDevice, d.Serial)
	sealed, err := e.r.sealed(name, secret)
	if err != nil {
		return err
	}
	e.set(name, encodeDevice(d, sealed))
	return nil
}

// at is the time of the change, as it is stored.
func (e *edit) at() time.Time { return e.r.now().UTC().Truncate(time.Millisecond) }

// random returns n bytes as base32, whose length is 8 characters for 5 bytes.
func (e *edit) random(n int) (string, error) {
	bytes := make([]byte, n)
	if _, err := io.ReadFull(e.r.rand, bytes); err != nil {
		return "", fmt.Errorf("random bytes: %w", err)
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bytes), nil
}
