package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// pattern returns n bytes that differ from block to block.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>6 ^ i>>12)
	}
	return b
}

// readRange returns length bytes from offset, read in small pieces and as a whole.
func readRange(t *testing.T, o *Opened, offset, length int64) []byte {
	t.Helper()
	var both [2][]byte
	for i := range both {
		r, err := o.Reader(t.Context(), offset, length)
		if err != nil {
			t.Fatal(offset, length, err)
		}
		var source io.Reader = r
		if i == 1 {
			source = iotest.OneByteReader(struct{ io.Reader }{r})
		}
		if both[i], err = io.ReadAll(source); err != nil {
			t.Fatal(offset, length, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(both[0], both[1]) {
		t.Errorf("%d bytes at %d differ from read to read", length, offset)
	}
	return both[0]
}

// TestSizes stores bodies of sizes around the inline limit (100) and the block
// size (64), with and without an announced size, and reads ranges of them.
func TestSizes(t *testing.T) {
	for _, limit := range []int{100, -1} {
		fs := blob.MemFS()
		s := openTest(t, fs, func(o *Options) { o.InlineLimit = limit })
		mustBucket(t, s, "b", versioning.Enabled)
		files := 0
		for _, size := range []int{0, 1, 63, 64, 65, 99, 100, 101, 127, 128, 129, 192, 1000, 64 * 100} {
			body := pattern(size)
			for _, announced := range []int64{int64(size), -1} {
				key := fmt.Sprintf("%d-%d", size, announced)
				res, err := s.Put(t.Context(), PutRequest{
					Bucket: "b", Key: key, Body: iotest.HalfReader(bytes.NewReader(body)), Size: announced,
					Algorithms: []checksum.Algorithm{checksum.SHA256},
				})
				if err != nil || res.Size != int64(size) || !res.Checksums[0].Equal(checksum.Of(checksum.SHA256, body)) {
					t.Fatal(key, res, err)
				}
				checkRanges(t, s, key, body)
				if size > limit {
					files++
				}
			}
		}
		if got := len(blobFiles(t, fs)); got != files {
			t.Errorf("limit %d: %d files, want %d", limit, got, files)
		}
		if report := mustClean(t, s); report.Files != int64(files) {
			t.Errorf("limit %d: %+v", limit, report)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, nil)
		if got := len(blobFiles(t, fs)); got != files {
			t.Errorf("limit %d: %d files after a restart, want %d", limit, got, files)
		}
		mustRead(t, s, "b", "6400--1", versioning.ID{}, string(pattern(6400)))
		mustClean(t, s)
	}
}

func checkRanges(t *testing.T, s *Store, key string, body []byte) {
	t.Helper()
	o, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(body))
	if o.Object.Size != size {
		t.Errorf("%s: size %d", key, o.Object.Size)
	}
	for _, offset := range []int64{0, 1, 63, 64, 65, size / 2, size - 1, size} {
		for _, length := range []int64{0, 1, 64, 65, size - offset} {
			if offset < 0 || length < 0 || offset+length > size {
				continue
			}
			if got := readRange(t, o, offset, length); !bytes.Equal(got, body[offset:offset+length]) {
				t.Errorf("%s: %d bytes at %d are wrong", key, length, offset)
			}
		}
	}
	for _, outside := range [][2]int64{{-1, 1}, {0, size + 1}, {size, 1}, {0, -1}} {
		if _, err := o.Reader(t.Context(), outside[0], outside[1]); err == nil {
			t.Errorf("%s: the range %v is read", key, outside)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// errBody is what bodies and verifiers of these tests fail with.
var errBody = errors.New("the connection is gone")

// TestRefusedBodies holds that a PUT that fails leaves nothing, wherever it fails.
func TestRefusedBodies(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Suspended)
	mustPut(t, s, "b", "k", "before")
	rows := fmt.Sprint(allRows(t, s))
	refuse := func(Digests) error { return errBody }
	for _, size := range []int{0, 10, 100, 101, 1000, 300_000} {
		full := func() io.Reader { return bytes.NewReader(pattern(size)) }
		for _, c := range []struct {
			name string
			r    PutRequest
			want error
		}{
			{"verify", PutRequest{Body: full(), Size: int64(size), Verify: refuse}, errBody},
			{"verify, size unknown", PutRequest{Body: full(), Size: -1, Verify: refuse}, errBody},
			{"short", PutRequest{Body: full(), Size: int64(size) + 1}, ErrShortBody},
			{"long", PutRequest{Body: io.MultiReader(full(), bytes.NewReader([]byte("x"))), Size: int64(size)}, ErrLongBody},
			{"broken", PutRequest{Body: io.MultiReader(full(), iotest.ErrReader(errBody)), Size: int64(size)}, errBody},
			{"broken, size unknown", PutRequest{Body: io.MultiReader(full(), iotest.ErrReader(errBody)), Size: -1}, errBody},
			{"condition", PutRequest{Body: full(), Size: int64(size), Condition: mustAbsent(t)}, versioning.PreconditionFailed},
		} {
			c.r.Bucket, c.r.Key = "b", "k"
			if _, err := s.Put(t.Context(), c.r); !errors.Is(err, c.want) {
				t.Errorf("%s of %d bytes: %v, want %v", c.name, size, err, c.want)
			}
			if files := blobFiles(t, fs); len(files) != 0 {
				t.Errorf("%s of %d bytes leaves %v", c.name, size, files)
			}
		}
	}
	if after := fmt.Sprint(allRows(t, s)); after != rows {
		t.Errorf("rows were %q and are %q", rows, after)
	}
	mustRead(t, s, "b", "k", versioning.ID{}, "before")
	mustClean(t, s)
}

func mustAbsent(t *testing.T) versioning.Condition {
	t.Helper()
	c, err := versioning.WriteCondition("", "*")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What can be refused before the body is read, is.
//
// spec: VD7-3, VD7-5
func TestBodyIsNotReadInVain(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "before")
	other, err := versioning.WriteCondition("0123", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    PutRequest
		want error
	}{
		{PutRequest{Bucket: "none", Key: "k"}, ErrNoSuchBucket},
		{PutRequest{Bucket: "b", Key: ""}, ErrInvalidKey},
		{PutRequest{Bucket: "b", Key: "a\x00b"}, ErrInvalidKey},
		{PutRequest{Bucket: "b", Key: "\xff"}, ErrInvalidKey},
		{PutRequest{Bucket: "b", Key: fmt.Sprintf("%0*d", MaxKeyBytes+1, 0)}, ErrKeyTooLong},
		{PutRequest{Bucket: "b", Key: "k", Condition: mustAbsent(t)}, versioning.PreconditionFailed},
		{PutRequest{Bucket: "b", Key: "k", Condition: other}, versioning.PreconditionFailed},
		{PutRequest{Bucket: "b", Key: "absent", Condition: other}, versioning.NoSuchKey},
	} {
		c.r.Body, c.r.Size = &duringBody{Reader: bytes.NewReader(nil), do: func() { t.Errorf("%q: the body is read", c.r.Key) }}, 10
		if _, err := s.Put(t.Context(), c.r); !errors.Is(err, c.want) {
			t.Errorf("%.20q: %v, want %v", c.r.Key, err, c.want)
		}
	}
	longest := fmt.Sprintf("%0*d", MaxKeyBytes, 0)
	mustPut(t, s, "b", longest, "x")
	mustRead(t, s, "b", longest, versioning.ID{}, "x")
}
