package pebbledb

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// GetMulti reads in the order of the keys, which spares Pebble most of the way
// from each one to the next, and by stepping from neighbour to neighbour where
// that is shorter still.
func (r *reader) GetMulti(keys [][]byte) ([][]byte, error) {
	m := multi{reader: r, keys: keys, values: make([][]byte, len(keys)), copies: copies{values: len(keys)}}
	if err := m.readAll(); err != nil {
		return nil, err
	}
	return m.values, nil
}

// multi is one GetMulti.
type multi struct {
	*reader
	keys, values [][]byte
	copies       copies
	far          []int // tables in which neighbours are not worth stepping to
}

func (m *multi) readAll() error {
	order := ascending(len(m.keys), func(i int) []byte { return m.keys[i] })
	for len(order) > 0 {
		n := m.neighbours(order)
		if err := m.read(order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// When keys are read by stepping from one to the next. The first step needs a
// place in every table of Pebble, where a point read asks a filter; then there is
// less to do for each key. Rows of one key lie beside each other: they are of one
// length and differ in their last bytes alone. Whether other rows lie between
// them, or older values of theirs, is found out by trying.
const (
	neighbourBytes = 8  // in which neighbours differ
	fewNeighbours  = 3  // as many are stepped to
	manyNeighbours = 32 // and no more, before it is judged what that cost
	dearSteps      = 4  // of Pebble for one key: a seek is no dearer
)

// neighbours returns how many of the keys in order are read in one way.
func (m *multi) neighbours(order []int) int {
	for n := 1; n < min(len(order), manyNeighbours); n++ {
		if !near(m.keys[order[n-1]], m.keys[order[n]]) {
			return n
		}
	}
	return min(len(order), manyNeighbours)
}

// near reports whether a and b look like keys beside each other.
func near(a, b []byte) bool {
	n := len(a) - neighbourBytes
	return n > 0 && len(a) == len(b) && bytes.Equal(a[:n], b[:n])
}

// read reads the keys in order, which are neighbours of each other.
func (m *multi) read(order []int) error {
	table := first(m.keys[order[0]])
	if len(order) >= fewNeighbours && !slices.Contains(m.far, table) {
		if err := m.openRanges(); err != nil {
			return err
		}
		before := m.steps()
		err := m.walk(order)
		if m.steps()-before >= dearSteps*(len(order)-1) {
			m.far = append(m.far, table)
		}
		return err
	}
	for _, i := range order {
		value, found, err := m.peek(m.keys[i])
		if err != nil {
			return err
		}
		if found {
			m.values[i] = m.copies.of(value)
		}
	}
	return nil
}

// steps is how far Pebble has gone from entry to entry.
func (m *multi) steps() int {
	return m.ranges.Stats().ForwardStepCount[pebble.InternalIterCall]
}

// walk reads the keys in order, which are neighbours, by stepping. It looks at
// nothing behind a key that it seeks, so that what was deleted there costs nothing.
func (m *multi) walk(order []int) error {
	it := m.ranges
	it.SetBounds(nil, nil)
	var limit []byte
	for n, i := range order {
		key := m.keys[i]
		limit = append(append(limit[:0], key...), 0)
		if n == 0 {
			it.SeekGEWithLimit(key, limit)
		} else {
			stepTo(it, key, limit)
		}
		if it.Valid() && bytes.Equal(it.Key(), key) {
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			m.values[i] = m.copies.of(value)
		}
		if err := it.Error(); err != nil {
			return err
		}
	}
	return nil
}

// stepTo moves it on to key, or to limit, which is next to it, if there is no such
// key: by steps, if few entries lie between.
func stepTo(it *pebble.Iterator, key, limit []byte) {
	if it.Valid() && bytes.Equal(it.Key(), key) {
		return // asked for twice
	}
	for range dearSteps {
		if it.NextWithLimit(limit) != pebble.IterValid || bytes.Compare(it.Key(), key) >= 0 {
			return
		}
	}
	it.SeekGEWithLimit(key, limit)
}

// How many bytes copies allocates at once: what so many rows usually come to, up to a
// limit.
const (
	usualValue   = 128
	mostCopyRoom = 16 << 10
)

// copies makes copies of small values, many in one piece of memory.
type copies struct {
	values int // that there may be
	room   []byte
}

func (c *copies) of(value []byte) []byte {
	if c.room == nil || cap(c.room)-len(c.room) < len(value) {
		c.room = make([]byte, 0, max(min(c.values*usualValue, mostCopyRoom), len(value)))
	}
	begin := len(c.room)
	c.room = append(c.room, value...)
	return c.room[begin:len(c.room):len(c.room)]
}
