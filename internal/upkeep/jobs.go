package upkeep

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

var (
	_ jobs.Store     = (*Jobs)(nil)
	_ jobs.Documents = (*Jobs)(nil)
	_ jobs.Work      = (*work)(nil)
)

// Permission is what the starter of a job may do at one moment.
type Permission interface {
	// Delete returns what the store is asked for the end of an entry, as DeleteObjects
	// would ask it, or why the starter may not.
	Delete(key string, id versioning.ID) (store.DeleteRequest, error)
	// Abort returns why the starter may not abort uploads of a key.
	Abort(key string) error
	// DeleteBucket returns why the starter may not delete the bucket.
	DeleteBucket() error
	// Maker is who makes the changes, for the ledger.
	Maker() store.Maker
}

// Permit finds out who the starter of a job is by now. An error ends the job.
type Permit func(ctx context.Context, j *jobs.Job) (Permission, error)

// Jobs is a store as jobs see it. It keeps their documents too.
type Jobs struct {
	Store  *store.Store
	Permit Permit
}

// Bucket returns a bucket with its counters.
func (s *Jobs) Bucket(ctx context.Context, name string) (jobs.Bucket, error) {
	b, err := s.Store.Bucket(ctx, name)
	if err != nil {
		return jobs.Bucket{}, jobError(err)
	}
	n, err := s.Store.Statistics(ctx, name)
	if err != nil {
		return jobs.Bucket{}, jobError(err)
	}
	boundary, err := s.Store.Boundary()
	return jobs.Bucket{
		ID: b.ID, Account: b.Owner.Account, Boundary: boundary,
		Total: n.Objects + n.Noncurrent + n.DeleteMarkers + n.Uploads,
	}, err
}

// Open looks whether the bucket of a job is still the same, and who its starter is.
func (s *Jobs) Open(ctx context.Context, j *jobs.Job) (jobs.Work, error) {
	b, err := s.Store.Bucket(ctx, j.Bucket)
	if err != nil {
		return nil, jobError(err)
	}
	if b.ID != j.BucketID {
		return nil, jobs.ErrNoSuchBucket
	}
	p, err := s.Permit(ctx, j)
	if err != nil {
		return nil, err
	}
	return &work{store: s.Store, job: j, permission: p, made: p.Maker()}, nil
}

// Keep keeps a document.
func (s *Jobs) Keep(ctx context.Context, name string, document []byte) error {
	return s.Store.KeepJob(ctx, name, document)
}

// Drop removes a document.
func (s *Jobs) Drop(ctx context.Context, name string) error { return s.Store.DropJob(ctx, name) }

// Kept returns documents.
func (s *Jobs) Kept(ctx context.Context, prefix string) ([][]byte, error) {
	rows, err := s.Store.Jobs(ctx, prefix)
	documents := make([][]byte, 0, len(rows))
	for _, r := range rows {
		documents = append(documents, r.Document)
	}
	return documents, err
}

// jobErrors says what errors of the store are to jobs. Their texts name no inside.
var jobErrors = []struct{ is, to error }{
	{store.ErrNoSuchBucket, jobs.ErrNoSuchBucket},
	{store.ErrBucketBusy, jobs.ErrNoSuchBucket}, // it is being deleted
	{store.ErrBucketNotEmpty, jobs.ErrBucketNotEmpty},
	{store.ErrChanged, jobs.ErrChanged},
}

func jobError(err error) error {
	for _, e := range jobErrors {
		if errors.Is(err, e.is) {
			return e.to
		}
	}
	return err
}

// work is a bucket that a job works on with the rights of its starter.
type work struct {
	store      *store.Store
	job        *jobs.Job
	permission Permission
	made       store.Maker
}

// Page reads a page of history.
func (w *work) Page(ctx context.Context, r jobs.PageRequest) (page jobs.Page, err error) {
	q := store.HistoryRequest{
		Bucket: w.job.Bucket, Prefix: r.Prefix, After: store.HistoryPlace(r.After), Limit: r.Limit,
	}
	err = w.store.History(ctx, q, func(v *store.HistoryView) error {
		page = jobs.Page{Entries: make([]jobs.Entry, len(v.Entries)), More: v.More, Next: jobs.Place(v.Next), Damaged: v.Damaged}
		for i := range v.Entries {
			e := &v.Entries[i]
			page.Entries[i] = jobs.Entry{
				Key: e.Key, Order: e.Order, Null: e.ID.IsNull(), Marker: e.Marker, Size: e.Size,
				LastModified: e.LastModified, Lock: e.Lock,
			}
		}
		return headsOf(v, &page, &r)
	})
	return page, jobError(err)
}

