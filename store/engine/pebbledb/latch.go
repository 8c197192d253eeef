package pebbledb

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

const (
	latchCount = 256
	latchWords = latchCount / 64
)

// latches serialise what touches the same key between the check of its guard
// and its place in Pebble's log. A key belongs to the stripe its hash names; a
// transaction takes all stripes of its keys in ascending order, so that no two
// wait for each other.
type latches struct {
	seed    maphash.Seed
	stripes [latchCount]sync.Mutex
}

// latchSet is a set of stripes.
type latchSet [latchWords]uint64

func (l *latches) add(s *latchSet, key []byte) {
	h := maphash.Bytes(l.seed, key) % latchCount
	s[h/64] |= 1 << (h % 64)
}

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
