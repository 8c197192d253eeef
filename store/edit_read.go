package store

import (
	"cmp"
	"slices"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// readHistories reads, in two round trips however many edits there are, what
// their rules will look at: head and live rows, then the versions that are named
// or replaced.
func readHistories(r engine.Reader, b *batch, edits []*edit) error {
	sorted := b.open(edits, r.Mark())
	if err := readHeads(r, b.histories); err != nil {
		return err
	}
	wants := make([]want, 0, len(edits))
	for _, e := range sorted {
		wants = e.wants(wants)
	}
	if err := fetch(r, wants); err != nil {
		return err
	}
	for _, w := range wants {
		if w.table != liveTable {
			continue
		}
		if err := w.h.spoil(w.h.load(w.h.headRow, w.h.liveRow)); err != nil {
			return err
		}
	}
	return nil
}

// open makes the histories of the edits' keys, and returns the edits in the order
// of the versions that they name, newest first, which is that of their rows.
func (b *batch) open(edits []*edit, seen engine.Mark) (sorted []*edit) {
	if sorted = edits; len(edits) > 1 {
		sorted = slices.Clone(edits)
	}
	state := b.bucket.row.Load().Versioning
	b.histories = make([]history, 0, countKeys(sorted)) // edits point into it
	room := make([]engine.Mutation, usualEntryRows*len(edits))
	for rest := sorted; len(rest) > 0; {
		key, n := rest[0].key, 1
		for n < len(rest) && rest[n].key == key {
			n++
		}
		b.histories = append(b.histories, history{
			bucket: b.bucket, state: state, key: key, seen: seen,
			blind: state != versioning.Unversioned, mutations: room[: 0 : usualEntryRows*n], notes: b.notes,
		})
		h := &b.histories[len(b.histories)-1]
		for _, e := range rest[:n] {
			e.history = h
			h.blind = h.blind && e.destroysOnly(state)
		}
		slices.SortFunc(rest[:n], func(x, y *edit) int { return cmp.Compare(y.id.Order(), x.id.Order()) })
		rest, room = rest[n:], room[usualEntryRows*n:]
	}
	return sorted
}

// countKeys returns how many keys sorted edits have.
func countKeys(sorted []*edit) int {
	n := 0
	for i, e := range sorted {
		if i == 0 || e.key != sorted[i-1].key {
			n++
		}
	}
	return n
}

// destroysOnly reports whether e does no more than destroy the entry that it
// names.
func (e *edit) destroysOnly(state versioning.State) bool {
	return !e.id.IsZero() && !e.inserts && e.amend == nil && !e.needs(state).Current
}

// readHeads reads the head rows of histories, and the live rows of those that are
// not blind: one table after the other, for neighbours cost an engine less than a
// change of table for each key.
func readHeads(r engine.Reader, histories []history) error {
	wants := make([]want, 0, 2*len(histories))
	for i := range histories {
		if h := &histories[i]; h.state != versioning.Unversioned {
			wants = append(wants, want{h, headTable, 0})
		}
	}
	for i := range histories {
		if h := &histories[i]; !h.blind {
			wants = append(wants, want{h, liveTable, 0})
		}
	}
	if err := fetch(r, wants); err != nil {
		return err
	}
	for i := range histories {
		h := &histories[i]
		if err := h.spoil(h.load(h.headRow, h.liveRow)); err != nil {
			return err
		}
	}
	return nil
}

// readHead is readHeads for one history that has to be readable.
func readHead(r engine.Reader, h *history) error {
	one := []history{*h}
	err := readHeads(r, one)
	if *h = one[0]; err != nil {
		return err
	}
	return h.spoiled
}

// want is a row to read: the head or live row of a history, or one of its versions.
type want struct {
	h     *history
	table table
	order versioning.Order
}

func (w want) key() []byte {
	switch w.table {
	case headTable:
		return headKey(w.h.bucket.id, w.h.key)
	case liveTable:
		return liveKey(w.h.bucket.id, w.h.key)
	}
	return versionKey(w.h.bucket.id, w.h.key, w.order)
}

// wants adds the rows that e needs besides those of its history that were read:
// the version it names or replaces, and the live row if that is to change.
func (e *edit) wants(all []want) []want {
	h := e.history
	if h.spoiled != nil {
		return all
	}
	n := e.needs(h.state)
	order := e.id.Order()
	if n.Null || n.Target && e.id.IsNull() {
		order = h.head.Null
	}
	if order != 0 {
		all = append(all, want{h, versionTable, order})
	}
	// A key from before versioning has a live row only.
	if h.blind && (h.headRow == nil || order == h.head.Newest) {
		h.blind = false
		all = append(all, want{h, liveTable, 0})
	}
	return all
}

// fetch reads what is wanted in one round trip.
func fetch(r engine.Reader, wants []want) error {
	if len(wants) == 0 {
		return nil
	}
	keys := make([][]byte, len(wants))
	for i := range wants {
		keys[i] = wants[i].key()
	}
	rows, err := r.GetMulti(keys)
	if err != nil {
		return err
	}
	for i := range wants {
		if err := wants[i].h.take(&wants[i], rows[i]); err != nil {
			return err
		}
	}
	return nil
}
