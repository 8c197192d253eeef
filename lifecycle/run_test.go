package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// oracle does what is due in a bucket by a fold over all of it, without pages, batches
// and the rest, and returns the outcome.
func oracle(f *fake, name string) string {
	f = f.copied()
	b := f.buckets[name]
	at := Instant{Now: f.clock.Now(), Locks: f.clock.Now(), State: b.state}
	var rs []Removal
	fold := NewFold(b.config, at, func(v *Verdict) {
		if v.Act(at) {
			r := Removal{Key: v.Entry.Key, ID: v.Entry.ID, Order: v.Entry.Order}
			if v.Kind == ExpireCurrent {
				r.ID = versioning.ID{}
			}
			rs = append(rs, r)
		}
	})
	for _, e := range b.all() {
		fold.Next(&e)
	}
	fold.End()
	for i := range rs {
		if err := f.remove(b, &rs[i]); err != nil {
			panic(err)
		}
	}
	b.uploads = slices.DeleteFunc(b.uploads, func(u Upload) bool {
		_, due, ok := b.config.ForUpload(u.Key, u.Initiated)
		return ok && !due.After(at.Now)
	})
	return f.text(b)
}

func mustRun(t *testing.T, x *Expirer, r RunRequest) Report {
	t.Helper()
	report, err := x.Run(context.Background(), r)
	if err != nil {
		t.Fatalf("run %+v: %v", r, err)
	}
	return report
}

// A run does what one fold over the whole bucket says, whatever the size of pages and
// batches; a dry run tells the same and does nothing; a second run does nothing.
//
// spec: LC4-22
func TestRunsOfRandomBuckets(t *testing.T) {
	random := passRandom(t)
	for round := range 1500 {
		f := newFake()
		b := randomBucket(f, random, "bucket")
		before, want := f.text(b), oracle(f, "bucket")
		most := []int{1 + random.IntN(9), maxBatch}[random.IntN(2)]
		x := f.expirer(t, most, func(o *ExpirerOptions) { o.Rate = []int{0, 0, 1, 2, 5}[random.IntN(5)] })
		var dry, done told
		dryReport := mustRun(t, x, RunRequest{Bucket: "bucket", DryRun: true, Each: dry.each})
		if f.text(b) != before || f.removes > 0 {
			t.Fatalf("round %d: a dry run changed something", round)
		}
		report := mustRun(t, x, RunRequest{Bucket: "bucket", Each: done.each})
		if got := f.text(b); got != want {
			t.Fatalf("round %d, %d at a time: from%s\nto%s\nwant%s", round, most, before, got, want)
		}
		calls := f.removes
		if again := mustRun(t, x, RunRequest{Bucket: "bucket"}); again.done() || f.removes != calls || again.Changed+again.Failed > 0 {
			t.Fatalf("round %d: the second run did %+v", round, again)
		}
		if !slices.Equal(dry.sorted(), done.sorted()) {
			t.Fatalf("round %d: told %q\nby the dry run %q\nof%s", round, done, dry, before)
		}
		// What was done is seen in one of them, and may make keys be read anew.
		report.NextDue, dryReport.NextDue = time.Time{}, time.Time{}
		report.Scanned, dryReport.Scanned = 0, 0
		if sortTotals(&report, &dryReport); !reflect.DeepEqual(report, dryReport) {
			t.Fatalf("round %d: %+v\nthe dry run %+v\nof%s", round, report, dryReport, before)
		}
	}
}

// sortTotals puts the totals of reports in one order.
func sortTotals(reports ...*Report) {
	for _, r := range reports {
		slices.SortFunc(r.Rules, func(a, b RuleTotals) int {
			return slices.Compare([]string{a.Rule, a.Kind.String()}, []string{b.Rule, b.Kind.String()})
		})
	}
}

// A pass that is cut behind any commit, and begun anew by another process, ends where
// an undisturbed one does.
func TestPassCutAnywhere(t *testing.T) {
	random := passRandom(t)
	resumed := 0
	for range 200 {
		origin := newFake()
		randomBucket(origin, random, "bucket")
		want, most := oracle(origin, "bucket"), 1+random.IntN(7)
		for cut := 0; ; cut++ {
			f := origin.copied()
			ctx, cancel := context.WithCancel(context.Background())
			f.before = func(call int) {
				f.clock.Advance(saveEvery) // so that progress is kept
				if call == cut {
					cancel()
				}
			}
			x := f.expirer(t, most)
			x.sweep(ctx, 1)
			x.Close()
			reached := f.removes > cut
			f.before = nil
			resumed += len(f.kept)
			next := f.expirer(t, most)
			next.loadProgress(context.Background())
			next.sweep(context.Background(), 1)
			next.sweep(context.Background(), 2) // what came to be due while time went by
			f.clock.Set(origin.clock.Now())
			if got := f.text(f.buckets["bucket"]); got != want {
				t.Fatalf("cut after %d of %d at a time:%s\nwant%s", cut, most, got, want)
			}
			if len(f.kept) > 0 {
				t.Fatalf("kept when all was done: %q", f.kept)
			}
			if cancel(); !reached {
				break
			}
		}
	}
	if resumed == 0 {
		t.Error("no pass was cut with progress kept")
	}
}

