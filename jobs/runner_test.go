package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/internal/clock"
)

// holdUp makes the removals of f wait until release is closed.
func holdUp(f *fake) (begun, release chan struct{}) {
	begun, release = make(chan struct{}, 100), make(chan struct{})
	f.before = func(int) error {
		begun <- struct{}{}
		<-release
		return nil
	}
	return begun, release
}

func submit(t *testing.T, r *Runner, s Spec) Job {
	t.Helper()
	s.Bucket = "b"
	j, err := r.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// Two jobs run at once, others wait in their order; none whose keys another one works on
// is taken.
func TestQueue(t *testing.T) {
	f := newFake(version("a/1", 1), version("b/1", 2), version("c/1", 3))
	begun, release := holdUp(f)
	r := newTest(t, f, 10)
	a, b := submit(t, r, Spec{Kind: Empty, Prefix: "a/"}), submit(t, r, Spec{Kind: Empty, Prefix: "b/"})
	<-begun
	<-begun
	c := submit(t, r, Spec{Kind: Undelete, Prefix: "c/"})
	if got, err := r.Job(c.ID); err != nil || got.State != Queued {
		t.Error(got.State, err)
	}
	for _, prefix := range []string{"", "a/", "a/1", "c/x"} {
		if _, err := r.Submit(t.Context(), Spec{Kind: Empty, Bucket: "b", Prefix: prefix}); !errors.Is(err, ErrConflict) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	submit(t, r, Spec{Kind: Empty, DryRun: true})
	close(release)
	for _, j := range []Job{a, b, c} {
		if got, err := r.Wait(t.Context(), j.ID); err != nil || got.State != Done || got.Started.IsZero() || got.Finished.IsZero() {
			t.Error(got, err)
		}
	}
	if all := r.Jobs(); len(all) != 4 {
		t.Errorf("%d jobs", len(all))
	}
}

// A job that is cancelled ends where it is; one that waits never begins; one that is
// finished stays as it is.
func TestCancel(t *testing.T) {
	f := newFake(version("a", 1), version("b", 2), version("c", 3))
	begun, release := holdUp(f)
	r := newTest(t, f, 1)
	running := submit(t, r, Spec{Kind: Empty, Prefix: "a"})
	submit(t, r, Spec{Kind: Empty, Prefix: "b"})
	<-begun
	<-begun
	waiting := submit(t, r, Spec{Kind: Empty, Prefix: "c"})
	if j, err := r.Cancel(t.Context(), waiting.ID); err != nil || j.State != Cancelled || !j.Started.IsZero() {
		t.Error(j, err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := r.Cancel(ended, running.ID); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	for range 2 {
		j, err := r.Cancel(t.Context(), running.ID)
		if err != nil || j.State != Cancelled && j.Counts.Versions == 0 {
			t.Error(j, err)
		}
	}
	if _, err := r.Cancel(t.Context(), "none"); !errors.Is(err, ErrNoSuchJob) {
		t.Error(err)
	}
}

// What takes away the ground ends a job, with the reason.
func TestFails(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*fake)
		want string
	}{
		{"the key is gone", func(f *fake) { f.openErr = errors.New("the key is disabled") }, "the key is disabled"},
		{"the bucket is gone", func(f *fake) { f.gone = true }, ErrNoSuchBucket.Error()},
		{"the bucket is another one", func(f *fake) { f.bucket.ID++ }, ErrNoSuchBucket.Error()},
	} {
		f := newFake(version("a", 1))
		r := newRunner(f, 10)
		j := submit(t, r, Spec{Kind: Empty})
		c.set(f)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		j, err := r.Wait(t.Context(), j.ID)
		if err != nil || j.State != Failed || j.Error != c.want || f.text() != "a:1" {
			t.Errorf("%s: %s %q, %v; left %q", c.name, j.State, j.Error, err, f.text())
		}
		r.Close()
	}
}

// A bucket is deleted when it is empty; what stays keeps it, and is said.
func TestDeletesBucket(t *testing.T) {
	f := newFake(version("a", 1), marker("a", 2))
	f.uploads = []Upload{{Key: "u", ID: "1", Order: f.bucket.Boundary - 1}}
	j := runJob(t, newTest(t, f, 10), Spec{Kind: Empty, Uploads: true, DeleteBucket: true})
	if !j.Deleted || j.State != Done || !f.gone || j.Counts.Uploads != 1 {
		t.Errorf("%+v", j)
	}
	f = newFake(locked("a", 1), version("b", 2000))
	j = runJob(t, newTest(t, f, 10), Spec{Kind: Empty, DeleteBucket: true})
	want := "the bucket is not deleted, for it is not empty: 1 held by locks until 2033-03-01T12:00:00Z, 1 came since the start"
	if j.Deleted || j.State != Failed || j.Error != want || f.gone {
		t.Errorf("%s %q", j.State, j.Error)
	}
	f = newFake(version("a", 1))
	j = runJob(t, newTest(t, f, 10), Spec{Kind: Empty, DeleteBucket: true, DryRun: true})
	if j.Deleted || j.State != Done || f.gone {
		t.Errorf("%+v", j)
	}
}

// A kill between the end of the bucket and that of its job leaves no failed job.
func TestDeletesBucketCut(t *testing.T) {
	f := newFake(version("a", 1))
	r := newRunner(f, 10)
	j := submit(t, r, Spec{Kind: Empty, DeleteBucket: true})
	document := &Job{ID: j.ID, Spec: j.Spec, State: Running, place: place{Phase: inBucket}}
	if err := r.keep(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	f.gone = true
	again := newTest(t, f, 10)
	if j, err := again.Wait(t.Context(), j.ID); err != nil || j.State != Done || !j.Deleted {
		t.Errorf("%+v %v", j, err)
	}
}

// Uploads go page by page, but for those that were begun since the start.
func TestAborts(t *testing.T) {
	f := newFake()
	for i := range 5 {
		f.uploads = append(f.uploads, Upload{Key: fmt.Sprintf("u%d", i), ID: "x", Order: f.bucket.Boundary - 1})
	}
	f.uploads[2].Order = f.bucket.Boundary
	j := runJob(t, newTest(t, f, 2), Spec{Kind: Empty, Uploads: true})
	if j.Counts != (Counts{Uploads: 4, Since: 1}) || len(f.uploads) != 1 || f.uploads[0].Key != "u2" {
		t.Errorf("%+v, left %v", j.Counts, f.uploads)
	}
}

// A rate bounds batches, and what goes by between them.
func TestRate(t *testing.T) {
	f := newFake(version("a", 1), version("b", 2), version("c", 3), version("d", 4))
	var waited time.Duration
	r := NewRunner(Options{Store: f, Documents: f, Clock: clock.NewManual(epoch), Pause: func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	}})
	t.Cleanup(r.Close)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	runJob(t, r, Spec{Kind: Empty, Rate: 2})
	if f.largest != 2 || waited != 2*time.Second {
		t.Errorf("pages of %d, waited %v", f.largest, waited)
	}
}

// Finished jobs are kept for seven days, and no more than a hundred of them.
func TestPrune(t *testing.T) {
	f, now := newFake(), clock.NewManual(epoch)
	r := NewRunner(Options{Store: f, Documents: f, Clock: now})
	t.Cleanup(r.Close)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range keptJobs + 5 {
		runJob(t, r, Spec{Kind: Empty})
		now.Advance(time.Second)
	}
	if n := len(r.Jobs()); n != keptJobs+1 { // the last one was not finished when it was taken
		t.Errorf("%d jobs are kept", n)
	}
	now.Advance(keptFor)
	last := runJob(t, r, Spec{Kind: Empty})
	if all := r.Jobs(); len(all) != 1 || all[0].ID != last.ID || len(f.documents) != 1 {
		t.Errorf("%d jobs and %d documents are kept", len(all), len(f.documents))
	}
	again := NewRunner(Options{Store: f, Documents: f, Clock: now})
	t.Cleanup(again.Close)
	f.documents[documentPrefix+"of a later version"] = []byte(`{"format":2}`)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j, err := again.Job(last.ID); err != nil || j.State != Done {
		t.Error(j, err)
	}
}

// A runner that is closed takes no job, and tells who waits.
func TestClosed(t *testing.T) {
	f := newFake(version("a", 1))
	r := newRunner(f, 10)
	j := submit(t, r, Spec{Kind: Empty})
	r.Close()
	if _, err := r.Wait(t.Context(), j.ID); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := r.Submit(t.Context(), Spec{Kind: Empty, Bucket: "b"}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Samples are bounded, so that a job of a million locks has a small document.
func TestSamples(t *testing.T) {
	var entries []Entry
	for i := range Order(3 * MaxSamples) {
		entries = append(entries, locked(fmt.Sprintf("k%03d", i), i+1))
	}
	f := newFake(entries...)
	j := runJob(t, newTest(t, f, 50), Spec{Kind: Empty})
	if len(j.Samples) != MaxSamples || j.Counts.Held != 3*MaxSamples || j.Samples[0].Mode != "COMPLIANCE" {
		t.Errorf("%d samples of %d", len(j.Samples), j.Counts.Held)
	}
}

// The document of a job has room for all samples, whatever keys there are and whatever is
// said of them.
func TestSamplesFit(t *testing.T) {
	key := strings.Repeat("<", 1024)
	top := marker(key, 1)
	j := &Job{ID: "x", Spec: Spec{Kind: Empty, Bucket: "b", Prefix: key}, place: place{After: Place{Key: key}, Top: &top}}
	for range MaxSamples {
		j.sample(Sample{Why: WhyRefused, Key: key, VersionID: strings.Repeat("v", 32), Reason: "€" + key + key})
	}
	data, err := j.encode()
	if err != nil || len(data) > 1<<20 || !utf8.ValidString(j.Samples[0].Reason) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// Of the jobs of an account a hundred are unfinished at most.
func TestTooMany(t *testing.T) {
	r := newRunner(newFake(version("a", 1)), 10) // does not run
	var last Job
	for range maxUnfinished {
		last = submit(t, r, Spec{Kind: Empty, DryRun: true})
	}
	more := Spec{Kind: Empty, Bucket: "b", DryRun: true}
	if _, err := r.Submit(t.Context(), more); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
	if _, err := r.Cancel(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	submit(t, r, more)
}

// TestDecode holds that what is no document of a job is no job, nor one of what this
// version does not know.
func TestDecode(t *testing.T) {
	for _, text := range []string{"", "{}", "null", `{"format":1}`, `{"format":1,"job":null}`, `{"format":2,"job":{"id":"x"}}`, "[]",
		`{"format":1,"job":{"id":"x","kind":"keep","state":"running"},"place":{"phase":2}}`,
		`{"format":1,"job":{"id":"x","kind":"empty","state":"paused"},"place":{"phase":2}}`,
		`{"format":1,"job":{"id":"x","kind":"empty","state":"running"},"place":{"phase":5}}`,
		`{"format":1,"job":{"id":"x","kind":"empty","state":"running"}}`,
	} {
		if j, err := decode([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, j)
		}
	}
	top := marker("k", 5)
	j := &Job{ID: "x", Spec: Spec{Kind: Empty, Bucket: "b"}, State: Running, place: place{Phase: inEntries, After: Place{"k", 4}, Top: &top, Stays: true}}
	data, err := j.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(data)
	if err != nil || got.place.After != j.place.After || *got.place.Top != top || !got.place.Stays || !strings.Contains(string(data), `"kind":"empty"`) {
		t.Errorf("%s: %+v %v", data, got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"job":{"id":"x","kind":"empty","state":"queued"},"place":{"phase":2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := decode(data)
		if (j == nil) == (err == nil) {
			t.Errorf("%v %v", j, err)
		}
	})
}
