package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// stall is a body that returns neither bytes nor an error.
type stall struct{}

func (stall) Read([]byte) (int, error) { return 0, nil }

// bomb is a body that panics.
type bomb struct{}

func (bomb) Read([]byte) (int, error) { panic("body") }

var errBody = errors.New("body broke")

// TestBodyFails ends bodies in all bad ways at all interesting places. Nothing
// may be left, neither files nor goroutines, and the epoch is settled.
func TestBodyFails(t *testing.T) {
	const block, limit = 1000, 2500
	f := newTestFolder(t, nil, Options{BlockSize: block, InlineLimit: limit, EpochFiles: 1})
	perChunk := f.chunks.size / (block + sumSize) * block
	ctx, cancel := context.WithCancel(context.Background())
	background := context.Background()
	cases := []struct {
		name string
		ctx  context.Context
		end  func() io.Reader // follows the payload
		size int64            // announced beside the payload
		want error
	}{
		{"error", background, failing(errBody), 0, errBody},
		{"cut by the peer", background, failing(io.ErrUnexpectedEOF), 0, io.ErrUnexpectedEOF},
		{"short", background, nil, 1, io.ErrUnexpectedEOF},
		{"much too short", background, nil, 1 << 40, io.ErrUnexpectedEOF},
		{"long", background, func() io.Reader { return bytes.NewReader([]byte("x")) }, 0, ErrTooLong},
		{"without end", background, func() io.Reader { return neverEnding('x') }, 0, ErrTooLong},
		{"stalled", background, func() io.Reader { return stall{} }, 10, io.ErrNoProgress},
		{"cancelled", ctx, func() io.Reader { return cancelReader(cancel) }, 1 << 40, context.Canceled},
	}
	number := uint64(0)
	for _, c := range cases {
		for _, size := range []int{0, 1, limit - 1, limit, limit + 1, perChunk - 1, perChunk, perChunk + 1, 5 * perChunk} {
			for _, unknown := range []bool{false, true} {
				if unknown && c.want == ErrTooLong || unknown && c.end == nil {
					continue // not an error then
				}
				number++
				r := testRequest(number, payload(size))
				r.Algorithms = checksum.All()
				r.Size += c.size
				if unknown {
					r.Size = -1
				}
				if c.end != nil {
					r.Body = io.MultiReader(r.Body, c.end())
				}
				before := runtime.NumGoroutine()
				s, err := f.Write(c.ctx, r)
				if !errors.Is(err, c.want) || s.Inline != nil || !s.Ref.IsZero() {
					t.Errorf("%s after %d bytes: %v, %v", c.name, size, s.Ref, err)
				}
				checkNothingLeft(t, f, before)
			}
		}
	}
}

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func failing(err error) func() io.Reader {
	return func() io.Reader { return iotest.ErrReader(err) }
}

// cancelReader cancels a context and goes on as if nothing had happened.
func cancelReader(cancel func()) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// checkNothingLeft expects no files, an epoch free to be passed, and no more
// goroutines than before. A goroutine that has told of its end may still need a
// moment to be gone.
func checkNothingLeft(t *testing.T, f *Folder, goroutines int) {
	t.Helper()
	if left := files(t, f); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	if f.Floor() != f.epochs.openEpoch() {
		t.Fatalf("floor %d below the open epoch %d", f.Floor(), f.epochs.openEpoch())
	}
	for range 1_000_000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
}

func TestBodyPanics(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: 10})
	for i, size := range []int{0, 20, 3 * f.chunks.size} {
		before := runtime.NumGoroutine()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Write swallowed the panic")
				}
			}()
			r := testRequest(uint64(i+1), payload(size))
			r.Body, r.Size = io.MultiReader(r.Body, bomb{}), -1
			_, _ = f.Write(context.Background(), r)
		}()
		checkNothingLeft(t, f, before)
	}
}

// TestBodyReadToEnd wants the end of the body seen, since a trailer hides there.
func TestBodyReadToEnd(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: 10, BlockSize: 10})
	number := uint64(0)
	for _, size := range []int{0, 9, 10, 11, f.chunks.size, 3 * f.chunks.size} {
		for _, announced := range []int64{-1, int64(size)} {
			var ended atomic.Bool
			number++
			r := testRequest(number, payload(size))
			r.Size = announced
			r.Body = io.MultiReader(r.Body, readerFunc(func([]byte) (int, error) {
				ended.Store(true)
				return 0, io.EOF
			}))
			s, err := f.Write(context.Background(), r)
			if err != nil || !ended.Load() {
				t.Errorf("size %d: end seen %v, %v", size, ended.Load(), err)
			}
			f.Settle(s.Ref)
		}
	}
}

// TestOddBodies reads bodies that come in unusual pieces.
func TestOddBodies(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: 100, BlockSize: 64})
	f.chunks.size = 3 * (64 + sumSize)
	wraps := []func(io.Reader) io.Reader{
		iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		func(r io.Reader) io.Reader { return iotest.OneByteReader(iotest.DataErrReader(r)) },
	}
	number := uint64(0)
	for size := range 500 {
		for _, wrap := range wraps {
			number++
			r := testRequest(number, payload(size))
			r.Body = wrap(r.Body)
			s, err := f.Write(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			checkStored(t, f, s, payload(size))
		}
	}
}

func TestNoSuchAlgorithm(t *testing.T) {
	f := newTestFolder(t, nil, Options{})
	for _, a := range []checksum.Algorithm{checksum.None, 200} {
		r := testRequest(1, nil)
		r.Algorithms = []checksum.Algorithm{a}
		if _, err := f.Write(context.Background(), r); err == nil {
			t.Errorf("algorithm %d was accepted", a)
		}
	}
}

func TestClosed(t *testing.T) {
	f, err := openTestFolder(newTestFolder(t, nil, Options{}).fs, Options{InlineLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	s := mustWrite(t, f, 1, payload(10))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	checkStored(t, f, s, payload(10))
	if _, err := f.Write(context.Background(), testRequest(2, nil)); !errors.Is(err, errClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}
