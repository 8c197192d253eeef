package pebbledb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// openStill opens an engine in memory whose maintenance the test drives, with a
// tree that has more than one level when it holds a few megabytes.
func openStill(t *testing.T) *DB {
	t.Helper()
	o := Options{FS: vfs.NewMem(), MemTableSize: 4 << 20}.withDefaults()
	db := newDB(o)
	p := db.pebbleOptions(o)
	p.LBaseMaxBytes = 1 << 20
	p.TargetFileSizes[0] = 128 << 10
	if err := db.open("db", p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// settle drives maintenance from now on until it has nothing left to do.
func settle(t *testing.T, db *DB, now time.Time) {
	t.Helper()
	settleUntil(t, db, now, func() bool { return true })
}

// settleUntil is settle, and waits for what Pebble was asked to do as well: the
// ticks of a test are too short for Pebble to begin with it.
func settleUntil(t *testing.T, db *DB, now time.Time, done func() bool) {
	t.Helper()
	for range 200_000 {
		db.tend(context.Background(), now)
		if db.tender.settled && db.tender.pending.deletes == 0 && done() {
			return
		}
		now = now.Add(tendEvery)
		runtime.Gosched() // Pebble works in the background
	}
	t.Fatalf("maintenance comes to no end: %+v", db.Metrics())
}

// garbageShare is the part of the values in blob files that nothing refers to.
func garbageShare(db *DB) float64 { return garbage(db.pebble.Metrics()) }

func fillKey(i int) []byte { return fmt.Appendf(nil, "v/%08d", i) }

// fill sets n keys to values of size random bytes, and flushes them.
func fill(t *testing.T, db *DB, n, size int) {
	t.Helper()
	rng := rand.NewChaCha8([32]byte{1})
	var mutations []engine.Mutation
	for i := range n {
		value := make([]byte, size)
		_, _ = rng.Read(value)
		mutations = append(mutations, engine.Set(fillKey(i), value))
		if len(mutations) == 1000 || i == n-1 {
			commitAll(t, db, mutations)
			mutations = mutations[:0]
		}
	}
	if err := db.pebble.Flush(); err != nil {
		t.Fatal(err)
	}
}

// compactDown takes all keys of fill to the last level.
func compactDown(t *testing.T, db *DB) {
	t.Helper()
	for range 2 { // the first one may stop above the last level
		if err := db.pebble.Compact(context.Background(), []byte("v"), []byte("w"), false); err != nil {
			t.Fatal(err)
		}
	}
}

// clearKeys deletes each step-th of the keys from to to.
func clearKeys(t *testing.T, db *DB, from, to, step, size int) {
	t.Helper()
	var mutations []engine.Mutation
	for i := from; i < to; i += step {
		mutations = append(mutations, engine.DeleteSized(fillKey(i), size))
		if len(mutations) == 1000 {
			commitAll(t, db, mutations)
			mutations = mutations[:0]
		}
	}
	commitAll(t, db, mutations)
}

func commitAll(t *testing.T, db *DB, mutations []engine.Mutation) {
	t.Helper()
	if err := db.Commit(context.Background(), nil, mutations); err != nil {
		t.Fatal(err)
	}
}

// firstCost returns how many records Pebble goes through to find the first entry.
func firstCost(t *testing.T, db *DB) uint64 {
	t.Helper()
	iter, err := db.pebble.NewIter(&pebble.IterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !iter.First() {
		t.Fatal("no entry is left")
	}
	cost := iter.Stats().InternalStats.PointCount
	if err := iter.Close(); err != nil {
		t.Fatal(err)
	}
	return cost
}

func tableBytes(db *DB) int64 {
	total := db.pebble.Metrics().Total()
	return total.TablesSize
}

func TestMaintenanceAfterDeletes(t *testing.T) {
	n, size := 300_000, 40
	if testing.Short() {
		n = 60_000
	}
	db := openStill(t)
	now := time.Unix(1_000_000, 0)
	fill(t, db, n, size)
	settle(t, db, now)
	full := tableBytes(db)
	clearKeys(t, db, 0, n*2/3, 1, size)
	if cost := firstCost(t, db); cost < uint64(n/3) {
		t.Fatalf("the first entry costs only %d records before maintenance: the test shows nothing", cost)
	}
	before := db.Metrics()
	if before.PendingDeletes != n*2/3 {
		t.Errorf("%d deletes are pending", before.PendingDeletes)
	}
	settle(t, db, now.Add(time.Minute))
	after := db.Metrics()
	// How Pebble cuts its tables depends on when it compacts by itself. One with a few
	// deletes may be among them, which is left as it is.
	if cost := firstCost(t, db); cost > 10+2*after.Tombstones { // a delete and what it hides
		t.Errorf("the first entry costs %d records after maintenance", cost)
	}
	if after.PendingDeletes != 0 || after.Tombstones >= compactDeletes || after.Flushes <= before.Flushes {
		t.Errorf("after maintenance: %+v", after)
	}
	if used := tableBytes(db); used > full*2/5 {
		t.Errorf("tables take %d bytes of %d with a third of the entries", used, full)
	}
}

// TestMaintenanceLeavesSparseDeletes looks that a few deletes spread over many
// entries do not rewrite all of them.
func TestMaintenanceLeavesSparseDeletes(t *testing.T) {
	const n, size = 50_000, 100
	db := openStill(t)
	now := time.Unix(1_000_000, 0)
	fill(t, db, n, size)
	// Otherwise Pebble would take what is new down at its next occasion, which has
	// nothing to do with deletes.
	compactDown(t, db)
	settle(t, db, now)
	before := db.pebble.Metrics().Levels[lastLevel].TableBytesCompacted
	if before < n*size {
		t.Fatalf("%d bytes reached the last level: the test shows nothing", before)
	}
	clearKeys(t, db, 0, n, 50, size)
	settle(t, db, now.Add(time.Minute))
	if rewritten := db.pebble.Metrics().Levels[lastLevel].TableBytesCompacted - before; rewritten > n*size/2 {
		t.Errorf("%d bytes were rewritten for %d deletes", rewritten, n/50)
	}
	if cost := firstCost(t, db); cost > 10 {
		t.Errorf("the first entry costs %d records", cost)
	}
}

// TestMaintenanceCollectsValues deletes values that live in blob files.
func TestMaintenanceCollectsValues(t *testing.T) {
	const n, size = 1000, 16 << 10
	db := openStill(t)
	now := time.Unix(1_000_000, 0)
	fill(t, db, n, size)
	settle(t, db, now)
	if m := db.Metrics(); m.ValueBytes < n*size/2 {
		t.Fatalf("blob files hold %d bytes: the test shows nothing", m.ValueBytes)
	}
	clearKeys(t, db, 0, n, 8, size)
	settleUntil(t, db, now.Add(time.Minute), func() bool {
		m := db.Metrics()
		return m.Tombstones == 0 && m.ValueBytes < n*size && garbageShare(db) <= idleGarbage
	})
}

// TestMaintenanceNudges leaves garbage that was within bounds while there was
// more to do, so that Pebble has no reason of its own to look again.
func TestMaintenanceNudges(t *testing.T) {
	const n, size = 1000, 16 << 10
	db := openStill(t)
	fill(t, db, n, size)
	clearKeys(t, db, 0, n, 8, size)
	compactDown(t, db)
	db.releases.flushed()
	if garbageShare(db) < 2*idleGarbage {
		t.Fatalf("there is too little garbage to show anything: %+v", db.Metrics())
	}
	settleUntil(t, db, time.Unix(1_000_000, 0), func() bool { return garbageShare(db) <= idleGarbage })
}

// TestMaintenanceAfterRestart looks that deletes which the last run left in
// tables are not forgotten.
func TestMaintenanceAfterRestart(t *testing.T) {
	const n, size = 30_000, 40
	fs := vfs.NewMem()
	db := openMem(t, Options{FS: fs})
	fill(t, db, n, size)
	if err := db.pebble.Compact(context.Background(), []byte("v"), []byte("w"), false); err != nil {
		t.Fatal(err)
	}
	clearKeys(t, db, 0, n-1, 1, size)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	o := Options{FS: fs}.withDefaults()
	db = newDB(o)
	if err := db.open("db", db.pebbleOptions(o)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	settle(t, db, time.Unix(1_000_000, 0))
	if cost := firstCost(t, db); cost > 10 {
		t.Errorf("the first entry costs %d records", cost)
	}
}
