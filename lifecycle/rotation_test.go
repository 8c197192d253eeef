package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// watched removals are when what was removed, by bucket.
type removals struct {
	*fake
	at map[string][]time.Time
}

func (r *removals) Remove(ctx context.Context, bucket string, c *Config, rs []Removal) ([]error, error) {
	for range rs {
		r.at[bucket] = append(r.at[bucket], r.clock.Now())
	}
	return r.fake.Remove(ctx, bucket, c, rs)
}

// spreadFake returns buckets of which everything is due at the midnight that comes in an
// hour, and an expirer that spreads it over six.
func spreadFake(t *testing.T, buckets, keys, most int) (*removals, *Expirer) {
	f := newFake()
	f.clock.Set(f.clock.Now().Add(23 * time.Hour))
	for i := range buckets {
		b := f.bucket(fmt.Sprintf("bucket-%02d", i), versioning.Unversioned, expireDays(1))
		for k := range keys {
			f.put(b, fmt.Sprintf("key%04d", k), 0, asNull, func(e *Entry) { e.LastModified = f.clock.Now().Add(-30 * time.Hour) })
		}
	}
	r := &removals{f, make(map[string][]time.Time)}
	return r, f.expirer(t, most, func(o *ExpirerOptions) { o.Store, o.Spread = r, 6*time.Hour })
}

// until lets the background work until a time.
func (r *removals) until(x *Expirer, at time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait := x.o.Wait
	defer func() { x.o.Wait = wait }()
	x.o.Wait = func(ctx context.Context, d time.Duration) error {
		if !r.clock.Now().Before(at) {
			cancel()
		}
		return wait(ctx, d)
	}
	x.sweeps(ctx)
}

// What is due at midnight begins at an instant of its bucket's own, and is done evenly
// until the end of the window.
func TestDayIsSpread(t *testing.T) {
	const buckets, keys = 12, 300
	r, x := spreadFake(t, buckets, keys, 12)
	midnight := r.clock.Now().Add(time.Hour)
	r.until(x, midnight.Add(7*time.Hour))
	begins := make(map[time.Time]bool)
	perHalf := make([]int, 12)
	for name, at := range r.at {
		first, last := at[0], at[len(at)-1]
		begins[first.Truncate(time.Minute)] = true
		if len(at) != keys || first.Before(midnight) || first.After(midnight.Add(3*time.Hour+glance)) || last.After(midnight.Add(6*time.Hour)) {
			t.Errorf("%s: %d removed from %s to %s", name, len(at), first, last)
		}
		if spread := last.Sub(first); spread < 2*time.Hour {
			t.Errorf("%s: all within %s", name, spread)
		}
		for _, when := range at {
			perHalf[when.Sub(midnight)/(30*time.Minute)]++
		}
	}
	if len(r.at) != buckets || len(begins) < buckets/2 {
		t.Errorf("%d buckets begin at %d instants", len(r.at), len(begins))
	}
	if most := slices.Max(perHalf); most > buckets*keys/5 {
		t.Errorf("by half hours %d", perHalf)
	}
}

// A window of which a part is over still ends when it ends, and the next days begin anew.
func TestSpreadAfterRestart(t *testing.T) {
	r, x := spreadFake(t, 1, 600, 20)
	midnight := r.clock.Now().Add(time.Hour)
	r.until(x, midnight.Add(4*time.Hour))
	done := len(r.at["bucket-00"])
	x.Close()
	x = r.expirer(t, 20, func(o *ExpirerOptions) { o.Store, o.Spread = r, 6*time.Hour })
	r.until(x, midnight.Add(5*time.Hour))
	later := len(r.at["bucket-00"])
	if done == 0 || done == 600 || later <= done || later == 600 {
		t.Errorf("%d and %d were removed by then", done, later)
	}
	r.until(x, midnight.Add(7*time.Hour))
	if at := r.at["bucket-00"]; len(at) != 600 || at[599].After(midnight.Add(6*time.Hour)) {
		t.Errorf("%d, the last at %s", len(at), at[len(at)-1])
	}
}

