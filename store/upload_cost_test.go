package store

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// openUpload makes an upload of n parts of ten bytes with numbers that have gaps,
// in a store that is watched.
func openUpload(t *testing.T, n int) (*Store, *probe, UploadName, []CompletedPart) {
	t.Helper()
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	var parts []CompletedPart
	for i := range n {
		parts = append(parts, mustPart(t, s, name, 2*i+1, fmt.Sprintf("%010d", i)))
	}
	return s, p, name, parts
}

// A part costs the row of its upload, before and after its body, and its own. What
// other parts there are makes no difference.
func TestPartCost(t *testing.T) {
	for _, others := range []int{0, 200} {
		s, p, name, _ := openUpload(t, others)
		cost := p.cost(func() { mustPart(t, s, name, 5000, "x") })
		if cost.Gets != 3 || cost.Scans != 0 || cost.Commits != 1 || cost.Mutations != 3 {
			t.Errorf("a part beside %d others costs %v", others, cost)
		}
	}
}

// Complete reads one row for each part that is listed, in one scan, and writes the
// same few however many they are.
func TestCompleteCost(t *testing.T) {
	const n = 500
	s, p, name, parts := openUpload(t, n)
	cost := p.cost(func() {
		mustComplete(t, s, name, parts...)
		mustReclaimed(t, s)
	})
	// The reclaimer looks for parts that were not listed: between, behind, and for
	// uploads that were completed a day ago.
	reclaim := n + 1 + 1 + 1
	if cost.Rows != n+1 || cost.Scans > 1+reclaim || cost.Gets > 4 || cost.Commits != 2 || cost.Mutations > 10 {
		t.Errorf("%d parts cost %v", n, cost)
	}
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	if row := rowOf(t, s, versionKey(b.id, "k", recordOf(t, s, "b", "k", versioning.ID{}).order)); len(row) > 200+3*n {
		t.Errorf("the version row has %d bytes", len(row))
	}
	again := p.cost(func() { mustComplete(t, s, name, parts...) })
	if again.rows() != 2 || again.Commits != 0 {
		t.Errorf("again it costs %v", again)
	}
	destroy := p.cost(func() { mustDelete(t, s, "b", "k", versioning.ID{}) })
	if destroy.Scans != 0 || destroy.Mutations > 5 {
		t.Errorf("a delete marker over it costs %v", destroy)
	}
}

// A range reads the rows of the parts that it lies in, and of no others; so does
// what only looks.
func TestRangeOfPartsCost(t *testing.T) {
	s, p, name, parts := openUpload(t, 300)
	mustComplete(t, s, name, parts...)
	mustReclaimed(t, s)
	for _, c := range []struct{ offset, length, parts int }{
		{0, 1, 1}, {1000, 10, 1}, {1005, 10, 2}, {2990, 10, 1}, {5, 100, 11}, {3000, 0, 0},
	} {
		cost := p.cost(func() {
			o := mustGet(t, s, "k")
			r, err := o.Reader(t.Context(), int64(c.offset), int64(c.length))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); err != nil || n != int64(c.length) {
				t.Fatal(n, err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		})
		// live and version row, the version row once more behind the pin, and for each
		// part its row and its bytes.
		if cost.Scans != 0 || cost.Gets != 3+2*c.parts {
			t.Errorf("%d bytes at %d cost %v", c.length, c.offset, cost)
		}
	}
	head := p.cost(func() {
		if o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k"}); err != nil || o.Parts.Count() != 300 {
			t.Fatal(o, err)
		}
	})
	page := p.cost(func() {
		if _, err := s.ObjectParts(t.Context(), ObjectPartsRequest{Read: ReadRequest{Bucket: "b", Key: "k"}, After: 99, Limit: 10}); err != nil {
			t.Fatal(err)
		}
	})
	if head.rows() != 2 || page.Gets != 2 || page.Rows != 11 {
		t.Errorf("head costs %v, a page of 10 parts %v", head, page)
	}
}

// Destroying a version of many parts is one row; the rest is the reclaimer's, in
// pages.
func TestDestroyPartsCost(t *testing.T) {
	const n = 600
	s, p, name, parts := openUpload(t, n)
	id := mustID(t, s, mustComplete(t, s, name, parts...).VersionHeader)
	mustReclaimed(t, s)
	o := mustGet(t, s, "k") // keeps the reclaimer out
	cost := p.cost(func() { mustDelete(t, s, "b", "k", id) })
	if cost.Mutations > 6 || cost.Commits != 1 {
		t.Errorf("%d parts are destroyed by %v", n, cost)
	}
	mustReclaimed(t, s)
	if got := countTable(t, s, partTable); got != n {
		t.Errorf("%d parts are left to the reader", got)
	}
	if got := mustStatistics(t, s, "b"); got.Reclaim != 1 || got.ReclaimBytes == 0 {
		t.Errorf("%+v", got)
	}
	largest := 0
	hook := func(mutations []engine.Mutation, apply func() error) error {
		largest = max(largest, len(mutations))
		return apply()
	}
	p.onCommit.Store(&hook)
	if got := readOpened(t, o); !strings.HasPrefix(got, "0000000000") || len(got) != 10*n {
		t.Errorf("read %d bytes", len(got))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	mustReclaimed(t, s)
	p.onCommit.Store(nil)
	if got := countTable(t, s, partTable) + countTable(t, s, dataTable); got != 0 || largest > 2*reclaimPage+1 {
		t.Errorf("%d rows are left, the largest commit had %d mutations", got, largest)
	}
	mustClean(t, s)
}

// Listing uploads reads one row for each that is shown, and nothing of those that
// are over.
func TestListUploadsCost(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	for n := range 30 {
		mustUpload(t, s, "b", fmt.Sprintf("done-%d", n), "x")
		mustCreate(t, s, UploadRequest{Bucket: "b", Key: fmt.Sprintf("key-%d", n)})
	}
	mustReclaimed(t, s) // whose reads would be counted with those of the listing
	cost := p.cost(func() { mustUploads(t, s, UploadsRequest{Bucket: "b", Limit: 10}) })
	if cost.Rows != 11 || cost.Scans != 1 || cost.Gets != 0 {
		t.Errorf("10 uploads cost %v", cost)
	}
}
