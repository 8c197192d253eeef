package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// manyEntries are the histories of as many keys as it takes, of ten entries each.
func manyEntries(n int) []lifecycle.Entry {
	entries := make([]lifecycle.Entry, n)
	for i := range entries {
		order := versioning.Order(n - i)
		entries[i] = lifecycle.Entry{
			Key: fmt.Sprintf("logs/%08d", i/10), Order: order, ID: versioning.IDOf(order), Size: 4096,
			LastModified: midJanuary.Add(-time.Duration(i%10) * time.Hour),
		}
	}
	return entries
}

func manyRules(n int) *lifecycle.Config {
	c := &lifecycle.Config{}
	for i := range n {
		r := lifecycle.Rule{ID: fmt.Sprint(i), Enabled: true, Noncurrent: &lifecycle.NoncurrentExpiration{Days: 1 + i, Newer: 2}}
		if i > 0 {
			r.Filter.Prefix = fmt.Sprintf("logs/%04d", i)
		}
		c.Rules = append(c.Rules, r)
	}
	return c
}

func foldAll(c *lifecycle.Config, entries []lifecycle.Entry) (acts int) {
	at := lifecycle.Instant{Now: midJanuary.AddDate(0, 1, 0), State: versioning.Enabled}
	f := lifecycle.NewFold(c, at, func(v *lifecycle.Verdict) {
		if v.Act(at) {
			acts++
		}
	})
	for i := range entries {
		f.Next(&entries[i])
	}
	f.End()
	return acts
}

// BenchmarkFold judges a million entries in an iteration.
func BenchmarkFold(b *testing.B) {
	entries := manyEntries(1_000_000)
	for _, rules := range []int{1, 1000} {
		c := manyRules(rules)
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				foldAll(c, entries)
			}
		})
	}
}

// A fold of many entries takes no more memory than one of few.
func TestFoldAllocates(t *testing.T) {
	c := manyRules(3)
	few, many := manyEntries(100), manyEntries(10_000)
	if foldAll(c, many) < 5000 {
		t.Error("nothing to do")
	}
	of := func(entries []lifecycle.Entry) float64 {
		return testing.AllocsPerRun(3, func() { foldAll(c, entries) })
	}
	if a, b := of(few), of(many); a != b {
		t.Errorf("%v allocations for %d entries, %v for %d", a, len(few), b, len(many))
	}
}
