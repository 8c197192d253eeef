package store

import (
	"io"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// MaxKeyBytes is the length of the longest key, in bytes of UTF-8 (spec WI3).
const MaxKeyBytes = 1024

// Owner is the account that owns a bucket or an object.
type Owner struct {
	Account     string // 12 digits
	CanonicalID string // 64 hex digits
	DisplayName string
}

// MFADelete is the MfaDelete setting of a bucket (spec VD1): answers show it only
// if it was ever set.
type MFADelete uint8

// The settings.
const (
	MFADeleteNever MFADelete = iota
	MFADeleteDisabled
	MFADeleteEnabled
)

// Bucket is a bucket and its state.
type Bucket struct {
	Name       string
	ID         uint64 // inside the store; another bucket of that name has another one, for ever
	Created    time.Time
	Region     string // as given at creation; empty means the default region
	Owner      Owner
	Versioning versioning.State
	MFADelete  MFADelete
	ObjectLock bool // Object Lock is configured, for ever
	// Retention is what new versions get that come without a mode (spec OL1.2-2).
	Retention DefaultRetention
}

// BucketSpec says what a new bucket is to be.
type BucketSpec struct {
	Name       string // not checked here: the rules of names are the protocol's
	Region     string
	Owner      Owner
	ObjectLock bool // configures Object Lock, and so versioning (spec OL1.1)
	Made       Maker
}

// BucketQuery selects buckets: those whose name begins with Prefix and is greater
// than After, at most Limit.
type BucketQuery struct {
	Prefix, After string
	Limit         int // 0: 10,000
}

// VersioningChange is a PutBucketVersioning.
type VersioningChange struct {
	State     versioning.State // Enabled or Suspended
	MFADelete MFADelete        // MFADeleteNever leaves the setting as it is
	MFA       bool             // a token was verified, which any change needs while MFA Delete is Enabled
	Made      Maker
}

// Pair is a header of an object, system or user metadata: name and value as they
// were sent, user metadata without the prefix x-amz-meta-.
type Pair struct{ Name, Value string }

// ChecksumType says what the checksum of an object covers.
type ChecksumType uint8

// The checksum types.
const (
	FullObject ChecksumType = iota + 1
	Composite
)

// String returns the type as S3 writes it.
func (t ChecksumType) String() string {
	switch t {
	case FullObject:
		return "FULL_OBJECT"
	case Composite:
		return "COMPOSITE"
	}
	return ""
}

// Object is what is known of one entry of a key: an object version or a delete
// marker. Listings of current objects leave System, User and Lock empty.
type Object struct {
	Key          string
	VersionID    string // the id, or null
	DeleteMarker bool
	Latest       bool // it is the current entry; set by ListObjectVersions, and by Copy as said there
	Size         int64
	LastModified time.Time
	ETag         string // without quotes
	Checksums    []checksum.Value
	ChecksumType ChecksumType
	StorageClass string // empty: STANDARD
	Owner        Owner
	System       []Pair // Content-Type, Cache-Control, …
	User         []Pair
	Lock         versioning.Lock
	Tags         []Tag
	ACL          []byte // as it was given, nil: private
	// Parts tells where the parts of an object lie that was uploaded in parts; it
	// has none for any other. Get and Head set it.
	Parts PartMap
	// VersionHeader is the value of x-amz-version-id, empty if the header is
	// not sent; set by Get and Head only.
	VersionHeader string
}

// Digests is what was computed of a body while it was read.
type Digests struct {
	Size      int64
	MD5       [16]byte
	Checksums []checksum.Value // in the order of PutRequest.Algorithms
}

// PutRequest stores an object.
type PutRequest struct {
	Bucket, Key string
	Body        io.Reader
	Size        int64 // announced length of Body in bytes, -1 if not known
	// Algorithms are the checksums to compute and keep.
	Algorithms []checksum.Algorithm
	// Verify is called with the digests once Body was read to its end; if it
	// fails nothing is stored and its error is returned. Nil accepts all.
	Verify       func(Digests) error
	Condition    versioning.Condition
	System, User []Pair
	Tags         []Tag
	StorageClass string // empty: STANDARD
	Owner        Owner  // zero: the bucket's
	ACL          []byte // as in ACLRequest
	// Lock is what the request sets of a lock; in a bucket with a default retention
	// the default takes the place of a mode that is not set (spec OL1.2-2).
	Lock versioning.Lock
	// Authorize is asked about the current entry of the key.
	Authorize Authorize
	Made      Maker

	copied bool // it is a CopyObject, whose answer differs
}

// Maker says who makes a change, and why: it stands in the ledger with the change,
// and all but Source and Operation is kept with the entries that the change makes.
// What is not known is empty.
type Maker struct {
	AccessKey string
	RequestID string
	Principal string // ARN of the account or user, empty for an anonymous one
	Source    string // IP address that the request came from
	Operation string // as S3 names it, such as DeleteObjects
	Cause     Cause
	CauseID   string // id of the rule or job, empty for a request
}

// Cause is what makes a change happen. The numbers are on disk.
type Cause uint8

// The causes.
const (
	CauseRequest Cause = iota // somebody asked for it
	CauseRule                 // a lifecycle rule
	CauseJob                  // a job that an operator started
)

// causeNames are the causes as a ledger shows them, by number.
var causeNames = [...]string{"request", "rule", "job"}

// String returns "request", "rule" or "job", and "unknown" for the cause of a later
// version.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown"
}

