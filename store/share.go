package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/seed61737384/tombstone/store/blob"
)

// shareBytes makes the bytes of an object that is open those of a new blob for
// key of b, as if its body had been written again: a file gets another name,
// inline bytes are encoded anew. It returns false if the object has to be copied:
// it is made of parts, or the file system links no files.
//
// The new blob is not settled ([Store.settle] ends that); the source must stay
// open until it is. Its sums are those of the source.
func (s *Store) shareBytes(ctx context.Context, b *bucketState, key string, o *Opened) (stored blob.Stored, shared bool, err error) {
	rec := o.record
	if rec.place == placeParts {
		return stored, false, nil
	}
	number, err := s.orders.next(0)
	if err != nil {
		return stored, false, s.cause(err)
	}
	if rec.place == placeFile {
		stored, shared = s.linkFile(rec, uint64(number), uint64(o.bucket.id), o.Object.Key)
	} else {
		stored, err = s.copyInline(ctx, blob.Request{Number: uint64(number), Bucket: uint64(b.id), Key: key, Size: rec.size}, o)
		shared = err == nil
	}
	if !shared {
		return stored, false, err
	}
	stored.Sums = rec.checksums
	sum, err := hex.DecodeString(rec.etag)
	if err != nil || len(sum) != len(stored.MD5) {
		err = fmt.Errorf("%w: ETag %q of an object that was stored at once", ErrDamaged, rec.etag)
		return stored, false, s.settle(err, stored.Ref)
	}
	copy(stored.MD5[:], sum)
	return stored, true, nil
}

// linkFile gives the file of rec, which belongs to key of bucket, another name.
func (s *Store) linkFile(rec *record, number, bucket uint64, key string) (blob.Stored, bool) {
	refs, err := s.blobs.Link([]blob.LinkRequest{{Source: rec.ref, Number: number}})
	if err != nil {
		s.options.Logger.Warn("file is copied, for it cannot be linked", "error", err)
		return blob.Stored{}, false
	}
	stored := blob.Stored{
		Ref: refs[0], Size: rec.size, StoredSize: rec.storedSize, BlockSize: rec.blockSize, CRC: rec.crc, Origin: rec.origin,
	}
	if stored.Origin.IsZero() {
		stored.Origin = blob.Origin{Ref: rec.ref, Bucket: bucket, Key: key}
	}
	return stored, true
}

// copyInline encodes the bytes of an object that has no file for another key.
func (s *Store) copyInline(ctx context.Context, r blob.Request, o *Opened) (blob.Stored, error) {
	body, err := o.Reader(ctx, 0, r.Size)
	if err != nil {
		return blob.Stored{}, err
	}
	payload, err := io.ReadAll(body)
	if err != nil {
		return blob.Stored{}, damage(err)
	}
	r.Body = bytes.NewReader(payload)
	stored, err := s.blobs.Write(ctx, r)
	return stored, bodyCause(err)
}
