package store

import (
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// timed is a store with a version that compliance protects for an hour.
type timed struct {
	t     *testing.T
	fs    blob.FS
	clock *clock.Manual
	s     *Store
	id    versioning.ID
	test  bool // in a test folder
}

func newTimed(t *testing.T) *timed {
	t.Helper()
	x := &timed{t: t, fs: blob.MemFS(), clock: clock.NewManual(start2026)}
	x.open()
	x.begin()
	return x
}

// begin makes the version.
func (x *timed) begin() {
	x.t.Helper()
	if _, err := x.s.CreateBucket(x.t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		x.t.Fatal(err)
	}
	x.id = mustLock(x.t, x.s, "k", versioning.Lock{Mode: versioning.Compliance, Until: start2026.Add(time.Hour)})
}

func (x *timed) open() {
	x.t.Helper()
	x.s = openTest(x.t, x.fs, func(o *Options) { o.Clock, o.TestFolder = x.clock, x.test })
}

func (x *timed) restart() {
	x.t.Helper()
	if err := x.s.Close(); err != nil {
		x.t.Fatal(err)
	}
	x.open()
}

// held expects the version to be protected, or else destroys it.
func (x *timed) held(want bool, when string) {
	x.t.Helper()
	_, err := x.s.Delete(x.t.Context(), "b", DeleteRequest{Key: "k", ID: x.id, BypassGovernance: true})
	if errors.Is(err, versioning.ObjectLocked) != want || err != nil && !want {
		x.t.Errorf("%s: %v", when, err)
	}
	mustClean(x.t, x.s)
}

// A lock ends when its time went by, whatever the clock was set to meanwhile.
//
// spec: OL1.4-9
func TestLockTimeWhileRunning(t *testing.T) {
	x := newTimed(t)
	x.clock.Set(start2026.Add(-1000 * time.Hour))
	x.held(true, "set back")
	x.clock.Advance(time.Hour - time.Millisecond)
	x.held(true, "a millisecond before the end")
	x.clock.Set(start2026.AddDate(100, 0, 0))
	x.clock.Advance(time.Millisecond)
	x.held(false, "at the end")
}

// A clock that leaps ahead frees nothing until the step is accepted.
//
// spec: OL1.4-9
func TestClockStepsAhead(t *testing.T) {
	x := newTimed(t)
	if step := x.s.ClockStep(); step != 0 {
		t.Error("at the start:", step)
	}
	for range 100 {
		x.clock.Set(x.clock.Now().Add(clockTolerance - time.Millisecond))
		x.held(true, "many small steps")
	}
	x.clock.Set(start2026.Add(2 * time.Hour))
	mustPut(t, x.s, "b", "other", "x") // makes the times durable
	x.held(true, "set ahead")
	if step := x.s.ClockStep(); step != 2*time.Hour {
		t.Error("the step is", step)
	}
	x.clock.Set(start2026)
	x.restart()
	x.held(true, "restarted with the right clock")
	x.clock.Set(start2026.Add(2 * time.Hour))
	step, err := x.s.AcceptClockStep(t.Context(), Maker{RequestID: "accepted"})
	if err != nil || step < 2*time.Hour-2*clockTolerance || x.s.ClockStep() != 0 {
		t.Error(step, x.s.ClockStep(), err)
	}
	x.held(false, "accepted")
	if step, err := x.s.AcceptClockStep(t.Context(), Maker{}); step != 0 || err != nil {
		t.Error(step, err)
	}
}

// A restart with a clock that was set back goes on where lock time was durable, and
// makes no new lock shorter.
//
// spec: OL1.4-9
func TestLockTimeFloor(t *testing.T) {
	x := newTimed(t)
	x.clock.Advance(30 * time.Minute)
	for _, use := range []func() error{
		func() error { return nil },
		func() error {
			_, err := x.s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", Hold: versioning.HoldOff})
			return err
		},
		func() error {
			return x.s.SetObjectLock(t.Context(), "b", DefaultRetention{Mode: versioning.Governance, Days: 1}, Maker{})
		},
	} {
		now := x.s.lockNow()
		if err := use(); err != nil {
			t.Fatal(err)
		}
		x.clock.Set(start2026.AddDate(-1, 0, 0))
		x.restart()
		if got := x.s.lockNow(); !got.Equal(now) {
			t.Errorf("lock time was %v and is %v", now, got)
		}
		x.held(true, "restarted with the clock set back")
		x.clock.Advance(5 * time.Minute)
	}
	end := x.s.lockNow().Add(24 * time.Hour)
	mustPut(t, x.s, "b", "new", "x")
	if got := lockOf(t, x.s, "new", versioning.ID{}); got.Until.Before(end) {
		t.Errorf("a day from %v ends %v", x.s.lockNow(), got.Until)
	}
	x.clock.Advance(15 * time.Minute)
	x.held(false, "an hour went by")
}

// What a crash leaves of lock time is what it was at the last change of a lock.
//
// spec: OL1.4-9
func TestLockTimeSurvivesACrash(t *testing.T) {
	x := newTimed(t)
	x.clock.Advance(40 * time.Minute)
	if _, err := x.s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", Hold: versioning.HoldOff}); err != nil {
		t.Fatal(err)
	}
	var floor time.Time
	err := x.s.view(t.Context(), func(r engine.Reader) error {
		m, _, err := readMeta(r)
		floor = m.startOfLocks()
		return err
	})
	if err != nil || !floor.Equal(x.s.lockNow()) {
		t.Errorf("the floor is %v at %v, %v", floor, x.s.lockNow(), err)
	}
}

// A folder of an earlier version has no floor of lock time.
func TestLockTimeOfOldFolder(t *testing.T) {
	m := &meta{clockFloor: start2026}
	if got := m.startOfLocks(); !got.Equal(start2026) {
		t.Error(got)
	}
	m.lockFloor = start2026.Add(time.Hour)
	if got := m.startOfLocks(); !got.Equal(m.lockFloor) {
		t.Error(got)
	}
}

// The ledger tells of an accepted step; where none is kept it can be accepted too.
func TestClockStepIsTold(t *testing.T) {
	for _, off := range []bool{false, true} {
		manual := clock.NewManual(start2026)
		s := openTest(t, nil, func(o *Options) { o.Clock, o.Ledger.Off = manual, off })
		manual.Set(start2026.Add(time.Hour))
		if step, err := s.AcceptClockStep(t.Context(), Maker{RequestID: "accepted"}); err != nil || step != time.Hour {
			t.Error(step, err)
		}
		if got := s.LockTime(); !got.Equal(manual.Now()) {
			t.Errorf("lock time is %v, the clock shows %v", got, manual.Now())
		}
		var told []LedgerEntry
		err := s.Ledger(t.Context(), LedgerQuery{}, func(e LedgerEntry) error {
			if e.Change == LedgerClockStepped {
				told = append(told, e)
			}
			return nil
		})
		if err != nil || (len(told) == 1) == off {
			t.Errorf("off %v: %+v, %v", off, told, err)
		}
		if len(told) > 0 && (told[0].Made.RequestID != "accepted" || told[0].Before == told[0].After) {
			t.Errorf("%+v", told[0])
		}
	}
}
