package api

import (
	"io"
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// directoryConditions are the conditions on deletes that only directory buckets
// know, in the order in which they are named (spec VD6-8).
var directoryConditions = []struct{ canonical, name string }{
	{"X-Amz-If-Match-Last-Modified-Time", "x-amz-if-match-last-modified-time"},
	{"X-Amz-If-Match-Size", "x-amz-if-match-size"},
}

// prepareDeleteObject reads a DeleteObject. What it means is the store's to say;
// a body is ignored (spec WI2-8).
func prepareDeleteObject(x *exchange) (task, error) {
	if err := x.checkDirectoryConditions(); err != nil {
		return task{}, err
	}
	if err := x.checkEmptyConditions(); err != nil {
		return task{}, err
	}
	condition, err := versioning.DeleteCondition(x.header("If-Match"), x.version)
	if err != nil {
		return task{}, err
	}
	r := store.DeleteRequest{
		Key: x.key, ID: x.version, Condition: condition,
		Made: x.maker(), Owner: x.objectOwner(),
	}
	token := !x.version.IsZero() && x.found.MFADelete == store.MFADeleteEnabled // spec OL2-7
	return task{bypass: true, mfa: true, token: token, run: func() error { return x.deleteObject(r) }}, nil
}

// checkDirectoryConditions refuses the conditions of directory buckets (spec VD6-8).
func (x *exchange) checkDirectoryConditions() error {
	for _, c := range directoryConditions {
		if x.sent(c.canonical) {
			return notImplemented(c.name, "")
		}
	}
	return nil
}

// maxIgnoredBody is how much of a body that means nothing is read, bytes.
const maxIgnoredBody = 8 << 20

// ignoreBody reads a body that means nothing, where the connection ends with the
// answer: left unread, it would make the system reset the connection and take the
// answer with it. A body that cannot be read does not matter either.
func (x *exchange) ignoreBody() {
	if x.r.Close && x.r.ContentLength != 0 {
		_, _ = io.CopyN(io.Discard, x.r.Body, maxIgnoredBody)
	}
}

func (x *exchange) deleteObject(r store.DeleteRequest) error {
	x.ignoreBody()
	r.MFA, r.Authorize = x.token, x.guard()
	if !r.ID.IsZero() { // to add a marker there is nothing to bypass
		var err error
		if r.BypassGovernance, err = x.bypass(x.asks(bypassLock)); err != nil {
			return err
		}
		r.MayBypass = x.mayBypass(x.asks(bypassLock))
	}
	result, err := x.h.store.Delete(x.Context(), x.bucket, r)
	if err != nil {
		return conflicting(err, r.Condition, true, x.key)
	}
	x.setNonEmpty("x-amz-version-id", result.VersionHeader)
	if result.DeleteMarker {
		x.set("x-amz-delete-marker", "true")
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}
