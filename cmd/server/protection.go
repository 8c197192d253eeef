package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed61737384/tombstone/api"
)

// errUnsound ends a command that has printed what is wrong.
var errUnsound = errors.New("not everything is as it should be")

// mfaActions are those of "tombstone mfa".
func mfaActions() []action {
	return []action{
		{verb: "list", args: "ACCOUNT", help: "the MFA devices of an account's root", run: listDevices},
		{verb: "enroll", args: "ACCOUNT NAME", flags: []string{"mfa"},
			help: "a new virtual device; its secret is shown once, with a QR code; --mfa \"SERIAL CODE\" if there is one already", run: enrollDevice},
		{verb: "remove", args: "ACCOUNT SERIAL", flags: []string{"mfa"},
			help: "remove a device; --mfa \"SERIAL CODE\" of one of the account", run: deletePath("/accounts/%s/devices/%s")},
	}
}

// lockActions are those of "tombstone locks".
func lockActions() []action {
	return []action{
		{verb: "list", args: "BUCKET", help: "the versions with retention or legal hold", run: listLocks},
		{verb: "verify", args: "BUCKET", help: "try every way to destroy each of them, without doing it; exit 1 if one is not held", run: verifyLocks},
	}
}

// ledgerActions are those of "tombstone ledger".
func ledgerActions() []action {
	return []action{
		{verb: "show", flags: []string{"bucket", "key", "prefix", "from", "to", "limit", "newest?", "sealed?"},
			help: "what was removed, by whom and why; --json prints all of it, a line each", run: showLedger},
		{verb: "verify", help: "compare the ledger with its seals; exit 1 if something was changed, dropped or moved", run: verifyLedger},
		{verb: "export", flags: []string{"bucket", "key", "prefix", "from", "to"},
			help: "rows and seals as JSON lines that can be verified elsewhere", run: exportLedger},
	}
}

// clockActions are those of "tombstone clock".
func clockActions() []action {
	return []action{
		{verb: "show", help: "how far the wall clock has leapt ahead of the time that locks go by", run: showClock},
		{verb: "accept", flags: []string{"mfa"}, help: "let locks follow a wall clock that leapt ahead, which may end some", run: acceptClock},
	}
}

func listDevices(ctx context.Context, r *remote) error {
	var all []api.AdminDevice
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/devices", r.rest...), nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"SERIAL", "CREATED"}}
	for _, d := range all {
		rows = append(rows, []string{d.Serial, showTime(d.Created)})
	}
	return r.table(all, rows)
}

func enrollDevice(ctx context.Context, r *remote) error {
	var made api.AdminDevice
	in := api.AdminDevice{Name: r.arg(1)}
	if err := r.call(ctx, http.MethodPost, below("/accounts/%s/devices", r.arg(0)), nil, in, &made); err != nil {
		return err
	}
	if err := r.say(made, "serial  %s\nsecret  %s\nurl     %s", made.Serial, made.Secret, made.URL); err != nil || r.config.remote.json {
		return err
	}
	return printQR(r.stdout, made.URL)
}

func listLocks(ctx context.Context, r *remote) error {
	var all []api.AdminLock
	query := url.Values{}
	for {
		var page api.AdminLocks
		if err := r.call(ctx, http.MethodGet, below("/buckets/%s/locks", r.rest...), query, nil, &page); err != nil {
			return err
		}
		all = append(all, page.Locks...)
		if page.Next == "" {
			break
		}
		query.Set("after", page.Next)
	}
	rows := [][]string{{"MODE", "UNTIL", "HOLD", "VERSION", "KEY"}}
	for _, l := range all {
		rows = append(rows, []string{dash(l.Mode), showTime(l.Until), dash(l.LegalHold), l.VersionID, l.Key})
	}
	return r.table(all, rows)
}

// dash returns s, or a hyphen for nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// lines calls fn with each line of an answer.
func (r *remote) lines(ctx context.Context, path string, query url.Values, fn func([]byte) error) error {
	answer, err := r.ask(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	in := bufio.NewReader(answer)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("the answer of the server: %w", err)
		}
		if err := fn(line); err != nil {
			return err
		}
	}
}

