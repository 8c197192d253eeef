package store

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// CreateUpload begins a multipart upload. It keeps what is current of the key now,
// for the conditions of its end (spec VD7-9 to VD7-13).
func (s *Store) CreateUpload(ctx context.Context, r UploadRequest) (Upload, error) {
	up, err := s.createUpload(ctx, &r)
	if err != nil {
		return Upload{}, &Error{Op: "create upload", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return up, nil
}

func (s *Store) createUpload(ctx context.Context, r *UploadRequest) (Upload, error) {
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return Upload{}, err
	}
	if err := checkKey(r.Key); err != nil {
		return Upload{}, err
	}
	if err := s.useFeature(ctx, featureMultipart); err != nil {
		return Upload{}, err
	}
	order, err := s.orders.next(0)
	if err != nil {
		return Upload{}, s.cause(err)
	}
	u := s.uploadOf(b, r, order)
	err = s.changeUpload(ctx, b, nil, func(rd engine.Reader, batch *batch) (err error) {
		if err := b.checkLock(r.Lock); err != nil {
			return err
		}
		if u.start, err = startOf(rd, b, r.Key); err != nil {
			return err
		}
		key := uploadKey(b.id, r.Key, order)
		batch.guards = append(batch.guards, engine.Guard{Key: key})
		batch.mutations = append(batch.mutations, engine.Set(key, u.encode()))
		batch.deltas.add(statUploads, 1)
		batch.count()
		return nil
	})
	if err != nil {
		return Upload{}, err
	}
	return u.upload(r.Key, s.formatUploadID(b.id, r.Key, order), b.row.Load().Owner), nil
}

// uploadOf makes the row of a new upload.
func (s *Store) uploadOf(b *bucketState, r *UploadRequest, order versioning.Order) *uploadRow {
	description := &record{
		order: order, lastModified: s.now(), realTime: s.options.Clock.Now(),
		class: r.StorageClass, system: r.System, user: r.User, tags: r.Tags, acl: r.ACL, lock: r.Lock, made: r.Made,
	}
	if owner := b.row.Load().Owner; r.Owner != (Owner{}) && r.Owner != owner {
		description.owner = &r.Owner
	}
	u := &uploadRow{description: description, algorithm: r.Algorithm}
	if r.Algorithm != checksum.None {
		u.kind = r.ChecksumType
	}
	return u
}

// startOf returns what is current of a key.
func startOf(r engine.Reader, b *bucketState, key string) (versioning.Start, error) {
	h := &history{bucket: b, state: b.row.Load().Versioning, key: key}
	if err := readHead(r, h); err != nil {
		return versioning.Start{}, err
	}
	return versioning.Start{Order: h.head.Newest, Object: h.head.Newest != 0 && !h.head.Marker}, nil
}

// Upload returns an upload in progress, or [ErrNoSuchUpload].
func (s *Store) Upload(ctx context.Context, name UploadName) (Upload, error) {
	b, u, err := s.findUpload(ctx, name)
	if err != nil {
		return Upload{}, &Error{Op: "read upload", Bucket: name.Bucket, Key: name.Key, Err: err}
	}
	return u.upload(name.Key, name.ID, b.row.Load().Owner), nil
}

// count adds the change of the counters to the batch.
func (b *batch) count() {
	if m, ok := b.deltas.mutation(b.bucket.id); ok {
		b.mutations = append(b.mutations, m)
	}
}

// changeUpload plans a change of an upload and commits it, anew if it conflicts.
// What ends uploads gives their keys, sorted and without repetition, which are locked
// meanwhile.
func (s *Store) changeUpload(ctx context.Context, b *bucketState, keys []string, plan func(engine.Reader, *batch) error) error {
	if err := holdBucket(b); err != nil {
		return err
	}
	defer b.hold.RUnlock()
	if len(keys) > 0 {
		defer s.keyLocks.lock(b.id, keys)()
	}
	for range maxAttempts {
		batch := newBatch(b, 1)
		err := s.engine.View(ctx, func(r engine.Reader) error { return plan(r, batch) })
		if err != nil {
			return s.waitDurable(ctx, s.cause(err))
		}
		if err = s.commitBatch(ctx, batch); !errors.Is(err, engine.ErrConflict) {
			return s.cause(err)
		}
	}
	return ErrBusy
}

// waitDurable returns err when that of another change which it may rest on is on
// disk: a part may be refused because of an end of its upload that is under way.
func (s *Store) waitDurable(ctx context.Context, err error) error {
	if errors.Is(err, ErrNoSuchUpload) {
		if syncErr := s.engine.Sync(ctx); syncErr != nil {
			return s.cause(syncErr)
		}
	}
	return err
}

// formatUploadID returns the id of an upload as answers show it. It cannot be
// guessed, and says to this server where it belongs (spec WI5-3).
func (s *Store) formatUploadID(b bucketID, key string, order versioning.Order) string {
	return s.ids.FormatUpload(order, uploadPlace(b, key))
}

// parseUploadID reads an upload id of a request about key.
func (s *Store) parseUploadID(b bucketID, key, text string) (versioning.Order, error) {
	order, place, ok := s.ids.ParseUpload(text)
	if !ok || place != uploadPlace(b, key) {
		return 0, ErrNoSuchUpload
	}
	return order, nil
}

// uploadPlace is a hash of bucket and key, never 0. Nobody outside sees it, and
// two places that share it are no harm: an upload is looked up under its key.
func uploadPlace(b bucketID, key string) uint64 {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(b)))
	h.Write([]byte(key))
	return h.Sum64() | 1
}

// uploadName finds the bucket and the order that name a upload.
func (s *Store) uploadName(name UploadName) (*bucketState, versioning.Order, error) {
	b, err := s.bucket(name.Bucket)
	if err != nil {
		return nil, 0, err
	}
	if err := checkKey(name.Key); err != nil {
		return nil, 0, err
	}
	order, err := s.parseUploadID(b.id, name.Key, name.ID)
	return b, order, err
}

// findUpload returns an upload in progress.
func (s *Store) findUpload(ctx context.Context, name UploadName) (*bucketState, *uploadRow, error) {
	b, order, err := s.uploadName(name)
	if err != nil {
		return nil, nil, err
	}
	var u *uploadRow
	err = s.view(ctx, func(rd engine.Reader) error {
		u, err = readUpload(rd, b.id, name.Key, order)
		return err
	})
	return b, u, s.waitDurable(ctx, err)
}

// readUpload reads the row of an upload in progress.
func readUpload(r engine.Reader, b bucketID, key string, order versioning.Order) (*uploadRow, error) {
	row, found, err := r.Get(uploadKey(b, key, order))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNoSuchUpload
	}
	u, err := decodeUpload(row)
	if err == nil && u.order() != order {
		err = errRecord
	}
	return u, err
}
