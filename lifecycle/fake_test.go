package lifecycle

import (
	"cmp"
	"context"
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

// fakeBucket is a bucket of a fake store.
type fakeBucket struct {
	Bucket
	state   versioning.State
	mfa     bool
	config  *Config
	keys    map[string][]Entry // newest first
	amended map[string]uint64
	damaged map[string]bool
	uploads []Upload // sorted by key and id
	fails   error    // of every page
}

// fake is a store in memory, and all that an expirer needs besides.
type fake struct {
	mu      sync.Mutex // protects all that follows
	buckets map[string]*fakeBucket
	kept    map[string][]byte
	order   versioning.Order
	made    versioning.Order // the last one that the test itself made
	clock   *clock.Manual
	pages   int
	removes int
	largest int // removals in one call

	// before is called without the lock before each call of Remove or Abort, with the
	// number of calls before it.
	before func(call int)
}

func newFake() *fake {
	return &fake{
		buckets: make(map[string]*fakeBucket), kept: make(map[string][]byte), order: 1,
		clock: clock.NewManual(time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)),
	}
}

// bucket makes a bucket.
func (f *fake) bucket(name string, state versioning.State, rules ...Rule) *fakeBucket {
	f.order++
	b := &fakeBucket{
		Bucket: Bucket{Name: name, ID: uint64(f.order)}, state: state,
		keys: make(map[string][]Entry), amended: make(map[string]uint64), damaged: make(map[string]bool),
	}
	if rules != nil {
		b.config = &Config{Rules: rules}
	}
	f.buckets[name] = b
	return b
}

// put adds an entry that became current so many days before the clock's time.
func (f *fake) put(b *fakeBucket, key string, days int, change ...func(*Entry)) {
	f.order++
	e := Entry{Key: key, Order: f.order, ID: versioning.IDOf(f.order), Size: 10, LastModified: f.clock.Now().AddDate(0, 0, -days)}
	for _, c := range change {
		c(&e)
	}
	if e.Marker {
		e.Size = 0
	}
	if e.ID.IsNull() {
		b.keys[key] = slices.DeleteFunc(b.keys[key], func(e Entry) bool { return e.ID.IsNull() })
	}
	b.keys[key] = slices.Insert(b.keys[key], 0, e)
}

func asMarker(e *Entry) { e.Marker = true }
func asNull(e *Entry)   { e.ID = versioning.Null }

// until locks an entry in mode COMPLIANCE.
func until(at time.Time) func(*Entry) {
	return func(e *Entry) { e.Lock = versioning.Lock{Mode: versioning.Compliance, Until: at} }
}

// head is the summary of a key. The caller holds mu.
func (b *fakeBucket) head(key string) (h versioning.Head) {
	entries := b.keys[key]
	h.Entries, h.Amended = uint64(len(entries)), b.amended[key]
	for i, e := range entries {
		if i == 0 {
			h.Newest, h.Marker = e.Order, e.Marker
		}
		if e.ID.IsNull() {
			h.Null = e.Order
		}
	}
	return h
}

// all returns all entries of a bucket in order. The caller holds mu.
func (b *fakeBucket) all() (all []Entry) {
	for _, key := range slices.Sorted(maps.Keys(b.keys)) {
		all = append(all, b.keys[key]...)
	}
	return all
}

func (f *fake) find(name string) (*fakeBucket, error) {
	if b := f.buckets[name]; b != nil {
		return b, nil
	}
	return nil, ErrNoBucket
}

func (f *fake) History(ctx context.Context, r PageRequest, fn func(*Page) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(r.Bucket)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return err
	}
	if b.fails != nil {
		return b.fails
	}
	f.pages++
	p := &Page{State: b.state, MFADelete: b.mfa, Next: r.After}
	n := 0
	for _, e := range b.all() {
		behind := e.Key > r.After.Key || e.Key == r.After.Key && r.After.Order != 0 && e.Order < r.After.Order
		if !strings.HasPrefix(e.Key, r.Prefix) || !behind {
			continue
		}
		if n++; n > r.Limit {
			p.More = true
			break
		}
		p.Next = Place{e.Key, e.Order}
		if !b.damaged[e.Key] {
			p.Entries = append(p.Entries, e)
		} else if !slices.Contains(p.Damaged, e.Key) {
			p.Damaged = append(p.Damaged, e.Key)
		}
	}
	p.Heads = func(keys []string) (heads []versioning.Head, err error) {
		if !slices.IsSorted(keys) {
			return nil, fmt.Errorf("keys out of order: %q", keys)
		}
		for _, key := range keys {
			heads = append(heads, b.head(key))
		}
		return heads, nil
	}
	return fn(p)
}

// call counts a call that changes something.
func (f *fake) call() {
	f.mu.Lock()
	n, before := f.removes, f.before
	f.removes++
	f.mu.Unlock()
	if before != nil {
		before(n)
	}
}

