package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// dropPage is how many rows are removed in one commit.
const dropPage = 1024

// due returns the order below which the time of all rows has come, at least dropped.
// It is the end of a seal: a seal says so before any row goes, so that rows which
// are missing are told from rows that were removed.
func (l *ledger) due(ctx context.Context, dropped uint64) (uint64, error) {
	keep := l.store.options.Ledger.Retention
	if keep <= 0 {
		return dropped, nil
	}
	outlived := l.outlived(keep)
	var bad error
	err := l.store.eachSeal(ctx, l.kept, func(k, v []byte) bool {
		seal, err := decodeSeal(k, v)
		if err != nil || !outlived(seal) {
			bad = err
			return false
		}
		l.kept = seal.Number + 1
		if seal.Rows > 0 {
			l.dueTo = max(l.dueTo, seal.To)
		}
		return true
	})
	return max(dropped, l.dueTo), errors.Join(err, bad)
}

// outlived returns what tells whether a seal is older than keep. Lock time does not
// leap, so a clock that does ends nothing. That of a test folder is meant to: there
// real time counts, or whoever tries what happens in years would not find the entries.
func (l *ledger) outlived(keep time.Duration) func(*Seal) bool {
	if l.store.TestClock() {
		before := l.store.options.Clock.Now().Add(-keep)
		return func(s *Seal) bool { return s.RealTime.Before(before) }
	}
	before := l.store.lockNow().Add(-keep)
	return func(s *Seal) bool { return s.At.Before(before) }
}

// eachSeal calls fn for the seals from a number on until it returns false, in pages.
func (s *Store) eachSeal(ctx context.Context, from uint64, fn func(k, v []byte) bool) error {
	start, end := sealRowKey(from), prefixEnd([]byte{byte(sealTable)})
	for start != nil {
		next := []byte(nil)
		err := s.view(ctx, func(r engine.Reader) error {
			n := 0
			_, err := r.Scan(engine.Range{Start: start, End: end, Limit: maxPage}, func(k, v []byte) bool {
				if n++; n == maxPage {
					next = append(append(next[:0], k...), 0)
				}
				more := fn(k, v)
				if !more {
					next = nil
				}
				return more
			})
			return err
		})
		if err != nil {
			return err
		}
		start = next
	}
	return nil
}

// drop removes the rows below the order that the newest seal says are dropped. A
// crash leaves some of them, for the next start. It goes on where it was: an engine
// keeps something of removed rows, which each look from the beginning would pass over.
func (l *ledger) drop(ctx context.Context) error {
	newest := l.newest.Load()
	if newest == nil || versioning.Order(newest.Dropped) <= l.dropped || !l.reading.TryLock() {
		return nil
	}
	defer l.reading.Unlock()
	for end := versioning.Order(newest.Dropped); l.dropped < end; {
		gone, next, err := l.dropPage(ctx, l.dropped, end)
		if err == nil && len(gone) > 0 {
			err = l.store.commit(ctx, nil, gone)
		}
		if err != nil {
			return err
		}
		l.dropped = next
	}
	return nil
}

// dropPage returns what removes a page of rows, and where the next one starts.
func (l *ledger) dropPage(ctx context.Context, start, end versioning.Order) (gone []engine.Mutation, next versioning.Order, err error) {
	err = l.store.view(ctx, func(r engine.Reader) error {
		rg := engine.Range{Start: ledgerKey(start), End: ledgerKey(end), Limit: dropPage}
		more, err := r.Scan(rg, func(k, v []byte) bool {
			order, ok := splitLedgerKey(k)
			if ok {
				gone = append(gone, engine.DeleteSized(ledgerKey(order), len(v)))
				next = order + 1
			}
			return true
		})
		if !more {
			next = end
		}
		return err
	})
	return gone, max(next, start+1), err
}
