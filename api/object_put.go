package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// maxPut is the size of the largest object that one request stores, bytes (spec WI3-2).
const maxPut = 5 << 30

// unsupportedPut are the headers of a PutObject that ask for what this version
// does not do. They are refused, for an object stored without would be another one.
// A name that ends in a hyphen stands for all that begin so.
var unsupportedPut = []string{
	"X-Amz-Server-Side-Encryption-",
	"X-Amz-Write-Offset-Bytes",
	"X-Amz-If-Match-",
	"Content-Range",
	"If-Modified-Since",
	"If-Unmodified-Since",
}

// storageClasses are the classes of general purpose buckets. They are kept and
// shown, and make no difference.
var storageClasses = map[string]bool{
	"STANDARD": true, "REDUCED_REDUNDANCY": true, "STANDARD_IA": true, "ONEZONE_IA": true,
	"INTELLIGENT_TIERING": true, "GLACIER": true, "DEEP_ARCHIVE": true, "GLACIER_IR": true,
}

// checkEncryption refuses encryption by other keys than the server's own, and what is no
// method that S3 has.
func (x *exchange) checkEncryption() error {
	const name = "x-amz-server-side-encryption"
	switch method := x.header("X-Amz-Server-Side-Encryption"); method {
	case "", "AES256":
		return nil
	case "aws:kms", "aws:kms:dsse", "aws:fsx":
		return notImplemented(name, "")
	default:
		return invalidArgument("The encryption method specified is not supported", name, method)
	}
}

// preparePutObject reads the head of a PutObject. Of the body nothing is read
// before permission is given, so that a client that waits for a 100 sends none of
// it in vain (spec WI2-6).
func preparePutObject(x *exchange) (task, error) {
	acl, err := x.checkPutHeaders()
	if err != nil {
		return task{}, err
	}
	b, length, err := x.openUpload(maxPut)
	if err != nil {
		return task{}, err
	}
	d, err := parseDigests(x.r.Header, b.Announced())
	if err != nil {
		return task{}, err
	}
	condition, err := x.writeCondition()
	if err != nil {
		return task{}, err
	}
	user, err := userMetadata(x.r.Header)
	if err != nil {
		return task{}, err
	}
	r := store.PutRequest{
		Bucket: x.bucket, Key: x.key, Body: b, Size: length,
		Condition: condition, User: user,
		Owner: x.objectOwner(), ACL: acl, Made: x.maker(),
	}
	if r.System, err = systemMetadata(x.r.Header); err != nil {
		return task{}, err
	}
	if r.StorageClass, err = x.storageClass(); err != nil {
		return task{}, err
	}
	if r.Tags, err = requestTags(x.r.Header); err != nil {
		return task{}, err
	}
	if r.Lock, err = x.requestLock(); err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.putObject(&r, b, &d) }}, nil
}

// openUpload opens a body that is to be stored and returns its announced length, at
// most limit bytes (spec WI3-2). Nothing of it is read yet.
func (x *exchange) openUpload(limit int64) (b *body, length int64, err error) {
	if x.announcesNothing() {
		return nil, 0, refuse("MissingContentLength")
	}
	if length, err = x.session.ContentLength(x.r); err != nil {
		return nil, 0, err
	}
	if length > limit {
		return nil, 0, refuse("EntityTooLarge", "ProposedSize", strconv.FormatInt(length, 10),
			"MaxSizeAllowed", strconv.FormatInt(limit, 10))
	}
	b, err = x.openBody()
	return b, length, err
}

// announcesNothing reports whether the request says nothing of a body, not even that
// there is none, which net/http takes for one of length 0 (spec WI1.3-21).
func (x *exchange) announcesNothing() bool {
	return x.r.ProtoMajor == 1 && x.r.ContentLength == 0 && !x.sent("Content-Length")
}

// writeCondition reads the condition headers of a write (spec VD7).
func (x *exchange) writeCondition() (versioning.Condition, error) {
	if err := x.checkEmptyConditions(); err != nil {
		return versioning.Condition{}, err
	}
	return versioning.WriteCondition(x.header("If-Match"), x.header("If-None-Match"))
}

