// Package identitytest keeps the rows of a registry of identities in memory, for tests of what uses one.
package identitytest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/seed61737384/tombstone/identity"
)

// Rows keeps rows in memory as a store does on disk. It may be opened by one registry after the other, as if a server was
// started again. The zero value holds nothing and is ready for use.
type Rows struct {
	// Fail, if set, is asked before each change, which then is not made: "save", "uses" or "advance". It must be set
	// before the rows are used.
	Fail func(what string) error

	mu    sync.Mutex // protects what follows
	rows  map[string][]byte
	steps map[string]uint64
	saves []Save
}

// Save is one call of SaveIdentities that succeeded.
type Save struct {
	By    identity.By
	Names []string // of the rows that were set or removed, sorted
}

var _ identity.Rows = (*Rows)(nil)

// LoadIdentities implements [identity.Rows].
func (r *Rows) LoadIdentities(_ context.Context, fn func(name string, value []byte) error) error {
	rows := r.Rows()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if err := fn(name, rows[name]); err != nil {
			return err
		}
	}
	return nil
}

// SaveIdentities implements [identity.Rows].
func (r *Rows) SaveIdentities(ctx context.Context, rows map[string][]byte, by identity.By) error {
	if err := r.save(ctx, "save", rows); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saves = append(r.saves, Save{By: by, Names: slices.Sorted(maps.Keys(rows))})
	return nil
}

// SaveUses implements [identity.Rows].
func (r *Rows) SaveUses(ctx context.Context, rows map[string][]byte) error {
	return r.save(ctx, "uses", rows)
}

func (r *Rows) save(ctx context.Context, what string, rows map[string][]byte) error {
	if err := r.fail(ctx, what); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = make(map[string][]byte)
	}
	for name, value := range rows {
		if value == nil {
			delete(r.rows, name)
		} else {
			r.rows[name] = bytes.Clone(value)
		}
	}
	return nil
}

// AdvanceMFA implements [identity.Rows].
func (r *Rows) AdvanceMFA(ctx context.Context, serial string, step uint64) (bool, error) {
	if err := r.fail(ctx, "advance"); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.steps == nil {
		r.steps = make(map[string]uint64)
	}
	if step <= r.steps[serial] {
		return false, nil
	}
	r.steps[serial] = step
	return true, nil
}

func (r *Rows) fail(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil || r.Fail == nil {
		return err
	}
	return r.Fail(what)
}

// Rows returns a copy of all rows.
func (r *Rows) Rows() map[string][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := make(map[string][]byte, len(r.rows))
	for name, value := range r.rows {
		rows[name] = bytes.Clone(value)
	}
	return rows
}

// Set makes row name hold value, as a fault of the disk would; nil removes it.
func (r *Rows) Set(name string, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = make(map[string][]byte)
	}
	if r.rows[name] = value; value == nil {
		delete(r.rows, name)
	}
}

// Saves returns the changes so far.
func (r *Rows) Saves() []Save {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.saves)
}
