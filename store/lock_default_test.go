package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// Object Lock is turned on where versioning is Enabled, and never off; its default
// retention is replaced and removed, and survives a restart.
//
// spec: OL1.1-1, OL1.1-2, OL1.1-3, OL1.1-9, VD1-18
func TestSetObjectLock(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	for name, state := range map[string]versioning.State{"u": versioning.Unversioned, "s": versioning.Suspended} {
		mustBucket(t, s, name, state)
		if err := s.SetObjectLock(t.Context(), name, DefaultRetention{}, Maker{}); !errors.Is(err, versioning.InvalidBucketState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustBucket(t, s, "b", versioning.Enabled)
	if err := s.SetObjectLock(t.Context(), "none", DefaultRetention{}, Maker{}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	for _, bad := range []DefaultRetention{
		{Days: 1}, {Mode: versioning.Governance}, {Mode: versioning.Governance, Days: 1, Years: 1}, {Mode: 3, Days: 1},
		{Mode: versioning.Compliance, Days: -1}, {Mode: versioning.Compliance, Years: 101}, {Mode: versioning.Compliance, Days: 36501},
	} {
		if err := s.SetObjectLock(t.Context(), "b", bad, Maker{}); !errors.Is(err, errRetention) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, d := range []DefaultRetention{
		{}, {Mode: versioning.Governance, Days: 36500}, {Mode: versioning.Compliance, Years: 100}, {}, {Mode: versioning.Compliance, Days: 1},
	} {
		if err := s.SetObjectLock(t.Context(), "b", d, Maker{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, nil)
		b, err := s.Bucket(t.Context(), "b")
		if err != nil || !b.ObjectLock || b.Retention != d || b.Versioning != versioning.Enabled {
			t.Errorf("%+v, %v; want the default %+v", b, err, d)
		}
	}
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended}); !errors.Is(err, versioning.InvalidBucketState) {
		t.Error(err)
	}
	mustClean(t, s)
}

// A version that knows no default retention must not serve a bucket that has one.
func TestDefaultRetentionIsCritical(t *testing.T) {
	if bucketRowRetention >= 64 {
		t.Error("an older version would store objects without their lock")
	}
	for _, row := range [][]byte{
		{}, {1}, {1, 0x80}, {1, 1}, {0, 1, 0}, {1, 0, 0}, {1, 1, 1}, {3, 1, 0}, {1, 1, 0, 0},
	} {
		ok := true
		if d := decodeRetention(row, &ok); ok {
			t.Errorf("%x is read as %+v", row, d)
		}
	}
}

func TestDefaultRetentionUntil(t *testing.T) {
	leap := time.Date(2028, 2, 29, 1, 2, 3, 0, time.UTC)
	late := time.Date(9950, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := (DefaultRetention{Mode: versioning.Governance, Years: 50}).Until(late); !got.Equal(endOfTime) {
		t.Errorf("%v", got)
	}
	for d, want := range map[DefaultRetention]time.Time{
		{Mode: versioning.Governance, Days: 1}:  time.Date(2028, 3, 1, 1, 2, 3, 0, time.UTC),
		{Mode: versioning.Governance, Years: 1}: time.Date(2029, 3, 1, 1, 2, 3, 0, time.UTC),
		{Mode: versioning.Governance, Years: 4}: time.Date(2032, 2, 29, 1, 2, 3, 0, time.UTC),
	} {
		if got := d.Until(leap); !got.Equal(want) {
			t.Errorf("%+v: %v, want %v", d, got, want)
		}
	}
}

// TestDefaultRetention makes objects in every way in a bucket with a default. It
// begins when the version does, of an upload when that is completed; a mode that the
// request sets wins, and a hold is set besides.
//
// spec: OL1.2-2, OL1.2-3, OL1.2-4
func TestDefaultRetention(t *testing.T) {
	s, manual := locked(t)
	source := mustLock(t, s, "source", versioning.Lock{Mode: versioning.Compliance, Until: manual.Now().Add(time.Hour), Hold: versioning.HoldOn})
	daily := DefaultRetention{Mode: versioning.Governance, Days: 1}
	if err := s.SetObjectLock(t.Context(), "b", daily, Maker{}); err != nil {
		t.Fatal(err)
	}
	explicit := versioning.Lock{Mode: versioning.Compliance, Until: manual.Now().Add(72 * time.Hour)}
	held := versioning.Lock{Hold: versioning.HoldOn}
	for what, store := range map[string]func(key string, l versioning.Lock){
		"put": func(key string, l versioning.Lock) { mustLock(t, s, key, l) },
		"copy": func(key string, l versioning.Lock) {
			r := copyOf("source", source, key)
			r.Lock = l
			mustCopy(t, s, r)
		},
		"upload": func(key string, l versioning.Lock) {
			name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: key, Lock: l})
			part := mustPart(t, s, name, 1, "the only part")
			manual.Advance(time.Minute)
			mustComplete(t, s, name, part)
		},
	} {
		for _, lock := range []versioning.Lock{{}, held, explicit, {Mode: explicit.Mode, Until: explicit.Until, Hold: versioning.HoldOff}} {
			store(what, lock)
			want := lock
			if lock.Mode == versioning.NoRetention {
				want.Mode, want.Until = daily.Mode, manual.Now().Add(24*time.Hour)
			}
			if got := lockOf(t, s, what, versioning.ID{}); got != want {
				t.Errorf("%s with %+v: %+v, want %+v", what, lock, got, want)
			}
		}
	}
	mustClean(t, s)
	if err := s.SetObjectLock(t.Context(), "b", DefaultRetention{}, Maker{}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "b", "put", "x")
	if got := lockOf(t, s, "put", versioning.ID{}); !got.IsZero() {
		t.Errorf("without a default: %+v", got)
	}
	mustDelete(t, s, "b", "put", versioning.ID{})
	mustClean(t, s)
}

// busyClock lets two minutes go by whenever it is read: who reads it is held up.
type busyClock struct{ *clock.Manual }

func (c busyClock) Now() time.Time {
	c.Advance(2 * time.Minute)
	return c.Manual.Now()
}

// A default retention begins when the version was made, however long it takes to
// store it.
//
// spec: OL1.2-3
func TestDefaultRetentionOfBusyStore(t *testing.T) {
	s := openTest(t, nil, func(o *Options) { o.Clock = busyClock{clock.NewManual(start2026)} })
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetObjectLock(t.Context(), "b", DefaultRetention{Mode: versioning.Governance, Days: 1}, Maker{}); err != nil {
		t.Fatal(err)
	}
	mustLock(t, s, "put", versioning.Lock{})
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "upload"})
	mustComplete(t, s, name, mustPart(t, s, name, 1, "the only part"))
	for _, key := range []string{"put", "upload"} {
		o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if want := o.LastModified.AddDate(0, 0, 1); !o.Lock.Until.Equal(want) {
			t.Errorf("%s: until %v, want %v", key, o.Lock.Until, want)
		}
	}
}

// Versions that a default is set after have no lock, and delete markers get none.
//
// spec: OL1.4-1
func TestDefaultRetentionIsForNewVersions(t *testing.T) {
	s, _ := locked(t)
	old := mustLock(t, s, "k", versioning.Lock{})
	if err := s.SetObjectLock(t.Context(), "b", DefaultRetention{Mode: versioning.Compliance, Years: 1}, Maker{}); err != nil {
		t.Fatal(err)
	}
	marker := mustID(t, s, mustDelete(t, s, "b", "k", versioning.ID{}).VersionHeader)
	mustDelete(t, s, "b", "k", marker)
	mustDelete(t, s, "b", "k", old)
	if rows := allRows(t, s); slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, "K") }) {
		t.Error("a lock row is left")
	}
	mustClean(t, s)
}