// PutResult is the answer to a put.
type PutResult struct {
	VersionHeader string // value of x-amz-version-id, empty if not sent
	ETag          string // without quotes
	Size          int64
	LastModified  time.Time
	Checksums     []checksum.Value
}

// ReadRequest names the entry that a Get or Head is about.
type ReadRequest struct {
	Bucket, Key string
	ID          versioning.ID // zero for the current entry
	Operation   versioning.Operation
	Authorize   Authorize
}

// DeleteRequest is a DeleteObject, or one entry of DeleteObjects.
type DeleteRequest struct {
	Key       string
	ID        versioning.ID // zero for a delete of the key
	Condition versioning.Condition
	// BypassGovernance says that it was asked for and is allowed, if MayBypass, which
	// is asked about the same entry as Authorize, is nil or says yes.
	BypassGovernance bool
	MayBypass        MayBypass
	// MFA says that a token of the bucket's owner was verified. Where MFA Delete is
	// Enabled, a request that names a version needs it ([ErrMFARequired]).
	MFA bool
	// Authorize is asked about the entry that is named, or else the current one.
	Authorize Authorize
	Made      Maker
	Owner     Owner // of a delete marker, if one is added
}

// DeleteResult is the answer to a delete.
type DeleteResult struct {
	VersionHeader string // value of x-amz-version-id, empty if not sent
	DeleteMarker  bool   // x-amz-delete-marker: true is sent
	Err           error  // DeleteObjects only: why this entry was refused
}

// ListRequest is a ListObjects: the keys after After that begin with Prefix,
// rolled up at Delimiter.
type ListRequest struct {
	Bucket            string
	Prefix, Delimiter string
	After             string // exclusive; keys under a common prefix equal to it are passed over
	Limit             int    // entries and common prefixes together, 0 to 1,000
}

// ListPage is a page of ListObjects.
type ListPage struct {
	Objects        []Object
	CommonPrefixes []string
	Truncated      bool   // exactly: one more entry exists
	Last           string // last key or common prefix of the page
}

// VersionsRequest is a ListObjectVersions.
type VersionsRequest struct {
	Bucket            string
	Prefix, Delimiter string
	KeyMarker         string
	IDMarker          versioning.ID // zero: all of KeyMarker is passed over
	Limit             int           // entries and common prefixes together, 0 to 1,000
}

// VersionsPage is a page of ListObjectVersions.
type VersionsPage struct {
	Entries        []Object // versions and delete markers in order
	CommonPrefixes []string
	Truncated      bool // exactly: one more entry exists
	// NextKeyMarker and NextVersionIDMarker name the last entry of the page; the
	// latter is empty if that is a common prefix (spec LS2).
	NextKeyMarker, NextVersionIDMarker string
}

// Statistics are the counts and bytes of a bucket. Bytes are payload bytes, as
// S3 shows them.
type Statistics struct {
	Objects, ObjectBytes        int64 // current objects
	Noncurrent, NoncurrentBytes int64 // noncurrent object versions
	DeleteMarkers               int64 // current and noncurrent
	Uploads, UploadBytes        int64
	Locked                      int64 // versions with a lock setting
	Reclaim, ReclaimBytes       int64 // blobs to be removed and their bytes on disk
}
