package pebbledb

import (
	"bytes"
	"time"
)

// When deletes are flushed. In the memtable they free nothing: what they hide
// stays on disk, and scans go over both. A flush of next to nothing is not
// worth its table, so a few small deletes wait for company; and while deletes go
// on, Pebble's own flush of a full memtable mostly comes first: each table more
// is looked into by every read and rewritten once more.
const (
	flushDeletes = 1_000_000
	flushBytes   = 128 << 20
	flushPause   = 2 * time.Second
	flushAge     = 30 * time.Second // of what is too little for flushPause
	worthDeletes = 1_000
	worthBytes   = 256 << 10
)

// pending is what was released and not yet flushed, and since when.
type pending struct {
	deletes int
	bytes   int64
	first   time.Time // when the first of them was noticed
	last    time.Time // when the last release of all was noticed
}

// flushDue tells whether what is pending should be flushed.
func flushDue(now time.Time, p pending) bool {
	switch {
	case p.deletes == 0:
		return false
	case p.deletes >= flushDeletes, p.bytes >= flushBytes, now.Sub(p.first) >= flushAge:
		return true
	default:
		return idle(now, p) && (p.deletes >= worthDeletes || p.bytes >= worthBytes)
	}
}

// idle tells whether releases pause. Only then are tables rewritten for them.
func idle(now time.Time, p pending) bool { return now.Sub(p.last) >= flushPause }

// When tables are compacted for their deletes alone. Pebble does so by itself
// for tables that would drop much for their own size; tables of little more than
// deletes over much older data it leaves. Every scan goes through those, and
// what they delete stays on disk.
const (
	compactDeletes = 1_000   // fewer in a table cost a scan less than 1 ms
	compactBytes   = 1 << 20 // and less to be freed is not missed
	// compactShare is the least part of what has to be rewritten, of the entries
	// or of the bytes that stay, that a compaction is for.
	compactShare = 0.1
)

// lastLevel is the lowest level of Pebble's tree; deletes do not get that far.
const lastLevel = 6

// table is what counts of one of Pebble's tables.
type table struct {
	level              int
	keys               span
	entries, deletions uint64
	bytes              uint64 // of the table alone, without values in blob files
	frees              uint64 // bytes that its deletes let go of, blob files included
}

// stays returns the part of t that a compaction rewrites for its deletes.
func (t table) stays() (entries, bytes uint64) {
	entries = t.entries - min(t.deletions, t.entries)
	return entries, uint64(float64(t.bytes) * float64(entries) / float64(max(1, t.entries)))
}

// choose returns the span of keys to compact next: that of the table whose
// deletes are the largest share of what has to be rewritten for them, within what
// was touched. A span and not a table is the unit because Pebble compacts what
// overlaps it on all levels, and a table of level 0 can overlap everything.
func choose(tables []table, touched spans) (best span, found bool) {
	var bestShare float64
	for i, t := range tables {
		if t.level == lastLevel || (t.deletions < compactDeletes && t.frees < compactBytes) {
			continue
		}
		for _, where := range touched {
			piece, ok := intersect(t.keys, where)
			if !ok {
				continue
			}
			if share := worth(i, tables, piece); share >= compactShare && share > bestShare {
				best, bestShare, found = piece, share, true
			}
		}
	}
	return best, found
}

// worth returns what a compaction of piece for the deletes in the i-th table is
// worth: their share of the entries that are rewritten, or that of the bytes they
// free, if there is enough of either.
func worth(i int, tables []table, piece span) (share float64) {
	t := tables[i]
	entries, bytes := rewritten(i, tables, piece)
	if t.deletions >= compactDeletes {
		share = float64(t.deletions) / float64(max(1, entries))
	}
	if t.frees >= compactBytes {
		share = max(share, float64(t.frees)/float64(max(1, bytes)))
	}
	return share
}

// rewritten adds up what a compaction of piece for the i-th table rewrites: what
// stays of that table and, on level 0, where tables overlap, of its neighbours,
// and all that lies below.
func rewritten(i int, tables []table, piece span) (entries, bytes uint64) {
	for j, t := range tables {
		e, b := t.entries, t.bytes
		switch {
		case t.level < tables[i].level, t.level == tables[i].level && t.level > 0 && j != i:
			continue
		case t.level == tables[i].level:
			e, b = t.stays()
		}
		if _, ok := intersect(t.keys, piece); ok {
			entries += e
			bytes += b
		}
	}
	return entries, bytes
}

func intersect(a, b span) (span, bool) {
	if bytes.Compare(a.first, b.first) < 0 {
		a.first = b.first
	}
	if bytes.Compare(a.last, b.last) > 0 {
		a.last = b.last
	}
	return a, bytes.Compare(a.first, a.last) <= 0
}
