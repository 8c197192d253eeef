package identity

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// CreateAccount makes an account, with a root key whose secret is not to be had again.
func (r *Registry) CreateAccount(ctx context.Context, by By, spec AccountSpec) (Account, NewKey, error) {
	var account Account
	var root NewKey
	err := r.change(ctx, by, "create account", spec.ID, func(e *edit) (err error) {
		if spec.ID == "" {
			if spec.ID, err = e.freeAccountID(); err != nil {
				return err
			}
		}
		if account, err = e.createAccount(spec, false); err != nil {
			return err
		}
		root, err = e.createKey(KeySpec{Account: account.ID})
		return err
	})
	if err != nil {
		return Account{}, NewKey{}, err
	}
	return account, root, nil
}

func (e *edit) createAccount(spec AccountSpec, fromFile bool) (Account, error) {
	if err := checkAccountID(spec.ID); err != nil {
		return Account{}, err
	}
	if spec.CanonicalID == "" {
		spec.CanonicalID = canonicalID(spec.ID)
	}
	if err := checkCanonicalID(spec.CanonicalID); err != nil {
		return Account{}, err
	}
	if spec.DisplayName == "" {
		spec.DisplayName = spec.ID
	}
	if err := checkDisplayName(spec.DisplayName); err != nil {
		return Account{}, err
	}
	if e.next.accounts[spec.ID] != nil {
		return Account{}, ErrExists
	}
	a := newAccount(Account{
		ID: spec.ID, CanonicalID: spec.CanonicalID, DisplayName: spec.DisplayName, Created: e.at(), FromFile: fromFile,
	})
	return a.Account, e.putAccount(a)
}

// freeAccountID returns a random id that no account has.
func (e *edit) freeAccountID() (string, error) {
	for {
		var n [8]byte
		if _, err := io.ReadFull(e.r.rand, n[:]); err != nil {
			return "", fmt.Errorf("random bytes: %w", err)
		}
		id := fmt.Sprintf("%012d", 1e11+binary.BigEndian.Uint64(n[:])%9e11)
		if e.next.accounts[id] == nil {
			return id, nil
		}
	}
}

// DeleteAccount removes an account with its root keys, policies and devices. Users are [ErrInUse], unless all is set: then
// they go as well. Buckets are not looked at. The account of the configuration is [ErrLastRoot].
func (r *Registry) DeleteAccount(ctx context.Context, by By, id string, all bool) error {
	return r.change(ctx, by, "delete account", id, func(e *edit) error {
		a, err := e.next.account(id)
		if err != nil {
			return err
		}
		if len(a.users) > 0 && !all && !a.configured {
			return fmt.Errorf("%w: it has users", ErrInUse)
		}
		return e.dropAccount(id)
	})
}

// CreateUser makes a user who has no keys and no policies.
func (r *Registry) CreateUser(ctx context.Context, by By, spec UserSpec) (User, error) {
	var made User
	err := r.change(ctx, by, "create user", spec.Account+"/"+spec.Name, func(e *edit) (err error) {
		a, err := e.next.account(spec.Account)
		if err != nil {
			return err
		}
		if a.users[spec.Name] != nil {
			return ErrExists
		}
		made, err = e.createUser(spec, false)
		return err
	})
	if err != nil {
		return User{}, err
	}
	return made, nil
}

func (e *edit) createUser(spec UserSpec, fromFile bool) (User, error) {
	if spec.Path == "" {
		spec.Path = "/"
	}
	if err := checkName("user name", spec.Name, maxName); err != nil {
		return User{}, err
	}
	if err := checkPath(spec.Path); err != nil {
		return User{}, err
	}
	id, err := e.random(userIDBytes)
	if err != nil {
		return User{}, err
	}
	u := newUser(User{
		Account: spec.Account, Name: spec.Name, Path: spec.Path, ID: userIDPrefix + id, Created: e.at(), FromFile: fromFile,
	})
	return u.User, e.putUser(u)
}

// DeleteUser removes a user. Access keys and policies are [ErrInUse], as in IAM, unless all is set: then they go as well.
func (r *Registry) DeleteUser(ctx context.Context, by By, account, name string, all bool) error {
	return r.change(ctx, by, "delete user", account+"/"+name, func(e *edit) error {
		u, err := e.next.user(account, name)
		if err != nil {
			return err
		}
		if len(u.keys)+len(u.inline)+len(u.attached) > 0 && !all {
			return fmt.Errorf("%w: it has access keys or policies", ErrInUse)
		}
		return e.dropUser(account, name)
	})
}
