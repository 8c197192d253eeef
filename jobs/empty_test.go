package jobs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestEmpty holds what goes, what stays and what is counted, whatever the size of pages.
func TestEmpty(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []Entry
		want    string
		counts  Counts
	}{
		{"nothing", nil, "", Counts{}},
		{"versions and markers", []Entry{version("a", 1), version("a", 2), marker("a", 3), version("b", 4)}, "",
			Counts{Versions: 3, Markers: 1, Bytes: 30}},
		{"what came since", []Entry{version("a", 1), version("a", 2000), version("b", 2001)}, "a:2000 b:2001",
			Counts{Versions: 1, Bytes: 10, Since: 2}},
		{"a lock below a marker", []Entry{locked("a", 1), version("a", 2), marker("a", 3)}, "a:3* a:1",
			Counts{Versions: 1, Bytes: 10, Held: 1, Hiding: 1, HeldUntil: epoch.AddDate(7, 0, 0)}},
		{"a lock below an object", []Entry{locked("a", 1), version("a", 3)}, "a:1",
			Counts{Versions: 1, Bytes: 10, Held: 1, HeldUntil: epoch.AddDate(7, 0, 0)}},
		{"a noncurrent marker above a lock", []Entry{locked("a", 1), marker("a", 2), marker("a", 3)}, "a:3* a:1",
			Counts{Markers: 1, Held: 1, Hiding: 1, HeldUntil: epoch.AddDate(7, 0, 0)}},
		{"a lock on the newest", []Entry{version("a", 1), locked("a", 3), version("b", 4)}, "a:3",
			Counts{Versions: 2, Bytes: 20, Held: 1, HeldUntil: epoch.AddDate(7, 0, 0)}},
	} {
		for batch := 1; batch <= 5; batch++ {
			f := newFake(c.entries...)
			j := runJob(t, newTest(t, f, batch), Spec{Kind: Empty})
			if got := f.text(); got != c.want || j.Counts != c.counts || j.State != Done {
				t.Errorf("%s, pages of %d: left %q, %s %+v; want %q, %+v", c.name, batch, got, j.State, j.Counts, c.want, c.counts)
			}
			if f.largest > batch {
				t.Errorf("%s: a page of %d, not %d", c.name, f.largest, batch)
			}
		}
	}
}

// A dry run says what the run does that follows it, and does nothing.
func TestEmptyDry(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		entries := randomEntries(random)
		f := newFake(entries...)
		r := newTest(t, f, 1+random.IntN(6))
		before := f.text()
		dry := runJob(t, r, Spec{Kind: Empty, DryRun: true})
		if f.text() != before {
			t.Fatalf("a dry run left %q of %q", f.text(), before)
		}
		wet := runJob(t, r, Spec{Kind: Empty})
		if dry.Counts != wet.Counts {
			t.Fatalf("%q: dry %+v, done %+v", before, dry.Counts, wet.Counts)
		}
	}
}

// randomEntries returns a few keys with histories.
func randomEntries(random *rand.Rand) (all []Entry) {
	for order := range Order(3 + random.IntN(12)) {
		key := fmt.Sprintf("k%d", random.IntN(3))
		switch random.IntN(5) {
		case 0, 1:
			all = append(all, marker(key, order+1))
		case 2:
			all = append(all, locked(key, order+1))
		default:
			all = append(all, version(key, order+1))
		}
	}
	return all
}

// TestEmptyShowsNothing holds that no version becomes current while a bucket is emptied,
// but one that a lock keeps below an object.
func TestEmptyShowsNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 300 {
		entries := randomEntries(random)
		for i := range entries {
			if entries[i].Lock.Mode != 0 && random.IntN(2) == 0 {
				entries[i] = version(entries[i].Key, entries[i].Order)
			}
		}
		f := newFake(entries...)
		before := f.text()
		runJob(t, newTest(t, f, 1+random.IntN(6)), Spec{Kind: Empty})
		kept := f.current()
		for _, s := range f.strange {
			held := false
			for key, order := range kept {
				held = held || s == fmt.Sprintf("%s:%d", key, order) && f.shown[key] != 0
			}
			if !held {
				t.Fatalf("of %q %s became current; left %q", before, s, f.text())
			}
		}
	}
}

