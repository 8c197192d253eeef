package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// partSet names the parts of an upload, which may be those of a version by now.
type partSet struct {
	bucket bucketID
	key    string
	upload versioning.Order
}

// pin is what stands for the set among the pins: upload orders and the numbers of
// blobs come from one source, so it is no blob's.
func (p partSet) pin() blob.Ref { return blob.Ref{Number: uint64(p.upload)} }

func (p partSet) row(number int) []byte { return partKey(p.bucket, p.key, p.upload, number) }

// partsOf returns the set of the parts of a version.
func (r *record) partsOf(b bucketID, key string) partSet {
	return partSet{bucket: b, key: key, upload: r.upload}
}

// readPart reads the row of a part that must be there.
func (p partSet) readPart(r engine.Reader, number int, size int64) (*partRow, error) {
	row, found, err := r.Get(p.row(number))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: row of part %d is missing", ErrDamaged, number)
	}
	part, err := decodePart(row)
	if err == nil && part.size != size {
		err = fmt.Errorf("%w: part %d has %d bytes, not %d", ErrDamaged, number, part.size, size)
	}
	return part, err
}

// clip returns what of pieces holds length bytes from offset, a range of the part.
func clip(pieces []piece, offset, length int64) []piece {
	var clipped []piece
	for _, p := range pieces {
		if offset >= p.length {
			offset -= p.length
			continue
		}
		p.offset += offset
		p.length = min(p.length-offset, length)
		length -= p.length
		offset = 0
		clipped = append(clipped, p)
		if length == 0 {
			break
		}
	}
	return clipped
}

// partsReader delivers a range of bytes that lie in parts, whose rows it reads one
// by one as it gets to them. It holds one blob open. Its set must stay pinned.
type partsReader struct {
	ctx    context.Context
	store  *Store
	set    partSet
	cursor partCursor
	left   int64   // bytes to deliver from parts that are not looked up yet
	pieces []piece // of the part under way, that are not opened yet

	blob   *blob.Blob // nil between pieces
	reader *blob.Reader
	err    error // what ended it
}

var _ io.WriterTo = (*partsReader)(nil)

// newPartsReader returns a reader of length bytes from offset of an object that is
// made of parts. The first of them are verified.
func (s *Store) newPartsReader(ctx context.Context, set partSet, m PartMap, offset, length int64) (*partsReader, error) {
	if offset < 0 || length < 0 || offset > m.size()-length {
		return nil, fmt.Errorf("range of %d bytes at %d lies outside of %d", length, offset, m.size())
	}
	r := &partsReader{ctx: ctx, store: s, set: set, cursor: m.from(offset), left: length}
	return r, r.start()
}

// newPiecesReader returns a reader of pieces of one part.
func (s *Store) newPiecesReader(ctx context.Context, set partSet, pieces []piece) (*partsReader, error) {
	r := &partsReader{ctx: ctx, store: s, set: set, pieces: pieces}
	return r, r.start()
}

// start opens the first piece, if there is one.
func (r *partsReader) start() error {
	if err := r.open(); err != nil && err != io.EOF {
		return errors.Join(err, r.Close())
	}
	return nil
}

// open opens the next piece. It returns io.EOF behind the last one.
func (r *partsReader) open() error {
	if len(r.pieces) == 0 {
		if r.left == 0 {
			return io.EOF
		}
		if err := r.lookUp(); err != nil {
			return err
		}
	}
	p := r.pieces[0]
	r.pieces = r.pieces[1:]
	b, err := r.store.openPiece(r.ctx, r.set, &p)
	if err != nil {
		return damage(err)
	}
	reader, err := b.Range(r.ctx, p.offset, p.length)
	if err != nil {
		return errors.Join(damage(err), b.Close())
	}
	r.blob, r.reader = b, reader
	return nil
}

// lookUp reads the row of the next part.
func (r *partsReader) lookUp() error {
	at, ok := r.cursor.next()
	if !ok {
		return fmt.Errorf("%w: part map ends early", ErrDamaged)
	}
	return r.store.view(r.ctx, func(rd engine.Reader) error {
		part, err := r.set.readPart(rd, at.number, at.size)
		if err != nil {
			return err
		}
		length := min(r.left, at.size-at.offset)
		r.pieces, r.left = clip(part.pieces, at.offset, length), r.left-length
		return nil
	})
}

// openPiece opens the blob of a piece.
func (s *Store) openPiece(ctx context.Context, set partSet, p *piece) (b *blob.Blob, err error) {
	header := blob.Header{Ref: p.ref, Bucket: uint64(set.bucket), Key: set.key, BlockSize: p.blockSize}
	switch {
	case p.place == placeFile && !p.origin.IsZero():
		return s.blobs.OpenLinked(p.ref, p.origin, p.blockSize, p.size)
	case p.place == placeFile:
		return s.blobs.OpenBlob(header, p.size)
	}
	err = s.view(ctx, func(rd engine.Reader) error {
		row, found, err := rd.Get(dataKey(set.bucket, p.ref))
		if err == nil && !found {
			err = fmt.Errorf("%w: data row is missing", ErrDamaged)
		}
		if err == nil {
			b, err = blob.OpenInline(row, header, p.size)
		}
		return err
	})
	return b, err
}

// finish closes the piece under way.
func (r *partsReader) finish() error {
	if r.blob == nil {
		return nil
	}
	err := errors.Join(r.reader.Close(), r.blob.Close())
	r.blob, r.reader = nil, nil
	return err
}

// current returns the reader of the piece under way, or of the next one.
func (r *partsReader) current() (*blob.Reader, error) {
	if r.err == nil && r.reader == nil {
		r.err = r.open()
	}
	return r.reader, r.err
}

// Read delivers verified bytes.
func (r *partsReader) Read(p []byte) (int, error) {
	for {
		reader, err := r.current()
		if err != nil {
			return 0, err
		}
		n, err := reader.Read(p)
		if err == nil {
			return n, nil
		}
		if err != io.EOF {
			r.err = damage(err)
			return n, r.err
		}
		if r.err = r.finish(); r.err != nil || n > 0 {
			return n, r.err
		}
	}
}

// WriteTo writes all that is left to w.
func (r *partsReader) WriteTo(w io.Writer) (total int64, err error) {
	for {
		reader, err := r.current()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := reader.WriteTo(w)
		total += n
		if err == nil {
			err = r.finish()
		}
		if err != nil {
			r.err = damage(err)
			return total, r.err
		}
	}
}

var errClosedReader = errors.New("reader is closed")

// Close ends the reader.
func (r *partsReader) Close() error {
	r.err = errClosedReader
	return r.finish()
}
