package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// LockedRequest asks for versions whose lock is in force.
type LockedRequest struct {
	Bucket string
	After  string // Next of the page before; empty for the first
	Limit  int    // at most so many; 0: 1,000
}

// LockedVersion is a version whose lock is in force.
type LockedVersion struct {
	Key, VersionID string
	Lock           versioning.Lock
}

// LockedPage is a page of locked versions: those whose retention ends first come
// first, those with a legal hold last.
type LockedPage struct {
	Versions []LockedVersion
	Next     string // empty if this is the last page
}

// errCursor says that the After of a request is no Next of a page.
var errCursor = errors.New("not a place in the list of locked versions")

// LockedVersions lists the versions of a bucket that are protected now, by point
// reads of no others.
func (s *Store) LockedVersions(ctx context.Context, r LockedRequest) (LockedPage, error) {
	page, err := s.lockedVersions(ctx, &r)
	if err != nil {
		return LockedPage{}, &Error{Op: "list locked versions", Bucket: r.Bucket, Err: err}
	}
	return page, nil
}

func (s *Store) lockedVersions(ctx context.Context, r *LockedRequest) (page LockedPage, err error) {
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return page, err
	}
	prefix := within(lockTable, b.id, 0)
	// A retention that ends in this millisecond protects no more.
	start := binary.BigEndian.AppendUint64(bytes.Clone(prefix), uint64(max(s.lockNow().UnixMilli(), 0))+1)
	if r.After != "" {
		after, err := base64.RawURLEncoding.DecodeString(r.After)
		if err != nil {
			return page, fmt.Errorf("%w: %w", errCursor, err)
		}
		if after = append(bytes.Clone(prefix), append(after, 0)...); bytes.Compare(after, start) > 0 {
			start = after
		}
	}
	limit := r.Limit
	if limit <= 0 {
		limit = maxPage
	}
	for len(page.Versions) < limit && start != nil {
		rg := engine.Range{Start: start, End: prefixEnd(prefix), Limit: limit - len(page.Versions)}
		start = nil
		err := s.view(ctx, func(rd engine.Reader) error {
			keys, more, err := scanKeys(rd, rg)
			if more && len(keys) > 0 {
				start = append(bytes.Clone(keys[len(keys)-1]), 0)
				page.Next = base64.RawURLEncoding.EncodeToString(keys[len(keys)-1][bucketPrefix:])
			} else {
				page.Next = ""
			}
			if err == nil {
				err = s.addLocked(rd, b, keys, &page)
			}
			return err
		})
		if err != nil {
			return page, err
		}
	}
	return page, nil
}

// scanKeys returns the keys of rg, and whether there may be more.
func scanKeys(rd engine.Reader, rg engine.Range) (keys [][]byte, more bool, err error) {
	more, err = rd.Scan(rg, func(k, _ []byte) bool {
		keys = append(keys, bytes.Clone(k))
		return true
	})
	return keys, more, err
}

// addLocked adds the versions that rows of the lock table are of. One with a hold
// besides its retention is told of once, with the holds.
func (s *Store) addLocked(rd engine.Reader, b *bucketState, rows [][]byte, page *LockedPage) error {
	for _, k := range rows {
		until, key, order, ok := splitLockKey(k)
		if !ok {
			return fmt.Errorf("%w: lock row with a malformed key", ErrDamaged)
		}
		h := &history{bucket: b, key: key}
		rec, err := h.record(rd, order)
		if err == nil && rec == nil {
			err = fmt.Errorf("%w: lock row without a version", ErrDamaged)
		}
		if err != nil {
			return err
		}
		if rec.lock.Hold == versioning.HoldOn && until != holdEnd {
			continue
		}
		page.Versions = append(page.Versions, LockedVersion{
			Key: key, VersionID: s.FormatVersionID(rec.version().ID()), Lock: rec.lock,
		})
	}
	return nil
}
