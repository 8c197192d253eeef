package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetObjectTagging shows the tags of a version (spec VD4-5, VD4-23).
func prepareGetObjectTagging(x *exchange) (task, error) {
	return task{run: func() error {
		o, err := x.h.store.Head(x.Context(), x.readRequest(versioning.GetObjectTagging))
		if err != nil {
			return err
		}
		x.setNonEmpty("x-amz-version-id", o.VersionHeader)
		return x.tagging(o.Tags)
	}}, nil
}

// preparePutObjectTagging replaces the tags of a version, which stays the version
// it is (spec VD4-23, VD4-24).
func preparePutObjectTagging(x *exchange) (task, error) {
	data, err := x.readDocument(maxSmallDocument)
	if err != nil {
		return task{}, err
	}
	if len(data) == 0 {
		return task{}, refuse("MissingRequestBodyError")
	}
	tags, err := objectTags.parse(data)
	if err != nil {
		return task{}, err
	}
	return task{tags: tags, run: func() error { return x.setTags(tags, http.StatusOK) }}, nil
}

// prepareDeleteObjectTagging removes the tags of a version.
func prepareDeleteObjectTagging(x *exchange) (task, error) {
	return task{run: func() error {
		x.ignoreBody()
		return x.setTags(nil, http.StatusNoContent)
	}}, nil
}

func (x *exchange) setTags(tags []store.Tag, status int) error {
	header, err := x.h.store.SetTags(x.Context(), store.TagRequest{
		Bucket: x.bucket, Key: x.key, ID: x.version, Tags: tags, Authorize: x.guard(), Made: x.maker(),
	})
	if err != nil {
		return err
	}
	x.setNonEmpty("x-amz-version-id", header)
	x.WriteHeader(status)
	return nil
}
