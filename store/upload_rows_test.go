package store

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// fullPart has every field that a part can have, and pieces of every kind.
func fullPart() *partRow {
	one := blob.Origin{Ref: blob.Ref{Epoch: 1, Number: 2}, Bucket: 3, Key: "one"}
	two := blob.Origin{Ref: blob.Ref{Epoch: 4, Number: 5}, Bucket: 3, Key: "two"}
	again := one
	again.Ref.Number = 6
	return &partRow{
		size: 111, crc: 5, lastModified: start2026, md5: [16]byte{1, 2}, made: Maker{AccessKey: "k"},
		checksums: []checksum.Value{checksum.Of(checksum.SHA1, nil), checksum.Of(checksum.CRC32, nil)},
		pieces: []piece{
			{place: placeData, ref: blob.Ref{Number: 7}, length: 1, size: 1, stored: 9, blockSize: 64},
			{place: placeFile, ref: blob.Ref{Epoch: 1, Number: 8}, length: 10, offset: 5, size: 20, stored: 30, blockSize: 64, origin: one},
			{place: placeFile, ref: blob.Ref{Epoch: 1, Number: 9}, length: 50, size: 50, stored: 60, blockSize: 64, origin: two},
			{place: placeFile, ref: blob.Ref{Epoch: 1, Number: 10}, length: 50, size: 51, stored: 60, blockSize: 64, origin: again},
		},
	}
}

func fullUpload() *uploadRow {
	description := fullRecord()
	description.order = 9
	return &uploadRow{
		description: description, algorithm: checksum.SHA256, kind: Composite, start: versioning.Start{Order: 5, Object: true},
	}
}

func fullDone() *doneUpload {
	return &doneUpload{
		bucket: 1, key: "k", order: 2, answer: answeredID, list: [32]byte{1}, size: 3, parts: 4, at: start2026, etag: "e-4",
		checksums: []checksum.Value{checksum.Of(checksum.SHA1, nil)}, checksumType: Composite,
	}
}

