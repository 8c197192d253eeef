package budget

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
)

// stopped is a budget whose clock stands still, and which notes how long it waits.
type stopped struct {
	*Budget
	now    time.Duration
	waited time.Duration
}

func newStopped() *stopped {
	s := &stopped{}
	s.Budget = New(func() time.Duration { return s.now })
	s.wait = func(ctx context.Context, d time.Duration) error {
		s.waited += d
		return ctx.Err()
	}
	return s
}

// rests returns how long the budget rests after n changes that took worked.
func (s *stopped) rests(t *testing.T, worked time.Duration, n int) time.Duration {
	t.Helper()
	s.waited = 0
	if err := s.Rest(context.Background(), worked, n); err != nil {
		t.Error(err)
	}
	return s.waited
}

func TestNobodyWaitsForNobody(t *testing.T) {
	s := newStopped()
	if s.rests(t, time.Second, 1000) != 0 || s.Batch(1000) != 1000 {
		t.Error("yields before the first request")
	}
	done := s.Foreground()
	if !s.Yielding() || s.Batch(1000) != yielding || s.Batch(7) != 7 {
		t.Error("does not yield to a request")
	}
	s.now += time.Hour
	if s.Yielding() {
		t.Error("yields to a request that waits for its client")
	}
	done()
	if s.now += recent - 1; !s.Yielding() {
		t.Error("does not yield shortly after a request")
	}
	if s.now++; s.Yielding() || s.rests(t, time.Second, 1000) != 0 || s.Batch(1000) != 1000 {
		t.Error("yields long after the last request")
	}
}

func TestRestGoesByWork(t *testing.T) {
	s := newStopped()
	s.Foreground()()
	for _, test := range []struct {
		what         string
		worked, want time.Duration
		n            int
	}{
		{"a fast batch", 2 * time.Millisecond, 6 * time.Millisecond, 250},
		{"one that leaves less for the pace", 5 * time.Millisecond, 4 * time.Millisecond, 250},
		{"one that is too slow for it", 12 * time.Millisecond, 3 * time.Millisecond, 250},
		{"reading", 3 * time.Millisecond, 9 * time.Millisecond, 0},
		{"reading, and a few changes", 3 * time.Millisecond, 9 * time.Millisecond, 5},
		{"an accident", 10 * time.Second, longest, 250},
		{"nothing", 0, 0, 0},
	} {
		if got := s.rests(t, test.worked, test.n); got != test.want {
			t.Errorf("%s: rests for %s, want %s", test.what, got, test.want)
		}
	}
}

func TestNilBudget(t *testing.T) {
	var b *Budget
	b.Foreground()()
	if b.Yielding() || b.Batch(9) != 9 || b.Rest(context.Background(), time.Hour, 1) != nil {
		t.Error("a nil budget makes somebody wait")
	}
}

func TestRestEndsWithContext(t *testing.T) {
	b := New(func() time.Duration { return 0 })
	b.Foreground()()
	ctx, cancel := context.WithCancel(context.Background())
	if err := b.Rest(ctx, time.Microsecond, 0); err != nil {
		t.Error(err)
	}
	cancel()
	if err := b.Rest(ctx, time.Hour, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("rest of a context that ended: %v", err)
	}
	if err := clock.Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("wait of a context that ended: %v", err)
	}
}

// A request pays two looks at the clock and no memory.
func TestForegroundAllocatesNothing(t *testing.T) {
	b := New(func() time.Duration { return 0 })
	if n := testing.AllocsPerRun(100, func() { b.Foreground()() }); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
