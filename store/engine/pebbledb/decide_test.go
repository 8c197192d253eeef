package pebbledb

import (
	"testing"
	"time"
)

func TestFlushDue(t *testing.T) {
	const never = time.Hour
	for _, c := range []struct {
		name        string
		deletes     int
		bytes       int64
		first, last time.Duration // ago
		want        bool
	}{
		{"nothing released", 0, 0, never, never, false},
		{"few, still going", 10, 1000, time.Second, 0, false},
		{"few, pausing", 10, 1000, 3 * time.Second, 3 * time.Second, false},
		{"few, long ago", 10, 1000, 30 * time.Second, 30 * time.Second, true},
		{"few at a time, for long", 10, 1000, 30 * time.Second, 0, true},
		{"some, still going", worthDeletes, 1000, time.Second, flushPause - 1, false},
		{"some, pausing", worthDeletes, 1000, flushPause, flushPause, true},
		{"few but large, pausing", 4, worthBytes, flushPause, flushPause, true},
		{"few but large, still going", 4, worthBytes, flushPause, 0, false},
		{"many, still going", flushDeletes, 1000, 0, 0, true},
		{"large, still going", 300, flushBytes, 0, 0, true},
		{"nearly many, still going", flushDeletes - 1, flushBytes - 1, 0, 0, false},
	} {
		now := time.Unix(1_000_000, 0)
		p := pending{deletes: c.deletes, bytes: c.bytes, first: now.Add(-c.first), last: now.Add(-c.last)}
		if got := flushDue(now, p); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	tab := func(level int, first, last string, entries, deletions uint64) table {
		return table{level: level, keys: span{[]byte(first), []byte(last)}, entries: entries, deletions: deletions}
	}
	values := func(t table, bytes, frees uint64) table {
		t.bytes, t.frees = bytes, frees
		return t
	}
	at := func(pairs ...string) spans {
		s := spans{}
		for i := 0; i < len(pairs); i += 2 {
			s[byte(i)] = span{[]byte(pairs[i]), []byte(pairs[i+1])}
		}
		return s
	}
	for _, c := range []struct {
		name    string
		tables  []table
		touched spans
		want    string // first-last, or "" for none
	}{
		{"no tables", nil, everywhere(), ""},
		{"no deletes", []table{tab(5, "a", "z", 9000, 0), tab(6, "a", "z", 9000, 0)}, everywhere(), ""},
		{"dense", []table{tab(5, "a", "f", 5000, 5000), tab(6, "a", "z", 9000, 0)}, everywhere(), "a-f"},
		{"dense but few", []table{tab(5, "a", "f", 999, 999), tab(6, "a", "z", 999, 0)}, everywhere(), ""},
		{"dense, nothing below", []table{tab(5, "a", "f", 5000, 5000)}, everywhere(), "a-f"},
		{"sparse", []table{tab(5, "a", "f", 5000, 5000), tab(6, "a", "c", 40000, 0), tab(6, "d", "f", 40000, 0)}, everywhere(), ""},
		{"sparse, but the rest is elsewhere", []table{
			tab(0, "a", "z", 5000, 5000), tab(6, "a", "m", 40000, 0), tab(6, "n", "z", 40000, 0),
		}, at("b", "d"), "b-d"},
		{"few, but large", []table{
			values(tab(5, "a", "f", 100, 100), 10<<10, 5<<20), values(tab(6, "a", "z", 90000, 0), 8<<20, 0),
		}, everywhere(), "a-f"},
		{"few, and not large for what lies below", []table{
			values(tab(5, "a", "f", 100, 100), 10<<10, 5<<20), values(tab(6, "a", "z", 90000, 0), 80<<20, 0),
		}, everywhere(), ""},
		{"few and small", []table{
			values(tab(5, "a", "f", 100, 100), 10<<10, 1<<20-1), values(tab(6, "a", "z", 100, 0), 1<<20, 0),
		}, everywhere(), ""},
		{"sparse, and all is new", []table{tab(0, "a", "f", 1000, 1000), tab(0, "a", "f", 40000, 0)}, everywhere(), ""},
		{"sparse, in a table that is new", []table{tab(0, "a", "f", 41000, 1000)}, everywhere(), ""},
		{"dense, in new tables", []table{
			tab(0, "a", "f", 5000, 5000), tab(0, "a", "f", 9000, 4000), tab(6, "a", "z", 9000, 0),
		}, everywhere(), "a-f"},
		{"last level", []table{tab(6, "a", "f", 5000, 5000)}, everywhere(), ""},
		{"not touched", []table{tab(5, "a", "f", 5000, 5000)}, at("g", "h"), ""},
		{"touched at its end", []table{tab(5, "a", "f", 5000, 5000)}, at("f", "h"), "f-f"},
		{"nothing touched", []table{tab(5, "a", "f", 5000, 5000)}, nil, ""},
		{"the densest", []table{
			tab(5, "a", "f", 5000, 2000), tab(5, "g", "k", 5000, 4000), tab(5, "l", "z", 5000, 3000),
			tab(6, "a", "z", 9000, 0),
		}, everywhere(), "g-k"},
	} {
		got, found := choose(c.tables, c.touched)
		text := ""
		if found {
			text = string(got.first) + "-" + string(got.last)
		}
		if text != c.want {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}
