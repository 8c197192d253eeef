package upkeep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// aged is a store in memory whose clock may be set, and its expirer.
type aged struct {
	*store.Store
	t       *testing.T
	expirer *lifecycle.Expirer
}

func newAged(t *testing.T, change func(*store.Options)) *aged {
	t.Helper()
	o := store.Options{
		Memory: true, TestFolder: true, MinFree: -1, MinPartSize: 1, MemTableSize: 4 << 20, CacheSize: 4 << 20,
		Clock: clock.NewManual(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)),
	}
	if change != nil {
		change(&o)
	}
	st, err := store.Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	a := &aged{Store: st, t: t, expirer: NewExpirer(st, lifecycle.ExpirerOptions{})}
	t.Cleanup(func() {
		a.expirer.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func (a *aged) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// bucket makes a bucket with rules.
func (a *aged) bucket(name string, state versioning.State, lock bool, rules ...string) {
	a.t.Helper()
	_, err := a.CreateBucket(a.t.Context(), store.BucketSpec{Name: name, ObjectLock: lock})
	a.must(err)
	if state != versioning.Unversioned && !lock {
		a.must(a.SetVersioning(a.t.Context(), name, store.VersioningChange{State: state}))
	}
	if len(rules) > 0 {
		a.rules(name, rules...)
	}
}

// rules replaces the rules of a bucket by those with this inside, in XML.
func (a *aged) rules(bucket string, inside ...string) {
	a.t.Helper()
	var text strings.Builder
	for i, rule := range inside {
		if !strings.Contains(rule, "<Filter>") {
			rule += "<Filter></Filter>"
		}
		fmt.Fprintf(&text, "<Rule><ID>rule-%d</ID><Status>Enabled</Status>%s</Rule>", i, rule)
	}
	c, err := lifecycle.ParseXML([]byte("<LifecycleConfiguration>"+text.String()+"</LifecycleConfiguration>"), func() string { return "id" })
	a.must(err)
	a.must(a.SetConfig(a.t.Context(), bucket, store.ConfigLifecycle, c.Encode(), store.Maker{}))
}

func (a *aged) put(bucket, key string, change ...func(*store.PutRequest)) {
	a.t.Helper()
	r := store.PutRequest{Bucket: bucket, Key: key, Body: strings.NewReader("0123456789"), Size: 10}
	for _, c := range change {
		c(&r)
	}
	_, err := a.Put(a.t.Context(), r)
	a.must(err)
}

// set sets object time.
func (a *aged) set(at time.Time) error {
	return a.SetTestClock(context.Background(), store.TestClock{Frozen: true, At: at}, store.Maker{})
}

// days lets so many days go by.
func (a *aged) days(n int) {
	a.t.Helper()
	a.must(a.set(a.ObjectTime().AddDate(0, 0, n)))
}

// settle lets so many days go by and does at each instant what is due, and returns it.
func (a *aged) settle(days int) (steps []string) {
	a.t.Helper()
	start := a.ObjectTime()
	_, err := a.expirer.Settle(a.t.Context(), start.AddDate(0, 0, days), a.set, func(x *lifecycle.Action) error {
		steps = append(steps, fmt.Sprintf("%s %s%s %s", a.ObjectTime().Sub(start).Round(time.Second), x.Key, x.Upload, x.Kind))
		return x.Err
	})
	a.must(err)
	return steps
}

func (a *aged) run(r lifecycle.RunRequest) lifecycle.Report {
	a.t.Helper()
	report, err := a.expirer.Run(a.t.Context(), r)
	a.must(err)
	return report
}

// entries returns how many entries a bucket has.
func (a *aged) entries(bucket string) int64 {
	a.t.Helper()
	n, err := a.Statistics(a.t.Context(), bucket)
	a.must(err)
	return n.Objects + n.Noncurrent + n.DeleteMarkers
}

const (
	expire3    = "<Expiration><Days>3</Days></Expiration>"
	noncurrent = "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
	loneMarker = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
	abort      = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
)

// The whole life of an object, and the ledger tells the rule of each end.
//
// spec: LC4-7, LC4-11, LC4-5
func TestLifeOfAnObject(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Enabled, false, expire3, noncurrent, loneMarker)
	a.put("bucket", "key")
	want := []string{"86h0m0s key ExpireCurrent", "134h0m0s key RemoveNoncurrent", "134h0m0s key RemoveMarker"}
	if steps := a.settle(30); !slices.Equal(steps, want) || a.entries("bucket") != 0 {
		t.Errorf("steps %q\nwant %q, %d entries are left", steps, want, a.entries("bucket"))
	}
	var told []string
	a.must(a.Ledger(t.Context(), store.LedgerQuery{Key: "key"}, func(e store.LedgerEntry) error {
		told = append(told, fmt.Sprint(e.Change, " ", e.Made.Operation, " ", e.Made.Cause, " ", e.Made.CauseID))
		return nil
	}))
	want = []string{"marker-added Lifecycle rule rule-0", "version-removed Lifecycle rule rule-1", "marker-removed Lifecycle rule rule-2"}
	if !slices.Equal(told, want) {
		t.Errorf("the ledger tells %q\nwant %q", told, want)
	}
}

// In a suspended bucket the null marker takes the place of the null entry, and goes in
// the same commit if it is alone.
//
// spec: LC4-7, LC4-9
func TestSuspendedBucket(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Enabled, false, expire3, loneMarker)
	a.put("bucket", "both")
	a.must(a.SetVersioning(t.Context(), "bucket", store.VersioningChange{State: versioning.Suspended}))
	a.put("bucket", "both")
	a.put("bucket", "null")
	a.must(a.SetVersioning(t.Context(), "bucket", store.VersioningChange{State: versioning.Enabled}))
	a.put("bucket", "both")
	a.must(a.SetVersioning(t.Context(), "bucket", store.VersioningChange{State: versioning.Suspended}))
	a.days(5)
	var told []string
	report := a.run(lifecycle.RunRequest{Bucket: "bucket", Each: func(x *lifecycle.Action) error {
		told = append(told, fmt.Sprint(x.Key, " ", x.Kind, " ", x.Order == 0, " ", x.ID.IsNull(), " ", x.Size))
		return x.Err
	}})
	want := []string{"both ExpireCurrent false false 10", "both ExpireCurrent false true 10", "null ExpireCurrent false true 10", "null RemoveMarker true true 0"}
	if !slices.Equal(told, want) || report.Changed != 0 || a.entries("bucket") != 3 {
		t.Errorf("told %q\nwant %q, %d entries", told, want, a.entries("bucket"))
	}
}