// Before its instant a bucket waits, which its status says, whatever passes of the interval
// come; a run, a change of rules and what settles a test clock do not wait.
func TestWhoDoesNotSpread(t *testing.T) {
	for what, do := range map[string]func(*removals, *Expirer) error{
		"nothing": func(*removals, *Expirer) error { return nil },
		"run": func(_ *removals, x *Expirer) error {
			_, err := x.Run(context.Background(), RunRequest{Bucket: "bucket-00"})
			return err
		},
		"settle": func(r *removals, x *Expirer) error {
			_, err := x.Settle(context.Background(), r.clock.Now(), func(time.Time) error { return nil }, nil)
			return err
		},
		"change": func(r *removals, x *Expirer) error {
			x.Changed("bucket-00")
			r.until(x, r.clock.Now())
			return nil
		},
	} {
		r, x := spreadFake(t, 1, 100, 20)
		x.started = true
		midnight := r.clock.Now().Add(time.Hour)
		begins, _ := (&schedule{spread: x.o.Spread}).window(Bucket{Name: "bucket-00"}, midnight)
		r.until(x, midnight.Add(5*time.Minute))
		if s := x.Status("bucket-00"); !s.NextPass.Equal(begins) || !s.Active || !s.OldestDue.Equal(midnight) {
			t.Errorf("%s: %+v; it begins at %s", what, s, begins)
		}
		if err := do(r, x); err != nil {
			t.Error(err)
		}
		if n := len(r.at["bucket-00"]); n != map[bool]int{true: 100}[what != "nothing"] {
			t.Errorf("%s: %d were removed", what, n)
		}
	}
}

// A bucket with much work does not keep the others waiting, nor does a key with a history
// of many slices, or uploads.
func TestBucketsTakeTurns(t *testing.T) {
	f := newFake()
	long := f.bucket("a-long", versioning.Enabled, noncurrentDays(1))
	huge := f.bucket("b-huge", versioning.Unversioned, expireDays(1))
	uploads := f.bucket("c-uploads", versioning.Unversioned, oneRule(func(r *Rule) { r.AbortDays = 1 }))
	for i := range 500 {
		f.put(long, "key", 10)
		f.put(huge, fmt.Sprintf("key%03d", i), 10, asNull)
		id := fmt.Sprintf("%03d", i)
		uploads.uploads = append(uploads.uploads, Upload{Key: "key", ID: id, Initiated: f.clock.Now().AddDate(0, 0, -10)})
	}
	small := make(map[string]*fakeBucket)
	for i := range 5 {
		b := f.bucket(fmt.Sprint("d-small-", i), versioning.Unversioned, expireDays(1))
		f.put(b, "key", 10, asNull)
		small[b.Name] = b
	}
	start := f.clock.Elapsed()
	f.before = func(int) {
		f.clock.Advance(time.Second)
		if f.clock.Elapsed()-start < 30*time.Second {
			return
		}
		for name, b := range small {
			if len(b.keys) > 0 {
				t.Errorf("%s is not done after %s", name, f.clock.Elapsed()-start)
				delete(small, name)
			}
		}
	}
	x := f.expirer(t, 5)
	x.sweep(context.Background(), 1)
	if len(long.keys["key"]) != 1 || len(huge.keys) > 0 || len(uploads.uploads) > 0 || f.clock.Elapsed()-start < 200*time.Second {
		t.Errorf("%d, %d and %d are left after %s", len(long.keys["key"]), len(huge.keys), len(uploads.uploads), f.clock.Elapsed()-start)
	}
	if m := x.Metrics(); m.Running != 0 || m.LastFull.IsZero() || m.Expired[0].Count != 499 || m.Expired[1].Count != 500 || m.Expired[2].Count != 500 {
		t.Errorf("%+v", m)
	}
	if len(f.kept) > 0 {
		t.Errorf("kept when all was done: %q", f.kept)
	}
}
