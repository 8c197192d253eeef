package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// AbortUpload ends an upload and lets go of its parts, whose bytes follow as those
// of a version do. A completed one is [ErrNoSuchUpload] (spec WI5-4).
func (s *Store) AbortUpload(ctx context.Context, name UploadName, made Maker) error {
	errs, err := s.abortUploads(ctx, []UploadName{name}, made, func() error { return nil })
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return &Error{Op: "abort upload", Bucket: name.Bucket, Key: name.Key, Err: err}
	}
	return nil
}

// AbortUploads is AbortUpload for many uploads of one bucket, as one commit where the
// engine takes it. The errors stand in the order of names, nil where an upload was ended; those
// of other buckets than the first are [ErrNoSuchUpload]. If it fails as a whole it may be
// repeated: what was ended is [ErrNoSuchUpload] then.
func (s *Store) AbortUploads(ctx context.Context, names []UploadName, made Maker) ([]error, error) {
	return s.AbortUploadsWhile(ctx, names, made, func() error { return nil })
}

// AbortUploadsWhile is AbortUploads for ends that rest on settings of the bucket, too: it
// calls holds, before each commit, when none of these can change any more until the
// uploads are ended, and ends none if that returns an error, which it returns.
func (s *Store) AbortUploadsWhile(ctx context.Context, names []UploadName, made Maker, holds func() error) ([]error, error) {
	if len(names) == 0 {
		return nil, nil
	}
	errs, err := s.abortUploads(ctx, names, made, holds)
	if err != nil {
		return nil, &Error{Op: "abort uploads", Bucket: names[0].Bucket, Err: err}
	}
	return errs, nil
}

// rowsPerAbort bounds the rows that an abort writes: upload and reclaim, and one each
// of counters and ledger.
const rowsPerAbort = 4

// abort is an upload that is to be ended.
type abort struct {
	key   string
	order versioning.Order
	err   *error // its outcome
}

func (s *Store) abortUploads(ctx context.Context, names []UploadName, made Maker, holds func() error) ([]error, error) {
	b, err := s.bucket(names[0].Bucket)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(names))
	aborts := make([]abort, 0, len(names))
	for i, name := range names {
		a := abort{key: name.Key, err: &errs[i]}
		if errs[i] = checkKey(name.Key); errs[i] == nil {
			a.order, errs[i] = s.parseUploadID(b.id, name.Key, name.ID)
		}
		if errs[i] == nil && name.Bucket != b.name {
			errs[i] = ErrNoSuchUpload
		}
		if errs[i] == nil {
			aborts = append(aborts, a)
		}
	}
	slices.SortStableFunc(aborts, func(x, y abort) int { return strings.Compare(x.key, y.key) })
	page := len(aborts)
	if limit := s.engine.Limits().Mutations; limit > 0 {
		page = max(1, limit/rowsPerAbort)
	}
	for some := range slices.Chunk(aborts, max(1, page)) {
		if err := s.abortPage(ctx, b, some, &made, holds); err != nil {
			return nil, err
		}
	}
	return errs, nil
}

// abortPage ends uploads, which are by key, in one commit, if holds allows it.
func (s *Store) abortPage(ctx context.Context, b *bucketState, aborts []abort, made *Maker, holds func() error) error {
	keys := make([]string, 0, len(aborts))
	for _, a := range aborts {
		if n := len(keys); n == 0 || keys[n-1] != a.key {
			keys = append(keys, a.key)
		}
	}
	err := s.changeUpload(ctx, b, keys, func(rd engine.Reader, batch *batch) error {
		if err := holds(); err != nil {
			return err
		}
		batch.notes = s.ledger.notes(len(aborts))
		batch.notes.by(made)
		ended := make(map[versioning.Order]bool, len(aborts))
		for _, a := range aborts {
			err := batch.abort(rd, a, ended)
			if *a.err = s.cause(err); err != nil && !errors.Is(err, ErrNoSuchUpload) && !unreadable(err) {
				return err
			}
		}
		batch.count()
		return nil
	})
	gone := func(a abort) bool { return errors.Is(*a.err, ErrNoSuchUpload) }
	if err == nil && slices.ContainsFunc(aborts, gone) {
		err = s.cause(s.engine.Sync(ctx)) // an end of an upload that is under way has to be on disk
	}
	return err
}

// abort adds what ends an upload, unless it is among those that were ended already.
func (b *batch) abort(rd engine.Reader, a abort, ended map[versioning.Order]bool) error {
	u, err := readUpload(rd, b.bucket.id, a.key, a.order)
	if err == nil && ended[a.order] {
		err = ErrNoSuchUpload
	}
	if err != nil {
		return err
	}
	if b.notes != nil {
		size, err := partSet{bucket: b.bucket.id, key: a.key, upload: a.order}.bytes(rd)
		if err != nil {
			return err
		}
		b.notes.aborted(a.key, a.order, size)
	}
	ended[a.order] = true
	b.endUpload(a.key, u, PartMap{})
	return nil
}

// bytes returns how many bytes the parts have together, as far as their rows can be read.
func (p partSet) bytes(rd engine.Reader) (sum int64, err error) {
	_, err = rd.Scan(engine.Range{Start: p.row(1), End: p.row(MaxPartNumber + 1)}, func(_, v []byte) bool {
		ok := true
		// A damaged row keeps nobody from ending the upload.
		_, _ = readFields(v, func(tag uint64, payload []byte) (bool, error) {
			if tag == partSize {
				if n := readUint(payload, &ok); ok {
					sum += int64(n)
				}
			}
			return true, nil
		})
		return true
	})
	return sum, err
}

// endUpload ends an upload, with all its parts but those kept, which a version has
// from now on. Others that are stored meanwhile are met by the reclaimer: when the
// upload's row is gone, none is stored any more.
func (b *batch) endUpload(key string, u *uploadRow, kept PartMap) {
	b.guards = append(b.guards, engine.Guard{Key: uploadKey(b.bucket.id, key, u.order()), Value: u.stored})
	b.mutations = append(b.mutations, engine.Delete(uploadKey(b.bucket.id, key, u.order())))
	b.deltas.add(statUploads, -1)
	b.deltas.add(statUploadBytes, -kept.size())
	b.reclaim(reclaimRow{order: u.order(), bucket: b.bucket.id, parts: &lostParts{key: key, upload: u.order(), kept: kept}})
}
