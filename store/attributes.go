package store

import (
	"context"

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
	versionHeader, err = s.amend(ctx, &amendment{
		operation: versioning.PutObjectTagging, bucket: r.Bucket, key: r.Key, id: r.ID, authorize: r.Authorize, made: &r.Made,
		change: func(_ *history, rec *record) error {
			rec.tags = r.Tags
			return nil
		},
	})
	if err != nil {
		return "", &Error{Op: "set tags", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}
