package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// clockEndpoints show the clocks of the server, and set that of a test folder.
var clockEndpoints = []endpoint{
	{http.MethodGet, "/clock", "GetClock", "tombstone:GetClock", getClock},
	{http.MethodPost, "/clock", "SetClock", "tombstone:SetClock", setClock},
	{http.MethodPost, "/clock/accept", "AcceptClockStep", "tombstone:AcceptClockStep", acceptClockStep},
}

// AdminClock is what the server knows of its clocks.
type AdminClock struct {
	Time      time.Time `json:"time"`      // of objects: Last-Modified, lifecycle
	LockTime  time.Time `json:"lockTime"`  // that locks are held against
	RealTime  time.Time `json:"realTime"`  // of signatures, policies and MFA codes
	Offset    string    `json:"offset"`    // how far Time is ahead of RealTime, such as "720h0m0s"
	Frozen    bool      `json:"frozen"`    // Time stands still
	TestClock bool      `json:"testClock"` // Time may be set
	// StepSeconds is how far the wall clock has leapt ahead of the time that locks go
	// by, or, after it was accepted, how far that went on; 0 if it did not.
	StepSeconds float64 `json:"stepSeconds"`
}

// AdminClockChange sets the clock of a test folder: Set, Advance or Offset, Freeze, or
// both. Where only Freeze is given, the clock stops or goes on where it is.
type AdminClockChange struct {
	Set     string `json:"set,omitempty"`     // to a time or a date
	Advance string `json:"advance,omitempty"` // by a while such as "36h", "30d" or "1d12h"
	Offset  string `json:"offset,omitempty"`  // to be ahead of real time by a while; "0s": to real time
	Freeze  *bool  `json:"freeze,omitempty"`  // absent: as it is
}

// AdminClockMove is what became of setting the clock: how it is set now, and what came
// due on the way and was done.
type AdminClockMove struct {
	AdminClock
	// Actions are in the order of their time, at most 1,000; Totals count all.
	Actions   []AdminClockAction    `json:"actions"`
	Truncated bool                  `json:"truncated,omitempty"`
	Totals    []AdminLifecycleTotal `json:"totals"`
	Held      int64                 `json:"held"`    // due, but protected by a lock
	Changed   int64                 `json:"changed"` // due, but changed meanwhile again and again
	Failed    int64                 `json:"failed"`
}

// AdminClockAction is what was done, or ended by itself.
type AdminClockAction struct {
	At     time.Time `json:"at"` // object time; later than it was due where a lock held it
	Bucket string    `json:"bucket"`
	AdminLifecycleAction
}

// retentionEnded is the kind of an action that nobody took: a retention came to its end.
const retentionEnded = "RetentionEnded"

// maxClockActions bounds the actions of an answer.
const maxClockActions = 1000

func getClock(x *exchange, _ pathValues) (any, error) { return x.clockNow(), nil }

func (x *exchange) clockNow() AdminClock {
	s := x.h.store
	setting := s.TestClockSetting()
	c := AdminClock{
		Time: s.ObjectTime(), LockTime: s.LockTime(), RealTime: s.RealTime(),
		Frozen: setting.Frozen, TestClock: s.TestClock(), StepSeconds: s.ClockStep().Seconds(),
	}
	offset := setting.Offset
	if setting.Frozen || setting.Held {
		offset = c.Time.Sub(c.RealTime)
	}
	c.Offset = offset.Round(time.Millisecond).String()
	return c
}

// acceptClockStep lets locks end by a step of the clock. Only the root of the account
// that the server belongs to may, with a code of its MFA device if it has one.
func acceptClockStep(x *exchange, _ pathValues) (any, error) {
	if err := x.rootOnly(x.h.root.Principal.Account); err != nil {
		return nil, err
	}
	if reg := x.h.identities; reg != nil {
		if err := x.confirmDevices(reg, x.h.root.Principal.Account); err != nil {
			return nil, err
		}
	}
	step, err := x.h.store.AcceptClockStep(x.Context(), x.maker())
	if err != nil {
		return nil, err
	}
	c := x.clockNow()
	c.StepSeconds = step.Seconds()
	return c, nil
}

// setClock sets the clock of a test folder. Where it goes forward, all that comes due
// on the way is done, each at its time, before the answer.
func setClock(x *exchange, _ pathValues) (any, error) {
	if !x.h.store.TestClock() {
		return nil, refuse("NoTestClock")
	}
	var in AdminClockChange
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	x.h.clockTurn.Lock()
	defer x.h.clockTurn.Unlock()
	m, err := x.planClockMove(&in)
	if err == nil {
		err = m.run()
	}
	if err != nil {
		return nil, notMoved(err)
	}
	return m.answer(), nil
}

// notMoved answers why a clock was not set.
func notMoved(err error) error {
	switch {
	case errors.Is(err, store.ErrClockRange):
		return &failure{code: "InvalidArgument", message: "The clock can be set to times from 1970 on that are less than 250 years from now.", cause: err}
	case errors.Is(err, store.ErrNoTestClock):
		return &failure{code: "NoTestClock", cause: err}
	}
	return notRun(err)
}

// clockMove is a change of the clock on its way.
type clockMove struct {
	x      *exchange
	target time.Time
	frozen bool           // at the end
	offset *time.Duration // from real time, where that counts more than the target

	out AdminClockMove
}

