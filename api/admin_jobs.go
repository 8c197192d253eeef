package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
)

// jobEndpoints start and show long work.
var jobEndpoints = []endpoint{
	{http.MethodPost, "/buckets/{bucket}/empty", "EmptyBucket", emptyAction, emptyBucket},
	{http.MethodPost, "/buckets/{bucket}/undelete", "Undelete", "tombstone:Undelete", undelete},
	{http.MethodGet, "/jobs", "ListJobs", listJobsAction, listJobs},
	{http.MethodGet, "/jobs/{job}", "GetJob", listJobsAction, getJob},
	{http.MethodDelete, "/jobs/{job}", "CancelJob", cancelJobAction, cancelJob},
}

// The actions on jobs, which belong to the account that owns their bucket.
const (
	listJobsAction  = "tombstone:ListJobs"
	cancelJobAction = "tombstone:CancelJob"
)

// AdminEmpty asks for a bucket to be emptied.
type AdminEmpty struct {
	Prefix           string `json:"prefix,omitempty"`
	DeleteBucket     bool   `json:"deleteBucket,omitempty"`
	BypassGovernance bool   `json:"bypassGovernance,omitempty"`
	Rate             int    `json:"rate,omitempty"` // entries a second at most; 0: no bound
	DryRun           bool   `json:"dryRun,omitempty"`
	Uploads          *bool  `json:"uploads,omitempty"` // abort uploads too; absent: true
}