func oneRule(change func(*Rule)) Rule {
	r := Rule{ID: "rule", Enabled: true}
	change(&r)
	return r
}

func noncurrentDays(days int) Rule {
	return oneRule(func(r *Rule) { r.Noncurrent = &NoncurrentExpiration{Days: days} })
}

func expireDays(days int) Rule {
	return oneRule(func(r *Rule) { r.Expiration = &Expiration{Days: days} })
}

// What is put between the look and the commit is kept, and the key is looked at again.
//
// spec: LC4-22
func TestKeyChangesUnderTheRun(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, expireDays(5))
	f.put(b, "key", 10)
	f.put(b, "other", 10)
	f.before = func(call int) {
		if call == 0 {
			f.put(b, "key", 0)
		}
	}
	report := mustRun(t, f.expirer(t, 10), RunRequest{Bucket: "bucket"})
	if got := f.text(b); got != "\nkey: v5 v3\nother: D v4" {
		t.Errorf("left%s", got)
	}
	if len(report.Rules) != 1 || report.Rules[0] != (RuleTotals{"rule", ExpireCurrent, 1, 0, 10}) || report.Changed != 0 {
		t.Errorf("%+v", report)
	}
}

// A key that changes all the time is left to the next run, and keeps no other back.
func TestKeyChangesAllTheTime(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, noncurrentDays(5))
	for _, key := range []string{"a", "b", "c"} {
		f.put(b, key, 20)
		f.put(b, key, 10)
	}
	f.before = func(int) { b.amended["b"]++ }
	x := f.expirer(t, 10)
	report := mustRun(t, x, RunRequest{Bucket: "bucket"})
	if got := f.text(b); got != "\na: v4\nb: v6 v5\nc: v8" || report.Changed != 1 {
		t.Errorf("%+v, left%s", report, got)
	}
	if f.removes != 1+maxTries {
		t.Errorf("%d calls, want %d", f.removes, 1+maxTries)
	}
	if s := x.Status("bucket"); !s.OldestDue.Equal(f.clock.Now()) {
		t.Errorf("nothing is due by %+v", s)
	}
	f.before = nil
	if report = mustRun(t, x, RunRequest{Bucket: "bucket"}); report.Changed != 0 || !x.Status("bucket").OldestDue.IsZero() {
		t.Errorf("%+v, %+v", report, x.Status("bucket"))
	}
}

// A history longer than a page whose key changes at any page is judged as it is then.
func TestLongHistoryChanges(t *testing.T) {
	for page := range 12 {
		f := newFake()
		b := f.bucket("bucket", versioning.Enabled, oneRule(func(r *Rule) {
			r.Noncurrent = &NoncurrentExpiration{Days: 5, Newer: 4}
		}))
		for i := range 10 {
			f.put(b, "key", 40-i)
		}
		x := f.expirer(t, 3) // a page has one entry
		f.before = nil
		store := &meddler{fake: f, at: page, meddle: func() { b.keys["key"] = slices.Delete(b.keys["key"], 1, 3) }}
		x.o.Store = store
		report := mustRun(t, x, RunRequest{Bucket: "bucket"})
		if got := f.text(b); len(b.keys["key"]) != 5 && store.pages > page || report.Changed != 0 {
			t.Errorf("changed before page %d: %+v, left%s", page, report, got)
		}
	}
}

// meddler is a store in which something happens before a page is read.
type meddler struct {
	*fake
	at, pages int
	meddle    func()
}

func (m *meddler) History(ctx context.Context, r PageRequest, fn func(*Page) error) error {
	if m.pages == m.at && len(m.buckets["bucket"].keys["key"]) == 10 {
		m.meddle()
	}
	m.pages++
	return m.fake.History(ctx, r, fn)
}

// spec: LC6-1
func TestLocksAreRetried(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, noncurrentDays(5))
	end := f.clock.Now().Add(36 * time.Hour)
	f.put(b, "key", 20, until(end))
	f.put(b, "key", 10, func(e *Entry) { e.Lock.Hold = versioning.HoldOn })
	f.put(b, "key", 8)
	x := f.expirer(t, 10)
	report := mustRun(t, x, RunRequest{Bucket: "bucket"})
	if report.Held != 2 || report.done() || !report.NextDue.Equal(end) {
		t.Errorf("while locked: %+v", report)
	}
	preview := mustRun(t, x, RunRequest{Bucket: "bucket", DryRun: true, At: end})
	f.clock.Set(end)
	if report = mustRun(t, x, RunRequest{Bucket: "bucket"}); report.Held != 1 || !reflect.DeepEqual(report, preview) || f.text(b) != "\nkey: v5 v4" {
		t.Errorf("after the lock: %+v, left%s", report, f.text(b))
	}
}

// A lock that is set after the look is met in the commit, and counts as one.
func TestLockIsSetMeanwhile(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, noncurrentDays(5))
	f.put(b, "key", 20)
	f.put(b, "key", 10)
	f.before = func(int) { b.keys["key"][1].Lock.Hold = versioning.HoldOn }
	if report := mustRun(t, f.expirer(t, 10), RunRequest{Bucket: "bucket"}); report.Held != 1 || report.Changed+report.Failed > 0 || report.done() {
		t.Errorf("%+v, left%s", report, f.text(b))
	}
}

