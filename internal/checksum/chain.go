package checksum

import (
	"encoding/binary"
	"hash/crc32"
)

// polynomials are those of the CRCs, lowest bit for the highest power.
var polynomials = map[Algorithm]uint64{
	CRC32:     crc32.IEEE,
	CRC32C:    crc32.Castagnoli,
	CRC64NVME: 0x9a6c9329ac4bc9b5,
}

// Chain makes the checksum of a whole of those of its parts, without looking at
// their bytes again (the FULL_OBJECT checksums of WI4-1 and WI4-2). It works for
// the CRCs, which are linear: the sum of two stretches is that of the first,
// multiplied by x to the power of the bits of the second, plus that of the second.
type Chain struct {
	algorithm Algorithm
	ring      ring
	sum       uint64

	// Parts of one size have one factor.
	size   int64
	factor uint64
}

// NewChain returns the chain of no bytes, and false for an algorithm that is no CRC.
func NewChain(a Algorithm) (*Chain, bool) {
	p, ok := polynomials[a]
	if !ok {
		return nil, false
	}
	r := ring{polynomial: p, one: 1 << (a.Size()*8 - 1)}
	return &Chain{algorithm: a, ring: r, factor: r.one}, true
}

// Add puts size bytes, whose value is v, behind those before. It returns false
// if v is no value of the chain's algorithm.
func (c *Chain) Add(v Value, size int64) bool {
	if v.Algorithm != c.algorithm || len(v.Sum) != c.algorithm.Size() {
		return false
	}
	if size != c.size {
		c.size, c.factor = size, c.ring.power(uint64(size))
	}
	var wide [8]byte
	copy(wide[8-len(v.Sum):], v.Sum)
	c.sum = c.ring.multiply(c.factor, c.sum) ^ binary.BigEndian.Uint64(wide[:])
	return true
}

// Value returns the value of all bytes so far.
func (c *Chain) Value() Value {
	wide := binary.BigEndian.AppendUint64(nil, c.sum)
	return Value{Algorithm: c.algorithm, Sum: wide[8-c.algorithm.Size():]}
}

// ring is the polynomials modulo a CRC's, one bit for each coefficient, reflected:
// the highest bit is that of x to the power of 0.
type ring struct{ polynomial, one uint64 }

// timesX returns a times x.
func (r ring) timesX(a uint64) uint64 {
	if a&1 != 0 {
		return a>>1 ^ r.polynomial
	}
	return a >> 1
}

func (r ring) multiply(a, b uint64) (product uint64) {
	for bit := r.one; a != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
			a ^= bit
		}
		b = r.timesX(b)
	}
	return product
}

// power returns x to the power of 8n: what n bytes multiply by.
func (r ring) power(n uint64) uint64 {
	square := r.one
	for range 8 {
		square = r.timesX(square)
	}
	result := r.one
	for ; n != 0; n >>= 1 {
		if n&1 != 0 {
			result = r.multiply(result, square)
		}
		square = r.multiply(square, square)
	}
	return result
}
