package store

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

func mustUploads(t *testing.T, s *Store, r UploadsRequest) UploadsPage {
	t.Helper()
	page, err := s.ListUploads(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Uploads are listed by key and, within a key, by their initiation, in pages of
// any size, with common prefixes; pages go on when what they named is over.
//
// spec: LS5-1, LS5-2, LS5-3, LS5-4, LS6-1, LS6-2, LS6-3
func TestListUploads(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	ids := make(map[string]string)
	for _, key := range []string{"z", "a/1", "a", "a/2", "b", "a/1", "z", "b/x", "a/1"} {
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: key})
		ids[name.ID] = fmt.Sprint(key, "#", len(ids))
	}
	mustAbort(t, s, mustCreate(t, s, UploadRequest{Bucket: "b", Key: "a"}))
	mustUpload(t, s, "b", "a", "completed")
	const all = "a#2 a/1#1 a/1#5 a/1#8 a/2#3 b#4 b/x#7 z#0 z#6"
	for _, c := range []struct {
		r    UploadsRequest
		want string
	}{
		{UploadsRequest{}, all},
		{UploadsRequest{Prefix: "a/"}, "a/1#1 a/1#5 a/1#8 a/2#3"},
		{UploadsRequest{Delimiter: "/"}, "a#2 (a/) b#4 (b/) z#0 z#6"},
		{UploadsRequest{Prefix: "a/", Delimiter: "/"}, "a/1#1 a/1#5 a/1#8 a/2#3"},
		{UploadsRequest{KeyMarker: "a/1"}, "a/2#3 b#4 b/x#7 z#0 z#6"},
		{UploadsRequest{KeyMarker: "a/", Delimiter: "/"}, "b#4 (b/) z#0 z#6"},
		{UploadsRequest{Prefix: "none"}, ""},
	} {
		for limit := 1; limit <= 10; limit += 3 {
			r, got := c.r, []string(nil)
			r.Bucket, r.Limit = "b", limit
			for more := true; more; {
				page := mustUploads(t, s, r)
				for _, u := range page.Uploads {
					got = append(got, ids[u.ID])
				}
				for _, p := range page.CommonPrefixes {
					got = append(got, "("+p+")")
				}
				if n := len(page.Uploads) + len(page.CommonPrefixes); n > limit || page.Truncated && n < limit {
					t.Fatalf("%+v: %d entries", r, n)
				}
				r.KeyMarker, r.IDMarker, more = page.NextKeyMarker, page.NextUploadMarker, page.Truncated
			}
			slices.SortFunc(got, func(a, b string) int { return strings.Compare(strings.Trim(a, "("), strings.Trim(b, "(")) })
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%+v in pages of %d: %s, want %s", c.r, limit, text, c.want)
			}
		}
	}
	first := mustUploads(t, s, UploadsRequest{Bucket: "b", Limit: 2})
	for _, u := range first.Uploads {
		mustAbort(t, s, UploadName{"b", u.Key, u.ID})
	}
	rest := mustUploads(t, s, UploadsRequest{Bucket: "b", Limit: 1, KeyMarker: first.NextKeyMarker, IDMarker: first.NextUploadMarker})
	if len(rest.Uploads) != 1 || ids[rest.Uploads[0].ID] != "a/1#5" {
		t.Errorf("behind aborted uploads: %+v", rest)
	}
	if page := mustUploads(t, s, UploadsRequest{Bucket: "b", Limit: 1, IDMarker: "ignored"}); len(page.Uploads) != 1 {
		t.Errorf("%+v", page)
	}
	for _, marker := range []string{"x", "null", first.Uploads[0].ID} {
		_, err := s.ListUploads(t.Context(), UploadsRequest{Bucket: "b", Limit: 1, KeyMarker: "z", IDMarker: marker})
		if !errors.Is(err, ErrNoSuchUpload) {
			t.Errorf("marker %s: %v", marker, err)
		}
	}
	if page := mustUploads(t, s, UploadsRequest{Bucket: "b"}); page.Truncated || len(page.Uploads) != 0 {
		t.Errorf("a page of none: %+v", page)
	}
	if _, err := s.ListUploads(t.Context(), UploadsRequest{Bucket: "none", Limit: 1}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}

