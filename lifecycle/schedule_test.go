package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/versioning"
)

func TestScheduleOfPasses(t *testing.T) {
	c := clock.NewManual(time.Date(2024, 1, 1, 22, 30, 0, 0, time.UTC))
	s := schedule{interval: time.Hour}
	s.begin(c.Now(), c.Elapsed())
	for _, step := range []struct {
		what string
		pass time.Duration // that goes by
		set  time.Duration // that the clock is set besides
		want time.Duration
	}{
		{"just begun", 0, 0, time.Hour},
		{"half an hour on", 30 * time.Minute, 0, 30 * time.Minute},
		{"the interval is over", 30 * time.Minute, 0, 0},
		{"shortly before midnight", 30 * time.Minute, 0, 0},
		{"the clock is set back to yesterday", 0, -24 * time.Hour, 0},
	} {
		c.Advance(step.pass)
		c.Set(c.Now().Add(step.set))
		if got := s.wait(c.Now(), c.Elapsed()); got != step.want {
			t.Errorf("%s: wait %s, want %s", step.what, got, step.want)
		}
	}
	c = clock.NewManual(time.Date(2024, 1, 1, 23, 40, 0, 0, time.UTC))
	s.begin(c.Now(), c.Elapsed())
	if got := s.wait(c.Now(), c.Elapsed()); got != 20*time.Minute {
		t.Errorf("before midnight: wait %s", got)
	}
	c.Advance(20 * time.Minute)
	if got := s.wait(c.Now(), c.Elapsed()); got != 0 {
		t.Errorf("at midnight: wait %s", got)
	}
	s.begin(c.Now(), c.Elapsed())
	c.Set(c.Now().AddDate(0, 0, 3))
	if got := s.wait(c.Now(), c.Elapsed()); got != 0 {
		t.Errorf("the clock is set forward: wait %s", got)
	}
}

// The background passes over a bucket when the rate, the interval and midnight say so,
// and a bucket without rules costs nothing.
func TestSweepsGoByTheClock(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Unversioned, expireDays(3))
	f.bucket("without", versioning.Unversioned)
	f.put(b, "key", 0, asNull)
	start := f.clock.Now()
	ctx, cancel := context.WithCancel(context.Background())
	var passes []time.Duration
	x := f.expirer(t, 10, func(o *ExpirerOptions) {
		o.Interval = 10 * time.Hour
		wait := o.Wait
		o.Wait = func(ctx context.Context, d time.Duration) error {
			if d <= 0 || d > glance {
				t.Errorf("waits for %s", d)
			}
			if f.pages > len(passes) {
				passes = append(passes, f.clock.Now().Sub(start))
			}
			if len(b.keys) == 0 {
				cancel()
			}
			return wait(ctx, d)
		}
	})
	x.sweeps(ctx)
	var want []time.Duration
	for _, hours := range []int{0, 10, 20, 24, 34, 44, 48, 58, 68, 72} {
		want = append(want, time.Duration(hours)*time.Hour)
	}
	if !slices.Equal(passes, want) {
		t.Errorf("passes after %v\nwant %v", passes, want)
	}
	m := x.Metrics()
	if m.Scanned != 10 || len(m.Expired) != 1 || m.Expired[0] != (Expired{"bucket", "rule", ExpireCurrent, 1, 10}) || !m.LastFull.Equal(start.Add(72*time.Hour)) {
		t.Errorf("%+v", m)
	}
}

// No more than the rate goes in any time from the start on.
func TestRateIsKept(t *testing.T) {
	for _, rate := range []int{1, 7, 100, 5000} {
		f := newFake()
		b := f.bucket("bucket", versioning.Enabled, noncurrentDays(1))
		for i := range 60 {
			for range 1 + i%9 {
				f.put(b, fmt.Sprintf("key%02d", i), 10)
			}
		}
		removed := 0
		x := f.expirer(t, 50, func(o *ExpirerOptions) { o.Rate = rate })
		report := mustRun(t, x, RunRequest{Bucket: "bucket", Each: func(*Action) error {
			removed++
			if most := f.clock.Elapsed().Seconds() * float64(rate); float64(removed) > most+1e-6*float64(rate) {
				t.Fatalf("rate %d: %d removed after %s", rate, removed, f.clock.Elapsed())
			}
			return nil
		}})
		if removed == 0 || report.Changed > 0 || f.largest > rate {
			t.Errorf("rate %d: %+v, up to %d at once", rate, report, f.largest)
		}
		if least := time.Duration(removed) * time.Second / time.Duration(rate); f.clock.Elapsed() > least+time.Second {
			t.Errorf("rate %d: %d took %s", rate, removed, f.clock.Elapsed())
		}
	}
}

