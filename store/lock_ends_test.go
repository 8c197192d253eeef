package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/versioning"
)

// The retentions that end in a span are found over pages, with holds and without,
// and none besides.
func TestEndingRetentions(t *testing.T) {
	manual := clock.NewManual(start2026)
	s := openTest(t, nil, func(o *Options) { o.Clock = manual })
	after := func(d time.Duration) time.Time { return start2026.Add(d) }
	for _, name := range []string{"b", "a"} {
		if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: name, Owner: testOwner, ObjectLock: true}); err != nil {
			t.Fatal(err)
		}
	}
	for key, l := range map[string]versioning.Lock{
		"past":   {Mode: versioning.Compliance, Until: after(time.Minute)},
		"first":  {Mode: versioning.Compliance, Until: after(time.Hour)},
		"held":   {Mode: versioning.Governance, Until: after(time.Hour + time.Millisecond), Hold: versioning.HoldOn},
		"last":   {Mode: versioning.Governance, Until: after(2 * time.Hour)},
		"beyond": {Mode: versioning.Governance, Until: after(2*time.Hour + time.Millisecond)},
		"hold":   {Hold: versioning.HoldOn},
	} {
		mustLock(t, s, key, l)
	}
	manual.Advance(time.Minute)
	list := func(until time.Time) (found []string) {
		err := s.EndingRetentions(t.Context(), until, func(r EndingRetention) error {
			found = append(found, fmt.Sprintf("%s/%s %v", r.Bucket, r.Key, r.Until.Sub(start2026)))
			if r.VersionID == "" || r.Size == 0 {
				t.Errorf("%+v", r)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return found
	}
	want := []string{"b/first 1h0m0s", "b/held 1h0m0.001s", "b/last 2h0m0s"}
	if got := list(after(2 * time.Hour)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := list(after(time.Second)); got != nil {
		t.Errorf("before now: %q", got)
	}
	stop := errors.New("stop")
	if err := s.EndingRetentions(t.Context(), after(2*time.Hour), func(EndingRetention) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	many := maxPage + 1
	for i := range many {
		mustLock(t, s, fmt.Sprint("many", i), versioning.Lock{Mode: versioning.Governance, Until: after(3 * time.Hour)})
	}
	if got := list(after(3 * time.Hour)); len(got) != many+4 {
		t.Errorf("%d found of %d", len(got), many+4)
	}
}