// More than a page and more than a batch, of one key and of many.
func TestManyVersions(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Enabled, false, expire3, noncurrent)
	for i := range 2500 {
		a.put("bucket", "long")
		if i < 1500 {
			a.put("bucket", fmt.Sprintf("many/%04d", i))
		}
	}
	a.days(3)
	preview := a.run(lifecycle.RunRequest{Bucket: "bucket", DryRun: true})
	report := a.run(lifecycle.RunRequest{Bucket: "bucket"})
	if report.Changed+report.Failed > 0 || !slices.Equal(report.Rules, preview.Rules) || a.entries("bucket") != 1501 {
		t.Errorf("%+v\npreview %+v\n%d entries", report, preview, a.entries("bucket"))
	}
	a.days(1)
	if report = a.run(lifecycle.RunRequest{Bucket: "bucket"}); a.entries("bucket") != 2*1501 {
		t.Errorf("%+v, %d entries", report, a.entries("bucket"))
	}
	if again := a.run(lifecycle.RunRequest{Bucket: "bucket"}); len(again.Rules) > 0 {
		t.Errorf("the second run did %+v", again)
	}
}

// spec: LC6-1
func TestLockHoldsUntilItEnds(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Enabled, true, expire3, noncurrent)
	end := a.ObjectTime().AddDate(7, 0, 0)
	a.put("bucket", "key", func(r *store.PutRequest) {
		r.Lock = versioning.Lock{Mode: versioning.Compliance, Until: end}
	})
	want := []string{"86h0m0s key ExpireCurrent", fmt.Sprint(end.Sub(a.ObjectTime())) + " key RemoveNoncurrent"}
	if steps := a.settle(8 * 365); !slices.Equal(steps[:2], want) {
		t.Errorf("steps %q\nwant %q", steps, want)
	}
}

