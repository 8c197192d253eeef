package upkeep

import (
	"testing"
	"time"

	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// An upload that began since the start of a job stays, also if it began in the same
// millisecond, or the clock was set back meanwhile.
func TestEmptyLeavesNewUploads(t *testing.T) {
	f := newFolder(t)
	f.bucket(versioning.Enabled, false)
	begin := func(key string) {
		t.Helper()
		if _, err := f.Store.CreateUpload(t.Context(), store.UploadRequest{Bucket: "b", Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	begin("old")
	r := jobs.NewRunner(jobs.Options{Store: f, Documents: f, Clock: f.clock})
	defer r.Close()
	j, err := r.Submit(t.Context(), jobs.Spec{Kind: jobs.Empty, Bucket: "b", Uploads: true})
	if err != nil {
		t.Fatal(err)
	}
	begin("at once")
	f.clock.Set(f.clock.Now().Add(-time.Hour))
	begin("set back")
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j, err = r.Wait(t.Context(), j.ID); err != nil || j.Counts != (jobs.Counts{Uploads: 1, Since: 2}) {
		t.Errorf("%+v %v", j.Counts, err)
	}
	left, err := f.Store.ListUploads(t.Context(), store.UploadsRequest{Bucket: "b", Limit: 10})
	if err != nil || len(left.Uploads) != 2 || left.Uploads[0].Key != "at once" || left.Uploads[1].Key != "set back" {
		t.Errorf("%+v %v", left.Uploads, err)
	}
}
