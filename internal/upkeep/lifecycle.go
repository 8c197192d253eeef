// Package upkeep joins what is done in the background with the store: each kind of it
// declares what it needs, and here is how the store gives it.
package upkeep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// lifecycleJobs begins the names of the documents of the expirer.
const lifecycleJobs = "lifecycle/"

// uploadsPage and partsPage are how many uploads and parts are read at a time.
const (
	uploadsPage = 1000
	partsPage   = 1000
)

// NewExpirer returns an expirer of the buckets of st. Store, Buckets, Progress, Now
// and LockTime of o are filled in.
func NewExpirer(st *store.Store, o lifecycle.ExpirerOptions) *lifecycle.Expirer {
	r := &rules{store: st}
	o.Store, o.Buckets, o.Progress = r, r, r
	o.Now, o.LockTime = ruleTime(st), st.LockTime
	return lifecycle.NewExpirer(o)
}

// ruleTime returns what tells the time that rules go by: object time, but not what a wall
// clock leapt ahead while the store is open, until that is accepted as it is for locks. A
// clock that is wrong for a minute must not end what was to live for years.
func ruleTime(st *store.Store) func() time.Time {
	return func() time.Time {
		now, locks := st.ObjectTime(), st.LockTime()
		if locks.Before(now) {
			return locks
		}
		return now
	}
}

// rules gives lifecycle what it needs of a store.
type rules struct {
	store *store.Store
	pages sync.Pool // of *page
}

var (
	_ lifecycle.Store    = (*rules)(nil)
	_ lifecycle.Buckets  = (*rules)(nil)
	_ lifecycle.Progress = (*rules)(nil)
)

// page is a page of entries as lifecycle sees them. Its memory serves many pages.
type page struct {
	lifecycle.Page
	tags []lifecycle.Tag // of all entries
}

// fill makes p show what v does.
func (p *page) fill(v *store.HistoryView) {
	p.Page = lifecycle.Page{
		State: v.State, MFADelete: v.MFADelete == store.MFADeleteEnabled, More: v.More, Damaged: v.Damaged,
		Next: lifecycle.Place(v.Next), Heads: v.Heads, Entries: p.Entries[:0],
	}
	p.tags = p.tags[:0]
	for i := range v.Entries {
		e := &v.Entries[i]
		begin := len(p.tags)
		for _, t := range e.Tags {
			p.tags = append(p.tags, lifecycle.Tag(t))
		}
		p.Entries = append(p.Entries, lifecycle.Entry{
			Key: e.Key, Order: e.Order, ID: e.ID, Marker: e.Marker, Size: e.Size,
			LastModified: e.LastModified, Tags: p.tags[begin:], Lock: e.Lock,
		})
	}
}

// History reads a page of entries and calls fn with it.
func (r *rules) History(ctx context.Context, q lifecycle.PageRequest, fn func(*lifecycle.Page) error) error {
	p, _ := r.pages.Get().(*page)
	if p == nil {
		p = &page{}
	}
	defer r.pages.Put(p)
	request := store.HistoryRequest{Bucket: q.Bucket, Prefix: q.Prefix, After: store.HistoryPlace(q.After), Limit: q.Limit}
	return told(r.store.History(ctx, request, func(v *store.HistoryView) error {
		p.fill(v)
		return fn(&p.Page)
	}))
}

// makers makes one Maker for each rule, which its changes share.
type makers map[string]*store.Maker

func (m makers) of(rule string) *store.Maker {
	made := m[rule]
	if made == nil {
		made = madeBy(rule)
		m[rule] = made
	}
	return made
}

// madeBy is who makes the changes of a rule.
func madeBy(rule string) *store.Maker {
	return &store.Maker{Operation: "Lifecycle", Cause: store.CauseRule, CauseID: rule}
}

// still returns what fails with [lifecycle.ErrRulesChanged] if a bucket has other rules
// than c.
func (r *rules) still(ctx context.Context, bucket string, c *lifecycle.Config) func() error {
	return func() error {
		is, err := r.Config(ctx, bucket)
		if err == nil && is != c && (is == nil || !bytes.Equal(is.Encode(), c.Encode())) {
			err = lifecycle.ErrRulesChanged
		}
		return err
	}
}

// Remove does what was judged.
func (r *rules) Remove(ctx context.Context, bucket string, c *lifecycle.Config, rs []lifecycle.Removal) ([]error, error) {
	removals, made := make([]store.Removal, len(rs)), makers{}
	for i := range rs {
		removals[i] = store.Removal{
			Key: rs[i].Key, ID: rs[i].ID, Order: rs[i].Order, Seen: rs[i].Seen, Made: made.of(rs[i].Rule),
		}
	}
	results, err := r.store.RemoveWhile(ctx, bucket, removals, r.still(ctx, bucket, c))
	return toldAll(results), told(err)
}

