package store

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// lockOf is the lock of a version as reads show it.
func lockOf(t *testing.T, s *Store, key string, id versioning.ID) versioning.Lock {
	t.Helper()
	o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return o.Lock
}

// TestSetRetention changes the retention of a version, which stays what it is.
//
// spec: OL1.3-1, OL1.3-2, OL1.3-3, OL1.3-4, OL1.3-5, OL1.3-6, OL1.3-7, VD4-24
func TestSetRetention(t *testing.T) {
	s, manual := locked(t)
	id := mustLock(t, s, "k", versioning.Lock{})
	mustPut(t, s, "b", "k", "over it")
	before, text := shown(t, s), historyText(t, s, "b")
	hour := func(n int) time.Time { return manual.Now().Add(time.Duration(n) * time.Hour) }
	var lock versioning.Lock
	for _, step := range []struct {
		mode    versioning.Mode
		until   time.Time
		bypass  bool
		refused bool
	}{
		{versioning.NoRetention, time.Time{}, false, false},
		{versioning.Governance, hour(2), false, false},
		{versioning.Governance, hour(2), false, false},
		{versioning.Governance, hour(3), false, false},
		{versioning.Governance, hour(1), false, true},
		{versioning.Governance, hour(1), true, false},
		{versioning.NoRetention, time.Time{}, false, true},
		{versioning.NoRetention, time.Time{}, true, false},
		{versioning.Governance, hour(2), false, false},
		{versioning.Compliance, hour(2), false, true},
		{versioning.Compliance, hour(2), true, false},
		{versioning.Compliance, hour(1), true, true},
		{versioning.Governance, hour(4), true, true},
		{versioning.NoRetention, time.Time{}, true, true},
		{versioning.Compliance, hour(4), false, false},
	} {
		r := RetentionRequest{Bucket: "b", Key: "k", ID: id, Mode: step.mode, Until: step.until, Bypass: step.bypass}
		header, err := s.SetRetention(t.Context(), r)
		if errors.Is(err, versioning.ObjectLocked) != step.refused || err != nil && !step.refused {
			t.Fatalf("%+v: %v", step, err)
		}
		if err == nil {
			lock = versioning.Lock{Mode: step.mode, Until: step.until}
			if header != s.FormatVersionID(id) {
				t.Errorf("%+v: header %q", step, header)
			}
		}
		if got := lockOf(t, s, "k", id); got != lock {
			t.Errorf("%+v: the lock is %+v, want %+v", step, got, lock)
		}
		want := int64(0)
		if !lock.IsZero() {
			want = 1
		}
		if rows, stats := countTable(t, s, lockTable), mustStatistics(t, s, "b"); int64(rows) != want || stats.Locked != want {
			t.Errorf("%+v: %d lock rows, %d locked versions", step, rows, stats.Locked)
		}
		mustClean(t, s)
	}
	if after := shown(t, s); historyText(t, s, "b") != text || !sameButLocks(before, after) {
		t.Errorf("was %+v, is %+v", before, after)
	}
	manual.Advance(4 * time.Hour)
	if _, err := s.SetRetention(t.Context(), RetentionRequest{Bucket: "b", Key: "k", ID: id}); err != nil {
		t.Error("an expired retention:", err)
	}
	mustDelete(t, s, "b", "k", id)
	mustClean(t, s)
}

// sameButLocks reports whether entries are shown in the same way, but for locks.
func sameButLocks(x, y []Object) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].ETag != y[i].ETag || !x[i].LastModified.Equal(y[i].LastModified) || x[i].VersionID != y[i].VersionID {
			return false
		}
	}
	return true
}

// A legal hold is set and lifted at any time, and does not depend on retention.
//
// spec: OL1.2-1, OL1.3-8, OL1.4-6
func TestSetLegalHold(t *testing.T) {
	s, manual := locked(t)
	until := manual.Now().Add(time.Hour)
	id := mustLock(t, s, "k", versioning.Lock{Mode: versioning.Compliance, Until: until})
	for _, hold := range []versioning.Hold{
		versioning.HoldOff, versioning.HoldOn, versioning.HoldOn, versioning.HoldOff, versioning.HoldOn,
	} {
		header, err := s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", Hold: hold})
		if err != nil || header != s.FormatVersionID(id) {
			t.Fatal(header, err)
		}
		rows := 1
		if hold == versioning.HoldOn {
			rows = 2
		}
		want := versioning.Lock{Mode: versioning.Compliance, Until: until, Hold: hold}
		if got := lockOf(t, s, "k", id); got != want || countTable(t, s, lockTable) != rows {
			t.Errorf("%v: %+v, %d rows", hold, got, countTable(t, s, lockTable))
		}
		mustClean(t, s)
	}
	manual.Advance(time.Hour)
	if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id, BypassGovernance: true}); !errors.Is(err, versioning.ObjectLocked) {
		t.Error("held:", err)
	}
	if _, err := s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", ID: id, Hold: versioning.HoldOff}); err != nil {
		t.Fatal(err)
	}
	mustDelete(t, s, "b", "k", id)
	if stats := mustStatistics(t, s, "b"); stats.Locked != 0 || countTable(t, s, lockTable) != 0 {
		t.Errorf("%+v", stats)
	}
	mustClean(t, s)
}

