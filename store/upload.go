package store

import (
	"io"
	"strconv"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// The limits of multipart uploads (spec WI3-2 to WI3-5).
const (
	MaxPartNumber = 10_000
	MinPartBytes  = 5 << 20 // of every part but the last
	MaxPartBytes  = 5 << 30
	// MaxObjectBytes is the size of the largest object.
	MaxObjectBytes = 5 << 40
)

// UploadName names a multipart upload. An id that belongs to another key or
// bucket, or to none, names nothing ([ErrNoSuchUpload]).
type UploadName struct{ Bucket, Key, ID string }

// Upload is what is known of an upload in progress.
type Upload struct {
	Key, ID      string
	Order        versioning.Order // of its beginning among all changes; none that began later has a lower one
	Initiated    time.Time
	StorageClass string // empty: STANDARD
	Owner        Owner
	// Algorithm is the checksum that was asked for, None if nothing was; then
	// parts and object get CRC64NVME (spec WI4-1).
	Algorithm    checksum.Algorithm
	ChecksumType ChecksumType
}

// UploadRequest begins a multipart upload.
type UploadRequest struct {
	Bucket, Key  string
	System, User []Pair
	Tags         []Tag
	StorageClass string
	Owner        Owner              // zero: the bucket's
	ACL          []byte             // of the object to be, as in ACLRequest
	Lock         versioning.Lock    // of the object to be, as in PutRequest
	Algorithm    checksum.Algorithm // None: nothing was asked for
	ChecksumType ChecksumType       // of Algorithm; must be given with it
	Made         Maker
}

// Part is a part of an upload or of an object.
type Part struct {
	Number       int // 1 to MaxPartNumber
	Size         int64
	ETag         string // without quotes
	LastModified time.Time
	Checksums    []checksum.Value
}

// PartRequest stores a part, in place of an earlier one of the same number.
type PartRequest struct {
	Upload UploadName
	Number int
	Body   io.Reader
	Size   int64 // announced length of Body in bytes, -1 if not known
	// Algorithms, Verify: as in PutRequest.
	Algorithms []checksum.Algorithm
	Verify     func(Digests) error
	Made       Maker
}

// PartCopyRequest makes a part of bytes of an object.
type PartCopyRequest struct {
	Upload UploadName
	Number int
	Source CopySource
	// Check is called with the source before anything is written; its error
	// refuses the copy and is returned. A range beyond the source is refused by it.
	Check func(source Object) error
	Made  Maker
}

// PartCopyResult is the answer to a PartCopyRequest.
type PartCopyResult struct {
	Part
	SourceVersionHeader string
}

// CompletedPart is a part that a CompleteMultipartUpload names.
type CompletedPart struct {
	Number    int
	ETag      string           // without quotes
	Checksums []checksum.Value // that are to be the part's
}

// CompleteRequest makes an object of parts (spec WI5-2, VD7-9 to VD7-13).
type CompleteRequest struct {
	Upload    UploadName
	Parts     []CompletedPart
	Condition versioning.Condition
	// ChecksumType is the type that the request names, 0 for none.
	ChecksumType ChecksumType
	// Checksum is what the checksum of the object is to be; zero for no wish. That of
	// a composite one is compared without its "-N".
	Checksum checksum.Value
	Size     int64 // what the size of the object is to be, -1 for no wish
	// Authorize is asked about the current entry of the key.
	Authorize Authorize
	Made      Maker
}

// CompleteResult is the answer to a CompleteRequest. A composite checksum is shown
// with its number of parts ([ChecksumText]).
type CompleteResult struct {
	PutResult
	ChecksumType ChecksumType
	Parts        int // number of parts
}

// PartsRequest is a ListParts.
type PartsRequest struct {
	Upload UploadName
	After  int // part number, exclusive
	Limit  int // 0 to 1,000
}

// PartsPage is a page of ListParts.
type PartsPage struct {
	Upload    Upload
	Parts     []Part
	Truncated bool // exactly: one more part exists
}

// UploadsRequest is a ListMultipartUploads (spec LS5).
type UploadsRequest struct {
	Bucket            string
	Prefix, Delimiter string
	KeyMarker         string
	// IDMarker continues within KeyMarker after that upload. One that is not an
	// upload id is [ErrNoSuchUpload].
	IDMarker string
	Limit    int // uploads and common prefixes together, 0 to 1,000
}

// UploadsPage is a page of ListMultipartUploads.
type UploadsPage struct {
	Uploads                         []Upload
	CommonPrefixes                  []string
	Truncated                       bool
	NextKeyMarker, NextUploadMarker string
}

// ObjectPartsRequest asks for the parts of an object.
type ObjectPartsRequest struct {
	Read  ReadRequest
	After int // part number, exclusive
	Limit int // 0 to 1,000
}

// ObjectPartsPage is a page of the parts of an object that was uploaded in parts.
type ObjectPartsPage struct {
	Object    Object
	Parts     []Part
	Truncated bool
}

// ChecksumText returns the checksum v of an object of so many parts as S3 writes
// it: that of a composite one ends with their number (spec WI4-5).
func ChecksumText(v checksum.Value, t ChecksumType, parts int) string {
	if t == Composite {
		return v.String() + "-" + strconv.Itoa(parts)
	}
	return v.String()
}
