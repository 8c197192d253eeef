package metamorphic_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

const sceneBucket = "bucket"

// scene is a store with one bucket, whose history was made by requests, and rules.
type scene struct {
	t      *testing.T
	rng    *rand.Rand
	fs     *crashfs.FS
	power  *power
	clock  *clock.Manual
	store  *store.Store
	start  time.Time
	free   bool // the clock is that of a test folder, which goes back too
	locks  bool // Object Lock is configured
	legacy bool
	rules  []model.Rule
	seen   contents // what was there when the bucket was read last
}

// newScene makes a bucket in a random state, with a history of so many requests that
// came over trialDays days, in which it got there.
func newScene(t *testing.T, seed uint64, requests int) *scene {
	t.Helper()
	trial := metamorphic.NewTrial(rand.New(rand.NewPCG(seed, 3)), 1)
	s := &scene{t: t, rng: rand.New(rand.NewPCG(seed, 4)), clock: clock.NewManual(trial.Start), start: trial.Start, free: seed%2 == 0}
	s.power = &power{rng: rand.New(rand.NewPCG(seed, 5)), syncs: -1}
	s.fs = crashfs.New(crashfs.Watch{Synced: s.power.synced})
	s.power.fs = s.fs
	s.open()
	_, err := s.store.CreateBucket(t.Context(), store.BucketSpec{Name: sceneBucket})
	s.must(err)
	s.play(requests / 4)
	if trial.State != versioning.Unversioned {
		s.setState(versioning.Enabled)
		s.play(requests / 4)
	}
	if s.locks = trial.State == versioning.Enabled && s.rng.IntN(2) == 0; s.locks {
		s.must(s.store.SetObjectLock(t.Context(), sceneBucket, store.DefaultRetention{}, store.Maker{}))
	}
	if trial.State == versioning.Suspended {
		s.setState(versioning.Suspended)
	}
	s.play(requests / 2)
	s.newRules()
	return s
}

func (s *scene) open() {
	s.t.Helper()
	o := metamorphic.Configs()[0].Options()
	o.FS, o.Clock, o.TestFolder = s.fs, s.clock, s.free
	var err error
	s.store, err = store.Open("data", o)
	s.must(err)
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) setState(to versioning.State) {
	s.t.Helper()
	s.must(s.store.SetVersioning(s.t.Context(), sceneBucket, store.VersioningChange{State: to}))
}

// newRules replaces the configuration.
func (s *scene) newRules() {
	s.t.Helper()
	s.legacy = s.rng.IntN(4) == 0
	s.rules = metamorphic.NewRules(s.rng, s.start, s.legacy)
	text := metamorphic.RulesXML(s.rules, s.legacy)
	config, err := lifecycle.ParseXML([]byte(text), func() string { return "an id" })
	s.must(err)
	s.must(s.store.SetConfig(s.t.Context(), sceneBucket, store.ConfigLifecycle, config.Encode(), store.Maker{}))
}

// next is how much time goes by next: to a midnight or near it more often than not.
// Now and then the clock is set back instead.
func (s *scene) next(days int) time.Duration {
	if s.rng.IntN(12) == 0 {
		return -36 * time.Hour
	}
	now := s.store.ObjectTime()
	to := now.Truncate(24*time.Hour).AddDate(0, 0, 1+s.rng.IntN(days))
	to = to.Add([]time.Duration{0, time.Millisecond, -time.Millisecond, 10*time.Hour + 30*time.Minute}[s.rng.IntN(4)])
	return to.Sub(now)
}

// let lets time go by, or sets the clock back as far as the store lets it.
func (s *scene) let(d time.Duration) {
	s.t.Helper()
	if !s.free {
		s.clock.Advance(d)
		return
	}
	s.must(s.setClock(s.store.ObjectTime().Add(d)))
}

// catchUp sets a clock forward that was set back behind the time of locks, some of which
// a crash may lose then.
func (s *scene) catchUp() {
	if locks := s.store.LockTime(); locks.After(s.clock.Now()) && !s.free {
		s.clock.Set(locks)
	}
}

