package lifecycle

import (
	"strings"
	"time"
)

const (
	day     = 24 * time.Hour
	daySecs = int64(day / time.Second)

	// endOfTime is the last midnight of the year 9999, in seconds since 1970: neither
	// JSON nor the clients that read headers know a later one.
	endOfTime = 253402214400
)

// dueAfter returns when so many days are over since t, rounded up to midnight UTC; a
// sum that is a midnight stays one (spec LC4-1, LC4-6). It does not overflow as a
// Duration would, and is endOfTime at most.
func dueAfter(t time.Time, days int) time.Time {
	secs := t.Unix() + int64(days)*daySecs
	past := secs % daySecs
	if past < 0 { // before 1970
		past += daySecs
	}
	if past > 0 || t.Nanosecond() > 0 {
		secs += daySecs - past
	}
	return time.Unix(min(secs, endOfTime), 0).UTC()
}

// first keeps the rule that is due first; of those due at one time the one that
// stands first (spec LC4-18).
type first struct {
	rule *Rule
	due  time.Time
}

// offer is called with rules in the order of the document.
func (f *first) offer(r *Rule, due time.Time) {
	if f.rule == nil || due.Before(f.due) {
		f.rule, f.due = r, due
	}
}

// expires returns when r expires a current entry that was made at modified, by Days
// or Date (spec LC4-1, LC4-2).
func (r *Rule) expires(modified time.Time) (due time.Time, ok bool) {
	switch x := r.Expiration; {
	case x == nil:
		return time.Time{}, false
	case x.Days > 0:
		return dueAfter(modified, x.Days), true
	default:
		return x.Date, !x.Date.IsZero()
	}
}

// ForUpload returns the enabled rule that is the first to abort an upload of key
// that began at initiated, and when it is due (spec LC4-4).
func (c *Config) ForUpload(key string, initiated time.Time) (r *Rule, due time.Time, ok bool) {
	var f first
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Enabled && r.AbortDays > 0 && strings.HasPrefix(key, r.Filter.Prefix) {
			f.offer(r, dueAfter(initiated, r.AbortDays))
		}
	}
	return f.rule, f.due, f.rule != nil
}

// ForCurrent returns the enabled rule that is the first to expire the object e if it
// stays current, and when it is due: what x-amz-expiration tells (spec LC5-1). There
// is none for a delete marker.
func (c *Config) ForCurrent(e *Entry) (r *Rule, due time.Time, ok bool) {
	var f first
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.Enabled || e.Marker || !r.Filter.matches(e) {
			continue
		}
		if due, ok := r.expires(e.LastModified); ok {
			f.offer(r, due)
		}
	}
	return f.rule, f.due, f.rule != nil
}
