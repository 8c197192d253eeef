package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

func mustObjects(t *testing.T, s *Store, r ListRequest) ListPage {
	t.Helper()
	page, err := s.ListObjects(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func mustVersions(t *testing.T, s *Store, r VersionsRequest) VersionsPage {
	t.Helper()
	page, err := s.ListObjectVersions(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// objectsText shows a page of objects as keys, common prefixes in brackets, and a + if
// there is more.
func objectsText(p ListPage) string {
	var words []string
	for _, e := range objectLines(p) {
		words = append(words, e.word())
	}
	if p.Truncated {
		words = append(words, "+")
	}
	return strings.Join(words, " ")
}

func (e entry) word() string {
	if e.common {
		return "(" + e.key + ")"
	}
	return e.key
}

// TestListObjects lists fixed keys. An empty limit is 1,000.
//
// spec: LS1-1, LS1-3, LS1-7, LS1-8, LS3-1, LS3-2, LS6-3
func TestListObjects(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	for _, key := range []string{"b", "a/2", "a/1", "B", "a", "a//3", "é", "c-x-y", "c-x-z", "c", "z/hidden", "a0"} {
		mustPut(t, s, "b", key, key)
	}
	mustDelete(t, s, "b", "z/hidden", versioning.ID{})
	mustDelete(t, s, "b", "never/written", versioning.ID{})
	for _, c := range []struct {
		prefix, delimiter, after string
		limit                    int
		want                     string
	}{
		{want: "B a a//3 a/1 a/2 a0 b c c-x-y c-x-z é"},
		{limit: 11, want: "B a a//3 a/1 a/2 a0 b c c-x-y c-x-z é"},
		{limit: 10, want: "B a a//3 a/1 a/2 a0 b c c-x-y c-x-z +"},
		{limit: 1, want: "B +"},
		{limit: -1, want: ""},
		{delimiter: "/", want: "B a (a/) a0 b c c-x-y c-x-z é"},
		{delimiter: "/", limit: 3, want: "B a (a/) +"},
		{delimiter: "/", after: "a/", want: "a0 b c c-x-y c-x-z é"},
		{delimiter: "/", after: "a/1", want: "a0 b c c-x-y c-x-z é"},
		{delimiter: "/", after: "a", limit: 1, want: "(a/) +"},
		{prefix: "a", want: "a a//3 a/1 a/2 a0"},
		{prefix: "a/", delimiter: "/", want: "(a//) a/1 a/2"},
		{prefix: "a/", after: "a0", want: ""},
		{prefix: "b", after: "a", want: "b"},
		{delimiter: "x-", want: "B a a//3 a/1 a/2 a0 b c (c-x-) é"},
		{delimiter: "-x-z", want: "B a a//3 a/1 a/2 a0 b c c-x-y (c-x-z) é"},
		{prefix: "c-", delimiter: "-", want: "(c-x-)"},
		{prefix: "\xc3", want: "é"},
		{delimiter: "\xc3", want: "B a a//3 a/1 a/2 a0 b c c-x-y c-x-z (\xc3)"},
		{after: "é", want: ""},
		{prefix: "z", delimiter: "/", want: ""},
		{prefix: "nothing", want: ""},
		{prefix: "a\x00", want: ""},
		{after: "a\x00/", limit: 1, want: "a//3 +"},
	} {
		limit := c.limit
		switch limit {
		case 0:
			limit = maxPage
		case -1:
			limit = 0
		}
		page := mustObjects(t, s, ListRequest{Bucket: "b", Prefix: c.prefix, Delimiter: c.delimiter, After: c.after, Limit: limit})
		if got := objectsText(page); got != c.want {
			t.Errorf("prefix %q delimiter %q after %q limit %d: %q, want %q", c.prefix, c.delimiter, c.after, limit, got, c.want)
		}
	}
	if _, err := s.ListObjects(t.Context(), ListRequest{Bucket: "none"}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}

// A page never has more than 1,000 lines, whatever the request says.
//
// spec: LS1-13, LS6-2
func TestPagesHaveAtMost1000Lines(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 1, false, numbered("k", maxPage)...)
	for range 2 {
		objects := mustObjects(t, s, ListRequest{Bucket: "b", Limit: 5000})
		versions := mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: 5000})
		more := mustStatistics(t, s, "b").Objects > maxPage
		if len(objects.Objects) != maxPage || objects.Truncated != more || len(versions.Entries) != maxPage || versions.Truncated != more {
			t.Errorf("%d objects, truncated %v; %d versions, truncated %v", len(objects.Objects), objects.Truncated,
				len(versions.Entries), versions.Truncated)
		}
		seed(t, s, "b", 1, false, "one more")
	}
	next := mustObjects(t, s, ListRequest{Bucket: "b", After: "k000998", Limit: 5000})
	if objectsText(next) != "k000999 one more" {
		t.Error(objectsText(next))
	}
}

// What a listing shows of an object is what was stored with it.
//
// spec: LS1-9
func TestListedFields(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	other := Owner{Account: "000000000002", CanonicalID: "c2", DisplayName: "other"}
	put := mustPut(t, s, "b", "a", "body")
	_, err := s.Put(t.Context(), PutRequest{
		Bucket: "b", Key: "z", Body: strings.NewReader(""), Size: 0, StorageClass: "GLACIER", Owner: other,
	})
	if err != nil {
		t.Fatal(err)
	}
	versions := mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: 10}).Entries
	for i, o := range mustObjects(t, s, ListRequest{Bucket: "b", Limit: 10}).Objects {
		v := versions[i]
		got := fmt.Sprint(o.Key, o.Size, o.LastModified, o.ETag, o.StorageClass, o.Owner, o.ChecksumType, len(o.Checksums))
		want := fmt.Sprint(v.Key, v.Size, v.LastModified, v.ETag, v.StorageClass, v.Owner, v.ChecksumType, len(v.Checksums))
		if got != want {
			t.Errorf("ListObjects shows %s, ListObjectVersions %s", got, want)
		}
	}
	a, z := versions[0], versions[1]
	if a.Owner != testOwner || a.ETag != put.ETag || a.Size != 4 || !a.LastModified.Equal(put.LastModified) || a.StorageClass != "" {
		t.Errorf("%+v", a)
	}
	if z.Owner != other || z.StorageClass != "GLACIER" || z.Size != 0 {
		t.Errorf("%+v", z)
	}
}

