package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

// errPartNumber says that a part has a number that the protocol lets through to
// nowhere (spec WI3-4).
var errPartNumber = errors.New("part number is out of range")

// PutPart stores a part, in place of one that has its number. What the key holds
// makes no difference (spec WI5-7). The body is treated as by [Store.Put]; the
// part is durable when PutPart returns.
func (s *Store) PutPart(ctx context.Context, r PartRequest) (Part, error) {
	part, err := s.putPart(ctx, &r)
	if err != nil {
		return Part{}, &Error{Op: "put part", Bucket: r.Upload.Bucket, Key: r.Upload.Key, Err: err}
	}
	return part, nil
}

func (s *Store) putPart(ctx context.Context, r *PartRequest) (Part, error) {
	b, u, err := s.beforePart(ctx, r.Upload, r.Number, r.Size)
	if err != nil {
		return Part{}, err
	}
	number, err := s.orders.next(0)
	if err != nil {
		return Part{}, s.cause(err)
	}
	algorithms := slices.Clone(r.Algorithms)
	if wanted, _ := u.checksum(); !slices.Contains(algorithms, wanted) {
		algorithms = append(algorithms, wanted)
	}
	stored, err := s.blobs.Write(ctx, blob.Request{
		Number: uint64(number), Bucket: uint64(b.id), Key: r.Upload.Key,
		Body: r.Body, Size: r.Size, Algorithms: algorithms,
	})
	if err != nil {
		return Part{}, bodyCause(err)
	}
	p := &newPart{upload: u, name: r.Upload, number: r.Number, row: s.partOf(&stored, r.Made)}
	if stored.Inline != nil {
		p.rows = append(p.rows, engine.Set(dataKey(b.id, stored.Ref), stored.Inline))
	}
	if r.Verify != nil {
		err = r.Verify(Digests{Size: stored.Size, MD5: stored.MD5, Checksums: stored.Sums[:len(r.Algorithms)]})
	}
	if err == nil {
		err = s.commitPart(ctx, b, p)
	}
	return p.row.part(r.Number), s.settle(err, stored.Ref)
}

// beforePart refuses what can be refused before the bytes of a part are read.
func (s *Store) beforePart(ctx context.Context, name UploadName, number int, size int64) (*bucketState, *uploadRow, error) {
	if s.closed.Load() {
		return nil, nil, ErrClosed
	}
	if number < 1 || number > MaxPartNumber {
		return nil, nil, fmt.Errorf("%w: %d", errPartNumber, number)
	}
	b, u, err := s.findUpload(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return b, u, s.space.check(size)
}

// partOf makes the row of a part whose bytes are stored as one blob.
func (s *Store) partOf(stored *blob.Stored, made Maker) *partRow {
	row := &partRow{
		size: stored.Size, crc: stored.CRC, lastModified: s.now(), md5: stored.MD5, checksums: stored.Sums, made: made,
	}
	if stored.Size > 0 {
		row.pieces = []piece{pieceOf(stored)}
	}
	return row
}

// pieceOf is the whole of a blob that was stored. Its bytes need a place in the
// index if they have no file.
func pieceOf(stored *blob.Stored) piece {
	p := piece{
		place: placeFile, ref: stored.Ref, length: stored.Size, size: stored.Size,
		stored: stored.StoredSize, blockSize: stored.BlockSize, origin: stored.Origin,
	}
	if stored.Inline != nil {
		p.place = placeData
	}
	return p
}

// newPart is a part on its way into the index.
type newPart struct {
	upload *uploadRow
	name   UploadName
	number int
	row    *partRow
	rows   []engine.Mutation // of its inline bytes
}

// commitPart makes p a part of its upload, if that is still in progress.
func (s *Store) commitPart(ctx context.Context, b *bucketState, p *newPart) error {
	if p.row.size == 0 {
		p.rows = nil // no bytes have no row
	}
	return s.changeUpload(ctx, b, nil, func(rd engine.Reader, batch *batch) error {
		return p.plan(rd, batch)
	})
}

// plan gathers the rows of p. Parts are stored side by side under a guard on the
// row of their upload, which none of them writes. The guard on the row of the part
// comes first: that one tells whether a commit of unknown outcome was made.
func (p *newPart) plan(rd engine.Reader, batch *batch) error {
	b, key, upload := batch.bucket.id, p.name.Key, p.upload.order()
	u, err := readUpload(rd, b, key, upload)
	if err != nil {
		return err
	}
	row := partKey(b, key, upload, p.number)
	before, found, err := rd.Get(row)
	if err != nil {
		return err
	}
	if !found {
		before = nil
	}
	batch.guards = append(batch.guards,
		engine.Guard{Key: row, Value: before}, engine.Guard{Key: uploadKey(b, key, upload), Value: u.stored})
	batch.mutations = append(batch.mutations, engine.Set(row, p.row.encode()))
	batch.mutations = append(batch.mutations, p.rows...)
	for i := range p.row.pieces {
		if piece := &p.row.pieces[i]; piece.place == placeFile {
			owner := blobRow{bucket: b, key: key, upload: upload, part: p.number, stored: piece.stored}
			batch.mutations = append(batch.mutations, engine.Set(blobKey(piece.ref), owner.encode()))
		}
	}
	batch.deltas.add(statUploadBytes, p.row.size)
	if before != nil {
		old, err := decodePart(before)
		if err != nil {
			return err
		}
		batch.replacePart(upload, old)
	}
	batch.count()
	return nil
}
