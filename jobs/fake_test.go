package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/versioning"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake is a folder in memory with one bucket.
type fake struct {
	mu        sync.Mutex // protects what follows
	bucket    Bucket
	gone      bool
	entries   []Entry // in the order of pages
	uploads   []Upload
	documents map[string][]byte
	shown     map[string]Order // the current version of each visible key, as it ever was
	strange   []string         // versions that became current though they were not

	// before is called before each removal, without mu; its error is the outcome.
	before func(n int) error
	// after is called when a removal is done.
	after    func(n int) error
	removals int
	largest  int   // page that was asked for
	keepErr  error // of every Keep
	openErr  error
	refuse   func(e *Entry) error
}

// Order is short for the order of an entry.
type Order = versioning.Order

func newFake(entries ...Entry) *fake {
	f := &fake{bucket: Bucket{ID: 7, Account: "111111111111", Boundary: 1000}, documents: make(map[string][]byte)}
	f.entries = slices.Clone(entries)
	slices.SortFunc(f.entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(b.Order, a.Order))
	})
	f.bucket.Total = int64(len(entries))
	f.shown = f.current()
	return f
}

// version and marker return entries; the order says the time too.
func version(key string, order Order) Entry {
	return Entry{Key: key, Order: order, Size: 10, LastModified: epoch.Add(time.Duration(order) * time.Hour)}
}

func marker(key string, order Order) Entry {
	e := version(key, order)
	e.Marker, e.Size = true, 0
	return e
}

func locked(key string, order Order) Entry {
	e := version(key, order)
	e.Lock = versioning.Lock{Mode: versioning.Compliance, Until: epoch.AddDate(7, 0, 0)}
	return e
}

// current returns the current version of each visible key.
func (f *fake) current() map[string]Order {
	m := make(map[string]Order)
	for i := range f.entries {
		if e := &f.entries[i]; i == 0 || f.entries[i-1].Key != e.Key {
			if !e.Marker {
				m[e.Key] = e.Order
			}
		}
	}
	return m
}

func (f *fake) head(key string) (h versioning.Head) {
	for i := range f.entries {
		if e := &f.entries[i]; e.Key == key {
			if h.Entries++; h.Entries == 1 {
				h.Newest, h.Marker = e.Order, e.Marker
			}
		}
	}
	return h
}

func (f *fake) Bucket(context.Context, string) (Bucket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return Bucket{}, ErrNoSuchBucket
	}
	return f.bucket, nil
}

func (f *fake) Open(_ context.Context, j *Job) (Work, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone || j.BucketID != f.bucket.ID {
		return nil, ErrNoSuchBucket
	}
	return &fakeWork{fake: f, dry: j.DryRun}, f.openErr
}

func (f *fake) Keep(_ context.Context, name string, document []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keepErr == nil {
		f.documents[name] = document
	}
	return f.keepErr
}

func (f *fake) Drop(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.documents, name)
	return nil
}

func (f *fake) Kept(_ context.Context, prefix string) (all [][]byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.documents)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, f.documents[name])
		}
	}
	return all, nil
}

