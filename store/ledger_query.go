package store

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// LedgerQuery selects entries of the ledger. The zero value selects all.
type LedgerQuery struct {
	Bucket string // empty: all buckets, and what is about none
	// BucketID selects the bucket that has it alone, and none that had its name before; 0:
	// all.
	BucketID uint64
	Key      string // empty: all keys; also the name of an identity
	Prefix   bool   // Key is what keys begin with
	// From and To bound the object time of entries: from From, before To. Zero does not.
	From, To time.Time
	Newest   bool // the newest first
	Sealed   bool // only what a seal covers
	Limit    int  // at most so many; 0: all
}

// LedgerEntry is one change that the ledger tells of.
type LedgerEntry struct {
	Row      uint64    // order of the row that it stands in
	Place    int       // in the row, from 0
	Time     time.Time // object time
	RealTime time.Time // by the wall clock
	Made     Maker
	Change   LedgerChange
	Bucket   string // empty if it is about none
	// Key is that of the object; for LedgerIdentityChanged the name of what was
	// changed. Empty for a change of a bucket.
	Key       string
	VersionID string // of the object version or delete marker, or null; empty if it is about none
	UploadID  string // of an upload that was aborted
	// Size is the payload of a version or of the parts of an upload, or the length of a
	// document, bytes.
	Size int64
	// Lock is what a version had when it was removed, or has since the change;
	// LockBefore is what it had before the change.
	Lock, LockBefore versioning.Lock
	Config           ConfigKind // of a document
	Digest           []byte     // SHA-256 of a document; nil if it was removed
	Before, After    string     // in words, of a setting
	Sealed           bool       // a seal covers it
}

// Ledger calls fn with the entries that q selects, in the order in which they came
// about, until fn returns an error, which is returned. It streams: memory does not
// grow with the ledger, and fn may take its time. What is written meanwhile may be
// seen.
//
// Key and bucket have no index: all rows of the time in question are read.
func (s *Store) Ledger(ctx context.Context, q LedgerQuery, fn func(LedgerEntry) error) error {
	if s.ledger == nil {
		return &Error{Op: "read ledger", Bucket: q.Bucket, Key: q.Key, Err: ErrClosed}
	}
	c := newLedgerCursor(s, q)
	for !c.ended && !c.enough() {
		rows, err := c.page(ctx)
		if err != nil {
			return &Error{Op: "read ledger", Bucket: q.Bucket, Key: q.Key, Err: err}
		}
		for _, row := range rows {
			if err := c.give(row, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// enough reports whether as much was given as was asked for.
func (c *ledgerCursor) enough() bool { return c.query.Limit > 0 && c.given >= c.query.Limit }

// give calls fn with the entries of a row that are asked for.
func (c *ledgerCursor) give(row *ledgerRow, fn func(LedgerEntry) error) error {
	for i := range row.entries {
		place := i
		if c.query.Newest {
			place = len(row.entries) - 1 - i
		}
		if c.enough() || !c.query.selects(row, &row.entries[place]) {
			continue
		}
		c.given++
		if err := fn(c.store.ledgerEntry(row, place, c.sealed)); err != nil {
			return err
		}
	}
	return nil
}

// selects reports whether an entry of a row whose time fits is asked for.
func (q *LedgerQuery) selects(row *ledgerRow, e *ledgerEntry) bool {
	switch {
	case q.Bucket != "" && row.place.name != q.Bucket:
		return false
	case q.BucketID != 0 && uint64(row.place.id) != q.BucketID:
		return false
	case q.Key == "":
		return true
	case q.Prefix:
		return strings.HasPrefix(e.key, q.Key)
	}
	return e.key == q.Key
}

// ledgerEntry returns an entry as it is shown.
func (s *Store) ledgerEntry(row *ledgerRow, place int, sealed uint64) LedgerEntry {
	e := &row.entries[place]
	shown := LedgerEntry{
		Row: uint64(row.order), Place: place, Time: row.at, RealTime: row.real, Made: row.made,
		Change: e.change, Bucket: row.place.name, Key: e.key, Size: e.size, Lock: e.lock, LockBefore: e.lockBefore,
		Config: e.config, Digest: e.digest, Before: e.before, After: e.after, Sealed: uint64(row.order) < sealed,
	}
	switch {
	case e.change == LedgerUploadAborted:
		shown.UploadID = s.formatUploadID(row.place.id, e.key, e.order)
	case e.null:
		shown.VersionID = s.FormatVersionID(versioning.Null)
	case e.order != 0:
		shown.VersionID = s.FormatVersionID(versioning.IDOf(e.order))
	}
	return shown
}

// ledgerCursor goes over the rows of a time.
type ledgerCursor struct {
	store  *Store
	query  LedgerQuery
	rg     engine.Range
	sealed uint64 // order below which rows are sealed
	given  int
	ended  bool
}

// newLedgerCursor begins where the order of rows lets rows of the time be: the object
// time of a row is never after that of its order.
func newLedgerCursor(s *Store, q LedgerQuery) *ledgerCursor {
	c := &ledgerCursor{store: s, query: q}
	var from, dropped uint64
	if newest, ok := s.NewestSeal(); ok {
		c.sealed, dropped = newest.To, newest.Dropped
	}
	if !q.From.IsZero() && q.From.UnixMilli() > 0 {
		from = uint64(versioning.OrderAt(q.From))
	}
	c.rg = engine.Range{
		Start: ledgerKey(versioning.Order(max(from, dropped))), End: prefixEnd([]byte{byte(ledgerTable)}),
		Limit: ledgerPage, Reverse: q.Newest,
	}
	if q.Sealed {
		c.rg.End = ledgerKey(versioning.Order(c.sealed))
	}
	c.ended = bytes.Compare(c.rg.Start, c.rg.End) >= 0
	return c
}

// page returns the next rows of the time, and notes whether they are the last.
func (c *ledgerCursor) page(ctx context.Context) (rows []*ledgerRow, err error) {
	var last []byte
	n := 0
	err = c.store.view(ctx, func(r engine.Reader) error {
		var bad error
		_, err := r.Scan(c.rg, func(k, v []byte) bool {
			n++
			last = append(last[:0], k...)
			var row *ledgerRow
			if row, bad = decodeLedgerRow(k, v); bad != nil {
				return false
			}
			fits, over := c.fits(row)
			if fits {
				rows = append(rows, row)
			}
			c.ended = over
			return !over
		})
		return errors.Join(err, bad)
	})
	c.ended = c.ended || n < ledgerPage
	if c.query.Newest {
		c.rg.End = last
	} else {
		c.rg.Start = append(last, 0)
	}
	return rows, err
}

// fits reports whether the time of a row is asked for, and whether that of all
// further ones is not: the times of rows never fall.
func (c *ledgerCursor) fits(row *ledgerRow) (fits, over bool) {
	early := !c.query.From.IsZero() && row.at.Before(c.query.From)
	late := !c.query.To.IsZero() && !row.at.Before(c.query.To)
	if c.query.Newest {
		return !early && !late, early
	}
	return !early && !late, late
}
