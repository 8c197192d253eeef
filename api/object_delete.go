package api

import (
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
	for _, c := range directoryConditions {
		if x.sent(c.canonical) {
			return task{}, notImplemented(c.name, "")
		}
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
		BypassGovernance: x.bypasses(), Made: x.maker(), Owner: x.h.owner,
	}
	token := !x.version.IsZero() && x.found.MFADelete == store.MFADeleteEnabled // spec OL2-7
	return task{bypass: true, mfa: true, token: token, run: func() error { return x.deleteObject(r) }}, nil
}

func (x *exchange) deleteObject(r store.DeleteRequest) error {
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
