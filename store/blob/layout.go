package blob

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// layout is where the blocks of one blob lie.
type layout struct {
	start     int64 // length of the header
	blockSize int64
	size      int64 // payload bytes
}

func layoutOf(h Header, size int64) layout {
	return layout{start: int64(h.size()), blockSize: int64(h.BlockSize), size: size}
}

// blocks returns the number of blocks.
func (l layout) blocks() int64 {
	n := l.size / l.blockSize
	if l.size%l.blockSize != 0 {
		n++
	}
	return n
}

// payload returns the number of payload bytes in block i.
func (l layout) payload(i int64) int64 {
	return min(l.blockSize, l.size-i*l.blockSize)
}

// offset returns where block i begins in the encoded blob.
func (l layout) offset(i int64) int64 { return l.start + i*(l.blockSize+sumSize) }

// total returns the length of the encoded blob.
func (l layout) total() int64 { return l.start + l.size + l.blocks()*sumSize }

// fits reports whether all offsets can be computed without overflow, which
// holds for every size that was ever written.
func (l layout) fits() bool {
	return l.size >= 0 && l.size <= math.MaxInt64/(1+sumSize)-int64(maxKey)-headerFixed
}

// EncodedSize returns the length in bytes of the encoded blob of h with size
// bytes of payload.
func EncodedSize(h Header, size int64) int64 { return layoutOf(h, size).total() }

// blockSummer computes the sums of one blob's blocks. It is used by one
// goroutine at a time.
type blockSummer struct {
	seed [16]byte // number of the ref, index of the block
}

func newBlockSummer(ref Ref) (s blockSummer) {
	binary.BigEndian.PutUint64(s.seed[:8], ref.Number)
	return s
}

func (s *blockSummer) sum(index int64, payload []byte) uint32 {
	binary.BigEndian.PutUint64(s.seed[8:], uint64(index))
	return crc32.Update(crc32.Update(0, castagnoli, s.seed[:]), castagnoli, payload)
}
