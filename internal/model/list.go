package model

import "strings"

// List is a listing request.
type List struct {
	Bucket            string
	Prefix, Delimiter string
	After             string // key marker
	AfterID           string // version id marker, for ListVersions
	Limit             int
}

// Listed is an entry of a page.
type Listed struct {
	*Entry
	Latest bool
}

// Page is a page of a listing.
type Page struct {
	Entries   []Listed
	Prefixes  []string
	Truncated bool
	// Last and LastID name the last entry of the page, LastID is empty if that is
	// a common prefix (spec LS2-3, LS2-18).
	Last, LastID string
}

// ListObjects lists the keys whose current entry is an object (spec LS3-1).
func (s *Store) ListObjects(r List) (Page, error) {
	r.AfterID = ""
	return s.list(r, func(e Listed) bool { return e.Latest && !e.DeleteMarker })
}

// ListVersions lists all entries, newest first within a key (spec LS2-7).
func (s *Store) ListVersions(r List) (Page, error) {
	return s.list(r, func(Listed) bool { return true })
}

func (s *Store) list(r List, shown func(Listed) bool) (Page, error) {
	if s.buckets[r.Bucket] == nil {
		return Page{}, NoSuchBucket
	}
	var p Page
	for _, key := range s.Keys(r.Bucket, r.Prefix) {
		for i, e := range s.History(r.Bucket, key) {
			listed := Listed{Entry: e, Latest: i == 0}
			if !shown(listed) || !s.follows(r, e) {
				continue
			}
			if !p.take(r, listed) {
				return p, nil
			}
		}
	}
	return p, nil
}

// take adds e, or the common prefix it rolls up into, to the page. It returns
// false once the page is known to be truncated or was to be empty (spec LS1-3,
// LS6-3).
func (p *Page) take(r List, e Listed) bool {
	prefix := commonPrefix(r, e.Key)
	if prefix != "" && len(p.Prefixes) > 0 && p.Prefixes[len(p.Prefixes)-1] == prefix {
		return true
	}
	if len(p.Entries)+len(p.Prefixes) == r.Limit {
		p.Truncated = r.Limit > 0
		return false
	}
	if prefix != "" {
		p.Prefixes = append(p.Prefixes, prefix)
		p.Last, p.LastID = prefix, ""
		return true
	}
	p.Entries = append(p.Entries, e)
	p.Last, p.LastID = e.Key, e.Name
	return true
}

// commonPrefix returns what key rolls up into, empty if it stands for itself
// (spec LS1-7).
func commonPrefix(r List, key string) string {
	if r.Delimiter == "" {
		return ""
	}
	before, _, found := strings.Cut(key[len(r.Prefix):], r.Delimiter)
	if !found {
		return ""
	}
	return r.Prefix + before + r.Delimiter
}

// follows tells whether e stands behind the markers (spec LS1-8, LS2-11, LS2-12,
// LS2-16, LS2-17, LS2-19).
func (s *Store) follows(r List, e *Entry) bool {
	if prefix := commonPrefix(r, e.Key); prefix != "" {
		return prefix > r.After
	}
	if e.Key != r.After || r.AfterID == "" {
		return e.Key > r.After
	}
	place, known := s.places[r.AfterID]
	if r.AfterID == Null {
		place, known = 0, true
		for _, other := range s.History(r.Bucket, r.After) {
			if other.Name == Null {
				place = other.Place
			}
		}
	}
	return known && e.Place < place
}
