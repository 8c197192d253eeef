package pebbledb

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/seed61737384/tombstone/store/engine"
)

const (
	latchCount = 256
	latchWords = latchCount / 64
)

// changeCount is the number of groups of keys whose last change is known. A batch
// of thousands of keys shall leave most of them alone.
const changeCount = 128 * latchCount

// latches serialise what touches the same key between the check of its guard
// and its place in Pebble's log. A key belongs to the stripe its hash names; a
// transaction takes all stripes of its keys in ascending order, so that no two
// wait for each other.
//
// They also know, for groups of keys within a stripe, when one of them was last
// changed: the clock counts what was handed to Pebble and is visible. A snapshot
// taken after reading the clock holds every change up to that reading.
type latches struct {
	seed    maphash.Seed
	stripes [latchCount]sync.Mutex
	clock   atomic.Uint64
	changes [changeCount]uint64 // each protected by the stripe of its keys
}

// latchSet is a set of stripes.
type latchSet [latchWords]uint64

// group returns the group of key.
func (l *latches) group(key []byte) uint32 {
	return uint32(maphash.Bytes(l.seed, key) % changeCount)
}

// add adds the stripe of a group.
func (s *latchSet) add(group uint32) {
	h := group % latchCount
	s[h/64] |= 1 << (h % 64)
}

// changed notes that keys of groups were changed. Their stripes are held, and the
// change is visible to new snapshots.
func (l *latches) changed(groups []uint32) {
	now := l.clock.Add(1)
	for _, g := range groups {
		l.changes[g] = now
	}
}

// unchangedSince reports whether all changes of a group, whose stripe is held,
// are in the snapshots with a mark.
func (l *latches) unchangedSince(group uint32, mark engine.Mark) bool {
	return mark != 0 && l.changes[group] <= uint64(mark)-1
}

// mark is what a snapshot is to be called that is taken after the call.
func (l *latches) mark() engine.Mark { return engine.Mark(l.clock.Load() + 1) }

func (l *latches) lock(s *latchSet) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			l.stripes[w*64+bits.TrailingZeros64(word)].Lock()
		}
	}
}

func (l *latches) unlock(s *latchSet) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			l.stripes[w*64+bits.TrailingZeros64(word)].Unlock()
		}
	}
}