// spec: LC4-4, LC6-4
func TestUploadsAreAborted(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Unversioned, false, abort+"<Filter><Prefix>a</Prefix></Filter>")
	for _, key := range []string{"a1", "a2", "b"} {
		u, err := a.CreateUpload(t.Context(), store.UploadRequest{Bucket: "bucket", Key: key})
		a.must(err)
		for n := 1; n <= 3; n++ {
			_, err = a.PutPart(t.Context(), store.PartRequest{
				Upload: store.UploadName{Bucket: "bucket", Key: key, ID: u.ID}, Number: n, Body: strings.NewReader("12345"), Size: 5,
			})
			a.must(err)
		}
	}
	a.days(2)
	report := a.run(lifecycle.RunRequest{Bucket: "bucket"})
	if len(report.Rules) != 1 || report.Rules[0] != (lifecycle.RuleTotals{Rule: "rule-0", Kind: lifecycle.AbortUpload, Count: 2, Bytes: 30}) {
		t.Errorf("%+v", report)
	}
	if n, err := a.Statistics(t.Context(), "bucket"); err != nil || n.Uploads != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}

// spec: LC6-2, LC4-21
func TestWhatStopsRules(t *testing.T) {
	a := newAged(t, nil)
	ctx := t.Context()
	a.bucket("bucket", versioning.Unversioned, false)
	if report := a.run(lifecycle.RunRequest{Bucket: "bucket"}); report.Scanned != 0 {
		t.Errorf("without rules: %+v", report)
	}
	if _, err := a.expirer.Run(ctx, lifecycle.RunRequest{Bucket: "none"}); !errors.Is(err, lifecycle.ErrNoBucket) || !errors.Is(err, store.ErrNoSuchBucket) {
		t.Errorf("no bucket: %v", err)
	}
	if len(meanings) == 0 || told(nil) != nil {
		t.Error("no error has a meaning")
	}
	for _, m := range meanings {
		if err := told(&store.Error{Op: "remove", Err: m.store}); !errors.Is(err, m.lifecycle) || !errors.Is(err, m.store) {
			t.Errorf("%v is told as %v", m.store, err)
		}
	}
}

