package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// readOptions is what a GET or HEAD asks for besides the object.
type readOptions struct {
	conditions readConditions
	byteRange  string
	ifRange    string // the range is meant for this ETag or date only
	part       int    // zero for no part
	checksums  bool
	overrides  []pair // response headers that the request sets
}

// overrides are the parameters that set headers of the answer (spec WI2-5).
var overrides = []pair{
	{"response-content-type", "Content-Type"},
	{"response-content-language", "Content-Language"},
	{"response-expires", "Expires"},
	{"response-cache-control", "Cache-Control"},
	{"response-content-disposition", "Content-Disposition"},
	{"response-content-encoding", "Content-Encoding"},
}

func prepareGetObject(x *exchange) (task, error) {
	options, err := x.readOptions()
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.getObject(&options) }}, nil
}

func prepareHeadObject(x *exchange) (task, error) {
	options, err := x.readOptions()
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.headObject(&options) }}, nil
}

func (x *exchange) readOptions() (readOptions, error) {
	o := readOptions{
		conditions: parseReadConditions(x.r.Header, "", x.h.store.ObjectTime()),
		byteRange:  x.header("Range"),
		ifRange:    x.header("If-Range"),
		checksums:  strings.EqualFold(x.header(checksumMode), "ENABLED"),
	}
	if x.sent("X-Amz-Server-Side-Encryption-Customer-Algorithm") || x.sent("X-Amz-Server-Side-Encryption-Customer-Key") {
		return o, refuseWith("InvalidRequest", "The encryption parameters are not applicable to this object.")
	}
	for _, p := range overrides {
		value, sent := x.query.lookup(p.name)
		if sent && x.session.Anonymous {
			return o, refuseWith("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			return o, invalidArgument("", p.name, value)
		}
		if sent {
			o.overrides = append(o.overrides, pair{p.value, value})
		}
	}
	var err error
	o.part, err = x.partNumber()
	return o, err
}

// partNumber reads the part that is asked for, zero for none (spec WI3-4, WI6-6).
func (x *exchange) partNumber() (int, error) {
	text, sent := x.query.lookup("partNumber")
	if !sent {
		return 0, nil
	}
	part, err := parsePartNumber(text)
	if err != nil {
		return 0, err
	}
	if x.sent("Range") {
		return 0, refuseWith("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	}
	return part, nil
}

func (x *exchange) readRequest(op versioning.Operation) store.ReadRequest {
	return store.ReadRequest{Bucket: x.bucket, Key: x.key, ID: x.version, Operation: op, Authorize: x.guard()}
}

func (x *exchange) headObject(options *readOptions) error {
	o, err := x.h.store.Head(x.Context(), x.readRequest(versioning.HeadObject))
	if err != nil {
		return err
	}
	status, _, err := x.describe(&o, options)
	if err != nil {
		return err
	}
	x.WriteHeader(status)
	return nil
}

func (x *exchange) getObject(options *readOptions) error {
	opened, err := x.h.store.Get(x.Context(), x.readRequest(versioning.GetObject))
	if err != nil {
		return err
	}
	defer opened.Close()
	status, part, err := x.describe(&opened.Object, options)
	if err != nil {
		return err
	}
	if status == http.StatusNotModified || part.length == 0 {
		x.WriteHeader(status)
		return nil
	}
	r, err := opened.Reader(x.Context(), part.offset, part.length)
	if err != nil {
		return err
	}
	defer r.Close()
	x.WriteHeader(status)
	return x.stream(r)
}

// stream sends bytes that the store verifies block by block. The first of them
// are good already; what is damaged later cuts the connection.
func (x *exchange) stream(r io.Reader) error {
	w := &clientWriter{w: x}
	_, err := io.Copy(w, r)
	if w.err != nil {
		// The client went away; there is nobody to tell.
		x.code = codeClientGone
		panic(http.ErrAbortHandler)
	}
	return err
}

// clientWriter remembers that writing failed, as opposed to reading.
type clientWriter struct {
	w   io.Writer
	err error
}

func (c *clientWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.err = err
	return n, err
}

// describe judges the conditions, sets the headers of the answer, and says its
// status and which bytes it has.
func (x *exchange) describe(o *store.Object, options *readOptions) (status int, part span, err error) {
	failed, notModified := options.conditions.check(o.ETag, o.LastModified)
	if failed != "" && !notModified {
		return 0, span{}, refuse("PreconditionFailed", "Condition", failed)
	}
	if !notModified {
		if status, part, err = options.choose(o); err != nil {
			return 0, span{}, err
		}
	}
	x.set("ETag", quoteETag(o.ETag))
	x.set("Last-Modified", httpTime(o.LastModified))
	x.setNonEmpty("x-amz-version-id", o.VersionHeader)
	if notModified {
		return http.StatusNotModified, span{}, nil
	}
	if status == http.StatusPartialContent && part.length > 0 {
		x.set("Content-Range", contentRange(part, o.Size))
	}
	if options.part > 0 && o.Parts.Count() > 0 {
		x.set("x-amz-mp-parts-count", strconv.Itoa(o.Parts.Count()))
	}
	if options.checksums { // spec WI2-4
		if err := x.setReadChecksums(o, options.part, part); err != nil {
			return 0, span{}, err
		}
	}
	x.set("Content-Length", strconv.FormatInt(part.length, 10))
	x.setMetadata(o)
	x.setExpiration(o.Size, o.LastModified, o.Tags)
	if err := x.setLock(o); err != nil {
		return 0, span{}, err
	}
	for _, p := range options.overrides {
		x.set(p.name, p.value)
	}
	return status, part, nil
}

// setReadChecksums sets the checksum of what is read: that of the whole object, or
// of the n-th part of one that was uploaded in parts, which have kept their own. That
// of any other stretch is not known.
func (x *exchange) setReadChecksums(o *store.Object, n int, read span) error {
	switch {
	case n > 0 && o.Parts.Count() > 0:
		return x.setPartChecksum(o, n)
	case read.length != o.Size:
		return nil
	}
	x.setChecksums(o.Checksums, o.ChecksumType)
	if o.ChecksumType == store.Composite { // it ends with the number of parts (spec WI4-5)
		for _, v := range o.Checksums {
			x.set(v.Algorithm.Header(), v.String()+"-"+strconv.Itoa(o.Parts.Count()))
		}
	}
	return nil
}

// setPartChecksum sets the checksum of the n-th part of an object, unless the object
// went meanwhile.
func (x *exchange) setPartChecksum(o *store.Object, n int) error {
	number, _ := o.Parts.Number(n)
	r := store.ObjectPartsRequest{Read: x.readRequest(versioning.GetObjectAttributes), After: number - 1, Limit: 1}
	var err error
	if r.Read.ID, err = x.h.store.ParseVersionID(o.VersionID); err != nil {
		return err
	}
	page, err := x.h.store.ObjectParts(x.Context(), r)
	if errors.Is(err, versioning.NoSuchVersion) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(page.Parts) > 0 && page.Parts[0].Number == number && page.Object.ETag == o.ETag {
		x.setChecksums(page.Parts[0].Checksums, o.ChecksumType)
	}
	return nil
}

// choose says which bytes of an object are asked for, and with what status they are
// sent.
func (o *readOptions) choose(of *store.Object) (status int, part span, err error) {
	size := of.Size
	whole := span{length: size}
	if o.part > 0 {
		return choosePart(of, o.part)
	}
	if o.byteRange == "" || !inRange(o.ifRange, of.ETag, of.LastModified) {
		return http.StatusOK, whole, nil
	}
	switch part, kind := parseRange(o.byteRange, size); kind {
	case partOfObject:
		return http.StatusPartialContent, part, nil
	case unsatisfiable:
		return 0, span{}, refuse("InvalidRange", "RangeRequested", o.byteRange, "ActualObjectSize", strconv.FormatInt(size, 10))
	}
	return http.StatusOK, whole, nil
}

// choosePart says where the n-th part of an object lies. One that was stored at once
// is its own only part (spec WI6-6).
func choosePart(of *store.Object, n int) (status int, part span, err error) {
	count := max(1, of.Parts.Count())
	if n > count {
		return 0, span{}, refuse("InvalidPartNumber", "PartNumberRequested", strconv.Itoa(n), "ActualPartCount", strconv.Itoa(count))
	}
	part = span{length: of.Size}
	if offset, length, ok := of.Parts.Part(n); ok {
		part = span{offset, length}
	}
	if of.Size == 0 {
		return http.StatusOK, part, nil
	}
	return http.StatusPartialContent, part, nil
}

// setMetadata sets the headers that describe an object (spec WI2-3).
func (x *exchange) setMetadata(o *store.Object) {
	x.set("Accept-Ranges", "bytes")
	x.set("Content-Type", defaultContentType)
	for _, p := range o.System {
		x.set(p.Name, p.Value)
	}
	for _, p := range o.User {
		x.set("x-amz-meta-"+p.Name, encodeMetadata(p.Value))
	}
	if len(o.Tags) > 0 {
		x.set("x-amz-tagging-count", strconv.Itoa(len(o.Tags)))
	}
	x.setNonEmpty("x-amz-storage-class", o.StorageClass)
	if isArchived(o.StorageClass) {
		x.set("x-amz-restore", restoredForGood)
	}
	x.set("x-amz-server-side-encryption", "AES256")
}
