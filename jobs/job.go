package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Kind is what a job does.
type Kind string

// The kinds.
const (
	Empty    Kind = "empty"    // removes versions, markers and uploads
	Undelete Kind = "undelete" // removes the markers that hide keys
)

// State is where a job stands.
type State string

// The states. A job that was cut by a restart is Queued again.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Cancelled State = "cancelled"
	Failed    State = "failed"
)

// Finished reports whether nothing of the job is left to be done.
func (s State) Finished() bool { return s == Done || s == Cancelled || s == Failed }

// Spec is what a job is to do, and for whom. It stays as it was taken.
type Spec struct {
	Kind     Kind   `json:"kind"`
	Bucket   string `json:"bucket"`
	BucketID uint64 `json:"bucketId"` // that the bucket had; another one of its name is not touched
	Account  string `json:"account"`  // that owns the bucket
	Prefix   string `json:"prefix,omitempty"`
	DryRun   bool   `json:"dryRun,omitempty"`
	Rate     int    `json:"rate,omitempty"` // entries a second at most, 0 for no bound
	MFA      bool   `json:"mfa,omitempty"`  // a code of the bucket owner's device was taken at the start

	// Of Empty.
	Uploads          bool `json:"uploads,omitempty"`      // abort uploads too
	DeleteBucket     bool `json:"deleteBucket,omitempty"` // and then delete the bucket
	BypassGovernance bool `json:"bypassGovernance,omitempty"`

	// Since and Until bound when the markers that Undelete removes were made: not
	// before the one, not after the other. A zero time does not bound.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`

	Caller Caller `json:"caller"`
}

// Caller is who started a job, and what policies may look at in the request for it.
type Caller struct {
	AccessKey string `json:"accessKey"`
	Account   string `json:"account"`
	User      string `json:"user,omitempty"` // empty for the root of the account
	Principal string `json:"principal"`      // its ARN
	RequestID string `json:"requestId"`

	Source     string `json:"source,omitempty"` // IP address
	Secure     bool   `json:"secure,omitempty"` // over TLS
	Proxied    bool   `json:"proxied,omitempty"`
	TLSVersion uint16 `json:"tlsVersion,omitempty"` // as package tls numbers them, 0 without
	UserAgent  string `json:"userAgent,omitempty"`
	Referer    string `json:"referer,omitempty"`
	Algorithm  string `json:"algorithm,omitempty"` // of the signature
	Placement  uint8  `json:"placement,omitempty"` // of the signature, as package auth numbers them
}

// Counts is what a job came to so far; of a dry run, what it would.
type Counts struct {
	Versions  int64 `json:"versions"` // removed
	Markers   int64 `json:"markers"`  // removed
	Uploads   int64 `json:"uploads"`  // aborted
	Bytes     int64 `json:"bytes"`    // of what was removed; for Undelete, of what is visible again
	Undeleted int64 `json:"undeleted"`

	Held    int64 `json:"held"`    // versions that locks keep
	Refused int64 `json:"refused"` // entries and uploads that the starter may not remove
	Hiding  int64 `json:"hiding"`  // markers that stay because they hide what stays
	Changed int64 `json:"changed"` // entries that changed each time they were to be removed
	Damaged int64 `json:"damaged"` // keys left alone, for an entry of theirs cannot be read
	Since   int64 `json:"since"`   // entries and uploads met that came since the start
	Skipped int64 `json:"skipped"` // of Undelete: keys with markers of another time

	// HeldUntil is the latest end of retention among Held, zero if a legal hold alone
	// keeps them.
	HeldUntil time.Time `json:"heldUntil,omitzero"`
	LegalHold int64     `json:"legalHold"` // of Held, those with a legal hold
}

// Why is why something is among the samples of a job.
type Why string

// The reasons.
const (
	WhyHeld      Why = "held"      // by a lock
	WhyRefused   Why = "refused"   // the starter may not
	WhyHiding    Why = "hiding"    // a marker that hides what stays
	WhyChanged   Why = "changed"   // it changed each time
	WhyDamaged   Why = "damaged"   // an entry of the key cannot be read
	WhySkipped   Why = "skipped"   // by Undelete: its markers are of another time
	WhyUndeleted Why = "undeleted" // visible again
)

