package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
	"github.com/seed61737384/tombstone/versioning"
)

// sweep judges all keys of bucket b as rule does, and removes what it says, until stop
// is closed; then it sweeps once more. It returns how many removals were done.
func sweep(t *testing.T, s *Store, stop <-chan struct{}, rule func(key []HistoryEntry, head versioning.Head) []Removal) (done int) {
	for last := false; !last; {
		select {
		case <-stop:
			last = true
		default:
		}
		var rs []Removal
		err := s.History(t.Context(), HistoryRequest{Bucket: "b"}, func(v *HistoryView) error {
			for rest := v.Entries; len(rest) > 0; {
				n := 1
				for n < len(rest) && rest[n].Key == rest[0].Key {
					n++
				}
				head, err := v.Head(rest[0].Key)
				if err != nil {
					return err
				}
				rs, rest = append(rs, rule(rest[:n], head)...), rest[n:]
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			return done
		}
		errs, err := s.Remove(t.Context(), "b", rs)
		if err != nil {
			t.Error(err)
		}
		for _, err := range errs {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, ErrChanged):
				t.Error(err)
			}
		}
	}
	return done
}

// keepTwo removes all but the two newest entries of a key.
func keepTwo(key []HistoryEntry, head versioning.Head) (rs []Removal) {
	for n := 2; n < len(key); n++ {
		rs = append(rs, Removal{Key: key[n].Key, ID: key[n].ID, Order: key[n].Order, Seen: head, Made: &byRule})
	}
	return rs
}

// removeOne removes the oldest of three entries, as somebody would who keeps two of
// whatever there is.
func removeOne(key []HistoryEntry, head versioning.Head) []Removal {
	if len(key) < 3 {
		return nil
	}
	return keepTwo(key, head)[len(key)-3:]
}

// contend lets clients put, and sweepers of stores keep two entries of each key: none
// ever has less, whoever removed what at the same time.
func contend(t *testing.T, stores ...*Store) {
	const keys, puts = 5, 40
	var putters, sweepers sync.WaitGroup
	stop := make(chan struct{})
	var done atomic.Int64
	for c := range 4 {
		s := stores[c%len(stores)]
		putters.Go(func() {
			for i := range puts {
				key, body := fmt.Sprint("k", (c+i)%keys), strings.Repeat("x", 60*(i%4)) // some inline, some in files
				_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: key, Body: strings.NewReader(body), Size: int64(len(body))})
				if err != nil {
					t.Error(err)
				}
			}
		})
		rule := keepTwo
		if c%2 == 1 {
			rule = removeOne
		}
		sweepers.Go(func() { done.Add(int64(sweep(t, s, stop, rule))) })
	}
	putters.Wait()
	close(stop)
	sweepers.Wait()
	// The last sweeps may have met each other.
	never := make(chan struct{})
	close(never)
	done.Add(int64(sweep(t, stores[0], never, keepTwo)))
	left := mustVersions(t, stores[0], VersionsRequest{Bucket: "b", Limit: maxPage}).Entries
	if len(left) != 2*keys || done.Load() != 4*puts-int64(len(left)) {
		t.Errorf("%d entries are left of %d, %d were removed", len(left), 4*puts, done.Load())
	}
}

// TestRemovalsContend lets removals and puts of the same keys meet, on engines that
// work, that conflict and forget, and under two stores that only guards keep apart.
//
// spec: LC4-22
func TestRemovalsContend(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
	}{
		{"sound", nil},
		{"near", func(o *Options) {
			p := &probe{}
			p.under(o)
			p.spoil(45)
		}},
		{"far", func(o *Options) {
			o.InlineLimit = 1000
			o.WrapEngine = func(e engine.Engine) engine.Engine {
				return enginefault.New(e, enginefault.Options{Seed: rand.Uint64(), Conflict: 0.15, Lost: 0.15, Applied: 0.15})
			}
		}},
		{"small commits", func(o *Options) { o.WrapEngine = func(e engine.Engine) engine.Engine { return limited{e} } }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, nil, c.change)
			mustBucket(t, s, "b", versioning.Enabled)
			contend(t, s)
			if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			mustVerify(t, s)
			mustClean(t, s)
		})
	}
}

