package blob

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io/fs"
	"math"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// encodedExample is a whole blob of format version 1. Folders hold such bytes
// for ever, so this text changes only by adding a version.
const encodedExample = "" +
	"7473626c" + "01" + "01" + "0003" + "00000004" + // magic, version, trailer, key length, block size
	"00000000" + "0102030405060708" + "0000000000000009" + // ref, bucket
	"6b6579" + "94ab9018" + // key, sum
	"61626364" + "0730bea2" +
	"65666768" + "d914eaeb" +
	"696a" + "23baac84"

func exampleHeader() Header {
	return Header{Ref: Ref{Number: 0x0102030405060708}, Bucket: 9, Key: "key", BlockSize: 4}
}

func TestEncodedExample(t *testing.T) {
	s := encodeInline(exampleHeader(), nil, []byte("abcdefghij"))
	if got := hex.EncodeToString(s.Inline); got != encodedExample {
		t.Errorf("encoded as\n%s, want\n%s", got, encodedExample)
	}
	if s.StoredSize != int64(len(s.Inline)) {
		t.Errorf("stored size %d of %d", s.StoredSize, len(s.Inline))
	}
}

func TestRef(t *testing.T) {
	refs := []Ref{
		{}, {0, 1}, {0, math.MaxUint64}, {1, 0}, {1, 255}, {1, 256}, {255, 0}, {256, 7}, {math.MaxUint32, math.MaxUint64},
	}
	for i, ref := range refs {
		encoded := ref.Append([]byte("x"))[1:]
		if back, err := ParseRef(encoded); err != nil || back != ref {
			t.Errorf("%v parsed as %v, %v", ref, back, err)
		}
		if i > 0 && bytes.Compare(refs[i-1].Append(nil), encoded) >= 0 {
			t.Errorf("%v does not sort after %v", ref, refs[i-1])
		}
		if ref.IsZero() != (i == 0) || ref.Inline() != (ref.Epoch == 0) {
			t.Errorf("%v: IsZero %v, Inline %v", ref, ref.IsZero(), ref.Inline())
		}
		for _, wrong := range [][]byte{nil, encoded[1:], append(encoded, 0)} {
			if _, err := ParseRef(wrong); !errors.Is(err, errRef) {
				t.Errorf("%x: %v", wrong, err)
			}
		}
	}
	if got := (Ref{0xabc, 0xdef}).String(); got != "00000abc/0000000000000def" {
		t.Errorf("String is %s", got)
	}
}

func TestNames(t *testing.T) {
	if n, ok := parseEpochName("0000abcd"); !ok || n != 0xabcd {
		t.Errorf("epoch name: %x, %v", n, ok)
	}
	if n, ok := parseFileName("fedcba9876543210"); !ok || n != 0xfedcba9876543210 {
		t.Errorf("file name: %x, %v", n, ok)
	}
	for _, name := range []string{"", "0", "00000000", "0000ABCD", "+000abcd", "0x00abcd", "00000abcd", "0000abcg", " 000abcd"} {
		if n, ok := parseEpochName(name); ok {
			t.Errorf("%q is epoch %x", name, n)
		}
		if n, ok := parseFileName("00000000" + name); ok && len(name) != 8 || ok && strings.ToLower(name) != name {
			t.Errorf("%q is file %x", "00000000"+name, n)
		}
	}
}

func TestHeaderRefuses(t *testing.T) {
	f := newTestFolder(t, nil, Options{})
	r := testRequest(1, nil)
	r.Key = strings.Repeat("k", maxKey+1)
	if _, err := f.Write(context.Background(), r); !errors.Is(err, errHeader) {
		t.Errorf("long key: %v", err)
	}
	for _, size := range []int{0, maxBlockSize + 1} {
		h := exampleHeader()
		h.BlockSize = size
		if _, err := parseHeader(h.appendTo(nil)); !errors.Is(err, errHeader) {
			t.Errorf("block size %d: %v", size, err)
		}
	}
	for _, at := range []int{4, 5} { // version, kind of trailer
		b := exampleHeader().appendTo(nil)
		b[at] = 2
		end := len(b) - sumSize
		binary.BigEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
		if _, err := parseHeader(b); !errors.Is(err, errHeader) {
			t.Errorf("byte %d unknown: %v", at, err)
		}
	}
}

