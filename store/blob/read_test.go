package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestEveryRange reads each range of blobs of a few small blocks.
func TestEveryRange(t *testing.T) {
	for _, limit := range []int{1000, -1} {
		f := newTestFolder(t, nil, Options{BlockSize: 5, InlineLimit: limit})
		for size := range 18 {
			body := payload(size)
			b, err := open(f, mustWrite(t, f, uint64(size+1), body))
			if err != nil {
				t.Fatal(err)
			}
			for offset := range size + 1 {
				for length := range size - offset + 1 {
					got, err := readRange(b, int64(offset), int64(length))
					if err != nil || !bytes.Equal(got, body[offset:offset+length]) {
						t.Fatalf("%d+%d of %d: %x, %v", offset, length, size, got, err)
					}
				}
				for _, length := range []int64{-1, int64(size-offset) + 1, 1 << 62} {
					if r, err := b.Range(context.Background(), int64(offset), length); err == nil {
						t.Fatalf("%d+%d of %d: %v", offset, length, size, r)
					}
				}
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamageInBlock damages one block and reads ranges with and without it.
func TestDamageInBlock(t *testing.T) {
	const block, blocks = 8, 5
	body := payload(block * blocks)
	for name, d := range damagedBlobs(t, body) {
		start := len(d.encoded) - blocks*(block+sumSize)
		for bad := range int64(blocks) {
			encoded := bytes.Clone(d.encoded)
			encoded[start+int(bad)*(block+sumSize)] ^= 1
			b, err := d.open(encoded)
			if err != nil {
				t.Fatal(err)
			}
			for first := range int64(blocks) {
				r, err := b.Range(context.Background(), first*block+1, (blocks-first)*block-1)
				if first == bad {
					checkBlock(t, name, err, bad)
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				var got bytes.Buffer
				_, err = r.WriteTo(&got)
				end := int64(blocks)
				if first < bad {
					checkBlock(t, name, err, bad)
					end = bad
				} else if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if !bytes.Equal(got.Bytes(), body[first*block+1:end*block]) {
					t.Errorf("%s: block %d damaged, read from %d: %x", name, bad, first, got.Bytes())
				}
				if _, again := r.Read(make([]byte, 1)); (again == io.EOF) != (err == nil) {
					t.Errorf("%s: Read after the end: %v", name, again)
				}
				r.Close()
			}
			b.Close()
		}
	}
}

func checkBlock(t *testing.T, name string, err error, block int64) {
	t.Helper()
	if damage := new(DamageError); !errors.As(err, &damage) || damage.Block != block || !errors.Is(err, ErrDamaged) {
		t.Errorf("%s: block %d damaged: %v", name, block, err)
	}
}

// TestCutWhileOpen truncates a file after it was opened.
func TestCutWhileOpen(t *testing.T) {
	f, err := Open(t.TempDir()+"/blobs", Options{NewEpoch: countEpochs(0), BlockSize: 8, InlineLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	s := mustWrite(t, f, 1, payload(37))
	b, err := open(f, s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.Truncate(f.path(s.Ref), s.StoredSize-12); err != nil {
		t.Fatal(err)
	}
	_, err = b.Range(context.Background(), 32, 5)
	checkBlock(t, "cut", err, 4)
}

func TestReaderClosed(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1})
	b, err := open(f, mustWrite(t, f, 1, payload(100)))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, err := b.Range(context.Background(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, errClosedReader) {
		t.Errorf("Read: %v", err)
	}
	if _, err := r.WriteTo(io.Discard); !errors.Is(err, errClosedReader) {
		t.Errorf("WriteTo: %v", err)
	}
}

func TestReadCancelled(t *testing.T) {
	f := newTestFolder(t, nil, Options{BlockSize: 1000, InlineLimit: -1})
	const size = 5000
	b, err := open(f, mustWrite(t, f, 1, payload(size)))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := b.Range(ctx, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	n, err := r.WriteTo(io.Discard)
	if !errors.Is(err, context.Canceled) || n > 1000 {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := b.Verify(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: %v", err)
	}
}

// shortWriter takes one byte less than it is given, and says so or not.
type shortWriter struct{ err error }

func (w shortWriter) Write(p []byte) (int, error) { return len(p) - 1, w.err }

func TestWriteToFails(t *testing.T) {
	f := newTestFolder(t, nil, Options{BlockSize: 10})
	b, err := open(f, mustWrite(t, f, 1, payload(100)))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken pipe")
	for sent, want := range map[error]error{nil: io.ErrShortWrite, broken: broken} {
		r, err := b.Range(context.Background(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.WriteTo(shortWriter{sent}); n != 9 || !errors.Is(err, want) {
			t.Errorf("wrote %d, %v", n, err)
		}
		if left, err := io.ReadAll(r); len(left) != 91 || err != nil {
			t.Errorf("%d bytes left, %v", len(left), err)
		}
		r.Close()
	}
}

// TestReadFaults fails each operation of opening and reading in turn: the error
// comes out as it is, and is not taken for damage.
func TestReadFaults(t *testing.T) {
	mem := vfs.NewMem()
	s := mustWrite(t, newTestFolder(t, mem, Options{InlineLimit: -1}), 1, payload(1<<20))
	for n := int32(0); ; n++ {
		fault := errorfs.OnIndex(n)
		toggle := &errorfs.Toggle{Injector: fault}
		f := newTestFolder(t, errorfs.Wrap(mem, toggle), Options{})
		toggle.On()
		err := f.Verify(context.Background(), headerOf(s), s.Size, s.CRC)
		toggle.Off()
		if fault.Load() >= 0 { // not reached any more
			if err != nil || n < 5 {
				t.Errorf("%d operations, then %v", n, err)
			}
			return
		}
		if !errors.Is(err, errorfs.ErrInjected) || errors.Is(err, ErrDamaged) {
			t.Errorf("operation %d: %v", n, err)
		}
	}
}