// planClockMove says where the clock is to go.
func (x *exchange) planClockMove(in *AdminClockChange) (*clockMove, error) {
	s := x.h.store
	is := s.TestClockSetting()
	m := &clockMove{x: x, target: s.ObjectTime(), frozen: is.Frozen}
	given := 0
	for _, text := range []string{in.Set, in.Advance, in.Offset} {
		if text != "" {
			given++
		}
	}
	if given > 1 || given == 0 && in.Freeze == nil {
		return nil, refuseWith("InvalidRequest", "One of set, advance and offset is needed, or freeze, or one of them with freeze.")
	}
	if in.Freeze != nil {
		m.frozen = *in.Freeze
	}
	var err error
	switch {
	case in.Set != "":
		m.target, err = parseMoment("set", in.Set)
	case in.Advance != "":
		var by time.Duration
		by, err = parseSpan("advance", in.Advance)
		m.target = m.target.Add(by)
		if ahead := is.Offset + by; !is.Frozen {
			m.offset = &ahead
		}
	case in.Offset != "":
		m.offset = new(time.Duration)
		*m.offset, err = parseSpan("offset", in.Offset)
		m.target = s.RealTime().Add(*m.offset)
	}
	m.target = m.target.UTC().Truncate(time.Millisecond)
	if err == nil {
		// Before anything is settled on a way that does not lead there.
		err = s.CheckTestClock(store.TestClock{Frozen: true, At: m.target})
	}
	return m, err
}

// parseSpan reads a while: as Go writes it, with days in front or alone.
func parseSpan(name, text string) (time.Duration, error) {
	const day = 24 * time.Hour
	rest, negative := strings.CutPrefix(text, "-")
	total := time.Duration(0)
	digits, after, inDays := strings.Cut(rest, "d")
	var err error
	if inDays {
		var n uint64
		n, err = strconv.ParseUint(digits, 10, 32)
		if n > uint64(math.MaxInt64/day) {
			err = strconv.ErrRange
		}
		total, rest = time.Duration(n)*day, after
	}
	if err == nil && (rest != "" || !inDays) {
		var d time.Duration
		d, err = time.ParseDuration(rest)
		if err == nil && (strings.Trim(rest[:1], "+-") == "" || total+d < total) {
			err = strconv.ErrRange
		}
		total += d
	}
	if err != nil {
		return 0, invalidArgument("A while is written as 36h, 30d or 1d12h.", name, text)
	}
	if negative {
		total = -total
	}
	return total, nil
}

// run moves the clock.
func (m *clockMove) run() error {
	m.out.Actions, m.out.Totals = []AdminClockAction{}, []AdminLifecycleTotal{}
	if !m.target.After(m.x.h.store.ObjectTime()) {
		return m.finish(m.x.Context())
	}
	err := m.listRetentions()
	if err == nil {
		err = m.settle()
	}
	if err != nil {
		// Where the clock got to, it goes on as before, also if it is the client that has
		// gone.
		if at := m.x.h.store.ObjectTime(); at.Before(m.target) {
			m.target, m.offset, m.frozen = at, nil, m.x.h.store.TestClockSetting().Frozen
		}
		return errors.Join(err, m.finish(context.WithoutCancel(m.x.Context())))
	}
	return m.finish(m.x.Context())
}

// settle goes to the target, by the way of all that comes due before it.
func (m *clockMove) settle() error {
	if m.x.h.expirer == nil {
		return nil
	}
	room := len(m.out.Actions) + maxClockActions // the answer is cut once all are sorted
	report, err := m.x.h.expirer.Settle(m.x.Context(), m.target, m.stop, func(a *lifecycle.Action) error {
		m.add(AdminClockAction{m.x.h.store.ObjectTime(), a.Bucket, m.x.lifecycleAction(a)}, room)
		return nil
	})
	out := lifecycleReport(&report, false)
	m.out.Totals = append(m.out.Totals, out.Totals...)
	m.out.Held, m.out.Changed, m.out.Failed = out.Held, out.Changed, out.Failed
	return err
}

// stop sets the clock to a time on the way. There it stands still, so that what is
// done at a time bears that very time, whatever that takes.
func (m *clockMove) stop(at time.Time) error {
	s := m.x.h.store
	frozen := s.TestClockSetting().Frozen
	return s.SetTestClock(m.x.Context(), store.TestClock{
		Frozen: frozen, Held: !frozen, At: at, Offset: at.Sub(s.RealTime()),
	}, m.x.maker())
}

// finish sets the clock to the target.
func (m *clockMove) finish(ctx context.Context) error {
	s := m.x.h.store
	c := store.TestClock{Offset: m.target.Sub(s.RealTime()), Frozen: m.frozen, At: m.target}
	if m.offset != nil {
		c.Offset = *m.offset
	}
	return s.SetTestClock(ctx, c, m.x.maker())
}

// listRetentions tells of the retentions that end on the way.
func (m *clockMove) listRetentions() error {
	total := AdminLifecycleTotal{Kind: retentionEnded}
	err := m.x.h.store.EndingRetentions(m.x.Context(), m.target, func(r store.EndingRetention) error {
		total.Count++
		total.Bytes += r.Size
		m.add(AdminClockAction{r.Until, r.Bucket, AdminLifecycleAction{
			Kind: retentionEnded, Key: r.Key, VersionID: r.VersionID, Due: r.Until, Bytes: r.Size,
		}}, maxClockActions)
		return nil
	})
	if total.Count > 0 {
		m.out.Totals = append(m.out.Totals, total)
	}
	return err
}

// add adds an action while there are less than so many.
func (m *clockMove) add(a AdminClockAction, most int) {
	if len(m.out.Actions) < most {
		m.out.Actions = append(m.out.Actions, a)
	} else {
		m.out.Truncated = true
	}
}

func (m *clockMove) answer() *AdminClockMove {
	slices.SortStableFunc(m.out.Actions, func(a, b AdminClockAction) int { return a.At.Compare(b.At) })
	if len(m.out.Actions) > maxClockActions {
		m.out.Actions, m.out.Truncated = m.out.Actions[:maxClockActions], true
	}
	m.out.AdminClock = m.x.clockNow()
	return &m.out
}
