package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/engine"
)

// metaTestClock is how the clock of a test folder is set: one of the numbers below,
// the nanoseconds that it is ahead as a signed varint, and the milliseconds since
// 1970 at which it stands as an unsigned one. A folder whose clock was never set has
// no such row.
const (
	metaTestClock = "test-clock"

	clockRuns   = 0
	clockFrozen = 1
	clockHeld   = 2
)

var (
	// ErrNoTestClock says that the folder is no test folder: nothing sets its clock.
	ErrNoTestClock = errors.New("the clock of this folder cannot be set: it was not made as a test folder")
	// ErrTestFolder says that a test folder was to be opened as one that keeps the
	// time.
	ErrTestFolder = errors.New("this is a test folder, whose clock may have been set")
	// ErrClockRange says that a clock was to be set to what cannot be kept.
	ErrClockRange = errors.New("the clock can be set to a time from 1970 on that is less than 250 years from now")
)

// maxClockOffset keeps a test clock in what a [time.Duration] can tell.
const maxClockOffset = 250 * 366 * 24 * time.Hour

// TestClock is how the clock of a test folder is set. The zero TestClock keeps real
// time.
type TestClock struct {
	// Offset is how far it is ahead of the real clock, negative for behind, while it
	// runs.
	Offset time.Duration
	// Frozen says that it stands still at At, in milliseconds, until it is set anew.
	Frozen bool
	// Held is Frozen for a while: when the folder is opened anew, the clock runs,
	// ahead by Offset.
	Held bool
	At   time.Time
}

// stands reports whether the clock does not run.
func (c *TestClock) stands() bool { return c.Frozen || c.Held }

// cleaned is c as it is kept.
func (c TestClock) cleaned() TestClock {
	if !c.stands() {
		c.At = time.Time{}
	}
	c.Held = c.Held && !c.Frozen
	c.At = c.At.UTC().Truncate(time.Millisecond)
	return c
}

// encode returns c as the meta table holds it.
func (c *TestClock) encode() []byte {
	state, at := uint64(clockRuns), int64(0)
	switch {
	case c.Frozen:
		state, at = clockFrozen, c.At.UnixMilli()
	case c.Held:
		state, at = clockHeld, c.At.UnixMilli()
	}
	row := binary.AppendUvarint(nil, state)
	row = binary.AppendVarint(row, int64(c.Offset))
	return binary.AppendUvarint(row, uint64(at))
}

// decodeTestClock reads what encode wrote. A clock that was held runs.
func decodeTestClock(row []byte, ok *bool) TestClock {
	state, n := binary.Uvarint(row)
	if n <= 0 || state > clockHeld {
		*ok = false
		return TestClock{}
	}
	offset, m := binary.Varint(row[n:])
	if m <= 0 || n+m == len(row) {
		*ok = false
		return TestClock{}
	}
	c := TestClock{Offset: time.Duration(offset), At: readTime(row[n+m:], ok)}
	c.Frozen = state == clockFrozen
	return c.cleaned()
}

// setting is c as the clock takes it.
func (c *TestClock) setting() clock.Setting {
	return clock.Setting{Offset: c.Offset, Frozen: c.stands(), At: c.At}
}

// realTime is the clock that the store was given, but never below the durable floor.
type realTime struct{ s *Store }

func (r realTime) Now() time.Time {
	ms := max(r.s.options.Clock.Now().UnixMilli(), r.s.clockFloor.Load())
	return time.UnixMilli(ms).UTC()
}

func (r realTime) Elapsed() time.Duration { return r.s.options.Clock.Elapsed() }

// startClock starts object time and lock time. Neither kind of folder opens as the
// other: one would serve a time that somebody made up, and the other would let
// somebody end its locks.
func (s *Store) startClock(m *meta) error {
	switch {
	case s.options.ReadOnly:
	case s.options.TestFolder && !m.test:
		return ErrNoTestClock
	case m.test && !s.options.TestFolder:
		return ErrTestFolder
	}
	s.clockFloor.Store(m.clockFloor.UnixMilli())
	s.clock = realTime{s}
	if !m.test {
		s.lockTime.start(s.options.Clock, m.startOfLocks())
		return nil
	}
	s.testClock = clock.NewTest(s.clock, m.testClock.setting())
	s.testSetting.Store(&m.testClock)
	s.clock = s.testClock
	s.lockTime.start(s.clock, m.startOfLocks())
	return nil
}