// AdminUndelete asks for the removal of markers that hide keys.
type AdminUndelete struct {
	Prefix string `json:"prefix,omitempty"`
	// Since and Until bound when the markers were made.
	Since  *time.Time `json:"since,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Rate   int        `json:"rate,omitempty"`
	DryRun bool       `json:"dryRun,omitempty"`
}

// AdminJob is a job as it stands.
type AdminJob struct {
	ID               string        `json:"id"`
	Kind             string        `json:"kind"` // empty or undelete
	Bucket           string        `json:"bucket"`
	Prefix           string        `json:"prefix,omitempty"`
	State            string        `json:"state"` // queued, running, done, cancelled or failed
	Error            string        `json:"error,omitempty"`
	DryRun           bool          `json:"dryRun,omitempty"`
	Uploads          bool          `json:"uploads,omitempty"`
	DeleteBucket     bool          `json:"deleteBucket,omitempty"`
	BypassGovernance bool          `json:"bypassGovernance,omitempty"`
	Rate             int           `json:"rate,omitempty"`
	Since            *time.Time    `json:"since,omitempty"`
	Until            *time.Time    `json:"until,omitempty"`
	Principal        string        `json:"principal"` // of the starter
	AccessKey        string        `json:"accessKey"`
	Submitted        *time.Time    `json:"submitted"`
	Started          *time.Time    `json:"started,omitempty"`
	Finished         *time.Time    `json:"finished,omitempty"`
	Total            int64         `json:"total,omitempty"` // entries and uploads at the start, if that is known
	Seen             int64         `json:"seen"`            // of these
	Deleted          bool          `json:"bucketDeleted,omitempty"`
	Counts           jobs.Counts   `json:"counts"`
	Samples          []jobs.Sample `json:"samples,omitempty"`
	// Withheld says that samples are left out, for they name keys to somebody who may not
	// list the versions of the bucket.
	Withheld bool `json:"namesWithheld,omitempty"`
}

// AdminJobs are all jobs, the newest first, without their samples.
type AdminJobs struct {
	Jobs []AdminJob `json:"jobs"`
}

func adminJob(j *jobs.Job) AdminJob {
	return AdminJob{
		ID: j.ID, Kind: string(j.Kind), Bucket: j.Bucket, Prefix: j.Prefix, State: string(j.State), Error: j.Error,
		DryRun: j.DryRun, Uploads: j.Uploads, DeleteBucket: j.DeleteBucket, BypassGovernance: j.BypassGovernance, Rate: j.Rate,
		Since: moment(j.Spec.Since), Until: moment(j.Spec.Until), Principal: j.Caller.Principal, AccessKey: j.Caller.AccessKey,
		Submitted: moment(j.Submitted), Started: moment(j.Started), Finished: moment(j.Finished),
		Total: j.Total, Seen: j.Seen(), Deleted: j.Deleted, Counts: j.Counts, Samples: j.Samples,
	}
}

// jobRefusals say what errors of the runner answer.
var jobRefusals = []struct {
	err  error
	code Code
}{
	{jobs.ErrConflict, "OperationAborted"},
	{jobs.ErrTooMany, "SlowDown"},
	{jobs.ErrNoSuchJob, "NoSuchEntity"},
	{jobs.ErrNoSuchBucket, "NoSuchBucket"},
	{jobs.ErrClosed, "ServiceUnavailable"},
}

// jobRefusal makes the answer of an error of the runner.
func jobRefusal(err error) error {
	for _, r := range jobRefusals {
		if errors.Is(err, r.err) {
			return &failure{code: r.code, message: sentence(err), cause: err}
		}
	}
	return err
}

// sentence returns an error's text as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// runner returns what runs jobs, or an error where nothing does.
func (x *exchange) runner() (*jobs.Runner, error) {
	if x.h.jobs == nil {
		return nil, refuseWith("NotImplemented", "This server runs no jobs.")
	}
	return x.h.jobs, nil
}

func emptyBucket(x *exchange, _ pathValues) (any, error) {
	var in AdminEmpty
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	return x.submit(&jobs.Spec{
		Kind: jobs.Empty, Prefix: in.Prefix, DeleteBucket: in.DeleteBucket, BypassGovernance: in.BypassGovernance,
		Rate: in.Rate, DryRun: in.DryRun, Uploads: in.Uploads == nil || *in.Uploads,
	})
}

func undelete(x *exchange, _ pathValues) (any, error) {
	var in AdminUndelete
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	s := jobs.Spec{Kind: jobs.Undelete, Prefix: in.Prefix, Rate: in.Rate, DryRun: in.DryRun}
	if in.Since != nil {
		s.Since = in.Since.UTC()
	}
	if in.Until != nil {
		s.Until = in.Until.UTC()
	}
	return x.submit(&s)
}

// submit takes a job and answers with it.
func (x *exchange) submit(s *jobs.Spec) (any, error) {
	j, err := x.start(s)
	if err != nil {
		return nil, err
	}
	return x.showJob(&j)
}

// showJob returns a job as the caller may see it.
func (x *exchange) showJob(j *jobs.Job) (any, error) {
	out := adminJob(j)
	if len(j.Samples) == 0 {
		return out, nil
	}
	found, err := x.h.store.Bucket(x.Context(), j.Bucket)
	switch {
	case errors.Is(err, store.ErrNoSuchBucket), err == nil && found.ID != j.BucketID:
		// What the bucket said is gone with it: the policies of the caller are left.
		found = store.Bucket{Name: j.Bucket, ID: j.BucketID, Owner: store.Owner{Account: j.Account}}
		x.sideOfBucket = &policy.Resource{Owner: j.Account, ObjectOwner: j.Account, ACLsDisabled: true}
	case err != nil:
		return nil, err
	}
	x.found = found
	may, err := x.mayList(j.Prefix)
	if err != nil {
		return nil, err
	}
	if !may {
		out.Samples, out.Withheld = nil, true
	}
	return out, nil
}

// start takes a job on the bucket of the request for the caller, if it may be.
func (x *exchange) start(s *jobs.Spec) (jobs.Job, error) {
	runner, err := x.runner()
	if err != nil {
		return jobs.Job{}, err
	}
	if err := x.checkSpec(s); err != nil {
		return jobs.Job{}, err
	}
	s.Bucket, s.BucketID, s.Caller = x.bucket, x.found.ID, x.starter()
	if !s.DryRun {
		if err := x.checkMFA(x.found.MFADelete == store.MFADeleteEnabled); err != nil { // spec OL2-8
			return jobs.Job{}, err
		}
		s.MFA = x.token
	}
	if err := x.checkJob(s); err != nil {
		return jobs.Job{}, err
	}
	j, err := runner.Submit(x.Context(), *s)
	return j, jobRefusal(err)
}

// checkSpec refuses what contradicts itself or the bucket.
func (x *exchange) checkSpec(s *jobs.Spec) error {
	switch {
	case s.Rate < 0:
		return refuseWith("ValidationError", "rate is how many entries go in a second; 0 means no bound.")
	case s.DeleteBucket && s.Prefix != "":
		return refuseWith("ValidationError", "deleteBucket needs all of the bucket to go, and prefix selects a part.")
	case s.DeleteBucket && !s.Uploads:
		return refuseWith("ValidationError", "deleteBucket ends uploads too.")
	case s.BypassGovernance && !x.found.ObjectLock:
		return refuseWith("ValidationError", "bypassGovernance is only applicable to Object Lock enabled buckets.")
	case !writable(s.Since) || !writable(s.Until):
		return refuseWith("ValidationError", "since and until are between the years 0 and 9999.")
	case !s.Until.IsZero() && s.Until.Before(s.Since):
		return refuseWith("ValidationError", "until is before since.")
	case len(s.Prefix) > store.MaxKeyBytes:
		return refuseWith("ValidationError", "prefix is longer than a key can be.")
	}
	return nil
}

// ownerOfJobs returns the account that decides about what an endpoint of jobs is asked
// for: the owner of the job's bucket, or of all jobs the caller's own.
func (x *exchange) ownerOfJobs(e *endpoint, v pathValues) (account string, ok bool) {
	if e.action != listJobsAction && e.action != cancelJobAction {
		return "", false
	}
	id, one := v["job"]
	if !one {
		return x.caller.Principal.Account, true
	}
	if x.h.jobs == nil {
		return "", false
	}
	j, err := x.h.jobs.Job(id)
	return j.Account, err == nil
}

func listJobs(x *exchange, _ pathValues) (any, error) {
	out := AdminJobs{Jobs: []AdminJob{}}
	if x.h.jobs == nil {
		return out, nil
	}
	p := &x.caller.Principal
	for _, j := range x.h.jobs.Jobs() {
		if j.Account != p.Account && p.Account != x.h.root.Principal.Account {
			continue
		}
		j.Samples = nil
		out.Jobs = append(out.Jobs, adminJob(&j))
	}
	return out, nil
}

func getJob(x *exchange, v pathValues) (any, error) {
	return x.job(func(r *jobs.Runner) (jobs.Job, error) { return r.Job(v["job"]) })
}

// cancelJob ends a job where it is, and answers with it. One that is finished stays as
// it is.
func cancelJob(x *exchange, v pathValues) (any, error) {
	return x.job(func(r *jobs.Runner) (jobs.Job, error) { return r.Cancel(x.Context(), v["job"]) })
}

// job answers with a job; where none runs, there is none.
func (x *exchange) job(of func(*jobs.Runner) (jobs.Job, error)) (any, error) {
	if x.h.jobs == nil {
		return nil, jobRefusal(jobs.ErrNoSuchJob)
	}
	j, err := of(x.h.jobs)
	if err != nil {
		return nil, jobRefusal(err)
	}
	return x.showJob(&j)
}
