package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// maxPage is the largest limit of a listing.
const maxPage = 1000

func playBucket(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	b, err := c.Store.Bucket(ctx, op.Args[0])
	return func(refused string) error {
		_, _, err := c.Model.Bucket(op.Args[0])
		if err := differ("bucket", refused, refusal(err)); err != nil || refused != "" {
			return err
		}
		return c.compareBucket(b)
	}, err
}

// compareBucket compares a bucket that the model has.
func (c *Client) compareBucket(b store.Bucket) error {
	state, lock, err := c.Model.Bucket(b.Name)
	return differ("bucket",
		fmt.Sprint(b.Name, b.Versioning, b.ObjectLock, b.Owner, b.Region, b.MFADelete, nil),
		fmt.Sprint(b.Name, state, lock, owner, "eu-north-1", store.MFADeleteNever, err))
}

func playBuckets(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	q := store.BucketQuery{Prefix: op.text("prefix"), After: op.text("after"), Limit: op.number("limit", maxPage)}
	buckets, more, err := c.Store.Buckets(ctx, q)
	return func(refused string) error {
		var got, want []string
		for _, b := range buckets {
			got = append(got, b.Name)
		}
		wantMore := false
		for _, name := range c.Model.Buckets() {
			switch {
			case !strings.HasPrefix(name, q.Prefix) || name <= q.After:
			case len(want) == q.Limit:
				wantMore = true
			default:
				want = append(want, name)
			}
		}
		return differ("buckets", fmt.Sprint(refused, got, more), fmt.Sprint("", want, wantMore))
	}, err
}

func playList(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	want := model.List{
		Bucket: op.Args[0], Prefix: op.text("prefix"), Delimiter: op.text("delimiter"),
		After: op.text("after"), Limit: op.number("limit", maxPage),
	}
	page, err := c.Store.ListObjects(ctx, objectsRequest(want))
	return func(refused string) error { return c.compareObjects(want, page, refused) }, err
}

func objectsRequest(r model.List) store.ListRequest {
	return store.ListRequest{Bucket: r.Bucket, Prefix: r.Prefix, Delimiter: r.Delimiter, After: r.After, Limit: r.Limit}
}

func (c *Client) compareObjects(r model.List, page store.ListPage, refused string) error {
	want, err := c.Model.ListObjects(r)
	if err := differ("list", refused, refusal(err)); err != nil || refused != "" {
		return err
	}
	var got, expect []string
	for i, o := range page.Objects {
		if i < len(want.Entries) && want.Entries[i].Modified.IsZero() {
			want.Entries[i].Modified = o.LastModified
		}
		got = append(got, describe(listed(o)))
	}
	for _, e := range want.Entries {
		o := expected(e.Entry)
		o.VersionID = "" // not shown
		expect = append(expect, describe(o))
	}
	return differ("list", pageText(got, page.CommonPrefixes, page.Truncated, page.Last),
		pageText(expect, want.Prefixes, want.Truncated, want.Last))
}

// pageText shows a page. Which entry is its last matters only if more follow.
func pageText(entries, prefixes []string, truncated bool, last string) string {
	if !truncated {
		last = ""
	}
	return fmt.Sprintf("\n    %s\n    prefixes %q truncated %v last %q", strings.Join(entries, "\n    "), prefixes, truncated, last)
}

func playVersions(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	want := model.List{
		Bucket: op.Args[0], Prefix: op.text("prefix"), Delimiter: op.text("delimiter"),
		After: op.text("key-marker"), AfterID: op.text("version-marker"), Limit: op.number("limit", maxPage),
	}
	r, err := c.versionsRequest(want)
	if err != nil {
		return broken(err)
	}
	page, err := c.Store.ListObjectVersions(ctx, r)
	return func(refused string) error { return c.compareVersions(want, page, refused) }, err
}

func (c *Client) versionsRequest(r model.List) (store.VersionsRequest, error) {
	id, _, err := c.id(r.AfterID)
	return store.VersionsRequest{
		Bucket: r.Bucket, Prefix: r.Prefix, Delimiter: r.Delimiter, KeyMarker: r.After, IDMarker: id, Limit: r.Limit,
	}, err
}

