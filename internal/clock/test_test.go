package clock

import (
	"testing"
	"time"
)

var start = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// A test clock shows what it was set to, and time that went by never comes back.
func TestTestClock(t *testing.T) {
	const day = 24 * time.Hour
	base := NewManual(start)
	base.Advance(time.Minute) // something went by before
	c := NewTest(base, Setting{})
	steps := []struct {
		what    string
		do      func()
		now     time.Duration // since start
		elapsed time.Duration
	}{
		{"at first", func() {}, time.Minute, time.Minute},
		{"it runs", func() { base.Advance(time.Second) }, time.Minute + time.Second, time.Minute + time.Second},
		{"forward", func() { c.Set(Setting{Offset: day}) }, day + time.Minute + time.Second, day + time.Minute + time.Second},
		{"it runs on", func() { base.Advance(time.Second) }, day + time.Minute + 2*time.Second, day + time.Minute + 2*time.Second},
		{"back", func() { c.Set(Setting{Offset: -day}) }, -day + time.Minute + 2*time.Second, day + time.Minute + 2*time.Second},
		{"frozen", func() { c.Set(Setting{Frozen: true, At: start}) }, 0, 2*day - 2*time.Second + 2*time.Second},
		{"it stands", func() { base.Advance(time.Hour) }, 0, 2 * day},
		{"frozen later", func() { c.Set(Setting{Frozen: true, At: start.Add(day)}) }, day, 3 * day},
		{"frozen earlier", func() { c.Set(Setting{Frozen: true, At: start}) }, 0, 3 * day},
		{"running again", func() { c.Set(Setting{}) }, time.Hour + time.Minute + 2*time.Second, 3*day + time.Hour + time.Minute + 2*time.Second},
		{"by itself", func() { base.Advance(time.Second) }, time.Hour + time.Minute + 3*time.Second, 3*day + time.Hour + time.Minute + 3*time.Second},
	}
	for _, step := range steps {
		step.do()
		if got := c.Now().Sub(start); got != step.now {
			t.Errorf("%s: it shows %v, want %v", step.what, got, step.now)
		}
		if got := c.Elapsed(); got != step.elapsed {
			t.Errorf("%s: %v went by, want %v", step.what, got, step.elapsed)
		}
	}
	want := Setting{Frozen: true, At: start}
	c.Set(Setting{Frozen: true, At: start.In(time.FixedZone("", 3600))})
	if got := c.Setting(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A clock may be made frozen or shifted, as it was left.
func TestTestClockAsItWasLeft(t *testing.T) {
	base := NewManual(start)
	c := NewTest(base, Setting{Frozen: true, At: start.Add(time.Hour)})
	base.Advance(time.Minute)
	if got := c.Now(); !got.Equal(start.Add(time.Hour)) {
		t.Error(got)
	}
	c = NewTest(base, Setting{Offset: -time.Hour})
	if got, elapsed := c.Now(), c.Elapsed(); !got.Equal(start.Add(time.Minute-time.Hour)) || elapsed != time.Minute {
		t.Error(got, elapsed)
	}
}
