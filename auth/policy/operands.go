package policy

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// order is which outcomes of a comparison an operator accepts.
type order uint8

const (
	less order = 1 << iota
	equal
	greater
)

// accepts reports whether the outcome c of a comparison, as of cmp.Compare, is
// among them.
func (o order) accepts(c int) bool { return o&(1<<(c+1)) != 0 }

type numberOperand struct {
	number float64
	order  order
}

func compileNumber(o order) func(string, bool) (operand, error) {
	return func(s string, _ bool) (operand, error) {
		n, ok := number(s)
		if !ok {
			return nil, errOperand
		}
		return numberOperand{n, o}, nil
	}
}

func (o numberOperand) match(_ *evaluation, value string) answer {
	n, ok := number(value)
	if !ok {
		return unknown
	}
	return answerOf(o.order.accepts(cmp.Compare(n, o.number)))
}

// number reads a decimal number, without the names and the hexadecimal form
// that Go knows besides.
func number(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

type dateOperand struct {
	time  time.Time
	order order
}

func compileDate(o order) func(string, bool) (operand, error) {
	return func(s string, _ bool) (operand, error) {
		t, ok := date(s)
		if !ok {
			return nil, errOperand
		}
		return dateOperand{t, o}, nil
	}
}

func (o dateOperand) match(_ *evaluation, value string) answer {
	t, ok := date(value)
	if !ok {
		return unknown
	}
	return answerOf(o.order.accepts(t.Compare(o.time)))
}

// dateForms are the forms of ISO 8601 that IAM reads (W3C note on date formats).
var dateForms = []string{
	time.RFC3339,
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02",
	"20060102T150405Z",
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// date reads a time in ISO 8601, or in seconds since 1970, of which a part may
// follow a point.
func date(s string) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	whole, part, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > maxSeconds || seconds < -maxSeconds {
		return time.Time{}, false
	}
	nanos, ok := nanoseconds(part)
	return time.Unix(seconds, nanos), ok
}

func nanoseconds(fraction string) (int64, bool) {
	if fraction == "" {
		return 0, true
	}
	n, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	return int64(n), err == nil
}