// Sample is one of what a count counts.
type Sample struct {
	Why       Why       `json:"why"`
	Key       string    `json:"key"`
	VersionID string    `json:"versionId,omitempty"`
	UploadID  string    `json:"uploadId,omitempty"`
	Mode      string    `json:"mode,omitempty"`      // of the retention: GOVERNANCE or COMPLIANCE
	Until     time.Time `json:"until,omitzero"`      // end of the retention
	LegalHold bool      `json:"legalHold,omitempty"` // on
	Reason    string    `json:"reason,omitempty"`    // of a refusal
}

// MaxSamples is how many samples a job keeps: the first it met.
const MaxSamples = 100

// Job is a piece of long work.
type Job struct {
	ID string `json:"id"`
	Spec
	State     State     `json:"state"`
	Submitted time.Time `json:"submitted"`
	Started   time.Time `json:"started,omitzero"` // zero while it was never begun
	Finished  time.Time `json:"finished,omitzero"`
	// Total is how many entries and uploads the bucket had at the start, 0 if that is
	// not known, as with a prefix.
	Total  int64  `json:"total,omitempty"`
	Counts Counts `json:"counts"`
	// Samples are some of what was not removed or, of Undelete, is visible again.
	Samples []Sample `json:"samples,omitempty"`
	Error   string   `json:"error,omitempty"` // why it failed
	Cause   error    `json:"-"`               // the same; nil if it failed in an earlier process
	// Deleted says that the bucket was deleted.
	Deleted bool `json:"deleted,omitempty"`

	// Boundary is above the order of every entry that was there at the start.
	Boundary versioning.Order `json:"boundary"`
	place    place
}

// Seen is how many entries and uploads were dealt with, to be held against Total.
func (j *Job) Seen() int64 {
	c := &j.Counts
	return c.Versions + c.Markers + c.Uploads + c.Held + c.Refused + c.Hiding + c.Changed + c.Damaged
}

// clone returns a copy that nobody changes.
func (j *Job) clone() Job {
	c := *j
	c.Samples = append([]Sample(nil), j.Samples...)
	return c
}

// maxReason is how many bytes of a reason a sample keeps. It may name the key once more,
// and in a document each byte may take six: all samples have to fit into one.
const maxReason = 300

// sample keeps s if there is room.
func (j *Job) sample(s Sample) {
	if len(j.Samples) < MaxSamples {
		if len(s.Reason) > maxReason {
			s.Reason = strings.ToValidUTF8(s.Reason[:maxReason], "") + "…"
		}
		j.Samples = append(j.Samples, s)
	}
}

// documentFormat is the version of the documents in which jobs are kept.
const documentFormat = 1

// document is a job as it is kept.
type document struct {
	Format int   `json:"format"`
	Job    *Job  `json:"job"`
	Place  place `json:"place"`
}

// errFormat says that a document was written by a newer program, be it that it asks for
// what this one does not know: to take that for anything else would remove what is to stay.
var errFormat = errors.New("the document of the job has a format this version cannot read")

// encode returns j as it is kept.
func (j *Job) encode() ([]byte, error) {
	return json.Marshal(document{Format: documentFormat, Job: j, Place: j.place})
}

// decode reads what encode made.
func decode(data []byte) (*Job, error) {
	d := document{Job: &Job{}}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("document of a job: %w", err)
	}
	if d.Format != documentFormat || d.Job == nil || d.Job.ID == "" {
		return nil, errFormat
	}
	known := d.Job.Kind == Empty || d.Job.Kind == Undelete
	waits := d.Job.State == Queued || d.Job.State == Running
	if !known || !waits && !d.Job.State.Finished() || d.Place.Phase < inUploads || d.Place.Phase > atEnd {
		return nil, errFormat
	}
	d.Job.place = d.Place
	return d.Job, nil
}