// headsOf reads the heads that are asked for of the keys of a page.
func headsOf(v *store.HistoryView, page *jobs.Page, r *jobs.PageRequest) error {
	var keys []string
	add := func(key string) {
		if n := len(keys); n == 0 || keys[n-1] != key {
			keys = append(keys, key)
		}
	}
	if r.Head != "" {
		add(r.Head)
	}
	for i := range page.Entries {
		if e := &page.Entries[i]; e.Marker || !r.MarkersOnly {
			add(e.Key)
		}
	}
	heads, err := v.Heads(keys)
	page.Heads = make(map[string]versioning.Head, len(keys))
	for i := range heads {
		page.Heads[keys[i]] = heads[i]
	}
	return err
}

// Remove removes what the starter may.
func (w *work) Remove(ctx context.Context, rs []jobs.Removal) ([]error, error) {
	errs := make([]error, len(rs))
	removals := make([]store.Removal, 0, len(rs))
	asked := make([]int, 0, len(rs))
	refused := "" // the key of the last one that was
	for i := range rs {
		r := &rs[i]
		if !r.Apart && r.Entry.Key == refused {
			errs[i] = jobs.ErrChanged
			continue
		}
		d, err := w.permission.Delete(r.Entry.Key, r.Entry.ID())
		if err == nil && w.job.DryRun {
			err = w.wouldRefuse(ctx, &r.Entry, &d)
		}
		if err != nil {
			errs[i], refused = err, r.Entry.Key
			continue
		}
		removals = append(removals, store.Removal{
			Key: r.Entry.Key, ID: r.Entry.ID(), Order: r.Entry.Order, Seen: r.Seen, Apart: r.Apart,
			Bypass: d.BypassGovernance, MayBypass: d.MayBypass, MFA: d.MFA, Authorize: d.Authorize, Made: &w.made,
		})
		asked = append(asked, i)
	}
	if w.job.DryRun || len(removals) == 0 {
		return errs, nil
	}
	done, err := w.store.Remove(ctx, w.job.Bucket, removals)
	if err != nil {
		return nil, jobError(err)
	}
	for n, err := range done {
		errs[asked[n]] = jobError(err)
	}
	return errs, nil
}

// wouldRefuse returns what the store would answer to a removal.
func (w *work) wouldRefuse(ctx context.Context, e *jobs.Entry, d *store.DeleteRequest) error {
	bypass := d.BypassGovernance
	if d.Authorize != nil || d.MayBypass != nil {
		facts, err := w.store.Facts(ctx, w.job.Bucket, e.Key, e.ID())
		if err == nil && d.Authorize != nil {
			err = d.Authorize(facts)
		}
		if err == nil && bypass && d.MayBypass != nil {
			bypass, err = d.MayBypass(facts)
		}
		if err != nil {
			return err
		}
	}
	if e.Lock.Protects(w.store.LockTime(), bypass) {
		return &versioning.Refusal{Reason: versioning.ObjectLocked}
	}
	return nil
}

// Uploads lists uploads.
func (w *work) Uploads(ctx context.Context, prefix string, after jobs.UploadPlace, limit int) (us []jobs.Upload, next jobs.UploadPlace, err error) {
	page, err := w.store.ListUploads(ctx, store.UploadsRequest{
		Bucket: w.job.Bucket, Prefix: prefix, KeyMarker: after.Key, IDMarker: after.ID, Limit: limit,
	})
	if err != nil {
		return nil, next, jobError(err)
	}
	for _, u := range page.Uploads {
		us = append(us, jobs.Upload{Key: u.Key, ID: u.ID, Order: u.Order})
	}
	if page.Truncated {
		next = jobs.UploadPlace{Key: page.NextKeyMarker, ID: page.NextUploadMarker}
	}
	return us, next, nil
}

// Abort aborts the uploads that the starter may.
func (w *work) Abort(ctx context.Context, us []jobs.Upload) ([]error, error) {
	errs := make([]error, len(us))
	var names []store.UploadName
	var asked []int
	for i, u := range us {
		if errs[i] = w.permission.Abort(u.Key); errs[i] == nil {
			names = append(names, store.UploadName{Bucket: w.job.Bucket, Key: u.Key, ID: u.ID})
			asked = append(asked, i)
		}
	}
	if w.job.DryRun || len(names) == 0 {
		return errs, nil
	}
	done, err := w.store.AbortUploads(ctx, names, w.made)
	if err != nil {
		return nil, jobError(err)
	}
	for n, err := range done {
		if !errors.Is(err, store.ErrNoSuchUpload) {
			errs[asked[n]] = err
		}
	}
	return errs, nil
}

// DeleteBucket deletes the bucket.
func (w *work) DeleteBucket(ctx context.Context) error {
	if err := w.permission.DeleteBucket(); err != nil {
		return fmt.Errorf("the bucket is not deleted: %w", err)
	}
	return jobError(w.store.DeleteBucket(ctx, w.job.Bucket, w.made))
}

// FormatVersionID returns a version id as answers show it.
func (w *work) FormatVersionID(id versioning.ID) string { return w.store.FormatVersionID(id) }
