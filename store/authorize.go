package store

import (
	"context"
	"fmt"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// ObjectFacts is what is stored of an entry and may decide whether a request is
// allowed.
type ObjectFacts struct {
	Versioning versioning.State // of the bucket, which stays so until the request is done

	Exists bool // false: there is no such entry, and what follows is empty
	Marker bool // it is a delete marker
	Tags   []Tag
	Lock   versioning.Lock
	Owner  Owner
	ACL    []byte // as it was stored; nil if none was
}

// Authorize decides from stored facts whether a request is allowed. It is pure,
// and may be called more than once. It is called within the view that the request
// is decided in, before anything else that depends on the entry: its error is the
// answer, and nothing is changed (spec AP3.1-14). Nil allows everything and costs
// nothing.
type Authorize func(ObjectFacts) error

// MayBypass decides from stored facts whether whoever asks to bypass governance may do
// that for the entry (spec AP1-9). It is called as an Authorize is, and after it. What no
// becomes of, the rules say: nothing, unless governance is in the way (spec OL1.4-3).
type MayBypass func(ObjectFacts) (bool, error)

// Facts returns what an Authorize is asked about the entry of a key that is named, or
// else the current one. A request whose other checks come after permission asks with
// them first (spec AP3.1-8); they may have changed when it acts, so it asks again.
func (s *Store) Facts(ctx context.Context, bucket, key string, id versioning.ID) (ObjectFacts, error) {
	var facts ObjectFacts
	b, err := s.bucket(bucket)
	if err == nil {
		err = checkKey(key)
	}
	if err == nil {
		err = s.view(ctx, func(r engine.Reader) (err error) {
			h := &history{bucket: b, state: b.row.Load().Versioning, key: key}
			rule := versioning.ReadRequest{Operation: versioning.GetObject, ID: id}
			f, err := h.readFacts(r, &rule)
			if err == nil {
				facts, err = h.objectFacts(r, about(f, id))
			}
			return err
		})
	}
	if err != nil {
		return ObjectFacts{}, &Error{Op: "read facts", Bucket: bucket, Key: key, Err: err}
	}
	return facts, nil
}

// allNeeds is what the rule of e looks at, and what its authorize is asked about.
func (e *edit) allNeeds(s versioning.State) versioning.Needs {
	n := e.needs(s)
	if e.authorize != nil || e.mayBypass != nil {
		n.Current = n.Current || e.id.IsZero()
		n.Target = n.Target || !e.id.IsZero()
	}
	return n
}

// refuse asks the authorize of e, given the facts of allNeeds, about the entry that
// e is about, and then whether e may bypass governance. refused is its answer; err says
// that there is none.
func (h *history) refuse(r engine.Reader, e *edit, f versioning.Facts) (refused, err error) {
	if e.authorize == nil && e.mayBypass == nil {
		return nil, nil
	}
	facts, err := h.objectFacts(r, about(f, e.id))
	if err != nil {
		return nil, err
	}
	if e.authorize != nil {
		refused = e.authorize(facts)
	}
	if e.mayBypass != nil && refused == nil {
		e.bypass, refused = e.mayBypass(facts)
	}
	return refused, nil
}

// about is the entry that a request with id is about: the one that is named, or the
// current one; nil if there is none.
func about(f versioning.Facts, id versioning.ID) *versioning.Version {
	if id.IsZero() {
		return f.Current
	}
	return f.Target
}

// objectFacts returns what is stored of v, which is nil if there is no entry.
func (h *history) objectFacts(r engine.Reader, v *versioning.Version) (ObjectFacts, error) {
	if v == nil {
		return ObjectFacts{Versioning: h.state}, nil
	}
	rec, err := h.record(r, v.Order)
	if err != nil {
		return ObjectFacts{}, err
	}
	if rec == nil {
		return ObjectFacts{}, fmt.Errorf("%w: version row is missing", ErrDamaged)
	}
	return h.factsOf(rec), nil
}

// factsOf returns what is stored of an entry, whose record is read.
func (h *history) factsOf(rec *record) ObjectFacts {
	return ObjectFacts{
		Versioning: h.state, Exists: true, Marker: rec.marker, Tags: rec.tags, Lock: rec.lock,
		Owner: h.ownerOf(rec), ACL: rec.acl,
	}
}