// layHistory puts three versions and a marker under each of keys, the second oldest
// of them null, and returns the ids, newest first.
func layHistory(t *testing.T, s *Store, bucket string, keys ...string) map[string][]string {
	t.Helper()
	mustBucket(t, s, bucket, versioning.Enabled)
	ids := make(map[string][]string)
	for _, step := range []versioning.State{versioning.Enabled, versioning.Suspended, versioning.Enabled} {
		mustState(t, s, bucket, step)
		for _, key := range keys {
			id := mustPut(t, s, bucket, key, "x").VersionHeader
			if step == versioning.Suspended {
				id = "null"
			}
			ids[key] = slices.Insert(ids[key], 0, id)
		}
	}
	for _, key := range keys {
		ids[key] = slices.Insert(ids[key], 0, mustDelete(t, s, bucket, key, versioning.ID{}).VersionHeader)
	}
	return ids
}

// versionsText shows a page of versions as key and place in ids, from 0 for the newest,
// the current one in brackets.
func versionsText(p VersionsPage, ids map[string][]string) string {
	var words []string
	for _, e := range versionLines(p) {
		w := e.word()
		if !e.common {
			w += fmt.Sprint(slices.Index(ids[e.key], e.id))
		}
		if e.latest {
			w = "[" + w + "]"
		}
		words = append(words, w)
	}
	if p.Truncated {
		words = append(words, "+")
	}
	return strings.Join(words, " ")
}

// TestListVersions lists fixed histories.
//
// spec: LS2-3, LS2-7, LS2-8, LS2-10, LS2-11, LS2-12, LS2-17, LS2-18, LS2-19, VD2-3
func TestListVersions(t *testing.T) {
	s := openTest(t, nil, nil)
	ids := layHistory(t, s, "b", "a", "d/x", "d/y")
	ids["e"] = []string{mustPut(t, s, "b", "e", "").VersionHeader}
	for _, c := range []struct {
		r    VersionsRequest
		id   int // place of the id marker among those of the key marker, -1 for none
		want string
		next string // key and place that the next markers name
	}{
		{VersionsRequest{}, -1, "[a0] a1 a2 a3 [d/x0] d/x1 d/x2 d/x3 [d/y0] d/y1 d/y2 d/y3 [e0]", "e0"},
		{VersionsRequest{Limit: 2}, -1, "[a0] a1 +", "a1"},
		{VersionsRequest{KeyMarker: "a", Limit: 4}, 1, "a2 a3 [d/x0] d/x1 +", "d/x1"},
		{VersionsRequest{KeyMarker: "a", Limit: 1}, 2, "a3 +", "a3"},
		{VersionsRequest{KeyMarker: "a", Limit: 1}, 3, "[d/x0] +", "d/x0"},
		{VersionsRequest{KeyMarker: "a", Limit: 1}, -1, "[d/x0] +", "d/x0"},
		{VersionsRequest{KeyMarker: "a0", Limit: 1}, -1, "[d/x0] +", "d/x0"},
		{VersionsRequest{Delimiter: "/"}, -1, "[a0] a1 a2 a3 (d/) [e0]", "e0"},
		{VersionsRequest{Delimiter: "/", Limit: 5}, -1, "[a0] a1 a2 a3 (d/) +", "d/"},
		{VersionsRequest{Delimiter: "/", KeyMarker: "d/"}, -1, "[e0]", "e0"},
		{VersionsRequest{Delimiter: "/", KeyMarker: "d/x"}, 1, "[e0]", "e0"},
		{VersionsRequest{Prefix: "d/", Delimiter: "/", KeyMarker: "d/x", Limit: 3}, 1, "d/x2 d/x3 [d/y0] +", "d/y0"},
		{VersionsRequest{Prefix: "d/y", KeyMarker: "d/x", Limit: 2}, 1, "[d/y0] d/y1 +", "d/y1"},
		{VersionsRequest{Prefix: "e", KeyMarker: "e"}, 0, "", ""},
		{VersionsRequest{Limit: -1}, -1, "", ""},
	} {
		r := c.r
		r.Bucket = "b"
		switch {
		case r.Limit == 0:
			r.Limit = maxPage
		case r.Limit < 0:
			r.Limit = 0
		}
		if c.id >= 0 {
			r.IDMarker = mustID(t, s, ids[r.KeyMarker][c.id])
		}
		page := mustVersions(t, s, r)
		next := page.NextKeyMarker
		if page.NextVersionIDMarker != "" {
			next += fmt.Sprint(slices.Index(ids[page.NextKeyMarker], page.NextVersionIDMarker))
		}
		if got := versionsText(page, ids); got != c.want || next != c.next {
			t.Errorf("%+v behind %d: %q next %q, want %q next %q", c.r, c.id, got, next, c.want, c.next)
		}
	}
}

