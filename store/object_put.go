package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Put stores an object. Body is read as a stream; what it yields is durable, and
// then its version becomes current, before Put returns. After an error nothing
// of it remains, unless the error is [ErrUnknown]. Errors of Body and Verify come
// back as causes.
func (s *Store) Put(ctx context.Context, r PutRequest) (PutResult, error) {
	res, err := s.put(ctx, &r)
	if err != nil {
		return PutResult{}, &Error{Op: "put", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return res, nil
}

func (s *Store) put(ctx context.Context, r *PutRequest) (PutResult, error) {
	if s.closed.Load() {
		return PutResult{}, ErrClosed
	}
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return PutResult{}, err
	}
	if err := s.beforeBody(ctx, b, r); err != nil {
		return PutResult{}, err
	}
	number, err := s.orders.next(0)
	if err != nil {
		return PutResult{}, s.cause(err)
	}
	stored, err := s.blobs.Write(ctx, blob.Request{
		Number: uint64(number), Bucket: uint64(b.id), Key: r.Key,
		Body: r.Body, Size: r.Size, Algorithms: r.Algorithms,
	})
	if err != nil {
		return PutResult{}, bodyCause(err)
	}
	return s.putBytes(ctx, b, r, &stored)
}

// putBytes commits the version of bytes that were stored for it, and lets go of
// them if it fails.
func (s *Store) putBytes(ctx context.Context, b *bucketState, r *PutRequest, stored *blob.Stored) (PutResult, error) {
	res, err := s.putStored(ctx, b, r, stored)
	return res, s.settle(err, stored.Ref)
}

// settle ends the life of new files between their writing and their rows, after
// the commit of the rows ended with err, and returns what that comes to. Inline
// refs are passed over.
func (s *Store) settle(err error, refs ...blob.Ref) error {
	errs := []error{err}
	for _, ref := range refs {
		switch {
		case err == nil:
			s.blobs.Settle(ref)
		case !errors.Is(err, ErrUnknown):
			// After an unknown outcome the file may be needed: it stays unsettled,
			// and the next start finds out.
			errs = append(errs, s.blobs.Discard(ref))
		}
	}
	return errors.Join(errs...)
}

// beforeBody refuses what can be refused before the body is read. A condition
// that is false now is answered now; it is held against the key again when the
// change commits.
func (s *Store) beforeBody(ctx context.Context, b *bucketState, r *PutRequest) error {
	if err := checkKey(r.Key); err != nil {
		return err
	}
	if err := s.space.check(r.Size); err != nil {
		return err
	}
	if err := b.checkLock(r.Lock); err != nil {
		return err
	}
	if r.Condition.IsZero() && r.Authorize == nil {
		return nil
	}
	// Changes of the key are visible before they are durable, and locked until
	// then: a refusal that rests on one has to wait for it.
	defer s.keyLocks.lock(b.id, []string{r.Key})()
	return s.view(ctx, func(rd engine.Reader) error {
		batch := &batch{bucket: b}
		e := s.putEdit(b, r, nil)
		if err := readHistories(rd, batch, []*edit{e}); err != nil {
			return err
		}
		h := e.history
		if h.spoiled != nil {
			return h.spoiled
		}
		facts, err := h.facts(rd, versioning.Needs{Current: true}, versioning.ID{})
		if err != nil {
			return err
		}
		refused, err := h.refuse(rd, e, facts)
		if refused == nil && err == nil {
			_, err = e.plan(versioning.Enabled, facts, 1)
		}
		return errors.Join(refused, err)
	})
}

// putStored commits the version of bytes that are stored.
func (s *Store) putStored(ctx context.Context, b *bucketState, r *PutRequest, stored *blob.Stored) (PutResult, error) {
	if r.Verify != nil {
		if err := r.Verify(Digests{Size: stored.Size, MD5: stored.MD5, Checksums: stored.Sums}); err != nil {
			return PutResult{}, err
		}
	}
	e := s.putEdit(b, r, func(v *versioning.Version) (*record, []engine.Mutation) { return s.putRecord(b, r, stored, v) })
	if err := s.change(ctx, b, []*edit{e}); err != nil {
		return PutResult{}, err
	}
	if e.err != nil {
		return PutResult{}, e.err
	}
	return PutResult{
		VersionHeader: s.FormatVersionID(e.answer.VersionID), ETag: e.inserted.etag, Size: stored.Size,
		LastModified: e.inserted.lastModified, Checksums: stored.Sums,
	}, nil
}

func (s *Store) putEdit(b *bucketState, r *PutRequest, build func(*versioning.Version) (*record, []engine.Mutation)) *edit {
	rule := versioning.PutRequest{Now: s.lockNow(), Condition: r.Condition, Copy: r.copied}
	return &edit{
		key: r.Key, inserts: true, made: &r.Made, build: build, authorize: r.Authorize,
		needs: rule.Needs,
		plan: func(state versioning.State, f versioning.Facts, o versioning.Order) (versioning.Plan, error) {
			if err := b.checkLock(r.Lock); err != nil {
				return versioning.Plan{}, err
			}
			rule.Order = o
			return versioning.Put(state, f, &rule)
		},
	}
}

// putRecord makes the record of v for bytes that are stored, and the rows that
// hold them or name their file.
func (s *Store) putRecord(b *bucketState, r *PutRequest, stored *blob.Stored, v *versioning.Version) (*record, []engine.Mutation) {
	created, lockStart := s.creation()
	rec := &record{
		order: v.Order, null: v.Null, size: stored.Size,
		lastModified: created, realTime: s.options.Clock.Now(),
		etag: hex.EncodeToString(stored.MD5[:]), checksums: stored.Sums,
		class: r.StorageClass, system: r.System, user: r.User, tags: r.Tags, acl: r.ACL,
		lock: b.newLock(r.Lock, lockStart), made: r.Made,
	}
	if len(stored.Sums) > 0 {
		rec.checksumType = FullObject
	}
	if owner := b.row.Load().Owner; r.Owner != (Owner{}) && r.Owner != owner {
		rec.owner = &r.Owner
	}
	if stored.Size == 0 && stored.Ref.Inline() {
		return rec, nil
	}
	rec.ref, rec.storedSize, rec.blockSize, rec.crc = stored.Ref, stored.StoredSize, stored.BlockSize, stored.CRC
	if stored.Inline != nil {
		rec.place = placeData
		return rec, []engine.Mutation{engine.Set(dataKey(b.id, stored.Ref), stored.Inline)}
	}
	rec.place, rec.origin = placeFile, stored.Origin
	row := blobRow{bucket: b.id, key: r.Key, order: v.Order, stored: stored.StoredSize}
	return rec, []engine.Mutation{engine.Set(blobKey(stored.Ref), row.encode())}
}

// bodyCause translates the errors of writing a body.
func bodyCause(err error) error {
	switch {
	case errors.Is(err, blob.ErrTooLong):
		return fmt.Errorf("%w: %w", ErrLongBody, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrShortBody, err)
	case blob.IsDiskFull(err):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}