// Versions are written and deleted while rules are run: nothing that is current goes,
// and what is due goes in the end.
func TestRunsBesideWriters(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Enabled, false, noncurrent, loneMarker)
	for i := range 600 {
		a.put("bucket", fmt.Sprint("key", i%20))
	}
	a.days(4)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for w := range 2 {
		random := rand.New(rand.NewPCG(seed, uint64(w)))
		all.Go(func() {
			for range 150 {
				key := fmt.Sprint("key", random.IntN(20))
				if _, err := a.Put(ctx, store.PutRequest{Bucket: "bucket", Key: key, Body: strings.NewReader("x"), Size: 1}); err != nil {
					t.Error(err)
				}
				if _, err := a.Delete(ctx, "bucket", store.DeleteRequest{Key: key}); err != nil && random.IntN(2) == 0 {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		a.run(lifecycle.RunRequest{Bucket: "bucket"})
	}
	all.Wait()
	cancel()
	for i := range 20 {
		a.put("bucket", fmt.Sprint("key", i))
	}
	a.days(4)
	if report := a.run(lifecycle.RunRequest{Bucket: "bucket"}); report.Changed+report.Failed > 0 {
		t.Errorf("%+v", report)
	}
	n, err := a.Statistics(t.Context(), "bucket")
	a.must(err)
	if n.Noncurrent != 0 || n.DeleteMarkers != 0 || n.Objects != 20 {
		t.Errorf("left %+v", n)
	}
	if checked, err := a.Check(t.Context()); err != nil || len(checked.Problems) > 0 {
		t.Errorf("check: %+v, %v", checked, err)
	}
}

// The progress of a pass that is cut is a row of the store, which the next one takes up
// and removes.
func TestProgressIsKeptInTheStore(t *testing.T) {
	a := newAged(t, nil)
	r := &rules{store: a.Store}
	ctx := t.Context()
	a.must(r.Keep(ctx, "lifecycle/17", []byte("{}")))
	a.must(a.KeepJob(ctx, "job/1", []byte("of others")))
	kept, err := r.Kept(ctx)
	if err != nil || len(kept) != 1 || string(kept["lifecycle/17"]) != "{}" {
		t.Errorf("kept %q, %v", kept, err)
	}
	a.must(r.Drop(ctx, "lifecycle/17"))
	if kept, err = r.Kept(ctx); err != nil || len(kept) != 0 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// cutRules are rules whose run is cut behind so many removals.
type cutRules struct {
	*rules
	left int
	cut  func()
}

func (c *cutRules) Remove(ctx context.Context, bucket string, config *lifecycle.Config, rs []lifecycle.Removal) ([]error, error) {
	if c.left--; c.left < 0 {
		c.cut()
	}
	return c.rules.Remove(ctx, bucket, config, rs)
}

// A run that is cut behind any commit, and begun anew, ends where an undisturbed one
// does.
func TestRunCutAnywhere(t *testing.T) {
	want := ""
	for left := 1000; left != 0; left-- {
		if left == 999 {
			left = 40 // more than there are
		}
		a := newAged(t, nil)
		a.bucket("bucket", versioning.Enabled, false, expire3, noncurrent, loneMarker)
		for i := range 30 {
			a.put("bucket", fmt.Sprint("key", i%7))
		}
		_, err := a.Delete(t.Context(), "bucket", store.DeleteRequest{Key: "gone"})
		a.must(err)
		a.days(5)
		ctx, cancel := context.WithCancel(t.Context())
		cut := &cutRules{rules: &rules{store: a.Store}, left: left, cut: cancel}
		x := lifecycle.NewExpirer(lifecycle.ExpirerOptions{
			Store: cut, Buckets: cut, Progress: cut, Now: a.ObjectTime, LockTime: a.LockTime, Rate: 2,
			Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		})
		if _, err := x.Run(ctx, lifecycle.RunRequest{Bucket: "bucket"}); (err == nil) != (cut.left >= 0) {
			t.Fatalf("cut behind %d: %v", left, err)
		}
		x.Close()
		cancel()
		a.run(lifecycle.RunRequest{Bucket: "bucket"})
		n, err := a.Statistics(t.Context(), "bucket")
		a.must(err)
		if got := fmt.Sprintf("%+v", n); want == "" {
			want = got
		} else if got != want {
			t.Fatalf("cut behind %d: %s\nwant %s", left, got, want)
		}
	}
}

// BenchmarkExpire removes noncurrent versions of small objects, b.N of them.
func BenchmarkExpire(b *testing.B) {
	now := clock.NewManual(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC))
	st, err := store.Open(b.TempDir(), store.Options{Clock: now, Durability: store.Relaxed})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	ctx := b.Context()
	_, err = st.CreateBucket(ctx, store.BucketSpec{Name: "bucket", ObjectLock: true})
	for i := 0; err == nil && i < 2*b.N; i++ {
		key := fmt.Sprintf("some/key-%09d", i/2)
		_, err = st.Put(ctx, store.PutRequest{Bucket: "bucket", Key: key, Body: strings.NewReader(key), Size: int64(len(key))})
	}
	c := &lifecycle.Config{Rules: []lifecycle.Rule{{ID: "old", Enabled: true, Noncurrent: &lifecycle.NoncurrentExpiration{Days: 1}}}}
	if err == nil {
		err = st.SetConfig(ctx, "bucket", store.ConfigLifecycle, c.Encode(), store.Maker{})
	}
	if err != nil {
		b.Fatal(err)
	}
	now.Advance(72 * time.Hour)
	x := NewExpirer(st, lifecycle.ExpirerOptions{})
	defer x.Close()
	b.ReportAllocs()
	b.ResetTimer()
	report, err := x.Run(ctx, lifecycle.RunRequest{Bucket: "bucket"})
	b.StopTimer()
	if err != nil || len(report.Rules) != 1 || report.Rules[0].Count != int64(b.N) {
		b.Fatalf("%+v, %v", report, err)
	}
}
