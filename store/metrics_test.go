package store

import (
	"strings"
	"testing"
)

// The figures follow what is done, and are zero when there is nothing to read.
func TestMetrics(t *testing.T) {
	s, err := Open(t.TempDir(), Options{MinFree: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "bucket"}); err != nil {
		t.Fatal(err)
	}
	before := s.Metrics()
	after := before
	// The engine counts a sync a moment after it answers, at the latest when the next
	// one begins.
	for puts := 0; puts < 100 && after.LogSyncs <= before.LogSyncs; puts++ {
		body := strings.NewReader(strings.Repeat("x", 1000))
		if _, err := s.Put(t.Context(), PutRequest{Bucket: "bucket", Key: "k", Body: body, Size: body.Size()}); err != nil {
			t.Fatal(err)
		}
		after = s.Metrics()
	}
	if after.LogSyncs <= before.LogSyncs || after.LogSyncSeconds <= before.LogSyncSeconds || after.LogSyncSeconds > 60 {
		t.Errorf("syncs went from %d in %v s to %d in %v s", before.LogSyncs, before.LogSyncSeconds, after.LogSyncs, after.LogSyncSeconds)
	}
	if after.MemTableBytes == 0 || after.IndexBytes == 0 || after.MinFree != 1<<20 || after.DiskFreeKnown != (after.DiskFree > 0) {
		t.Errorf("%+v", after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if closed := s.Metrics(); closed.LogSyncs != 0 || closed.MemTableBytes != 0 {
		t.Errorf("closed: %+v", closed)
	}
}