func (f *fake) Remove(ctx context.Context, bucket string, _ *Config, rs []Removal) ([]error, error) {
	f.call()
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(bucket)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return nil, err
	}
	f.largest = max(f.largest, len(rs))
	results := make([]error, len(rs))
	seen, failed := make(map[string]versioning.Head), make(map[string]bool)
	for i := range rs {
		key := rs[i].Key
		if _, known := seen[key]; !known {
			seen[key] = b.head(key)
		}
		switch {
		case b.mfa:
			results[i] = ErrMFADelete
		case seen[key] != rs[i].Seen || failed[key]:
			results[i] = ErrChanged
		default:
			results[i] = f.remove(b, &rs[i])
		}
		failed[key] = failed[key] || results[i] != nil
	}
	return results, nil
}

// remove does one removal.
func (f *fake) remove(b *fakeBucket, r *Removal) error {
	entries := b.keys[r.Key]
	destroy := func(i int) error {
		if entries[i].Lock.Protects(f.clock.Now(), false) {
			return versioning.ObjectLocked
		}
		if b.keys[r.Key] = slices.Delete(entries, i, i+1); len(b.keys[r.Key]) == 0 {
			delete(b.keys, r.Key)
		}
		return nil
	}
	if !r.ID.IsZero() {
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == r.ID })
		if i < 0 || r.Order != 0 && entries[i].Order != r.Order || r.Order == 0 && i != 0 {
			return ErrChanged
		}
		return destroy(i)
	}
	if len(entries) == 0 || entries[0].Order != r.Order {
		return ErrChanged
	}
	switch b.state {
	case versioning.Unversioned:
		return destroy(0)
	case versioning.Suspended:
		if i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID.IsNull() }); i >= 0 {
			if err := destroy(i); err != nil {
				return err
			}
		}
		f.put(b, r.Key, 0, asMarker, asNull)
	default:
		f.put(b, r.Key, 0, asMarker)
	}
	return nil
}

func (f *fake) Uploads(_ context.Context, r UploadsRequest) (page []Upload, more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(r.Bucket)
	if err != nil {
		return nil, false, err
	}
	for _, u := range b.uploads {
		if !strings.HasPrefix(u.Key, r.Prefix) || cmp.Or(cmp.Compare(u.Key, r.AfterKey), cmp.Compare(u.ID, r.AfterID)) <= 0 {
			continue
		}
		if len(page) == 3 {
			return page, true, nil
		}
		page = append(page, u)
	}
	return page, false, nil
}

func (f *fake) UploadSize(_ context.Context, _ string, u *Upload) (int64, error) {
	return int64(len(u.ID)), nil
}

func (f *fake) Abort(ctx context.Context, bucket string, _ *Config, _ string, us []Upload) ([]error, error) {
	f.call()
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(bucket)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return nil, err
	}
	results := make([]error, len(us))
	for i := range us {
		n := len(b.uploads)
		b.uploads = slices.DeleteFunc(b.uploads, func(u Upload) bool { return u.ID == us[i].ID })
		if len(b.uploads) == n {
			results[i] = ErrChanged
		}
	}
	return results, nil
}

func (f *fake) Buckets(_ context.Context, after string) (page []Bucket, more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.buckets)) {
		if name > after {
			return []Bucket{f.buckets[name].Bucket}, true, nil
		}
	}
	return nil, false, nil
}

func (f *fake) Bucket(_ context.Context, name string) (Bucket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(name)
	if err != nil {
		return Bucket{}, err
	}
	return b.Bucket, nil
}

func (f *fake) Config(_ context.Context, name string) (*Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.find(name)
	if err != nil {
		return nil, err
	}
	return b.config, nil
}

func (f *fake) Keep(_ context.Context, name string, document []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[name] = slices.Clone(document)
	return nil
}

func (f *fake) Drop(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, name)
	return nil
}

func (f *fake) Kept(context.Context) (map[string][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.kept), nil
}

// expirer returns an expirer of f whose batches have at most most removals. Waiting
// lets the clock go on.
func (f *fake) expirer(t *testing.T, most int, change ...func(*ExpirerOptions)) *Expirer {
	t.Helper()
	o := ExpirerOptions{
		Store: f, Buckets: f, Progress: f, Now: f.clock.Now, LockTime: f.clock.Now, Clock: f.clock,
		Wait: func(ctx context.Context, d time.Duration) error {
			f.clock.Advance(d)
			return ctx.Err()
		},
	}
	for _, c := range change {
		c(&o)
	}
	x := NewExpirer(o)
	x.most = most
	t.Cleanup(x.Close)
	return x
}

// text shows what a bucket holds.
func (f *fake) text(b *fakeBucket) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out strings.Builder
	key := ""
	for _, e := range b.all() {
		if e.Key != key {
			fmt.Fprintf(&out, "\n%s:", e.Key)
			key = e.Key
		}
		name := fmt.Sprintf("v%d", e.Order)
		if e.ID.IsNull() {
			name = "null"
		}
		if e.Marker {
			name = "D" + name
			if e.Order > f.made {
				name = "D" // its order depends on what else was done
			}
		}
		out.WriteString(" " + name)
	}
	for _, u := range b.uploads {
		fmt.Fprintf(&out, "\n%s: upload %s", u.Key, u.ID)
	}
	return out.String()
}
