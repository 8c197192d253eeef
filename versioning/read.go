package versioning

// Operation is a request on one existing entry of a key that neither adds nor
// destroys a version.
type Operation uint8

// The operations, by what they do when they meet a delete marker.
const (
	GetObject Operation = iota
	HeadObject
	GetObjectAttributes
	GetObjectACL
	PutObjectACL
	GetObjectTagging
	PutObjectTagging
	DeleteObjectTagging
	GetObjectRetention
	PutObjectRetention
	GetObjectLegalHold
	PutObjectLegalHold
	CopySource // source of CopyObject and UploadPartCopy
	operations
)

// onMarker is the table of spec VD4: the reasons for a delete marker that is
// current and not named, and for one that is named.
var onMarker = [operations]struct{ current, named Reason }{
	GetObject:           {NoSuchKey, MethodNotAllowed},
	HeadObject:          {NoSuchKey, MethodNotAllowed},
	GetObjectAttributes: {NoSuchKey, MethodNotAllowed},
	GetObjectACL:        {NoSuchKey, MethodNotAllowed},
	PutObjectACL:        {MethodNotAllowed, MethodNotAllowed},
	GetObjectTagging:    {MethodNotAllowed, MethodNotAllowed},
	PutObjectTagging:    {MethodNotAllowed, MethodNotAllowed},
	DeleteObjectTagging: {MethodNotAllowed, MethodNotAllowed},
	GetObjectRetention:  {NoSuchKey, MethodNotAllowed},
	PutObjectRetention:  {MethodNotAllowed, MethodNotAllowed},
	GetObjectLegalHold:  {NoSuchKey, MethodNotAllowed},
	PutObjectLegalHold:  {MethodNotAllowed, MethodNotAllowed},
	CopySource:          {NoSuchKey, CopySourceIsMarker},
}

// ReadRequest is a request on one existing entry.
type ReadRequest struct {
	Operation Operation
	ID        ID // zero for the current entry
}

// Needs says which facts [Read] looks at.
func (r *ReadRequest) Needs() Needs {
	return Needs{Current: r.ID.IsZero(), Target: !r.ID.IsZero()}
}

// Read decides which entry a request works on and what x-amz-version-id says
// (spec VD4). Absent entries and delete markers are refused, the latter with
// [Refusal.Marker] set.
func Read(s State, f Facts, r *ReadRequest) (*Version, Answer, error) {
	v, missing, marker := f.Current, NoSuchKey, onMarker[r.Operation].current
	if !r.ID.IsZero() {
		v, missing, marker = f.Target, NoSuchVersion, onMarker[r.Operation].named
	}
	if v == nil {
		return nil, Answer{}, &Refusal{Reason: missing}
	}
	if v.DeleteMarker {
		return nil, Answer{}, &Refusal{Reason: marker, Marker: v}
	}
	if s == Unversioned {
		return v, Answer{}, nil
	}
	return v, Answer{VersionID: v.ID()}, nil
}
