package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

var testOwner = Owner{Account: "000000000001", CanonicalID: "c1", DisplayName: "owner"}

// openTest opens a store in memory on fs, a new one if nil, with small limits so
// that little data meets every path.
func openTest(t *testing.T, fs blob.FS, change func(*Options)) *Store {
	t.Helper()
	if fs == nil {
		fs = blob.MemFS()
	}
	o := Options{
		FS: fs, InlineLimit: 100, BlockSize: 64, MinPartSize: 10, MinFree: -1, MemTableSize: 1 << 20, CacheSize: 1 << 20,
		Clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
	if change != nil {
		change(&o)
	}
	s, err := Open("/data", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

func mustBucket(t *testing.T, s *Store, name string, state versioning.State) {
	t.Helper()
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: name, Owner: testOwner}); err != nil {
		t.Fatal(err)
	}
	if state != versioning.Unversioned {
		mustState(t, s, name, state)
	}
}

func mustState(t *testing.T, s *Store, name string, state versioning.State) {
	t.Helper()
	if err := s.SetVersioning(t.Context(), name, VersioningChange{State: state}); err != nil {
		t.Fatal(err)
	}
}

func mustPut(t *testing.T, s *Store, bucket, key, body string) PutResult {
	t.Helper()
	res, err := s.Put(t.Context(), PutRequest{
		Bucket: bucket, Key: key, Body: strings.NewReader(body), Size: int64(len(body)),
		Algorithms: []checksum.Algorithm{checksum.CRC64NVME},
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustDelete(t *testing.T, s *Store, bucket, key string, id versioning.ID) DeleteResult {
	t.Helper()
	res, err := s.Delete(t.Context(), bucket, DeleteRequest{Key: key, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustID(t *testing.T, s *Store, text string) versioning.ID {
	t.Helper()
	id, err := s.ParseVersionID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// read returns the bytes of an entry.
func read(t *testing.T, s *Store, bucket, key string, id versioning.ID) (string, error) {
	t.Helper()
	o, err := s.Get(t.Context(), ReadRequest{Bucket: bucket, Key: key, ID: id})
	if err != nil {
		return "", err
	}
	r, err := o.Reader(t.Context(), 0, o.Object.Size)
	if err != nil {
		return "", errors.Join(err, o.Close())
	}
	b, err := io.ReadAll(r)
	return string(b), errors.Join(err, r.Close(), o.Close())
}

func mustRead(t *testing.T, s *Store, bucket, key string, id versioning.ID, want string) {
	t.Helper()
	got, err := read(t, s, bucket, key, id)
	if err != nil || got != want {
		t.Fatalf("%s/%s %s: got %d bytes, %v; want %d bytes", bucket, key, s.FormatVersionID(id), len(got), err, len(want))
	}
}

// history shows the entries of a key as text, newest first.
func historyText(t *testing.T, s *Store, bucket string) string {
	t.Helper()
	page, err := s.ListObjectVersions(t.Context(), VersionsRequest{Bucket: bucket, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range page.Entries {
		name := "v"
		if e.DeleteMarker {
			name = "D"
		}
		if e.VersionID == "null" {
			name += "0"
		}
		if e.Latest {
			name = "[" + name + "]"
		}
		b.WriteString(e.Key + name + " ")
	}
	return strings.TrimSpace(b.String())
}

func mustClean(t *testing.T, s *Store) Report {
	t.Helper()
	report, err := s.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("check: %v", p)
	}
	return report
}

func TestLifeOfAKey(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	large := string(bytes.Repeat([]byte("0123456789"), 100))
	mustPut(t, s, "b", "k", "one")
	mustPut(t, s, "b", "k", large)
	mustRead(t, s, "b", "k", versioning.ID{}, large)
	mustState(t, s, "b", versioning.Enabled)
	v1 := mustPut(t, s, "b", "k", "two")
	mustRead(t, s, "b", "k", versioning.ID{}, "two")
	mustRead(t, s, "b", "k", versioning.Null, large)
	marker := mustDelete(t, s, "b", "k", versioning.ID{})
	if got, want := historyText(t, s, "b"), "k[D] kv kv0"; got != want {
		t.Fatalf("history %q, want %q", got, want)
	}
	if _, err := read(t, s, "b", "k", versioning.ID{}); !errors.Is(err, versioning.NoSuchKey) {
		t.Fatal(err)
	}
	mustClean(t, s)
	mustDelete(t, s, "b", "k", mustID(t, s, marker.VersionHeader))
	mustRead(t, s, "b", "k", versioning.ID{}, "two")
	mustState(t, s, "b", versioning.Suspended)
	mustDelete(t, s, "b", "k", versioning.ID{})
	if got, want := historyText(t, s, "b"), "k[D0] kv"; got != want {
		t.Fatalf("history %q, want %q", got, want)
	}
	mustClean(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	mustClean(t, s)
	if got, want := historyText(t, s, "b"), "k[D0] kv"; got != want {
		t.Fatalf("history %q, want %q", got, want)
	}
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); !errors.Is(err, ErrBucketNotEmpty) {
		t.Fatal(err)
	}
	rs, err := s.DeleteObjects(t.Context(), "b", []DeleteRequest{
		{Key: "k", ID: versioning.Null}, {Key: "k", ID: mustID(t, s, v1.VersionHeader)},
	})
	if err != nil || !rs[0].DeleteMarker || rs[1].DeleteMarker {
		t.Fatal(rs, err)
	}
	if err := s.WaitReclaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := s.Statistics(t.Context(), "b")
	if err != nil || stats != (Statistics{}) {
		t.Fatalf("%+v %v", stats, err)
	}
	mustClean(t, s)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bucket(t.Context(), "b"); !errors.Is(err, ErrNoSuchBucket) {
		t.Fatal(err)
	}
}
