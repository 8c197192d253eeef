package api

import (
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/store"
)

// prepareListParts reads a ListParts.
func prepareListParts(x *exchange) (task, error) {
	r := store.PartsRequest{Upload: x.upload()}
	var err error
	if r.Limit, err = parseCount("max-parts", x.query.value("max-parts"), maxListed); err != nil {
		return task{}, err
	}
	if r.After, err = parseCount("part-number-marker", x.query.value("part-number-marker"), 0); err != nil {
		return task{}, err
	}
	p, err := parseListParameters(x.query)
	if err != nil {
		return task{}, err
	}
	r.Limit = min(r.Limit, maxListed)
	return task{run: func() error { return x.listParts(p, &r) }}, nil
}

func (x *exchange) listParts(p listParameters, r *store.PartsRequest) error {
	page, err := x.h.store.ListParts(x.Context(), *r)
	if err != nil {
		return err
	}
	x.setAbort(page.Upload.Initiated)
	l := &listing{document: x.beginDocument(http.StatusOK, "ListPartsResult", false), listParameters: p}
	l.text("Bucket", x.bucket)
	l.name("Key", x.key)
	l.text("UploadId", page.Upload.ID)
	l.account("Initiator", page.Upload.Owner)
	l.owner(page.Upload.Owner)
	l.storageClass(page.Upload.StorageClass)
	l.partsPage(r.After, r.Limit, page.Parts, page.Truncated)
	if p.urlEncoded {
		l.text("EncodingType", "url")
	}
	l.uploadChecksum(&page.Upload)
	for i := range page.Parts {
		part := &page.Parts[i]
		l.open("Part")
		l.number("PartNumber", int64(part.Number))
		l.date("LastModified", part.LastModified)
		l.etag("ETag", part.ETag)
		l.number("Size", part.Size)
		l.partChecksum(part, page.Upload.Algorithm)
		l.close("Part")
	}
	return l.end("ListPartsResult")
}

// partsPage writes where a page of parts begins and ends. The next marker is there
// always: the last part of the page, 0 if it has none.
func (d *document) partsPage(after, limit int, parts []store.Part, truncated bool) {
	next := 0
	if len(parts) > 0 {
		next = parts[len(parts)-1].Number
	}
	d.number("PartNumberMarker", int64(after))
	d.number("NextPartNumberMarker", int64(next))
	d.number("MaxParts", int64(limit))
	d.flag("IsTruncated", truncated)
}

// prepareListMultipartUploads reads a ListMultipartUploads (spec LS5-3, LS5-5).
func prepareListMultipartUploads(x *exchange) (task, error) {
	limit, err := parseCount("max-uploads", x.query.value("max-uploads"), maxListed)
	if err != nil {
		return task{}, err
	}
	p, err := parseListParameters(x.query)
	if err != nil {
		return task{}, err
	}
	r := store.UploadsRequest{
		Bucket: x.bucket, Prefix: p.prefix, Delimiter: p.delimiter,
		KeyMarker: x.query.value("key-marker"), Limit: min(limit, maxListed),
	}
	if r.KeyMarker != "" { // without it, the other marker says nothing
		r.IDMarker = x.query.value("upload-id-marker")
	}
	return task{run: func() error { return x.listMultipartUploads(p, &r) }}, nil
}

func (x *exchange) listMultipartUploads(p listParameters, r *store.UploadsRequest) error {
	page, err := x.h.store.ListUploads(x.Context(), *r)
	if errors.Is(err, store.ErrNoSuchUpload) {
		return invalidArgument("Invalid uploadId marker", "upload-id-marker", r.IDMarker)
	}
	if err != nil {
		return err
	}
	l := &listing{document: x.beginDocument(http.StatusOK, "ListMultipartUploadsResult", false), listParameters: p}
	l.text("Bucket", x.bucket)
	l.name("KeyMarker", r.KeyMarker)
	l.text("UploadIdMarker", r.IDMarker)
	l.name("NextKeyMarker", page.NextKeyMarker) // spec LS5-2
	l.text("NextUploadIdMarker", page.NextUploadMarker)
	if p.prefix != "" {
		l.name("Prefix", p.prefix)
	}
	if p.delimiterSent {
		l.name("Delimiter", p.delimiter)
	}
	l.number("MaxUploads", int64(r.Limit))
	if p.urlEncoded {
		l.text("EncodingType", "url")
	}
	l.flag("IsTruncated", page.Truncated)
	for i := range page.Uploads {
		l.upload(&page.Uploads[i])
	}
	l.commonPrefixes(page.CommonPrefixes)
	return l.end("ListMultipartUploadsResult")
}

// upload writes an upload in progress (spec LS5-6).
func (l *listing) upload(u *store.Upload) {
	l.open("Upload")
	l.name("Key", u.Key)
	l.text("UploadId", u.ID)
	l.account("Initiator", u.Owner)
	l.owner(u.Owner)
	l.storageClass(u.StorageClass)
	l.date("Initiated", u.Initiated)
	l.uploadChecksum(u)
	l.close("Upload")
}
