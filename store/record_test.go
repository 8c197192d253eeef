package store

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// later is a field of a later version: an optional one that is kept, or a
// critical one.
func later(tag uint64) []byte {
	var f fields
	f.text(tag, "later")
	return f
}

const (
	laterCritical = 63
	laterOptional = 127
)

func TestRecordRoundTrip(t *testing.T) {
	marker := &record{order: 5, marker: true, lastModified: start2026, made: Maker{RequestID: "r"}}
	full := fullRecord()
	full.unknown = later(laterOptional)
	for _, want := range []*record{full, partsRecord(), marker, {order: 1}} {
		got, err := decodeRecord(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

// A retention from before 1970 is none that protects; it must not make a record
// that cannot be read.
func TestLockFromLongAgo(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	forceObjectLock(t, s)
	id := mustLock(t, s, "k", versioning.Lock{Mode: versioning.Governance})
	mustRead(t, s, "b", "k", id, strings.Repeat("x", 200))
	mustClean(t, s)
	mustDelete(t, s, "b", "k", id)
	mustClean(t, s)
	if n := countTable(t, s, lockTable); n != 0 {
		t.Errorf("%d lock rows are left", n)
	}
}

// A version record with a critical field of a later version is not served, and is
// neither rewritten nor destroyed; what does not need it goes on.
func TestUnknownCriticalField(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Suspended)
	mustPut(t, s, "b", "k", "null")
	rec := recordOf(t, s, "b", "k", versioning.Null)
	row := versionKey(mustBucketID(t, s), "k", rec.order)
	mustWrite(t, s, engine.Set(row, append(rec.encode(), later(laterCritical)...)))
	want := rowOf(t, s, row)

	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "field 63") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
	refused("get current", err)
	_, err = s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k", ID: versioning.Null})
	refused("head by id", err)
	_, err = s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: versioning.Null})
	refused("delete by id", err)
	_, err = s.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
	refused("delete in Suspended", err)
	_, err = s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(""), Size: 0})
	refused("put in Suspended", err)
	_, err = s.ListObjectVersions(t.Context(), VersionsRequest{Bucket: "b", Limit: 1})
	refused("list versions", err)

	mustState(t, s, "b", versioning.Enabled)
	newer := mustID(t, s, mustPut(t, s, "b", "k", "over it").VersionHeader)
	mustRead(t, s, "b", "k", newer, "over it")
	if got := objectsText(mustObjects(t, s, ListRequest{Bucket: "b", Limit: 1})); got != "k" {
		t.Error(got)
	}
	_, err = s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: newer})
	refused("delete of the only entry above it", err)
	if got := rowOf(t, s, row); !bytes.Equal(got, want) {
		t.Errorf("the record was %x and is %x", want, got)
	}
	report, err := s.Check(t.Context())
	if err != nil || !slices.ContainsFunc(report.Problems, func(p Problem) bool { return strings.Contains(p.Detail, "field 63") }) {
		t.Errorf("%v %v", report.Problems, err)
	}
}

