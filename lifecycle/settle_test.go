package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// settle settles until so many days from now, and returns when something was done.
func settle(t *testing.T, f *fake, x *Expirer, days int) (steps []string, report Report) {
	t.Helper()
	start := f.clock.Now()
	report, err := x.Settle(context.Background(), start.AddDate(0, 0, days), func(at time.Time) error {
		if !at.After(f.clock.Now()) {
			t.Errorf("the clock is set from %s to %s", f.clock.Now(), at)
		}
		f.clock.Set(at)
		return nil
	}, func(a *Action) error {
		steps = append(steps, fmt.Sprintf("%s %s %s", f.clock.Now().Sub(start), a.Key+a.Upload, a.Kind))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps, report
}

// What is due because of what was done before is done when it is due: the object gets a
// marker, then goes, then the marker is alone.
func TestSettleGoesFromDueToDue(t *testing.T) {
	f := newFake()
	rule := oneRule(func(r *Rule) {
		r.Expiration, r.Noncurrent, r.AbortDays = &Expiration{Days: 2}, &NoncurrentExpiration{Days: 3}, 4
	})
	b := f.bucket("bucket", versioning.Enabled, rule)
	f.put(b, "key", 0)
	other := f.bucket("other", versioning.Unversioned, expireDays(1))
	f.put(other, "late", -20, asNull)
	f.bucket("without", versioning.Enabled)
	b.uploads = []Upload{{Key: "u", ID: "1", Initiated: f.clock.Now()}}
	x := f.expirer(t, 10)
	steps, report := settle(t, f, x, 10)
	want := []string{"48h0m0s key ExpireCurrent", "96h0m0s u1 AbortUpload", "120h0m0s key RemoveNoncurrent", "120h0m0s key RemoveMarker"}
	if !reflect.DeepEqual(steps, want) {
		t.Errorf("steps %q\nwant %q", steps, want)
	}
	if got := f.text(b); got != "" || len(other.keys) != 1 || !report.NextDue.Equal(f.clock.Now().AddDate(0, 0, 11)) {
		t.Errorf("%+v, left%s", report, got)
	}
}

// A lock that ends lets go what was due, at that instant.
//
// spec: LC6-1
func TestSettleWaitsForLocks(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Enabled, noncurrentDays(1))
	start := f.clock.Now()
	f.put(b, "key", 5, until(start.AddDate(7, 0, 0).Add(time.Hour)))
	f.put(b, "key", 4, until(start.Add(30*time.Hour)))
	f.put(b, "key", 3, func(e *Entry) { e.Lock.Hold = versioning.HoldOn })
	f.put(b, "key", 2)
	steps, report := settle(t, f, f.expirer(t, 10), 8*365)
	want := []string{"30h0m0s key RemoveNoncurrent", fmt.Sprintf("%s key RemoveNoncurrent", start.AddDate(7, 0, 0).Add(time.Hour).Sub(start))}
	if !reflect.DeepEqual(steps, want) || f.text(b) != "\nkey: v6 v5" {
		t.Errorf("steps %q\nwant %q\n%+v, left%s", steps, want, report, f.text(b))
	}
}

// Settling in one step comes to the same as in many, and leaves nothing due.
func TestSettleOfRandomBuckets(t *testing.T) {
	random := passRandom(t)
	for round := range 300 {
		one := newFake()
		randomBucket(one, random, "bucket")
		many := one.copied()
		days := random.IntN(25)
		x, y := one.expirer(t, 1+random.IntN(9)), many.expirer(t, maxBatch)
		settle(t, one, x, days)
		for range days {
			settle(t, many, y, 1)
		}
		settle(t, many, y, 0)
		if a, b := one.text(one.buckets["bucket"]), many.text(many.buckets["bucket"]); a != b {
			t.Fatalf("round %d, %d days: at once%s\nday by day%s", round, days, a, b)
		}
		if left := mustRun(t, x, RunRequest{Bucket: "bucket", DryRun: true}); left.done() {
			t.Fatalf("round %d: %+v is left", round, left)
		}
	}
}

func TestSettleEndsWhereItFails(t *testing.T) {
	f := newFake()
	b := f.bucket("bucket", versioning.Unversioned, expireDays(1))
	f.put(b, "key", 0, asNull)
	f.bucket("fails", versioning.Unversioned, expireDays(1)).fails = errors.New("the disk is gone")
	x := f.expirer(t, 10)
	ctx, until := context.Background(), f.clock.Now().AddDate(0, 0, 3)
	stop := errors.New("stop")
	if _, err := x.Settle(ctx, until, func(time.Time) error { return stop }, nil); err != stop {
		t.Errorf("the clock cannot be set: %v", err)
	}
	if _, err := x.Settle(ctx, until, func(time.Time) error { return nil }, nil); err == nil {
		t.Error("the clock does not follow, and nobody says so")
	}
	set := func(at time.Time) error { f.clock.Set(at); return nil }
	if _, err := x.Settle(ctx, until, set, func(*Action) error { return stop }); err != stop {
		t.Errorf("nobody listens: %v", err)
	}
	f.put(b, "key", 10, asNull)
	if _, err := x.Settle(ctx, until, set, nil); !errors.Is(err, f.buckets["fails"].fails) || len(b.keys) != 0 {
		t.Errorf("%v, left%s", err, f.text(b))
	}
	x.Close()
	if _, err := x.Settle(ctx, until, set, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// At each of many instants only what is due then is read.
func TestSettleReadsWhatIsDue(t *testing.T) {
	f := newFake()
	var rules []Rule
	for i := range 100 {
		rules = append(rules, Rule{ID: fmt.Sprint(i), Enabled: true, Expiration: &Expiration{Days: i + 1}, Filter: Filter{Prefix: fmt.Sprintf("p%02d/", i)}})
	}
	b := f.bucket("bucket", versioning.Unversioned, rules...)
	for i := range 100 {
		f.put(b, fmt.Sprintf("p%02d/k", i), 0, asNull)
		f.put(b, fmt.Sprintf("p%02d/other", i), -500, asNull)
	}
	steps, report := settle(t, f, f.expirer(t, 10), 100)
	if len(steps) != 100 || len(b.keys) != 100 || report.NextDue.IsZero() {
		t.Errorf("%d steps, %+v, %d keys are left", len(steps), report, len(b.keys))
	}
	// All prefixes at the beginning and at the end, and twice a page of the key at each instant.
	if most := 100 + 100 + 2*100; f.pages > most {
		t.Errorf("%d pages were read, want %d", f.pages, most)
	}
}

// An agenda of more keys than are kept still knows when something is due.
func TestAgendaIsBounded(t *testing.T) {
	a, day1 := newAgenda(), newFake().clock.Now()
	for i := range maxAgenda + 10 {
		a.later(fmt.Sprint(i), day1.AddDate(0, 0, 1+i%7))
		a.later(fmt.Sprint(i), day1.AddDate(0, 0, 9))
	}
	if at := a.soonest(); !at.Equal(day1.AddDate(0, 0, 1)) || len(a.keys) > 0 {
		t.Errorf("soonest %s with %d keys", at, len(a.keys))
	}
	if _, _, whole := a.take(day1.AddDate(0, 0, 1)); !whole {
		t.Error("the whole bucket has to be looked at")
	}
}
