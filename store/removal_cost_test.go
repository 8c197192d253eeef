package store

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// judgeOldest judges the oldest entry of each key under a prefix for removal.
func judgeOldest(t testing.TB, s *Store, prefix string, made *Maker) (rs []Removal) {
	t.Helper()
	r := HistoryRequest{Bucket: "b", Prefix: prefix, Limit: maxHistoryPage}
	for more := true; more; {
		err := s.History(t.Context(), r, func(v *HistoryView) error {
			more, r.After = v.More, v.Next
			under := max(len(rs)-1, 0) // the key under way
			for _, e := range v.Entries {
				if n := len(rs); n == 0 || rs[n-1].Key != e.Key {
					rs = append(rs, Removal{Key: e.Key, Made: made})
				}
				last := &rs[len(rs)-1]
				last.ID, last.Order = e.ID, e.Order
			}
			var keys []string
			for _, r := range rs[under:] {
				keys = append(keys, r.Key)
			}
			heads, err := v.Heads(keys)
			for i := range heads {
				rs[under+i].Seen = heads[i]
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rs
}

// A removal of a noncurrent version reads the head of its key and the version, and
// writes as much as DeleteObjects does, however many versions there are; to see a head
// costs one read.
func TestRemovalCost(t *testing.T) {
	const keys = 1000
	for _, depth := range []int{2, 20} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		seed(t, s, "b", depth, false, numbered("key", keys)...)
		rs := judgeOldest(t, s, "key", &byRule)
		cost := p.cost(func() {
			errs, err := s.Remove(t.Context(), "b", rs)
			if err != nil || len(errs) != keys {
				t.Fatal(len(errs), err)
			}
			for i, err := range errs {
				if err != nil {
					t.Fatal(rs[i].Key, err)
				}
			}
		})
		cost.Bytes = 0
		rows := 2*keys + 1 // version and head of each, and the counters
		ledger := cost.Mutations - rows
		want := counts{Views: 1, Gets: 2 * keys, Commits: 1, Mutations: rows + ledger}
		if cost != want || ledger < 1 || ledger > 10 {
			t.Errorf("with %d versions: %v, want %v", depth, cost, want)
		}
		if got := mustStatistics(t, s, "b"); got.Noncurrent != int64((depth-2)*keys) {
			t.Errorf("%+v", got)
		}
	}
}

// DeleteObjects reads what a removal does.
func TestDeleteObjectsCost(t *testing.T) {
	const keys = 1000
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 3, false, numbered("key", keys)...)
	judged := judgeOldest(t, s, "key", nil)
	rs := make([]DeleteRequest, keys)
	for i, r := range judged {
		rs[i] = DeleteRequest{Key: r.Key, ID: r.ID}
	}
	cost := p.cost(func() {
		if _, err := s.DeleteObjects(t.Context(), "b", rs); err != nil {
			t.Fatal(err)
		}
	})
	if cost.Views != 1 || cost.Gets != 2*keys || cost.Scans != 0 || cost.Commits != 1 {
		t.Errorf("%v", cost)
	}
}

// A page of history reads what its prefix selects, and one row to know whether there
// are more; a head that is asked for costs one read.
func TestHistoryCost(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed(t, s, "b", 5, false, numbered("a/", 2000)...)
	seed(t, s, "b", 4, false, numbered("m/", 100)...)
	seed(t, s, "b", 5, false, numbered("z/", 2000)...)
	for _, c := range []struct {
		request HistoryRequest
		heads   int
		entries int
		want    counts
	}{
		{HistoryRequest{Prefix: "m/"}, 0, 400, counts{Views: 1, Scans: 1, Rows: 400}},
		{HistoryRequest{Prefix: "m/", Limit: 399}, 0, 399, counts{Views: 1, Scans: 1, Rows: 400}},
		{HistoryRequest{Prefix: "m/", Limit: 10, After: HistoryPlace{Key: "m/000050"}}, 2, 10, counts{Views: 1, Scans: 1, Rows: 11, Gets: 2}},
		{HistoryRequest{Prefix: "none/"}, 0, 0, counts{Views: 1, Scans: 1}},
		{HistoryRequest{Prefix: "m/", After: HistoryPlace{Key: "z"}}, 0, 0, counts{Views: 1}},
	} {
		c.request.Bucket = "b"
		got := p.cost(func() {
			err := s.History(t.Context(), c.request, func(v *HistoryView) error {
				if len(v.Entries) != c.entries {
					t.Errorf("%+v: %d entries", c.request, len(v.Entries))
				}
				_, err := v.Heads(numbered("m/", c.heads))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		got.Bytes = 0
		if got != c.want {
			t.Errorf("%+v costs %v, want %v", c.request, got, c.want)
		}
	}
}

// BenchmarkRemove destroys 1,000 noncurrent versions of as many keys in each call; a
// step is one version. Read it beside BenchmarkDeleteNoncurrent.
func BenchmarkRemove(b *testing.B) {
	s, rs := benchNoncurrent(b, &byRule)
	b.ResetTimer()
	for len(rs) > 0 {
		page := min(1000, len(rs))
		if _, err := s.Remove(b.Context(), "b", rs[:page]); err != nil {
			b.Fatal(err)
		}
		rs = rs[page:]
	}
}

// BenchmarkDeleteNoncurrent does with DeleteObjects what BenchmarkRemove does.
func BenchmarkDeleteNoncurrent(b *testing.B) {
	s, judged := benchNoncurrent(b, &byRule)
	rs := make([]DeleteRequest, len(judged))
	for i, r := range judged {
		rs[i] = DeleteRequest{Key: r.Key, ID: r.ID, Made: byRule}
	}
	b.ResetTimer()
	for len(rs) > 0 {
		page := min(1000, len(rs))
		if _, err := s.DeleteObjects(b.Context(), "b", rs[:page]); err != nil {
			b.Fatal(err)
		}
		rs = rs[page:]
	}
}

// benchNoncurrent puts b.N keys twice, 1 KiB each, and judges their older versions.
func benchNoncurrent(b *testing.B, made *Maker) (*Store, []Removal) {
	b.Helper()
	s, body := benchStore(b, Options{}), make([]byte, 1<<10)
	for range 2 {
		var n atomic.Int64
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				benchPut(b, s, fmt.Sprintf("key-%09d", n.Add(1)), body)
			}
		})
	}
	return s, judgeOldest(b, s, "", made)
}

// BenchmarkHistory reads pages of 1,000 entries of two versions a key, with the head of each;
// a step is one entry.
func BenchmarkHistory(b *testing.B) {
	s := benchStore(b, Options{Durability: Relaxed})
	seed(b, s, "b", 2, false, numbered("key", 50_000)...)
	r := HistoryRequest{Bucket: "b"}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		err := s.History(b.Context(), r, func(v *HistoryView) error {
			n += len(v.Entries)
			if r.After = v.Next; !v.More {
				r.After = HistoryPlace{}
			}
			keys := make([]string, 0, len(v.Entries))
			for i, e := range v.Entries {
				if i == 0 || v.Entries[i-1].Key != e.Key {
					keys = append(keys, e.Key)
				}
			}
			_, err := v.Heads(keys)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
