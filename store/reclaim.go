package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

const (
	// reclaimPage is how many files are removed between two commits.
	reclaimPage = 256
	// reclaimRetry is how long the reclaimer rests after a failure.
	reclaimRetry = time.Second
)

// reclaimer removes the files that no version needs any more: those that have a
// reclaim row. Its rows are durable before it acts on them, and a row is removed
// after its file, so a crash at any point leaves only work to do again.
type reclaimer struct {
	store  *Store
	wake   chan struct{} // holds at most one wish to look
	cancel context.CancelFunc
	done   sync.WaitGroup

	skipped atomic.Bool // a file was passed over because somebody read it

	doneLooked time.Time // object time of the last look at completed uploads; the sweep's own

	mu    sync.Mutex    // protects idle
	idle  chan struct{} // closed while there is nothing to do
	quiet bool          // idle is closed
}

func startReclaimer(s *Store) *reclaimer {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reclaimer{store: s, wake: make(chan struct{}, 1), cancel: cancel, idle: make(chan struct{})}
	s.pins.unpinned = func() {
		if r.skipped.Swap(false) {
			r.look()
		}
	}
	r.look() // for what the last run left
	r.done.Add(1)
	go r.run(ctx)
	return r
}

func (r *reclaimer) close() {
	r.cancel()
	r.done.Wait()
}

// look makes the reclaimer look for work.
func (r *reclaimer) look() {
	r.mu.Lock()
	defer r.mu.Unlock() // rest must not come between the two
	if r.quiet {
		r.idle, r.quiet = make(chan struct{}), false
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// rest says that nothing is left to do, unless somebody asked meanwhile.
func (r *reclaimer) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wake) == 0 && !r.quiet {
		close(r.idle)
		r.quiet = true
	}
}

func (r *reclaimer) run(ctx context.Context) {
	defer r.done.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		if err := r.sweep(ctx); err != nil && ctx.Err() == nil {
			r.store.options.Logger.Error("reclaim failed, trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(reclaimRetry):
				r.look()
			}
			continue
		}
		r.rest()
	}
}

// sweep goes over the reclaim table once.
func (r *reclaimer) sweep(ctx context.Context) error {
	for start := []byte{byte(reclaimTable)}; start != nil; {
		rows, next, err := r.store.reclaimRows(ctx, start)
		if err != nil {
			return err
		}
		if err := r.remove(ctx, rows); err != nil {
			return err
		}
		start = next
	}
	return r.forgetDone(ctx)
}

// reclaimRows returns a page of the reclaim table from start, and where the next
// one starts, nil at the end.
func (s *Store) reclaimRows(ctx context.Context, start []byte) (rows []reclaimRow, next []byte, err error) {
	err = s.view(ctx, func(rd engine.Reader) error {
		var bad error
		end := prefixEnd([]byte{byte(reclaimTable)})
		_, err := rd.Scan(engine.Range{Start: start, End: end, Limit: reclaimPage}, func(k, v []byte) bool {
			var row reclaimRow
			if row, bad = decodeReclaim(k, v); bad != nil {
				bad = fmt.Errorf("%w at %x", bad, k)
				return false
			}
			rows = append(rows, row)
			if len(rows) == reclaimPage {
				next = append(bytes.Clone(k), 0)
			}
			return true
		})
		return errors.Join(err, bad)
	})
	return rows, next, err
}

// passOver reports whether somebody reads the file, and sees to it that the end of
// that makes the reclaimer look again: the note is taken first, so that a reader
// who ends meanwhile finds it.
func (r *reclaimer) passOver(ref blob.Ref) bool {
	if !r.store.pins.pinned(ref) {
		return false
	}
	r.skipped.Store(true)
	if !r.store.pins.pinned(ref) {
		r.look()
	}
	return true
}

// remove removes the files of rows that nobody reads, and then their rows.
func (r *reclaimer) remove(ctx context.Context, rows []reclaimRow) error {
	var refs []blob.Ref
	var mutations []engine.Mutation
	freed := make(map[bucketID]*deltas)
	for _, row := range rows {
		if row.parts != nil {
			if err := r.removeParts(ctx, row); err != nil {
				return err
			}
			continue
		}
		if r.passOver(row.ref) {
			continue
		}
		refs = append(refs, row.ref)
		mutations = append(mutations, engine.Delete(reclaimKey(row.order, row.ref)))
		d := freed[row.bucket]
		if d == nil {
			d = &deltas{}
			freed[row.bucket] = d
		}
		d.add(statReclaim, -1)
		d.add(statReclaimBytes, -row.stored)
	}
	if len(refs) == 0 {
		return nil
	}
	// A version that a crash could bring back must not have lost its file.
	if err := r.store.engine.Sync(ctx); err != nil {
		return err
	}
	if err := r.store.blobs.Remove(refs...); err != nil {
		return err
	}
	return r.forget(ctx, mutations, freed)
}

// forget removes reclaim rows and counts that. The counters of a bucket that is
// gone are gone too; a bucket is held so that it does not go meanwhile.
func (r *reclaimer) forget(ctx context.Context, mutations []engine.Mutation, freed map[bucketID]*deltas) error {
	s := r.store
	var held []*bucketState
	defer func() {
		for _, b := range held {
			b.hold.RUnlock()
		}
	}()
	for _, b := range s.bucketsByID(freed) {
		b.hold.RLock()
		held = append(held, b)
		if b.gone.Load() {
			continue
		}
		if m, ok := freed[b.id].mutation(b.id); ok {
			mutations = append(mutations, m)
		}
	}
	err := s.engine.Commit(ctx, nil, mutations)
	for _, b := range held {
		if err == nil {
			b.totals.plus(*freed[b.id])
		} else {
			b.totals.forget()
		}
	}
	return s.cause(err)
}

// bucketsByID returns the buckets with the given ids that exist.
func (s *Store) bucketsByID(ids map[bucketID]*deltas) (found []*bucketState) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.buckets {
		if ids[b.id] != nil {
			found = append(found, b)
		}
	}
	return found
}

// released tells the reclaimer that n files were released.
func (s *Store) released(n int) {
	if n > 0 && s.reclaim != nil {
		s.reclaim.look()
	}
}

// WaitReclaimed returns when no file is left to reclaim, but for those that are
// being read. In a store that is open for reading only, where none is ever
// reclaimed, it returns at once.
func (s *Store) WaitReclaimed(ctx context.Context) error {
	if s.reclaim == nil {
		return nil
	}
	s.reclaim.mu.Lock()
	idle := s.reclaim.idle
	s.reclaim.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
