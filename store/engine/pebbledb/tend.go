package pebbledb

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// tendEvery is how often maintenance looks.
const tendEvery = 250 * time.Millisecond

// Shares of garbage in the blob files above which Pebble rewrites them. 0.2 lets
// files of 1.23 times the live values stand; with nothing else to do it is worth
// reading on.
const (
	busyGarbage = 0.50
	idleGarbage = 0.05
)

// What is tried in vain is tried again so many times, until the next release.
const (
	maxNudges    = 8 // asking Pebble to look for garbage
	maxFruitless = 3 // compacting; Pebble may stop above the last level
)

// tender is the state of maintenance. Only its goroutine uses it.
type tender struct {
	log     *slog.Logger
	pending pending
	total   uint64 // of releases, when last read
	// settled is set when nothing is left to tidy up after what was released.
	settled     bool
	nudges      int
	compactions int64 // Pebble's count at the last nudge
	fruitless   int   // compactions that carried off no deletes
}

var errFruitless = errors.New("compactions left as many deletes as before")

// tendLoop runs maintenance until Close.
func (db *DB) tendLoop(ctx context.Context) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			db.guarded(func() { db.tend(ctx, now) })
			if db.failures.first.Load() != nil {
				return
			}
		}
	}
}

// guarded calls fn and makes a failure of a panic in it: Pebble panics where it
// can not write its log.
func (db *DB) guarded(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			db.failures.recovered(r)
		}
	}()
	fn()
}

// tend takes one step of maintenance: begins a flush, or, when releases pause,
// compacts one piece or has garbage collected, or finds that all is in order.
func (db *DB) tend(ctx context.Context, now time.Time) {
	t := &db.tender
	t.observe(now, db.releases.read())
	quiet := idle(now, t.pending)
	db.quiet.Store(quiet)
	if flushDue(now, t.pending) {
		db.releases.flushed()
		// Its errors are the business of Pebble, which tries again.
		_, err := db.pebble.AsyncFlush()
		t.report(ctx, "flush", err)
		return
	}
	if !quiet || t.settled || t.pending.deletes > 0 {
		return
	}
	if err := db.tidy(ctx); err != nil {
		t.report(ctx, "compact", err)
		t.settled = true // until the next release
	}
}

// observe notes what was released since the last look.
func (t *tender) observe(now time.Time, r released) {
	if r.deletes > 0 && t.pending.deletes == 0 {
		t.pending.first = now
	}
	t.pending.deletes, t.pending.bytes = r.deletes, r.bytes
	if r.total != t.total {
		t.total, t.pending.last = r.total, now
		t.settled, t.nudges, t.fruitless = false, 0, 0
	}
}

// report logs what went wrong, unless it is that the engine is being closed.
func (t *tender) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		t.log.Warn("maintenance", "step", what, "error", err)
	}
}

// tidy takes one step towards order on disk.
func (db *DB) tidy(ctx context.Context) error {
	t := &db.tender
	m := db.pebble.Metrics()
	if m.Flush.NumInProgress > 0 || m.Compact.NumInProgress > 0 {
		return nil
	}
	tables, known, err := db.tables()
	if err != nil || !known {
		return err
	}
	if piece, found := choose(tables, db.releases.touched()); found {
		return db.compact(ctx, piece, m.Keys.TombstoneCount)
	}
	if m.Compact.Count != t.compactions {
		t.compactions, t.nudges = m.Compact.Count, 0
	}
	if garbage(m) > idleGarbage && t.nudges < maxNudges {
		t.nudges++
		// Pebble looks for something to compact when its oldest snapshot
		// goes, among other occasions, and there is no way to just ask.
		return db.pebble.NewSnapshot().Close()
	}
	t.settled = db.releases.settled(t.total)
	return nil
}

// compact compacts what overlaps piece down to the last level, where its deletes
// end. There were deletes of them in all tables before.
func (db *DB) compact(ctx context.Context, piece span, deletes uint64) error {
	t := &db.tender
	end := append(piece.last[:len(piece.last):len(piece.last)], 0)
	if err := db.pebble.Compact(ctx, piece.first, end, false); err != nil {
		return err
	}
	if db.pebble.Metrics().Keys.TombstoneCount < deletes {
		t.fruitless = 0
		return nil
	}
	if t.fruitless++; t.fruitless == maxFruitless {
		return errFruitless
	}
	return nil
}

// tables lists Pebble's tables. They are known when Pebble has counted what is
// in them, which it does in the background.
func (db *DB) tables() (all []table, known bool, err error) {
	levels, err := db.pebble.SSTables()
	if err != nil {
		return nil, false, err
	}
	for level, tables := range levels {
		for i := range tables {
			s := &tables[i]
			if s.TableStats.NumEntries == 0 {
				return nil, false, nil
			}
			all = append(all, table{
				level:     level,
				keys:      span{first: s.Smallest.UserKey, last: s.Largest.UserKey},
				entries:   s.TableStats.NumEntries,
				deletions: s.TableStats.NumDeletions,
				bytes:     s.Size,
				frees:     s.TableStats.PointDeletionsBytesEstimate,
			})
		}
	}
	return all, true, nil
}

// garbage returns the share of values in blob files that nothing refers to.
func garbage(m *pebble.Metrics) float64 {
	if m.BlobFiles.ValueSize == 0 {
		return 0
	}
	return 1 - float64(m.BlobFiles.ReferencedValueSize)/float64(m.BlobFiles.ValueSize)
}
