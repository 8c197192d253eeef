package lifecycle

import (
	"slices"
	"strings"
)

// Tag is a tag of an object, or what a filter demands of one.
type Tag struct{ Key, Value string }

// Filter says which entries a rule is about: those that meet all its conditions.
// The zero Filter selects everything (spec LC4-17).
type Filter struct {
	Prefix string // of the key
	// HasPrefix says that the element Prefix was there; it matters if it was empty.
	HasPrefix bool
	Tags      []Tag  // all of which the entry has, key and value
	Greater   *int64 // bytes; the size is more than that (spec LC2-2)
	Less      *int64 // bytes; the size is less than that
}

// namesPrefix reports whether the filter is written with a Prefix.
func (f *Filter) namesPrefix() bool { return f.HasPrefix || f.Prefix != "" }

// conditions returns how many conditions the filter is written with.
func (f *Filter) conditions() int {
	n := len(f.Tags)
	for _, is := range []bool{f.namesPrefix(), f.Greater != nil, f.Less != nil} {
		if is {
			n++
		}
	}
	return n
}

// matches reports whether the filter selects e, by what e itself is (spec LC4-16).
func (f *Filter) matches(e *Entry) bool {
	return strings.HasPrefix(e.Key, f.Prefix) && f.selects(e)
}

// selects is matches for an entry whose key has the prefix. A delete marker has
// neither tags nor a size, so that a condition on them never holds of it.
func (f *Filter) selects(e *Entry) bool {
	if len(f.Tags) == 0 && f.Greater == nil && f.Less == nil {
		return true
	}
	if e.Marker || f.Greater != nil && e.Size <= *f.Greater || f.Less != nil && e.Size >= *f.Less {
		return false
	}
	for _, t := range f.Tags {
		if !slices.Contains(e.Tags, t) {
			return false
		}
	}
	return true
}

// matcher finds the rules whose prefix a key has. Keys come in order, so what was
// found for one mostly holds for the next ones: what decided is within its first
// bytes.
type matcher struct {
	rules []*Rule
	found []*Rule // of rules, in their order
	// known begins each key for which found is right; it means nothing unless
	// decided.
	known   string
	decided bool
}

// match returns the rules whose prefix key has, until the next call.
func (m *matcher) match(key string) []*Rule {
	if m.decided && strings.HasPrefix(key, m.known) {
		return m.found
	}
	m.found, m.decided = m.found[:0], true
	looked := 0 // how many bytes of key decided
	for _, r := range m.rules {
		n := common(key, r.Filter.Prefix)
		switch {
		case n == len(r.Filter.Prefix):
			m.found = append(m.found, r)
			looked = max(looked, n)
		case n == len(key): // a longer key may have the prefix
			m.decided = false
		default:
			looked = max(looked, n+1)
		}
	}
	m.known = key[:looked]
	return m.found
}

// common returns how many bytes a and b have in common at their beginning.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
