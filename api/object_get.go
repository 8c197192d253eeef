package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// maxPartNumber is the number of the last part that an object can have (spec WI3-4).
const maxPartNumber = 10_000

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
		conditions: parseReadConditions(x.r.Header, x.h.clock.Now()),
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
	part, err := strconv.Atoi(text)
	if err != nil || part < 1 || part > maxPartNumber {
		return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", text)
	}
	if x.sent("Range") {
		return 0, refuseWith("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	}
	return part, nil
}

func (x *exchange) readRequest(op versioning.Operation) store.ReadRequest {
	return store.ReadRequest{Bucket: x.bucket, Key: x.key, ID: x.version, Operation: op}
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
	w := &clientWriter{w: x.ResponseWriter}
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
	if status == http.StatusPartialContent {
		x.set("Content-Range", contentRange(part, o.Size))
	} else if options.checksums {
		x.setChecksums(o.Checksums, o.ChecksumType) // spec WI2-4
	}
	x.set("Content-Length", strconv.FormatInt(part.length, 10))
	x.setMetadata(o)
	for _, p := range options.overrides {
		x.set(p.name, p.value)
	}
	return status, part, nil
}

// choose says which bytes of an object are asked for, and with what status they are
// sent. An object that was stored at once is its own only part.
func (o *readOptions) choose(of *store.Object) (status int, part span, err error) {
	size := of.Size
	whole := span{length: size}
	if o.part > 1 {
		return 0, span{}, refuse("InvalidPartNumber", "PartNumberRequested", strconv.Itoa(o.part), "ActualPartCount", "1")
	}
	if o.part == 1 && size > 0 {
		return http.StatusPartialContent, whole, nil
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

// setMetadata sets the headers that describe an object (spec WI2-3, OL1.2-6).
func (x *exchange) setMetadata(o *store.Object) {
	x.set("Accept-Ranges", "bytes")
	x.set("Content-Type", defaultContentType)
	for _, p := range o.System {
		x.set(p.Name, p.Value)
	}
	for _, p := range o.User {
		x.set("x-amz-meta-"+p.Name, encodeMetadata(p.Value))
	}
	x.setNonEmpty("x-amz-storage-class", o.StorageClass)
	x.set("x-amz-server-side-encryption", "AES256")
	x.setNonEmpty("x-amz-object-lock-mode", o.Lock.Mode.String())
	if o.Lock.Mode != versioning.NoRetention {
		x.set("x-amz-object-lock-retain-until-date", string(appendTimestamp(nil, o.Lock.Until)))
	}
	x.setNonEmpty("x-amz-object-lock-legal-hold", o.Lock.Hold.String())
}
