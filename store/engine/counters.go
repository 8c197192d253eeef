package engine

import (
	"encoding/binary"
	"errors"
)

// MergerName names the merge rule of [Add] on disk, in every engine that
// records one. It never changes; another rule would take another name.
const MergerName = "tombstone.sum.v1"

// ErrCounters says that a value is no list of counters.
var ErrCounters = errors.New("engine: damaged counters")

// Counters is the value an [Add] builds up: a list of sums. On disk each is a
// zigzag varint, one after the other.
type Counters []int64

// DecodeCounters reads a value that Adds made.
func DecodeCounters(value []byte) (Counters, error) { return Counters(nil).PlusValue(value) }

// PlusValue adds a value that Adds made to c, which is changed, and returns the sum.
func (c Counters) PlusValue(value []byte) (Counters, error) {
	for i := 0; len(value) > 0; i++ {
		n, size := binary.Varint(value)
		if size <= 0 {
			return nil, ErrCounters
		}
		if i == len(c) {
			c = append(c, 0)
		}
		c[i] += n
		value = value[size:]
	}
	return c, nil
}

// Append adds the on-disk form of c to dst.
func (c Counters) Append(dst []byte) []byte {
	for _, n := range c {
		dst = binary.AppendVarint(dst, n)
	}
	return dst
}

// At returns the i-th counter, 0 if the list is shorter.
func (c Counters) At(i int) int64 {
	if i < len(c) {
		return c[i]
	}
	return 0
}
