package lifecycle

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

var passSeed = flag.Uint64("pass.seed", 0, "seed of the random buckets, 0 for another one each time")

func passRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *passSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-pass.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 5))
}

// randomRules are rules that meet what randomBucket makes.
func randomRules(r *rand.Rand) (rules []Rule) {
	for i := range 1 + r.IntN(3) {
		rule := Rule{ID: fmt.Sprintf("rule-%d", i), Enabled: r.IntN(8) > 0}
		rule.Filter.Prefix = []string{"", "a", "ab", "b"}[r.IntN(4)]
		if r.IntN(2) == 0 {
			rule.Expiration = &Expiration{Days: 1 + r.IntN(8)}
			if r.IntN(4) == 0 {
				rule.Expiration = &Expiration{ExpiredMarker: true}
			}
		}
		if r.IntN(2) == 0 {
			rule.Noncurrent = &NoncurrentExpiration{Days: 1 + r.IntN(6), Newer: r.IntN(3)}
		}
		if r.IntN(3) == 0 {
			rule.AbortDays = 1 + r.IntN(6)
		}
		rules = append(rules, rule)
	}
	return rules
}

// randomBucket makes a bucket of a few keys, some of them with long histories.
func randomBucket(f *fake, r *rand.Rand, name string) *fakeBucket {
	state := versioning.State(r.IntN(3))
	b := f.bucket(name, state, randomRules(r)...)
	for _, key := range []string{"a", "aa", "ab", "ab/1", "b", "bb", "c"} {
		entries := r.IntN(4)
		if r.IntN(3) == 0 {
			entries = r.IntN(14)
		}
		if state == versioning.Unversioned {
			entries = min(entries, 1)
		}
		days := 20
		for range entries {
			days = r.IntN(days + 1)
			f.put(b, key, days, func(e *Entry) {
				e.Marker = state != versioning.Unversioned && r.IntN(3) == 0
				if state == versioning.Unversioned || state == versioning.Suspended && r.IntN(3) == 0 {
					e.ID = versioning.Null
				}
				if state == versioning.Enabled && !e.Marker && r.IntN(6) == 0 { // elsewhere there are no locks
					e.Lock = versioning.Lock{Mode: versioning.Compliance, Until: f.clock.Now().AddDate(0, 0, r.IntN(6)-2)}
				}
			})
		}
	}
	for n := range r.IntN(6) {
		b.uploads = append(b.uploads, Upload{
			Key: []string{"a", "ab/1", "c"}[n/2], ID: fmt.Sprintf("u%d", n), Initiated: f.clock.Now().AddDate(0, 0, -r.IntN(9)),
		})
	}
	f.made = f.order
	return b
}

// copied returns a copy of f that shares nothing that changes.
func (f *fake) copied() *fake {
	c := newFake()
	c.order, c.made = f.order, f.made
	c.clock.Set(f.clock.Now())
	for name, b := range f.buckets {
		n := *b
		n.keys, n.amended = make(map[string][]Entry), make(map[string]uint64)
		for key, entries := range b.keys {
			n.keys[key] = slices.Clone(entries)
		}
		n.uploads = slices.Clone(b.uploads)
		c.buckets[name] = &n
	}
	return c
}

// told collects the actions of a run as text.
type told []string

func (l *told) each(a *Action) error {
	*l = append(*l, fmt.Sprintf("%s %v%s %s by %s due %s, %d bytes, error %v",
		a.Key, a.ID, a.Upload, a.Kind, a.Rule, a.Due.Format(time.DateOnly), a.Size, a.Err))
	return nil
}

// sorted returns the lines in an order of their own: what is read anew is told late.
func (l told) sorted() []string { return slices.Sorted(slices.Values(l)) }
