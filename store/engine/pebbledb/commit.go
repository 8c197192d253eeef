package pebbledb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed61737384/tombstone/store/engine"
)

var (
	errEmptyKey = errors.New("pebbledb: empty key")
	errReadOnly = errors.New("pebbledb: opened for reading only")
)

// Commit implements [engine.Engine].
func (db *DB) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.gate.leave()
	if err := checkLimits(mutations); err != nil {
		return err
	}
	return db.commit(ctx, guards, mutations)
}

// commit does what Commit says, within the gate and the limits.
func (db *DB) commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	if db.readOnly && len(mutations) > 0 {
		return errReadOnly
	}
	batch, err := db.stage(ctx, guards, mutations)
	if err != nil || batch == nil {
		return err
	}
	return db.wait(batch)
}

// stage checks the guards and hands the mutations to Pebble, in one step as far
// as other transactions on the same keys can tell. It returns the batch whose
// durability is still to be waited for, nil if there is nothing to wait for.
func (db *DB) stage(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) (*pebble.Batch, error) {
	var set latchSet
	groups := make([]uint32, 0, len(guards)+len(mutations))
	for i := range guards {
		groups = append(groups, db.latches.group(guards[i].Key))
	}
	for i := range mutations {
		if mutations[i].Kind != engine.KindAdd {
			groups = append(groups, db.latches.group(mutations[i].Key))
		}
	}
	for _, g := range groups {
		set.add(g)
	}
	db.latches.lock(&set)
	defer db.latches.unlock(&set)
	guarded, written := groups[:len(guards)], groups[len(guards):]
	if err := db.checkGuards(ctx, guards, guarded); err != nil {
		return nil, err
	}
	if len(mutations) == 0 {
		return nil, nil
	}
	batch, err := db.build(mutations)
	if err != nil {
		return nil, err
	}
	if err := db.apply(batch, !db.noSync); err != nil {
		return nil, err
	}
	db.latches.changed(written)
	db.releases.record(mutations)
	return batch, nil
}

// checkGuards returns ErrConflict unless every guard holds now. It reads the keys
// that may have been written since they were seen.
func (db *DB) checkGuards(ctx context.Context, guards []engine.Guard, groups []uint32) (err error) {
	var doubtful []*engine.Guard
	for i := range guards {
		if !db.latches.unchangedSince(groups[i], guards[i].Seen) {
			doubtful = append(doubtful, &guards[i])
		}
	}
	if len(doubtful) == 0 {
		return nil
	}
	r, err := db.newReader(ctx)
	if err != nil {
		return err
	}
	defer r.closeInto(&err)
	for _, i := range ascending(len(doubtful), func(i int) []byte { return doubtful[i].Key }) {
		g := doubtful[i]
		value, found, err := r.peek(g.Key)
		if err != nil {
			return err
		}
		if found != (g.Value != nil) || !bytes.Equal(value, g.Value) {
			return engine.ErrConflict
		}
	}
	return nil
}

func (db *DB) build(mutations []engine.Mutation) (*pebble.Batch, error) {
	size := 16
	for i := range mutations {
		size += len(mutations[i].Key) + len(mutations[i].Value) + 16
	}
	batch := db.pebble.NewBatchWithSize(size)
	for _, i := range ascending(len(mutations), func(i int) []byte { return mutations[i].Key }) {
		if err := add(batch, &mutations[i]); err != nil {
			return nil, errors.Join(err, batch.Close())
		}
	}
	return batch, nil
}

func add(batch *pebble.Batch, m *engine.Mutation) error {
	switch m.Kind {
	case engine.KindSet:
		return batch.Set(m.Key, m.Value, nil)
	case engine.KindDelete:
		if m.Size > 0 && m.Size <= math.MaxUint32 {
			return batch.DeleteSized(m.Key, uint32(m.Size), nil)
		}
		return batch.Delete(m.Key, nil)
	case engine.KindAdd:
		return batch.Merge(m.Key, engine.Counters(m.Deltas).Append(nil), nil)
	default:
		return fmt.Errorf("pebbledb: mutation of unknown kind %d", m.Kind)
	}
}

// apply writes batch to Pebble's log and memtable. With sync it has to be
// followed by wait, which tells when the log is on disk. What goes wrong here
// goes wrong with the log half written, so it is a failure of the engine.
func (db *DB) apply(batch *pebble.Batch, sync bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = unknown(db.failures.recovered(r))
		}
	}()
	if sync {
		db.crowd.commits.Add(1)
		err = db.pebble.ApplyNoSyncWait(batch, pebble.Sync)
	} else {
		err = db.pebble.Apply(batch, pebble.NoSync)
		db.unsynced.Store(true)
	}
	if err != nil {
		return unknown(db.failures.fail(err.Error()))
	}
	return nil
}

// wait returns when batch is durable, at once if it was applied without sync.
func (db *DB) wait(batch *pebble.Batch) error {
	if err := batch.SyncWait(); err != nil {
		return unknown(db.failures.fail(err.Error()))
	}
	return batch.Close()
}

func unknown(cause error) error { return fmt.Errorf("%w: %w", engine.ErrCommitUnknown, cause) }

// checkLimits returns ErrTooLarge if mutations are over the limits.
func checkLimits(mutations []engine.Mutation) error {
	total := 0
	for i := range mutations {
		m := &mutations[i]
		if len(m.Key) == 0 {
			return errEmptyKey
		}
		if len(m.Key) > maxKeySize || len(m.Value) > maxValueSize {
			return engine.ErrTooLarge
		}
		total += len(m.Key) + len(m.Value)
	}
	if total > maxBytes {
		return engine.ErrTooLarge
	}
	return nil
}

// Update implements [engine.Engine]. A key that changed and changed back counts
// as unchanged.
func (db *DB) Update(ctx context.Context, fn func(engine.Txn) error) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.gate.leave()
	guards, mutations, err := db.collect(ctx, fn)
	if err != nil {
		return err
	}
	return db.commit(ctx, guards, mutations)
}

// collect calls fn with a snapshot and returns what it wrote, with the guards
// that make it an update of that snapshot: every key written or guarded still
// has the value it has there.
func (db *DB) collect(ctx context.Context, fn func(engine.Txn) error) (_ []engine.Guard, _ []engine.Mutation, err error) {
	r, err := db.newReader(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer r.closeInto(&err)
	t := &txn{reader: r}
	if err := fn(t); err != nil {
		return nil, nil, err
	}
	if err := checkLimits(t.mutations); err != nil {
		return nil, nil, err
	}
	guards := make([]engine.Guard, 0, len(t.guarded)+len(t.mutations))
	for _, key := range t.guarded {
		guards = append(guards, engine.Guard{Key: key})
	}
	for i := range t.mutations {
		if t.mutations[i].Kind != engine.KindAdd {
			guards = append(guards, engine.Guard{Key: t.mutations[i].Key})
		}
	}
	for i := range guards {
		guards[i].Seen = r.mark
		if guards[i].Value, _, err = r.Get(guards[i].Key); err != nil {
			return nil, nil, err
		}
	}
	return guards, t.mutations, nil
}

// txn is the engine.Txn of one Update.
type txn struct {
	*reader
	mutations []engine.Mutation
	guarded   [][]byte
}

func (t *txn) Write(mutations ...engine.Mutation) { t.mutations = append(t.mutations, mutations...) }

func (t *txn) Guard(key []byte) { t.guarded = append(t.guarded, key) }