// TestSizeOutOfRange opens blobs with sizes for which the length of the whole,
// computed without care, comes out right.
func TestSizeOutOfRange(t *testing.T) {
	h := exampleHeader()
	for blockSize, c := range map[int]struct {
		size  int64
		extra int
	}{
		4: {-1, 3},
		1: {3689348814741910324, 4}, // five times that is 2^64 + 4
	} {
		h.BlockSize = blockSize
		encoded := h.appendTo(nil)
		encoded = append(encoded, make([]byte, c.extra)...)
		if l := layoutOf(h, c.size); l.total() != int64(len(encoded)) {
			t.Errorf("size %d: total %d is not the %d the test wants", c.size, l.total(), len(encoded))
		}
		if _, err := OpenInline(encoded, h, c.size); !errors.Is(err, ErrDamaged) {
			t.Errorf("size %d: %v", c.size, err)
		}
	}
}

// damaged is a stored blob with its encoded bytes and a way to read others in
// their place.
type damaged struct {
	stored  Stored
	encoded []byte
	open    func(encoded []byte) (*Blob, error)
}

// damagedBlobs returns the same payload once inline and once in a file.
func damagedBlobs(t *testing.T, body []byte) map[string]damaged {
	t.Helper()
	inlineFolder := newTestFolder(t, nil, Options{BlockSize: 8})
	inline := mustWrite(t, inlineFolder, 0x55, body)
	mem := vfs.NewMem()
	f := newTestFolder(t, mem, Options{BlockSize: 8, InlineLimit: -1})
	file := mustWrite(t, f, 0x55, body)
	onDisk, err := mem.UnsafeGetFileDataBuffer(f.path(file.Ref))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]damaged{
		"inline": {inline, inline.Inline, func(encoded []byte) (*Blob, error) {
			return OpenInline(encoded, headerOf(inline), inline.Size)
		}},
		"file": {file, bytes.Clone(onDisk), func(encoded []byte) (*Blob, error) {
			overwrite(t, mem, f.path(file.Ref), encoded)
			return f.OpenBlob(headerOf(file), file.Size)
		}},
	}
}

