package store

import (
	"context"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// The number of entries that a page of History has by default, and at most.
const (
	defaultHistoryPage = 1000
	maxHistoryPage     = 10_000
)

// HistoryEntry is what background work judges an entry by.
type HistoryEntry struct {
	Key          string
	Order        versioning.Order
	ID           versioning.ID // Null for a null entry
	Marker       bool          // it is a delete marker, which has no size, tags and lock
	Size         int64         // payload bytes
	LastModified time.Time
	Tags         []Tag
	Lock         versioning.Lock
}

// HistoryPlace is a place between entries: behind that of Key with Order, be it there or
// not, so that all bits of Order set are before all of Key; or behind all of Key if Order
// is 0. The zero value is before all.
type HistoryPlace struct {
	Key   string
	Order versioning.Order
}

// HistoryRequest asks for a page of the entries of the keys that begin with Prefix.
type HistoryRequest struct {
	Bucket string
	Prefix string
	After  HistoryPlace
	Limit  int // entries; 0: 1,000, at most 10,000
}

// HistoryView is a page of entries, and the snapshot that it was read in.
type HistoryView struct {
	State     versioning.State
	MFADelete MFADelete
	// Entries stand in the order of their keys, newest first within a key.
	Entries []HistoryEntry
	// Damaged are the keys with an entry on the page that cannot be read, which
	// Entries do not have.
	Damaged []string
	More    bool         // exactly: one more entry exists
	Next    HistoryPlace // the place of the next page, if there is one

	reader engine.Reader
	bucket *bucketState
	record record // the one that is being read
}

// History reads a page of entries and calls fn with it, once, and returns fn's error.
// The view is good until fn returns. It reads the rows that it shows, and one to know
// whether there are more: a prefix costs what it selects, whatever is beside it.
func (s *Store) History(ctx context.Context, r HistoryRequest, fn func(*HistoryView) error) error {
	var told error // by fn, whose errors are its own
	b, err := s.bucket(r.Bucket)
	if err == nil {
		err = s.view(ctx, func(rd engine.Reader) error {
			v, err := readHistory(rd, b, &r)
			if err == nil {
				told = fn(v)
			}
			return err
		})
	}
	if err != nil {
		return &Error{Op: "read history", Bucket: r.Bucket, Err: err}
	}
	return told
}

func readHistory(rd engine.Reader, b *bucketState, r *HistoryRequest) (*HistoryView, error) {
	row := b.row.Load()
	v := &HistoryView{State: row.Versioning, MFADelete: row.MFADelete, Next: r.After, reader: rd, bucket: b}
	limit := r.Limit
	if limit <= 0 {
		limit = defaultHistoryPage
	}
	w := &walk{
		reader: rd, bucket: b.id, table: versionTable, prefix: r.Prefix, limit: min(limit, maxHistoryPage), row: v.take,
	}
	err := w.run(r.After.start(b.id))
	v.More = w.more
	return v, err
}

// start is the least row behind p that an entry may have.
func (p HistoryPlace) start(b bucketID) []byte {
	if p.Order == 0 || strings.Contains(p.Key, endOfKey) {
		return startAfter(versionTable, b, "", "", p.Key)
	}
	return versionKey(b, p.Key, p.Order-1)
}

// take adds an entry.
func (v *HistoryView) take(key, rest, row []byte) error {
	order, ok := versionOrderOf(rest)
	if !ok {
		return errRecord
	}
	if v.Next.Key != string(key) {
		v.Next.Key = string(key)
	}
	v.Next.Order = order
	rec := &v.record
	if err := rec.decodeTagged(row); err != nil || rec.order != order {
		if n := len(v.Damaged); n == 0 || v.Damaged[n-1] != v.Next.Key {
			v.Damaged = append(v.Damaged, v.Next.Key)
		}
		return nil //nolint:nilerr // it is told, and does not keep others from being judged
	}
	e := HistoryEntry{
		Key: v.Next.Key, Order: order, ID: versioning.IDOf(order), Marker: rec.marker, Size: rec.size,
		LastModified: rec.lastModified, Tags: rec.tags, Lock: rec.lock,
	}
	if rec.null {
		e.ID = versioning.Null
	}
	v.Entries = append(v.Entries, e)
	return nil
}

// Head is [HistoryView.Heads] for one key.
func (v *HistoryView) Head(key string) (versioning.Head, error) {
	heads, err := v.Heads([]string{key})
	if err != nil {
		return versioning.Head{}, err
	}
	return heads[0], nil
}

// Heads returns the summaries of the histories of keys in the view, which
// [Removal.Seen] is compared with: one point read for each, two for a key that was last
// changed before the bucket's versioning was. A key without entries has the zero Head,
// and so has one whose rows are damaged.
func (v *HistoryView) Heads(keys []string) ([]versioning.Head, error) {
	histories := make([]history, len(keys))
	for i, key := range keys {
		histories[i] = history{bucket: v.bucket, state: v.State, key: key, blind: v.State != versioning.Unversioned}
	}
	if err := readHeads(v.reader, histories); err != nil {
		return nil, err
	}
	var older []want
	for i := range histories {
		if h := &histories[i]; h.blind && h.headRow == nil {
			h.blind = false
			older = append(older, want{h, liveTable, 0})
		}
	}
	if err := fetch(v.reader, older); err != nil {
		return nil, err
	}
	for _, w := range older {
		if err := w.h.spoil(w.h.load(nil, w.h.liveRow)); err != nil {
			return nil, err
		}
	}
	heads := make([]versioning.Head, len(keys))
	for i := range histories {
		if h := &histories[i]; h.spoiled == nil {
			heads[i] = h.head
		}
	}
	return heads, nil
}
