package versioning

import "time"

// DeleteRequest is DeleteObject, or one entry of DeleteObjects.
type DeleteRequest struct {
	ID        ID        // version to destroy, zero for a delete of the key
	Order     Order     // order of the delete marker if one is added; unused with an ID
	Now       time.Time // lock time
	Condition Condition
	// BypassGovernance says that the caller asked for it and may (spec OL1.4).
	BypassGovernance bool
}

// Needs says which facts [Delete] looks at in state s.
func (r *DeleteRequest) Needs(s State) Needs {
	if !r.ID.IsZero() {
		return Needs{Target: true}
	}
	return Needs{Current: !r.Condition.IsZero(), Null: s != Enabled}
}

// Delete decides what a delete does (spec VD3.2, VD3.3, VD6). With an ID it
// destroys that entry. Without, it destroys the null entry in Unversioned, adds
// a delete marker in Enabled, and in Suspended does both: a null delete marker
// takes the null entry's place.
func Delete(s State, f Facts, r *DeleteRequest) (Plan, error) {
	if err := r.Condition.check(f.Current); err != nil {
		return Plan{}, err
	}
	if !r.ID.IsZero() {
		return deleteVersion(s, f.Target, r)
	}
	if s == Unversioned {
		if err := destroyable(f.Null, r.Now, r.BypassGovernance); err != nil {
			return Plan{}, err
		}
		return Plan{Remove: f.Null}, nil
	}
	marker := &Version{Order: r.Order, DeleteMarker: true}
	answer := Answer{VersionID: IDOf(r.Order), DeleteMarker: true}
	if s == Suspended {
		answer.VersionID = Null
	}
	return insert(s, f, marker, r.Now, answer)
}

// deleteVersion destroys the named entry; one that is not there is answered in
// the same way, so that the request can be repeated (spec VD3.3).
func deleteVersion(s State, target *Version, r *DeleteRequest) (Plan, error) {
	if err := destroyable(target, r.Now, r.BypassGovernance); err != nil {
		return Plan{}, err
	}
	p := Plan{Remove: target, Answer: Answer{VersionID: r.ID}}
	if target != nil {
		p.Answer.DeleteMarker = target.DeleteMarker
	}
	if s == Unversioned && r.ID.IsNull() {
		// As reads do in Unversioned, where every entry is null (spec VD3.3).
		p.Answer.VersionID = ID{}
	}
	return p, nil
}
