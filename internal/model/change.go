package model

import (
	"slices"

	"github.com/seed61737384/tombstone/versioning"
)

// ConditionKind is what a condition demands of the current entry.
type ConditionKind uint8

// The kinds of condition (spec VD6, VD7).
const (
	Unconditional ConditionKind = iota
	MustBeAbsent                // If-None-Match: *
	MustExist                   // If-Match: *
	MustMatch                   // If-Match: <etag>
)

// Condition is the condition of a change.
type Condition struct {
	Kind ConditionKind
	ETag string
}

// holds evaluates c for a key: a delete marker on top counts as no object (spec
// VD6-3, VD7-1).
func (c Condition) holds(history []*Entry) error {
	var current *Entry
	if len(history) > 0 && !history[0].DeleteMarker {
		current = history[0]
	}
	switch {
	case c.Kind == Unconditional, c.Kind == MustBeAbsent && current == nil:
		return nil
	case c.Kind == MustBeAbsent:
		return PreconditionFailed
	case current == nil:
		return NoSuchKey
	case c.Kind == MustMatch && current.Object.ETag != c.ETag:
		return PreconditionFailed
	}
	return nil
}

// Put is a request that stores an object.
type Put struct {
	Bucket, Key string
	Object      Object
	Condition   Condition
	Name        string // of the new entry, if it is not the null entry
}

// Delete is a request that deletes a key, or the entry that ID names.
type Delete struct {
	Key       string
	ID        string
	Condition Condition
	Bypass    bool   // of governance, asked for and allowed
	Name      string // of a delete marker, if it is not the null entry
}

// Answer is the part of an answer that the state of the bucket decides.
type Answer struct {
	VersionID    string // x-amz-version-id, empty if not sent
	DeleteMarker bool   // x-amz-delete-marker: true is sent
	Made         *Entry // the entry that the request made, nil if none
}

// Put stores an object (spec VD3-1, VD3.1-9).
func (s *Store) Put(r Put) (Answer, error) {
	if err := s.Admits(r); err != nil {
		return Answer{}, err
	}
	b := s.buckets[r.Bucket]
	r.Object.Lock = s.withDefault(b, r.Object.Lock)
	e, err := s.add(b, &Entry{Key: r.Key, Object: r.Object}, r.Name)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Made: e}
	if b.state == versioning.Enabled {
		a.VersionID = e.Name
	}
	return a, nil
}

// Admits tells whether a put would be refused before its body is read, and why
// (spec VD7-2 to VD7-7).
func (s *Store) Admits(r Put) error {
	b := s.buckets[r.Bucket]
	switch {
	case b == nil:
		return NoSuchBucket
	case r.Condition.Kind == MustExist:
		return NotImplemented
	case !r.Object.Lock.IsZero() && !b.lock:
		return InvalidRequest // spec OL1.2-13
	}
	return r.Condition.holds(b.keys[r.Key])
}

// Delete deletes a key or one entry of it (spec VD3-3, VD3-4, VD3.2, VD3.3).
func (s *Store) Delete(bucket string, r Delete) (Answer, error) {
	b := s.buckets[bucket]
	switch {
	case b == nil:
		return Answer{}, NoSuchBucket
	case r.ID != "" && r.Condition.Kind != Unconditional:
		return Answer{}, NotImplemented // spec VD6-6
	case r.ID != "":
		return s.deleteEntry(b, r)
	}
	if err := r.Condition.holds(b.keys[r.Key]); err != nil {
		return Answer{}, err
	}
	if b.state == versioning.Unversioned {
		if s.locked(b, r.Key, Null, r.Bypass) {
			return Answer{}, ObjectLocked
		}
		b.remove(r.Key, Null)
		return Answer{}, nil
	}
	e, err := s.add(b, &Entry{Key: r.Key, DeleteMarker: true}, r.Name)
	if err != nil {
		return Answer{}, err
	}
	return Answer{VersionID: e.Name, DeleteMarker: true, Made: e}, nil
}

// deleteEntry removes one entry for good; what is not there is answered as if it
// had been (spec VD3.3-1 to VD3.3-7, VD3.3-10).
func (s *Store) deleteEntry(b *bucket, r Delete) (Answer, error) {
	if s.locked(b, r.Key, r.ID, r.Bypass) {
		return Answer{}, ObjectLocked
	}
	removed := b.remove(r.Key, r.ID)
	a := Answer{VersionID: r.ID, DeleteMarker: removed != nil && removed.DeleteMarker}
	if b.state == versioning.Unversioned && r.ID == Null {
		a.VersionID = ""
	}
	return a, nil
}

// add makes e the newest entry of its key, in Enabled under its name, else as the
// null entry in place of the one before.
func (s *Store) add(b *bucket, e *Entry, name string) (*Entry, error) {
	if b.state != versioning.Enabled && s.locked(b, e.Key, Null, false) {
		return nil, ObjectLocked
	}
	s.made++
	e.Place, e.Name = s.made, name
	if b.state == versioning.Enabled {
		s.places[name] = e.Place
	} else {
		e.Name, e.ID = Null, Null
		b.remove(e.Key, Null)
	}
	b.keys[e.Key] = slices.Insert(b.keys[e.Key], 0, e)
	return e, nil
}

// remove takes an entry out of the history of its key and returns it, nil if it
// is not there. A key without entries is absent (spec VD3.3-13).
func (b *bucket) remove(key, name string) *Entry {
	history := b.keys[key]
	i := slices.IndexFunc(history, func(e *Entry) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	e := history[i]
	if len(history) == 1 {
		delete(b.keys, key)
		return e
	}
	b.keys[key] = slices.Delete(history, i, i+1)
	return e
}

// Read returns the entry that a GET or HEAD shows, and the x-amz-version-id it
// says (spec VD4-22). If a delete marker is in the way it is returned with the
// refusal (spec VD4-1, VD4-2, VD4-12, VD4-13).
func (s *Store) Read(bucket, key, id string) (*Entry, string, error) {
	b := s.buckets[bucket]
	if b == nil {
		return nil, "", NoSuchBucket
	}
	var found *Entry
	for i, e := range b.keys[key] {
		if id == "" && i == 0 || id != "" && e.Name == id {
			found = e
		}
	}
	switch {
	case found == nil && id == "":
		return nil, "", NoSuchKey
	case found == nil:
		return nil, "", NoSuchVersion
	case found.DeleteMarker && id == "":
		return found, "", NoSuchKey
	case found.DeleteMarker:
		return found, "", MethodNotAllowed
	case b.state == versioning.Unversioned:
		return found, "", nil
	}
	return found, found.Name, nil
}
