package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// defaultBucketLimit is how many buckets a page of Buckets has by default.
const defaultBucketLimit = 10_000

// bucketState is a bucket in memory: its row, and the hold that keeps the row
// from changing while a change of a key commits.
type bucketState struct {
	name string
	id   bucketID
	// hold is taken for reading by what changes keys, for as long as it plans and
	// commits, and for writing by what changes row. It comes before key locks.
	hold   sync.RWMutex
	row    atomic.Pointer[bucketRow] // read at any time, replaced under hold
	gone   atomic.Bool               // the bucket was deleted; set under hold
	totals totals
	joiner joiner // of changes of many keys
	parsed parsedConfigs
}

func newBucketState(row *bucketRow) *bucketState {
	b := &bucketState{name: row.Name, id: row.id}
	b.row.Store(row)
	return b
}

// bucket returns the state of a bucket that exists.
func (s *Store) bucket(name string) (*bucketState, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, ErrNoSuchBucket
}

// holdBucket takes the counted hold of b for a change of its keys. The caller
// releases it.
func holdBucket(b *bucketState) error {
	b.hold.RLock()
	switch {
	case b.gone.Load():
		b.hold.RUnlock()
		return ErrNoSuchBucket
	case b.row.Load().deleting:
		b.hold.RUnlock()
		return ErrBucketBusy
	}
	return nil
}