// Critical fields in other rows are refused as well.
func TestUnknownCriticalFieldInRows(t *testing.T) {
	for name, decode := range map[string]func([]byte) error{
		"head":    func(b []byte) error { _, err := decodeHead(b); return err },
		"live":    func(b []byte) error { _, err := decodeLive(b); return err },
		"bucket":  func(b []byte) error { _, err := decodeBucket("b", b); return err },
		"blob":    func(b []byte) error { _, err := decodeBlobRow(b); return err },
		"reclaim": func(b []byte) error { _, err := decodeReclaim(reclaimKey(1, blob.Ref{Number: 1}), b); return err },
	} {
		if err := decode(later(laterCritical)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A bucket row keeps optional fields of a later version when it is rewritten.
func TestUnknownOptionalFieldSurvives(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustWrite(t, s, engine.Set(bucketKey("b"), append(rowOf(t, s, bucketKey("b")), later(laterOptional)...)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	mustState(t, s, "b", versioning.Enabled)
	if row := rowOf(t, s, bucketKey("b")); !bytes.HasSuffix(row, later(laterOptional)) {
		t.Errorf("the field is lost from %x", row)
	}
}

// FuzzVersionRecord holds that reading never panics, and that what was read is
// written in one way.
func FuzzVersionRecord(f *testing.F) {
	f.Add(fullRecord().encode())
	f.Add((&record{order: 5, marker: true}).encode())
	f.Add(append(fullRecord().encode(), later(laterOptional)...))
	f.Add(append(fullRecord().encode(), later(laterCritical)...))
	f.Add([]byte{})
	f.Add([]byte{1, 200, 3})
	f.Add([]byte{versionKind, 1, kindObject, versionOrder, 2, 0x80, 0x00, versionPlace, 0})
	f.Fuzz(func(t *testing.T, row []byte) {
		r, err := decodeRecord(row)
		brief, refused := decodeBrief(row)
		if (err == nil) != (refused == nil) {
			t.Fatalf("%x is read with %v, in brief with %v", row, err, refused)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(brief.version(), r.version()) || brief.place != r.place || brief.ref != r.ref || brief.storedSize != r.storedSize || brief.upload != r.upload {
			t.Fatalf("%+v is read in brief as %+v", r, brief)
		}
		written := r.encode()
		again, err := decodeRecord(written)
		if err != nil {
			t.Fatalf("%x was read, and written as %x, which is not read: %v", row, written, err)
		}
		if twice := again.encode(); !bytes.Equal(twice, written) {
			t.Fatalf("%x is written as %x and then as %x", row, written, twice)
		}
		if again.order != r.order || again.null != r.null || again.marker != r.marker || again.size != r.size || again.ref != r.ref {
			t.Fatalf("%+v became %+v", r, again)
		}
		r.object("key", "id", testOwner)
		liveOf(r).encode()
	})
}

// amendedLive is a live row with all its fields.
func amendedLive() *live {
	l := liveOf(fullRecord())
	l.amended = 3
	return l
}

// FuzzRows holds the same for the other rows.
func FuzzRows(f *testing.F) {
	reclaim := reclaimRow{bucket: 7, stored: 8}
	for kind, row := range [][]byte{
		encodeHead(versioning.Head{Newest: 5, Marker: true, Null: 4, Entries: 3, Amended: 2}),
		amendedLive().encode(),
		(&bucketRow{id: 7, Bucket: Bucket{Owner: testOwner, Region: "r", Versioning: versioning.Suspended, Retention: DefaultRetention{Mode: versioning.Governance, Days: 300}}, unknown: later(laterOptional)}).encode(),
		blobRow{bucket: 7, key: "k", order: 5, stored: 9}.encode(),
		reclaim.encode(),
	} {
		f.Add(uint8(kind), row)
		f.Add(uint8(kind), append(row, later(laterCritical)...))
		f.Add(uint8(kind), row[:len(row)-1])
	}
	readers := []func([]byte) ([]byte, error){
		func(b []byte) ([]byte, error) { h, err := decodeHead(b); return encodeHead(h), err },
		func(b []byte) ([]byte, error) {
			l, err := decodeLive(b)
			if err != nil {
				return nil, err
			}
			l.object("key", testOwner)
			return l.encode(), nil
		},
		func(b []byte) ([]byte, error) {
			r, err := decodeBucket("b", b)
			if err != nil {
				return nil, err
			}
			return r.encode(), nil
		},
		func(b []byte) ([]byte, error) { r, err := decodeBlobRow(b); return r.encode(), err },
		func(b []byte) ([]byte, error) {
			r, err := decodeReclaim(reclaimKey(1, blob.Ref{Epoch: 1, Number: 2}), b)
			return r.encode(), err
		},
	}
	f.Fuzz(func(t *testing.T, kind uint8, row []byte) {
		read := readers[int(kind)%len(readers)]
		written, err := read(row)
		if err != nil {
			return
		}
		twice, err := read(written)
		if err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("%x is written as %x and then as %x, %v", row, written, twice, err)
		}
	})
}
