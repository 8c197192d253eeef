package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

const (
	// sealPause is how long rows wait for others that are sealed with them.
	sealPause = 500 * time.Millisecond
	// sealRetry is how long the sealer rests after a failure.
	sealRetry = time.Second
	// keepPause is how often it is looked whether the time of seals has come, while
	// nothing else is to be done.
	keepPause = 10 * time.Minute
	// tellPause is how long the log says nothing of seals after it named one.
	tellPause = time.Minute
	// dropPage is how many rows are removed in one commit.
	dropPage = 1024
)

// start starts the sealer.
func (l *ledger) start() {
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.look() // for what the last run left
	l.done.Add(1)
	go l.run(ctx)
}

// close ends the sealer, and seals what it had not come to.
func (l *ledger) close() error {
	if l.cancel == nil {
		return nil
	}
	l.cancel()
	l.done.Wait()
	newest, err := l.seal(context.Background(), false)
	if err == nil && newest != nil {
		l.tell(newest)
	}
	return err
}

// tell names a seal in the log, which is kept elsewhere: so it shows if the end of
// the ledger is cut off.
func (l *ledger) tell(s *Seal) {
	l.told = s
	l.store.options.Logger.Info("ledger sealed", "seal", s.Number, "hash", hexSum(s.hash))
}

// run is the sealer. What fails is tried again; what failed is told once until
// something works.
func (l *ledger) run(ctx context.Context) {
	defer l.done.Done()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(keepPause):
		case <-l.wake:
			if !pause(ctx, sealPause) {
				return
			}
		}
		err := l.turn(ctx)
		if err == nil || ctx.Err() != nil {
			failing = false
			continue
		}
		if !failing {
			l.store.options.Logger.Error("sealing the ledger failed, trying again", "error", err)
		}
		failing = true
		if !pause(ctx, sealRetry) {
			return
		}
		l.look()
	}
}

// pause waits for d, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// turn seals what is finished, and removes the rows whose time has come.
func (l *ledger) turn(ctx context.Context) error {
	newest, err := l.seal(ctx, false)
	if err != nil {
		return err
	}
	if newest != nil && (l.told == nil || newest.RealTime.Sub(l.told.RealTime) >= tellPause) {
		l.tell(newest)
	}
	return l.drop(ctx)
}

// due returns the order below which the time of all rows has come, at least dropped.
// It is the end of a seal: a seal says so before any row goes, so that rows which
// are missing are told from rows that were removed.
func (l *ledger) due(ctx context.Context, dropped uint64) (uint64, error) {
	keep := l.store.options.Ledger.Retention
	if keep <= 0 {
		return dropped, nil
	}
	// Lock time does not leap, so a clock that does ends nothing.
	before := l.store.lockNow().Add(-keep)
	var bad error
	err := l.store.eachSeal(ctx, l.kept, func(k, v []byte) bool {
		seal, err := decodeSeal(k, v)
		if err != nil || !seal.At.Before(before) {
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
// crash leaves some of them, for the next time.
func (l *ledger) drop(ctx context.Context) error {
	newest := l.newest.Load()
	if newest == nil || newest.Dropped == 0 || !l.reading.TryLock() {
		return nil
	}
	defer l.reading.Unlock()
	for start, end := versioning.Order(0), versioning.Order(newest.Dropped); start < end; {
		gone, next, err := l.dropPage(ctx, start, end)
		if err == nil && len(gone) > 0 {
			err = l.store.commit(ctx, nil, gone)
		}
		if err != nil {
			return err
		}
		start = next
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
