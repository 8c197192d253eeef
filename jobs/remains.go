package jobs

import (
	"fmt"
	"strings"
)

// RemainsError says why a bucket was not deleted that was to be.
type RemainsError struct{ Counts Counts }

// Error names what is left.
func (e *RemainsError) Error() string {
	var left []string
	for _, k := range []struct {
		n    int64
		what string
	}{
		{e.Counts.Held, "held by locks" + e.Counts.until()},
		{e.Counts.Refused, "not allowed to be removed"},
		{e.Counts.Hiding, "delete markers that hide what stays"},
		{e.Counts.Changed, "changed all the time"},
		{e.Counts.Damaged, "keys with an entry that cannot be read"},
		{e.Counts.Since, "came since the start"},
	} {
		if k.n > 0 {
			left = append(left, fmt.Sprintf("%d %s", k.n, k.what))
		}
	}
	if len(left) == 0 {
		left = append(left, "something came since the start")
	}
	return "the bucket is not deleted, for it is not empty: " + strings.Join(left, ", ")
}

// Unwrap returns [ErrBucketNotEmpty].
func (e *RemainsError) Unwrap() error { return ErrBucketNotEmpty }

// Remain reports whether something was met that was not removed.
func (c *Counts) Remain() bool {
	return c.Held+c.Refused+c.Hiding+c.Changed+c.Damaged+c.Since > 0
}

// until says until when locks hold.
func (c *Counts) until() string {
	var s string
	if !c.HeldUntil.IsZero() {
		s = " until " + c.HeldUntil.UTC().Format("2006-01-02T15:04:05Z")
	}
	if c.LegalHold > 0 {
		s += fmt.Sprintf(" (%d by a legal hold, without an end)", c.LegalHold)
	}
	return s
}
