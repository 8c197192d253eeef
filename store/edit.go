package store

import (
	"bytes"
	"context"
	"errors"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// maxAttempts is how often a change is planned anew after it met another one.
// Within one process locks keep changes apart, so that is rare.
const maxAttempts = 16

// rowsPerEdit bounds the rows that one edit writes: version, data or blob and
// reclaim twice over, two lock rows twice over, head, live.
const rowsPerEdit = 16

// edit is one change of one key: it is planned by the rule book when its key's
// facts are known.
type edit struct {
	key string
	id  versioning.ID // entry that the edit names, zero if none
	// inserts says whether the edit may insert, and so needs an order.
	inserts bool
	needs   func(versioning.State) versioning.Needs
	plan    func(versioning.State, versioning.Facts, versioning.Order) (versioning.Plan, error)
	// build makes the record that the plan inserts, and the rows of its bytes.
	build func(*versioning.Version) (*record, []engine.Mutation)

	// The outcome.
	answer   versioning.Answer
	inserted *record
	err      error // refusal
}

// change applies edits to keys of b, in their order, as one batch where the
// engine takes it. Refused edits have their err set and do not hinder the others.
// An error means that nothing of the last batch was applied, unless it is
// [ErrUnknown].
func (s *Store) change(ctx context.Context, b *bucketState, edits []*edit) error {
	if err := holdBucket(b); err != nil {
		return err
	}
	defer b.hold.RUnlock()
	keys := make([]string, len(edits))
	for i, e := range edits {
		keys[i] = e.key
	}
	defer s.keyLocks.lock(b.id, sortedKeys(keys))()
	page := len(edits)
	if limit := s.engine.Limits().Mutations; limit > 0 {
		page = max(1, limit/rowsPerEdit)
	}
	for len(edits) > 0 {
		n := min(page, len(edits))
		if err := s.changePage(ctx, b, edits[:n]); err != nil {
			return err
		}
		edits = edits[n:]
	}
	return nil
}

// changePage plans and commits edits as one batch, anew if it conflicts.
func (s *Store) changePage(ctx context.Context, b *bucketState, edits []*edit) error {
	for range maxAttempts {
		batch := &batch{bucket: b}
		err := s.engine.View(ctx, func(r engine.Reader) error { return s.planAll(r, batch, edits) })
		if err != nil {
			return s.cause(err)
		}
		if err = s.commitBatch(ctx, batch); !errors.Is(err, engine.ErrConflict) {
			return s.cause(err)
		}
	}
	return ErrBusy
}

// batch is what one commit holds.
type batch struct {
	bucket    *bucketState
	histories []*history
	guards    []engine.Guard
	mutations []engine.Mutation
	deltas    deltas
	released  int
}

// planAll reads the histories of the edits' keys, asks the rule book about each
// edit in turn, and gathers the rows.
func (s *Store) planAll(r engine.Reader, b *batch, edits []*edit) error {
	byKey, err := s.readHistories(r, b, edits)
	if err != nil {
		return err
	}
	for _, e := range edits {
		h := byKey[e.key]
		if err := h.spoil(s.planOne(r, h, e)); err != nil {
			return err
		}
	}
	for _, h := range b.histories {
		if err := h.spoil(h.settle(r)); err != nil {
			return err
		}
		b.gather(h)
	}
	for _, e := range edits {
		if spoiled := byKey[e.key].spoiled; spoiled != nil {
			e.err, e.answer = s.cause(spoiled), versioning.Answer{}
		}
	}
	if m, ok := b.deltas.mutation(b.bucket.id); ok {
		b.mutations = append(b.mutations, m)
	}
	return nil
}

// gather adds what h comes to. A history that cannot be read is left as it is.
func (b *batch) gather(h *history) {
	if h.spoiled != nil || len(h.mutations) == 0 {
		return
	}
	b.guards = append(b.guards, h.guards()...)
	b.mutations = append(b.mutations, h.rows()...)
	b.deltas.plus(h.deltas)
	b.released += h.released
}

// planOne asks the rule book about e and applies the plan to its key's history.
func (s *Store) planOne(r engine.Reader, h *history, e *edit) error {
	e.err, e.answer, e.inserted = nil, versioning.Answer{}, nil
	if h.spoiled != nil {
		return nil //nolint:nilerr // it is told when all is planned
	}
	facts, err := h.facts(r, e.needs(h.state), e.id)
	if err != nil {
		return err
	}
	var order versioning.Order
	if e.inserts {
		if order, err = s.orders.next(h.head.Newest); err != nil {
			return err
		}
	}
	plan, refused := e.plan(h.state, facts, order)
	if refused != nil {
		e.err = refused
		return nil //nolint:nilerr // a refusal is an outcome of the edit
	}
	e.answer = plan.Answer
	var rows []engine.Mutation
	if plan.Insert != nil {
		e.inserted, rows = e.build(plan.Insert)
	}
	h.apply(plan, e.inserted, rows)
	return nil
}

// readHistories reads, in few round trips however many edits there are, what
// their rules will look at: head and live rows and the versions that are named,
// then the null entries.
func (s *Store) readHistories(r engine.Reader, b *batch, edits []*edit) (map[string]*history, error) {
	state := b.bucket.row.Load().Versioning
	byKey := make(map[string]*history, len(edits))
	for _, e := range edits {
		if byKey[e.key] == nil {
			h := &history{bucket: b.bucket, state: state, key: e.key}
			byKey[e.key] = h
			b.histories = append(b.histories, h)
		}
	}
	if err := readHeads(r, b.histories); err != nil {
		return nil, err
	}
	return byKey, prefetch(r, byKey, edits)
}

// readHeads reads the head and live rows of histories, one table after the other:
// neighbours cost an engine less than a change of table for each key.
func readHeads(r engine.Reader, histories []*history) error {
	keys := make([][]byte, 0, 2*len(histories))
	for _, h := range histories {
		keys = append(keys, liveKey(h.bucket.id, h.key))
	}
	for _, h := range histories {
		if h.state != versioning.Unversioned {
			keys = append(keys, headKey(h.bucket.id, h.key))
		}
	}
	rows, err := r.GetMulti(keys)
	if err != nil {
		return err
	}
	lives, heads := rows[:len(histories)], rows[len(histories):]
	for i, h := range histories {
		var head []byte
		if h.state != versioning.Unversioned {
			head, heads = heads[0], heads[1:]
		}
		if err := h.spoil(h.load(head, lives[i])); err != nil {
			return err
		}
	}
	return nil
}

// readHead is readHeads for one history that has to be readable.
func readHead(r engine.Reader, h *history) error {
	if err := readHeads(r, []*history{h}); err != nil {
		return err
	}
	return h.spoiled
}

// prefetch reads the version rows that edits name, or replace, at once.
func prefetch(r engine.Reader, byKey map[string]*history, edits []*edit) error {
	if len(edits) == 1 {
		return nil // nothing to gain: the rule reads what it needs
	}
	type want struct {
		h *history
		o versioning.Order
	}
	var wants []want
	var keys [][]byte
	for _, e := range edits {
		h := byKey[e.key]
		n := e.needs(h.state)
		o := e.id.Order()
		if n.Null || n.Target && e.id.IsNull() {
			o = h.head.Null
		}
		if o == 0 {
			continue
		}
		wants = append(wants, want{h, o})
		keys = append(keys, versionKey(h.bucket.id, h.key, o))
	}
	rows, err := r.GetMulti(keys)
	if err != nil {
		return err
	}
	for i, w := range wants {
		if rows[i] == nil {
			w.h.records[w.o] = nil
			continue
		}
		_, err := w.h.keep(w.o, rows[i])
		if err = w.h.spoil(err); err != nil {
			return err
		}
	}
	return nil
}

// commitBatch commits b and counts what it changed. A commit of unknown outcome
// is cleared up by reading.
func (s *Store) commitBatch(ctx context.Context, b *batch) error {
	if len(b.mutations) == 0 {
		return nil
	}
	err := s.engine.Commit(ctx, b.guards, b.mutations)
	if errors.Is(err, engine.ErrCommitUnknown) {
		err = s.clearUp(context.WithoutCancel(ctx), b)
	}
	switch {
	case err == nil:
		b.bucket.totals.plus(b.deltas)
		s.released(b.released)
	case errors.Is(err, ErrUnknown):
		b.bucket.totals.forget()
	}
	return err
}

// clearUp finds out what became of a commit by looking at the rows it guarded,
// each of which it also wrote: nil if it was applied, engine.ErrConflict if not.
func (s *Store) clearUp(ctx context.Context, b *batch) error {
	written := make(map[string][]byte, len(b.mutations))
	for _, m := range b.mutations {
		if m.Kind != engine.KindAdd {
			written[string(m.Key)] = m.Value
		}
	}
	outcome := ErrUnknown
	err := s.engine.View(ctx, func(r engine.Reader) error {
		for _, g := range b.guards {
			want, wrote := written[string(g.Key)]
			if !wrote || bytes.Equal(want, g.Value) && (want == nil) == (g.Value == nil) {
				continue // says nothing
			}
			row, found, err := r.Get(g.Key)
			switch {
			case err != nil:
				return err
			case found == (want != nil) && bytes.Equal(row, want):
				outcome = nil
			case found == (g.Value != nil) && bytes.Equal(row, g.Value):
				outcome = engine.ErrConflict
			}
			return nil
		}
		return nil
	})
	if err != nil {
		return ErrUnknown
	}
	return outcome
}