func (c *Client) compareVersions(r model.List, page store.VersionsPage, refused string) error {
	want, err := c.Model.ListVersions(r)
	if err := differ("versions", refused, refusal(err)); err != nil || refused != "" {
		return err
	}
	var got, expect []string
	var errs []error
	for i, o := range page.Entries {
		if i < len(want.Entries) && want.Entries[i].Key == o.Key {
			errs = append(errs, c.learn(want.Entries[i].Entry, o))
		}
		got = append(got, describe(listed(o)))
	}
	for _, e := range want.Entries {
		o := expected(e.Entry)
		o.Latest = e.Latest
		expect = append(expect, describe(o))
	}
	lastID := want.LastID
	if lastID != "" {
		_, lastID, _ = c.id(lastID)
	}
	errs = append(errs, differ("versions",
		pageText(got, page.CommonPrefixes, page.Truncated, page.NextKeyMarker+" "+page.NextVersionIDMarker),
		pageText(expect, want.Prefixes, want.Truncated, want.Last+" "+lastID)))
	return errors.Join(errs...)
}

// playWalk lists a bucket page by page, as clients do, in both ways.
func playWalk(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	r := model.List{
		Bucket: op.Args[0], Prefix: op.text("prefix"), Delimiter: op.text("delimiter"), Limit: op.number("limit", maxPage),
	}
	objects, err := walkObjects(ctx, c.Store, r)
	if err != nil {
		return func(refused string) error { return c.compareObjects(r, objects, refused) }, err
	}
	versions, err := walkVersions(ctx, c.Store, r)
	return func(refused string) error {
		r := r
		r.Limit = 1 << 30
		return errors.Join(c.compareObjects(r, objects, refused), c.compareVersions(r, versions, refused))
	}, err
}

// walkObjects returns all pages as one.
func walkObjects(ctx context.Context, s *store.Store, r model.List) (all store.ListPage, err error) {
	request := objectsRequest(r)
	for {
		page, err := s.ListObjects(ctx, request)
		if err != nil {
			return all, err
		}
		all.Objects = append(all.Objects, page.Objects...)
		all.CommonPrefixes = append(all.CommonPrefixes, page.CommonPrefixes...)
		if !page.Truncated {
			return all, nil
		}
		if page.Last <= request.After {
			return all, fmt.Errorf("marker does not move: %q", page.Last)
		}
		request.After = page.Last
	}
}

// walkVersions returns all pages as one.
func walkVersions(ctx context.Context, s *store.Store, r model.List) (all store.VersionsPage, err error) {
	request := store.VersionsRequest{Bucket: r.Bucket, Prefix: r.Prefix, Delimiter: r.Delimiter, Limit: r.Limit}
	for {
		page, err := s.ListObjectVersions(ctx, request)
		if err != nil {
			return all, err
		}
		all.Entries = append(all.Entries, page.Entries...)
		all.CommonPrefixes = append(all.CommonPrefixes, page.CommonPrefixes...)
		if !page.Truncated {
			return all, nil
		}
		if len(page.Entries)+len(page.CommonPrefixes) == 0 {
			return all, errors.New("truncated page is empty")
		}
		request.KeyMarker = page.NextKeyMarker
		request.IDMarker = versioning.ID{}
		if page.NextVersionIDMarker != "" {
			if request.IDMarker, err = s.ParseVersionID(page.NextVersionIDMarker); err != nil {
				return all, err
			}
		}
	}
}

func playStatistics(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	got, err := c.Store.Statistics(ctx, op.Args[0])
	return func(refused string) error {
		want, err := c.Model.Statistics(op.Args[0])
		if err := differ("stats", refused, refusal(err)); err != nil || refused != "" {
			return err
		}
		return compareStatistics(got, want)
	}, err
}

// compareStatistics compares all but what reclaim has still to do.
func compareStatistics(got store.Statistics, want model.Statistics) error {
	expect := store.Statistics{
		Objects: want.Objects, ObjectBytes: want.ObjectBytes,
		Noncurrent: want.Noncurrent, NoncurrentBytes: want.NoncurrentBytes, DeleteMarkers: want.DeleteMarkers,
		Locked:  want.Locked,
		Reclaim: got.Reclaim, ReclaimBytes: got.ReclaimBytes,
	}
	if got.Reclaim < 0 || got.ReclaimBytes < 0 {
		return fmt.Errorf("negative reclaim: %+v", got)
	}
	return differ("stats", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", expect))
}
