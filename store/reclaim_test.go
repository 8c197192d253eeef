package store

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

func mustReclaimed(t *testing.T, s *Store) {
	t.Helper()
	if err := s.WaitReclaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func mustGet(t *testing.T, s *Store, key string) *Opened {
	t.Helper()
	o, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A reader keeps its bytes though their version is destroyed in any way. What
// waits for it can be seen, and goes when it is done.
func TestReaderKeepsItsBytes(t *testing.T) {
	body := pattern(1000)
	for _, c := range []struct {
		name    string
		state   versioning.State
		destroy func(*Store, versioning.ID)
	}{
		{"by id", versioning.Enabled, func(s *Store, id versioning.ID) { mustDelete(t, s, "b", "k", id) }},
		{"delete", versioning.Unversioned, func(s *Store, _ versioning.ID) { mustDelete(t, s, "b", "k", versioning.ID{}) }},
		{"null marker", versioning.Suspended, func(s *Store, _ versioning.ID) { mustDelete(t, s, "b", "k", versioning.ID{}) }},
		{"overwrite", versioning.Suspended, func(s *Store, _ versioning.ID) { mustPut(t, s, "b", "k", "inline") }},
	} {
		fs := blob.MemFS()
		s := openTest(t, fs, nil)
		mustBucket(t, s, "b", c.state)
		id := versioning.Null
		if header := mustPut(t, s, "b", "k", string(body)).VersionHeader; header != "" {
			id = mustID(t, s, header)
		}
		one, two := mustGet(t, s, "k"), mustGet(t, s, "k")
		r, err := one.Reader(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		c.destroy(s, id)
		if err := two.Close(); err != nil {
			t.Fatal(err)
		}
		mustReclaimed(t, s)
		stats := mustStatistics(t, s, "b")
		if stats.Reclaim != 1 || stats.ReclaimBytes <= 1000 || len(blobFiles(t, fs)) != 1 {
			t.Errorf("%s: while it is read %+v, files %v", c.name, stats, blobFiles(t, fs))
		}
		mustClean(t, s)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, %v", c.name, len(got), err)
		}
		if got := readRange(t, one, 500, 100); !bytes.Equal(got, body[500:600]) {
			t.Errorf("%s: a second reader reads something else", c.name)
		}
		r.Close()
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
		mustReclaimed(t, s)
		if stats := mustStatistics(t, s, "b"); stats.Reclaim != 0 || stats.ReclaimBytes != 0 || len(blobFiles(t, fs)) != 0 {
			t.Errorf("%s: afterwards %+v, files %v", c.name, stats, blobFiles(t, fs))
		}
		mustClean(t, s)
	}
}

// What a run could not reclaim the next one does.
func TestReclaimGoesOnAfterRestart(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", strings.Repeat("x", 300))
	o := mustGet(t, s, "k")
	mustDelete(t, s, "b", "k", versioning.ID{})
	mustReclaimed(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(blobFiles(t, fs)) != 1 {
		t.Fatal("the file is gone already")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	mustReclaimed(t, s)
	if stats := mustStatistics(t, s, "b"); stats != (Statistics{}) || len(blobFiles(t, fs)) != 0 {
		t.Errorf("%+v, files %v", stats, blobFiles(t, fs))
	}
	mustClean(t, s)
}

// More files than a page of the reclaimer go in a few commits.
func TestReclaimManyFiles(t *testing.T) {
	fs := blob.MemFS()
	p := &probe{}
	s := openTest(t, fs, p.under)
	mustBucket(t, s, "b", versioning.Enabled)
	const files = 2*reclaimPage + 10
	var rs []DeleteRequest
	body := strings.Repeat("x", 101)
	for _, key := range numbered("k", files) {
		rs = append(rs, DeleteRequest{Key: key, ID: mustID(t, s, mustPut(t, s, "b", key, body).VersionHeader)})
	}
	if got := len(blobFiles(t, fs)); got != files {
		t.Fatalf("%d files", got)
	}
	cost := p.cost(func() {
		if _, err := s.DeleteObjects(t.Context(), "b", rs); err != nil {
			t.Fatal(err)
		}
		mustReclaimed(t, s)
	})
	if cost.Commits != 1+3 {
		t.Errorf("destroyed and reclaimed with %v", cost)
	}
	if stats := mustStatistics(t, s, "b"); stats != (Statistics{}) || len(blobFiles(t, fs)) != 0 {
		t.Errorf("%+v, files %v", stats, blobFiles(t, fs))
	}
	mustClean(t, s)
}

// A version that is destroyed between the look that finds it and the opening of
// its file is not there; one whose file was pinned in time is read.
func TestGetMeetsReclaim(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	body := string(pattern(300))
	put := func() versioning.ID { return mustID(t, s, mustPut(t, s, "b", "k", body).VersionHeader) }

	late := put()
	hook := func(key []byte) {
		if key[0] == byte(versionTable) {
			p.onGet.Store(nil)
			mustDelete(t, s, "b", "k", late)
			mustReclaimed(t, s)
		}
	}
	p.onGet.Store(&hook)
	if _, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k", ID: late}); !errors.Is(err, versioning.NoSuchVersion) {
		t.Error("destroyed while it was looked up:", err)
	}

	pinned := put()
	after := func() {
		mustDelete(t, s, "b", "k", pinned)
		mustReclaimed(t, s)
	}
	p.afterView.Store(&after)
	mustRead(t, s, "b", "k", pinned, body)
	mustReclaimed(t, s)
	if files := blobFiles(t, s.fs); len(files) != 0 {
		t.Error("left:", files)
	}
	mustClean(t, s)
}

// A version that is destroyed while Check runs is no problem.
func TestCheckMeetsReclaim(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	id := mustID(t, s, mustPut(t, s, "b", "k", string(pattern(300))).VersionHeader)
	mustPut(t, s, "b", "other", string(pattern(300)))
	hook := func(key []byte) {
		if key[0] == byte(blobTable) {
			p.onGet.Store(nil)
			mustDelete(t, s, "b", "k", id)
			mustReclaimed(t, s)
		}
	}
	p.onGet.Store(&hook)
	if report := mustClean(t, s); report.Versions != 2 {
		t.Errorf("%+v", report)
	}
	if p.onGet.Load() != nil {
		t.Error("nothing was destroyed meanwhile")
	}
	if report := mustClean(t, s); report.Versions != 1 {
		t.Errorf("%+v", report)
	}
}
