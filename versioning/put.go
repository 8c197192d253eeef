package versioning

import "time"

// PutRequest is a request that stores an object: PutObject, a POST form,
// CopyObject to this key or CompleteMultipartUpload.
type PutRequest struct {
	Order     Order     // order of the new version, above all others of the key
	Now       time.Time // lock time
	Condition Condition
	Copy      bool // CopyObject, whose answer differs
	// Start is set for CompleteMultipartUpload, whose condition is held against the
	// time since its upload began, too.
	Start *Start
}

// Start is what was current when a multipart upload began. The zero Start means
// that the key was absent.
type Start struct {
	Order  Order // of the entry
	Object bool  // it was an object, no delete marker
}

// Needs says which facts [Put] looks at in state s.
func (r *PutRequest) Needs(s State) Needs {
	return Needs{Current: !r.Condition.IsZero(), Null: s != Enabled}
}

// Put decides what storing an object does (spec VD3, VD3.1, VD7): in Enabled it
// adds a version and all others stay; in Unversioned and Suspended it replaces
// the null entry, object or delete marker.
func Put(s State, f Facts, r *PutRequest) (Plan, error) {
	if err := r.Condition.check(f.Current); err != nil {
		return Plan{}, err
	}
	if err := r.Condition.since(r.Start, f.Current); err != nil {
		return Plan{}, err
	}
	return insert(s, f, &Version{Order: r.Order}, r.Now, putAnswer(s, r))
}

// putAnswer is the x-amz-version-id of spec VD3.1: in Suspended only a copy
// says null.
func putAnswer(s State, r *PutRequest) Answer {
	switch {
	case s == Enabled:
		return Answer{VersionID: IDOf(r.Order)}
	case s == Suspended && r.Copy:
		return Answer{VersionID: Null}
	}
	return Answer{}
}

// insert plans to make v current: as an entry of its own in Enabled, as the null
// entry, in place of the one before, elsewhere.
func insert(s State, f Facts, v *Version, now time.Time, a Answer) (Plan, error) {
	p := Plan{Insert: v, Answer: a}
	if s == Enabled {
		return p, nil
	}
	v.Null = true
	// A locked null version cannot meet this under S3's rules, for a bucket with
	// Object Lock stays Enabled; it is refused all the same.
	if err := destroyable(f.Null, now, false); err != nil {
		return Plan{}, err
	}
	p.Remove = f.Null
	return p, nil
}

// destroyable refuses if v is there and protected at now.
func destroyable(v *Version, now time.Time, bypass bool) error {
	if v != nil && v.Lock.Protects(now, bypass) {
		return &Refusal{Reason: ObjectLocked}
	}
	return nil
}
