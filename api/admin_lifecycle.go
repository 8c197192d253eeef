package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// lifecycleEndpoints say what the rules of a bucket will do, and do it at once.
var lifecycleEndpoints = []endpoint{
	{http.MethodGet, "/buckets/{bucket}/lifecycle?count", "GetLifecycleStatus", "tombstone:GetLifecycleStatus", getLifecycleStatus},
	{http.MethodGet, "/buckets/{bucket}/lifecycle/preview?at&prefix", "PreviewLifecycle", "tombstone:PreviewLifecycle", previewLifecycle},
	{http.MethodPost, "/buckets/{bucket}/lifecycle/run", "RunLifecycle", "tombstone:RunLifecycle", runLifecycle},
}

// AdminLifecycleAction is what a rule did, or would do, to an entry or an upload.
type AdminLifecycleAction struct {
	Kind         string    `json:"kind"`
	Key          string    `json:"key"`
	VersionID    string    `json:"versionId,omitempty"`
	DeleteMarker bool      `json:"deleteMarker,omitempty"` // the entry is one
	UploadID     string    `json:"uploadId,omitempty"`
	Rule         string    `json:"rule"` // its ID
	Due          time.Time `json:"due"`
	Bytes        int64     `json:"bytes"`
	Hides        bool      `json:"hides,omitempty"` // it stays, below a delete marker that is added
	Error        string    `json:"error,omitempty"` // why it was not done
}

// AdminLifecycleLine is a line of an answer: an action, or at the end the report.
type AdminLifecycleLine struct {
	*AdminLifecycleAction
	Report *AdminLifecycleReport `json:"report,omitempty"`
}

// AdminLifecycleReport is what a pass over a bucket came to.
type AdminLifecycleReport struct {
	At      time.Time             `json:"at"` // object time that was judged at
	DryRun  bool                  `json:"dryRun,omitempty"`
	Scanned int64                 `json:"scanned"` // entries and uploads that were looked at
	Totals  []AdminLifecycleTotal `json:"totals"`
	Held    int64                 `json:"held"`    // due, but protected by a lock
	Changed int64                 `json:"changed"` // changed meanwhile again and again, and left to the next pass
	Failed  int64                 `json:"failed"`
	NextDue *time.Time            `json:"nextDue,omitempty"` // the earliest that was not due yet
	// Withheld says that there are no lines of actions, for they name keys to somebody who
	// may not list the versions of the bucket.
	Withheld bool `json:"namesWithheld,omitempty"`
	// MFADelete says that nothing was looked at, because MFA Delete is enabled.
	MFADelete bool `json:"mfaDelete,omitempty"`
}

// AdminLifecycleTotal is what one rule did.
type AdminLifecycleTotal struct {
	Rule  string `json:"rule"`
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
	Bytes int64  `json:"bytes"` // that are freed
	// HiddenBytes are those of what stays below a delete marker.
	HiddenBytes int64 `json:"hiddenBytes,omitempty"`
}

// AdminLifecycleRun asks for a pass over a bucket.
type AdminLifecycleRun struct {
	At     string `json:"at,omitempty"`     // a time or a date, at which is judged; empty: now
	DryRun bool   `json:"dryRun,omitempty"` // nothing is done
	Prefix string `json:"prefix,omitempty"` // only keys that begin so
}

// AdminLifecycleStatus is how far the rules of a bucket are carried out.
type AdminLifecycleStatus struct {
	Rules      int        `json:"rules"`
	Enabled    int        `json:"enabledRules"`
	Running    bool       `json:"running"`
	Active     bool       `json:"active"`             // rules are applied without anybody asking for it
	NextPass   *time.Time `json:"nextPass,omitempty"` // when that is looked after next, at the latest
	Started    *time.Time `json:"started,omitempty"`  // of the last whole pass, object time; absent: none since the server started
	Finished   *time.Time `json:"finished,omitempty"`
	NextDue    *time.Time `json:"nextDue,omitempty"`   // the earliest that is known
	OldestDue  *time.Time `json:"oldestDue,omitempty"` // due and not done
	LagSeconds float64    `json:"lagSeconds"`          // for how long that has been due
	// Last is what the last whole pass came to. What was put or hidden since is in it as
	// little as in NextDue and OldestDue.
	Last *AdminLifecycleReport `json:"last,omitempty"`
	// Due is what is due and not done, counted for this answer: only if that was asked for.
	Due *AdminLifecycleReport `json:"due,omitempty"`
}

// carriedOut returns the rules of the bucket and who carries them out. Without rules there
// is nothing to tell.
func (x *exchange) carriedOut() (*lifecycle.Config, *lifecycle.Expirer, error) {
	c, err := x.rules()
	switch {
	case err != nil:
		return nil, nil, err
	case c == nil:
		return nil, nil, refuse("NoSuchLifecycleConfiguration")
	case x.h.expirer == nil:
		return nil, nil, refuseWith("NotImplemented", "This server does not carry out lifecycle rules.")
	}
	return c, x.h.expirer, nil
}

func getLifecycleStatus(x *exchange, _ pathValues) (any, error) {
	c, expirer, err := x.carriedOut()
	if err != nil {
		return nil, err
	}
	status := expirer.Status(x.bucket)
	out := AdminLifecycleStatus{
		Rules: len(c.Rules), Running: status.Running, Started: moment(status.Started), Finished: moment(status.Finished),
		NextDue: moment(status.NextDue), OldestDue: moment(status.OldestDue), Active: status.Active, NextPass: moment(status.NextPass),
	}
	for i := range c.Rules {
		if c.Rules[i].Enabled {
			out.Enabled++
		}
	}
	if !status.OldestDue.IsZero() {
		out.LagSeconds = max(0, x.h.store.ObjectTime().Sub(status.OldestDue).Seconds())
	}
	if !status.Finished.IsZero() {
		out.Last = lifecycleReport(&status.Last, false)
	}
	out.Due, err = x.countDue(expirer)
	return out, err
}

