package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

const (
	// maxPartRow bounds the row of a part, bytes: the pieces of 5 GiB of an object
	// made of parts of 5 MiB fit in.
	maxPartRow = 128 << 10
	// pieceBytes is what a piece takes in the row of its part, bytes, at most.
	pieceBytes = 96
	// maxPiecesInline bounds those of them that are kept in the index.
	maxPiecesInline = 16
)

// CopyPart makes a part of bytes of an object. Files are shared, if they can be;
// nothing is read then unless a sum has to be computed. The bytes are those of one
// version of the source, whatever happens to its key meanwhile.
//
// An [*Error] about the source names its bucket and key, any other those of the
// upload.
func (s *Store) CopyPart(ctx context.Context, r PartCopyRequest) (PartCopyResult, error) {
	fail := func(err error) (PartCopyResult, error) {
		return PartCopyResult{}, &Error{Op: "copy part", Bucket: r.Upload.Bucket, Key: r.Upload.Key, Err: err}
	}
	b, u, err := s.beforePart(ctx, r.Upload, r.Number, 0)
	if err != nil {
		return fail(err)
	}
	source, err := s.Get(ctx, r.Source.read())
	if err != nil {
		return PartCopyResult{}, err
	}
	defer func() { _ = source.Close() }() // it was read only
	if r.Check != nil {
		if err := r.Check(source.Object); err != nil {
			return fail(err)
		}
	}
	offset, length := r.Source.Offset, r.Source.Length
	if length < 0 {
		length = source.Object.Size - offset
	}
	if offset < 0 || length < 0 || offset > source.Object.Size-length {
		return fail(fmt.Errorf("range of %d bytes at %d of a source of %d", length, offset, source.Object.Size))
	}
	c := &partCopy{
		store: s, bucket: b, upload: u, request: &r, source: source, offset: offset, length: length,
		from: source.record.partsOf(source.bucket.id, source.Object.Key),
	}
	part, err := c.run(ctx)
	if err != nil {
		return fail(err)
	}
	return PartCopyResult{part, sourceVersionHeader(source.Object.VersionHeader)}, nil
}

// partCopy is one CopyPart.
type partCopy struct {
	store   *Store
	bucket  *bucketState
	upload  *uploadRow
	request *PartCopyRequest
	source  *Opened // open, and so pinned
	from    partSet // where pieces of the source belong

	offset, length int64

	known *partRow // a row whose bytes and sums are those of the range; nil if there is none
	made  []blob.Ref
}

// run shares the bytes if that can be done, else it copies them.
func (c *partCopy) run(ctx context.Context) (Part, error) {
	pieces, err := c.pieces(ctx)
	if err != nil {
		return Part{}, err
	}
	p := &newPart{upload: c.upload, name: c.request.Upload, number: c.request.Number}
	shared, err := c.share(ctx, p, pieces)
	if err == nil && !shared {
		return c.copy(ctx)
	}
	if err == nil {
		err = c.sum(ctx, p.row)
	}
	if err == nil {
		err = c.store.commitPart(ctx, c.bucket, p)
	}
	if err = c.store.settle(err, c.made...); err != nil {
		return Part{}, err
	}
	return p.row.part(p.number), nil
}

// pieces returns the pieces of the source that hold the range, nil if they are too
// many to share.
func (c *partCopy) pieces(ctx context.Context) ([]piece, error) {
	rec := c.source.record
	if rec.place != placeParts {
		c.known = wholePart(rec)
		pieces := clip(c.known.pieces, c.offset, c.length)
		if c.length != rec.size || !plainETag(rec.etag) {
			c.known = nil
		}
		return pieces, nil
	}
	var pieces []piece
	left := c.length
	for cursor := rec.parts.from(c.offset); left > 0; {
		at, ok := cursor.next()
		if !ok {
			return nil, fmt.Errorf("%w: part map ends early", ErrDamaged)
		}
		var part *partRow
		err := c.store.view(ctx, func(rd engine.Reader) (err error) {
			part, err = c.from.readPart(rd, at.number, at.size)
			return err
		})
		if err != nil {
			return nil, err
		}
		if at.offset == 0 && at.size == c.length {
			c.known = part
		}
		n := min(left, at.size-at.offset)
		pieces = append(pieces, clip(part.pieces, at.offset, n)...)
		left -= n
		if len(pieces) > maxPartRow/pieceBytes {
			return nil, nil
		}
	}
	return pieces, nil
}

// wholePart describes the bytes of an object that was stored at once as a part.
func wholePart(rec *record) *partRow {
	row := &partRow{size: rec.size, crc: rec.crc, checksums: rec.checksums}
	if rec.place != placeNone {
		row.pieces = []piece{{
			place: rec.place, ref: rec.ref, length: rec.size, size: rec.size,
			stored: rec.storedSize, blockSize: rec.blockSize, origin: rec.origin,
		}}
	}
	// An ETag that is no MD5 makes no difference here: it is looked at before.
	_, _ = hex.Decode(row.md5[:], []byte(rec.etag[:min(len(rec.etag), 2*len(row.md5))]))
	return row
}