// setClock sets the clock of a test folder.
func (s *scene) setClock(to time.Time) error {
	return s.store.SetTestClock(s.t.Context(), store.TestClock{Frozen: true, At: to}, store.Maker{})
}

// play sends requests, with time going by between them.
func (s *scene) play(requests int) {
	s.t.Helper()
	keys := []string{"a", "a/b", "b", "logs/x", "ä"}
	for range requests {
		if s.rng.IntN(5) == 0 {
			s.let(s.next(2))
		}
		key, ctx := keys[s.rng.IntN(len(keys))], s.t.Context()
		switch n := s.rng.IntN(20); {
		case n < 5:
			_, err := s.store.Delete(ctx, sceneBucket, store.DeleteRequest{Key: key})
			s.mayBe(err, versioning.ObjectLocked)
		case n < 7:
			_, err := s.store.CreateUpload(ctx, store.UploadRequest{Bucket: sceneBucket, Key: key})
			s.must(err)
		default:
			_, err := s.store.Put(ctx, s.put(key))
			s.mayBe(err, versioning.ObjectLocked)
		}
	}
}

// put is a request with whatever rules and locks look at.
func (s *scene) put(key string) store.PutRequest {
	size := []int64{0, 1, 10, 11, 100, 1000}[s.rng.IntN(6)]
	r := store.PutRequest{Bucket: sceneBucket, Key: key, Size: size, Body: strings.NewReader(strings.Repeat("x", int(size)))}
	for _, tag := range []string{"team", "tier"} {
		if s.rng.IntN(3) == 0 {
			r.Tags = append(r.Tags, store.Tag{Key: tag, Value: []string{"x", "y", ""}[s.rng.IntN(3)]})
		}
	}
	if s.locks && s.rng.IntN(5) == 0 {
		r.Lock = versioning.Lock{Mode: versioning.Compliance, Until: s.store.LockTime().Add(time.Duration(1+s.rng.IntN(200)) * time.Hour)}
	}
	if s.locks && s.rng.IntN(15) == 0 {
		r.Lock.Hold = versioning.HoldOn
	}
	return r
}

// contents are the entries of the bucket, by key in order, and its uploads.
type contents struct {
	state     versioning.State
	histories [][]*model.Aged
	orders    map[*model.Aged]versioning.Order
	uploads   []store.Upload
}

// contents reads the bucket.
func (s *scene) contents() contents {
	s.t.Helper()
	c := contents{orders: make(map[*model.Aged]versioning.Order)}
	s.must(s.store.History(s.t.Context(), store.HistoryRequest{Bucket: sceneBucket, Limit: 10_000}, func(v *store.HistoryView) error {
		c.state = v.State
		for i := range v.Entries {
			c.add(&v.Entries[i])
		}
		if v.More {
			return fmt.Errorf("more than %d entries", len(v.Entries))
		}
		return nil
	}))
	page, err := s.store.ListUploads(s.t.Context(), store.UploadsRequest{Bucket: sceneBucket, Limit: 1000})
	s.must(err)
	c.uploads = page.Uploads
	s.seen = c
	return c
}

func (c *contents) add(e *store.HistoryEntry) {
	to := &model.Aged{Key: e.Key, Name: fmt.Sprintf("v%d", e.Order), DeleteMarker: e.Marker, Size: e.Size, Modified: e.LastModified, Hold: e.Lock.Hold == versioning.HoldOn}
	if e.ID.IsNull() {
		to.Name = model.Null
	}
	if e.Lock.Mode != versioning.NoRetention {
		to.Retain = e.Lock.Until
	}
	to.Tags = make(map[string]string)
	for _, tag := range e.Tags {
		to.Tags[tag.Key] = tag.Value
	}
	c.orders[to] = e.Order
	if n := len(c.histories); n > 0 && c.histories[n-1][0].Key == e.Key {
		c.histories[n-1] = append(c.histories[n-1], to)
		return
	}
	c.histories = append(c.histories, []*model.Aged{to})
}