func TestListParts(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	owner := Owner{Account: "000000000002", CanonicalID: "c2"}
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k", StorageClass: "GLACIER", Owner: owner})
	for _, n := range []int{MaxPartNumber, 3, 1, 7, 2} {
		mustPart(t, s, name, n, strings.Repeat("x", 10+n%7))
	}
	for _, c := range []struct {
		after, limit int
		want         string
		more         bool
	}{
		{0, 1000, "1 2 3 7 10000", false}, {-5, 2, "1 2", true}, {3, 2, "7 10000", false}, {3, 1, "7", true},
		{7, 1, "10000", false}, {MaxPartNumber, 5, "", false}, {1 << 20, 5, "", false}, {0, 0, "", false},
	} {
		page, err := s.ListParts(t.Context(), PartsRequest{Upload: name, After: c.after, Limit: c.limit})
		var got []string
		for _, p := range page.Parts {
			got = append(got, fmt.Sprint(p.Number))
			if p.Size != int64(10+p.Number%7) || p.ETag == "" || p.LastModified.IsZero() || len(p.Checksums) != 1 {
				t.Errorf("%+v", p)
			}
		}
		if err != nil || strings.Join(got, " ") != c.want || page.Truncated != c.more {
			t.Errorf("after %d, %d: %v %v, %v", c.after, c.limit, got, page.Truncated, err)
		}
		if u := page.Upload; u.ID != name.ID || u.Owner != owner || u.StorageClass != "GLACIER" || u.Initiated.IsZero() {
			t.Errorf("%+v", u)
		}
	}
	plain := mustPut(t, s, "b", "plain", "x")
	page, err := s.ObjectParts(t.Context(), ObjectPartsRequest{Read: ReadRequest{Bucket: "b", Key: "plain"}, Limit: 10})
	if err != nil || len(page.Parts) != 0 || page.Object.ETag != plain.ETag {
		t.Errorf("%+v, %v", page, err)
	}
}

// A bucket with uploads in progress is deleted, and they with it. One of the same
// name begins anew.
//
// spec: VD9-4, VD9-15
func TestDeleteBucketWithUploads(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	large := string(pattern(700))
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	mustPart(t, s, name, 1, large)
	mustPart(t, s, name, 2, "inline")
	mustCreate(t, s, UploadRequest{Bucket: "b", Key: "other"})
	res := mustUpload(t, s, "b", "object", large, "tail")
	o := mustGet(t, s, "object")
	mustDelete(t, s, "b", "object", mustID(t, s, res.VersionHeader))
	mustClean(t, s)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	mustClean(t, s)
	if _, err := s.PutPart(t.Context(), PartRequest{Upload: name, Number: 3, Body: strings.NewReader("x"), Size: 1}); !errors.Is(err, ErrNoSuchUpload) {
		t.Error(err)
	}
	mustReclaimed(t, s)
	if got := readOpened(t, o); got != large+"tail" {
		t.Errorf("%d bytes are left to the reader", len(got))
	}
	mustClean(t, s)
	if err := s.Close(); err != nil { // forgets the reader
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	mustReclaimed(t, s)
	for _, table := range []table{uploadTable, partTable, dataTable, blobTable, reclaimTable} {
		if n := countTable(t, s, table); n != 0 {
			t.Errorf("%d rows of table %c are left", n, table)
		}
	}
	if files := blobFiles(t, s.fs); len(files) != 0 {
		t.Error(files)
	}
	if got := mustStatistics(t, s, "b"); got != (Statistics{}) {
		t.Errorf("%+v", got)
	}
	mustClean(t, s)
}

// readOpened reads all of an object that is open.
func readOpened(t *testing.T, o *Opened) string {
	t.Helper()
	r, err := o.Reader(t.Context(), 0, o.Object.Size)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
}
