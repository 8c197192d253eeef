package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/engine"
)

// clockTolerance is how far lock time follows a wall clock that runs ahead of the
// time that went by: once, not each time.
const clockTolerance = time.Minute

// lockTime is the time that locks are held against. It starts with the wall clock,
// but not below the durable floor, and then follows the time that goes by: a clock
// that is set back makes no lock longer, and one that is set forward ends none until
// somebody accepts the step (spec OL1.4-9). It never falls, but with a test clock that
// is set back.
type lockTime struct {
	clock clock.Clock
	line  atomic.Pointer[lockLine] // replaced only where a test clock is set
	floor atomic.Int64             // durable; a later start begins above it, milliseconds

	accepting sync.Mutex // held while a step is accepted; before raising
	raising   sync.Mutex // held while floor or base is raised; before no other lock
}

// lockLine is a stretch of lock time in which it does not fall.
type lockLine struct {
	base atomic.Int64 // lock time when nothing had elapsed, milliseconds since 1970
	last atomic.Int64 // the latest that was told, milliseconds
}

// start sets lock time to that of the wall clock, or floor if that is later.
func (t *lockTime) start(c clock.Clock, floor time.Time) {
	t.clock = c
	t.begin(max(c.Now().UnixMilli(), floor.UnixMilli()))
	t.floor.Store(floor.UnixMilli())
}

// begin begins a new line at now, milliseconds since 1970. Whoever is on the old one
// stays there.
func (t *lockTime) begin(now int64) {
	l := new(lockLine)
	l.base.Store(now - t.clock.Elapsed().Milliseconds())
	l.last.Store(now)
	t.line.Store(l)
}

// passed is lock time by what went by, whatever the wall clock says, milliseconds.
func (t *lockTime) passed() int64 { return t.passedOn(t.line.Load()) }

func (t *lockTime) passedOn(l *lockLine) int64 {
	return l.base.Load() + t.clock.Elapsed().Milliseconds()
}

// now returns lock time.
func (t *lockTime) now() time.Time {
	l := t.line.Load()
	passed := t.passedOn(l)
	now := min(max(passed, t.clock.Now().UnixMilli()), passed+clockTolerance.Milliseconds())
	for {
		last := l.last.Load()
		if now <= last {
			return time.UnixMilli(last).UTC()
		}
		if l.last.CompareAndSwap(last, now) {
			return time.UnixMilli(now).UTC()
		}
	}
}

// step is how far the wall clock leapt ahead, 0 if it is within the tolerance.
func (t *lockTime) step() time.Duration {
	ahead := time.Duration(t.clock.Now().UnixMilli()-t.passed()) * time.Millisecond
	if ahead <= clockTolerance {
		return 0
	}
	return ahead
}

// lockNow is the time that locks are held against.
func (s *Store) lockNow() time.Time { return s.lockTime.now() }

// LockTime is the time that locks are held against. It never falls while the store
// is open, unless SetTestClock sets it back, and differs from the wall clock if that
// was set.
func (s *Store) LockTime() time.Time { return s.lockNow() }

// creation is the time of a version that is made now, and when its default retention
// begins. That is the same moment but while the wall clock is behind, which would take
// from the retention what it is behind.
func (s *Store) creation() (created, lockStart time.Time) {
	// Lock time is read first: what goes by before the other is read is not behind.
	lock := s.lockNow()
	created = s.now()
	if lock.Sub(created) > clockTolerance {
		return created, lock
	}
	return created, created
}

// keepLockTime makes lock time durable if it went on since by as much as the order
// ceiling is raised. It is called before locks change; puts raise it with the ceiling.
func (s *Store) keepLockTime(ctx context.Context) error {
	t := &s.lockTime
	if t.now().UnixMilli()-t.floor.Load() < ceilingStep.Milliseconds() {
		return nil
	}
	t.raising.Lock()
	defer t.raising.Unlock()
	return s.raiseLockFloor(ctx, t.now())
}

// raiseLockFloor makes lock time durable. The caller holds raising.
func (s *Store) raiseLockFloor(ctx context.Context, to time.Time) error {
	t := &s.lockTime
	if to.UnixMilli() <= t.floor.Load() {
		return nil
	}
	row := numberRow(metaLockFloor, uint64(to.UnixMilli()))
	if err := s.commit(ctx, nil, []engine.Mutation{row}); err != nil {
		return err
	}
	t.floor.Store(to.UnixMilli())
	return nil
}

// ClockStep returns how far the wall clock has leapt ahead of lock time while the
// store was open, 0 if it did not by more than a minute. No lock ends by such a
// step until it is accepted.
func (s *Store) ClockStep() time.Duration { return s.lockTime.step() }

// AcceptClockStep makes lock time follow the wall clock after it leapt ahead, which
// may end locks, and returns by how much it went on. The ledger tells of it before
// it has an effect.
func (s *Store) AcceptClockStep(ctx context.Context, made Maker) (time.Duration, error) {
	t := &s.lockTime
	t.accepting.Lock()
	defer t.accepting.Unlock()
	step := t.step()
	if step == 0 {
		return 0, nil
	}
	from := time.UnixMilli(t.passed()).UTC()
	to := from.Add(step)
	note := ledgerEntry{change: LedgerClockStepped, before: from.Format(time.RFC3339Nano), after: to.Format(time.RFC3339Nano)}
	err := s.commitNoted(ctx, nil, nil, ledgerPlace{}, made, note)
	if err == nil {
		err = s.stepLockTime(ctx, step, to)
	}
	if err != nil {
		return 0, &Error{Op: "accept clock step", Err: err}
	}
	return step, nil
}

// stepLockTime moves lock time on by step, to a time that is made durable first.
func (s *Store) stepLockTime(ctx context.Context, step time.Duration, to time.Time) error {
	t := &s.lockTime
	t.raising.Lock()
	defer t.raising.Unlock()
	if err := s.raiseLockFloor(ctx, to); err != nil {
		return err
	}
	t.line.Load().base.Add(step.Milliseconds())
	return nil
}
