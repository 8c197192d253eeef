package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/seed61737384/tombstone/api"
)

// lifecycleActions are those of "tombstone lifecycle".
func lifecycleActions() []action {
	return []action{
		{verb: "preview", args: "BUCKET", flags: []string{"at", "prefix"},
			help: "what the rules would remove now, or at a time or date, and what else is due when", run: previewLifecycle},
		{verb: "run", args: "BUCKET", flags: []string{"now?", "at", "dry-run?", "prefix"},
			help: "let the rules remove what is due --now, or was --at a time or date; --dry-run shows what that would be", run: runLifecycle},
		{verb: "status", args: "BUCKET", flags: []string{"count?"},
			help: "when the rules were last carried out, and what is due when as far as that pass knew; --count counts what is due now", run: showLifecycle},
	}
}

func previewLifecycle(ctx context.Context, r *remote) error {
	query := url.Values{}
	for _, name := range []string{"at", "prefix"} {
		if value := r.given[name]; value != "" {
			query.Set(name, value)
		}
	}
	p := passPrinter{remote: r}
	if err := r.lines(ctx, below("/buckets/%s/lifecycle/preview", r.rest...), query, p.line); err != nil {
		return err
	}
	return p.end()
}

// runLifecycle does nothing without a word on when, for what it removes is gone.
func runLifecycle(ctx context.Context, r *remote) error {
	in := api.AdminLifecycleRun{At: r.given["at"], DryRun: r.on("dry-run"), Prefix: r.given["prefix"]}
	switch now := r.on("now"); {
	case now && in.At != "":
		return errors.New("--now and --at are both given")
	case !now && in.At == "" && !in.DryRun:
		return withHint(errors.New("one of --now, --at and --dry-run is needed"), "lifecycle")
	}
	answer, err := r.ask(ctx, http.MethodPost, below("/buckets/%s/lifecycle/run", r.rest...), nil, in)
	if err != nil {
		return err
	}
	p := passPrinter{remote: r}
	if err := eachLine(answer, p.line); err != nil {
		return err
	}
	return p.end()
}

// passPrinter prints what a pass over a bucket does, as it comes, and at the end its totals.
type passPrinter struct {
	*remote
	actions bool // the names of the columns have been printed
	report  *api.AdminLifecycleReport
}

const passColumns = "%-20s  %-17s  %13s  %-20s  %-32s  %s\n"

func (p *passPrinter) line(line []byte) error {
	var in api.AdminLifecycleLine
	if err := json.Unmarshal(line, &in); err != nil {
		return fmt.Errorf("the answer of the server: %w", err)
	}
	if in.Report != nil {
		p.report = in.Report
	}
	switch {
	case p.config.remote.json:
		_, err := p.stdout.Write(line)
		return err
	case in.AdminLifecycleAction == nil:
		return nil
	case !p.actions:
		p.actions = true
		fmt.Fprintf(p.stdout, passColumns, "DUE", "KIND", "BYTES", "RULE", "VERSION", "KEY")
	}
	_, err := fmt.Fprint(p.stdout, passLine(in.AdminLifecycleAction))
	return err
}

// passLine returns an action as a line for people.
func passLine(a *api.AdminLifecycleAction) string {
	what := a.VersionID
	if a.UploadID != "" {
		what = a.UploadID
	}
	key := plain(a.Key)
	if a.DeleteMarker {
		key += "; a delete marker"
	}
	if a.Hides {
		key += "; stays below a delete marker"
	}
	if a.Error != "" {
		key += "; not done: " + a.Error
	}
	return fmt.Sprintf(passColumns, showTime(&a.Due), a.Kind, strconv.FormatInt(a.Bytes, 10), plain(a.Rule), dash(what), key)
}