// checkEmptyConditions refuses a condition without a value: it was sent to prevent
// something.
func (x *exchange) checkEmptyConditions() error {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if x.sent(name) && x.header(name) == "" {
			return invalidArgument("", name, "")
		}
	}
	return nil
}

// checkPutHeaders refuses what this version cannot honour, and reads the ACL that the
// object is to have, as it is kept.
func (x *exchange) checkPutHeaders() (acl []byte, err error) {
	if err := checkHeaderSize(x.r.Header); err != nil {
		return nil, err
	}
	if acl, err = x.objectACL(); err != nil {
		return nil, err
	}
	if name := firstUnsupported(x.r.Header); name != "" {
		return nil, notImplemented(strings.ToLower(name), "")
	}
	if err := x.checkEncryption(); err != nil {
		return nil, err
	}
	return acl, nil
}

// firstUnsupported returns the first name among headers, in their order, that
// unsupportedPut means, empty if there is none.
func firstUnsupported(h http.Header) string {
	first := ""
	for name := range h {
		means := func(entry string) bool {
			return entry == name || strings.HasSuffix(entry, "-") && strings.HasPrefix(name, entry)
		}
		if (first == "" || name < first) && slices.ContainsFunc(unsupportedPut, means) {
			first = name
		}
	}
	return first
}

// storageClass returns the class to keep, empty for STANDARD.
func (x *exchange) storageClass() (string, error) {
	switch class := x.header("X-Amz-Storage-Class"); {
	case class == "" || class == "STANDARD":
		return "", nil
	case storageClasses[class]:
		return class, nil
	default:
		return "", refuse("InvalidStorageClass", "StorageClassRequested", class)
	}
}

// maker says who makes what the request changes.
func (x *exchange) maker() store.Maker {
	return store.Maker{
		AccessKey: x.session.AccessKey, RequestID: x.id,
		Principal: x.principal, Source: x.remote(), Operation: x.name(),
	}
}

func (x *exchange) putObject(r *store.PutRequest, b *body, d *digests) error {
	if err := x.checkLockable(); err != nil {
		return err
	}
	if err := x.checkLockDigest(d); err != nil {
		return err
	}
	algorithm := d.algorithm
	if algorithm == checksum.None {
		algorithm = checksum.CRC64NVME // spec WI4-1
	}
	r.Algorithms = []checksum.Algorithm{algorithm}
	r.Verify = func(computed store.Digests) error {
		return d.verify(computed.MD5, computed.Checksums, b.Trailer())
	}
	r.Authorize = x.guard()
	result, err := x.h.store.Put(x.Context(), *r)
	if err != nil {
		return conflicting(b.blame(err), r.Condition, x.header("If-Match") != "", x.key)
	}
	x.set("ETag", quoteETag(result.ETag))
	x.setNonEmpty("x-amz-version-id", result.VersionHeader)
	x.setChecksums(result.Checksums, store.FullObject)
	x.setExpiration(result.Size, result.LastModified, r.Tags)
	x.set("x-amz-server-side-encryption", "AES256")
	x.WriteHeader(http.StatusOK)
	return nil
}

// setChecksums sets the headers of checksums and of what they cover.
func (x *exchange) setChecksums(values []checksum.Value, covered store.ChecksumType) {
	for _, v := range values {
		x.set(v.Algorithm.Header(), v.String())
	}
	if len(values) > 0 {
		x.setNonEmpty("x-amz-checksum-type", covered.String())
	}
}

// conflicting returns the error of a change that met others too often: with a
// condition it is the condition that could not be judged (spec VD6-7, VD7-14).
func conflicting(err error, c versioning.Condition, match bool, key string) error {
	if c.IsZero() || !errors.Is(err, store.ErrBusy) {
		return err
	}
	condition := "If-None-Match"
	if match {
		condition = "If-Match"
	}
	return refuse("ConditionalRequestConflict", "Condition", condition, "Key", key)
}
