package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// EndingRetention is a retention that ends.
type EndingRetention struct {
	Bucket, Key, VersionID string
	Until                  time.Time
	Size                   int64 // of the version, bytes
}

// EndingRetentions calls fn with the retentions in force that end until a time,
// bucket by bucket, the earliest of each first, by reads of no others. A legal hold
// that protects the version besides makes no difference. An error of fn ends it.
func (s *Store) EndingRetentions(ctx context.Context, until time.Time, fn func(EndingRetention) error) error {
	s.mu.RLock()
	buckets := slices.SortedFunc(maps.Values(s.buckets), func(a, b *bucketState) int { return strings.Compare(a.name, b.name) })
	s.mu.RUnlock()
	now := s.lockNow()
	for _, b := range buckets {
		if err := s.endingRetentions(ctx, b, now, until, fn); err != nil {
			return &Error{Op: "list ending retentions", Bucket: b.name, Err: err}
		}
	}
	return nil
}

// endingRetentions does the work of EndingRetentions for one bucket, page by page.
func (s *Store) endingRetentions(ctx context.Context, b *bucketState, now, until time.Time, fn func(EndingRetention) error) error {
	// A retention that ends in this millisecond protects no more.
	at := func(t time.Time) []byte {
		return binary.BigEndian.AppendUint64(within(lockTable, b.id, 0), uint64(max(t.UnixMilli(), 0))+1)
	}
	for start, end := at(now), at(until); start != nil; {
		if err := ctx.Err(); err != nil {
			return err
		}
		rg := engine.Range{Start: start, End: end, Limit: maxPage}
		start = nil
		var page []EndingRetention
		err := s.view(ctx, func(rd engine.Reader) error {
			keys, more, err := scanKeys(rd, rg)
			if more && len(keys) > 0 {
				start = append(slices.Clone(keys[len(keys)-1]), 0)
			}
			if err == nil {
				page, err = s.readEnding(rd, b, keys)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// readEnding reads the versions that rows of the lock table are of.
func (s *Store) readEnding(rd engine.Reader, b *bucketState, rows [][]byte) (page []EndingRetention, err error) {
	for _, k := range rows {
		_, key, order, ok := splitLockKey(k)
		if !ok {
			return nil, fmt.Errorf("%w: lock row with a malformed key", ErrDamaged)
		}
		rec, err := (&history{bucket: b, key: key}).record(rd, order)
		if err == nil && rec == nil {
			err = fmt.Errorf("%w: lock row without a version", ErrDamaged)
		}
		if err != nil {
			return nil, err
		}
		if rec.lock.Mode == versioning.NoRetention {
			continue
		}
		page = append(page, EndingRetention{
			Bucket: b.name, Key: key, VersionID: s.FormatVersionID(rec.version().ID()), Until: rec.lock.Until, Size: rec.size,
		})
	}
	return page, nil
}
