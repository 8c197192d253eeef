package api

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// rulesToTell returns the rules that the headers of an answer tell of, nil if there are
// none. That they cannot be read spoils no answer, for it has been decided what it is:
// the log has it, and the headers are left out.
func (x *exchange) rulesToTell() *lifecycle.Config {
	c, err := x.rules()
	if err != nil && !errors.Is(err, store.ErrNoSuchBucket) && !x.clientGone(err) {
		x.logFailure(fmt.Errorf("headers of lifecycle rules: %w", err))
	}
	return c
}

// setExpiration says when a rule will expire the object of the request's key, which is
// current, and which rule that is (spec LC5-1). Of a version that is asked for by its id
// it says nothing, be it the current one.
func (x *exchange) setExpiration(size int64, modified time.Time, tags []store.Tag) {
	if _, named := x.query.lookup("versionId"); named {
		return
	}
	if c := x.rulesToTell(); c != nil {
		x.setExpirationBy(c, size, modified, tags)
	}
}

func (x *exchange) setExpirationBy(c *lifecycle.Config, size int64, modified time.Time, tags []store.Tag) {
	e := lifecycle.Entry{Key: x.key, Size: size, LastModified: modified}
	for _, t := range tags {
		e.Tags = append(e.Tags, lifecycle.Tag(t))
	}
	if rule, due, ok := c.ForCurrent(&e); ok {
		x.set("x-amz-expiration", lifecycle.ExpirationHeader(rule, due))
	}
}

// setCompletedExpiration is setExpiration for the object that an upload in parts became,
// whose tags were given when it began. Where there are rules it is looked at once more;
// one that has gone meanwhile is not told of.
func (x *exchange) setCompletedExpiration(result *store.CompleteResult) {
	c := x.rulesToTell()
	if c == nil {
		return
	}
	o, err := x.h.store.Head(x.Context(), store.ReadRequest{Bucket: x.bucket, Key: x.key, Operation: versioning.HeadObject})
	if err == nil && o.ETag == result.ETag && o.LastModified.Equal(result.LastModified) {
		x.setExpirationBy(c, o.Size, o.LastModified, o.Tags)
	}
}

// setAbort says when a rule will abort an upload of the request's key, and which rule
// that is (spec LC5-2).
func (x *exchange) setAbort(initiated time.Time) {
	c := x.rulesToTell()
	if c == nil {
		return
	}
	if rule, due, ok := c.ForUpload(x.key, initiated); ok {
		date, id := lifecycle.AbortHeaders(rule, due)
		x.set("x-amz-abort-date", date)
		x.set("x-amz-abort-rule-id", id)
	}
}
