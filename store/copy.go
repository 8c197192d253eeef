package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// CopySource is what a copy reads.
type CopySource struct {
	Bucket, Key string
	ID          versioning.ID // zero for the current entry
	// Offset and Length select bytes of the source; Length -1 means all of it.
	Offset, Length int64
	Authorize      Authorize
}

// Description is what an object is described by.
type Description struct {
	System, User []Pair
	Tags         []Tag
	StorageClass string
}

// CopyRequest copies an object. Bytes are shared where that is possible.
type CopyRequest struct {
	Source      CopySource // whole: Offset and Length are not looked at
	Bucket, Key string
	// Describe is called with the source before anything is written, and says what
	// the copy is described by; its error refuses the copy and is returned. Of the
	// source it also knows whether it is Latest, if the copy has its key.
	Describe  func(source Object) (Description, error)
	Algorithm checksum.Algorithm // None: that of the source, or CRC64NVME
	Condition versioning.Condition
	Owner     Owner
	ACL       []byte          // as in ACLRequest; that of the source is not copied
	Lock      versioning.Lock // as in PutRequest
	Authorize Authorize       // asked about the current entry of the copy's key
	Made      Maker
}

// CopyResult is the answer to a copy.
type CopyResult struct {
	PutResult
	SourceVersionHeader string // value of x-amz-copy-source-version-id, empty if not sent
}

// Copy copies an object to a key, which may be its own (spec VD3-2). The copy is a
// new version; it has a checksum of the whole and the MD5 of its bytes as ETag,
// also where the source was uploaded in parts (spec WI4-5, WI4-16). The bytes are
// those of one version of the source, whatever happens to its key meanwhile.
//
// An [*Error] about the source names its bucket and key, any other that of the
// copy. A source that is a delete marker is a [versioning.Refusal] (spec VD4-9).
func (s *Store) Copy(ctx context.Context, r CopyRequest) (CopyResult, error) {
	fail := func(err error) (CopyResult, error) {
		return CopyResult{}, &Error{Op: "copy", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	if s.closed.Load() {
		return fail(ErrClosed)
	}
	if _, err := s.bucket(r.Bucket); err != nil {
		return fail(err)
	}
	source, err := s.Get(ctx, r.Source.read())
	if err != nil {
		return CopyResult{}, err
	}
	defer func() { _ = source.Close() }() // it was read only
	if err := s.findLatest(ctx, &r, &source.Object); err != nil {
		return CopyResult{}, err
	}
	description, err := r.Describe(source.Object)
	if err != nil {
		return fail(err)
	}
	res, err := s.copyBytes(ctx, r.put(source.Object, description), source)
	if err != nil {
		return fail(err)
	}
	return CopyResult{res, sourceVersionHeader(source.Object.VersionHeader)}, nil
}

// read is the request that finds the source.
func (c *CopySource) read() ReadRequest {
	return ReadRequest{Bucket: c.Bucket, Key: c.Key, ID: c.ID, Operation: versioning.CopySource, Authorize: c.Authorize}
}

// sourceVersionHeader is the value of x-amz-copy-source-version-id for a version
// that a read shows with header: not sent for the null version (spec VD3.1-11).
func sourceVersionHeader(header string) string {
	if header == "null" {
		return ""
	}
	return header
}

// findLatest finds out whether the source is the current entry of the key that it
// is copied to.
func (s *Store) findLatest(ctx context.Context, r *CopyRequest, source *Object) error {
	if r.Source.Bucket != r.Bucket || r.Source.Key != r.Key {
		return nil
	}
	if source.Latest = r.Source.ID.IsZero(); source.Latest {
		return nil
	}
	current, err := s.Head(ctx, ReadRequest{Bucket: r.Bucket, Key: r.Key})
	if errors.Is(err, versioning.NoSuchKey) {
		return nil
	}
	source.Latest = current.VersionID == source.VersionID
	return err
}

// put is the request that stores the copy, but for its body.
func (r *CopyRequest) put(source Object, d Description) *PutRequest {
	return &PutRequest{
		Bucket: r.Bucket, Key: r.Key, Size: source.Size,
		Algorithms: []checksum.Algorithm{copyAlgorithm(r.Algorithm, source)},
		Condition:  r.Condition, System: d.System, User: d.User, Tags: d.Tags, StorageClass: d.StorageClass,
		Owner: r.Owner, ACL: r.ACL, Lock: r.Lock, Authorize: r.Authorize, Made: r.Made, copied: true,
	}
}

// copyAlgorithm is the algorithm of a copy's checksum: the wanted one, that of the
// source, or the default (spec WI4-1).
func copyAlgorithm(wanted checksum.Algorithm, source Object) checksum.Algorithm {
	switch {
	case wanted != checksum.None:
		return wanted
	case len(source.Checksums) > 0:
		return source.Checksums[0].Algorithm
	}
	return checksum.CRC64NVME
}

// copyBytes stores the copy: by sharing the bytes of its source where that can be,
// else by writing them again.
func (s *Store) copyBytes(ctx context.Context, r *PutRequest, source *Opened) (PutResult, error) {
	if plainETag(source.Object.ETag) {
		res, shared, err := s.copyShared(ctx, *r, source)
		if shared || err != nil {
			return res, err
		}
	}
	body, err := source.Reader(ctx, 0, source.Object.Size)
	if err != nil {
		return PutResult{}, err
	}
	r.Body = body
	r.Verify = func(d Digests) error { return sameBytes(source.Object, d) }
	res, err := s.put(ctx, r)
	return res, errors.Join(damage(err), body.Close())
}

// copyShared stores the copy with the bytes of its source, or reports that they
// cannot be shared. Sharing takes no space.
func (s *Store) copyShared(ctx context.Context, r PutRequest, source *Opened) (res PutResult, shared bool, err error) {
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return res, false, err
	}
	r.Size = 0
	if err := s.beforeBody(ctx, b, &r); err != nil {
		return res, false, err
	}
	stored, shared, err := s.shareBytes(ctx, b, r.Key, source)
	if err != nil || !shared {
		return res, false, err
	}
	if stored.Sums, err = sourceSums(ctx, source, r.Algorithms[0]); err != nil {
		return res, true, s.settle(err, stored.Ref)
	}
	res, err = s.putBytes(ctx, b, &r, &stored)
	return res, true, err
}

// sourceSums returns the checksum of a source that was stored at once: the one that is
// known, so that none of its bytes is read, or that of another algorithm.
func sourceSums(ctx context.Context, source *Opened, algorithm checksum.Algorithm) ([]checksum.Value, error) {
	for _, v := range source.Object.Checksums {
		if v.Algorithm == algorithm {
			return []checksum.Value{v}, nil
		}
	}
	body, err := source.Reader(ctx, 0, source.Object.Size)
	if err != nil {
		return nil, err
	}
	sum := algorithm.New()
	_, err = io.Copy(sum, body)
	if err := errors.Join(damage(err), body.Close()); err != nil {
		return nil, err
	}
	return []checksum.Value{checksum.ValueOf(algorithm, sum)}, nil
}

// sameBytes compares what was read of a source with what is known of it.
func sameBytes(source Object, d Digests) error {
	if plainETag(source.ETag) && source.ETag != hex.EncodeToString(d.MD5[:]) {
		return fmt.Errorf("%w: source has another MD5 than its ETag", ErrDamaged)
	}
	return nil
}

// plainETag reports whether an ETag is the MD5 of the object's bytes, not that of
// the sums of its parts (spec WI4-16).
func plainETag(etag string) bool { return !strings.Contains(etag, "-") }
