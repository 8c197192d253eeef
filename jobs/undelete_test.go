package jobs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// TestUndelete holds which markers go, whatever the size of pages.
func TestUndelete(t *testing.T) {
	at := func(order int) time.Time { return epoch.Add(time.Duration(order) * time.Hour) }
	for _, c := range []struct {
		name    string
		entries []Entry
		spec    Spec
		want    string
		counts  Counts
	}{
		{"hidden, visible and lone", []Entry{version("a", 1), marker("a", 2), version("b", 3), marker("c", 4)}, Spec{},
			"a:1 b:3 c:4*", Counts{Markers: 1, Undeleted: 1, Bytes: 10}},
		{"many markers", []Entry{version("a", 1), marker("a", 2), marker("a", 3), marker("a", 4), marker("a", 5)}, Spec{},
			"a:1", Counts{Markers: 4, Undeleted: 1, Bytes: 10}},
		{"a marker below a version", []Entry{marker("a", 1), version("a", 2), marker("a", 3)}, Spec{},
			"a:2 a:1*", Counts{Markers: 1, Undeleted: 1, Bytes: 10}},
		{"by prefix", []Entry{version("a/x", 1), marker("a/x", 2), version("b/x", 3), marker("b/x", 4)}, Spec{Prefix: "b/"},
			"a/x:2* a/x:1 b/x:3", Counts{Markers: 1, Undeleted: 1, Bytes: 10}},
		{"by time", []Entry{version("a", 1), marker("a", 2), version("b", 3), marker("b", 4), version("c", 5), marker("c", 6)},
			Spec{Since: at(4), Until: at(4)}, "a:2* a:1 b:3 c:6* c:5", Counts{Markers: 1, Undeleted: 1, Bytes: 10, Skipped: 2}},
		{"a marker of another time below", []Entry{version("a", 1), marker("a", 2), marker("a", 3), marker("a", 4)},
			Spec{Since: at(3)}, "a:4* a:3* a:2* a:1", Counts{Skipped: 1}},
		{"deleted since the start", []Entry{version("a", 1), marker("a", 2), marker("a", 2000)}, Spec{},
			"a:2000* a:2* a:1", Counts{Since: 1}},
	} {
		for batch := 1; batch <= 5; batch++ {
			for _, dry := range []bool{true, false} {
				f := newFake(c.entries...)
				f.shown = map[string]Order{"a": 1, "b": 3, "b/x": 3}
				if c.name == "a marker below a version" {
					f.shown["a"] = 2
				}
				want := c.want
				if dry {
					want = f.text()
				}
				s := c.spec
				s.Kind, s.DryRun = Undelete, dry
				j := runJob(t, newTest(t, f, batch), s)
				if got := f.text(); got != want || j.Counts != c.counts || j.State != Done || len(f.strange) > 0 {
					t.Errorf("%s, pages of %d, dry %v: left %q, %s %+v, shown %v; want %q, %+v",
						c.name, batch, dry, got, j.State, j.Counts, f.strange, want, c.counts)
				}
			}
		}
	}
}

// Whatever the history: what undeleting all leaves is the versions of before, and the
// keys that were visible before their last deletes are.
func TestUndeleteRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	for range 300 {
		f := newFake(randomEntries(random)...)
		before, want, newest := f.text(), make(map[string]Order), make(map[string]Order)
		versions := versionsOf(f)
		for i := range f.entries {
			if e := &f.entries[i]; !e.Marker && e.Order > newest[e.Key] {
				newest[e.Key] = e.Order
			}
		}
		maps.Copy(want, newest)
		cut := random.IntN(4)
		f.after = func(n int) error {
			if n == cut {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.keepErr = errCut
				return errCut
			}
			return nil
		}
		r := newRunner(f, 1+random.IntN(5))
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		j, err := r.Submit(t.Context(), Spec{Kind: Undelete, Bucket: "b"})
		if err != nil {
			t.Fatal(err)
		}
		r.under.Wait()
		f.after, f.keepErr = nil, nil
		if j, err = newTest(t, f, 1+random.IntN(5)).Wait(t.Context(), j.ID); err != nil || j.State != Done {
			t.Fatal(j, err)
		}
		if got := f.current(); !maps.Equal(got, want) || versionsOf(f) != versions {
			t.Fatalf("of %q was left %q", before, f.text())
		}
	}
}

func versionsOf(f *fake) (s string) {
	for i := range f.entries {
		if e := &f.entries[i]; !e.Marker {
			s += fmt.Sprintf("%s:%d ", e.Key, e.Order)
		}
	}
	return s
}

// A key that is written while it is undeleted keeps what was written current.
func TestUndeleteChanged(t *testing.T) {
	for batch := 2; batch <= 4; batch++ {
		f := newFake(version("a", 1), marker("a", 2), marker("a", 3), version("b", 4), marker("b", 5))
		f.shown["b"] = 4
		f.before = func(n int) error {
			if n == 1 {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.shown["a"] = 2000
				f.entries = append([]Entry{version("a", 2000)}, f.entries...)
			}
			return nil
		}
		runJob(t, newTest(t, f, batch), Spec{Kind: Undelete})
		if got := f.text(); got != "a:2000 a:3* a:2* a:1 b:4" || len(f.strange) > 0 {
			t.Errorf("pages of %d: left %q, shown %v", batch, got, f.strange)
		}
	}
}

// A job that may not remove a marker leaves the key as it is.
func TestUndeleteRefused(t *testing.T) {
	f := newFake(version("a", 1), marker("a", 2), version("b", 4), marker("b", 5))
	f.shown["b"] = 4
	f.refuse = func(e *Entry) error {
		if e.Key == "a" {
			return errCut
		}
		return nil
	}
	j := runJob(t, newTest(t, f, 10), Spec{Kind: Undelete})
	if f.text() != "a:2* a:1 b:4" || j.Counts != (Counts{Markers: 1, Undeleted: 1, Bytes: 10, Refused: 1}) {
		t.Errorf("left %q, %+v", f.text(), j.Counts)
	}
}

// What becomes of the starter counts for the next page, also within a long key.
func TestUndeleteLongLosesItsStarter(t *testing.T) {
	entries := []Entry{version("a", 1)}
	for order := Order(2); order < 20; order++ {
		entries = append(entries, marker("a", order))
	}
	f := newFake(entries...)
	f.before = func(int) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.openErr = errCut
		return nil
	}
	j := runJob(t, newTest(t, f, 2), Spec{Kind: Undelete})
	if j.State != Failed || j.Error != errCut.Error() || j.Counts.Markers != 2 || len(f.entries) != 17 {
		t.Errorf("%s %q, left %q, %+v", j.State, j.Error, f.text(), j.Counts)
	}
}
