package api

import (
	"net/http"
	"strconv"

	"github.com/seed61737384/tombstone/store"
)

// maxBuckets is the most buckets that a page of ListBuckets has.
const maxBuckets = 10_000

// bucketsRequest is what a ListBuckets asks for.
type bucketsRequest struct {
	prefix, after, region string
	limit                 int
	paged                 bool // by any parameter
}

func prepareListBuckets(x *exchange) (task, error) {
	r := bucketsRequest{prefix: x.query.value("prefix"), region: x.query.value("bucket-region"), limit: maxBuckets}
	var err error
	if r.after, r.paged, err = continuation(x.query); err != nil {
		return task{}, err
	}
	if text, sent := x.query.lookup("max-buckets"); sent {
		r.limit, err = strconv.Atoi(text)
		if err != nil || r.limit < 1 || r.limit > maxBuckets {
			return task{}, invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", text)
		}
		r.paged = true
	}
	r.paged = r.paged || r.prefix != "" || r.region != ""
	return task{run: func() error { return x.listBuckets(r) }}, nil
}

func (x *exchange) listBuckets(r bucketsRequest) error {
	buckets, more, err := x.selectBuckets(r)
	if err != nil {
		return err
	}
	d := x.beginDocument(http.StatusOK, "ListAllMyBucketsResult", false)
	d.owner(x.owner())
	d.open("Buckets")
	for i := range buckets {
		b := &buckets[i]
		d.open("Bucket")
		d.text("Name", b.Name)
		d.date("CreationDate", b.Created)
		if r.paged {
			d.text("BucketRegion", x.regionOf(b))
		}
		d.close("Bucket")
	}
	d.close("Buckets")
	if more {
		d.text("ContinuationToken", formatToken(buckets[len(buckets)-1].Name))
	}
	if r.prefix != "" {
		d.text("Prefix", r.prefix)
	}
	return d.end("ListAllMyBucketsResult")
}

// selectBuckets returns the buckets of the caller's account that r asks for, and
// whether there are more. The store knows nothing of regions and does not list by
// owner, so pages are read until there are enough.
func (x *exchange) selectBuckets(r bucketsRequest) (selected []store.Bucket, more bool, err error) {
	q := store.BucketQuery{Prefix: r.prefix, After: r.after, Limit: r.limit}
	for {
		page, rest, err := x.h.store.Buckets(x.Context(), q)
		if err != nil {
			return nil, false, err
		}
		for i := range page {
			if !x.ownsBucket(&page[i]) || r.region != "" && x.regionOf(&page[i]) != r.region {
				continue
			}
			if len(selected) == r.limit {
				return selected, true, nil
			}
			selected = append(selected, page[i])
		}
		if !rest {
			return selected, false, nil
		}
		q.After = page[len(page)-1].Name
	}
}
