package upkeep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// anything permits everything.
type anything struct{ job *jobs.Job }

func (anything) Delete(key string, id versioning.ID) (store.DeleteRequest, error) {
	return store.DeleteRequest{Key: key, ID: id, MFA: true}, nil
}
func (anything) Abort(string) error  { return nil }
func (anything) DeleteBucket() error { return nil }
func (p anything) Maker() store.Maker {
	return store.Maker{Principal: "somebody", Cause: store.CauseJob, CauseID: p.job.ID}
}

// errKilled is what becomes of a process that is killed.
var errKilled = errors.New("killed")

// folder is a store in memory whose jobs are cut.
type folder struct {
	Jobs
	t     *testing.T
	clock *clock.Manual

	cutAt int  // number of the removal at which the process is killed, 0 for none
	done  bool // that removal is done
	count int  // of removals
	dead  bool
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{t: t, clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	st, err := store.Open("data", store.Options{Memory: true, Clock: f.clock, MemTableSize: 1 << 20, CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	f.Store = st
	f.Permit = func(_ context.Context, j *jobs.Job) (Permission, error) { return anything{j}, nil }
	return f
}

// Open returns a bucket whose removals are counted.
func (f *folder) Open(ctx context.Context, j *jobs.Job) (jobs.Work, error) {
	w, err := f.Jobs.Open(ctx, j)
	return &cutWork{w, f}, err
}

// Keep keeps nothing of a process that is dead.
func (f *folder) Keep(ctx context.Context, name string, document []byte) error {
	if f.dead {
		return errKilled
	}
	return f.Jobs.Keep(ctx, name, document)
}

type cutWork struct {
	jobs.Work
	folder *folder
}

// Remove removes, unless the process is killed before.
func (w *cutWork) Remove(ctx context.Context, rs []jobs.Removal) (errs []error, err error) {
	f := w.folder
	f.count++
	f.dead = f.count == f.cutAt
	if !f.dead || f.done {
		errs, err = w.Work.Remove(ctx, rs)
	}
	if f.dead {
		return nil, errKilled
	}
	return errs, err
}

func (f *folder) runner(batch int) *jobs.Runner {
	f.t.Helper()
	r := jobs.NewRunner(jobs.Options{Store: f, Documents: f, Clock: f.clock, Batch: batch})
	f.t.Cleanup(r.Close)
	if err := r.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return r
}

// run does a job, cut and gone on with if that is asked for.
func (f *folder) run(batch int, s jobs.Spec) jobs.Job {
	f.t.Helper()
	r := f.runner(batch)
	s.Bucket = "b"
	j, err := r.Submit(f.t.Context(), s)
	if err == nil {
		j, err = r.Wait(f.t.Context(), j.ID)
	}
	if f.dead {
		r.Close()
		f.dead, f.cutAt = false, 0
		j, err = f.runner(batch).Wait(f.t.Context(), j.ID)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return j
}

func (f *folder) bucket(state versioning.State, lock bool) {
	f.t.Helper()
	if _, err := f.Store.CreateBucket(f.t.Context(), store.BucketSpec{Name: "b", ObjectLock: lock}); err != nil {
		f.t.Fatal(err)
	}
	f.state(state)
}

func (f *folder) state(state versioning.State) {
	f.t.Helper()
	if state == versioning.Unversioned {
		return
	}
	if err := f.Store.SetVersioning(f.t.Context(), "b", store.VersioningChange{State: state}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) put(key string, lock versioning.Lock) {
	f.t.Helper()
	r := store.PutRequest{Bucket: "b", Key: key, Body: strings.NewReader("body"), Size: 4, Lock: lock}
	if _, err := f.Store.Put(f.t.Context(), r); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) delete(key string) {
	f.t.Helper()
	if _, err := f.Store.Delete(f.t.Context(), "b", store.DeleteRequest{Key: key}); err != nil {
		f.t.Fatal(err)
	}
}

// history returns all entries, those that are markers with a star, versions alone if
// that is asked for.
func (f *folder) history(versions bool) string {
	f.t.Helper()
	var all []string
	err := f.Store.History(f.t.Context(), store.HistoryRequest{Bucket: "b"}, func(v *store.HistoryView) error {
		for i := range v.Entries {
			switch e := &v.Entries[i]; {
			case !e.Marker:
				all = append(all, fmt.Sprintf("%s:%d", e.Key, e.Order))
			case !versions:
				all = append(all, fmt.Sprintf("%s:%d*", e.Key, e.Order))
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// visible returns the keys that a listing shows.
func (f *folder) visible() string {
	f.t.Helper()
	page, err := f.Store.ListObjects(f.t.Context(), store.ListRequest{Bucket: "b", Limit: 1000})
	if err != nil {
		f.t.Fatal(err)
	}
	var keys []string
	for _, o := range page.Objects {
		keys = append(keys, o.Key)
	}
	return strings.Join(keys, " ")
}

// play plays a random history in a bucket whose state changes on the way, if it may.
func (f *folder) play(random *rand.Rand, lock bool) {
	f.t.Helper()
	held := versioning.Lock{Mode: versioning.Compliance, Until: f.clock.Now().AddDate(7, 0, 0)}
	for range 5 + random.IntN(20) {
		f.clock.Advance(time.Minute)
		key := string(rune('a' + random.IntN(4)))
		switch n := random.IntN(10); {
		case n < 4:
			f.delete(key)
		case n == 4 && lock:
			f.put(key, held)
		case n == 5 && !lock:
			f.state([]versioning.State{versioning.Enabled, versioning.Suspended}[random.IntN(2)])
		default:
			f.put(key, versioning.Lock{})
		}
	}
}

// Killed at any removal, be it done or not, and started again, a job ends as one that
// nobody disturbed; locks keep what they keep, and nothing that was deleted is visible.
func TestEmptyIsResumed(t *testing.T) {
	const batch = 4
	fill := func() *folder {
		f := newFolder(t)
		f.bucket(versioning.Enabled, true)
		f.play(rand.New(rand.NewPCG(5, 6)), true)
		held := versioning.Lock{Mode: versioning.Governance, Until: f.clock.Now().Add(time.Hour)}
		f.put("a", held)
		f.delete("a")
		f.put("b", held)
		f.put("b", versioning.Lock{})
		return f
	}
	whole := fill()
	before := whole.visible()
	j := whole.run(batch, jobs.Spec{Kind: jobs.Empty})
	if j.State != jobs.Done || j.Counts.Held == 0 || j.Counts.Hiding == 0 || j.Counts.HeldUntil.IsZero() {
		t.Fatalf("%+v", j)
	}
	for n := 1; n <= whole.count; n++ {
		for _, done := range []bool{false, true} {
			f := fill()
			f.cutAt, f.done = n, done
			got := f.run(batch, jobs.Spec{Kind: jobs.Empty})
			if got.State != jobs.Done || got.Counts.Held != j.Counts.Held || got.Counts.Hiding != j.Counts.Hiding {
				t.Errorf("removal %d, done %v: %+v, want %+v", n, done, got, j)
			}
			if f.history(false) != whole.history(false) {
				t.Errorf("removal %d, done %v: left %q, want %q", n, done, f.history(false), whole.history(false))
			}
		}
	}
	for key := range strings.FieldsSeq(whole.visible()) {
		if !strings.Contains(before, key) {
			t.Errorf("%s was deleted and is visible", key)
		}
	}
}

// Whatever the history, and in any state, what is left of an emptied bucket is what locks
// keep and the markers that hide it, and a dry run says so before.
func TestEmptyRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 40 {
		f := newFolder(t)
		lock := random.IntN(2) == 0
		f.bucket(map[bool]versioning.State{true: versioning.Enabled, false: versioning.State(random.IntN(3))}[lock], lock)
		f.play(random, lock)
		before := f.history(false)
		batch := 1 + random.IntN(5)
		dry := f.run(batch, jobs.Spec{Kind: jobs.Empty, DryRun: true})
		if got := f.history(false); got != before {
			t.Fatalf("a dry run left %q of %q", got, before)
		}
		f.cutAt, f.done = f.count+random.IntN(4), random.IntN(2) == 0
		killed := f.cutAt > f.count
		j := f.run(batch, jobs.Spec{Kind: jobs.Empty})
		if j.State != jobs.Done || !killed && dry.Counts != j.Counts || dry.Counts.Held != j.Counts.Held {
			t.Fatalf("%q: dry %+v, done %+v", before, dry.Counts, j)
		}
		left := len(strings.Fields(f.history(false)))
		if int64(left) != j.Counts.Held+j.Counts.Hiding || !lock && left > 0 {
			t.Fatalf("of %q was left %q: %+v", before, f.history(false), j.Counts)
		}
	}
}

// Whatever is done, then deleted, then undeleted: what was visible is, and no version is
// gone.
func TestUndeleteRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 40 {
		f := newFolder(t)
		f.bucket(versioning.Enabled, false)
		f.play(random, false)
		f.state(versioning.Enabled)
		f.clock.Advance(time.Minute)
		visible, since := f.visible(), f.clock.Now()
		f.clock.Advance(time.Minute)
		for range 10 {
			if key := string(rune('a' + random.IntN(4))); strings.Contains(visible, key) {
				f.delete(key)
			}
		}
		versions, before := f.history(true), f.history(false)
		f.cutAt, f.done = f.count+random.IntN(3), random.IntN(2) == 0
		j := f.run(1+random.IntN(5), jobs.Spec{Kind: jobs.Undelete, Since: since})
		if f.visible() != visible || f.history(true) != versions || j.State != jobs.Done {
			t.Fatalf("of %q was left %q; visible %q, want %q; %+v", before, f.history(false), f.visible(), visible, j)
		}
	}
}

// A key with more versions than many pages hold is emptied like any other, and undeleted
// from under as many markers.
func TestLongHistory(t *testing.T) {
	f := newFolder(t)
	f.bucket(versioning.Enabled, false)
	f.put("k", versioning.Lock{})
	for range 25 {
		f.delete("k")
	}
	f.put("l", versioning.Lock{})
	j := f.run(3, jobs.Spec{Kind: jobs.Undelete})
	if f.visible() != "k l" || j.Counts.Markers != 25 || j.Counts.Undeleted != 1 {
		t.Errorf("visible %q, %+v", f.visible(), j.Counts)
	}
	for range 25 {
		f.put("k", versioning.Lock{})
	}
	f.delete("k")
	j = f.run(3, jobs.Spec{Kind: jobs.Empty})
	if f.history(false) != "" || j.Counts.Versions != 27 || j.Counts.Markers != 1 {
		t.Errorf("left %q, %+v", f.history(false), j.Counts)
	}
}

// What comes while a job waits stays, in the order of the store and whatever the clock
// says; uploads go with the bucket.
func TestBoundary(t *testing.T) {
	f := newFolder(t)
	f.bucket(versioning.Enabled, false)
	f.put("old", versioning.Lock{})
	begin := store.UploadRequest{Bucket: "b", Key: "u"}
	if _, err := f.Store.CreateUpload(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	r := jobs.NewRunner(jobs.Options{Store: f, Documents: f, Clock: f.clock})
	defer r.Close()
	j, err := r.Submit(t.Context(), jobs.Spec{Kind: jobs.Empty, Bucket: "b", Uploads: true})
	if err != nil {
		t.Fatal(err)
	}
	if j.Total != 2 {
		t.Errorf("total %d", j.Total)
	}
	f.clock.Advance(-time.Hour)
	f.put("new", versioning.Lock{})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err = r.Wait(t.Context(), j.ID)
	if err != nil || f.visible() != "new" || j.Counts.Since != 1 || j.Counts.Uploads != 1 || j.Counts.Versions != 1 {
		t.Errorf("visible %q, %+v %v", f.visible(), j.Counts, err)
	}
	j = f.run(10, jobs.Spec{Kind: jobs.Empty, Uploads: true, DeleteBucket: true})
	if _, err := f.Store.Bucket(t.Context(), "b"); !errors.Is(err, store.ErrNoSuchBucket) || !j.Deleted {
		t.Error(err, j)
	}
}

// Each removal is in the ledger with the job that did it.
func TestJobsInLedger(t *testing.T) {
	f := newFolder(t)
	f.bucket(versioning.Enabled, false)
	f.put("k", versioning.Lock{})
	f.delete("k")
	if _, err := f.Store.CreateUpload(t.Context(), store.UploadRequest{Bucket: "b", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	j := f.run(10, jobs.Spec{Kind: jobs.Empty, Uploads: true, DeleteBucket: true})
	got := make(map[string]int)
	err := f.Store.Ledger(t.Context(), store.LedgerQuery{}, func(e store.LedgerEntry) error {
		if e.Made.CauseID == j.ID && e.Made.Cause == store.CauseJob && e.Made.Principal == "somebody" {
			got[e.Change.String()]++
		}
		return nil
	})
	want := map[string]int{"version-removed": 1, "marker-removed": 1, "upload-aborted": 1, "bucket-removed": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}
