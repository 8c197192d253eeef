package blob

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// Request is one blob to be written.
type Request struct {
	// Number is the number of the new ref, unique in the whole store.
	Number uint64
	// Bucket and Key go into the header.
	Bucket uint64
	Key    string
	// Body is read to its end, so that what follows the payload in it (a
	// trailer, say) has been seen when Write returns.
	Body io.Reader
	// Size is the announced number of bytes, below 0 when unknown.
	Size int64
	// Algorithms are the checksums wanted beside the MD5; None is refused.
	Algorithms []checksum.Algorithm
}

// Stored describes a blob that was written.
type Stored struct {
	// Inline is the encoded blob when it is to be kept in an index row, nil
	// when it is in a file.
	Inline []byte
	Ref    Ref
	// Size is the number of payload bytes, StoredSize that of the encoded blob.
	Size       int64
	StoredSize int64
	BlockSize  int
	MD5        [md5.Size]byte
	// Sums are in the order of Request.Algorithms.
	Sums []checksum.Value
	// CRC is the CRC-32C of the whole payload, for Verify.
	CRC uint32
	// Origin is what the header names, where that is not Ref: the file is shared.
	Origin Origin
}

// Write stores the body of r. Up to the inline limit its bytes are encoded in
// memory and returned; more goes to a new file, which is durable when Write
// returns and unsettled until Settle or Discard.
//
// Errors of Body are wrapped as they come. A body that ends before its announced
// size is io.ErrUnexpectedEOF, one that goes beyond it ErrTooLong. After any
// error nothing is left. If a file could not be removed, the error says so and
// its epoch stays unsettled, so that a later start finds it.
//
// Write looks at ctx between reads; who cancels it must also make Body return.
func (f *Folder) Write(ctx context.Context, r Request) (Stored, error) {
	h := Header{Ref: Ref{Number: r.Number}, Bucket: r.Bucket, Key: r.Key, BlockSize: f.options.BlockSize}
	if err := h.check(); err != nil {
		return Stored{}, err
	}
	for _, a := range r.Algorithms {
		if !a.Valid() {
			return Stored{}, fmt.Errorf("blob: no checksum algorithm %d", a)
		}
	}
	limit := f.options.InlineLimit
	if limit < 0 || r.Size > int64(limit) {
		return f.writeFile(ctx, r, h, r.Body)
	}
	buffer := f.heads.get(limit + 1)
	defer f.heads.put(buffer)
	n, err := readFull(ctx, r.Body, buffer)
	if err != nil && err != io.EOF {
		return Stored{}, bodyError(err)
	}
	if err == nil {
		return f.writeFile(ctx, r, h, io.MultiReader(bytes.NewReader(buffer[:n]), r.Body))
	}
	if err := sizeError(r.Size, int64(n)); err != nil {
		return Stored{}, err
	}
	return encodeInline(h, r.Algorithms, buffer[:n]), nil
}

// encodeInline encodes payload in memory.
func encodeInline(h Header, algorithms []checksum.Algorithm, payload []byte) Stored {
	l := layoutOf(h, int64(len(payload)))
	s := Stored{
		Ref:        h.Ref,
		Size:       l.size,
		StoredSize: l.total(),
		BlockSize:  h.BlockSize,
		MD5:        md5.Sum(payload),
		CRC:        crc32.Checksum(payload, castagnoli),
	}
	for _, a := range algorithms {
		s.Sums = append(s.Sums, checksum.Of(a, payload))
	}
	s.Inline = h.appendTo(make([]byte, 0, l.total()))
	sums := newBlockSummer(h.Ref)
	for i := range l.blocks() {
		block := payload[:l.payload(i)]
		payload = payload[len(block):]
		s.Inline = append(s.Inline, block...)
		s.Inline = binary.BigEndian.AppendUint32(s.Inline, sums.sum(i, block))
	}
	return s
}

// writeFile stores body in a new file.
func (f *Folder) writeFile(ctx context.Context, r Request, h Header, body io.Reader) (Stored, error) {
	ref, err := f.epochs.begin(r.Number)
	if err != nil {
		return Stored{}, err
	}
	h.Ref = ref
	returned := false
	defer func() {
		if !returned { // Body panicked, which goes on and can carry no error
			_ = f.Discard(ref)
		}
	}()
	s, err := f.fill(ctx, r, h, body)
	returned = true
	if err != nil {
		return Stored{}, errors.Join(err, f.Discard(ref))
	}
	return s, nil
}

// fill creates the file of h.Ref, writes it and makes it durable.
func (f *Folder) fill(ctx context.Context, r Request, h Header, body io.Reader) (Stored, error) {
	file, err := f.fs.Create(f.path(h.Ref), diskCategory)
	if err != nil {
		return Stored{}, fmt.Errorf("blob: create: %w", err)
	}
	defer file.Close() // after the sync it has nothing to say
	if _, err := file.Write(h.appendTo(make([]byte, 0, h.size()))); err != nil {
		return Stored{}, fmt.Errorf("blob: write: %w", err)
	}
	s, err := f.upload(ctx, r, h, file, body)
	if err != nil {
		return Stored{}, err
	}
	// After the file's sync this one finds little to do: cheaper, as measured,
	// than beside the upload.
	if err := f.syncer.Sync(f.epochPath(h.Ref.Epoch)); err != nil {
		return Stored{}, fmt.Errorf("blob: sync directory: %w", err)
	}
	return s, nil
}

// Discard removes the file of a ref that gets no index row, and settles it. It
// returns after the removal is durable. Inline refs are passed over.
func (f *Folder) Discard(ref Ref) error {
	if ref.Inline() {
		return nil
	}
	if err := f.unlink(ref); err != nil {
		return fmt.Errorf("blob: discard: %w", err)
	}
	if err := f.syncRemoval(ref.Epoch); err != nil {
		return fmt.Errorf("blob: discard: %w", err)
	}
	f.Settle(ref)
	if err := f.tidy(ref.Epoch); err != nil {
		return fmt.Errorf("blob: discard: %w", err)
	}
	return nil
}

// unlink removes a file; one that is not there is no error.
func (f *Folder) unlink(ref Ref) error {
	if err := f.fs.Remove(f.path(ref)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// maxEmptyReads is how often in a row a body may return neither bytes nor an
// error.
const maxEmptyReads = 100

// readFull reads until b is full or body fails, and returns body's own error:
// io.EOF only when it ended well. (io.ReadFull hides which it was.)
func readFull(ctx context.Context, body io.Reader, b []byte) (int, error) {
	n, empty := 0, 0
	for n < len(b) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		k, err := body.Read(b[n:])
		n += k
		if err != nil {
			return n, err
		}
		if k > 0 {
			empty = 0
			continue
		}
		if empty++; empty == maxEmptyReads {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

func bodyError(err error) error { return fmt.Errorf("blob: read body: %w", err) }

// sizeError compares the bytes of a whole body with the announced size.
func sizeError(announced, got int64) error {
	switch {
	case announced < 0 || announced == got:
		return nil
	case announced < got:
		return fmt.Errorf("blob: %w (%d bytes)", ErrTooLong, announced)
	default:
		return fmt.Errorf("blob: body ended after %d of %d bytes: %w", got, announced, io.ErrUnexpectedEOF)
	}
}
