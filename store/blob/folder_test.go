package blob

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/internal/checksum"
)

const testDir = "/data/blobs"

// newTestFolder opens a folder on fs, on a new in-memory file system when that
// is nil. Epochs count from 1.
func newTestFolder(t testing.TB, fs FS, o Options) *Folder {
	t.Helper()
	if fs == nil {
		fs = vfs.NewMem()
	}
	f, err := openTestFolder(fs, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func openTestFolder(fs FS, o Options) (*Folder, error) {
	if err := vfs.Root(fs).MkdirAll("/data", 0o777); err != nil {
		return nil, err
	}
	o.FS = fs
	if o.NewEpoch == nil {
		o.NewEpoch = countEpochs(0)
	}
	return Open(testDir, o)
}

// countEpochs returns a source of the numbers after last.
func countEpochs(last uint32) func() (uint32, error) {
	var epoch atomic.Uint32
	epoch.Store(last)
	return func() (uint32, error) { return epoch.Add(1), nil }
}

// payload returns size bytes that are the same for the same size, and look like
// no other stretch of themselves.
func payload(size int) []byte {
	b := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	_, _ = random.Read(b) // never fails
	return b
}

func testRequest(number uint64, body []byte) Request {
	return Request{Number: number, Bucket: 7, Key: "a key/ü", Body: bytes.NewReader(body), Size: int64(len(body))}
}

// headerOf is what an index row knows of a blob written by testRequest.
func headerOf(s Stored) Header {
	return Header{Ref: s.Ref, Bucket: 7, Key: "a key/ü", BlockSize: s.BlockSize}
}

func mustWrite(t testing.TB, f *Folder, number uint64, body []byte) Stored {
	t.Helper()
	s, err := f.Write(context.Background(), testRequest(number, body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a stored blob, wherever it is.
func open(f *Folder, s Stored) (*Blob, error) {
	if s.Inline != nil {
		return OpenInline(s.Inline, headerOf(s), s.Size)
	}
	return f.OpenBlob(headerOf(s), s.Size)
}

// readRange reads a range of a stored blob with both ways of reading.
func readRange(b *Blob, offset, length int64) ([]byte, error) {
	r, err := b.Range(context.Background(), offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	reader := iotest.HalfReader(r)
	if length < 10_000 {
		reader = iotest.OneByteReader(r)
	}
	read, readErr := io.ReadAll(reader)
	w, err := b.Range(context.Background(), offset, length)
	if err != nil {
		return nil, fmt.Errorf("second range: %w", err)
	}
	defer w.Close()
	var written bytes.Buffer
	if _, err := w.WriteTo(&written); (err == nil) != (readErr == nil) {
		return nil, fmt.Errorf("Read ended with %v, WriteTo with %v", readErr, err)
	}
	if !bytes.Equal(read, written.Bytes()) {
		return nil, errors.New("Read and WriteTo differ")
	}
	return read, readErr
}

// checkStored compares a stored blob with the body it was made from.
func checkStored(t testing.TB, f *Folder, s Stored, body []byte) {
	t.Helper()
	if s.Size != int64(len(body)) || s.MD5 != md5.Sum(body) || s.CRC != crc32.Checksum(body, castagnoli) {
		t.Fatalf("stored as %d bytes, MD5 %x, CRC %08x", s.Size, s.MD5, s.CRC)
	}
	if (s.Inline != nil) != s.Ref.Inline() {
		t.Fatalf("%d inline bytes under ref %v", len(s.Inline), s.Ref)
	}
	b, err := open(f, s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got, err := readRange(b, 0, s.Size)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("read back %d bytes of %d, equal %v: %v", len(got), len(body), bytes.Equal(got, body), err)
	}
	if err := b.Verify(context.Background(), s.CRC); err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(context.Background(), s.CRC+1); !errors.Is(err, ErrDamaged) {
		t.Fatalf("wrong whole sum: %v", err)
	}
}

// files returns all refs in the folder and fails on anything else in it.
func files(t testing.TB, f *Folder) []Ref {
	t.Helper()
	epochs, err := f.Epochs(0)
	if err != nil {
		t.Fatal(err)
	}
	var refs []Ref
	for _, epoch := range epochs {
		err := f.List(epoch, func(r Ref) error { refs = append(refs, r); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return refs
}

func TestRoundTrip(t *testing.T) {
	const block, limit = 1000, 3500
	f := newTestFolder(t, nil, Options{BlockSize: block, InlineLimit: limit, EpochFiles: 7})
	perChunk := f.chunks.size / (block + sumSize) * block
	sizes := []int{0, 1, 2 * block}
	for _, around := range []int{block, 3 * block, limit, 4 * block, perChunk, 2 * perChunk, chunksInFlight * perChunk} {
		sizes = append(sizes, around-1, around, around+1)
	}
	for i, size := range sizes {
		for unknown := range 2 {
			body := payload(size)
			r := testRequest(uint64(2*i+unknown+1), body)
			if unknown == 1 {
				r.Size = -1
			}
			r.Algorithms = checksum.All()
			s, err := f.Write(context.Background(), r)
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			if inline := s.Inline != nil; inline != (size <= limit) {
				t.Errorf("size %d: inline %v", size, inline)
			}
			checkStored(t, f, s, body)
			checkSums(t, s, r.Algorithms, body)
			checkStoredSize(t, f, s)
			f.Settle(s.Ref)
		}
	}
}

func checkSums(t *testing.T, s Stored, algorithms []checksum.Algorithm, body []byte) {
	t.Helper()
	if len(s.Sums) != len(algorithms) {
		t.Fatalf("%d sums", len(s.Sums))
	}
	for i, a := range algorithms {
		if want := checksum.Of(a, body); !s.Sums[i].Equal(want) {
			t.Errorf("%d bytes: %v is %v, want %v", len(body), a, s.Sums[i], want)
		}
	}
}

func checkStoredSize(t *testing.T, f *Folder, s Stored) {
	t.Helper()
	length := int64(len(s.Inline))
	if s.Inline == nil {
		info, err := f.fs.Stat(f.path(s.Ref))
		if err != nil {
			t.Fatal(err)
		}
		length = info.Size()
	}
	if length != s.StoredSize || length != EncodedSize(headerOf(s), s.Size) {
		t.Errorf("%d bytes stored, said to be %d and %d", length, s.StoredSize, EncodedSize(headerOf(s), s.Size))
	}
}

func TestNeverInline(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1})
	for i, size := range []int{0, 1, 100} {
		s := mustWrite(t, f, uint64(i+1), payload(size))
		if s.Inline != nil {
			t.Errorf("size %d is inline", size)
		}
		checkStored(t, f, s, payload(size))
	}
}

// TestOnDisk writes and removes on the real file system.
func TestOnDisk(t *testing.T) {
	dir := t.TempDir() + "/blobs"
	f, err := Open(dir, Options{NewEpoch: countEpochs(0), EpochFiles: 2})
	if err != nil {
		t.Fatal(err)
	}
	var refs []Ref
	for n := range uint64(5) {
		body := payload(200_000 + int(n))
		s := mustWrite(t, f, n+1, body)
		checkStored(t, f, s, body)
		f.Settle(s.Ref)
		refs = append(refs, s.Ref)
	}
	if err := f.Remove(refs...); err != nil {
		t.Fatal(err)
	}
	if _, err := f.OpenBlob(Header{Ref: refs[0]}, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed blob: %v", err)
	}
	if epochs, err := f.Epochs(0); err != nil || len(epochs) != 1 {
		t.Errorf("epochs %v, %v; only the open one is wanted", epochs, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if epochs, err := f.Epochs(0); err != nil || len(epochs) != 0 {
		t.Errorf("epochs %v, %v after Close", epochs, err)
	}
}

// TestMemory uploads much more than an upload may hold.
func TestMemory(t *testing.T) {
	const size, most = 64 << 20, 4 << 20
	f, err := Open(t.TempDir()+"/blobs", Options{NewEpoch: countEpochs(0)})
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Number: 1, Body: io.LimitReader(neverEnding('x'), size), Size: size, Algorithms: checksum.All()}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := f.Write(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > most {
		t.Errorf("allocated %d bytes", used)
	}
}

// TestAnotherBlockSize reads blobs of a folder after its block size was changed.
func TestAnotherBlockSize(t *testing.T) {
	mem := vfs.NewMem()
	sizes := []int{0, 100, 70_000, 900_000, 2_500_000}
	for i, blockSize := range []int{1000, 64 << 10, maxBlockSize} {
		epoch := countEpochs(uint32(10 * i))
		before := newTestFolder(t, mem, Options{BlockSize: blockSize, NewEpoch: epoch, InlineLimit: -1})
		for _, size := range sizes {
			s := mustWrite(t, before, uint64(size), payload(size))
			for _, other := range []int{500, 64 << 10, maxBlockSize} {
				checkStored(t, newTestFolder(t, mem, Options{BlockSize: other}), s, payload(size))
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	for _, size := range []int{-1, maxBlockSize + 1} {
		if _, err := openTestFolder(vfs.NewMem(), Options{BlockSize: size}); err == nil {
			t.Errorf("block size %d was accepted", size)
		}
	}
}
