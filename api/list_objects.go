package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
)

// prepareListObjects reads a ListObjects, version 1 (spec LS3).
func prepareListObjects(x *exchange) (task, error) {
	p, err := parseListParameters(x.query)
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.listObjects(p, x.query.value("marker")) }}, nil
}

func (x *exchange) listObjects(p listParameters, marker string) error {
	page, err := x.listPage(p, marker)
	if err != nil {
		return err
	}
	l := &listing{document: x.beginDocument(http.StatusOK, "ListBucketResult", false), listParameters: p}
	l.text("Name", x.bucket)
	l.name("Prefix", p.prefix)
	l.name("Marker", marker)
	if page.Truncated && p.delimiterSent { // spec LS3-2
		l.name("NextMarker", page.Last)
	}
	l.echo(page.Truncated)
	l.contents(&page, true)
	return l.end("ListBucketResult")
}

// prepareListObjectsV2 reads a ListObjectsV2 (spec LS4).
func prepareListObjectsV2(x *exchange) (task, error) {
	p, err := parseListParameters(x.query)
	if err != nil {
		return task{}, err
	}
	after, continued, err := continuation(x.query)
	if err != nil {
		return task{}, err
	}
	if !continued {
		after = x.query.value("start-after")
	}
	return task{run: func() error { return x.listObjectsV2(p, after, continued) }}, nil
}

func (x *exchange) listObjectsV2(p listParameters, after string, continued bool) error {
	page, err := x.listPage(p, after)
	if err != nil {
		return err
	}
	l := &listing{document: x.beginDocument(http.StatusOK, "ListBucketResult", false), listParameters: p}
	l.text("Name", x.bucket)
	l.name("Prefix", p.prefix)
	if continued {
		l.text("ContinuationToken", x.query.value("continuation-token"))
	}
	if page.Truncated {
		l.text("NextContinuationToken", formatToken(page.Last))
	}
	if !continued && after != "" { // spec LS4-4
		l.name("StartAfter", after)
	}
	l.number("KeyCount", int64(len(page.Objects)+len(page.CommonPrefixes)))
	l.echo(page.Truncated)
	l.contents(&page, x.query.value("fetch-owner") == "true")
	return l.end("ListBucketResult")
}

func (x *exchange) listPage(p listParameters, after string) (store.ListPage, error) {
	page, err := x.h.store.ListObjects(x.Context(), store.ListRequest{
		Bucket: x.bucket, Prefix: p.prefix, Delimiter: p.delimiter, After: after, Limit: p.maxKeys,
	})
	if err == nil {
		err = x.disown(page.Objects)
	}
	return page, err
}

// contents writes the entries of a page.
func (l *listing) contents(page *store.ListPage, owner bool) {
	for i := range page.Objects {
		o := &page.Objects[i]
		l.open("Contents")
		l.name("Key", o.Key)
		l.content(o, owner)
		l.close("Contents")
	}
	l.commonPrefixes(page.CommonPrefixes)
}
