package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// locked is a store with a bucket that has Object Lock, and the clock of both.
func locked(t *testing.T) (*Store, *clock.Manual) {
	t.Helper()
	manual := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s := openTest(t, nil, func(o *Options) { o.Clock = manual })
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	return s, manual
}

// mustLock puts a body that is kept in a file, with a lock.
func mustLock(t *testing.T, s *Store, key string, lock versioning.Lock) versioning.ID {
	t.Helper()
	body := strings.Repeat("x", 200)
	res, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: key, Body: strings.NewReader(body), Size: 200, Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	if res.VersionHeader == "" {
		return versioning.Null
	}
	return mustID(t, s, res.VersionHeader)
}

func countTable(t *testing.T, s *Store, which table) (n int) {
	t.Helper()
	for _, row := range allRows(t, s) {
		if row[0] == byte(which) {
			n++
		}
	}
	return n
}

// keyRows are the rows of the tables that only requests about keys change.
func keyRows(t *testing.T, s *Store) []string {
	t.Helper()
	return slices.DeleteFunc(allRows(t, s), func(row string) bool { return !strings.Contains("HLVDKUP", row[:1]) })
}

// TestLockedVersions holds who may destroy a version with a lock, and when.
//
// spec: OL1.2-1, OL1.4-2, OL1.4-3, OL1.4-5, OL1.4-6, OL1.4-9, VD3.3-10
func TestLockedVersions(t *testing.T) {
	s, manual := locked(t)
	hour := func(mode versioning.Mode, hold versioning.Hold) versioning.Lock {
		return versioning.Lock{Mode: mode, Hold: hold}
	}
	for _, c := range []struct {
		name           string
		lock           versioning.Lock // retention ends in an hour
		plain, bypass  bool            // may be destroyed at once
		later          bool            // may be destroyed after the retention
		rows, settings int
	}{
		{"none", versioning.Lock{}, true, true, true, 0, 0},
		{"governance", hour(versioning.Governance, 0), false, true, true, 1, 1},
		{"compliance", hour(versioning.Compliance, 0), false, false, true, 1, 1},
		{"hold", versioning.Lock{Hold: versioning.HoldOn}, false, false, false, 1, 1},
		{"lifted hold", versioning.Lock{Hold: versioning.HoldOff}, true, true, true, 0, 1},
		{"both", hour(versioning.Governance, versioning.HoldOn), false, false, false, 2, 1},
		{"expired", versioning.Lock{Mode: versioning.Compliance, Until: manual.Now()}, true, true, true, 1, 1},
	} {
		for _, try := range []struct {
			what   string
			bypass bool
			after  time.Duration
			want   bool
		}{
			{"plain", false, 0, c.plain}, {"with bypass", true, 0, c.bypass},
			{"a millisecond before", false, time.Hour - time.Millisecond, c.plain}, {"later", false, time.Hour, c.later},
		} {
			if c.lock.Mode != versioning.NoRetention && c.name != "expired" {
				c.lock.Until = manual.Now().Add(time.Hour)
			}
			id := mustLock(t, s, c.name, c.lock)
			o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: c.name, ID: id})
			if err != nil || !o.Lock.Until.Equal(c.lock.Until) || o.Lock.Mode != c.lock.Mode || o.Lock.Hold != c.lock.Hold {
				t.Errorf("%s: reads show %+v, %v", c.name, o.Lock, err)
			}
			if rows, stats := countTable(t, s, lockTable), mustStatistics(t, s, "b"); rows != c.rows || stats.Locked != int64(c.settings) {
				t.Errorf("%s: %d lock rows, %d locked versions; want %d and %d", c.name, rows, stats.Locked, c.rows, c.settings)
			}
			mustClean(t, s)
			manual.Advance(try.after)
			_, err = s.Delete(t.Context(), "b", DeleteRequest{Key: c.name, ID: id, BypassGovernance: try.bypass})
			if try.want != (err == nil) || err != nil && !errors.Is(err, versioning.ObjectLocked) {
				t.Errorf("%s %s: %v", c.name, try.what, err)
			}
			if err != nil {
				mustRead(t, s, "b", c.name, id, strings.Repeat("x", 200))
				lift(t, s, c.name, id)
			}
			if rows, stats := countTable(t, s, lockTable), mustStatistics(t, s, "b"); rows != 0 || stats.Locked != 0 {
				t.Errorf("%s: %d lock rows, %d locked versions are left", c.name, rows, stats.Locked)
			}
		}
	}
	mustClean(t, s)
}

// lift destroys a version after its lock was taken from it, against all rules.
func lift(t *testing.T, s *Store, key string, id versioning.ID) {
	t.Helper()
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	unlock := &amendment{operation: versioning.PutObjectRetention, key: key, id: id, ofLock: true, change: func(_ *history, rec *record) error {
		rec.lock = versioning.Lock{}
		return nil
	}}
	e := unlock.edit(b)
	if err := s.change(t.Context(), b, []*edit{e}); err != nil || e.err != nil {
		t.Fatal(err, e.err)
	}
	mustDelete(t, s, "b", key, id)
}

