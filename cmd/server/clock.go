package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/store"
)

// clockActions are those of "tombstone clock".
func clockActions() []action {
	return []action{
		{verb: "show", help: "object time, lock time and real time", run: showClock},
		{verb: "set", args: "TIME", help: "set a test clock; what comes due on the way forward is done first, each at its time", run: setClock},
		{verb: "advance", args: "DURATION", help: "set a test clock forward, by 36h, 30d or 1d12h", run: advanceClock},
		{verb: "freeze", args: "[TIME]", help: "let a test clock stand still", run: freezeClock},
		{verb: "unfreeze", help: "let it run on from where it stands", run: unfreezeClock},
		{verb: "reset", help: "set a test clock to real time", run: resetClock},
		{verb: "accept", flags: []string{"mfa"}, help: "let locks follow a wall clock that leapt ahead, which may end some", run: acceptClock},
	}
}

func showClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodGet, "/clock", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "%s", describeClock(&c))
}

// describeClock returns what there is to say of the clocks, in lines.
func describeClock(c *api.AdminClock) string {
	lines := []string{
		"object time  " + showInstant(c.Time),
		"lock time    " + showInstant(c.LockTime),
		"real time    " + showInstant(c.RealTime),
	}
	switch {
	case c.Frozen:
		lines = append(lines, "clock        a test clock that is frozen, "+c.Offset+" ahead")
	case c.TestClock:
		lines = append(lines, "clock        a test clock, "+c.Offset+" ahead")
	case c.StepSeconds > 0:
		lines = append(lines, fmt.Sprintf("clock        it leapt %.0f s ahead, which locks do not follow unless it is accepted", c.StepSeconds))
	default:
		lines = append(lines, "clock        it keeps real time")
	}
	return strings.Join(lines, "\n")
}

// showInstant returns a time to the millisecond.
func showInstant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func setClock(ctx context.Context, r *remote) error {
	return r.moveClock(ctx, api.AdminClockChange{Set: r.arg(0)})
}

func advanceClock(ctx context.Context, r *remote) error {
	return r.moveClock(ctx, api.AdminClockChange{Advance: r.arg(0)})
}

func freezeClock(ctx context.Context, r *remote) error {
	on := true
	return r.moveClock(ctx, api.AdminClockChange{Set: r.arg(0), Freeze: &on})
}

func unfreezeClock(ctx context.Context, r *remote) error {
	off := false
	return r.moveClock(ctx, api.AdminClockChange{Freeze: &off})
}

func resetClock(ctx context.Context, r *remote) error {
	off := false
	return r.moveClock(ctx, api.AdminClockChange{Offset: "0s", Freeze: &off})
}

// moveClock sets the clock and shows what came due by that.
func (r *remote) moveClock(ctx context.Context, change api.AdminClockChange) error {
	var m api.AdminClockMove
	if err := r.call(ctx, http.MethodPost, "/clock", nil, change, &m); err != nil {
		return err
	}
	if r.config.remote.json {
		return printJSON(r.stdout, m)
	}
	if err := r.say(nil, "%s", describeClock(&m.AdminClock)); err != nil {
		return err
	}
	if m.Held+m.Changed+m.Failed > 0 {
		if err := r.say(nil, "not done     %d held by locks, %d changed meanwhile, %d failed", m.Held, m.Changed, m.Failed); err != nil {
			return err
		}
	}
	if len(m.Totals) == 0 {
		return nil
	}
	rows := [][]string{{"DONE", "RULE", "COUNT", "BYTES", "HIDDEN"}}
	for _, t := range m.Totals {
		rows = append(rows, []string{t.Kind, plain(dash(t.Rule)), strconv.FormatInt(t.Count, 10), strconv.FormatInt(t.Bytes, 10), strconv.FormatInt(t.HiddenBytes, 10)})
	}
	return r.table(nil, rows)
}

func acceptClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodPost, "/clock/accept", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "the time that locks go by went %.0f s on", c.StepSeconds)
}

// checkTestClock refuses to let others than this machine set the clock, which ends
// locks, unless that was asked for.
func checkTestClock(c config, loopback bool) error {
	if c.testClock && !loopback && !c.clockAnywhere {
		return errors.New("--test-clock: on an address of loopback only, unless --test-clock-anywhere is set; a clock that can be set ends locks")
	}
	return nil
}

// explainTestFolder says what to do about a folder of the other kind.
func explainTestFolder(err error) error {
	switch {
	case errors.Is(err, store.ErrNoTestClock):
		return errors.New("--test-clock: only a folder that was made with it has a test clock; take a new one")
	case errors.Is(err, store.ErrTestFolder):
		return errors.New("a test folder, made with --test-clock, whose clock may have been set: start with --test-clock, or take another folder")
	}
	return err
}

// warnOfTestClock says that the clock is not what others go by.
func warnOfTestClock(st *store.Store, log *slog.Logger) {
	if c := st.TestClockSetting(); c != (store.TestClock{}) {
		log.Warn("the test clock is not set to real time", "time", st.ObjectTime(), "offset", st.ObjectTime().Sub(st.RealTime()).String(), "frozen", c.Frozen)
	}
}
