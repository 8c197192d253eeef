package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// refSize is the length of an encoded Ref in bytes.
const refSize = 4 + 8

// Ref names one blob for ever. Epoch is the directory of its file, 0 for an
// inline blob; Number is unique in the whole store.
type Ref struct {
	Epoch  uint32
	Number uint64
}

var errRef = errors.New("blob ref is malformed")

// IsZero reports whether r names no blob.
func (r Ref) IsZero() bool { return r == Ref{} }

// Inline reports whether the bytes of r stand in an index row, not in a file.
func (r Ref) Inline() bool { return r.Epoch == 0 }

// Append appends the 12 bytes of r to dst, epoch first, big endian: encoded
// refs sort as refs do.
func (r Ref) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, r.Epoch)
	return binary.BigEndian.AppendUint64(dst, r.Number)
}

// ParseRef reads what Append wrote; b must be exactly those 12 bytes.
func ParseRef(b []byte) (Ref, error) {
	if len(b) != refSize {
		return Ref{}, fmt.Errorf("%d bytes: %w", len(b), errRef)
	}
	return Ref{Epoch: binary.BigEndian.Uint32(b), Number: binary.BigEndian.Uint64(b[4:])}, nil
}

// String returns epoch and number as the folder names them on disk.
func (r Ref) String() string { return epochName(r.Epoch) + "/" + fileName(r.Number) }

func epochName(epoch uint32) string { return fmt.Sprintf("%08x", epoch) }

func fileName(number uint64) string { return fmt.Sprintf("%016x", number) }

// parseEpochName is the inverse of epochName; any other spelling is refused.
func parseEpochName(name string) (uint32, bool) {
	n, err := strconv.ParseUint(name, 16, 32)
	return uint32(n), err == nil && n != 0 && epochName(uint32(n)) == name
}

// parseFileName is the inverse of fileName; any other spelling is refused.
func parseFileName(name string) (uint64, bool) {
	n, err := strconv.ParseUint(name, 16, 64)
	return n, err == nil && fileName(n) == name
}
