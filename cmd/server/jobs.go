package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/jobs"
)

// emptyActions are what "tombstone empty" does.
func emptyActions() []action {
	return []action{{
		args:  "BUCKET",
		flags: []string{"prefix", "delete-bucket?", "bypass-governance?", "keep-uploads?", "rate", "dry-run?", "detach?", "mfa"},
		help: "remove all versions, delete markers and uploads that are there, as a job of the server, and wait for it; --rate entries a second at most; " +
			"--detach does not wait; --mfa \"SERIAL CODE\" where MFA Delete is enabled; exit 1 if something stays, which is printed with why",
		run: emptyBucket,
	}}
}

// undeleteActions are what "tombstone undelete" does.
func undeleteActions() []action {
	return []action{{
		args:  "BUCKET",
		flags: []string{"prefix", "since", "until", "yes?", "rate", "detach?", "mfa"},
		help: "show which keys are visible again if the delete markers above their newest versions go, of all keys or those deleted within a time " +
			"(2006-01-02 or 2006-01-02T15:04:05Z); --yes does it, as a job of the server; --detach does not wait for that; no version is removed",
		run: undeleteBucket,
	}}
}

// jobActions are those of "tombstone jobs".
func jobActions() []action {
	return []action{
		{verb: "list", help: "the jobs that run, wait, or ended within the last seven days", run: listJobs},
		{verb: "show", args: "JOB", help: "what a job came to, and some of what it did not remove", run: showJob},
		{verb: "cancel", args: "JOB", help: "end a job where it is; what it removed stays removed", run: cancelJob},
	}
}

// errStays ends a command whose job left something that it was to remove.
var errStays = errors.New("not everything was removed")

func (r *remote) rate() (int, error) {
	text := r.given["rate"]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("--rate %q is not a number of entries a second", text)
	}
	return n, nil
}

func emptyBucket(ctx context.Context, r *remote) error {
	rate, err := r.rate()
	if err != nil {
		return err
	}
	uploads := !r.on("keep-uploads")
	in := api.AdminEmpty{
		Prefix: r.given["prefix"], DeleteBucket: r.on("delete-bucket"), BypassGovernance: r.on("bypass-governance"),
		Rate: rate, DryRun: r.on("dry-run"), Uploads: &uploads,
	}
	var j api.AdminJob
	if err := r.call(ctx, http.MethodPost, below("/buckets/%s/empty", r.rest...), nil, in, &j); err != nil {
		return err
	}
	if r.on("detach") {
		return r.say(j, "%s", j.ID)
	}
	if j, err = r.follow(ctx, j); err != nil {
		return err
	}
	return r.sayJob(&j)
}

// undeleteBucket shows what would be undeleted, or does it if that is asked for. A dry
// run takes no time of its own: nothing is removed at a rate.
func undeleteBucket(ctx context.Context, r *remote) error {
	rate, err := r.rate()
	if err != nil {
		return err
	}
	in := api.AdminUndelete{Prefix: r.given["prefix"], Rate: rate}
	if in.DryRun = !r.on("yes"); in.DryRun {
		in.Rate = 0
	}
	for name, into := range map[string]**time.Time{"since": &in.Since, "until": &in.Until} {
		if text := r.given[name]; text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				at, err = time.Parse(time.DateOnly, text)
			}
			if err != nil {
				return fmt.Errorf("--%s %q is not a date or a time such as 2006-01-02T15:04:05Z", name, text)
			}
			*into = &at
		}
	}
	var j api.AdminJob
	if err := r.call(ctx, http.MethodPost, below("/buckets/%s/undelete", r.rest...), nil, in, &j); err != nil {
		return err
	}
	if r.on("detach") && !in.DryRun {
		return r.say(j, "%s", j.ID)
	}
	if j, err = r.follow(ctx, j); err != nil {
		return err
	}
	if err := r.sayJob(&j); err != nil {
		return err
	}
	if in.DryRun && !r.config.remote.json {
		_, err = fmt.Fprintln(r.stdout, "nothing was done; --yes does it")
	}
	return err
}

// pollEvery is how often a command asks how far its job got.
const pollEvery = 500 * time.Millisecond

// follow waits for the end of a job, with a line on a terminal that says how far it got.
// A command that is stopped leaves the job alone.
func (r *remote) follow(ctx context.Context, j api.AdminJob) (api.AdminJob, error) {
	drawn := 0
	defer func() {
		if drawn > 0 {
			fmt.Fprintf(r.stderr, "\r%s\r", strings.Repeat(" ", drawn))
		}
	}()
	for wait := pollEvery / 10; j.Finished == nil; wait = pollEvery {
		select {
		case <-ctx.Done():
			return j, fmt.Errorf("the job goes on; \"tombstone jobs show %s\" says how far it got, \"tombstone jobs cancel %s\" ends it", j.ID, j.ID)
		case <-time.After(wait):
		}
		id := j.ID
		j = api.AdminJob{}
		if err := r.call(ctx, http.MethodGet, below("/jobs/%s", id), nil, nil, &j); err != nil {
			return j, fmt.Errorf("job %s goes on: %w", id, err)
		}
		if r.terminal {
			line := progressLine(&j)
			fmt.Fprintf(r.stderr, "\r%s%s", line, strings.Repeat(" ", max(0, drawn-len(line))))
			drawn = len(line)
		}
	}
	return j, nil
}

// barWidth is how many characters the bar of a job has.
const barWidth = 30

