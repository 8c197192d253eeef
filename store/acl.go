package store

import (
	"context"

	"github.com/seed61737384/tombstone/store/engine"
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
	versionHeader, err = s.setACL(ctx, &r)
	if err != nil {
		return "", &Error{Op: "set access control list", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}

func (s *Store) setACL(ctx context.Context, r *ACLRequest) (versionHeader string, err error) {
	if s.closed.Load() {
		return "", ErrClosed
	}
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return "", err
	}
	if err := checkKey(r.Key); err != nil {
		return "", err
	}
	e := aclEdit(r)
	if err := s.change(ctx, b, []*edit{e}); err != nil {
		return "", err
	}
	return s.FormatVersionID(e.answer.VersionID), e.err
}

func aclEdit(r *ACLRequest) *edit {
	rule := versioning.ReadRequest{Operation: versioning.PutObjectACL, ID: r.ID}
	var order versioning.Order // of the version, 0 if the rules refuse
	return &edit{
		key: r.Key, id: r.ID, made: &r.Made, authorize: r.Authorize,
		needs: func(versioning.State) versioning.Needs { return rule.Needs() },
		plan: func(state versioning.State, f versioning.Facts, _ versioning.Order) (versioning.Plan, error) {
			v, answer, err := versioning.Read(state, f, &rule)
			if err != nil {
				return versioning.Plan{}, err
			}
			order = v.Order
			return versioning.Plan{Answer: answer}, nil
		},
		amend: func(rd engine.Reader, h *history) error {
			var refused error
			err := h.amend(rd, order, func(rec *record) {
				var acl []byte
				if acl, refused = r.Build(h.ownerOf(rec)); refused == nil {
					rec.acl = acl
				}
			})
			if err == nil {
				err = refused
			}
			return err
		},
	}
}

// ownerOf returns the owner of an entry.
func (h *history) ownerOf(rec *record) Owner {
	if rec.owner != nil {
		return *rec.owner
	}
	return h.bucket.row.Load().Owner
}