// twoStores returns stores over one engine: the locks of one know nothing of the other.
func twoStores(t *testing.T, wrap func(engine.Engine) engine.Engine) (one, two *Store) {
	t.Helper()
	inline := func(o *Options) { o.InlineLimit, o.Ledger.Off = 1000, true } // each has its own folder of files
	one = openTest(t, nil, func(o *Options) {
		inline(o)
		o.WrapEngine = wrap
	})
	mustBucket(t, one, "b", versioning.Enabled)
	var conflicts atomic.Int64
	two = openTest(t, nil, func(o *Options) {
		inline(o)
		o.WrapEngine = func(own engine.Engine) engine.Engine {
			t.Cleanup(func() { own.Close() })
			return shared{one.engine, &conflicts}
		}
	})
	two.orders = one.orders
	return one, two
}

func TestRemovalsGuard(t *testing.T) {
	one, two := twoStores(t, nil)
	contend(t, one, two)
	b, err := one.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	b.totals.forget() // of what the other store changed only the row knows
	if got, want := mustStatistics(t, one, "b"), recount(t, one, "b"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// limited takes two edits in a commit.
type limited struct{ engine.Engine }

func (e limited) Limits() engine.Limits {
	l := e.Engine.Limits()
	l.Mutations = 2 * rowsPerEdit
	return l
}

// Removals of a key that need several commits rest on what those before have left, and
// are refused once somebody else has changed it.
func TestRemovalsOverCommits(t *testing.T) {
	for _, meddled := range []bool{false, true} {
		p := &probe{}
		one, two := twoStores(t, func(e engine.Engine) engine.Engine {
			p.Engine = e
			return limited{p}
		})
		put("k", "k", "k", "k", "k")(t, one)
		h := mustJudge(t, one, "k")
		commits := 0
		hook := func(_ []engine.Mutation, apply func() error) error {
			commits++
			if commits == 1 { // it is planned anew
				return engine.ErrConflict
			}
			err := apply()
			if meddled && commits == 2 {
				p.onCommit.Store(nil)
				mustPut(t, two, "b", "k", "newer")
			}
			return err
		}
		p.onCommit.Store(&hook)
		got := mustRemove(t, one, h.remove(0), h.remove(1), h.remove(2), h.remove(3), h.remove(4))
		p.onCommit.Store(nil)
		want, left := "done done done done done", ""
		if meddled {
			want, left = "done done changed changed changed", "k[v] kv kv kv"
		}
		if got != want {
			t.Errorf("meddled %v: outcomes %q, want %q", meddled, got, want)
		}
		if got := historyText(t, one, "b"); got != left {
			t.Errorf("meddled %v: left %q, want %q", meddled, got, left)
		}
	}
}

// A delete marker that was judged to be alone never goes from over a version.
func TestLoneMarkersAgainstPuts(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	lone := func(key []HistoryEntry, head versioning.Head) []Removal {
		if len(key) != 1 || !key[0].Marker {
			return nil
		}
		return []Removal{{Key: key[0].Key, ID: key[0].ID, Order: key[0].Order, Seen: head}}
	}
	var all, sweepers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		sweepers.Go(func() { sweep(t, s, stop, lone) })
	}
	for c := range 3 {
		key := fmt.Sprint("k", c)
		all.Go(func() {
			for range 60 {
				id := mustID(t, s, mustPut(t, s, "b", key, "body").VersionHeader)
				mustDelete(t, s, "b", key, versioning.ID{})
				for range 3 {
					if _, err := read(t, s, "b", key, versioning.ID{}); !errors.Is(err, versioning.NoSuchKey) {
						t.Error("a deleted object is back:", err)
					}
				}
				mustDelete(t, s, "b", key, id) // now a marker may be alone
			}
		})
	}
	all.Wait()
	close(stop)
	sweepers.Wait()
	mustClean(t, s)
}

// A key that was judged by its old object keeps the new one, in each state.
func TestExpiryAgainstPuts(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", state)
		old := func(key []HistoryEntry, head versioning.Head) []Removal {
			if key[0].Marker || key[0].Size != 3 {
				return nil
			}
			return []Removal{{Key: key[0].Key, Order: key[0].Order, Seen: head}}
		}
		var all, sweepers sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			sweepers.Go(func() { sweep(t, s, stop, old) })
		}
		for c := range 3 {
			key := fmt.Sprint("k", c)
			all.Go(func() {
				for range 40 {
					mustPut(t, s, "b", key, "old")
					mustPut(t, s, "b", key, "newer")
					mustRead(t, s, "b", key, versioning.ID{}, "newer")
				}
			})
		}
		all.Wait()
		close(stop)
		sweepers.Wait()
		mustClean(t, s)
	}
}