func verifyLocks(ctx context.Context, r *remote) error {
	sound, versions, ways := true, 0, 0
	err := r.lines(ctx, below("/buckets/%s/locks/verify", r.rest...), nil, func(line []byte) error {
		var p api.AdminLockProof
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		sound, versions, ways = sound && p.Sound, versions+1, ways+len(p.Trials)
		if r.config.remote.json {
			_, err := r.stdout.Write(line)
			return err
		}
		printProof(r.stdout, &p)
		return nil
	})
	if err != nil {
		return err
	}
	if !r.config.remote.json {
		fmt.Fprintf(r.stdout, "%s: %d versions with a lock setting, %d trials\n", r.arg(0), versions, ways)
	}
	if !sound {
		return errUnsound
	}
	return nil
}

func printProof(w io.Writer, p *api.AdminLockProof) {
	verdict := "sound"
	if !p.Sound {
		verdict = "NOT SOUND"
	}
	fmt.Fprintf(w, "%s %s: %s", p.Key, p.VersionID, verdict)
	if p.Mode != "" {
		fmt.Fprintf(w, "; %s until %s", p.Mode, showTime(p.Until))
	}
	if p.LegalHold != "" {
		fmt.Fprintf(w, "; legal hold %s", p.LegalHold)
	}
	fmt.Fprintln(w)
	for _, d := range p.Damage {
		fmt.Fprintf(w, "  damage: %s\n", d)
	}
	for _, t := range p.Trials {
		outcome := "held "
		if !t.Held {
			outcome = "freed"
		}
		fmt.Fprintf(w, "  %s  %-40s %s\n", outcome, t.Path, t.Why)
	}
}

// ledgerQuery returns the flags that select entries as a query.
func (r *remote) ledgerQuery() url.Values {
	q := url.Values{}
	for _, name := range []string{"bucket", "key", "prefix", "from", "to", "limit", "newest", "sealed"} {
		if value, ok := r.given[name]; ok {
			q.Set(name, value)
		}
	}
	return q
}

// shownEntry is what a line of the ledger says in a table.
type shownEntry struct {
	RealTime  string `json:"realTime"`
	Change    string `json:"change"`
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId"`
	Principal string `json:"principal"`
	Source    string `json:"source"`
	RequestID string `json:"requestId"`
	Operation string `json:"operation"`
}

func showLedger(ctx context.Context, r *remote) error {
	return r.lines(ctx, "/ledger", r.ledgerQuery(), func(line []byte) error {
		var e shownEntry
		if r.config.remote.json {
			_, err := r.stdout.Write(line)
			return err
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		what := strings.TrimSuffix(e.Bucket+"/"+e.Key, "/")
		if e.VersionID != "" {
			what += " " + e.VersionID
		}
		_, err := fmt.Fprintf(r.stdout, "%s  %-18s %s  by %s from %s, %s, request %s\n",
			e.RealTime, e.Change, what, dash(e.Principal), dash(e.Source), dash(e.Operation), dash(e.RequestID))
		return err
	})
}

func verifyLedger(ctx context.Context, r *remote) error {
	var report api.AdminLedgerReport
	if err := r.call(ctx, http.MethodGet, "/ledger/verify", nil, nil, &report); err != nil {
		return err
	}
	err := r.say(report, "%d seals (%d signed), %d rows with %d entries, %d rows not sealed yet; newest seal %d %s",
		report.Seals, report.Signed, report.Rows, report.Entries, report.Unsealed, report.NewestSeal, report.NewestHash)
	if err != nil {
		return err
	}
	if report.Sound {
		return nil
	}
	if !r.config.remote.json {
		for _, p := range report.Problems {
			fmt.Fprintf(r.stdout, "problem: %s\n", p)
		}
	}
	return errUnsound
}

func exportLedger(ctx context.Context, r *remote) error {
	return r.lines(ctx, "/ledger/export", r.ledgerQuery(), func(line []byte) error {
		_, err := r.stdout.Write(line)
		return err
	})
}

func showClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodGet, "/clock", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "the wall clock is %.0f s ahead of the time that locks go by", c.StepSeconds)
}

func acceptClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodPost, "/clock/accept", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "the time that locks go by went %.0f s on", c.StepSeconds)
}
