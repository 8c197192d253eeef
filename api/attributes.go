package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// attributeNames are the attributes that GetObjectAttributes can be asked for.
var attributeNames = []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}

// attributeRequest is what a GetObjectAttributes asks for.
type attributeRequest struct {
	wanted          map[string]bool // attributeNames
	maxParts, after int
}

// prepareGetObjectAttributes reads a GetObjectAttributes (spec VD4-6).
func prepareGetObjectAttributes(x *exchange) (task, error) {
	if x.sent("X-Amz-Server-Side-Encryption-Customer-Algorithm") || x.sent("X-Amz-Server-Side-Encryption-Customer-Key") {
		return task{}, refuseWith("InvalidRequest", "The encryption parameters are not applicable to this object.")
	}
	r, err := parseAttributes(x.r.Header)
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.getObjectAttributes(&r) }}, nil
}

// parseAttributes reads the headers that say which attributes are wanted, and which
// of the parts.
func parseAttributes(h http.Header) (attributeRequest, error) {
	const name = "x-amz-object-attributes"
	r := attributeRequest{wanted: make(map[string]bool)}
	for item := range strings.SplitSeq(strings.Join(h["X-Amz-Object-Attributes"], ","), ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if !slices.Contains(attributeNames, item) {
			return r, invalidArgument("Invalid attribute name specified.", name, item)
		}
		r.wanted[item] = true
	}
	if len(r.wanted) == 0 {
		return r, refuseWith("InvalidRequest",
			"The "+name+" header specifying the attributes to be retrieved is either missing or empty")
	}
	var err error
	if r.maxParts, err = parseCount("x-amz-max-parts", h.Get("X-Amz-Max-Parts"), maxListed); err != nil {
		return r, err
	}
	r.after, err = parseCount("x-amz-part-number-marker", h.Get("X-Amz-Part-Number-Marker"), 0)
	return r, err
}

func (x *exchange) getObjectAttributes(r *attributeRequest) error {
	page, err := x.readAttributes(r)
	if err != nil {
		return err
	}
	o := &page.Object
	x.set("Last-Modified", httpTime(o.LastModified))
	x.setNonEmpty("x-amz-version-id", o.VersionHeader)
	const root = "GetObjectAttributesResponse"
	d := x.beginDocument(http.StatusOK, root, false)
	if r.wanted["ETag"] {
		d.text("ETag", o.ETag) // without quotes, here only
	}
	if r.wanted["Checksum"] && len(o.Checksums) > 0 {
		d.open("Checksum")
		for _, v := range o.Checksums {
			d.text("Checksum"+v.Algorithm.String(), v.String()) // without the number of parts, here only
		}
		d.text("ChecksumType", o.ChecksumType.String())
		d.close("Checksum")
	}
	if r.wanted["ObjectParts"] && o.Parts.Count() > 0 {
		d.objectParts(r, page)
	}
	if r.wanted["StorageClass"] {
		d.storageClass(o.StorageClass)
	}
	if r.wanted["ObjectSize"] {
		d.number("ObjectSize", o.Size)
	}
	return d.end(root)
}

// readAttributes reads what is asked for: the parts only if they are.
func (x *exchange) readAttributes(r *attributeRequest) (*store.ObjectPartsPage, error) {
	read := x.readRequest(versioning.GetObjectAttributes)
	if !r.wanted["ObjectParts"] {
		o, err := x.h.store.Head(x.Context(), read)
		return &store.ObjectPartsPage{Object: o}, err
	}
	page, err := x.h.store.ObjectParts(x.Context(), store.ObjectPartsRequest{
		Read: read, After: r.after, Limit: min(r.maxParts, maxListed),
	})
	return &page, err
}

// objectParts writes how many parts an object has, and, if parts have a checksum,
// which: what S3 shows.
func (d *document) objectParts(r *attributeRequest, page *store.ObjectPartsPage) {
	d.open("ObjectParts")
	d.number("PartsCount", int64(page.Object.Parts.Count()))
	algorithm := checksum.None
	if len(page.Object.Checksums) > 0 {
		algorithm = page.Object.Checksums[0].Algorithm
	}
	d.partsPage(r.after, r.maxParts, page.Parts, page.Truncated)
	for i := range page.Parts {
		part := &page.Parts[i]
		d.open("Part")
		d.number("PartNumber", int64(part.Number))
		d.number("Size", part.Size)
		d.partChecksum(part, algorithm)
		d.close("Part")
	}
	d.close("ObjectParts")
}
