package versioning

import "fmt"

// Reason says why a request was refused. It is an error of its own, so that
// errors.Is(err, versioning.NoSuchKey) works on any [*Refusal]. The names are
// those of S3's error codes where it has one.
type Reason uint8

// The reasons.
const (
	NoSuchKey          Reason = iota + 1
	NoSuchVersion             // a version was named and is not there
	MethodNotAllowed          // the request met a delete marker that it cannot work on
	CopySourceIsMarker        // a copy named a delete marker as its source
	PreconditionFailed        // a condition was false
	NotImplemented            // a condition that S3 does not implement
	ObjectLocked              // a version that the request would destroy is protected
	InvalidBucketState        // the bucket's configuration does not allow it
	MalformedVersionID        // no version id that this server could have made
	EmptyVersionID            // a version id of no characters
	// ConditionalConflict says that a condition holds only because the key was
	// changed while the object was uploaded (spec VD7-14).
	ConditionalConflict
)

var reasons = [...]string{
	NoSuchKey:          "key does not exist",
	NoSuchVersion:      "version does not exist",
	MethodNotAllowed:   "entry is a delete marker",
	CopySourceIsMarker: "copy source is a delete marker",
	PreconditionFailed: "precondition failed",
	NotImplemented:     "condition is not implemented",
	ObjectLocked:       "version is protected by object lock",
	InvalidBucketState: "bucket state does not allow it",
	MalformedVersionID: "malformed version id",
	EmptyVersionID:     "empty version id",

	ConditionalConflict: "key was changed during the upload",
}

// Error returns the reason in words.
func (r Reason) Error() string {
	if int(r) < len(reasons) && reasons[r] != "" {
		return reasons[r]
	}
	return fmt.Sprintf("versioning reason %d", uint8(r))
}

// Refusal is the answer to a request that changes and shows nothing.
type Refusal struct {
	Reason Reason
	// Marker is the delete marker that the request met, nil if it met none. Its
	// id, and for MethodNotAllowed its Last-Modified, belong to the answer (spec VD4).
	Marker *Version
	// Condition names the header that was false or is not implemented, as S3
	// writes it.
	Condition string
	// Several says that NotImplemented is due to more than one condition.
	Several bool
}

// Error returns the reason in words, and the condition if there was one.
func (r *Refusal) Error() string {
	if r.Condition != "" {
		return r.Reason.Error() + ": " + r.Condition
	}
	return r.Reason.Error()
}

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }
