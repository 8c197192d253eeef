package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// maxAttempts is how often a change is planned anew after it met another one.
// Within one process locks keep changes apart, so that is rare.
const maxAttempts = 16

// rowsPerEdit bounds the rows that one edit writes: version, data or blob and
// reclaim twice over, two lock rows twice over, head, live, and one of the ledger.
const rowsPerEdit = 17

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
	// amend, if not nil, rewrites an entry that stays: it is called once the plan
	// is made, which then changes no entry.
	amend func(engine.Reader, *history) error
	// authorize is asked about the named entry, or else the current one; nil allows.
	authorize Authorize
	made      *Maker // who asks for it, for the ledger; nil if nobody is known
	// bypass says that a lock by governance does not protect from this edit; mayBypass,
	// if not nil, whether it does.
	bypass    bool
	mayBypass MayBypass
	judged    *judged // what a removal rests on; nil if the edit is none

	history *history // of key, within an attempt

	// The outcome.
	answer   versioning.Answer
	inserted *record
	err      error // refusal
}

// change applies edits to keys of b, those of one key in their order, as one batch
// where the engine takes it. Refused edits have their err set and do not hinder the others.
// An error means that nothing of the last batch was applied, unless it is
// [ErrUnknown].
func (s *Store) change(ctx context.Context, b *bucketState, edits []*edit) error {
	if err := holdBucket(b); err != nil {
		return err
	}
	defer b.hold.RUnlock()
	return s.changeHeld(ctx, b, edits)
}

// changeHeld is change for a bucket that the caller holds.
func (s *Store) changeHeld(ctx context.Context, b *bucketState, edits []*edit) error {
	edits = byKey(edits)
	keys := keysOf(edits)
	if len(edits) == 1 {
		defer s.keyLocks.lock(b.id, keys)()
		return s.changeLocked(ctx, b, edits)
	}
	if unlock, ok := s.keyLocks.tryLock(b.id, keys); ok {
		defer unlock()
		return s.changeLocked(ctx, b, edits)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.joiner.do(edits, func(all []*edit) error {
		defer s.keyLocks.lock(b.id, keysOf(all))()
		// The end of one call is not the end of those that joined it.
		return s.changeLocked(context.WithoutCancel(ctx), b, all)
	})
}

// byKey returns edits by their keys, those of one key in their order. Between keys
// there is none, and neighbours cost an engine less.
func byKey(edits []*edit) []*edit {
	if len(edits) == 1 {
		return edits
	}
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(x, y *edit) int { return strings.Compare(x.key, y.key) })
	return sorted
}

// keysOf returns the keys of edits, which are by key, as keyLocks take them.
func keysOf(edits []*edit) []string {
	keys := make([]string, 0, len(edits))
	for _, e := range edits {
		if n := len(keys); n == 0 || keys[n-1] != e.key {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// changeLocked is change for edits by key, whose keys are locked.
func (s *Store) changeLocked(ctx context.Context, b *bucketState, edits []*edit) error {
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
		batch := newBatch(b, 1)
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
	histories []history
	guards    []engine.Guard
	mutations []engine.Mutation
	deltas    deltas
	released  int
	notes     *ledgerNotes // nil if no ledger is kept
}

// An edit usually writes the rows of one entry, version and bytes, and one or two
// of its key, head and live.
const (
	usualEntryRows = 2
	usualRows      = usualEntryRows + 2
)

// newBatch returns an empty batch with room for what n edits usually come to.
func newBatch(b *bucketState, n int) *batch {
	return &batch{
		bucket:    b,
		guards:    make([]engine.Guard, 0, n+1),
		mutations: make([]engine.Mutation, 0, usualRows*n+1),
	}
}

// makeRoom makes room for what the histories, now that they are planned, come to.
func (b *batch) makeRoom() {
	rows := 1 // of the counters
	for i := range b.histories {
		rows += len(b.histories[i].mutations) + usualRows - usualEntryRows
	}
	if rows > cap(b.mutations) {
		b.guards = make([]engine.Guard, 0, len(b.histories))
		b.mutations = make([]engine.Mutation, 0, rows)
	}
}

// planAll reads the histories of the edits' keys, asks the rule book about each
// edit in turn, and gathers the rows.
func (s *Store) planAll(r engine.Reader, b *batch, edits []*edit) error {
	b.notes = s.ledger.notes(len(edits))
	if err := readHistories(r, b, edits); err != nil {
		return err
	}
	for _, e := range edits {
		if err := e.history.spoil(s.planOne(r, e.history, e)); err != nil {
			return err
		}
	}
	b.makeRoom()
	for i := range b.histories {
		h := &b.histories[i]
		if err := h.spoil(h.settle(r)); err != nil {
			return err
		}
		b.gather(h)
	}
	for _, e := range edits {
		if spoiled := e.history.spoiled; spoiled != nil {
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
	b.guards = h.addGuards(b.guards)
	b.mutations = h.addRows(b.mutations)
	b.deltas.plus(h.deltas)
	b.released += h.released
}

// planOne asks the rule book about e and applies the plan to its key's history.
func (s *Store) planOne(r engine.Reader, h *history, e *edit) error {
	e.err, e.answer, e.inserted = nil, versioning.Answer{}, nil
	if h.spoiled != nil {
		return nil //nolint:nilerr // it is told when all is planned
	}
	facts, err := h.facts(r, e.allNeeds(h.state), e.id)
	if err != nil {
		return err
	}
	if e.judged != nil {
		if e.err = e.judged.refuse(e, facts.Target); e.err != nil {
			return nil //nolint:nilerr // a refusal is an outcome of the edit
		}
	}
	if e.err, err = h.refuse(r, e, facts); e.err != nil || err != nil {
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
	h.notes.by(e.made)
	if err := h.apply(plan, e, rows, &s.lockTime); err != nil {
		return err
	}
	if e.amend != nil {
		return e.amend(r, h)
	}
	return nil
}

// commitBatch commits b and counts what it changed. A commit of unknown outcome
// is cleared up by reading.
func (s *Store) commitBatch(ctx context.Context, b *batch) error {
	if len(b.mutations) == 0 {
		return nil
	}
	first, err := s.ledger.noteBatch(b)
	if err != nil {
		s.ledger.finish(first, false)
		return err
	}
	err = s.engine.Commit(ctx, b.guards, b.mutations)
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
	s.ledger.finish(first, err == nil || errors.Is(err, ErrUnknown))
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
