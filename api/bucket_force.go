package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
)

// forceHeaders ask a DeleteBucket to empty the bucket first, in canonical form. MinIO's
// clients send the second.
var forceHeaders = []string{"X-Tombstone-Force", "X-Minio-Force-Delete"}

// forces reports whether the request asks for what is in the bucket to be deleted with
// it. That counts where the server was started so that it does, and if the header is
// signed: nothing that somebody on the way added destroys a bucket.
func (x *exchange) forces() bool {
	if !x.h.allowForce || x.h.jobs == nil {
		return false
	}
	for _, name := range forceHeaders {
		signed := slices.Contains(x.session.SignedHeaders, strings.ToLower(name))
		if signed && strings.EqualFold(x.header(name), "true") {
			return true
		}
	}
	return false
}

// forceDelete empties the bucket and deletes it, as a job with the rights of the caller.
// It answers when the job is done; if the caller goes away, the job goes on. What locks
// keep, or the caller may not delete, keeps the bucket. The job needs no permission of
// its own, for it stands for deletes, but who is denied to start it may not this way either.
func (x *exchange) forceDelete() error {
	if err := x.askDenied(&question{x: x, action: emptyAction, bucket: &x.found}); err != nil {
		return err
	}
	j, err := x.start(&jobs.Spec{
		Kind: jobs.Empty, DeleteBucket: true, Uploads: true, BypassGovernance: x.bypasses(),
	})
	if err != nil {
		return err
	}
	j, err = x.h.jobs.Wait(x.Context(), j.ID)
	switch {
	case err != nil:
		return jobRefusal(err)
	case j.Deleted:
		x.WriteHeader(http.StatusNoContent)
		return nil
	case j.State == jobs.Cancelled:
		return refuseWith("OperationAborted", "The job "+j.ID+" that empties the bucket was cancelled.")
	case j.Counts.Remain():
		err := x.notEmpty(store.ErrBucketNotEmpty)
		var f *failure
		if errors.As(err, &f) {
			f.message = "The bucket you tried to delete is not empty. Job " + j.ID + ": " + j.Error + "."
		}
		return err
	}
	return x.forceFailed(&j)
}

// forceFailed answers why the job of a forced DeleteBucket failed, as the requests would
// that it stands for. What is inside the server is in its log.
func (x *exchange) forceFailed(j *jobs.Job) error {
	var gone starterGone
	switch f := translate(j.Cause, place{method: x.r.Method}); {
	case errors.Is(j.Cause, jobs.ErrNoSuchBucket):
		return &failure{code: "NoSuchBucket", cause: j.Cause}
	case errors.As(j.Cause, &gone):
		return &failure{code: "AccessDenied", cause: j.Cause}
	case f.code != "InternalError":
		return f
	}
	return &failure{code: "InternalError", cause: errors.New("job " + j.ID + ": " + j.Error)}
}