// Cut at any removal, be it done or not, and gone on with, a job ends as if it had run
// at once: by a stop with the same counts, by a kill with all of the same that stays.
func TestEmptyCut(t *testing.T) {
	var entries []Entry
	for i := range Order(6) {
		entries = append(entries, version("a", 10+i), marker("b", 20+i), version("b", 30+i), version("c", 40+i))
	}
	entries = append(entries, marker("b", 50), locked("b", 5), locked("c", 6), marker("d", 60))
	whole := newFake(entries...)
	want := runJob(t, newTest(t, whole, 4), Spec{Kind: Empty})
	for n := 1; n <= whole.removals; n++ {
		for _, done := range []bool{false, true} {
			for _, kill := range []bool{false, true} {
				f := newFake(entries...)
				got := cutJob(t, f, n, done, kill)
				if kill { // what went between the last writing and the kill is in no count
					got.Counts.Versions, got.Counts.Markers, got.Counts.Bytes = want.Counts.Versions, want.Counts.Markers, want.Counts.Bytes
				}
				if f.text() != whole.text() || got.Counts != want.Counts || got.State != Done {
					t.Errorf("removal %d, done %v, killed %v: left %q, %s %+v; want %q, %+v",
						n, done, kill, f.text(), got.State, got.Counts, whole.text(), want.Counts)
				}
				for _, s := range f.strange {
					if s != "c:6" {
						t.Errorf("removal %d, done %v, killed %v: %s became current", n, done, kill, s)
					}
				}
			}
		}
	}
}

// cutJob runs an Empty that is cut at the nth removal, and goes on with it.
func cutJob(t *testing.T, f *fake, n int, done, kill bool) Job {
	t.Helper()
	r := newRunner(f, 4)
	cut := func(i int) error {
		switch {
		case i != n:
			return nil
		case kill:
			f.mu.Lock()
			defer f.mu.Unlock()
			f.keepErr = errCut
			return errCut
		}
		r.cancel(errClosing)
		if done {
			return nil
		}
		return r.ctx.Err()
	}
	if done {
		f.after = cut
	} else {
		f.before = cut
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err := r.Submit(t.Context(), Spec{Kind: Empty, Bucket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	r.under.Wait()
	f.mu.Lock()
	f.before, f.after, f.keepErr = nil, nil, nil
	f.mu.Unlock()
	again := newTest(t, f, 3)
	if j, err = again.Wait(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	return j
}

// An entry whose key changes while it is removed is tried again as the key is then; one
// that changes each time is left and told.
func TestEmptyChanged(t *testing.T) {
	for _, always := range []bool{false, true} {
		f := newFake(version("a", 1), version("a", 2), version("a", 3), version("b", 4))
		order := Order(2000)
		f.before = func(n int) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if n > 1 && !always {
				return nil
			}
			order++
			e := version("a", order)
			f.shown["a"] = order
			f.entries = append([]Entry{e}, f.entries...)
			return nil
		}
		j := runJob(t, newTest(t, f, 10), Spec{Kind: Empty})
		switch {
		case !always && (f.text() != "a:2001" || j.Counts.Versions != 4 || j.Counts.Changed != 0):
			t.Errorf("changed once: left %q, %+v", f.text(), j.Counts)
		case always && (j.Counts.Versions != 1 || j.Counts.Changed != 3 || j.State != Done):
			t.Errorf("changed always: left %q, %+v", f.text(), j.Counts)
		}
		if len(f.strange) > 0 {
			t.Errorf("%v became current", f.strange)
		}
	}
}

// A refusal of one entry hinders no other, and is told with its reason.
func TestEmptyRefused(t *testing.T) {
	f := newFake(version("a", 1), marker("a", 2), version("b", 3))
	f.refuse = func(e *Entry) error {
		if e.Order == 1 {
			return errors.New("not yours")
		}
		return nil
	}
	j := runJob(t, newTest(t, f, 10), Spec{Kind: Empty})
	if f.text() != "a:2* a:1" || j.Counts != (Counts{Versions: 1, Bytes: 10, Refused: 1, Hiding: 1}) {
		t.Errorf("left %q, %+v", f.text(), j.Counts)
	}
	if len(j.Samples) != 2 || j.Samples[0].Reason != "not yours" || j.Samples[1].Why != WhyHiding {
		t.Errorf("%+v", j.Samples)
	}
}
