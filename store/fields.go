package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A record is a sequence of fields: tag and length as unsigned varints, then the
// payload. Tags below firstOptional are critical.
const firstOptional = 64

// errRecord says that bytes are no record that this version wrote.
var errRecord = errors.New("malformed record")

// unknownFieldError is met in a record with a critical field of a later version:
// the record must neither be served, nor rewritten, nor destroyed.
type unknownFieldError struct{ tag uint64 }

func (e unknownFieldError) Error() string {
	return fmt.Sprintf("record has field %d, which this version does not know", e.tag)
}

// Is makes the error an [ErrFormat].
func (e unknownFieldError) Is(target error) bool { return target == ErrFormat }

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

func (f *fields) text(tag uint64, s string) {
	if s == "" {
		return
	}
	*f = binary.AppendUvarint(*f, tag)
	*f = binary.AppendUvarint(*f, uint64(len(s)))
	*f = append(*f, s...)
}

func (f *fields) uint(tag, n uint64) {
	if n == 0 {
		return
	}
	var buf [binary.MaxVarintLen64]byte
	f.bytes(tag, binary.AppendUvarint(buf[:0], n))
}

func (f *fields) flag(tag uint64, set bool) {
	if set {
		f.uint(tag, 1)
	}
}

// time keeps milliseconds since 1970; the zero time is left out.
func (f *fields) time(tag uint64, t time.Time) {
	if !t.IsZero() {
		f.uint(tag, uint64(t.UnixMilli()))
	}
}

// pair keeps a name and a value, in this order, the name's length first.
func (f *fields) pair(tag uint64, p Pair) {
	buf := make([]byte, 0, binary.MaxVarintLen32+len(p.Name)+len(p.Value))
	buf = binary.AppendUvarint(buf, uint64(len(p.Name)))
	buf = append(buf, p.Name...)
	f.bytes(tag, append(buf, p.Value...))
}

// readFields calls field for each field of record. A field that it does not know
// it reports as unknown; a critical one then makes the record unreadable, others
// are returned for a later rewrite.
func readFields(record []byte, field func(tag uint64, payload []byte) (known bool, err error)) (unknown []byte, err error) {
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
		known, err := field(tag, rest[n+m:end])
		if err != nil {
			return nil, err
		}
		if !known {
			if tag < firstOptional {
				return nil, unknownFieldError{tag}
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

func readPair(payload []byte, ok *bool) Pair {
	size, n := binary.Uvarint(payload)
	if n <= 0 || size > uint64(len(payload)-n) {
		*ok = false
		return Pair{}
	}
	return Pair{Name: string(payload[n : n+int(size)]), Value: string(payload[n+int(size):])}
}