// RealTime is what the clock shows that the store was given, but never less than it
// did before a restart. It is object time but in a test folder.
func (s *Store) RealTime() time.Time { return realTime{s}.Now() }

// TestClock reports whether the folder is a test folder, whose clock can be set.
func (s *Store) TestClock() bool { return s.testClock != nil }

// TestClockSetting returns how the clock of a test folder is set; it is zero in other
// folders.
func (s *Store) TestClockSetting() TestClock {
	if s.testClock == nil {
		return TestClock{}
	}
	return *s.testSetting.Load()
}

// SetTestClock sets the clock of a test folder: object time and lock time follow it,
// forward and back, and do so after a restart too. Orders, and the times of the ledger,
// do not go back. The ledger tells of it before it has an effect, but of no step of less
// than a second, by which a clock that was held is let go. In other folders it fails with [ErrNoTestClock], and with [ErrClockRange] for times that cannot be kept.
func (s *Store) SetTestClock(ctx context.Context, c TestClock, made Maker) error {
	err := ErrNoTestClock
	if s.testClock != nil {
		err = s.setTestClock(ctx, c.cleaned(), made)
	}
	if err != nil {
		return &Error{Op: "set test clock", Err: err}
	}
	return nil
}

func (s *Store) setTestClock(ctx context.Context, c TestClock, made Maker) error {
	t := &s.lockTime
	t.accepting.Lock()
	defer t.accepting.Unlock()
	from, to := s.now(), s.shownBy(&c)
	if err := s.CheckTestClock(c); err != nil {
		return err
	}
	entry := ledgerEntry{change: LedgerClockStepped, before: from.Format(time.RFC3339Nano), after: to.Format(time.RFC3339Nano)}
	w := &ledgerWriter{ledger: s.ledger}
	var err error
	if to.Sub(from).Abs() >= time.Second || c.Frozen != s.testSetting.Load().Frozen {
		// A new order may have to raise the floors, so the row is made before raising.
		err = w.note(ledgerPlace{}, made, entry)
	}
	if err == nil {
		err = s.applyTestClock(ctx, c, w.end())
	}
	s.ledger.finish(w.first, err == nil || errors.Is(err, ErrUnknown))
	return err
}

// note adds an entry of a change that one request makes, if a ledger is kept.
func (w *ledgerWriter) note(at ledgerPlace, made Maker, entry ledgerEntry) error {
	if !w.ledger.keeps {
		return nil
	}
	if err := w.request(at, &made); err != nil {
		return err
	}
	return w.add(&entry)
}

// CheckTestClock returns [ErrClockRange] if a clock cannot be set like c.
func (s *Store) CheckTestClock(c TestClock) error {
	to := s.shownBy(&c)
	if to.UnixMilli() < 0 || to.Sub(s.RealTime()).Abs() > maxClockOffset || c.Offset.Abs() > maxClockOffset {
		return fmt.Errorf("%w: %s", ErrClockRange, to.Format(time.RFC3339))
	}
	return nil
}

// shownBy is what a clock that is set like c shows.
func (s *Store) shownBy(c *TestClock) time.Time {
	if c.stands() {
		return c.At
	}
	return s.RealTime().Add(c.Offset)
}

// applyTestClock makes a setting durable, together with rows, and then has time
// follow it. No floor is raised meanwhile: it would be one of the time before.
func (s *Store) applyTestClock(ctx context.Context, c TestClock, rows []engine.Mutation) error {
	t := &s.lockTime
	t.raising.Lock()
	defer t.raising.Unlock()
	floor := s.shownBy(&c).UnixMilli()
	rows = append(rows,
		engine.Set(metaKey(metaTestClock), c.encode()),
		numberRow(metaLockFloor, uint64(floor)),
	)
	if err := s.commit(ctx, nil, rows); err != nil {
		return err
	}
	s.testClock.Set(c.setting())
	s.testSetting.Store(&c)
	t.floor.Store(floor)
	t.begin(s.testClock.Now().UnixMilli())
	return nil
}
