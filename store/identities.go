package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/seed61737384/tombstone/store/engine"
)

// maxIdentityName bounds the name of an account row, bytes, so that its key is no
// longer than others.
const maxIdentityName = MaxKeyBytes

// ErrIdentityName says that the name of an account row is empty or too long.
var ErrIdentityName = errors.New("name of an identity cannot be stored")

func accountKey(name string) []byte { return append([]byte{byte(accountTable)}, name...) }

func mfaKey(serial string) []byte { return append([]byte{byte(mfaTable)}, serial...) }

// LoadIdentities calls fn for each row of the account table in the order of their
// names, until it fails. value is valid within the call only.
func (s *Store) LoadIdentities(ctx context.Context, fn func(name string, value []byte) error) error {
	start := accountKey("")
	err := s.view(ctx, func(r engine.Reader) error {
		var bad error
		_, err := r.Scan(engine.Range{Start: start, End: prefixEnd(start)}, func(k, v []byte) bool {
			bad = fn(string(k[1:]), v)
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return &Error{Op: "load identities", Err: err}
	}
	return nil
}

// SaveIdentities sets rows of the account table, and removes those whose value is
// nil: all or nothing, in the ledger too, and durable when it returns.
func (s *Store) SaveIdentities(ctx context.Context, rows map[string][]byte, made Maker) error {
	entries := make([]ledgerEntry, 0, len(rows))
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		e := ledgerEntry{change: LedgerIdentityChanged, key: name, after: "set"}
		if rows[name] == nil {
			e.after = "removed"
		}
		entries = append(entries, e)
	}
	return s.saveIdentities(ctx, rows, made, entries...)
}

// SaveUses is [Store.SaveIdentities] for notes of when access keys were last used:
// the ledger does not tell of them.
func (s *Store) SaveUses(ctx context.Context, rows map[string][]byte) error {
	return s.saveIdentities(ctx, rows, Maker{})
}

func (s *Store) saveIdentities(ctx context.Context, rows map[string][]byte, made Maker, entries ...ledgerEntry) error {
	mutations := make([]engine.Mutation, 0, len(rows))
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if name == "" || len(name) > maxIdentityName {
			return &Error{Op: "save identities", Err: ErrIdentityName}
		}
		if value := rows[name]; value != nil {
			mutations = append(mutations, engine.Set(accountKey(name), value))
		} else {
			mutations = append(mutations, engine.Delete(accountKey(name)))
		}
	}
	err := s.protecting(ctx)
	if err == nil {
		err = s.commitNoted(ctx, nil, mutations, ledgerPlace{}, made, entries...)
	}
	if err == nil {
		err = s.forceSync(ctx)
	}
	if err != nil {
		return &Error{Op: "save identities", Err: err}
	}
	return nil
}

// protecting is called before the first row that an older version would not heed.
func (s *Store) protecting(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.useFeature(ctx, featureProtection)
}

// forceSync makes durable what was committed, where commits alone do not.
func (s *Store) forceSync(ctx context.Context) error {
	if s.options.Durability != Relaxed {
		return nil
	}
	return s.cause(s.engine.Sync(context.WithoutCancel(ctx)))
}

// Fields of a row of the mfa table.
const mfaStep = 1

func encodeMFA(step uint64) []byte {
	f := fields{}
	f.uint(mfaStep, step)
	return f
}

func decodeMFA(row []byte) (step uint64, err error) {
	ok := true
	_, err = readFields(row, func(tag uint64, p []byte) (bool, error) {
		if tag == mfaStep {
			step = readUint(p, &ok)
		}
		return tag == mfaStep, nil
	})
	if err == nil && (!ok || step == 0) {
		err = errRecord
	}
	return step, err
}

// AdvanceMFA makes step the last accepted one of an MFA device if the last one is
// below it, and says whether it did (spec OL2-17). Of concurrent calls with one step
// exactly one is told so, and not before it is durable under any durability.
func (s *Store) AdvanceMFA(ctx context.Context, serial string, step uint64) (bool, error) {
	advanced, err := s.advanceMFA(ctx, serial, step)
	if err != nil {
		return false, &Error{Op: "advance MFA device", Err: err}
	}
	return advanced, nil
}

// advanceMFA does not clear up a commit of unknown outcome: what another call wrote
// looks the same. The step may be spent then for nobody, and never for two.
func (s *Store) advanceMFA(ctx context.Context, serial string, step uint64) (bool, error) {
	if serial == "" || len(serial) > maxIdentityName {
		return false, ErrIdentityName
	}
	if err := s.protecting(ctx); err != nil {
		return false, err
	}
	key := mfaKey(serial)
	for range maxAttempts {
		was, last, err := s.lastMFA(ctx, key)
		if err != nil || step <= last {
			return false, err
		}
		err = s.engine.Commit(ctx, []engine.Guard{{Key: key, Value: was}}, []engine.Mutation{engine.Set(key, encodeMFA(step))})
		if err == nil {
			err = s.forceSync(ctx)
		}
		if !errors.Is(err, engine.ErrConflict) {
			return err == nil, s.cause(err)
		}
	}
	return false, ErrBusy
}

// lastMFA returns the row of key, nil if there is none, and the step it holds.
func (s *Store) lastMFA(ctx context.Context, key []byte) (row []byte, last uint64, err error) {
	err = s.view(ctx, func(r engine.Reader) error {
		value, found, err := r.Get(key)
		if err != nil || !found {
			return err
		}
		row = value
		last, err = decodeMFA(value)
		return err
	})
	return row, last, err
}
