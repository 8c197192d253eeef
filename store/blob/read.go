package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Blob is a stored blob that is open for reading. Its methods may be called
// concurrently, and several Readers may be in use at once.
type Blob struct {
	header Header
	layout layout
	source io.ReaderAt // the encoded blob; nil when encoded is set
	close  func() error

	encoded []byte  // of an inline blob
	folder  *Folder // of a file
}

// OpenBlob opens the file of want.Ref, which holds size bytes of payload, and
// checks its length and header. It returns fs.ErrNotExist when there is no file
// and a DamageError when it is not the one described.
func (f *Folder) OpenBlob(want Header, size int64) (*Blob, error) {
	return f.open(want.Ref, want, size)
}

// open opens the file of ref, whose header is to be the one wanted.
func (f *Folder) open(ref Ref, want Header, size int64) (*Blob, error) {
	file, err := f.fs.Open(f.path(ref))
	if err != nil {
		return nil, fmt.Errorf("blob: open: %w", err)
	}
	b := &Blob{source: file, close: file.Close, folder: f}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blob: open: %w", err), file.Close())
	}
	head := make([]byte, min(int64(want.size()), info.Size()))
	if err := readAt(file, head, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("blob: read header of %v: %w", ref, err), file.Close())
	}
	if err := b.describe(want, size, head, info.Size()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return b, nil
}

// OpenInline opens a blob that Write returned encoded. The Blob keeps encoded,
// which must not change while it is in use.
func OpenInline(encoded []byte, want Header, size int64) (*Blob, error) {
	b := &Blob{encoded: encoded, close: func() error { return nil }}
	if err := b.describe(want, size, encoded, int64(len(encoded))); err != nil {
		return nil, err
	}
	return b, nil
}

// describe checks the header at the start of head and the length of the whole.
func (b *Blob) describe(want Header, size int64, head []byte, length int64) error {
	var err error
	if b.header, err = want.match(head); err != nil {
		return err
	}
	b.layout = layoutOf(b.header, size)
	if !b.layout.fits() || b.layout.total() != length {
		return damagedHeader(want.Ref, "it is %d bytes long, which is wrong for a payload of %d", length, size)
	}
	return nil
}

// Size returns the number of payload bytes.
func (b *Blob) Size() int64 { return b.layout.size }

// Close releases the file. Readers must be closed before.
func (b *Blob) Close() error { return b.close() }

// Range returns a reader of length bytes from offset, which must lie within the
// blob. The first block is read and verified before Range returns, so damage
// there can still be answered with an error. The reader must be closed.
func (b *Blob) Range(ctx context.Context, offset, length int64) (*Reader, error) {
	if offset < 0 || length < 0 || offset > b.layout.size-length {
		return nil, fmt.Errorf("blob: range of %d bytes at %d lies outside of %d", length, offset, b.layout.size)
	}
	r := &Reader{ctx: ctx, blob: b, left: length, sums: newBlockSummer(b.header.Ref)}
	if length == 0 {
		return r, nil
	}
	r.next = offset / b.layout.blockSize
	if err := r.advance(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.window = r.window[offset%b.layout.blockSize:]
	return r, nil
}

// Reader delivers a range of a blob, a verified block at a time. (Larger reads
// from the file were measured to gain nothing.) It is used by one goroutine at a
// time.
type Reader struct {
	ctx    context.Context
	blob   *Blob
	sums   blockSummer
	left   int64  // bytes to deliver
	next   int64  // the block to read next
	window []byte // verified and not delivered
	buffer []byte // of a file's reader: what window lies in; from the pool
	closed bool
}

var (
	_ io.ReadCloser = (*Reader)(nil)
	_ io.WriterTo   = (*Reader)(nil)
)

// Read delivers verified bytes.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	verified, err := r.verified()
	if err != nil {
		return 0, err
	}
	n := copy(p, verified)
	r.deliver(n)
	return n, nil
}

// WriteTo writes all that is left to w, a block at a time.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		verified, err := r.verified()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(verified)
		r.deliver(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
		if n < len(verified) {
			return total, io.ErrShortWrite
		}
	}
}

// Close gives the reader's buffer back. Reading afterwards fails.
func (r *Reader) Close() error {
	if r.buffer != nil {
		r.blob.folder.blocks.put(r.buffer)
	}
	r.buffer, r.window, r.closed = nil, nil, true
	return nil
}

var errClosedReader = errors.New("blob: reader is closed")

// verified returns the next bytes to deliver, at least one, or the error that
// ends the reader, io.EOF at its end.
func (r *Reader) verified() ([]byte, error) {
	if r.closed {
		return nil, errClosedReader
	}
	if r.left == 0 {
		return nil, io.EOF
	}
	if len(r.window) == 0 {
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	return r.window[:min(int64(len(r.window)), r.left)], nil
}

func (r *Reader) deliver(n int) {
	r.window = r.window[n:]
	r.left -= int64(n)
}

// advance reads and verifies the next block and makes it the window.
func (r *Reader) advance() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	block, err := r.fetch()
	if err != nil {
		return err
	}
	payload, sum := block[:len(block)-sumSize], block[len(block)-sumSize:]
	if r.sums.sum(r.next, payload) != binary.BigEndian.Uint32(sum) {
		return &DamageError{Ref: r.blob.header.Ref, Block: r.next, Reason: "wrong sum"}
	}
	r.window = payload
	r.next++
	return nil
}

// fetch returns the next block as it is stored.
func (r *Reader) fetch() ([]byte, error) {
	l := r.blob.layout
	from := l.offset(r.next)
	n := l.payload(r.next) + sumSize
	if r.blob.encoded != nil {
		return r.blob.encoded[from : from+n], nil
	}
	if r.buffer == nil {
		r.buffer = r.blob.folder.blocks.get(int(min(l.blockSize, l.size)) + sumSize)
	}
	block := r.buffer[:n]
	err := readAt(r.blob.source, block, from)
	if errors.Is(err, io.EOF) {
		return nil, &DamageError{Ref: r.blob.header.Ref, Block: r.next, Reason: "the file was cut"}
	}
	if err != nil {
		return nil, fmt.Errorf("blob: read %v: %w", r.blob.header.Ref, err)
	}
	return block, nil
}

// readAt fills b. It returns io.EOF when the source ends before.
func readAt(source io.ReaderAt, b []byte, offset int64) error {
	n, err := source.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	return err
}