// Uploads reads a page of uploads.
func (r *rules) Uploads(ctx context.Context, q lifecycle.UploadsRequest) (us []lifecycle.Upload, more bool, err error) {
	all, err := r.store.ListUploads(ctx, store.UploadsRequest{
		Bucket: q.Bucket, Prefix: q.Prefix, KeyMarker: q.AfterKey, IDMarker: q.AfterID, Limit: uploadsPage,
	})
	if err != nil {
		return nil, false, told(err)
	}
	us = make([]lifecycle.Upload, len(all.Uploads))
	for i := range all.Uploads {
		u := &all.Uploads[i]
		us[i] = lifecycle.Upload{Key: u.Key, ID: u.ID, Initiated: u.Initiated}
	}
	return us, all.Truncated, nil
}

// UploadSize adds up the parts of an upload.
func (r *rules) UploadSize(ctx context.Context, bucket string, u *lifecycle.Upload) (bytes int64, err error) {
	q := store.PartsRequest{Upload: store.UploadName{Bucket: bucket, Key: u.Key, ID: u.ID}, Limit: partsPage}
	for more := true; more; {
		parts, err := r.store.ListParts(ctx, q)
		if errors.Is(err, store.ErrNoSuchUpload) {
			return 0, nil
		}
		if err != nil {
			return 0, told(err)
		}
		for i := range parts.Parts {
			bytes += parts.Parts[i].Size
			q.After = parts.Parts[i].Number
		}
		more = parts.Truncated
	}
	return bytes, nil
}

// Abort aborts uploads by a rule.
func (r *rules) Abort(ctx context.Context, bucket string, c *lifecycle.Config, rule string, us []lifecycle.Upload) ([]error, error) {
	names := make([]store.UploadName, len(us))
	for i := range us {
		names[i] = store.UploadName{Bucket: bucket, Key: us[i].Key, ID: us[i].ID}
	}
	results, err := r.store.AbortUploadsWhile(ctx, names, *madeBy(rule), r.still(ctx, bucket, c))
	return toldAll(results), told(err)
}

// Buckets returns a page of buckets.
func (r *rules) Buckets(ctx context.Context, after string) (bs []lifecycle.Bucket, more bool, err error) {
	all, more, err := r.store.Buckets(ctx, store.BucketQuery{After: after})
	for i := range all {
		bs = append(bs, lifecycle.Bucket{Name: all[i].Name, ID: all[i].ID})
	}
	return bs, more, told(err)
}

// Bucket returns a bucket.
func (r *rules) Bucket(ctx context.Context, name string) (lifecycle.Bucket, error) {
	b, err := r.store.Bucket(ctx, name)
	return lifecycle.Bucket{Name: b.Name, ID: b.ID}, told(err)
}

// Config returns the rules of a bucket, nil if it has none.
func (r *rules) Config(ctx context.Context, bucket string) (*lifecycle.Config, error) {
	c, err := store.Parsed(ctx, r.store, bucket, store.ConfigLifecycle, lifecycle.Decode)
	return c, told(err)
}

// Keep keeps a document.
func (r *rules) Keep(ctx context.Context, name string, document []byte) error {
	return r.store.KeepJob(ctx, name, document)
}

// Drop removes a document.
func (r *rules) Drop(ctx context.Context, name string) error { return r.store.DropJob(ctx, name) }

// Kept returns all documents by their names.
func (r *rules) Kept(ctx context.Context) (map[string][]byte, error) {
	rows, err := r.store.Jobs(ctx, lifecycleJobs)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(rows))
	for _, row := range rows {
		all[row.Name] = row.Document
	}
	return all, nil
}

// meanings are the errors of a store that lifecycle knows by a name of its own.
var meanings = []struct{ store, lifecycle error }{
	{store.ErrChanged, lifecycle.ErrChanged},
	{store.ErrNoSuchUpload, lifecycle.ErrChanged},
	{versioning.NoSuchVersion, lifecycle.ErrChanged},
	{store.ErrNoSuchBucket, lifecycle.ErrNoBucket},
	{store.ErrBucketBusy, lifecycle.ErrNoBucket},
	{store.ErrMFARequired, lifecycle.ErrMFADelete},
}

// told returns an error of the store so that lifecycle understands it.
func told(err error) error {
	if err == nil {
		return nil
	}
	for _, m := range meanings {
		if errors.Is(err, m.store) {
			return fmt.Errorf("%w: %w", m.lifecycle, err)
		}
	}
	return err
}

// toldAll is told for each of errs, in their place.
func toldAll(errs []error) []error {
	for i, err := range errs {
		errs[i] = told(err)
	}
	return errs
}
