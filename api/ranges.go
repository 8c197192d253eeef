package api

import (
	"strconv"
	"strings"
)

// span is a part of an object: length bytes from offset.
type span struct{ offset, length int64 }

// rangeKind says what a Range header asks for.
type rangeKind uint8

const (
	wholeObject   rangeKind = iota // nothing that can be honoured: all of it
	partOfObject                   // the span
	unsatisfiable                  // no byte that is there
)

// parseRange reads the value of a Range header for an object of size bytes (spec
// WI6-6). Several ranges and malformed values ask for the whole object.
func parseRange(value string, size int64) (span, rangeKind) {
	spec, ok := strings.CutPrefix(value, "bytes=")
	if !ok {
		return span{}, wholeObject
	}
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return span{}, wholeObject
	}
	if first == "" {
		return suffix(last, size)
	}
	start, ok := parseOffset(first)
	if !ok {
		return span{}, wholeObject
	}
	end := size - 1
	if last != "" {
		n, ok := parseOffset(last)
		if !ok || n < start {
			return span{}, wholeObject
		}
		end = min(end, n)
	}
	if start >= size {
		return span{}, unsatisfiable
	}
	return span{offset: start, length: end - start + 1}, partOfObject
}

// suffix reads a range of the form -n: the last n bytes.
func suffix(digits string, size int64) (span, rangeKind) {
	n, ok := parseOffset(digits)
	if !ok {
		return span{}, wholeObject
	}
	n = min(n, size)
	if n == 0 {
		return span{}, unsatisfiable
	}
	return span{offset: size - n, length: n}, partOfObject
}

// parseOffset reads a number of digits alone. One too large for any object is the
// largest offset there is.
func parseOffset(digits string) (int64, bool) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	// On overflow ParseInt returns the largest number.
	return n, err == nil || n > 0
}

// contentRange writes s as the Content-Range header shows it.
func contentRange(s span, size int64) string {
	return "bytes " + strconv.FormatInt(s.offset, 10) + "-" + strconv.FormatInt(s.offset+s.length-1, 10) +
		"/" + strconv.FormatInt(size, 10)
}