func TestDamagedKeysArePassedOver(t *testing.T) {
	for most := 1; most < 8; most++ {
		f := newFake()
		b := f.bucket("bucket", versioning.Enabled, noncurrentDays(5))
		for _, key := range []string{"a", "b", "c", "d"} {
			for i := range 4 {
				f.put(b, key, 20-i)
			}
		}
		b.damaged["b"], b.damaged["d"] = true, true
		report := mustRun(t, f.expirer(t, most), RunRequest{Bucket: "bucket"})
		if report.Failed != 2 || len(b.keys["a"]) != 1 || len(b.keys["b"]) != 4 || len(b.keys["c"]) != 1 || len(b.keys["d"]) != 4 {
			t.Errorf("%d at a time: %+v, left%s", most, report, f.text(b))
		}
	}
}

// spec: LC6-2
func TestMFADeleteIsPassedOver(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, noncurrentDays(5))
	f.put(b, "key", 20)
	f.put(b, "key", 10)
	b.mfa = true
	if report := mustRun(t, f.expirer(t, 10), RunRequest{Bucket: "bucket"}); !report.MFADelete || f.removes != 0 {
		t.Errorf("%+v, %d calls", report, f.removes)
	}
	b.mfa = false
	f.before = func(int) { b.mfa = true }
	if report := mustRun(t, f.expirer(t, 10), RunRequest{Bucket: "bucket"}); !report.MFADelete || len(b.keys["key"]) != 2 {
		t.Errorf("enabled under the run: %+v", report)
	}
}

func TestRunIsRefused(t *testing.T) {
	f := newFake()
	f.bucket("without", versioning.Enabled)
	b := f.bucket("bucket", versioning.Enabled, expireDays(5))
	f.put(b, "key", 10)
	x := f.expirer(t, 10)
	ctx, tomorrow := context.Background(), f.clock.Now().Add(day)
	if _, err := x.Run(ctx, RunRequest{Bucket: "bucket", At: tomorrow}); !errors.Is(err, ErrFuture) {
		t.Errorf("tomorrow: %v", err)
	}
	if _, err := x.Run(ctx, RunRequest{Bucket: "none"}); !errors.Is(err, ErrNoBucket) {
		t.Errorf("no bucket: %v", err)
	}
	if report, err := x.Run(ctx, RunRequest{Bucket: "without"}); err != nil || report.Scanned != 0 || f.pages != 0 {
		t.Errorf("no rules: %+v, %v, %d pages", report, err, f.pages)
	}
	stop := errors.New("enough")
	if _, err := x.Run(ctx, RunRequest{Bucket: "bucket", DryRun: true, Each: func(*Action) error { return stop }}); err != stop {
		t.Errorf("stopped: %v", err)
	}
	x.Close()
	if _, err := x.Run(ctx, RunRequest{Bucket: "bucket"}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A rule that is lengthened or removed saves what it has not come to yet.
func TestRulesChangeUnderTheRun(t *testing.T) {
	for _, rules := range []*Config{nil, {Rules: []Rule{expireDays(50)}}} {
		f := newFake()
		b := f.bucket("bucket", versioning.Unversioned, expireDays(5))
		for i := range 9 {
			f.put(b, fmt.Sprint("key", i), 10, asNull)
		}
		f.before = func(call int) {
			if call == 1 {
				b.config = rules
			}
		}
		if _, err := f.expirer(t, 3).Run(context.Background(), RunRequest{Bucket: "bucket"}); !errors.Is(err, ErrRulesChanged) {
			t.Errorf("%v", err)
		}
		if len(b.keys) == 0 || len(b.keys) == 9 {
			t.Errorf("left%s", f.text(b))
		}
	}
}

func TestPrefixOfRun(t *testing.T) {
	f := newFake()
	rule := func(prefix string) Rule {
		return Rule{ID: prefix, Enabled: true, Expiration: &Expiration{Days: 1}, AbortDays: 1, Filter: Filter{Prefix: prefix}}
	}
	b := f.bucket("bucket", versioning.Unversioned, rule("a/"), rule("b"))
	for _, key := range []string{"a/1", "a/2/1", "a/2/2", "b1", "c"} {
		f.put(b, key, 10, asNull)
		b.uploads = append(b.uploads, Upload{Key: key, ID: "of " + key, Initiated: f.clock.Now().AddDate(0, 0, -10)})
	}
	x := f.expirer(t, 10)
	for prefix, want := range map[string]int64{"": 4, "a": 3, "a/": 3, "a/2": 2, "a/2/2": 1, "a/3": 0, "b1": 1, "c": 0} {
		report := mustRun(t, x, RunRequest{Bucket: "bucket", Prefix: prefix, DryRun: true})
		if report.Scanned != 2*want {
			t.Errorf("prefix %q: %+v, want %d entries and as many uploads", prefix, report, want)
		}
	}
}
