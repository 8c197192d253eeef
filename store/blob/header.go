package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

const (
	headerMagic   = "tsbl"
	formatVersion = 1
	trailerCRC32C = 1

	// headerFixed is the length of the header before the key.
	headerFixed = 32
	sumSize     = 4

	maxBlockSize = 1 << 20
	maxKey       = math.MaxUint16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errHeader = errors.New("blob header")

// Header stands before the blocks, so that a blob can be recognised without its
// index row. As an argument it says what a reader expects to find.
type Header struct {
	Ref Ref
	// Bucket is the internal id of the bucket.
	Bucket uint64
	// Key is the object's key, at most 65,535 bytes.
	Key string
	// BlockSize is the length in bytes of each block's payload but the last
	// one's. In an expectation 0 stands for any.
	BlockSize int
}

func (h Header) size() int { return headerFixed + len(h.Key) + sumSize }

// check refuses what the encoding cannot hold.
func (h Header) check() error {
	switch {
	case len(h.Key) > maxKey:
		return fmt.Errorf("%w: key of %d bytes", errHeader, len(h.Key))
	case h.BlockSize < 1 || h.BlockSize > maxBlockSize:
		return fmt.Errorf("%w: block size %d", errHeader, h.BlockSize)
	}
	return nil
}

// appendTo appends the encoded header, which must pass check.
func (h Header) appendTo(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, headerMagic...)
	dst = append(dst, formatVersion, trailerCRC32C)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Key)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.BlockSize))
	dst = h.Ref.Append(dst)
	dst = binary.BigEndian.AppendUint64(dst, h.Bucket)
	dst = append(dst, h.Key...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseHeader reads the header at the start of b and returns it; its encoded
// length is size(). The error says what is wrong, for a DamageError to carry.
func parseHeader(b []byte) (Header, error) {
	if len(b) < headerFixed+sumSize {
		return Header{}, fmt.Errorf("%w: only %d bytes", errHeader, len(b))
	}
	if string(b[:4]) != headerMagic {
		return Header{}, fmt.Errorf("%w: magic is %q", errHeader, b[:4])
	}
	if b[4] != formatVersion || b[5] != trailerCRC32C {
		return Header{}, fmt.Errorf("%w: version %d with trailer %d is not known", errHeader, b[4], b[5])
	}
	end := headerFixed + int(binary.BigEndian.Uint16(b[6:]))
	if len(b) < end+sumSize {
		return Header{}, fmt.Errorf("%w: only %d of %d bytes", errHeader, len(b), end+sumSize)
	}
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return Header{}, fmt.Errorf("%w: wrong sum", errHeader)
	}
	h := Header{
		Ref:       Ref{Epoch: binary.BigEndian.Uint32(b[12:]), Number: binary.BigEndian.Uint64(b[16:])},
		Bucket:    binary.BigEndian.Uint64(b[24:]),
		Key:       string(b[headerFixed:end]),
		BlockSize: int(binary.BigEndian.Uint32(b[8:])),
	}
	return h, h.check()
}

// match reads the header at the start of b and returns it when it is the one
// expected, else a DamageError.
func (h Header) match(b []byte) (Header, error) {
	got, err := parseHeader(b)
	if err != nil {
		return Header{}, damagedHeader(h.Ref, "%v", err)
	}
	if h.BlockSize == 0 {
		h.BlockSize = got.BlockSize
	}
	if got != h {
		return Header{}, damagedHeader(h.Ref, "it belongs to blob %v of bucket %d, key %q, block size %d",
			got.Ref, got.Bucket, got.Key, got.BlockSize)
	}
	return got, nil
}
