package pebbledb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// crashPair is one change of the crash tests: two keys of different tables that
// hold the same, and a count.
func crashPair(writer, n int) []engine.Mutation {
	value := fmt.Appendf(nil, "%d", n)
	return []engine.Mutation{
		engine.Set(fmt.Appendf(nil, "a/%d/%06d", writer, n), value),
		engine.Add(fmt.Appendf(nil, "n/%d", writer), 1),
		engine.Set(fmt.Appendf(nil, "z/%d/%06d", writer, n), value),
	}
}

// survivors opens a copy of the folder after a crash and returns how many
// changes of each writer it holds. It fails the test unless these are the first
// ones the writer made, each in all its parts.
func survivors(t *testing.T, fs vfs.FS, writers int) []int {
	t.Helper()
	db := openMem(t, Options{FS: fs})
	defer func() { _ = db.Close() }()
	counts := make([]int, writers)
	err := db.View(context.Background(), func(r engine.Reader) error {
		for w := range counts {
			n, err := wholePrefix(r, w)
			if err != nil {
				return err
			}
			counts[w] = n
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return counts
}

func wholePrefix(r engine.Reader, writer int) (int, error) {
	var found [2]int
	for i, side := range []string{"a", "z"} {
		inOrder := true
		prefix := fmt.Sprintf("%s/%d/", side, writer)
		rg := engine.Range{Start: []byte(prefix), End: []byte(prefix + "~")}
		_, err := r.Scan(rg, func(key, value []byte) bool {
			want := fmt.Sprintf("%s%06d", prefix, found[i])
			inOrder = inOrder && string(key) == want && string(value) == fmt.Sprint(found[i])
			found[i]++
			return true
		})
		if err != nil || !inOrder {
			return 0, fmt.Errorf("writer %d: changes are missing before others, %v", writer, err)
		}
	}
	value, _, err := r.Get(fmt.Appendf(nil, "n/%d", writer))
	if err != nil {
		return 0, err
	}
	sum, err := engine.DecodeCounters(value)
	if err != nil || found[0] != found[1] || sum.At(0) != int64(found[0]) {
		return 0, fmt.Errorf("writer %d: a change is torn: %v, count %v, %v", writer, found, sum, err)
	}
	return found[0], nil
}

// TestCrash copies the folder at moments between and within commits of several
// writers, with what was not synced missing altogether or in part.
func TestCrash(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, noSync := range []bool{false, true} {
		for _, unsynced := range []int{0, 50, 100} {
			t.Run(fmt.Sprintf("nosync=%t/unsynced=%d", noSync, unsynced), func(t *testing.T) {
				crash(t, rand.New(rand.NewPCG(seed, uint64(unsynced))), noSync, unsynced)
			})
		}
	}
}

func crash(t *testing.T, rng *rand.Rand, noSync bool, unsynced int) {
	const writers, changes, crashes = 4, 150, 12
	fs := vfs.NewCrashableMem()
	db := openMem(t, Options{FS: fs, NoSync: noSync, MemTableSize: 256 << 10})
	defer func() { _ = db.Close() }()

	var mu sync.Mutex // protects acked and the moment of a copy
	var acked [writers]int
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range changes {
				if err := db.Commit(context.Background(), nil, crashPair(w, n)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[w]++
				mu.Unlock()
			}
		})
	}
	for range crashes {
		mu.Lock()
		want := acked
		mu.Unlock()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng})
		for w, n := range survivors(t, clone, writers) {
			if n < want[w] && !noSync {
				t.Errorf("writer %d: %d changes survived of %d acknowledged", w, n, want[w])
			}
		}
	}
	wg.Wait()
	if err := db.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	for w, n := range survivors(t, fs.CrashClone(vfs.CrashCloneCfg{}), writers) {
		if n != changes {
			t.Errorf("writer %d: %d changes survived of %d after Sync", w, n, changes)
		}
	}
}

// TestCrashRelaxed shows what NoSync gives up and what brings it back.
func TestCrashRelaxed(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := Options{FS: fs, NoSync: true}.withDefaults()
	db := newDB(o)
	if err := db.open("db", db.pebbleOptions(o)); err != nil {
		t.Fatal(err)
	}
	commitAll(t, db, crashPair(0, 0))
	for _, step := range []struct {
		name string
		do   func() error
		want int
	}{
		{"at once", func() error { return nil }, 0},
		{"when the log was synced", db.syncLog, 1},
		{"when another change followed", func() error {
			return db.Commit(context.Background(), nil, crashPair(0, 1))
		}, 1},
		{"after Close", db.Close, 2},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := survivors(t, fs.CrashClone(vfs.CrashCloneCfg{}), 1)[0]; got != step.want {
			t.Errorf("%s: %d changes survive a crash, want %d", step.name, got, step.want)
		}
	}
}
