package store

import (
	"context"

	"github.com/seed61737384/tombstone/versioning"
)

// ACLRequest replaces the access control list of an object version.
type ACLRequest struct {
	Bucket, Key string
	ID          versioning.ID // zero for the current entry
	// Build returns the list as it is to be kept of a version of owner; the store does
	// not read it. Nil: the private one, which names nobody but the owner. An error
	// refuses the change and is returned. It is pure, and may be called more than once.
	Build func(owner Owner) ([]byte, error)
	// Authorize is asked about the entry that is named, or else the current one.
	Authorize Authorize
	Made      Maker
}

// SetACL replaces the access control list of a version and returns the value of
// x-amz-version-id, empty if it is not sent (spec VD4-23). The version stays what
// it is: its owner, Last-Modified and ETag do not change (spec VD4-24). A delete
// marker is a [versioning.Refusal] that carries the marker (spec VD4-4).
func (s *Store) SetACL(ctx context.Context, r ACLRequest) (versionHeader string, err error) {
	versionHeader, err = s.amend(ctx, &amendment{
		operation: versioning.PutObjectACL, bucket: r.Bucket, key: r.Key, id: r.ID, authorize: r.Authorize, made: &r.Made,
		change: func(h *history, rec *record) error {
			acl, err := r.Build(h.ownerOf(rec))
			if err == nil {
				rec.acl = acl
			}
			return err
		},
	})
	if err != nil {
		return "", &Error{Op: "set access control list", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}

// ownerOf returns the owner of an entry.
func (h *history) ownerOf(rec *record) Owner {
	if rec.owner != nil {
		return *rec.owner
	}
	return h.bucket.row.Load().Owner
}