// countDue counts what is due if the request asks for that, which reads what the rules
// select of the bucket.
func (x *exchange) countDue(expirer *lifecycle.Expirer) (*AdminLifecycleReport, error) {
	switch count := x.query.value("count"); count {
	case "", "false":
		return nil, nil
	case "true":
	default:
		return nil, invalidArgument("count is true or false.", "count", count)
	}
	report, err := expirer.Run(x.Context(), lifecycle.RunRequest{Bucket: x.bucket, DryRun: true})
	if err != nil {
		return nil, notRun(err)
	}
	return lifecycleReport(&report, true), nil
}

// previewLifecycle answers a JSON line for each action that is due at a time, now unless
// another one is asked for, then one with the report.
func previewLifecycle(x *exchange, _ pathValues) (any, error) {
	at, err := parseMoment("at", x.query.value("at"))
	if err != nil {
		return nil, err
	}
	return nil, x.passOver(lifecycle.RunRequest{At: at, DryRun: true, Prefix: x.query.value("prefix")})
}

// runLifecycle does what is due and answers like previewLifecycle.
func runLifecycle(x *exchange, _ pathValues) (any, error) {
	var in AdminLifecycleRun
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	at, err := parseMoment("at", in.At)
	if err != nil {
		return nil, err
	}
	return nil, x.passOver(lifecycle.RunRequest{At: at, DryRun: in.DryRun, Prefix: in.Prefix})
}

// parseMoment reads a time or a date, which is that of its beginning in UTC. The empty
// text is the zero time.
func parseMoment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		t, err := time.Parse(layout, text)
		if err == nil && !t.IsZero() && writable(t) {
			return t, nil
		}
	}
	return time.Time{}, invalidArgument("A time is written as 2006-01-02T15:04:05Z or 2006-01-02.", name, text)
}

// writable reports whether t can be told in JSON, XML and headers, whose years have four
// digits, also in UTC.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 0 && year <= 9999
}

// passOver lets the rules of the bucket act, or tells what they would do. The answer
// begins with the first action, so that what refuses the whole is still told as a refusal;
// an error on the way cuts the connection.
func (x *exchange) passOver(r lifecycle.RunRequest) error {
	_, expirer, err := x.carriedOut()
	if err != nil {
		return err
	}
	names, err := x.mayList(r.Prefix)
	if err != nil {
		return err
	}
	var lines *json.Encoder
	begun := func() *json.Encoder {
		if lines == nil {
			lines = x.beginLines()
		}
		return lines
	}
	r.Bucket = x.bucket
	if names {
		r.Each = func(a *lifecycle.Action) error { return begun().Encode(x.lifecycleAction(a)) }
	}
	report, err := expirer.Run(x.Context(), r)
	if err != nil {
		return notRun(err)
	}
	out := lifecycleReport(&report, r.DryRun)
	out.Withheld = !names
	return begun().Encode(AdminLifecycleLine{Report: out})
}

// mayList reports whether the caller may list the versions of the bucket whose keys begin
// with prefix: who may not is shown counts without the names of keys.
func (x *exchange) mayList(prefix string) (bool, error) {
	d, err := x.evaluate(&question{x: x, action: listVersions, bucket: &x.found, prefix: prefix})
	return d.Allowed, err
}

// notRun answers why a pass was not begun.
func notRun(err error) error {
	switch {
	case errors.Is(err, lifecycle.ErrFuture):
		return &failure{code: "InvalidRequest", message: "Only a dry run can be at a later time than it is.", cause: err}
	case errors.Is(err, lifecycle.ErrNoBucket):
		return &failure{code: "NoSuchBucket", cause: err}
	case errors.Is(err, lifecycle.ErrClosed):
		return &failure{code: "ServiceUnavailable", cause: err}
	}
	return err
}

func (x *exchange) lifecycleAction(a *lifecycle.Action) AdminLifecycleAction {
	out := AdminLifecycleAction{
		Kind: a.Kind.String(), Key: a.Key, DeleteMarker: a.Marker, UploadID: a.Upload,
		Rule: a.Rule, Due: a.Due.UTC(), Bytes: a.Size, Hides: a.Hides, Error: whyNot(a.Err),
	}
	if !a.ID.IsZero() {
		out.VersionID = x.h.store.FormatVersionID(a.ID)
	}
	return out
}

// whyNot says why an action was not done, empty if it was. What is not known to be
// harmless to tell is in the log of the server.
func whyNot(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, versioning.ObjectLocked):
		return "it is protected by a lock"
	case errors.Is(err, lifecycle.ErrChanged):
		return "it changed meanwhile"
	case errors.Is(err, lifecycle.ErrMFADelete):
		return "MFA Delete is enabled"
	}
	return "it failed; the log of the server says why"
}

func lifecycleReport(r *lifecycle.Report, dry bool) *AdminLifecycleReport {
	out := &AdminLifecycleReport{
		At: r.At.UTC(), DryRun: dry, Scanned: r.Scanned, Totals: []AdminLifecycleTotal{}, Held: r.Held, Changed: r.Changed,
		Failed: r.Failed, NextDue: moment(r.NextDue), MFADelete: r.MFADelete,
	}
	for _, t := range r.Rules {
		out.Totals = append(out.Totals, AdminLifecycleTotal{Rule: t.Rule, Kind: t.Kind.String(), Count: t.Count, Bytes: t.Bytes, HiddenBytes: t.Hidden})
	}
	return out
}
