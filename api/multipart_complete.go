package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// completion is what the head of a CompleteMultipartUpload says of the object.
type completion struct {
	checksumType store.ChecksumType // 0 for nothing
	checksum     checksum.Value     // zero for nothing
	parts        int                // that the checksum ends with, 0 if it does not
	size         int64              // -1 for nothing
}

// parseCompletion reads the headers that speak of the object (spec WI4-6, WI4-7,
// WI4-14, WI4-15). The checksum is that of the object, not of the body.
func parseCompletion(h http.Header) (completion, error) {
	c := completion{size: -1}
	var err error
	if c.checksumType, err = parseChecksumType(h); err != nil {
		return c, err
	}
	if values := h["X-Amz-Mp-Object-Size"]; len(values) > 0 {
		if c.size, err = strconv.ParseInt(values[0], 10, 64); err != nil {
			return c, refuseWith("InvalidRequest", "Value for x-amz-mp-object-size header is invalid: '"+values[0]+"'")
		}
		if c.size < 0 {
			return c, refuseWith("InvalidRequest", "Value for x-amz-mp-object-size header is less than zero: '"+values[0]+"'")
		}
	}
	name, err := checksumName(h, "")
	if err != nil || name == "" {
		return c, err
	}
	// The digest of a header is taken as it is; only the number of parts is new here.
	value, ending, numbered := strings.Cut(h[name][0], "-")
	if numbered {
		if c.parts, err = strconv.Atoi(ending); err != nil || c.parts < 1 {
			return c, invalidChecksum(name)
		}
	}
	var d digests
	if err := d.read(name, http.Header{name: {value}}, false); err != nil {
		return c, err
	}
	c.checksum = d.value
	return c, nil
}

func invalidChecksum(name string) error {
	return refuseWith("InvalidRequest", "Value for "+strings.ToLower(name)+" header is invalid.")
}

// fit holds the head and the list of parts against what the upload asked for when it
// began, as far as that needs no look at the parts.
//
// A composite checksum is computed of those that are listed, so each part has to
// have one. An upload that asked for none gets the default one, whatever is said
// here: what S3 does, and SDKs that add a checksum of their own rely on.
func (c *completion) fit(u *store.Upload, parts []store.CompletedPart) error {
	if u.Algorithm == checksum.None {
		c.checksum, c.parts = checksum.Value{}, 0
		return nil
	}
	for i := range parts {
		if err := listedChecksum(u, &parts[i]); err != nil {
			return err
		}
	}
	switch sent := c.checksum.Algorithm; {
	case sent == checksum.None:
		return nil
	case sent != u.Algorithm:
		return otherChecksum(u.Algorithm, sent)
	case c.parts > 0 && u.ChecksumType != store.Composite:
		return invalidChecksum(sent.Header())
	case c.parts > 0 && c.parts != len(parts):
		return wrongChecksum(sent)
	}
	return nil
}

// listedChecksum holds the checksum that is listed for a part against that of the
// upload.
func listedChecksum(u *store.Upload, p *store.CompletedPart) error {
	number := strconv.Itoa(p.Number)
	if len(p.Checksums) == 0 {
		if u.ChecksumType != store.Composite {
			return nil
		}
		return refuseWith("InvalidRequest", "The upload was created using a "+strings.ToLower(u.Algorithm.String())+
			" checksum. The complete request must include the checksum for each part. It was missing for part "+number+" in the request.")
	}
	if listed := p.Checksums[0].Algorithm; listed != u.Algorithm {
		return refuseWith("BadDigest", "The "+strings.ToLower(listed.String())+" you specified for part "+number+
			" did not match what we received.")
	}
	return nil
}

// wrongChecksum refuses the checksum of an object that is another one.
func wrongChecksum(a checksum.Algorithm) *failure {
	return refuseWith("BadDigest", "The "+strings.ToLower(a.String())+" you specified did not match the calculated checksum.")
}

// prepareCompleteMultipartUpload reads the head of a CompleteMultipartUpload. Its
// body is read when permission is given.
func prepareCompleteMultipartUpload(x *exchange) (task, error) {
	condition, err := x.writeCondition()
	if err != nil {
		return task{}, err
	}
	c, err := parseCompletion(x.r.Header)
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.completeMultipartUpload(&c, condition) }}, nil
}

// completeMultipartUpload makes the object. An upload that is not there any more may
// have been completed by this very request, sent again: the store knows (spec
// WI5-3).
func (x *exchange) completeMultipartUpload(c *completion, condition versioning.Condition) error {
	// Content-MD5 is of the body; what else looks like a digest is of the object.
	data, err := x.readProtected(maxCompleteDocument, http.Header{"Content-Md5": x.r.Header["Content-Md5"]}, false)
	if err != nil {
		return err
	}
	parts, malformed := parseComplete(data)
	u, err := x.h.store.Upload(x.Context(), x.upload())
	switch {
	case errors.Is(err, store.ErrNoSuchUpload) && malformed == nil:
	case err != nil:
		return err
	case malformed != nil:
		return malformed
	default:
		if err := c.fit(&u, parts); err != nil {
			return err
		}
	}
	result, err := x.h.store.CompleteUpload(x.Context(), store.CompleteRequest{
		Upload: x.upload(), Parts: parts, Condition: condition, ChecksumType: c.checksumType,
		Checksum: c.checksum, Size: c.size, Authorize: x.guard(), Made: x.maker(),
	})
	if err != nil {
		return conflicting(err, condition, x.header("If-Match") != "", x.key)
	}
	return x.completed(&result)
}

// completed writes the answer to a CompleteMultipartUpload.
func (x *exchange) completed(result *store.CompleteResult) error {
	x.setNonEmpty("x-amz-version-id", result.VersionHeader)
	x.setCompletedExpiration(result)
	x.set("x-amz-server-side-encryption", "AES256")
	d := x.beginDocument(http.StatusOK, "CompleteMultipartUploadResult", false)
	d.text("Location", x.location())
	d.text("Bucket", x.bucket)
	d.text("Key", x.key)
	d.etag("ETag", result.ETag)
	for _, v := range result.Checksums { // spec WI4-5
		d.text("Checksum"+v.Algorithm.String(), store.ChecksumText(v, result.ChecksumType, result.Parts))
	}
	if len(result.Checksums) > 0 {
		d.text("ChecksumType", result.ChecksumType.String())
	}
	return d.end("CompleteMultipartUploadResult")
}

// location returns the URL of the object that the request is about, as its client
// sees the server.
func (x *exchange) location() string {
	scheme := "http"
	if x.origin.secure {
		scheme = "https"
	}
	return scheme + "://" + x.r.Host + x.r.URL.EscapedPath()
}
