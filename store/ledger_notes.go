package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/seed61737384/tombstone/versioning"
)

// ledgerNotes are what a batch will say to the ledger, by key. Nil keeps none.
type ledgerNotes struct {
	made *Maker // of the edit that is being planned
	list []ledgerNote
	room int // for the list, when there is something to note
}

// ledgerNote is one change of an entry of a key. It refers to what the plan has in
// its hands, so that taking it costs next to nothing.
type ledgerNote struct {
	change  LedgerChange
	made    *Maker
	history *history
	record  *record
	before  *versioning.Lock // for a change of the lock
}

// notes returns empty notes with room for what n edits usually come to, nil if no
// ledger is kept.
func (l *ledger) notes(n int) *ledgerNotes {
	if l == nil || !l.keeps {
		return nil
	}
	return &ledgerNotes{made: &noMaker, room: n}
}

// by says whose edit is planned from here on.
func (n *ledgerNotes) by(made *Maker) {
	if n == nil {
		return
	}
	if n.made = made; made == nil {
		n.made = &noMaker
	}
}

func (n *ledgerNotes) take(change LedgerChange, h *history, r *record) {
	if n != nil {
		if n.list == nil {
			n.list = make([]ledgerNote, 0, n.room)
		}
		n.list = append(n.list, ledgerNote{change: change, made: n.made, history: h, record: r})
	}
}

// removed notes that an entry is destroyed.
func (n *ledgerNotes) removed(h *history, r *record) {
	change := LedgerVersionRemoved
	if r.marker {
		change = LedgerMarkerRemoved
	}
	n.take(change, h, r)
}

// inserted notes an entry that is added, if it is a delete marker. What made a
// version, and the lock that it was made with, stand in the version.
func (n *ledgerNotes) inserted(h *history, r *record) {
	if r.marker {
		n.take(LedgerMarkerAdded, h, r)
	}
}

// aborted notes that an upload of a key ends with no version, whose parts had so many
// bytes.
func (n *ledgerNotes) aborted(key string, upload versioning.Order, size int64) {
	n.take(LedgerUploadAborted, &history{key: key}, &record{order: upload, size: size})
}

// amended notes how an entry that stays was changed.
func (n *ledgerNotes) amended(h *history, before, after *record) {
	if n == nil {
		return
	}
	if before.lock != after.lock {
		n.take(LedgerLockChanged, h, after)
		n.list[len(n.list)-1].before = &before.lock
	}
	if !slices.Equal(before.tags, after.tags) {
		n.take(LedgerTagsChanged, h, after)
	}
	if !bytes.Equal(before.acl, after.acl) {
		n.take(LedgerGrantsChanged, h, after)
	}
}

// noteBatch adds the rows of the ledger to a batch. The caller finishes the order
// that it returns, 0 if there is none.
func (l *ledger) noteBatch(b *batch) (first versioning.Order, err error) {
	if b.notes == nil || len(b.notes.list) == 0 {
		return 0, nil
	}
	// An entry has some 40 bytes besides its key.
	w := ledgerWriter{ledger: l, room: len(b.notes.list) * (40 + len(b.notes.list[0].history.key))}
	var made *Maker
	for _, n := range b.notes.byRequest() {
		if n.history.spoiled != nil {
			continue // nothing of it is changed
		}
		if made != n.made {
			if err := w.request(b.bucket.place(), n.made); err != nil {
				return w.first, err
			}
		}
		made = n.made
		e := n.entry()
		if err := w.add(&e); err != nil {
			return w.first, err
		}
	}
	b.mutations = append(b.mutations, w.end()...)
	return w.first, nil
}

// byRequest returns the notes of each request together, those of one in their order:
// a joint change has the edits of its requests by key. Makers that are the same
// become one pointer.
func (n *ledgerNotes) byRequest() []*ledgerNote {
	var makers []*Maker
	groups := make([][]*ledgerNote, 0, 1)
	for i := range n.list {
		note := &n.list[i]
		g := slices.Index(makers, note.made)
		if g < 0 {
			g = slices.IndexFunc(makers, func(m *Maker) bool { return *m == *note.made })
		}
		if g < 0 {
			g = len(makers)
			makers, groups = append(makers, note.made), append(groups, nil)
		}
		note.made = makers[g]
		groups[g] = append(groups[g], note)
	}
	if len(groups) == 1 {
		return groups[0]
	}
	return slices.Concat(groups...)
}

func (n *ledgerNote) entry() ledgerEntry {
	r := n.record
	e := ledgerEntry{
		change: n.change, key: n.history.key, order: r.order, null: r.null, size: r.size, lock: r.lock,
	}
	if n.before != nil {
		e.lockBefore = *n.before
	}
	return e
}

// noMaker stands for the maker of an edit that names none.
var noMaker Maker

// configEntry tells of a configuration document that is set, or removed if it is
// nil.
func configEntry(kind ConfigKind, document []byte) ledgerEntry {
	e := ledgerEntry{change: LedgerConfigChanged, config: kind, after: "removed"}
	if document != nil {
		sum := sha256.Sum256(document)
		e.after, e.digest, e.size = "set", sum[:], int64(len(document))
	}
	return e
}

// createdEntry tells of a new bucket.
func createdEntry(row *bucketRow) ledgerEntry {
	return ledgerEntry{change: LedgerBucketCreated, after: describeVersioning(row) + ", Object Lock " + describeObjectLock(row)}
}

// bucketEntries tells what differs between two rows of a bucket.
func bucketEntries(before, after *bucketRow) (entries []ledgerEntry) {
	for _, part := range []struct {
		change   LedgerChange
		describe func(*bucketRow) string
	}{
		{LedgerVersioningChanged, describeVersioning},
		{LedgerObjectLockChanged, describeObjectLock},
	} {
		if was, is := part.describe(before), part.describe(after); was != is {
			entries = append(entries, ledgerEntry{change: part.change, before: was, after: is})
		}
	}
	return entries
}

// mfaDeleteNames are the settings as the ledger shows them.
var mfaDeleteNames = [...]string{MFADeleteNever: "", MFADeleteDisabled: ", MfaDelete Disabled", MFADeleteEnabled: ", MfaDelete Enabled"}

func describeVersioning(b *bucketRow) string {
	state := b.Versioning.String()
	if b.Versioning == versioning.Unversioned {
		state = "Unversioned"
	}
	return state + mfaDeleteNames[b.MFADelete]
}

func describeObjectLock(b *bucketRow) string {
	switch r := b.Retention; {
	case !b.ObjectLock:
		return "Disabled"
	case r.IsZero():
		return "Enabled"
	default:
		return fmt.Sprintf("Enabled, %v for %d days and %d years", r.Mode, r.Days, r.Years)
	}
}
