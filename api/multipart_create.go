package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// The names of the headers that say how an upload is checked, in canonical form.
const (
	checksumAlgorithm = "X-Amz-Checksum-Algorithm"
	checksumType      = "X-Amz-Checksum-Type"
)

// prepareCreateMultipartUpload reads what the object is to be described by.
func prepareCreateMultipartUpload(x *exchange) (task, error) {
	acl, err := x.checkPutHeaders()
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
	r := store.UploadRequest{
		Bucket: x.bucket, Key: x.key, User: user,
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
	if r.Lock, err = x.requestLock(); err != nil { // of the object to be (spec OL1.2-3)
		return task{}, err
	}
	if r.Algorithm, r.ChecksumType, err = parseUploadChecksum(x.r.Header); err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.createMultipartUpload(&r, condition) }}, nil
}

// parseUploadChecksum reads which checksum the object is to have, and what it
// covers (spec WI4-1 to WI4-3, WI4-10 to WI4-12).
func parseUploadChecksum(h http.Header) (checksum.Algorithm, store.ChecksumType, error) {
	covers, err := parseChecksumType(h)
	if err != nil {
		return checksum.None, 0, err
	}
	values := h[checksumAlgorithm]
	if len(values) == 0 {
		if covers != 0 {
			return checksum.None, 0, refuseWith("InvalidRequest",
				"The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return checksum.None, 0, nil
	}
	algorithm, ok := checksum.Parse(values[0])
	if !ok {
		return checksum.None, 0, refuseWith("InvalidRequest", "Checksum algorithm provided is unsupported. "+
			"Please try again with any of the valid types: ["+strings.Join(algorithmNames(), ", ")+"]")
	}
	if covers == 0 {
		covers = coverages[algorithm].usual
	}
	if covers != coverages[algorithm].usual && covers != coverages[algorithm].other {
		return checksum.None, 0, refuseWith("InvalidRequest", "The "+covers.String()+" checksum type cannot be used with the "+
			strings.ToLower(algorithm.String())+" checksum algorithm.")
	}
	return algorithm, covers, nil
}

// coverages says what the checksums of uploads cover: unless something else is
// asked for, and what else can be (spec WI4-1 to WI4-3).
var coverages = map[checksum.Algorithm]struct{ usual, other store.ChecksumType }{
	checksum.CRC64NVME: {store.FullObject, 0},
	checksum.CRC32:     {store.Composite, store.FullObject},
	checksum.CRC32C:    {store.Composite, store.FullObject},
	checksum.SHA1:      {store.Composite, 0},
	checksum.SHA256:    {store.Composite, 0},
}

// parseChecksumType reads x-amz-checksum-type, 0 if it was not sent.
func parseChecksumType(h http.Header) (store.ChecksumType, error) {
	values := h[checksumType]
	if len(values) == 0 {
		return 0, nil
	}
	for _, covers := range []store.ChecksumType{store.FullObject, store.Composite} {
		if strings.EqualFold(values[0], covers.String()) {
			return covers, nil
		}
	}
	return 0, refuseWith("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
}

func algorithmNames() []string {
	var names []string
	for _, a := range checksum.All() {
		names = append(names, a.String())
	}
	return names
}

// judgeNow holds the condition of a request that makes no object yet against what is
// current now. S3 knows conditions of CompleteMultipartUpload only, where they are
// judged when the object comes to be; but there are clients that send them with the
// beginning alone.
func (x *exchange) judgeNow(condition versioning.Condition) error {
	if condition.IsZero() {
		return nil
	}
	o, err := x.h.store.Head(x.Context(), store.ReadRequest{Bucket: x.bucket, Key: x.key, Operation: versioning.HeadObject})
	var refused *versioning.Refusal
	absent := errors.As(err, &refused) && refused.Reason == versioning.NoSuchKey
	match := x.header("If-Match")
	switch {
	case err != nil && !absent:
		return err
	case match != "" && absent: // a delete marker is no object, and not told of
		return &versioning.Refusal{Reason: versioning.NoSuchKey}
	case match == "" && !absent:
		return refuse("PreconditionFailed", "Condition", "If-None-Match")
	case match != "" && versioning.TrimETag(match) != o.ETag:
		return refuse("PreconditionFailed", "Condition", "If-Match")
	}
	return nil
}

func (x *exchange) createMultipartUpload(r *store.UploadRequest, condition versioning.Condition) error {
	if err := x.checkLockable(); err != nil {
		return err
	}
	if err := x.judgeNow(condition); err != nil {
		return err
	}
	u, err := x.h.store.CreateUpload(x.Context(), *r)
	if err != nil {
		return err
	}
	if u.Algorithm != checksum.None {
		x.set("x-amz-checksum-algorithm", u.Algorithm.String())
		x.set("x-amz-checksum-type", u.ChecksumType.String())
	}
	x.setAbort(u.Initiated)
	x.set("x-amz-server-side-encryption", "AES256")
	d := x.beginDocument(http.StatusOK, "InitiateMultipartUploadResult", false)
	d.text("Bucket", x.bucket)
	d.text("Key", x.key)
	d.text("UploadId", u.ID)
	return d.end("InitiateMultipartUploadResult")
}
