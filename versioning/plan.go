package versioning

// Plan says what a request changes and what is answered. The zero Plan changes
// nothing.
type Plan struct {
	// Insert is the entry to add; it becomes current. Nil if none.
	Insert *Version
	// Remove is the entry to destroy, with all that it holds. Nil if none.
	Remove *Version
	Answer Answer
}

// Answer is the part of a successful answer that the rules decide.
type Answer struct {
	// VersionID is the value of x-amz-version-id, zero if the header is not sent.
	VersionID ID
	// DeleteMarker says that x-amz-delete-marker: true is sent.
	DeleteMarker bool
}

// Head is the summary of a key's history: enough to plan most changes without
// reading the history, however long it is.
type Head struct {
	Newest  Order  // order of the current entry, zero if the key is absent
	Marker  bool   // the current entry is a delete marker
	Null    Order  // order of the null entry, zero if there is none
	Entries uint64 // number of entries
	Amended uint64 // how often an entry was changed that stayed, such as its tags or its lock
}

// After returns the head once p is applied. If the current entry goes without
// another being inserted, Newest and Marker are left zero and lost is true: the
// caller fills them in from the newest remaining entry, if Entries is not zero.
func (h Head) After(p Plan) (after Head, lost bool) {
	if r := p.Remove; r != nil {
		h.Entries--
		if r.Null {
			h.Null = 0
		}
		if r.Order == h.Newest {
			h.Newest, h.Marker, lost = 0, false, true
		}
	}
	if i := p.Insert; i != nil {
		h.Entries++
		h.Newest, h.Marker, lost = i.Order, i.DeleteMarker, false
		if i.Null {
			h.Null = i.Order
		}
	}
	return h, lost
}