// A bucket that fails, and one that is deleted meanwhile, keep no other back.
func TestFailingBucketsKeepNobodyBack(t *testing.T) {
	f := newFake()
	for _, name := range []string{"a-gone", "b-fails", "c-mfa", "d-good"} {
		b := f.bucket(name, versioning.Unversioned, expireDays(3))
		f.put(b, "key", 10, asNull)
	}
	f.buckets["b-fails"].fails = errors.New("the disk is gone")
	f.buckets["c-mfa"].mfa = true
	f.before = func(call int) {
		if call == 0 {
			delete(f.buckets, "a-gone")
		}
	}
	x := f.expirer(t, 10)
	x.sweep(context.Background(), 1)
	if len(f.buckets["d-good"].keys) != 0 || len(f.buckets["c-mfa"].keys) != 1 {
		t.Error("the wrong buckets were worked on")
	}
	if m := x.Metrics(); m.Failed != 1 || m.LastFull.IsZero() || m.Running != 0 {
		t.Errorf("%+v", m)
	}
}

// Work that is due counts before a pass has come to it.
func TestLagCountsWhatWaits(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Unversioned, expireDays(3))
	f.put(b, "key", 1, asNull)
	x := f.expirer(t, 10)
	x.sweep(context.Background(), 1)
	if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 0 || !s.NextDue.Equal(f.clock.Now().AddDate(0, 0, 2)) || !s.OldestDue.IsZero() {
		t.Errorf("two days before: %+v, %+v", m, s)
	}
	f.clock.Advance(50 * time.Hour)
	if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 2*time.Hour || !s.OldestDue.Equal(f.clock.Now().Add(-2*time.Hour)) {
		t.Errorf("two hours after: %+v, %+v", m, s)
	}
	f.before = func(int) {
		if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 2*time.Hour || m.Running != 1 || !s.Running {
			t.Errorf("in the pass: %+v, %+v", m, s)
		}
	}
	x.sweep(context.Background(), 2)
	if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 0 || s.Last.Rules[0].Count != 1 || !s.Finished.Equal(f.clock.Now()) || s.Running {
		t.Errorf("done: %+v, %+v", m, s)
	}
	f.put(b, "key", 0, asNull)
	x.sweep(context.Background(), 3)
	f.clock.Advance(96 * time.Hour)
	if m := x.Metrics(); m.Lag == 0 {
		t.Errorf("another one waits: %+v", m)
	}
	b.config = nil
	if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 0 || !s.Finished.IsZero() {
		t.Errorf("without rules: %+v, %+v", m, s)
	}
	delete(f.buckets, "bucket")
	x.sweep(context.Background(), 4)
	if m, s := x.Metrics(), x.Status("bucket"); m.Lag != 0 || !s.Finished.IsZero() || len(x.watched) != 0 {
		t.Errorf("of a bucket that is gone: %+v, %+v", m, s)
	}
}

// What was kept of a pass serves on the same day and with the same rules.
func TestProgressIsTakenUp(t *testing.T) {
	c := &Config{Rules: []Rule{expireDays(3)}}
	now := newFake().clock.Now()
	for _, test := range []struct {
		what string
		kept progress
		from string
	}{
		{"the same", progress{now.Add(-time.Nanosecond).Add(time.Nanosecond), digest(c), "k5"}, "k5"},
		{"of yesterday", progress{now.Add(-time.Hour), digest(c), "k5"}, ""},
		{"of tomorrow", progress{now.Add(time.Hour), digest(c), "k5"}, ""},
		{"of other rules", progress{now, digest(&Config{Rules: []Rule{expireDays(4)}}), "k5"}, ""},
	} {
		f := newFake()
		b := f.bucket("bucket", versioning.Unversioned)
		b.config = c
		x := f.expirer(t, 10)
		x.cut[b.ID] = test.kept
		if got := x.resume(x.newPass(b.Bucket, c)); got != test.from {
			t.Errorf("%s: from %q, want %q", test.what, got, test.from)
		}
		for i := range 10 {
			f.put(b, fmt.Sprint("k", i), 10, asNull)
		}
		x.sweep(context.Background(), 1)
		if left := len(b.keys); (left == 5) != (test.from != "") {
			t.Errorf("%s: %d keys are left", test.what, left)
		}
		if len(x.cut) > 0 {
			t.Errorf("%s: kept %v", test.what, x.cut)
		}
	}
}

