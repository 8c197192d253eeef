package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// maxCopySource is the size of the largest object that CopyObject copies, bytes.
const maxCopySource = 5 << 30

// websiteRedirect is the system header that no copy takes over.
const websiteRedirect = "x-amz-website-redirect-location"

// copyDescription says how the copy is to be described.
type copyDescription struct {
	conditions      readConditions
	onto            bool // the source is a version of the key that the copy is for
	replaceMetadata bool
	replaceTags     bool
	changes         bool // something that makes a copy of an object onto itself worth it
	sent            store.Description
	tags            []store.Tag // of the copy, once it was described
}

// prepareCopyObject reads a CopyObject: first what concerns the source, then the
// copy, which is described like the object of a PutObject.
func prepareCopyObject(x *exchange) (task, error) {
	source, read, err := x.readCopySource(refuse("InvalidRequest")) // spec VD4-20
	if err != nil {
		return task{}, err
	}
	if x.sent("X-Amz-Copy-Source-Range") {
		return task{}, notImplemented("x-amz-copy-source-range", "")
	}
	acl, err := x.checkPutHeaders() // that of the source is not copied
	if err != nil {
		return task{}, err
	}
	r := store.CopyRequest{
		Source: read, Bucket: x.bucket, Key: x.key, Owner: x.objectOwner(), ACL: acl, Made: x.maker(),
	}
	if r.Condition, err = x.writeCondition(); err != nil {
		return task{}, err
	}
	if r.Algorithm, err = copyChecksum(x.r.Header); err != nil {
		return task{}, err
	}
	if r.Lock, err = x.requestLock(); err != nil { // that of the source is not copied (spec OL1.2-4)
		return task{}, err
	}
	d, err := x.copyDescription()
	if err != nil {
		return task{}, err
	}
	x.source.tagged = !d.replaceTags
	d.onto = source.bucket == x.bucket && source.key == x.key
	r.Describe = d.describe
	return task{run: func() error { return x.copyObject(&r, &source, &d) }}, nil
}

// copyDescription reads the headers that describe the copy.
func (x *exchange) copyDescription() (d copyDescription, err error) {
	if d.conditions, err = parseSourceConditions(x.r.Header, x.h.store.ObjectTime()); err != nil {
		return d, err
	}
	if d.replaceMetadata, err = x.directive("X-Amz-Metadata-Directive", "metadata"); err != nil {
		return d, err
	}
	if d.replaceTags, err = x.directive("X-Amz-Tagging-Directive", "tagging"); err != nil {
		return d, err
	}
	if d.sent.User, err = userMetadata(x.r.Header); err != nil {
		return d, err
	}
	if d.sent.StorageClass, err = x.storageClass(); err != nil {
		return d, err
	}
	if d.sent.Tags, err = requestTags(x.r.Header); err != nil {
		return d, err
	}
	if d.sent.System, err = systemMetadata(x.r.Header); err != nil {
		return d, err
	}
	d.changes = d.replaceMetadata || x.sent("X-Amz-Storage-Class") ||
		x.sent("X-Amz-Server-Side-Encryption") || x.sent("X-Amz-Website-Redirect-Location")
	return d, nil
}

// directive reads whether something of the source is copied, as it is without the
// header, or replaced by what the request says.
func (x *exchange) directive(name, what string) (replace bool, err error) {
	switch value := x.header(name); {
	case !x.sent(name), value == "COPY":
		return false, nil
	case value == "REPLACE":
		return true, nil
	default:
		return false, invalidArgument("Unknown "+what+" directive.", strings.ToLower(name), value)
	}
}

// copyChecksum reads which checksum the copy is to have, None for that of its source
// (spec WI4-5).
func copyChecksum(h http.Header) (checksum.Algorithm, error) {
	values := h[checksumPrefix+"Algorithm"]
	if len(values) == 0 {
		return checksum.None, nil
	}
	algorithm, ok := checksum.Parse(values[0])
	if !ok {
		return checksum.None, refuseWith("InvalidRequest", "Checksum algorithm provided is unsupported. "+
			"Please try again with any of the valid types: ["+strings.Join(algorithmNames(), ", ")+"]")
	}
	return algorithm, nil
}

// describe judges the source, and describes the copy. The class of the source is not
// copied, nor where it redirects to.
func (d *copyDescription) describe(source store.Object) (store.Description, error) {
	if err := d.conditions.checkSource(&source); err != nil {
		return store.Description{}, err
	}
	if d.onto && source.Latest && !d.changes { // spec WI5-8
		return store.Description{}, refuseWith("InvalidRequest", "This copy request is illegal because it is trying to copy "+
			"an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if source.Size > maxCopySource {
		return store.Description{}, refuseWith("InvalidRequest", "The specified copy source is larger than the maximum allowable size "+
			"for a copy source: "+strconv.FormatInt(maxCopySource, 10))
	}
	described := d.sent
	if !d.replaceMetadata {
		described.User = source.User
		described.System = slices.Concat(
			slices.DeleteFunc(slices.Clone(source.System), isRedirect),
			slices.DeleteFunc(slices.Clone(d.sent.System), func(p store.Pair) bool { return !isRedirect(p) }),
		)
	}
	if !d.replaceTags {
		described.Tags = source.Tags
	}
	d.tags = described.Tags
	return described, nil
}

func isRedirect(p store.Pair) bool { return p.Name == websiteRedirect }

func (x *exchange) copyObject(r *store.CopyRequest, source *copySource, as *copyDescription) error {
	if err := x.checkLockable(); err != nil {
		return err
	}
	r.Authorize = x.guard()
	result, err := x.h.store.Copy(x.Context(), *r)
	if err != nil {
		return x.blameSource(source, conflicting(err, r.Condition, x.header("If-Match") != "", x.key))
	}
	x.setNonEmpty("x-amz-version-id", result.VersionHeader)
	x.setNonEmpty("x-amz-copy-source-version-id", result.SourceVersionHeader)
	x.setExpiration(result.Size, result.LastModified, as.tags)
	x.set("x-amz-server-side-encryption", "AES256")
	d := x.beginDocument(http.StatusOK, "CopyObjectResult", false)
	d.date("LastModified", result.LastModified)
	d.etag("ETag", result.ETag)
	for _, v := range result.Checksums {
		d.text("Checksum"+v.Algorithm.String(), v.String())
	}
	d.text("ChecksumType", store.FullObject.String())
	return d.end("CopyObjectResult")
}