// What is not there, or is a delete marker, has no lock and gets none.
//
// spec: OL1.2-13, OL1.2-14, OL1.2-17, VD4-7, VD4-8
func TestLockRefused(t *testing.T) {
	s, manual := locked(t)
	mustBucket(t, s, "plain", versioning.Enabled)
	mustPut(t, s, "plain", "k", "x")
	mustPut(t, s, "b", "hidden", "x")
	marker := mustID(t, s, mustDelete(t, s, "b", "hidden", versioning.ID{}).VersionHeader)
	for _, c := range []struct {
		bucket, key string
		id          versioning.ID
		want        error
	}{
		{"none", "k", versioning.ID{}, ErrNoSuchBucket},
		{"b", "", versioning.ID{}, ErrInvalidKey},
		{"plain", "k", versioning.ID{}, ErrNoObjectLock},
		{"b", "absent", versioning.ID{}, versioning.NoSuchKey},
		{"b", "hidden", versioning.IDOf(marker.Order() + 1), versioning.NoSuchVersion},
		{"b", "hidden", versioning.Null, versioning.NoSuchVersion},
		{"b", "hidden", versioning.ID{}, versioning.MethodNotAllowed},
		{"b", "hidden", marker, versioning.MethodNotAllowed},
	} {
		rows := keyRows(t, s)
		_, err := s.SetRetention(t.Context(), RetentionRequest{
			Bucket: c.bucket, Key: c.key, ID: c.id, Mode: versioning.Governance, Until: manual.Now().Add(time.Hour),
		})
		if !errors.Is(err, c.want) {
			t.Errorf("retention of %s/%s: %v, want %v", c.bucket, c.key, err, c.want)
		}
		_, err = s.SetLegalHold(t.Context(), HoldRequest{Bucket: c.bucket, Key: c.key, ID: c.id, Hold: versioning.HoldOn})
		if !errors.Is(err, c.want) {
			t.Errorf("hold of %s/%s: %v, want %v", c.bucket, c.key, err, c.want)
		}
		if !slices.Equal(rows, keyRows(t, s)) {
			t.Errorf("%s/%s: rows changed", c.bucket, c.key)
		}
	}
	held := versioning.Lock{Hold: versioning.HoldOn}
	_, put := s.Put(t.Context(), PutRequest{Bucket: "plain", Key: "k", Body: strings.NewReader("x"), Size: 1, Lock: held})
	_, begin := s.CreateUpload(t.Context(), UploadRequest{Bucket: "plain", Key: "k", Lock: held})
	r := copyOf("k", versioning.ID{}, "copy")
	r.Bucket, r.Source.Bucket, r.Lock = "plain", "plain", held
	_, copied := s.Copy(t.Context(), r)
	for what, err := range map[string]error{"put": put, "upload": begin, "copy": copied} {
		if !errors.Is(err, ErrNoObjectLock) {
			t.Errorf("%s: %v", what, err)
		}
	}
	mustClean(t, s)
}

// TestDestroyerHoldsLocks lets a plan that no rule made destroy what is locked:
// nothing of the key is changed.
//
// spec: OL1.4-5, OL1.4-6
func TestDestroyerHoldsLocks(t *testing.T) {
	s, manual := locked(t)
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	for _, lock := range []versioning.Lock{
		{Mode: versioning.Compliance, Until: manual.Now().Add(time.Hour)}, {Hold: versioning.HoldOn},
		{Mode: versioning.Governance, Until: manual.Now().Add(time.Hour)},
	} {
		id := mustLock(t, s, "k", lock)
		e := new(deletion).prepare(s, b, &DeleteRequest{Key: "k", ID: id}, s.lockNow())
		e.plan = func(_ versioning.State, f versioning.Facts, _ versioning.Order) (versioning.Plan, error) {
			return versioning.Plan{Remove: f.Target}, nil
		}
		also := new(deletion).prepare(s, b, &DeleteRequest{Key: "k"}, s.lockNow())
		rows := keyRows(t, s)
		if err := s.change(t.Context(), b, []*edit{also, e}); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(e.err, errProtected) || !errors.Is(e.err, ErrDamaged) || !errors.Is(also.err, ErrDamaged) {
			t.Errorf("%+v: %v, %v", lock, e.err, also.err)
		}
		if !slices.Equal(rows, keyRows(t, s)) {
			t.Errorf("%+v: rows changed", lock)
		}
		e.bypass = lock.Mode == versioning.Governance
		if err := s.change(t.Context(), b, []*edit{e}); err != nil || e.bypass != (e.err == nil) {
			t.Errorf("%+v with bypass: %v, %v", lock, err, e.err)
		}
	}
	mustClean(t, s)
}
