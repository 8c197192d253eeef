package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed61737384/tombstone/auth/policy"
)

// stored is a row as it was read: the parts of its name behind the kind, and its value.
type stored struct {
	parts []string
	value []byte
}

// kinds says, in the order in which rows are put together, how many parts a name has behind its kind, and what its row is.
var kinds = []struct {
	kind  string
	parts int
	place func(*edit, stored) error
}{
	{kindSecrets, 0, (*edit).loadSecrets},
	{kindAccount, 1, (*edit).loadAccount},
	{kindUser, 2, (*edit).loadUser},
	{kindKey, 1, (*edit).loadKey},
	{kindPolicy, 2, (*edit).loadPolicy},
	{kindInline, 3, (*edit).loadInline},
	{kindAttached, 3, (*edit).loadAttached},
	{kindDevice, 1, (*edit).loadDevice},
	{kindUsed, 1, (*edit).loadUsed},
}

// load makes the first snapshot of the configured root and all rows.
func (r *Registry) load(ctx context.Context, root RootCredential) error {
	rows := make(map[string][]stored)
	err := r.rows.LoadIdentities(ctx, func(name string, value []byte) error {
		kind, parts, err := splitName(name)
		if err == nil {
			rows[kind] = append(rows[kind], stored{parts, bytes.Clone(value)})
		}
		return err
	})
	if err != nil {
		return err
	}
	e := r.edit(newSnapshot())
	e.loading = true
	if err := e.placeRoot(root); err != nil {
		return err
	}
	for _, k := range kinds {
		for _, row := range rows[k.kind] {
			if err := k.place(e, row); err != nil {
				return rowError(rowName(append([]string{k.kind}, row.parts...)...), err)
			}
		}
	}
	if err := e.finish(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	r.snapshot.Store(e.next)
	if r.forgets {
		return r.forget(ctx, e)
	}
	return nil
}

// rowError names the row that something is wrong with.
func rowError(name string, err error) error {
	var syntax *policy.SyntaxError
	missing := errors.Is(err, ErrNoSuchAccount) || errors.Is(err, ErrNoSuchUser)
	if missing || errors.Is(err, errRecord) || errors.As(err, &syntax) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("row %q: %w", name, err)
}

// placeRoot begins a snapshot with what is configured.
func (e *edit) placeRoot(root RootCredential) error {
	p := root.Account
	if p.CanonicalID == "" {
		p.CanonicalID = canonicalID(p.Account)
	}
	if p.DisplayName == "" {
		p.DisplayName = p.Account
	}
	a := newAccount(Account{ID: p.Account, CanonicalID: p.CanonicalID, DisplayName: p.DisplayName})
	a.configured = true
	if err := errors.Join(checkAccountID(a.ID), checkPair(root.AccessKey, root.Secret)); err != nil {
		return err
	}
	if err := e.placeAccount(a); err != nil {
		return err
	}
	k := &key{Key: Key{AccessKey: root.AccessKey, Account: a.ID, Active: true, Configured: true}, use: &usage{}}
	return e.placeKey(k, root.Secret)
}

func (e *edit) loadSecrets(row stored) error {
	sealed, err := decodeSecrets(row.value)
	if err != nil {
		return err
	}
	text, err := e.r.unsealed(kindSecrets, sealed)
	e.r.checked = err == nil && text == checkText
	if !e.r.checked && !e.r.forgets {
		return ErrWrongKey
	}
	return nil
}

// loadAccount passes over the row of the default account: its configuration counts.
func (e *edit) loadAccount(row stored) error {
	a, err := decodeAccount(row.parts[0], row.value)
	if err != nil {
		return err
	}
	if configured := e.next.accounts[a.ID]; configured != nil {
		configured.stored, configured.unknown = true, a.unknown
		return nil
	}
	return e.placeAccount(a)
}

func (e *edit) loadUser(row stored) error {
	u, err := decodeUser(row.parts[0], row.parts[1], row.value)
	if err != nil {
		return err
	}
	return e.placeUser(u)
}

func (e *edit) loadKey(row stored) error {
	k, sealed, err := decodeKey(row.parts[0], row.value)
	if err != nil {
		return err
	}
	if other := e.next.keys[k.AccessKey]; other != nil && other.Configured {
		return fmt.Errorf("%w: the access key of the configured root is that of %s; configure another one, or delete that key first",
			ErrExists, holder(k.Key))
	}
	secret, err := e.r.unsealed(rowName(kindKey, k.AccessKey), sealed)
	if err != nil {
		return e.lose(rowName(kindKey, k.AccessKey), err)
	}
	return e.placeKey(k, secret)
}

func (e *edit) loadPolicy(row stored) error {
	d, err := decodePolicy(row.parts[1], row.value)
	if err != nil {
		return err
	}
	return e.putPolicy(row.parts[0], d)
}

func (e *edit) loadInline(row stored) error {
	d, err := decodePolicy(row.parts[2], row.value)
	if err != nil {
		return err
	}
	return e.putInline(row.parts[0], row.parts[1], d)
}

func (e *edit) loadAttached(row stored) error {
	at, err := decodeAttached(row.value)
	if err != nil {
		return err
	}
	return e.putAttached(row.parts[0], row.parts[1], row.parts[2], at)
}

func (e *edit) loadDevice(row stored) error {
	d, sealed, err := decodeDevice(row.parts[0], row.value)
	if err != nil {
		return err
	}
	secret, err := e.r.unsealed(rowName(kindDevice, d.Serial), sealed)
	if err != nil {
		return e.lose(rowName(kindDevice, d.Serial), err)
	}
	return e.placeDevice(d, secret)
}

// loadUsed passes over a note of a key that is gone, such as a root key that was configured before.
func (e *edit) loadUsed(row stored) error {
	ms, err := decodeUsed(row.value)
	if err != nil {
		return err
	}
	if k := e.next.keys[row.parts[0]]; k != nil {
		k.use.last.Store(ms)
		k.use.written = ms
	}
	if slices.Contains(e.lost, rowName(kindKey, row.parts[0])) {
		e.lost = append(e.lost, rowName(kindUsed, row.parts[0]))
	}
	return nil
}
