package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Setting is how a [Test] clock differs from the clock beneath it. The zero Setting
// is none at all.
type Setting struct {
	// Offset is how far it is ahead of the clock beneath, negative for behind, while it
	// runs.
	Offset time.Duration
	// Frozen says that it stands still, at At.
	Frozen bool
	At     time.Time
}

// Test is a clock that runs with another one, ahead of it or behind it, or stands
// still. It is safe for concurrent use.
type Test struct {
	base Clock

	setting sync.Mutex // held while the setting is changed
	state   atomic.Pointer[testState]
}

// testState is a setting with what Elapsed is to come to under it.
type testState struct {
	Setting
	elapsed time.Duration // frozen: all of it; running: to be added to that of the base
}

// NewTest returns a clock over base that is set as s says.
func NewTest(base Clock, s Setting) *Test {
	t := &Test{base: base}
	t.state.Store(t.with(s, base.Elapsed()))
	return t
}

// with returns s as a state under which so much has elapsed now.
func (t *Test) with(s Setting, elapsed time.Duration) *testState {
	s.At = s.At.UTC()
	if !s.Frozen {
		elapsed -= t.base.Elapsed()
	}
	return &testState{Setting: s, elapsed: elapsed}
}

// Now returns the moment the clock shows, in UTC.
func (t *Test) Now() time.Time { return t.now(t.state.Load()) }

func (t *Test) now(s *testState) time.Time {
	if s.Frozen {
		return s.At
	}
	return t.base.Now().Add(s.Offset)
}

// Elapsed returns how much time went by. What the clock was set forward by went by
// as well, what it was set back by did not, and none does while it is frozen.
func (t *Test) Elapsed() time.Duration { return t.elapsed(t.state.Load()) }

func (t *Test) elapsed(s *testState) time.Duration {
	if s.Frozen {
		return s.elapsed
	}
	return t.base.Elapsed() + s.elapsed
}

// Setting returns how the clock is set.
func (t *Test) Setting() Setting { return t.state.Load().Setting }

// Set sets the clock, forward or back.
func (t *Test) Set(s Setting) {
	t.setting.Lock()
	defer t.setting.Unlock()
	old := t.state.Load()
	before, elapsed := t.now(old), t.elapsed(old)
	next := t.with(s, elapsed)
	next.elapsed += max(t.now(next).Sub(before), 0)
	t.state.Store(next)
}