// text returns what is in the bucket, such as "a:3* a:1" with a star at markers.
func (f *fake) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for i := range f.entries {
		e := &f.entries[i]
		s := fmt.Sprintf("%s:%d", e.Key, e.Order)
		if e.Marker {
			s += "*"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// fakeWork is the bucket of a fake.
type fakeWork struct {
	*fake
	dry bool
}

func (w *fakeWork) Page(_ context.Context, r PageRequest) (Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.largest = max(w.largest, r.Limit)
	p := Page{Heads: make(map[string]versioning.Head)}
	if r.Head != "" {
		p.Heads[r.Head] = w.head(r.Head)
	}
	for _, e := range w.entries {
		behind := e.Key > r.After.Key || e.Key == r.After.Key && r.After.Order != 0 && e.Order < r.After.Order
		if !behind || !strings.HasPrefix(e.Key, r.Prefix) {
			continue
		}
		if len(p.Entries) == r.Limit {
			p.More = true
			break
		}
		p.Entries, p.Next = append(p.Entries, e), Place{e.Key, e.Order}
		if e.Marker || !r.MarkersOnly {
			p.Heads[e.Key] = w.head(e.Key)
		}
	}
	return p, nil
}

func (w *fakeWork) Remove(_ context.Context, rs []Removal) ([]error, error) {
	w.mu.Lock()
	w.removals++
	n := w.removals
	w.mu.Unlock()
	if w.before != nil {
		if err := w.before(n); err != nil {
			return nil, err
		}
	}
	errs := w.removeAll(rs)
	if w.after != nil {
		return errs, w.after(n)
	}
	return errs, nil
}

func (w *fakeWork) removeAll(rs []Removal) []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs, failed := make([]error, len(rs)), make(map[string]bool)
	heads := make(map[string]versioning.Head)
	for i := range rs {
		heads[rs[i].Entry.Key] = w.head(rs[i].Entry.Key)
	}
	for i := range rs {
		r := &rs[i]
		at := slices.IndexFunc(w.entries, func(e Entry) bool { return e.Key == r.Entry.Key && e.Order == r.Entry.Order })
		switch {
		case heads[r.Entry.Key] != r.Seen, at < 0, !r.Apart && failed[r.Entry.Key]:
			errs[i] = ErrChanged
		case w.refuse != nil && w.refuse(&r.Entry) != nil:
			errs[i] = w.refuse(&r.Entry)
		case r.Entry.Lock.Protects(epoch, false):
			errs[i] = &versioning.Refusal{Reason: versioning.ObjectLocked}
		case !w.dry:
			w.entries = slices.Delete(w.entries, at, at+1)
		}
		failed[r.Entry.Key] = failed[r.Entry.Key] || errs[i] != nil
	}
	w.look()
	return errs
}

// look notes what is visible that was not.
func (f *fake) look() {
	for key, order := range f.current() {
		if f.shown[key] != order {
			f.strange = append(f.strange, fmt.Sprintf("%s:%d", key, order))
		}
	}
}

func (w *fakeWork) Uploads(_ context.Context, prefix string, after UploadPlace, limit int) (us []Upload, next UploadPlace, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.uploads {
		if !strings.HasPrefix(u.Key, prefix) || u.Key+u.ID <= after.Key+after.ID {
			continue
		}
		if len(us) == limit {
			return us, UploadPlace{us[limit-1].Key, us[limit-1].ID}, nil
		}
		us = append(us, u)
	}
	return us, next, nil
}

func (w *fakeWork) Abort(_ context.Context, us []Upload) ([]error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dry {
		w.uploads = slices.DeleteFunc(w.uploads, func(u Upload) bool { return slices.Contains(us, u) })
	}
	return make([]error, len(us)), nil
}

func (w *fakeWork) DeleteBucket(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.entries) > 0 {
		return ErrBucketNotEmpty
	}
	w.gone = true
	return nil
}

func (w *fakeWork) FormatVersionID(id versioning.ID) string {
	if id.IsNull() {
		return "null"
	}
	return fmt.Sprint(id)
}

// newTest returns a runner of f that has started, closed at the end of the test.
func newTest(t *testing.T, f *fake, batch int) *Runner {
	t.Helper()
	r := newRunner(f, batch)
	t.Cleanup(r.Close)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func newRunner(f *fake, batch int) *Runner {
	return NewRunner(Options{
		Store: f, Documents: f, Clock: clock.NewManual(epoch), Batch: batch,
		Pause: func(context.Context, time.Duration) error { return nil },
	})
}

// runJob submits a job and waits for its end.
func runJob(t *testing.T, r *Runner, s Spec) Job {
	t.Helper()
	s.Bucket = "b"
	j, err := r.Submit(t.Context(), s)
	if err == nil {
		j, err = r.Wait(t.Context(), j.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// errCut is the outcome of a removal when the process is killed.
var errCut = errors.New("killed")