func TestUploadRowsRoundTrip(t *testing.T) {
	for _, want := range []*partRow{fullPart(), {}, {md5: [16]byte{1}}} {
		if got, err := decodePart(want.encode()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for _, want := range []*uploadRow{fullUpload(), {description: &record{order: 1}}} {
		got, err := decodeUpload(want.encode())
		if err == nil {
			got.stored = nil
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	want := fullDone()
	key := doneKey(7)
	if got, upload, err := decodeDoneRow(key, want.encode()); err != nil || upload != 7 || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	lost := &lostParts{key: "k", upload: 7, kept: partsRecord().parts, version: true}
	for _, l := range []*lostParts{lost, {}, {key: "k", upload: 1}} {
		row := reclaimRow{order: 3, bucket: 4, stored: 5, parts: l}
		if got, err := decodeReclaim(reclaimKey(row.order, row.ref), row.encode()); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%+v, %v; want %+v", got, err, row)
		}
	}
}

// What cannot be a row is refused: cut short, with a critical field of a later
// version, or with fields that contradict each other.
func TestUploadRowsRefused(t *testing.T) {
	decoders := map[string]struct {
		row    []byte
		decode func([]byte) error
	}{
		"part":   {fullPart().encode(), func(b []byte) error { _, err := decodePart(b); return err }},
		"upload": {fullUpload().encode(), func(b []byte) error { _, err := decodeUpload(b); return err }},
		"done":   {fullDone().encode(), func(b []byte) error { _, err := decodeDone(b); return err }},
	}
	for name, d := range decoders {
		if d.decode(append(bytes.Clone(d.row), later(laterOptional)...)) != nil {
			t.Errorf("%s: an optional field of a later version is refused", name)
		}
		if d.decode(append(bytes.Clone(d.row), later(laterCritical)...)) == nil {
			t.Errorf("%s: a critical field of a later version is passed over", name)
		}
		if d.decode(d.row[:len(d.row)-1]) == nil || d.decode(nil) == nil && name != "part" {
			t.Errorf("%s: half a row is taken", name)
		}
	}
	bad := fullPart()
	bad.size++
	if _, err := decodePart(bad.encode()); err == nil {
		t.Error("a part whose pieces are too few is taken")
	}
	bad = fullPart()
	bad.pieces[1].offset = 11
	if _, err := decodePart(bad.encode()); err == nil {
		t.Error("a piece beyond its blob is taken")
	}
	if _, _, err := decodeDoneRow([]byte("Q"), fullDone().encode()); err == nil {
		t.Error("a row of a completed upload without a key is taken")
	}
	row := reclaimRow{order: 1, bucket: 1}
	if _, err := decodeReclaim(reclaimKey(1, blob.Ref{}), row.encode()); err == nil {
		t.Error("a reclaim row of nothing is taken")
	}
}

func FuzzDecodePart(f *testing.F) {
	f.Add(fullPart().encode())
	f.Add((&partRow{}).encode())
	f.Add([]byte{})
	f.Add([]byte{5, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePart(b)
		if err != nil {
			return
		}
		// As they are written, for a time of 1970 is written like none.
		again, err := decodePart(p.encode())
		if err != nil || !bytes.Equal(again.encode(), p.encode()) {
			t.Fatalf("%+v is written and read as %+v, %v", p, again, err)
		}
		sum := int64(0)
		for _, c := range clip(p.pieces, p.size/3, p.size-p.size/3) {
			sum += c.length
		}
		if sum != p.size-p.size/3 {
			t.Fatalf("clipped to %d of %d bytes", sum, p.size)
		}
	})
}

func FuzzPartMap(f *testing.F) {
	f.Add(partsRecord().parts.encode(), int64(1))
	f.Add([]byte{0, 1, 0}, int64(0))
	f.Add([]byte{9, 3, 5, 1, 1, 0, 0, 2, 7}, int64(16))
	f.Fuzz(func(t *testing.T, b []byte, offset int64) {
		ok := true
		m := decodePartMap(b, &ok)
		if !ok {
			return
		}
		var rebuilt PartMap
		numbers := make(map[int]bool)
		for _, r := range m.runs {
			for i := range r.count {
				rebuilt.add(r.first+i, r.size)
				numbers[r.first+i] = true
			}
		}
		if rebuilt.size() != m.size() || rebuilt.Count() != m.Count() || len(numbers) != m.Count() || m.Count() > MaxPartNumber {
			t.Fatalf("%v is rebuilt as %v", m, rebuilt)
		}
		again := decodePartMap(rebuilt.encode(), &ok)
		if !ok || !reflect.DeepEqual(again, rebuilt) {
			t.Fatalf("%v is read as %v", rebuilt, again)
		}
		for _, g := range m.gaps() {
			for n := g.first; n < g.end; n++ {
				if m.has(n) || numbers[n] {
					t.Fatalf("%v: part %d is in a gap", m, n)
				}
				numbers[n] = true
			}
		}
		if len(numbers) != MaxPartNumber {
			t.Fatalf("%v: parts and gaps are %d numbers", m, len(numbers))
		}
		if offset < 0 || offset > m.size() {
			return
		}
		left := m.size() - offset
		for c := m.from(offset); ; {
			at, ok := c.next()
			if !ok {
				break
			}
			left -= at.size - at.offset
		}
		if left != 0 {
			t.Fatalf("%v from %d: %d bytes are missing", m, offset, left)
		}
	})
}

// The n-th part of an object is found wherever it lies, whatever its number.
func TestPartMap(t *testing.T) {
	var m PartMap
	for _, p := range []struct {
		number int
		size   int64
	}{{1, 5}, {2, 5}, {4, 5}, {5, 7}, {9, 0}} {
		m.add(p.number, p.size)
	}
	want := [][2]int64{{0, 5}, {5, 5}, {10, 5}, {15, 7}, {22, 0}}
	for n := -1; n <= len(want)+1; n++ {
		offset, length, ok := m.Part(n)
		if there := n >= 1 && n <= len(want); ok != there || there && (offset != want[n-1][0] || length != want[n-1][1]) {
			t.Errorf("part %d is %d at %d, %v", n, length, offset, ok)
		}
	}
	if m.Count() != 5 || (PartMap{}).Count() != 0 || len(m.runs) != 4 {
		t.Errorf("%+v", m)
	}
}

// A folder says that it has uploads from the first one on, so that no version that
// does not know them opens it; before, any may.
func TestFolderSaysThatItHasUploads(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	bits := func() byte { return rowOf(t, s, metaKey(metaIncompatible))[0] &^ featureLedger }
	if bits() != 0 {
		t.Errorf("features %x before the first upload", bits())
	}
	mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	if bits() != featureMultipart {
		t.Errorf("features %x after it", bits())
	}
	fs := s.fs
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = openTest(t, fs, nil); s.features.Load()&^featureLedger != featureMultipart {
		t.Error("a start forgets them")
	}
}