// end prints the totals by rule. An answer without them was cut.
func (p *passPrinter) end() error {
	if p.report == nil {
		return errors.New("the answer of the server ended before its end")
	}
	if !p.config.remote.json {
		if p.actions {
			fmt.Fprintln(p.stdout)
		}
		if err := printPass(p.remote, p.report); err != nil {
			return err
		}
	}
	if p.report.Failed > 0 {
		return fmt.Errorf("%d actions failed; the log of the server says why", p.report.Failed)
	}
	return nil
}

// printPass prints totals by rule and what was not done.
func printPass(r *remote, report *api.AdminLifecycleReport) error {
	if report.MFADelete {
		_, err := fmt.Fprintln(r.stdout, "MFA Delete is enabled: no rule acts")
		return err
	}
	row := func(t *api.AdminLifecycleTotal) []string {
		return []string{plain(t.Rule), t.Kind, strconv.FormatInt(t.Count, 10), strconv.FormatInt(t.Bytes, 10), strconv.FormatInt(t.HiddenBytes, 10)}
	}
	rows, all := [][]string{{"RULE", "KIND", "COUNT", "BYTES FREED", "BYTES HIDDEN"}}, api.AdminLifecycleTotal{Rule: "all"}
	for i := range report.Totals {
		t := &report.Totals[i]
		rows = append(rows, row(t))
		all.Count, all.Bytes, all.HiddenBytes = all.Count+t.Count, all.Bytes+t.Bytes, all.HiddenBytes+t.HiddenBytes
	}
	rows = append(rows, row(&all))
	if err := printColumns(r.stdout, rows); err != nil {
		return err
	}
	as := "as of"
	if report.DryRun {
		as = "a dry run as of"
	}
	if report.Withheld {
		fmt.Fprintln(r.stdout, "\nkeys are not named, for that takes s3:ListBucketVersions")
	}
	_, err := fmt.Fprintf(r.stdout, "\n%s %s: %d looked at, %d held by locks, %d changed meanwhile; next due %s\n",
		as, showTime(&report.At), report.Scanned, report.Held, report.Changed, showTime(report.NextDue))
	return err
}

func showLifecycle(ctx context.Context, r *remote) error {
	query := url.Values{}
	if r.on("count") {
		query.Set("count", "true")
	}
	var s api.AdminLifecycleStatus
	if err := r.call(ctx, http.MethodGet, below("/buckets/%s/lifecycle", r.rest...), query, nil, &s); err != nil {
		return err
	}
	if r.config.remote.json {
		return printJSON(r.stdout, s)
	}
	for _, line := range statusLines(&s) {
		fmt.Fprintln(r.stdout, line)
	}
	if s.Last != nil {
		fmt.Fprintf(r.stdout, "last whole pass from %s to %s\n\n", showTime(s.Started), showTime(s.Finished))
		if err := printPass(r, s.Last); err != nil {
			return err
		}
	}
	if s.Due == nil {
		return nil
	}
	fmt.Fprintf(r.stdout, "\ndue now and not done, counted for this\n\n")
	return printPass(r, s.Due)
}

// statusLines says in words how far the rules of a bucket are, and how much of that is not
// known.
func statusLines(s *api.AdminLifecycleStatus) []string {
	lines := []string{fmt.Sprintf("rules %d, enabled %d", s.Rules, s.Enabled)}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if !s.Active {
		add("rules are applied when somebody runs them, and not by themselves: the server was started with --lifecycle=false")
	}
	switch {
	case s.Running:
		add("a pass is under way")
	case s.Finished == nil:
		add("no pass yet since the server started: what is due is not known; --count counts it")
	}
	if s.OldestDue != nil {
		add("due at least since %s and not done yet, %.0f s", showTime(s.OldestDue), s.LagSeconds)
	}
	if s.Finished != nil {
		add("next due %s, as the last pass found; what was put or hidden since is not in it, --count counts what is due now", showTime(s.NextDue))
	}
	if s.NextPass != nil {
		add("next pass at %s at the latest", showTime(s.NextPass))
	}
	return lines
}