// A marker keeps its place though its entry is destroyed, and the entry that
// becomes current meanwhile is shown as that.
//
// spec: LS2-8, LS2-16, LS6-1, VD2-4, VD3.3-12
func TestVersionMarkerThatIsGone(t *testing.T) {
	s := openTest(t, nil, nil)
	ids := layHistory(t, s, "b", "a", "c")
	behind := func(place int) string {
		r := VersionsRequest{Bucket: "b", KeyMarker: "a", IDMarker: mustID(t, s, ids["a"][place]), Limit: 3}
		return versionsText(mustVersions(t, s, r), ids)
	}
	mustDelete(t, s, "b", "a", mustID(t, s, ids["a"][1]))
	if got, want := behind(1), "a2 a3 [c0] +"; got != want {
		t.Errorf("the marker is gone: %q, want %q", got, want)
	}
	mustDelete(t, s, "b", "a", mustID(t, s, ids["a"][0]))
	for place, want := range []string{"[a2] a3 [c0] +", "[a2] a3 [c0] +"} {
		if got := behind(place); got != want {
			t.Errorf("behind %d, all newer ones are gone: %q, want %q", place, got, want)
		}
	}
	mustDelete(t, s, "b", "a", versioning.Null)
	if got, want := behind(2), "[c0] c1 c2 +"; got != want {
		t.Errorf("there is no null entry: %q, want %q", got, want)
	}
	mustDelete(t, s, "b", "a", mustID(t, s, ids["a"][3]))
	if got, want := behind(0), "[c0] c1 c2 +"; got != want {
		t.Errorf("the key is gone: %q, want %q", got, want)
	}
	mustClean(t, s)
}

// In Unversioned every object is listed once, null and current.
//
// spec: LS2-9
func TestListVersionsUnversioned(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	for range 2 {
		mustPut(t, s, "b", "a", "x")
		mustPut(t, s, "b", "b", "x")
	}
	if got, want := historyText(t, s, "b"), "a[v0] b[v0]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	page := mustVersions(t, s, VersionsRequest{Bucket: "b", KeyMarker: "a", IDMarker: versioning.Null, Limit: 1})
	if page.NextKeyMarker != "b" || page.NextVersionIDMarker != "null" || page.Truncated {
		t.Errorf("%+v", page)
	}
}

// Emptying a bucket page by page meets every entry, though those of the pages
// before vanish meanwhile.
//
// spec: LS6-1, VD9-10
func TestEmptyPageByPage(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 7, true, numbered("k", 30)...)
	r := VersionsRequest{Bucket: "b", Limit: 11}
	for more := true; more; {
		page := mustVersions(t, s, r)
		var rs []DeleteRequest
		for _, e := range page.Entries {
			rs = append(rs, DeleteRequest{Key: e.Key, ID: mustID(t, s, e.VersionID)})
		}
		if _, err := s.DeleteObjects(t.Context(), "b", rs); err != nil {
			t.Fatal(err)
		}
		r.KeyMarker, r.IDMarker, more = page.NextKeyMarker, mustID(t, s, page.NextVersionIDMarker), page.Truncated
	}
	mustClean(t, s)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
}
