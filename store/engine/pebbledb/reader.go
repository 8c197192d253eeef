package pebbledb

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed61737384/tombstone/store/engine"
)

// cancelEvery is after how many entries a scan looks at its context.
const cancelEvery = 1024

// View implements [engine.Engine].
func (db *DB) View(ctx context.Context, fn func(engine.Reader) error) (err error) {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.gate.leave()
	r, err := db.newReader(ctx)
	if err != nil {
		return err
	}
	defer r.closeInto(&err)
	return fn(r)
}

// pointOptions are those of the iterator of a reader; Pebble copies them.
var pointOptions = &pebble.IterOptions{UseL6Filters: true}

// reader is the engine.Reader of one snapshot: the state of Pebble at the moment
// its first iterator was made. A pebble.Snapshot would do as well, but it is
// taken and given back under the lock that compactions are chosen under, and its
// Get does not look at the filters of the last level, so that every question for
// a key that is not there reads a block.
type reader struct {
	ctx    context.Context
	mark   engine.Mark
	points *pebble.Iterator // for Get: no bounds, moves by whole keys
	ranges *pebble.Iterator // for Scan and neighbours; made from points when needed
}

func (db *DB) newReader(ctx context.Context) (*reader, error) {
	mark := db.latches.mark() // before the snapshot
	points, err := db.pebble.NewIter(pointOptions)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, mark: mark, points: points}, nil
}

func (r *reader) Mark() engine.Mark { return r.mark }

// closeInto closes r; if that fails and *err is nil, *err tells.
func (r *reader) closeInto(err *error) {
	failed := r.points.Close()
	if r.ranges != nil {
		failed = errors.Join(failed, r.ranges.Close())
	}
	if *err == nil {
		*err = failed
	}
}

func (r *reader) Get(key []byte) ([]byte, bool, error) {
	value, found, err := r.peek(key)
	if !found {
		return nil, false, err
	}
	return append(make([]byte, 0, len(value)), value...), true, nil
}

// peek is Get without the copy: value is valid until the next read of a point.
func (r *reader) peek(key []byte) (value []byte, found bool, err error) {
	if len(key) == 0 {
		return nil, false, nil // no key is empty, and Pebble would not take it
	}
	// The base comparer takes the whole key for its prefix, so this stops at
	// the key itself or nowhere, and asks the filters first.
	if !r.points.SeekPrefixGE(key) {
		return nil, false, r.points.Error()
	}
	if value, err = r.points.ValueAndErr(); err != nil {
		return nil, false, err
	}
	return value, true, nil
}

func (r *reader) Scan(rg engine.Range, fn func(key, value []byte) bool) (bool, error) {
	if rg.End != nil && bytes.Compare(rg.Start, rg.End) >= 0 {
		return false, nil
	}
	valid, step, err := r.seek(rg)
	if err != nil {
		return false, err
	}
	for n := 1; valid; n++ {
		value, err := r.ranges.ValueAndErr()
		if err != nil {
			return false, err
		}
		if !fn(r.ranges.Key(), value) || n == rg.Limit {
			return true, nil
		}
		if n%cancelEvery == 0 && r.ctx.Err() != nil {
			return false, r.ctx.Err()
		}
		valid = step()
	}
	return false, r.ranges.Error()
}

// seek moves to the first entry of rg, if it has one, and returns what moves on.
func (r *reader) seek(rg engine.Range) (valid bool, step func() bool, err error) {
	if err := r.openRanges(); err != nil {
		return false, nil, err
	}
	if rg.Reverse {
		r.ranges.SetBounds(rg.Start, rg.End)
		return r.ranges.Last(), r.ranges.Prev, nil
	}
	// No lower bound: scans one after the other, as a listing by delimiter
	// makes them, then differ in nothing but where they seek, and Pebble gets
	// there by stepping on from where it is.
	r.ranges.SetBounds(nil, rg.End)
	if len(rg.Start) == 0 {
		return r.ranges.First(), r.ranges.Next, nil
	}
	return r.ranges.SeekGE(rg.Start), r.ranges.Next, nil
}

// openRanges makes the iterator of ranges unless it is there.
func (r *reader) openRanges() (err error) {
	if r.ranges == nil {
		r.ranges, err = r.points.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{}})
	}
	return err
}
