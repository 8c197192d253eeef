package store

import (
	"context"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Tag is a tag of an object version.
type Tag struct{ Key, Value string }

// TagRequest replaces the tags of an object version; none removes them.
type TagRequest struct {
	Bucket, Key string
	ID          versioning.ID // zero for the current entry
	Tags        []Tag
	Authorize   Authorize
	Made        Maker
}

// SetTags replaces the tags of a version and returns the value of
// x-amz-version-id, empty if it is not sent (spec VD4-23). The version stays what
// it is: its Last-Modified and ETag do not change (spec VD4-24). A delete marker is
// a [versioning.Refusal] that carries the marker (spec VD4-5).
func (s *Store) SetTags(ctx context.Context, r TagRequest) (versionHeader string, err error) {
	versionHeader, err = s.setTags(ctx, &r)
	if err != nil {
		return "", &Error{Op: "set tags", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}

func (s *Store) setTags(ctx context.Context, r *TagRequest) (versionHeader string, err error) {
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
	e := tagEdit(r)
	if err := s.change(ctx, b, []*edit{e}); err != nil {
		return "", err
	}
	return s.FormatVersionID(e.answer.VersionID), e.err
}

func tagEdit(r *TagRequest) *edit {
	rule := versioning.ReadRequest{Operation: versioning.PutObjectTagging, ID: r.ID}
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
			return h.amend(rd, order, func(rec *record) { rec.tags = r.Tags })
		},
	}
}
