package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// jobOperations are what the ledger calls what jobs do.
var jobOperations = map[jobs.Kind]string{jobs.Empty: "EmptyBucket", jobs.Undelete: "Undelete"}

// deletes is the line of the table of what each removal of a job is decided as.
func (h *Handler) deletes() *operation {
	return &h.table.lines[tableKey{post, bucket, "delete"}][0]
}

// starter returns who makes a request, and what policies may look at in it, as it is
// kept with a job.
func (x *exchange) starter() jobs.Caller {
	p := &x.caller.Principal
	c := jobs.Caller{
		AccessKey: x.session.AccessKey, Account: p.Account, User: p.User, Principal: x.principal, RequestID: x.id,
		Source: x.remote(), Secure: x.origin.secure, Proxied: x.origin.proxied,
		UserAgent: cut(x.header("User-Agent"), maxLoggedText), Referer: cut(x.header("Referer"), maxLoggedText),
		Algorithm: x.session.Algorithm, Placement: uint8(x.session.Placement),
	}
	if x.r.TLS != nil {
		c.TLSVersion = x.r.TLS.Version
	}
	return c
}

// starterGone ends a job whose starter is nobody any more, and says why.
type starterGone string

func (e starterGone) Error() string { return string(e) }

// jobPermission is what the starter of a job may do at one moment: a DeleteObjects of it
// that is asked entry by entry.
type jobPermission struct {
	x   *exchange
	job *jobs.Job
}

var _ upkeep.Permission = (*jobPermission)(nil)

// PermitJob finds out what the starter of a job may do in its bucket at this moment: with
// the key that started it, if that is still active and still the same user's, by the
// policies of now, and under the circumstances of the request that started it. It is an
// [upkeep.Permit].
func (h *Handler) PermitJob(ctx context.Context, j *jobs.Job) (upkeep.Permission, error) {
	c := &j.Caller
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"User-Agent": c.UserAgent, "Referer": c.Referer} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if j.BypassGovernance {
		r.Header.Set(bypassHeader, "true")
	}
	if c.TLSVersion != 0 {
		r.TLS = &tls.ConnectionState{Version: c.TLSVersion}
	}
	x := &exchange{
		h: h, r: r, id: c.RequestID, started: h.clock.Now(), op: h.deletes(), token: j.MFA,
		origin: origin{remote: addressOf(c.Source), secure: c.Secure, proxied: c.Proxied},
	}
	x.target.level, x.bucket = bucket, j.Bucket
	x.session.Identity = auth.Identity{
		AccessKey: c.AccessKey, Algorithm: c.Algorithm, Placement: auth.Placement(c.Placement),
	}
	if x.found, err = h.store.Bucket(ctx, j.Bucket); err != nil {
		return nil, err
	}
	if err := x.identify(); err != nil {
		return nil, starterGone(fmt.Sprintf("the access key %s that started the job is disabled or gone", c.AccessKey))
	}
	if p := &x.caller.Principal; p.Account != c.Account || p.User != c.User {
		return nil, starterGone(fmt.Sprintf("the access key %s is not any more that of %s, who started the job", c.AccessKey, c.Principal))
	}
	if err := x.authorize(&task{perEntry: true}); err != nil {
		return nil, err
	}
	return &jobPermission{x: x, job: j}, nil
}

// Delete returns what the store is asked for the end of an entry, or why the starter may
// not.
func (p *jobPermission) Delete(key string, id versioning.ID) (store.DeleteRequest, error) {
	return p.x.deleteRequest(&identifier{key: key, versionID: p.x.h.store.FormatVersionID(id), versioned: true})
}

// Abort returns why the starter may not abort uploads of a key.
func (p *jobPermission) Abort(key string) error {
	return p.x.ask(&question{x: p.x, action: abortUpload, bucket: &p.x.found, key: key})
}

// DeleteBucket returns why the starter may not delete the bucket.
func (p *jobPermission) DeleteBucket() error {
	return p.x.ask(&question{x: p.x, action: deleteBucket, bucket: &p.x.found})
}

// Maker is the starter, with the job as the cause.
func (p *jobPermission) Maker() store.Maker {
	m := p.x.maker()
	m.Operation, m.Cause, m.CauseID = jobOperations[p.job.Kind], store.CauseJob, p.job.ID
	return m
}

// The actions that jobs take besides those of deletes.
const (
	abortUpload  = "s3:AbortMultipartUpload"
	deleteBucket = "s3:DeleteBucket"
	emptyAction  = "tombstone:EmptyBucket" // to start one
)

// maxProbed is how many entries are looked at before a job is taken.
const maxProbed = 1000

// checkJob refuses a job whose starter lacks the rights for it altogether: to delete the
// bucket, where that is asked for; or to remove any of the first entries or uploads, or
// to bypass governance for any, where there are some. What depends on each of them is
// found out by the job.
func (x *exchange) checkJob(s *jobs.Spec) error {
	may, err := x.h.PermitJob(x.Context(), &jobs.Job{Spec: *s})
	if err != nil {
		return err
	}
	if s.DeleteBucket {
		if err := may.DeleteBucket(); err != nil {
			return err
		}
	}
	var first error // refusal
	allowed, bypassed, probed := false, false, false
	q := store.HistoryRequest{Bucket: s.Bucket, Prefix: s.Prefix, Limit: maxProbed}
	err = x.h.store.History(x.Context(), q, func(v *store.HistoryView) error {
		for i := 0; i < len(v.Entries) && (!allowed || s.BypassGovernance && !bypassed); i++ {
			r, err := may.Delete(v.Entries[i].Key, v.Entries[i].ID)
			if err != nil && first == nil {
				first = err
			}
			probed = true
			allowed = allowed || err == nil
			bypassed = bypassed || r.BypassGovernance
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.BypassGovernance && probed && allowed && !bypassed {
		return x.deniesBypass()
	}
	if !allowed && s.Uploads {
		first = x.checkUploads(s, may, first)
	}
	if allowed || first == nil {
		return nil
	}
	return x.withoutName(s, first)
}

// withoutName returns a refusal as who may not list the versions of the bucket gets it:
// not about the key that was met first, but about all that the job is over.
func (x *exchange) withoutName(s *jobs.Spec, refused error) error {
	if may, err := x.mayList(s.Prefix); may || err != nil {
		return cmp.Or(err, refused)
	}
	if err := x.ask(&question{x: x, action: deleteVersion, bucket: &x.found, key: s.Prefix + "*"}); err != nil {
		return err
	}
	return refuse("AccessDenied")
}

// deniesBypass refuses who asks to bypass governance and may not.
func (x *exchange) deniesBypass() error {
	q := question{x: x, action: bypassLock, bucket: &x.found}
	if err := x.ask(&q); err != nil {
		return err
	}
	return refuse("AccessDenied")
}

// checkUploads answers denied, which refused all entries and is nil if there were none,
// unless an upload may be aborted.
func (x *exchange) checkUploads(s *jobs.Spec, may upkeep.Permission, denied error) error {
	page, err := x.h.store.ListUploads(x.Context(), store.UploadsRequest{Bucket: s.Bucket, Prefix: s.Prefix, Limit: maxProbed})
	if err != nil {
		return err
	}
	for _, u := range page.Uploads {
		refused := may.Abort(u.Key)
		if refused == nil {
			return nil
		}
		if denied == nil {
			denied = refused
		}
	}
	return denied
}