func overwrite(t *testing.T, fs FS, path string, content []byte) {
	t.Helper()
	file, err := fs.Create(path, diskCategory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(bytes.Clone(content)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEveryByteFlipped flips each bit pattern of interest in each byte: the blob
// must be refused, and what was delivered before must be the beginning of the
// true payload.
func TestEveryByteFlipped(t *testing.T) {
	body := payload(37)
	for name, d := range damagedBlobs(t, body) {
		for at := range d.encoded {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				encoded := bytes.Clone(d.encoded)
				encoded[at] ^= flip
				checkRefused(t, name, d, encoded, body)
			}
		}
	}
}

// TestEveryLength cuts the blob at each length, and makes it longer.
func TestEveryLength(t *testing.T) {
	body := payload(37)
	for name, d := range damagedBlobs(t, body) {
		for length := range d.encoded {
			checkRefused(t, name, d, d.encoded[:length], body)
		}
		checkRefused(t, name, d, append(bytes.Clone(d.encoded), 0), body)
	}
}

// TestBlocksExchanged swaps two blocks whose sums are right for another place.
func TestBlocksExchanged(t *testing.T) {
	body := bytes.Repeat([]byte("12345678"), 4)
	for name, d := range damagedBlobs(t, body) {
		start, block := len(d.encoded)-4*12, 12
		for i := range 4 {
			for j := range i {
				encoded := bytes.Clone(d.encoded)
				copy(encoded[start+i*block:], d.encoded[start+j*block:start+(j+1)*block])
				checkRefused(t, name, d, encoded, body)
			}
		}
	}
}

// checkRefused opens and reads encoded, which is not what was stored.
func checkRefused(t *testing.T, name string, d damaged, encoded, body []byte) {
	t.Helper()
	b, err := d.open(encoded)
	var got []byte
	if err == nil {
		got, err = readRange(b, 0, b.Size())
		if verifyErr := b.Verify(context.Background(), d.stored.CRC); !errors.Is(verifyErr, ErrDamaged) {
			t.Errorf("%s: Verify: %v", name, verifyErr)
		}
		b.Close()
	}
	if damage := new(DamageError); !errors.As(err, &damage) || damage.Ref != d.stored.Ref {
		t.Fatalf("%s %x: error is %v", name, encoded, err)
	}
	if !bytes.HasPrefix(body, got) || len(got)%8 != 0 {
		t.Fatalf("%s %x: delivered %x", name, encoded, got)
	}
}

// TestAnotherBlob opens a sound blob where another one was expected.
func TestAnotherBlob(t *testing.T) {
	for name, d := range damagedBlobs(t, payload(37)) {
		reader := newTestFolder(t, nil, Options{})
		for field, change := range map[string]func(*Header){
			"number":     func(h *Header) { h.Ref.Number++ },
			"epoch":      func(h *Header) { h.Ref.Epoch++ },
			"bucket":     func(h *Header) { h.Bucket++ },
			"key":        func(h *Header) { h.Key = "a key/u" },
			"longer key": func(h *Header) { h.Key += "k" },
			"block size": func(h *Header) { h.BlockSize++ },
		} {
			want := headerOf(d.stored)
			change(&want)
			if _, err := OpenInline(d.encoded, want, d.stored.Size); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, other %s: %v", name, field, err)
			}
			if err := reader.fs.MkdirAll(reader.epochPath(want.Ref.Epoch), 0o777); err != nil {
				t.Fatal(err)
			}
			overwrite(t, reader.fs, reader.path(want.Ref), d.encoded)
			if _, err := reader.OpenBlob(want, d.stored.Size); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s in a file, other %s: %v", name, field, err)
			}
		}
		anyBlockSize := headerOf(d.stored)
		anyBlockSize.BlockSize = 0
		if _, err := OpenInline(d.encoded, anyBlockSize, d.stored.Size); err != nil {
			t.Errorf("%s, any block size: %v", name, err)
		}
		for _, size := range []int64{-1, 0, 36, 38, math.MaxInt64, math.MinInt64} {
			if _, err := OpenInline(d.encoded, headerOf(d.stored), size); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, size %d: %v", name, size, err)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1})
	want := headerOf(mustWrite(t, f, 1, nil))
	if err := f.Remove(want.Ref); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.OpenBlob(want, 0); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
			t.Errorf("removed: %v", err)
		}
		want.Ref.Epoch++ // no directory either
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(exampleHeader().appendTo(nil))
	f.Add(Header{Ref: Ref{3, 4}, BlockSize: maxBlockSize}.appendTo(nil))
	f.Add([]byte(headerMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		if again := h.appendTo(nil); !bytes.HasPrefix(b, again) || len(again) != h.size() {
			t.Fatalf("%x parsed as %+v, which is %x", b, h, again)
		}
	})
}

func FuzzOpenInline(f *testing.F) {
	example, err := hex.DecodeString(encodedExample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example, int64(10))
	f.Add(example, int64(9))
	f.Add(exampleHeader().appendTo(nil), int64(0))
	f.Add([]byte{}, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, encoded []byte, size int64) {
		want, err := parseHeader(encoded)
		if err != nil {
			want = exampleHeader()
		}
		b, err := OpenInline(encoded, want, size)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		body, err := readRange(b, 0, size)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if again := encodeInline(want, nil, body).Inline; !bytes.Equal(again, encoded) {
			t.Fatalf("%x decoded to %x, which encodes as %x", encoded, body, again)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("abcdefghij"), "key", uint16(4), int64(2), int64(5))
	f.Add([]byte{}, "", uint16(1), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, body []byte, key string, blockSize uint16, offset, length int64) {
		h := Header{Ref: Ref{Number: 1}, Key: key, BlockSize: int(blockSize)}
		if h.check() != nil {
			return
		}
		b, err := OpenInline(encodeInline(h, nil, body).Inline, h, int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := readRange(b, offset, length)
		outside := offset < 0 || length < 0 || offset > int64(len(body)) || length > int64(len(body))-offset
		if (err != nil) != outside {
			t.Fatalf("range %d+%d of %d: %v", offset, length, len(body), err)
		}
		if err == nil && !bytes.Equal(got, body[offset:offset+length]) {
			t.Fatalf("range %d+%d is %x", offset, length, got)
		}
	})
}
