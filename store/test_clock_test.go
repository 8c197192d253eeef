package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Whether a folder is one for tests is decided when it is made, for ever, and it is
// never taken for the other kind.
func TestTestFolder(t *testing.T) {
	for made, refused := range map[bool]error{false: ErrNoTestClock, true: ErrTestFolder} {
		fs := blob.MemFS()
		for range 2 {
			s := openTest(t, fs, func(o *Options) { o.TestFolder = made })
			if s.TestClock() != made || (s.features.Load()&featureTestClock != 0) != made {
				t.Errorf("made with %v: clock %v, features %x", made, s.TestClock(), s.features.Load())
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := Open("/data", Options{FS: fs, TestFolder: !made}); !errors.Is(err, refused) {
				t.Errorf("made with %v, opened as the other kind: %v", made, err)
			}
		}
		s, err := Open("/data", Options{FS: fs, ReadOnly: true, TestFolder: !made})
		if err != nil || s.TestClock() != made {
			t.Fatalf("only read: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// newTimedTest is newTimed in a test folder.
func newTimedTest(t *testing.T) *timed {
	t.Helper()
	x := &timed{t: t, fs: blob.MemFS(), clock: clock.NewManual(start2026), test: true}
	x.open()
	x.begin()
	return x
}

func (x *timed) set(c TestClock) {
	x.t.Helper()
	if err := x.s.SetTestClock(x.t.Context(), c, Maker{RequestID: "set"}); err != nil {
		x.t.Fatal(err)
	}
}

// shows expects object time and lock time to be so far from the beginning.
func (x *timed) shows(want time.Duration, when string) {
	x.t.Helper()
	for what, at := range map[string]time.Time{"object time": x.s.ObjectTime(), "lock time": x.s.LockTime()} {
		if got := at.Sub(start2026); got != want {
			x.t.Errorf("%s: %s is %v after the beginning, want %v", when, what, got, want)
		}
	}
}

// Object time and lock time follow a test clock forward and back, stand still with
// it, and go on with real time.
func TestSetTestClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	x := newTimedTest(t)
	for _, step := range []struct {
		what string
		set  TestClock
		want time.Duration // at once
		runs bool
	}{
		{"forward", TestClock{Offset: 7 * year}, 7 * year, true},
		{"back", TestClock{Offset: -year}, -year, true},
		{"frozen", TestClock{Frozen: true, At: start2026.Add(time.Hour + time.Microsecond)}, time.Hour, false},
		{"frozen with an offset", TestClock{Frozen: true, At: start2026, Offset: year}, 0, false},
		{"held", TestClock{Held: true, At: start2026.Add(time.Minute)}, time.Minute, false},
		{"not set", TestClock{}, 0, true},
	} {
		x.set(step.set)
		went := x.clock.Now().Sub(start2026)
		want := step.want
		if step.runs {
			want += went
		}
		x.shows(want, step.what)
		x.clock.Advance(time.Second)
		if step.runs {
			want += time.Second
		}
		x.shows(want, step.what+", a second later")
	}
}

// A setting stays when the folder is opened anew, cleanly or after a crash; a clock
// that was held runs then.
func TestTestClockSurvives(t *testing.T) {
	const far = 1000 * time.Hour
	for _, test := range []struct {
		what        string
		set         TestClock
		want, later time.Duration
	}{
		{"ahead", TestClock{Offset: far}, far + time.Minute, far + 2*time.Minute},
		{"behind", TestClock{Offset: -far}, -far + time.Minute, -far + 2*time.Minute},
		{"frozen", TestClock{Frozen: true, At: start2026.Add(-far)}, -far, -far},
		{"held", TestClock{Held: true, At: start2026.Add(far), Offset: far}, far + time.Minute, far + 2*time.Minute},
	} {
		x := newTimedTest(t)
		x.set(TestClock{Offset: 3 * far})
		mustPut(t, x.s, "b", "far", "x") // raises the floors
		x.set(test.set)
		mustPut(t, x.s, "b", "near", "x")
		x.clock.Advance(time.Minute)
		x.restart()
		x.shows(test.want, test.what)
		setting := x.s.TestClockSetting()
		if want := test.set.cleaned(); setting.Frozen != want.Frozen || setting.Offset != want.Offset || setting.Held {
			t.Errorf("%s: it is %+v after a restart", test.what, setting)
		}
		x.clock.Advance(time.Minute)
		x.shows(test.later, test.what+", a minute later")
	}
}

// A floor that is raised while the clock is set back is never one of the time
// before: after a restart time is what was set last.
func TestTestClockAgainstFloors(t *testing.T) {
	x := newTimedTest(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range versioning.Order(1 << 62) {
			if ctx.Err() != nil {
				return
			}
			if err := x.s.raiseCeiling(versioning.OrderAt(start2026.AddDate(1, 0, 0)) + n); err != nil {
				t.Error(err)
			}
			x.s.LockTime()
		}
	}()
	for n := range 200 {
		x.set(TestClock{Offset: time.Duration(200-n) * time.Hour})
	}
	stop()
	<-done
	x.shows(time.Hour, "set back many times")
	x.restart()
	x.shows(time.Hour, "restarted")
}

// A lock ends when a test clock reaches its end, and not before; set back, the clock
// makes new locks by the time it shows.
func TestTestClockEndsLocks(t *testing.T) {
	x := newTimedTest(t)
	x.set(TestClock{Offset: time.Hour - time.Millisecond})
	x.held(true, "a millisecond before the end")
	x.set(TestClock{Offset: time.Hour})
	x.set(TestClock{Offset: -time.Hour})
	x.held(true, "set back")
	if err := x.s.SetObjectLock(t.Context(), "b", DefaultRetention{Mode: versioning.Compliance, Years: 7}, Maker{}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, x.s, "b", "new", "x")
	end := start2026.Add(-time.Hour).AddDate(7, 0, 0)
	if got := lockOf(t, x.s, "new", versioning.ID{}); got.Until.Sub(end).Abs() > 48*time.Hour { // leap days
		t.Errorf("seven years from %v end %v", x.s.LockTime(), got.Until)
	}
	x.set(TestClock{Frozen: true, At: start2026.Add(time.Hour)})
	x.held(false, "at the end")
}

// Orders rise, whatever the clock shows, so ids stay unique and versions in the order
// in which they were made; the ledger stays sound.
func TestOrdersRiseUnderATestClock(t *testing.T) {
	x := newTimedTest(t)
	var last versioning.Order
	for _, offset := range []time.Duration{0, 1000 * time.Hour, -1000 * time.Hour, 0} {
		x.set(TestClock{Offset: offset})
		id, err := x.s.ParseVersionID(mustPut(t, x.s, "b", "key", "x").VersionHeader)
		if err != nil {
			t.Fatal(err)
		}
		if got := id.Order(); got <= last {
			t.Errorf("at %v: order %d after %d", offset, got, last)
		} else {
			last = got
		}
		o, err := x.s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "key"})
		if err != nil || !o.LastModified.Equal(start2026.Add(offset)) {
			t.Errorf("at %v: %v, %v", offset, o.LastModified, err)
		}
	}
	mustVerify(t, x.s)
	mustClean(t, x.s)
}

// The ledger tells of each setting; its own times do not go back, and it is kept by
// real time.
func TestTestClockIsTold(t *testing.T) {
	manual := clock.NewManual(start2026)
	s := openTest(t, nil, func(o *Options) { o.Clock, o.TestFolder, o.Ledger.Retention = manual, true, time.Hour })
	ahead := start2026.AddDate(7, 0, 0)
	for _, c := range []TestClock{{Frozen: true, At: ahead}, {}} {
		if err := s.SetTestClock(t.Context(), c, Maker{RequestID: "set"}); err != nil {
			t.Fatal(err)
		}
	}
	told := func() (told []LedgerEntry) {
		for _, e := range mustLedger(t, s, LedgerQuery{}) {
			if e.Change == LedgerClockStepped {
				told = append(told, e)
			}
		}
		return told
	}
	if got := told(); len(got) != 2 || got[0].Made.RequestID != "set" || got[0].Before != "2026-01-02T03:04:05Z" ||
		got[0].After != "2033-01-02T03:04:05Z" || got[1].Before != got[0].After || got[1].After != got[0].Before ||
		got[1].Time.Before(got[0].Time) || !got[1].RealTime.Equal(start2026) {
		t.Errorf("%+v", got)
	}
	mustVerify(t, s)
	if err := s.SetTestClock(t.Context(), TestClock{Frozen: true, At: ahead}, Maker{}); err != nil {
		t.Fatal(err)
	}
	seal := func() {
		if _, err := s.ledger.seal(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	seal()
	if got := told(); len(got) != 3 {
		t.Errorf("years ahead there are %d entries", len(got))
	}
	manual.Advance(2 * time.Hour)
	due, err := s.ledger.due(t.Context(), 0)
	if err != nil || due == 0 {
		t.Errorf("two hours later rows are due below %d, %v", due, err)
	}
}

// What cannot be kept is refused, and no other folder has such a clock.
func TestTestClockRefuses(t *testing.T) {
	x := newTimedTest(t)
	for _, c := range []TestClock{
		{Frozen: true},
		{Frozen: true, At: time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
		{Held: true, At: start2026.AddDate(251, 0, 0)},
		{Offset: -100 * 366 * 24 * time.Hour},
	} {
		if err := x.s.SetTestClock(t.Context(), c, Maker{}); !errors.Is(err, ErrClockRange) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	x.shows(0, "after what was refused")
	if got := x.s.TestClockSetting(); got != (TestClock{}) {
		t.Errorf("%+v", got)
	}

	x = newTimed(t)
	if err := x.s.SetTestClock(t.Context(), TestClock{Offset: 2 * time.Hour}, Maker{}); !errors.Is(err, ErrNoTestClock) {
		t.Error(err)
	}
	if x.s.TestClock() || x.s.TestClockSetting() != (TestClock{}) {
		t.Error("the folder has a test clock")
	}
	x.shows(0, "in another folder")
	x.held(true, "in another folder")
}

// Nothing but a whole row is taken for one.
func TestTestClockRows(t *testing.T) {
	for _, c := range []TestClock{
		{}, {Offset: -1}, {Offset: time.Hour, Frozen: true, At: start2026}, {Offset: time.Hour, Held: true, At: start2026},
	} {
		row, ok := c.encode(), true
		want := c
		if c.Held {
			want = TestClock{Offset: c.Offset}
		}
		if got := decodeTestClock(row, &ok); got != want || !ok {
			t.Errorf("%+v became %+v, %v", want, got, ok)
		}
		for n := range row {
			ok := true
			if decodeTestClock(row[:n], &ok); ok {
				t.Errorf("%x was taken for a row", row[:n])
			}
		}
	}
	ok := true
	if decodeTestClock(slices.Concat([]byte{9}, new(TestClock).encode()[1:]), &ok); ok {
		t.Error("an unknown state was taken")
	}
}

// A setting that did not become durable has no effect.
func TestTestClockThatIsNotKept(t *testing.T) {
	broken := errors.New("broken")
	refuses := false
	s := openTest(t, nil, func(o *Options) {
		o.TestFolder, o.Ledger.Off = true, true
		o.WrapEngine = func(e engine.Engine) engine.Engine { return refusing{e, &refuses, broken} }
	})
	before := s.LockTime()
	refuses = true
	err := s.SetTestClock(t.Context(), TestClock{Offset: time.Hour}, Maker{})
	refuses = false
	if !errors.Is(err, broken) || !s.LockTime().Equal(before) || !s.ObjectTime().Equal(before) {
		t.Error(err, s.LockTime(), s.ObjectTime())
	}
}

// refusing is an engine that commits nothing while it is told to.
type refusing struct {
	engine.Engine
	now *bool
	err error
}

func (r refusing) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	if *r.now {
		return r.err
	}
	return r.Engine.Commit(ctx, guards, mutations)
}
