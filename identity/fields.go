package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A row is a record as docs/format.md describes them: a sequence of fields, tag and length as unsigned varints, then the
// payload. Tags below firstOptional are critical.
const firstOptional = 64

var errRecord = errors.New("malformed record")

// fields builds a record. Zero values are left out.
type fields []byte

func (f *fields) bytes(tag uint64, payload []byte) {
	if len(payload) == 0 {
		return
	}
	*f = binary.AppendUvarint(*f, tag)
	*f = binary.AppendUvarint(*f, uint64(len(payload)))
	*f = append(*f, payload...)
}

func (f *fields) text(tag uint64, s string) { f.bytes(tag, []byte(s)) }

func (f *fields) uint(tag, n uint64) {
	if n != 0 {
		f.bytes(tag, binary.AppendUvarint(nil, n))
	}
}

func (f *fields) flag(tag uint64, set bool) {
	if set {
		f.uint(tag, 1)
	}
}

func (f *fields) time(tag uint64, t time.Time) {
	if !t.IsZero() {
		f.uint(tag, uint64(t.UnixMilli()))
	}
}

// readFields calls field for each field of record. One that field does not know makes the record unreadable if it is
// critical; others are returned, to be written again.
func readFields(record []byte, field func(tag uint64, payload []byte) (known bool)) (unknown []byte, err error) {
	for rest := record; len(rest) > 0; {
		tag, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errRecord
		}
		size, m := binary.Uvarint(rest[n:])
		if m <= 0 || size > uint64(len(rest)-n-m) {
			return nil, errRecord
		}
		end := n + m + int(size)
		if !field(tag, rest[n+m:end]) {
			if tag < firstOptional {
				return nil, fmt.Errorf("%w: field %d", ErrNewer, tag)
			}
			unknown = append(unknown, rest[:end]...)
		}
		rest = rest[end:]
	}
	return unknown, nil
}

// The readers of payloads set *ok to false if the payload is malformed.

func readUint(payload []byte, ok *bool) uint64 {
	n, size := binary.Uvarint(payload)
	if size != len(payload) {
		*ok = false
	}
	return n
}

func readTime(payload []byte, ok *bool) time.Time {
	ms := readUint(payload, ok)
	if ms > 1<<60 {
		*ok = false
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}