// What hides a locked version or adds to it is allowed.
//
// spec: OL1.4-1, OL1.4-7, OL1.4-10, OL1.4-11
func TestLockedVersionsCanBeHidden(t *testing.T) {
	s, manual := locked(t)
	id := mustLock(t, s, "k", versioning.Lock{Mode: versioning.Compliance, Until: manual.Now().Add(time.Hour)})
	marker := mustDelete(t, s, "b", "k", versioning.ID{})
	mustDelete(t, s, "b", "k", mustID(t, s, marker.VersionHeader))
	mustPut(t, s, "b", "k", "over it")
	mustRead(t, s, "b", "k", id, strings.Repeat("x", 200))
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); !errors.Is(err, ErrBucketNotEmpty) {
		t.Error(err)
	}
	mustClean(t, s)
}

// One refused entry of DeleteObjects does not hinder the others.
//
// spec: OL1.4-8, VD5-19
func TestDeleteObjectsWithLocks(t *testing.T) {
	s, manual := locked(t)
	until := manual.Now().Add(time.Hour)
	governed := mustLock(t, s, "k", versioning.Lock{Mode: versioning.Governance, Until: until})
	free := mustLock(t, s, "k", versioning.Lock{})
	held := mustLock(t, s, "k", versioning.Lock{Hold: versioning.HoldOn})
	rs := []DeleteRequest{
		{Key: "k", ID: held, BypassGovernance: true}, {Key: "k", ID: governed}, {Key: "k", ID: free}, {Key: "k"}, {Key: "\x00"},
	}
	check := func(results []DeleteResult, want ...error) {
		t.Helper()
		for i, r := range results {
			if !errors.Is(r.Err, want[i]) {
				t.Errorf("entry %d: %v, want %v", i, r.Err, want[i])
			}
		}
	}
	results, err := s.DeleteObjects(t.Context(), "b", rs)
	if err != nil {
		t.Fatal(err)
	}
	check(results, versioning.ObjectLocked, versioning.ObjectLocked, nil, nil, ErrInvalidKey)
	if got, want := historyText(t, s, "b"), "k[D] kv kv"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	rs[1].BypassGovernance = true
	if results, err = s.DeleteObjects(t.Context(), "b", rs[:3]); err != nil {
		t.Fatal(err)
	}
	check(results, versioning.ObjectLocked, nil, nil)
	if stats := mustStatistics(t, s, "b"); stats.Locked != 1 || countTable(t, s, lockTable) != 1 {
		t.Errorf("%+v", stats)
	}
	mustClean(t, s)
}

// forceObjectLock gives bucket b Object Lock in whatever state it is.
func forceObjectLock(t *testing.T, s *Store) {
	t.Helper()
	force := func(row *bucketRow) error { row.ObjectLock = true; return nil }
	if err := s.changeBucket(t.Context(), "b", Maker{}, force); err != nil {
		t.Fatal(err)
	}
}

// forceState brings bucket b into a state that Object Lock does not let it get to.
func forceState(t *testing.T, s *Store, state versioning.State) {
	t.Helper()
	force := func(row *bucketRow) error { row.Versioning = state; return nil }
	if err := s.changeBucket(t.Context(), "b", Maker{}, force); err != nil {
		t.Fatal(err)
	}
}

// A locked null version is not replaced. S3 has no such thing, for a bucket with
// Object Lock stays Enabled, but a folder may.
func TestLockedNullIsNotReplaced(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Suspended} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", state)
		forceObjectLock(t, s)
		mustLock(t, s, "k", versioning.Lock{Hold: versioning.HoldOn})
		before := keyRows(t, s)
		_, put := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(strings.Repeat("y", 300)), Size: 300})
		_, remove := s.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
		for what, err := range map[string]error{"put": put, "delete": remove} {
			if !errors.Is(err, versioning.ObjectLocked) {
				t.Errorf("%v %s: %v", state, what, err)
			}
		}
		if after := keyRows(t, s); !slices.Equal(before, after) {
			t.Errorf("%v: rows were %q and are %q", state, before, after)
		}
		if files := blobFiles(t, s.fs); len(files) != 1 {
			t.Error("files:", files)
		}
		mustClean(t, s)
	}
}

// A clock that was set back does not shorten a retention that a reader could rely
// on: object time does not fall below what was made durable.
//
// spec: OL1.4-9
func TestClockStepsBack(t *testing.T) {
	s, manual := locked(t)
	manual.Advance(24 * time.Hour)
	mustLock(t, s, "far", versioning.Lock{}) // moves the ceiling, and the floor with it
	floor := s.now()
	manual.Advance(-48 * time.Hour)
	if now := s.now(); now.Before(floor) {
		t.Errorf("object time fell from %v to %v", floor, now)
	}
	err := s.view(t.Context(), func(r engine.Reader) error {
		m, _, err := readMeta(r)
		if err == nil && m.clockFloor.Before(floor) {
			t.Errorf("the floor on disk is %v, below %v", m.clockFloor, floor)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