// rowBytes is about what pieces take in the row of a part, with the keys that their
// headers name.
func rowBytes(pieces []piece) int {
	sum := len(pieces) * pieceBytes
	keys := make(map[string]struct{})
	for i := range pieces {
		key := pieces[i].origin.Key
		if _, known := keys[key]; !known {
			keys[key] = struct{}{}
			sum += len(key)
		}
	}
	return sum
}

// share gives p pieces of its own: other names of the files, and copies of bytes
// that are too few for a file. It returns false if that is not to be done.
func (c *partCopy) share(ctx context.Context, p *newPart, pieces []piece) (bool, error) {
	if c.length > 0 && len(pieces) == 0 || rowBytes(pieces) > maxPartRow {
		return false, nil
	}
	p.row = &partRow{size: c.length, lastModified: c.store.now(), made: c.request.Made, pieces: make([]piece, len(pieces))}
	var links []blob.LinkRequest
	var linked []int
	for i, from := range pieces {
		if from.place == placeData || c.store.blobs.Inline(from.length) {
			continue
		}
		number, err := c.store.orders.next(0)
		if err != nil {
			return false, c.store.cause(err)
		}
		links = append(links, blob.LinkRequest{Source: from.ref, Number: uint64(number)})
		linked = append(linked, i)
	}
	if len(pieces)-len(links) > maxPiecesInline {
		return false, nil
	}
	refs, err := c.store.blobs.Link(links)
	if err != nil {
		c.store.options.Logger.Warn("files are copied, for they cannot be linked", "error", err)
		return false, nil
	}
	c.made = refs
	for n, i := range linked {
		to := pieces[i]
		if to.origin.IsZero() {
			to.origin = blob.Origin{Ref: to.ref, Bucket: uint64(c.from.bucket), Key: c.from.key}
		}
		to.ref = refs[n]
		p.row.pieces[i] = to
	}
	for i := range pieces {
		if p.row.pieces[i].place != placeNone {
			continue
		}
		if err := c.copyPiece(ctx, p, i, pieces[i]); err != nil {
			return false, err
		}
	}
	return true, nil
}

// copyPiece makes the i-th piece of p of the bytes of another one, which are few.
func (c *partCopy) copyPiece(ctx context.Context, p *newPart, i int, from piece) error {
	r, err := c.store.newPiecesReader(ctx, c.from, []piece{from})
	if err != nil {
		return err
	}
	payload, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	number, err := c.store.orders.next(0)
	if err != nil {
		return c.store.cause(err)
	}
	stored, err := c.store.blobs.Write(ctx, blob.Request{
		Number: uint64(number), Bucket: uint64(c.bucket.id), Key: c.request.Upload.Key,
		Body: bytes.NewReader(payload), Size: from.length,
	})
	if err != nil {
		return bodyCause(err)
	}
	c.made = append(c.made, stored.Ref)
	p.row.pieces[i] = pieceOf(&stored)
	if stored.Inline != nil {
		p.rows = append(p.rows, engine.Set(dataKey(c.bucket.id, stored.Ref), stored.Inline))
	}
	return nil
}

// sum fills in the sums of the part: those that are known, or else by reading it.
func (c *partCopy) sum(ctx context.Context, row *partRow) error {
	wanted, _ := c.upload.checksum()
	if c.known != nil {
		if v, ok := c.known.checksum(wanted); ok {
			row.md5, row.crc, row.checksums = c.known.md5, c.known.crc, []checksum.Value{v}
			return nil
		}
	}
	body, err := c.source.Reader(ctx, c.offset, c.length)
	if err != nil {
		return err
	}
	digest, payload, sum := md5.New(), checksum.CRC32C.New(), wanted.New()
	_, err = io.Copy(io.MultiWriter(digest, payload, sum), body)
	if err := errors.Join(damage(err), body.Close()); err != nil {
		return err
	}
	digest.Sum(row.md5[:0])
	row.crc = payloadCRC(checksum.ValueOf(checksum.CRC32C, payload))
	row.checksums = []checksum.Value{checksum.ValueOf(wanted, sum)}
	return nil
}

// copy stores the bytes of the range anew.
func (c *partCopy) copy(ctx context.Context) (Part, error) {
	body, err := c.source.Reader(ctx, c.offset, c.length)
	if err != nil {
		return Part{}, err
	}
	part, err := c.store.putPart(ctx, &PartRequest{
		Upload: c.request.Upload, Number: c.request.Number, Body: body, Size: c.length, Made: c.request.Made,
	})
	return part, errors.Join(damage(err), body.Close())
}
