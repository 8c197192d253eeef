package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// seed stores n versions without bytes under each of keys, and lays a delete
// marker over each if hide is set. It takes the way of every change but for the
// size of its batches.
func seed(t testing.TB, s *Store, bucket string, n int, hide bool, keys ...string) {
	t.Helper()
	const batchSize = 4000
	b, err := s.bucket(bucket)
	if err != nil {
		t.Fatal(err)
	}
	var edits []*edit
	flush := func() {
		if err := s.change(t.Context(), b, edits); err != nil {
			t.Fatal(err)
		}
		edits = edits[:0]
	}
	for _, key := range keys {
		r := &PutRequest{Bucket: bucket, Key: key}
		stored := &blob.Stored{Sums: []checksum.Value{checksum.Of(checksum.CRC32, nil)}}
		for range n {
			edits = append(edits, s.putEdit(b, r, func(v *versioning.Version) (*record, []engine.Mutation) {
				return s.putRecord(b, r, stored, v)
			}))
			if len(edits) == batchSize {
				flush()
			}
		}
		if hide {
			edits = append(edits, new(deletion).prepare(s, b, &DeleteRequest{Key: key}, s.lockNow()))
		}
	}
	flush()
}

func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%06d", prefix, i)
	}
	return keys
}

// TestListingCostsTheSame holds that a page of ListObjects reads one row for each
// key that it shows, and one to know whether there are more: not the versions
// below them, nor the keys that markers hide.
//
// spec: LS3-1
func TestListingCostsTheSame(t *testing.T) {
	for _, c := range []struct{ page, versions, hidden int }{
		{1000, 1, 0}, {1000, 30, 0}, {1000, 1, 5000}, {50, 1, 0}, {50, 1000, 100},
	} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		seed(t, s, "b", c.versions, false, numbered("key", c.page+1)...)
		seed(t, s, "b", 1, true, numbered("hidden", c.hidden)...)
		got := p.cost(func() {
			page := mustObjects(t, s, ListRequest{Bucket: "b", Limit: c.page})
			if len(page.Objects) != c.page || !page.Truncated || page.Objects[0].Key != "key000000" {
				t.Fatal(len(page.Objects), page.Truncated)
			}
		})
		got.Bytes = 0
		if want := (counts{Views: 1, Scans: 1, Rows: c.page + 1}); got != want {
			t.Errorf("a page of %d keys with %d versions beside %d hidden ones costs %v, want %v", c.page, c.versions, c.hidden, got, want)
		}
	}
}

// A bucket whose keys are all hidden is as cheap to list as an empty one.
func TestHiddenKeysCostNothing(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 1, true, numbered("key", 3000)...)
	cost := p.cost(func() {
		page, err := s.ListObjects(t.Context(), ListRequest{Bucket: "b", Limit: 1000})
		if err != nil || len(page.Objects) != 0 || page.Truncated {
			t.Fatal(page, err)
		}
	})
	if cost.rows() != 0 || cost.Scans != 1 {
		t.Errorf("listing 3,000 hidden keys costs %v", cost)
	}
}

// A listing with a delimiter seeks once for each common prefix, however many keys
// lie under it.
//
// spec: LS1-7
func TestCommonPrefixCostsOneSeek(t *testing.T) {
	const prefixes = 10
	for _, table := range []string{"objects", "versions"} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		for i := range prefixes {
			seed(t, s, "b", 2, false, numbered(fmt.Sprintf("dir%d/", i), 200)...)
		}
		cost := p.cost(func() {
			var common []string
			var err error
			if table == "objects" {
				var page ListPage
				page, err = s.ListObjects(t.Context(), ListRequest{Bucket: "b", Delimiter: "/", Limit: 1000})
				common = page.CommonPrefixes
			} else {
				var page VersionsPage
				page, err = s.ListObjectVersions(t.Context(), VersionsRequest{Bucket: "b", Delimiter: "/", Limit: 1000})
				common = page.CommonPrefixes
			}
			if err != nil || len(common) != prefixes {
				t.Fatal(common, err)
			}
		})
		if cost.Rows != prefixes || cost.Scans > prefixes+1 || cost.Gets != 0 {
			t.Errorf("%s: %d common prefixes cost %v", table, prefixes, cost)
		}
	}
}

