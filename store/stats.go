package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed61737384/tombstone/store/engine"
)

// The counters of a stats row, by their place in the list. Places are on disk for
// ever; docs/format.md lists them.
const (
	statObjects = iota
	statObjectBytes
	statNoncurrent
	statNoncurrentBytes
	statMarkers
	statUploads
	statUploadBytes
	statLocked
	statReclaim
	statReclaimBytes
	statCount
)

// deltas are changes of a bucket's counters.
type deltas [statCount]int64

func (d *deltas) add(stat int, n int64) { d[stat] += n }

func (d *deltas) plus(e deltas) {
	for i, n := range e {
		d[i] += n
	}
}

// mutation returns the change of the stats row of b, and false if there is none.
func (d *deltas) mutation(b bucketID) (engine.Mutation, bool) {
	if *d == (deltas{}) {
		return engine.Mutation{}, false
	}
	last := statCount
	for d[last-1] == 0 {
		last--
	}
	return engine.Add(statsKey(b), append([]int64(nil), d[:last]...)...), true
}

// totals are the counters of a bucket, kept beside their row so that reading them
// costs nothing.
type totals struct {
	mu    sync.Mutex // protects sums and stale
	sums  deltas
	stale bool // the outcome of a commit is unknown: the row has to be read again
}

func (t *totals) plus(d deltas) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sums.plus(d)
}

func (t *totals) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stale = true
}

func (t *totals) set(sums deltas) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sums, t.stale = sums, false
}

func (t *totals) get() (sums deltas, stale bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sums, t.stale
}

// readTotals reads the stats row of b.
func readTotals(r engine.Reader, b bucketID) (deltas, error) {
	var sums deltas
	row, found, err := r.Get(statsKey(b))
	if err != nil || !found {
		return sums, err
	}
	counters, err := engine.DecodeCounters(row)
	if err != nil {
		return sums, fmt.Errorf("stats row: %w", err)
	}
	for i := range sums {
		sums[i] = counters.At(i)
	}
	return sums, nil
}

// Statistics returns the counts and bytes of a bucket. It reads no history.
func (s *Store) Statistics(ctx context.Context, bucket string) (Statistics, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return Statistics{}, &Error{Op: "statistics", Bucket: bucket, Err: err}
	}
	sums, stale := b.totals.get()
	if stale {
		if sums, err = s.reloadTotals(ctx, b); err != nil {
			return Statistics{}, &Error{Op: "statistics", Bucket: bucket, Err: err}
		}
	}
	return statistics(sums), nil
}

// reloadTotals reads the counters of b anew while nothing changes them.
func (s *Store) reloadTotals(ctx context.Context, b *bucketState) (sums deltas, err error) {
	b.hold.Lock()
	defer b.hold.Unlock()
	err = s.engine.View(ctx, func(r engine.Reader) error {
		sums, err = readTotals(r, b.id)
		return err
	})
	if err == nil {
		b.totals.set(sums)
	}
	return sums, err
}

func statistics(d deltas) Statistics {
	return Statistics{
		Objects: d[statObjects], ObjectBytes: d[statObjectBytes],
		Noncurrent: d[statNoncurrent], NoncurrentBytes: d[statNoncurrentBytes],
		DeleteMarkers: d[statMarkers],
		Uploads:       d[statUploads], UploadBytes: d[statUploadBytes],
		Locked:  d[statLocked],
		Reclaim: d[statReclaim], ReclaimBytes: d[statReclaimBytes],
	}
}
