package store

import (
	"encoding/binary"
	"math"
)

// PartMap says how an object is made of parts: their numbers and sizes. It is
// kept as runs, so that one of equal parts without gaps takes next to nothing.
type PartMap struct {
	runs []partRun
}

// partRun is a run of parts whose numbers follow each other and that have one size.
type partRun struct {
	first, count int
	size         int64
}

// Count returns the number of parts, 0 if the object was not uploaded in parts.
func (m PartMap) Count() int {
	n := 0
	for _, r := range m.runs {
		n += r.count
	}
	return n
}

// Part returns where the n-th part lies, counted from 1: not its number, which may
// be higher, since numbers may have gaps.
func (m PartMap) Part(n int) (offset, length int64, ok bool) {
	if n < 1 {
		return 0, 0, false
	}
	for _, r := range m.runs {
		if n <= r.count {
			return offset + int64(n-1)*r.size, r.size, true
		}
		n -= r.count
		offset += int64(r.count) * r.size
	}
	return 0, 0, false
}

// Number returns the number of the n-th part, counted from 1.
func (m PartMap) Number(n int) (number int, ok bool) {
	if n < 1 {
		return 0, false
	}
	for _, r := range m.runs {
		if n <= r.count {
			return r.first + n - 1, true
		}
		n -= r.count
	}
	return 0, false
}

// size returns the bytes of all parts.
func (m PartMap) size() (sum int64) {
	for _, r := range m.runs {
		sum += int64(r.count) * r.size
	}
	return sum
}

// add puts a part behind the others; its number must be higher than theirs.
func (m *PartMap) add(number int, size int64) {
	if n := len(m.runs); n > 0 {
		if last := &m.runs[n-1]; last.size == size && last.first+last.count == number {
			last.count++
			return
		}
	}
	m.runs = append(m.runs, partRun{first: number, count: 1, size: size})
}

// has reports whether there is a part of that number.
func (m PartMap) has(number int) bool {
	for _, r := range m.runs {
		if number < r.first+r.count {
			return number >= r.first
		}
	}
	return false
}

// gaps returns the stretches of numbers, from first to behind last, that no part
// has, up to the highest number that a part may have.
func (m PartMap) gaps() (gaps []partGap) {
	next := 1
	for _, r := range m.runs {
		if r.first > next {
			gaps = append(gaps, partGap{next, r.first})
		}
		next = r.first + r.count
	}
	if next <= MaxPartNumber {
		gaps = append(gaps, partGap{next, MaxPartNumber + 1})
	}
	return gaps
}

// partGap is a stretch of part numbers: first, and the one behind the last.
type partGap struct{ first, end int }

// partAt is a part, and where in it an offset of the object lies.
type partAt struct {
	number       int
	offset, size int64 // offset within the part
}

// partCursor goes over parts that have bytes.
type partCursor struct {
	runs   []partRun // the first one is under way
	index  int       // of the next part in it
	offset int64     // within the next part
}

// from returns a cursor whose first part holds the byte at offset.
func (m PartMap) from(offset int64) partCursor {
	for i, r := range m.runs {
		all := int64(r.count) * r.size
		if offset < all {
			return partCursor{runs: m.runs[i:], index: int(offset / r.size), offset: offset % r.size}
		}
		offset -= all
	}
	return partCursor{}
}

// next returns the next part, and false at the end.
func (c *partCursor) next() (at partAt, ok bool) {
	for len(c.runs) > 0 && (c.index == c.runs[0].count || c.runs[0].size == 0) {
		c.runs, c.index = c.runs[1:], 0
	}
	if len(c.runs) == 0 {
		return at, false
	}
	r := c.runs[0]
	at = partAt{number: r.first + c.index, offset: c.offset, size: r.size}
	c.index, c.offset = c.index+1, 0
	return at, true
}

// encode returns m as unsigned varints: for each run the numbers passed over since
// the run before, the number of parts, the size of each.
func (m PartMap) encode() []byte {
	var b []byte
	next := 1
	for _, r := range m.runs {
		b = binary.AppendUvarint(b, uint64(r.first-next))
		b = binary.AppendUvarint(b, uint64(r.count))
		b = binary.AppendUvarint(b, uint64(r.size))
		next = r.first + r.count
	}
	return b
}

// decodePartMap reads what encode wrote; *ok becomes false if it is malformed.
func decodePartMap(b []byte, ok *bool) (m PartMap) {
	next, total := uint64(1), uint64(0)
	for len(b) > 0 {
		var n [3]uint64
		for i := range n {
			size := 0
			if n[i], size = binary.Uvarint(b); size <= 0 {
				*ok = false
				return PartMap{}
			}
			b = b[size:]
		}
		gap, count, size := n[0], n[1], n[2]
		if gap > MaxPartNumber || count == 0 || count > MaxPartNumber || size > math.MaxInt64/(2*MaxPartNumber) {
			*ok = false
			return PartMap{}
		}
		m.runs = append(m.runs, partRun{first: int(next + gap), count: int(count), size: int64(size)})
		next += gap + count
		total += count
		if next > MaxPartNumber+1 {
			*ok = false
			return PartMap{}
		}
	}
	*ok = *ok && total > 0
	return m
}
