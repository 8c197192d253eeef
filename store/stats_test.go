package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// recount counts what a bucket lists.
func recount(t *testing.T, s *Store, bucket string) (c Statistics) {
	t.Helper()
	r := VersionsRequest{Bucket: bucket, Limit: maxPage}
	for more := true; more; {
		page := mustVersions(t, s, r)
		for _, e := range page.Entries {
			switch {
			case e.DeleteMarker:
				c.DeleteMarkers++
			case e.Latest:
				c.Objects++
				c.ObjectBytes += e.Size
			default:
				c.Noncurrent++
				c.NoncurrentBytes += e.Size
			}
			if e.Lock != (versioning.Lock{}) {
				c.Locked++
			}
		}
		more = page.Truncated
		if more {
			r.KeyMarker, r.IDMarker = page.NextKeyMarker, mustID(t, s, page.NextVersionIDMarker)
		}
	}
	return c
}

// settled returns the statistics of a bucket when nothing waits for reclaim.
func settled(t *testing.T, s *Store, bucket string) Statistics {
	t.Helper()
	mustReclaimed(t, s)
	return mustStatistics(t, s, bucket)
}

// TestStatistics holds the counters, in memory and on disk, against what there is
// after random changes one by one and many at once.
func TestStatistics(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	forceObjectLock(t, s)
	for step := range 600 {
		if step == 150 || step > 150 && rng.IntN(40) == 0 {
			forceState(t, s, versioning.Enabled+versioning.State(rng.IntN(2)))
		}
		randomChange(t, s, rng)
		if step%100 == 99 {
			want := recount(t, s, "b")
			if got := settled(t, s, "b"); got != want {
				t.Fatalf("step %d: %+v, want %+v", step, got, want)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, fs, nil)
			if got := settled(t, s, "b"); got != want {
				t.Fatalf("step %d, restarted: %+v, want %+v", step, got, want)
			}
			mustClean(t, s)
		}
	}
}

// randomChange puts or deletes something in bucket b.
func randomChange(t *testing.T, s *Store, rng *rand.Rand) {
	t.Helper()
	key := func() string { return fmt.Sprint("k", rng.IntN(4)) }
	switch rng.IntN(5) {
	case 0, 1:
		body := strings.Repeat("x", rng.IntN(200))
		r := PutRequest{Bucket: "b", Key: key(), Body: strings.NewReader(body), Size: int64(len(body))}
		if rng.IntN(8) == 0 {
			r.Lock = versioning.Lock{Mode: versioning.Governance, Until: start2026.Add(-time.Hour), Hold: versioning.HoldOff}
		}
		if _, err := s.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	case 2:
		mustDelete(t, s, "b", key(), versioning.ID{})
	case 3:
		rs := []DeleteRequest{{Key: key()}, {Key: key(), ID: versioning.Null}, {Key: key()}, {Key: key(), ID: versioning.Null}}
		for _, e := range mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: 1 + rng.IntN(5)}).Entries {
			rs = append(rs, DeleteRequest{Key: e.Key, ID: mustID(t, s, e.VersionID)})
		}
		rng.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		results, err := s.DeleteObjects(t.Context(), "b", rs)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatal(rs[i], r.Err)
			}
		}
	default:
		mustDelete(t, s, "b", key(), versioning.Null)
	}
}