// progressLine says how far a job got. How much there is to do is known of whole buckets.
func progressLine(j *api.AdminJob) string {
	if j.Total == 0 {
		return fmt.Sprintf("%s %s: %d", j.Kind, j.State, j.Seen)
	}
	seen := min(j.Seen, j.Total) // entries that came since count in neither, unless they are met twice
	full := int(seen * barWidth / j.Total)
	return fmt.Sprintf("%s %s [%s%s] %d/%d", j.Kind, j.State, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), seen, j.Total)
}

// sayJob prints what a finished job came to. One that failed, or left something, is an
// error.
func (r *remote) sayJob(j *api.AdminJob) error {
	if err := r.printJob(j); err != nil {
		return err
	}
	c := &j.Counts
	switch stays := c.Held + c.Refused + c.Hiding + c.Changed + c.Damaged; {
	case j.Error != "":
		return fmt.Errorf("job %s failed", j.ID)
	case j.State == "cancelled":
		return fmt.Errorf("job %s was cancelled", j.ID)
	case stays > 0 && !j.DryRun:
		return fmt.Errorf("%w: %d entries stay", errStays, stays)
	}
	return nil
}

// printJob prints a job for people, or as JSON.
func (r *remote) printJob(j *api.AdminJob) error {
	if r.config.remote.json {
		return printJSON(r.stdout, j)
	}
	fmt.Fprintf(r.stdout, "%s %s %s: %s\n", plain(j.Bucket), jobKind(j), j.ID, j.State)
	if j.Error != "" {
		fmt.Fprintf(r.stdout, "  %s\n", j.Error)
	}
	for _, line := range jobLines(j) {
		fmt.Fprintf(r.stdout, "  %s\n", line)
	}
	if len(j.Samples) == 0 {
		return nil
	}
	rows := [][]string{{"WHY", "VERSION", "KEY", "UNTIL", "REASON"}}
	for i := range j.Samples {
		s := &j.Samples[i]
		until := "-"
		switch {
		case s.LegalHold:
			until = "legal hold"
		case !s.Until.IsZero():
			until = s.Mode + " " + showTime(&s.Until)
		}
		rows = append(rows, []string{string(s.Why), dash(s.VersionID + s.UploadID), plain(s.Key), until, dash(s.Reason)})
	}
	if err := r.table(j, rows); err != nil || len(j.Samples) < jobs.MaxSamples {
		return err
	}
	_, err := fmt.Fprintf(r.stdout, "these are the first %d; there may be more\n", len(j.Samples))
	return err
}

// jobKind says what a job does, or only looks at.
func jobKind(j *api.AdminJob) string {
	if j.DryRun {
		return j.Kind + " (dry run)"
	}
	return j.Kind
}

// jobLines returns what a job came to, a line for each count that is not zero.
func jobLines(j *api.AdminJob) []string {
	c, lines := &j.Counts, []string(nil)
	add := func(n int64, format string, args ...any) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("%d "+format, append([]any{n}, args...)...))
		}
	}
	would := map[bool]string{true: "would be "}[j.DryRun]
	if j.Kind == "undelete" {
		add(c.Undeleted, "keys %svisible again, with %s", would, api.SizeInWords(c.Bytes))
		add(c.Markers, "delete markers %sremoved", would)
	} else {
		add(c.Versions, "versions %sremoved, with %s", would, api.SizeInWords(c.Bytes))
		add(c.Markers, "delete markers %sremoved", would)
		add(c.Uploads, "uploads %saborted", would)
	}
	until := ""
	if !c.HeldUntil.IsZero() {
		until = ", the last one until " + showTime(&c.HeldUntil)
	}
	add(c.Held, "versions are held by locks%s", until)
	add(c.LegalHold, "of them by a legal hold, which has no end")
	add(c.Refused, "entries may not be removed by %s", j.Principal)
	add(c.Hiding, "delete markers stay, for they hide what stays")
	add(c.Changed, "entries changed each time they were to be removed")
	add(c.Damaged, "keys or entries cannot be read, and stay")
	add(c.Skipped, "keys have a delete marker of another time")
	add(c.Since, "entries came since the start, and stay")
	if j.Deleted {
		lines = append(lines, "the bucket is deleted")
	}
	switch {
	case len(lines) > 0:
	case j.State == "done":
		lines = append(lines, "there was nothing to do")
	case j.Finished != nil:
		lines = append(lines, "nothing was done")
	}
	return lines
}

func listJobs(ctx context.Context, r *remote) error {
	var all api.AdminJobs
	if err := r.call(ctx, http.MethodGet, "/jobs", nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"JOB", "KIND", "BUCKET", "PREFIX", "STATE", "SEEN", "TOTAL", "STAYS"}}
	for i := range all.Jobs {
		j := &all.Jobs[i]
		c := &j.Counts
		total := "-"
		if j.Total > 0 {
			total = strconv.FormatInt(j.Total, 10)
		}
		rows = append(rows, []string{
			j.ID, jobKind(j), j.Bucket, dash(plain(j.Prefix)), j.State,
			strconv.FormatInt(j.Seen, 10), total, strconv.FormatInt(c.Held+c.Refused+c.Hiding+c.Changed+c.Damaged, 10),
		})
	}
	return r.table(all, rows)
}

func showJob(ctx context.Context, r *remote) error {
	return r.jobDocument(ctx, http.MethodGet)
}

func cancelJob(ctx context.Context, r *remote) error {
	return r.jobDocument(ctx, http.MethodDelete)
}

// jobDocument prints the job that the server answers with.
func (r *remote) jobDocument(ctx context.Context, method string) error {
	var j api.AdminJob
	if err := r.call(ctx, method, below("/jobs/%s", r.rest...), nil, nil, &j); err != nil {
		return err
	}
	return r.printJob(&j)
}
