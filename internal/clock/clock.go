// Package clock is the door through which time comes in. Outside it only
// cmd/server reads the wall clock.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time.
type Clock interface {
	// Now returns the present moment, in UTC.
	Now() time.Time
}

// Wall is the machine's clock. Its zero value is ready for use.
type Wall struct{}

// Now returns the machine's time, with its monotonic reading.
func (Wall) Now() time.Time { return time.Now().UTC() }

// Manual is a clock that stands still until it is told to move. It is safe for
// concurrent use.
type Manual struct {
	mu  sync.Mutex // protects now
	now time.Time
}

// NewManual returns a clock that shows now.
func NewManual(now time.Time) *Manual { return &Manual{now: now.UTC()} }

// Now returns the moment the clock was last set to.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock by d, which may be negative.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// Set makes the clock show now.
func (m *Manual) Set(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now.UTC()
}