// outcome is what is compared of a run: what it did, what the ledger tells of that,
// and what is there afterwards.
type outcome struct{ did, told, left []string }

// line describes an action.
func line(key string, order versioning.Order, upload string, kind lifecycle.Kind, rule string, due time.Time) string {
	return fmt.Sprintf("%v %q %d %s by %q due %s", kind, key, order, upload, rule, due.Format(time.RFC3339Nano))
}

// model says what a run is to do now, and what is left after it.
func (s *scene) model(c contents) (o outcome) {
	l := model.Lifecycle{Rules: s.rules, State: c.state, Now: s.store.ObjectTime(), Locks: s.store.LockTime()}
	for _, history := range c.histories {
		after, done := l.Expire(history)
		for _, d := range done {
			o.did = append(o.did, c.lines(d, history)...)
			o.told = append(o.told, told(d, c.state, history)...)
		}
		for _, e := range after {
			o.left = append(o.left, leftLine(e, slices.Contains(history, e)))
		}
	}
	for _, u := range c.uploads {
		if rule, due := l.Abort(u.Key, u.Initiated); rule != nil && !due.After(l.Now) {
			o.did = append(o.did, line(u.Key, 0, u.ID, lifecycle.AbortUpload, rule.ID, due))
			o.told = append(o.told, fmt.Sprintf("upload-aborted %q by %q Lifecycle", u.Key, rule.ID))
		} else {
			o.left = append(o.left, "upload "+u.ID)
		}
	}
	slices.Sort(o.did)
	slices.Sort(o.told)
	slices.Sort(o.left)
	return o
}

// lines describe a deed to a history. It tells besides of the null entry that a null
// delete marker takes the place of.
func (c contents) lines(d model.Done, history []*model.Aged) []string {
	all := []string{line(d.Entry.Key, c.orders[d.Entry], "", kinds[d.Deed], d.Rule.ID, d.Due)}
	for _, e := range history {
		if d.Deed == model.ExpireCurrent && c.state == versioning.Suspended && e.Name == model.Null && e != d.Entry {
			all = append(all, line(e.Key, c.orders[e], "", kinds[d.Deed], d.Rule.ID, d.Due))
		}
	}
	return all
}

// leftLine describes an entry. The id of one that lifecycle added is not known
// before.
func leftLine(e *model.Aged, known bool) string {
	name := e.Name
	if !known && name != model.Null {
		name = "new"
	}
	return fmt.Sprintf("%q %s marker=%v %s", e.Key, name, e.DeleteMarker, e.Modified.Format(time.RFC3339Nano))
}

// left describes what is there, as model does, of which before was there already.
func (c contents) left(before contents) (left []string) {
	for _, history := range c.histories {
		for _, e := range history {
			known := false
			for old := range before.orders {
				known = known || before.orders[old] == c.orders[e]
			}
			left = append(left, leftLine(e, known))
		}
	}
	for _, u := range c.uploads {
		left = append(left, "upload "+u.ID)
	}
	slices.Sort(left)
	return left
}

// removals are the lines of the ledger that a rule caused from row on, as "change key
// rule", and the number of the last row.
func (s *scene) removals(ctx context.Context, from uint64) (lines []string, last uint64) {
	s.t.Helper()
	last = from
	s.must(s.store.Ledger(ctx, store.LedgerQuery{Bucket: sceneBucket}, func(e store.LedgerEntry) error {
		if e.Row > from && e.Made.Cause == store.CauseRule {
			lines = append(lines, fmt.Sprintf("%v %q by %q %s", e.Change, e.Key, e.Made.CauseID, e.Made.Operation))
		}
		last = max(last, e.Row)
		return nil
	}))
	slices.Sort(lines)
	return lines, last
}

// mayBe accepts one reason of a refusal.
func (s *scene) mayBe(err error, reason versioning.Reason) {
	s.t.Helper()
	if err != nil && !errors.Is(err, reason) {
		s.t.Fatal(err)
	}
}
