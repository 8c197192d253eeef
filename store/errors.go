package store

import (
	"errors"
	"strconv"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// What the store refuses or fails with, besides the refusals of package
// versioning. They come wrapped in [*Error].
var (
	ErrNoSuchBucket   = errors.New("bucket does not exist")
	ErrBucketExists   = errors.New("bucket exists")
	ErrBucketNotEmpty = errors.New("bucket is not empty")
	// ErrBucketBusy says that the bucket is being deleted.
	ErrBucketBusy = errors.New("a conflicting operation is under way on the bucket")
	// ErrInvalidKey says that a key is empty, not UTF-8 or holds U+0000.
	ErrInvalidKey = errors.New("key cannot be stored")
	// ErrKeyTooLong says that a key has more than [MaxKeyBytes] bytes.
	ErrKeyTooLong = errors.New("key is too long")
	// ErrShortBody says that a body ended before its announced size.
	ErrShortBody = errors.New("body is shorter than announced")
	// ErrLongBody says that a body went on after its announced size.
	ErrLongBody = errors.New("body is longer than announced")
	// ErrNoSuchUpload says that an upload id names no upload of the key.
	ErrNoSuchUpload = errors.New("upload does not exist")
	// ErrDiskFull says that free space is below the low-water mark, where
	// bodies are refused and deletes go on.
	ErrDiskFull = errors.New("free space is below the low-water mark")
	// ErrDamaged says that stored bytes or records are not what was written.
	ErrDamaged = errors.New("stored data is damaged")
	// ErrBusy says that a change met others too often; it left no trace.
	ErrBusy = errors.New("too many conflicting changes")
	// ErrUnknown says that a change may or may not have happened.
	ErrUnknown = errors.New("outcome of the change is unknown")
	// ErrFormat says that the folder was written by a newer or another program.
	ErrFormat = errors.New("folder has a format this version cannot read")
	// ErrLocked says that another process has the folder open.
	ErrLocked = errors.New("folder is in use by another process")
	// ErrNoObjectLock says that a lock was asked for in a bucket without Object Lock.
	ErrNoObjectLock = errors.New("bucket has no object lock configuration")
	// ErrMFARequired says that a version was named without a token in a bucket where
	// MFA Delete is Enabled (spec OL2-7, OL2-8).
	ErrMFARequired = errors.New("multi-factor authentication is required")
	// ErrMFADelete says that a bucket where MFA Delete is Enabled takes no lifecycle
	// configuration (spec LC6-2).
	ErrMFADelete = errors.New("bucket has MFA Delete enabled")
	// ErrLifecycle says that MFA Delete cannot be enabled where there is a lifecycle
	// configuration (spec LC6-2).
	ErrLifecycle = errors.New("bucket has a lifecycle configuration")
	// ErrClosed says that the store is closed or closing.
	ErrClosed = errors.New("store is closed")
)

// Error is what the store's methods return: which operation failed on what, and
// why. It is compared with errors.Is and errors.As through its cause.
type Error struct {
	Op     string // "put", "delete", …
	Bucket string
	Key    string // empty if the operation has none
	Err    error
}

// Error returns operation, bucket, key and cause, with the key quoted.
func (e *Error) Error() string {
	s := e.Op
	if e.Bucket != "" {
		s += " " + e.Bucket
	}
	if e.Key != "" {
		s += " " + quote(e.Key)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// PartError says which part of a CompleteMultipartUpload is refused, and why.
type PartError struct {
	Reason PartReason
	Number int    // of the part, 0 if the list as a whole is refused
	ETag   string // that the request names
	Size   int64  // of the part, for PartTooSmall; of the object for ObjectTooLarge
}

// PartReason is why a list of parts is refused.
type PartReason uint8

// The reasons.
const (
	PartInvalid    PartReason = iota + 1 // not there, or its ETag or checksum differs
	PartOrder                            // numbers do not ascend
	PartTooSmall                         // smaller than MinPartBytes and not the last
	ObjectTooLarge                       // larger than MaxObjectBytes
)

// Error names part and reason.
func (e *PartError) Error() string {
	return "part list refused: part " + strconv.Itoa(e.Number) + ", reason " + strconv.Itoa(int(e.Reason))
}

// CompleteError says what a CompleteMultipartUpload expected of the object that
// is not so. Exactly one pair of fields is set.
type CompleteError struct {
	WantType, Type ChecksumType // the type named, and that of the upload
	WantSize, Size int64        // the size named, and the computed one
	Checksum       bool         // the checksum named is not the computed one
	Computed       checksum.Value
}

// Error says what differs.
func (e *CompleteError) Error() string { return "object is not what the request expects" }
