package store

import (
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/versioning"
)

func mustRemains(t *testing.T, s *Store) Remains {
	t.Helper()
	r, err := s.Remains(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	r.Statistics = Statistics{}
	return r
}

// Remains names a key of each kind that there is.
func TestRemains(t *testing.T) {
	ticks := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s := openTest(t, nil, func(o *Options) { o.Clock = ticks })
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	want := Remains{}
	step := func(what string, change func(*Remains)) {
		t.Helper()
		change(&want)
		if got := mustRemains(t, s); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	step("empty", func(*Remains) {})
	mustCreate(t, s, UploadRequest{Bucket: "b", Key: "u"})
	step("an upload", func(r *Remains) { r.SampleUpload = "u" })
	mustDelete(t, s, "b", "d", versioning.ID{})
	step("a marker", func(r *Remains) { r.SampleMarker = "d" })
	put("k", "l")(t, s)
	step("objects", func(r *Remains) { r.SampleObject = "k" })
	id := mustID(t, s, mustPut(t, s, "b", "l", "newer").VersionHeader)
	step("a noncurrent version", func(r *Remains) { r.SampleNoncurrent = "l" })
	r := RetentionRequest{Bucket: "b", Key: "l", ID: id, Mode: versioning.Compliance, Until: s.now().Add(time.Hour)}
	if _, err := s.SetRetention(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	step("a locked version", func(r *Remains) { r.SampleLocked = "l" })
	ticks.Advance(2 * time.Hour)
	step("a lock that ended", func(r *Remains) { r.SampleLocked = "" })
	if _, err := s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", Hold: versioning.HoldOn}); err != nil {
		t.Fatal(err)
	}
	step("a hold", func(r *Remains) { r.SampleLocked = "k" })
	got, err := s.Remains(t.Context(), "b")
	if err != nil || got.Statistics != mustStatistics(t, s, "b") || got.Objects != 2 || got.Locked != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.Remains(t.Context(), "none"); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}

// However much a bucket has, Remains reads no more than its thousand rows, and only as
// many as it needs.
func TestRemainsCost(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 1, false, numbered("key", 3000)...)
	cost := p.cost(func() { mustRemains(t, s) })
	if cost.rows() != 1 {
		t.Errorf("objects alone cost %v", cost)
	}
	mustDelete(t, s, "b", "zzz", versioning.ID{})
	cost = p.cost(func() {
		if got := mustRemains(t, s); got.SampleMarker != "" {
			t.Errorf("%+v", got)
		}
	})
	if cost.rows() > remainsRows {
		t.Errorf("a marker behind many objects costs %v", cost)
	}
	mustDelete(t, s, "b", "aaa", versioning.ID{})
	if cost = p.cost(func() { mustRemains(t, s) }); cost.rows() != 2 {
		t.Errorf("a marker before them costs %v", cost)
	}
}
