package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestKeyLocks lets goroutines change unprotected counters under the locks of a
// few keys at a time. The race detector and the sums tell whether locks exclude.
func TestKeyLocks(t *testing.T) {
	l := newKeyLocks()
	const goroutines, rounds = 8, 300
	keys := numbered("k", 5)
	counters := make(map[string]*int)
	for _, key := range keys {
		counters[key] = new(int)
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 0))
			for range rounds {
				some := []string{keys[rng.IntN(5)], keys[rng.IntN(5)], keys[rng.IntN(5)]}
				slices.Sort(some)
				some = slices.Compact(some)
				unlock := l.lock(1, some)
				for _, key := range some {
					*counters[key]++
				}
				unlock()
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range counters {
		sum += *n
	}
	if sum < goroutines*rounds || sum > 3*goroutines*rounds {
		t.Errorf("%d increments", sum)
	}
	for i := range l.shards {
		if n := len(l.shards[i].locks); n != 0 {
			t.Errorf("%d locks are left in shard %d", n, i)
		}
	}
}

// Locks of one key in two buckets, and of two keys, are different ones.
func TestKeyLocksAreExact(*testing.T) {
	l := newKeyLocks()
	var unlock []func()
	for i := range 1000 { // more than there are shards: a lock too many would wait for ever
		unlock = append(unlock, l.lock(bucketID(i%2), []string{fmt.Sprint(i / 2)}))
	}
	for _, u := range unlock {
		u()
	}
}

// TestTryLock takes all keys or none, and none for which somebody waits.
func TestTryLock(t *testing.T) {
	l := newKeyLocks()
	unlock, ok := l.tryLock(1, []string{"a", "b"})
	if !ok {
		t.Fatal("free keys are not taken")
	}
	if _, ok := l.tryLock(1, []string{"0", "b", "c"}); ok {
		t.Error("a key that is held is taken")
	}
	if other, ok := l.tryLock(2, []string{"a", "b"}); !ok {
		t.Error("keys of another bucket are not taken")
	} else {
		other()
	}
	for _, key := range []string{"0", "c"} { // what the failed attempt let go
		l.lock(1, []string{key})()
	}
	unlock()
	l.lock(1, []string{"a", "b"})()
	for i := range l.shards {
		if n := len(l.shards[i].locks); n != 0 {
			t.Errorf("%d locks are left", n)
		}
	}
}