// Progress of a bucket that is gone, or has no rules any more, goes with the next pass.
func TestProgressOfNobodyGoes(t *testing.T) {
	f := newFake()
	b := f.bucket("without", versioning.Unversioned)
	f.kept[progressName(b.ID)], f.kept[progressName(999)] = []byte(`{"from":"k"}`), []byte("not JSON")
	x := f.expirer(t, 10)
	x.loadProgress(context.Background())
	x.sweep(context.Background(), 1)
	if len(f.kept) > 0 || f.pages > 0 {
		t.Errorf("kept %q, %d pages", f.kept, f.pages)
	}
}

// A change of rules while a pass is under way makes it begin anew with the new ones.
func TestChangedRulesAreLookedAtSoon(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Unversioned, expireDays(30))
	for i := range 20 {
		f.put(b, fmt.Sprintf("k%02d", i), i, asNull)
	}
	done := make(chan struct{})
	var once sync.Once
	x := f.expirer(t, 5, func(o *ExpirerOptions) {
		o.Wait = func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done() // real time stands still
			return ctx.Err()
		}
	})
	f.before = func(int) { once.Do(func() { close(done) }) }
	x.Start()
	f.mu.Lock()
	b.config = &Config{Rules: []Rule{expireDays(10)}}
	f.mu.Unlock()
	x.Changed("bucket")
	<-done
	for m := x.Metrics(); len(m.Expired) == 0 || m.Expired[0].Count < 10; m = x.Metrics() {
		if _, err := x.Run(context.Background(), RunRequest{Bucket: "bucket", DryRun: true}); err != nil {
			t.Fatal(err)
		}
	}
	x.Close()
	if len(b.keys) != 10 {
		t.Errorf("%d keys are left", len(b.keys))
	}
}

// Passes, runs and settling at a time do what one of them would do, and Close ends all.
func TestSeveralAtATime(t *testing.T) {
	f := newFake()
	buckets := []*fakeBucket{f.bucket("a", versioning.Enabled, noncurrentDays(1)), f.bucket("b", versioning.Enabled, noncurrentDays(1))}
	for _, b := range buckets {
		for i := range 200 {
			f.put(b, fmt.Sprint("key", i%30), 10)
		}
	}
	x := f.expirer(t, 7)
	x.Start()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := buckets[i%2].Name
			x.Changed(name)
			if _, err := x.Run(context.Background(), RunRequest{Bucket: name, DryRun: i < 2}); err != nil {
				t.Error(err)
			}
			if _, err := x.Settle(context.Background(), f.clock.Now(), func(time.Time) error { return nil }, nil); err != nil {
				t.Error(err)
			}
			x.Metrics()
		})
	}
	all.Wait()
	x.Close()
	for _, b := range buckets {
		if len(b.all()) != 30 {
			t.Errorf("%s has %d entries", b.Name, len(b.all()))
		}
	}
	if m := x.Metrics(); m.Failed+m.Changed > 0 || m.Running != 0 {
		t.Errorf("%+v", m)
	}
	x.Start() // does nothing after Close
	x.Close()
}

// A clock that is set back leaves less due: the pass begins anew.
func TestClockIsSetBackUnderThePass(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Unversioned, expireDays(3))
	for i := range 9 {
		f.put(b, fmt.Sprint("key", i), 3, asNull)
	}
	f.before = func(call int) {
		if call == 1 {
			f.clock.Advance(-24 * time.Hour)
		}
	}
	x := f.expirer(t, 3)
	x.sweep(context.Background(), 1)
	if left := len(b.keys); left == 0 || left == 9 || x.Metrics().Failed > 0 {
		t.Errorf("%d keys are left, %+v", left, x.Metrics())
	}
}