// TestDeleteObjectsIsOneCommit holds that 1,000 entries are read in as many round
// trips as a few, and are destroyed, or hidden, by one commit.
func TestDeleteObjectsIsOneCommit(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var named, bare []DeleteRequest
	for _, key := range numbered("k", 1000) {
		id := mustID(t, s, mustPut(t, s, "b", key, "x").VersionHeader)
		named = append(named, DeleteRequest{Key: key, ID: id})
		bare = append(bare, DeleteRequest{Key: key})
	}
	for _, rs := range [][]DeleteRequest{bare, named} {
		cost := p.cost(func() {
			results, err := s.DeleteObjects(t.Context(), "b", rs)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if r.Err != nil {
					t.Fatal(rs[i].Key, r.Err)
				}
			}
		})
		if cost.Commits != 1 || cost.Views != 1 || cost.Scans != 0 || cost.Gets > 3*len(rs) {
			t.Errorf("1,000 entries cost %v", cost)
		}
	}
	if got := historyText(t, s, "b"); strings.Contains(got, "v") || !strings.HasPrefix(got, "k000000[D] ") {
		t.Errorf("left: %.60s", got)
	}
}

// pagedEngine takes two edits in a transaction.
type pagedEngine struct{ *probe }

func (pagedEngine) Limits() engine.Limits { return engine.Limits{Mutations: 2 * rowsPerEdit} }

// On an engine that takes less in a transaction, DeleteObjects needs more of them.
func TestDeleteObjectsInPages(t *testing.T) {
	p := &probe{}
	s := openTest(t, nil, func(o *Options) {
		o.WrapEngine = func(e engine.Engine) engine.Engine {
			p.Engine = e
			return pagedEngine{p}
		}
	})
	mustBucket(t, s, "b", versioning.Suspended)
	rs := []DeleteRequest{{Key: "a"}, {Key: "b"}, {Key: "a", ID: versioning.Null}, {Key: "c"}, {Key: "a"}}
	cost := p.cost(func() {
		results, err := s.DeleteObjects(t.Context(), "b", rs)
		if err != nil || len(results) != len(rs) || !results[4].DeleteMarker {
			t.Fatal(results, err)
		}
	})
	if cost.Commits != 3 {
		t.Errorf("5 entries cost %v", cost)
	}
	if got, want := historyText(t, s, "b"), "a[D0] b[D0] c[D0]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	mustClean(t, s)
}

// Changes of a bucket touch its row, tell the ledger, and touch no key (spec VD1).
//
// spec: VD1-5
func TestBucketChangesTouchNoKey(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	seed(t, s, "b", 1, false, numbered("k", 100)...)
	before := historyText(t, s, "b")
	for _, state := range []versioning.State{versioning.Suspended, versioning.Enabled, versioning.Suspended} {
		cost := p.cost(func() { mustState(t, s, "b", state) })
		if cost.rows() != 0 || cost.Scans != 0 || cost.Commits != 1 || cost.Mutations != 2 {
			t.Errorf("a change of state costs %v", cost)
		}
	}
	if after := historyText(t, s, "b"); after != before {
		t.Errorf("history was %q and is %q", before, after)
	}
	for name, fn := range map[string]func() error{
		"DeleteBucket": func() error { return s.DeleteBucket(t.Context(), "b", Maker{}) },
		"Statistics":   func() error { _, err := s.Statistics(t.Context(), "b"); return err },
		"Bucket":       func() error { _, err := s.Bucket(t.Context(), "b"); return err },
	} {
		cost := p.cost(func() { _ = fn() })
		if cost.rows() > 1 || cost.Commits != 0 {
			t.Errorf("%s of a bucket with entries costs %v", name, cost)
		}
	}
}