// CreateBucket makes a bucket. If there is one of that name it returns it, and
// [ErrBucketExists].
func (s *Store) CreateBucket(ctx context.Context, spec BucketSpec) (Bucket, error) {
	fail := func(err error) (Bucket, error) {
		return Bucket{}, &Error{Op: "create bucket", Bucket: spec.Name, Err: err}
	}
	if spec.Name == "" || len(spec.Name) > MaxKeyBytes {
		return fail(ErrNoSuchBucket)
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	if b, err := s.bucket(spec.Name); err == nil {
		return b.row.Load().Bucket, &Error{Op: "create bucket", Bucket: spec.Name, Err: ErrBucketExists}
	}
	id, err := s.orders.next(0)
	if err != nil {
		return fail(err)
	}
	row := &bucketRow{id: bucketID(id), Bucket: Bucket{
		Name: spec.Name, ID: uint64(id), Created: s.now(), Region: spec.Region, Owner: spec.Owner, ObjectLock: spec.ObjectLock,
	}}
	if spec.ObjectLock {
		row.Versioning = versioning.Enabled
	}
	key := bucketKey(spec.Name)
	mutations := []engine.Mutation{engine.Set(key, row.encode())}
	at := ledgerPlace{row.id, row.Name}
	if err := s.commitNoted(ctx, []engine.Guard{{Key: key}}, mutations, at, spec.Made, createdEntry(row)); err != nil {
		return fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[spec.Name] = newBucketState(row)
	return row.Bucket, nil
}

// Bucket returns a bucket and its state.
func (s *Store) Bucket(_ context.Context, name string) (Bucket, error) {
	b, err := s.bucket(name)
	if err != nil {
		return Bucket{}, &Error{Op: "read bucket", Bucket: name, Err: err}
	}
	return b.row.Load().Bucket, nil
}

// Buckets returns the buckets that q selects in the order of their names, and
// whether there are more.
func (s *Store) Buckets(ctx context.Context, q BucketQuery) (buckets []Bucket, more bool, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultBucketLimit
	}
	start, end := bucketKey(q.Prefix), prefixEnd(bucketKey(q.Prefix))
	if after := append(bucketKey(q.After), 0); q.After != "" && string(after) > string(start) {
		start = after
	}
	err = s.engine.View(ctx, func(r engine.Reader) error {
		var bad error
		_, err := r.Scan(engine.Range{Start: start, End: end, Limit: limit + 1}, func(k, v []byte) bool {
			if len(buckets) == limit {
				more = true
				return false
			}
			row, err := decodeBucket(string(k[1:]), v)
			if err != nil {
				bad = err
				return false
			}
			buckets = append(buckets, row.Bucket)
			return true
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return nil, false, &Error{Op: "list buckets", Err: s.cause(err)}
	}
	return buckets, more, nil
}

// SetVersioning changes the versioning state of a bucket (spec VD1). No change of
// a key that read the old state commits after it returns. While MFA Delete is Enabled a
// change without a verified token is [ErrMFARequired] (spec OL2-10); where there is a
// lifecycle configuration, enabling it is [ErrLifecycle] (spec LC6-2).
func (s *Store) SetVersioning(ctx context.Context, bucket string, c VersioningChange) error {
	if err := s.setVersioning(ctx, bucket, c); err != nil {
		return &Error{Op: "set versioning", Bucket: bucket, Err: err}
	}
	return nil
}

func (s *Store) setVersioning(ctx context.Context, bucket string, c VersioningChange) error {
	b, err := s.seizeBucket(bucket)
	if err != nil {
		return err
	}
	defer b.hold.Unlock()
	var guards []engine.Guard
	if c.MFADelete == MFADeleteEnabled {
		if guards, err = s.guardUnruled(ctx, b.id); err != nil {
			return err
		}
	}
	return s.writeRow(ctx, b, c.Made, func(row *bucketRow) error {
		if row.MFADelete == MFADeleteEnabled && !c.MFA {
			return ErrMFARequired
		}
		if err := versioning.ChangeState(row.ObjectLock, c.State); err != nil {
			return err
		}
		row.Versioning = c.State
		if c.MFADelete != MFADeleteNever {
			row.MFADelete = c.MFADelete
		}
		return nil
	}, guards...)
}

// guardUnruled returns what guards that a bucket, which the caller holds, has no lifecycle
// configuration, and [ErrLifecycle] if it has one.
func (s *Store) guardUnruled(ctx context.Context, b bucketID) ([]engine.Guard, error) {
	key := configKey(b, ConfigLifecycle, 0)
	err := s.view(ctx, func(r engine.Reader) error {
		_, found, err := r.Get(key)
		if err == nil && found {
			err = ErrLifecycle
		}
		return err
	})
	return []engine.Guard{{Key: key}}, err
}

// seizeBucket takes the exclusive hold of a bucket that is not about to go. The caller
// releases it.
func (s *Store) seizeBucket(name string) (*bucketState, error) {
	b, err := s.bucket(name)
	if err != nil {
		return nil, err
	}
	return b, seize(b)
}

// seize does the work of seizeBucket; after an error the caller has nothing to release.
func seize(b *bucketState) (err error) {
	b.hold.Lock()
	switch {
	case b.gone.Load():
		err = ErrNoSuchBucket
	case b.row.Load().deleting:
		err = ErrBucketBusy
	}
	if err != nil {
		b.hold.Unlock()
	}
	return err
}

// changeBucket replaces the row of a bucket by what change makes of a copy.
func (s *Store) changeBucket(ctx context.Context, bucket string, made Maker, change func(*bucketRow) error) error {
	b, err := s.seizeBucket(bucket)
	if err != nil {
		return err
	}
	defer b.hold.Unlock()
	return s.writeRow(ctx, b, made, change)
}

// writeRow does the work of changeBucket, under the exclusive hold of b, if the further
// guards hold too.
func (s *Store) writeRow(
	ctx context.Context, b *bucketState, made Maker, change func(*bucketRow) error, further ...engine.Guard,
) error {
	old := b.row.Load()
	row := *old
	if err := change(&row); err != nil {
		return err
	}
	key, was, is := bucketKey(b.name), old.encode(), row.encode()
	if bytes.Equal(is, was) {
		return nil // it is durable already
	}
	guards, mutations := append([]engine.Guard{{Key: key, Value: was}}, further...), []engine.Mutation{engine.Set(key, is)}
	if err := s.commitNoted(ctx, guards, mutations, b.place(), made, bucketEntries(old, &row)...); err != nil {
		return err
	}
	b.row.Store(&row)
	return nil
}

// DeleteBucket removes an empty bucket and its configuration (spec VD9). Any
// entry, a lone delete marker too, is [ErrBucketNotEmpty].
func (s *Store) DeleteBucket(ctx context.Context, name string, made Maker) error {
	b, err := s.bucket(name)
	if err == nil {
		err = s.deleteBucket(ctx, b, made)
	}
	if err != nil {
		return &Error{Op: "delete bucket", Bucket: name, Err: err}
	}
	return nil
}

// deleteBucket answers from the index if the bucket is not empty. Else it marks
// the bucket, so that changes are refused from then on, and looks again.
func (s *Store) deleteBucket(ctx context.Context, b *bucketState, made Maker) error {
	if err := s.bucketEmpty(ctx, b); err != nil {
		return err
	}
	// It is b that is marked, whatever has its name by now: nobody would unmark another.
	if err := seize(b); err != nil {
		return err
	}
	err := s.writeRow(ctx, b, made, func(row *bucketRow) error { row.deleting = true; return nil })
	b.hold.Unlock() // for changes that wait for it to be refused
	if err != nil {
		return err
	}
	b.hold.Lock()
	defer b.hold.Unlock()
	err = s.bucketEmpty(ctx, b)
	if err == nil {
		err = s.removeBucket(ctx, b, made)
	}
	if err != nil && !errors.Is(err, ErrUnknown) {
		unmark := func(row *bucketRow) error { row.deleting = false; return nil }
		return errors.Join(err, s.writeRow(context.WithoutCancel(ctx), b, made, unmark))
	}
	return err
}

// bucketEmpty returns ErrBucketNotEmpty if b has an entry.
func (s *Store) bucketEmpty(ctx context.Context, b *bucketState) error {
	prefix := within(versionTable, b.id, 0)
	return s.view(ctx, func(r engine.Reader) error {
		empty := true
		_, err := r.Scan(engine.Range{Start: prefix, End: prefixEnd(prefix), Limit: 1}, func(_, _ []byte) bool {
			empty = false
			return false
		})
		if err == nil && !empty {
			err = ErrBucketNotEmpty
		}
		return err
	})
}

// removeBucket removes the rows of b, which has no entries, under its exclusive
// hold.
func (s *Store) removeBucket(ctx context.Context, b *bucketState, made Maker) error {
	mutations := []engine.Mutation{engine.Delete(bucketKey(b.name)), engine.Delete(statsKey(b.id))}
	uploads, err := s.uploadsLeft(ctx, b)
	if err != nil {
		return err
	}
	mutations = append(mutations, uploads...)
	note := ledgerEntry{change: LedgerBucketRemoved}
	err = s.view(ctx, func(r engine.Reader) error {
		sums, err := readTotals(r, b.id)
		if err != nil {
			return err
		}
		if n := sums[statUploads]; n > 0 {
			note.before = fmt.Sprintf("%d uploads under way", n)
		}
		prefix := within(configTable, b.id, 0)
		_, err = r.Scan(engine.Range{Start: prefix, End: prefixEnd(prefix)}, func(k, _ []byte) bool {
			mutations = append(mutations, engine.Delete(append([]byte(nil), k...)))
			return true
		})
		return err
	})
	if err != nil {
		return err
	}
	guards := []engine.Guard{{Key: bucketKey(b.name), Value: b.row.Load().encode()}}
	if err := s.commitNoted(ctx, guards, mutations, b.place(), made, note); err != nil {
		return err
	}
	b.gone.Store(true)
	s.mu.Lock()
	delete(s.buckets, b.name)
	s.mu.Unlock()
	s.released(len(uploads))
	return nil
}

// uploadsLeft returns what leaves the uploads of b, and all parts, to the
// reclaimer (spec VD9-4), nothing if there are none.
func (s *Store) uploadsLeft(ctx context.Context, b *bucketState) (m []engine.Mutation, err error) {
	err = s.view(ctx, func(r engine.Reader) error {
		for _, t := range []table{uploadTable, partTable} {
			prefix := within(t, b.id, 0)
			rg := engine.Range{Start: prefix, End: prefixEnd(prefix), Limit: 1}
			_, err := r.Scan(rg, func(_, _ []byte) bool {
				row := reclaimRow{order: versioning.Order(b.id), bucket: b.id, parts: &lostParts{}}
				m = []engine.Mutation{row.set(&deltas{})}
				return false
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}
