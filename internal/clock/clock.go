// Package clock is the door through which time comes in. Outside it only
// cmd/server reads the wall clock.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time of day, which somebody may set, and how time goes by, which
// nobody can.
type Clock interface {
	// Now returns the present moment, in UTC.
	Now() time.Time
	// Elapsed returns how much time went by since some moment that stays the same
	// while the process runs. It never falls, and setting the clock does not change it.
	Elapsed() time.Duration
}

// Wall is the machine's clock. Its zero value is ready for use.
type Wall struct{}

// started carries the monotonic reading that Elapsed counts from.
var started = time.Now()

// Now returns the machine's time, with its monotonic reading.
func (Wall) Now() time.Time { return time.Now().UTC() }

// Elapsed returns the time since the process started, by the monotonic clock.
func (Wall) Elapsed() time.Duration { return time.Since(started) }

// Wait lets d of real time go by. If ctx ends before that, it returns the cause.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Manual is a clock that stands still until it is told to move. It is safe for
// concurrent use.
type Manual struct {
	mu      sync.Mutex // protects what follows
	now     time.Time
	elapsed time.Duration
}

// NewManual returns a clock that shows now.
func NewManual(now time.Time) *Manual { return &Manual{now: now.UTC()} }

// Now returns the moment the clock shows.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Elapsed returns the sum of the time that Advance let go by.
func (m *Manual) Elapsed() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.elapsed
}

// Advance lets d go by. If it is negative, no time goes by: the clock is set back.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	m.elapsed += max(d, 0)
}

// Set sets the clock to now, forward or back, without any time going by.
func (m *Manual) Set(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now.UTC()
}
