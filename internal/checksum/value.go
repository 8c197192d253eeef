package checksum

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
)

// ErrValue is the error of ParseValue for text that is no value of its
// algorithm; S3 answers it with 400 InvalidRequest (WI4-7).
var ErrValue = errors.New("checksum value is invalid")

// strict refuses set padding bits, so that each digest has one text.
var strict = base64.StdEncoding.Strict()

// Value is a digest together with its algorithm. The zero value means that no
// checksum is known.
type Value struct {
	Algorithm Algorithm
	// Sum is the big-endian digest, Algorithm.Size() bytes.
	Sum []byte
}

// ValueOf returns the value of everything written to h, which must come from
// a.New.
func ValueOf(a Algorithm, h hash.Hash) Value {
	return Value{Algorithm: a, Sum: h.Sum(nil)}
}

// Of returns the value of data under a, and the zero value under None.
func Of(a Algorithm, data []byte) Value {
	h := a.New()
	if h == nil {
		return Value{}
	}
	h.Write(data)
	return ValueOf(a, h)
}

// ParseValue decodes the base64 text of a header or trailer. Text that does not
// decode to exactly a.Size() bytes is refused with ErrValue.
func ParseValue(a Algorithm, text string) (Value, error) {
	size := a.Size()
	if size == 0 || len(text) != strict.EncodedLen(size) {
		return Value{}, fmt.Errorf("%v of %d characters: %w", a, len(text), ErrValue)
	}
	sum, err := strict.DecodeString(text)
	// The decoder skips line ends, which shortens what it returns.
	if err != nil || len(sum) != size {
		return Value{}, fmt.Errorf("%v %q: %w", a, text, ErrValue)
	}
	return Value{Algorithm: a, Sum: sum}, nil
}

// String returns the base64 text that ParseValue reads, "" for the zero value.
func (v Value) String() string { return strict.EncodeToString(v.Sum) }

// Equal reports whether v and w are the same digest of the same algorithm.
func (v Value) Equal(w Value) bool {
	return v.Algorithm == w.Algorithm && bytes.Equal(v.Sum, w.Sum)
}
