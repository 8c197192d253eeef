package model

import (
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Rule is a rule of a lifecycle configuration. A zero field is a condition or an
// action that the rule does not have.
type Rule struct {
	ID       string
	Disabled bool

	Prefix      string
	Tags        map[string]string
	Over, Under *int64 // ObjectSizeGreaterThan, ObjectSizeLessThan

	ExpireDays     int
	ExpireDate     time.Time
	ExpireMarkers  bool // ExpiredObjectDeleteMarker
	NoncurrentDays int
	Keep           int // NewerNoncurrentVersions
	AbortDays      int
}

// Aged is an entry of a key as rules see it.
type Aged struct {
	Key, Name    string // Name is Null or unique
	DeleteMarker bool
	Size         int64
	Modified     time.Time
	Tags         map[string]string
	Hold         bool
	Retain       time.Time // end of a retention of whatever mode, zero for none
}

// Deed is what a rule does to an entry.
type Deed uint8

// The deeds.
const (
	Nothing          Deed = iota
	ExpireCurrent         // what a DELETE of the key does
	RemoveNoncurrent      // for good
	RemoveMarker          // of a key that has nothing else
)

// String returns a word for d.
func (d Deed) String() string {
	return [...]string{"nothing", "expire-current", "remove-noncurrent", "remove-marker"}[d]
}

// Prospect is what the rules have in store for an entry, and when. Rule is nil if
// they have nothing.
type Prospect struct {
	Deed Deed
	Rule *Rule
	Due  time.Time
}

// Done is a deed that was done.
type Done struct {
	Prospect
	Entry *Aged
}

// Lifecycle judges histories at one instant: Now in object time, Locks in lock
// time, with the bucket in State.
type Lifecycle struct {
	Rules      []Rule
	State      versioning.State
	Now, Locks time.Time
}

// Expire does to a history, newest first, all that is due: the first deed from its
// newest end, then the first in what is left of it, until there is none.
func (l *Lifecycle) Expire(history []*Aged) (after []*Aged, done []Done) {
	after = history
	for i := 0; i < len(after); {
		if !l.acts(after, i) {
			i++
			continue
		}
		done = append(done, Done{Prospect: l.Prospect(after, i), Entry: after[i]})
		after, i = l.do(after, i), 0
	}
	return after, done
}

// acts tells whether something is to be done now to entry i of a history as it
// stands. A lock keeps what is there, and does not keep a key from being hidden
// (spec LC6-1).
func (l *Lifecycle) acts(history []*Aged, i int) bool {
	p := l.Prospect(history, i)
	if p.Deed == Nothing || p.Due.After(l.Now) {
		return false
	}
	return p.Deed != RemoveNoncurrent || !l.Protected(history[i])
}

// Protected tells whether a lock keeps e.
func (l *Lifecycle) Protected(e *Aged) bool { return e.Hold || e.Retain.After(l.Locks) }

// do does what is due to entry i (spec LC4-7, LC4-9, LC4-10, LC4-11).
func (l *Lifecycle) do(history []*Aged, i int) []*Aged {
	e := history[i]
	if i > 0 || e.DeleteMarker || l.State == versioning.Unversioned {
		return slices.Delete(slices.Clone(history), i, i+1)
	}
	marker := &Aged{Key: e.Key, Name: "marker of lifecycle", DeleteMarker: true, Modified: l.Now}
	if l.State == versioning.Suspended {
		marker.Name = Null
		history = slices.DeleteFunc(slices.Clone(history), func(e *Aged) bool { return e.Name == Null })
	}
	return slices.Insert(slices.Clone(history), 0, marker)
}

// Prospect returns what the rules will do to entry i of a history if it stays as it
// is: the earliest counts, of several at one time that of the first rule (spec
// LC4-18).
func (l *Lifecycle) Prospect(history []*Aged, i int) Prospect {
	var best Prospect
	for n := range l.Rules {
		r := &l.Rules[n]
		if r.Disabled || !r.Matches(history[i]) {
			continue // spec LC4-19
		}
		for _, p := range l.prospects(r, history, i) {
			if best.Deed == Nothing || p.Due.Before(best.Due) {
				best = p
			}
		}
	}
	return best
}

// prospects returns what one rule, which matches, has in store for entry i.
func (l *Lifecycle) prospects(r *Rule, history []*Aged, i int) (all []Prospect) {
	e := history[i]
	add := func(d Deed, due time.Time) { all = append(all, Prospect{Deed: d, Rule: r, Due: due}) }
	if i > 0 {
		newer := i - 1 // noncurrent entries that are newer, spec LC4-15
		if l.State != versioning.Unversioned && r.NoncurrentDays > 0 && newer >= r.Keep {
			add(RemoveNoncurrent, after(history[i-1].Modified, r.NoncurrentDays)) // spec LC4-3, LC4-12
		}
		return all
	}
	deed := ExpireCurrent
	if e.DeleteMarker {
		if len(history) > 1 {
			return nil // spec LC4-8
		}
		deed = RemoveMarker
		if r.ExpireMarkers {
			add(deed, e.Modified) // spec LC4-5
		}
	}
	if r.ExpireDays > 0 {
		add(deed, after(e.Modified, r.ExpireDays))
	}
	if !r.ExpireDate.IsZero() {
		add(deed, r.ExpireDate) // spec LC4-2
	}
	return all
}

// Matches evaluates the conditions of a rule on an entry (spec LC4-16, LC4-17,
// LC2-2).
func (r *Rule) Matches(e *Aged) bool {
	bySize, byTag := r.Over != nil || r.Under != nil, len(r.Tags) > 0
	switch {
	case !strings.HasPrefix(e.Key, r.Prefix):
		return false
	case e.DeleteMarker:
		return !bySize && !byTag
	case r.Over != nil && e.Size <= *r.Over, r.Under != nil && e.Size >= *r.Under:
		return false
	}
	for key, value := range r.Tags {
		if has, found := e.Tags[key]; !found || has != value {
			return false
		}
	}
	return true
}

// Abort returns the rule that will abort an upload, and when; nil if none will
// (spec LC4-4, LC6-4).
func (l *Lifecycle) Abort(key string, initiated time.Time) (rule *Rule, due time.Time) {
	for n := range l.Rules {
		r := &l.Rules[n]
		if r.Disabled || r.AbortDays == 0 || !strings.HasPrefix(key, r.Prefix) {
			continue
		}
		if d := after(initiated, r.AbortDays); rule == nil || d.Before(due) {
			rule, due = r, d
		}
	}
	return rule, due
}

// after returns when an action is due so many days after t: at the first midnight
// that is not earlier (spec LC4-1, LC4-6).
func after(t time.Time, days int) time.Time {
	t = t.UTC().Add(time.Duration(days) * day)
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	if midnight.Before(t) {
		midnight = midnight.AddDate(0, 0, 1)
	}
	return midnight
}
