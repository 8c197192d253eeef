package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// place is where an error happened: what its answer may have to say about the
// request.
type place struct {
	method    string
	key       string
	versionID string // as sent
	format    func(versioning.ID) string
}

// storeCodes says which code the store's errors answer. What is not listed is an
// internal error.
var storeCodes = []struct {
	err  error
	code Code
}{
	{store.ErrNoSuchBucket, "NoSuchBucket"},
	{store.ErrBucketExists, "BucketAlreadyOwnedByYou"},
	{store.ErrBucketNotEmpty, "BucketNotEmpty"},
	{store.ErrBucketBusy, "OperationAborted"},
	{store.ErrInvalidKey, "InvalidURI"},
	{store.ErrKeyTooLong, "KeyTooLongError"},
	{store.ErrNoSuchUpload, "NoSuchUpload"},
	{store.ErrShortBody, "IncompleteBody"},
	{store.ErrLongBody, "IncompleteBody"},
	{store.ErrDiskFull, "InsufficientStorage"},
	{store.ErrBusy, "SlowDown"},
	{store.ErrClosed, "ServiceUnavailable"},
	{context.DeadlineExceeded, "SlowDown"},
}

// translate is the one place where an error becomes an S3 answer.
func translate(err error, at place) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var refusal *versioning.Refusal
	if errors.As(err, &refusal) {
		return refused(refusal, at)
	}
	var unsigned *auth.Error
	if errors.As(err, &unsigned) {
		return unauthenticated(unsigned)
	}
	if f := incomplete(err); f != nil {
		return f
	}
	if f := unprotected(err); f != nil {
		return f
	}
	for _, c := range storeCodes {
		if errors.Is(err, c.err) {
			return &failure{code: c.code, cause: err}
		}
	}
	return &failure{code: "InternalError", cause: err}
}

// unauthenticated answers what package auth refused, whose reasons are codes.
func unauthenticated(err *auth.Error) *failure {
	f := &failure{code: Code(err.Reason), message: err.Message, cause: err}
	for _, field := range err.Fields {
		f.elements = append(f.elements, pair{field.Name, field.Value})
	}
	return f
}

// refused answers what the rule book refused.
func refused(r *versioning.Refusal, at place) *failure {
	switch r.Reason {
	case versioning.NoSuchKey:
		f := refuse("NoSuchKey")
		f.headers = markerHeaders(r.Marker, at)
		return f
	case versioning.NoSuchVersion:
		return refuse("NoSuchVersion")
	case versioning.MethodNotAllowed:
		return metMarker(r.Marker, at)
	case versioning.CopySourceIsMarker:
		return refuseWith("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	case versioning.PreconditionFailed:
		return refuse("PreconditionFailed", "Condition", r.Condition)
	case versioning.ConditionalConflict:
		return refuse("ConditionalRequestConflict", "Condition", r.Condition, "Key", at.key)
	case versioning.NotImplemented:
		return conditionNotImplemented(r)
	case versioning.ObjectLocked:
		return refuseWith("AccessDenied", "Access Denied because object protected by object lock.")
	case versioning.InvalidBucketState:
		return refuse("InvalidBucketState")
	case versioning.MalformedVersionID:
		return invalidArgument("Invalid version id specified", "versionId", at.versionID)
	case versioning.EmptyVersionID:
		return invalidArgument("Version id cannot be the empty string", "versionId", "")
	}
	return &failure{code: "InternalError", cause: r}
}

// metMarker answers a request on a delete marker that cannot work on one (spec VD4-13).
func metMarker(marker *versioning.Version, at place) *failure {
	f := refuse("MethodNotAllowed", "ResourceType", "DeleteMarker")
	f.headers = append(markerHeaders(marker, at), pair{"Allow", http.MethodDelete})
	if marker != nil && (at.method == http.MethodGet || at.method == http.MethodHead) {
		f.headers = append(f.headers, pair{"Last-Modified", httpTime(marker.LastModified)})
	}
	return f
}

// markerHeaders are what an answer says of the delete marker it met (spec VD4-12).
func markerHeaders(marker *versioning.Version, at place) []pair {
	if marker == nil {
		return nil
	}
	return []pair{{"x-amz-delete-marker", "true"}, {"x-amz-version-id", at.format(marker.ID())}}
}

// conditionNotImplemented answers conditions that S3 does not implement: VD6-6 on
// deletes, VD7-4, VD7-7 and VD7-8 on writes.
func conditionNotImplemented(r *versioning.Refusal) *failure {
	if r.Several {
		return notImplemented(r.Condition, "Multiple conditional request headers present in the request")
	}
	return notImplemented(r.Condition, "We don't accept the provided value of "+r.Condition+" header for this API")
}

// incomplete answers why a CompleteMultipartUpload makes no object, nil if err says
// nothing of that.
func incomplete(err error) *failure {
	var part *store.PartError
	if errors.As(err, &part) {
		return refusedPart(part)
	}
	var object *store.CompleteError
	switch {
	case !errors.As(err, &object):
		return nil
	case object.WantType != 0:
		return refuseWith("InvalidRequest", "The upload was created using the "+object.Type.String()+
			" checksum mode. The complete request must use the same checksum mode.")
	case object.Checksum:
		return wrongChecksum(object.Computed.Algorithm)
	}
	return refuseWith("InvalidRequest", fmt.Sprintf(
		"The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", object.WantSize, object.Size))
}

// refusedPart answers a list of parts that cannot become an object (spec WI2.2-11,
// WI2.2-24, WI2.2-25).
func refusedPart(p *store.PartError) *failure {
	number, size := strconv.Itoa(p.Number), strconv.FormatInt(p.Size, 10)
	switch p.Reason {
	case store.PartOrder:
		return refuse("InvalidPartOrder")
	case store.PartTooSmall:
		return refuse("EntityTooSmall", "ProposedSize", size, "MinSizeAllowed", strconv.Itoa(store.MinPartBytes),
			"PartNumber", number, "ETag", p.ETag)
	case store.ObjectTooLarge:
		return refuse("EntityTooLarge", "ProposedSize", size, "MaxSizeAllowed", strconv.FormatInt(store.MaxObjectBytes, 10))
	}
	return refuse("InvalidPart", "PartNumber", number, "ETag", p.ETag)
}
