package versioning

import "time"

// State is the versioning state of a bucket (spec VD1). A bucket that left
// Unversioned never returns to it.
type State uint8

// The three states.
const (
	Unversioned State = iota // U: never set
	Enabled                  // E
	Suspended                // S
)

// String returns the state as GetBucketVersioning shows it, empty for
// Unversioned, which it does not show.
func (s State) String() string {
	switch s {
	case Enabled:
		return "Enabled"
	case Suspended:
		return "Suspended"
	}
	return ""
}

// ChangeState answers whether a bucket may go to the state to: only Enabled if
// Object Lock is configured (InvalidBucketState, spec VD1), and never back to
// Unversioned.
func ChangeState(lockConfigured bool, to State) error {
	if to == Unversioned || lockConfigured && to != Enabled {
		return &Refusal{Reason: InvalidBucketState}
	}
	return nil
}

// ConfigureLock answers whether Object Lock may be configured for a bucket in state
// s: only one that is Enabled never replaces an entry (spec OL1.1-2).
func ConfigureLock(s State) error {
	if s != Enabled {
		return &Refusal{Reason: InvalidBucketState}
	}
	return nil
}

// Order is the place of an entry in time: 48 bits of milliseconds since 1970 and
// 16 bits of counter. Orders are strictly increasing over a whole store and are
// never issued twice, so they name an entry for ever. Zero is no order.
type Order uint64

const counterBits = 16

// OrderAt returns the least order of the millisecond that holds t.
func OrderAt(t time.Time) Order { return Order(t.UnixMilli()) << counterBits }

// Time returns the millisecond of o.
func (o Order) Time() time.Time { return time.UnixMilli(int64(o >> counterBits)).UTC() }

// ID is what a request names of a key. The zero ID names nothing, which means
// the current entry. Other IDs come from [IDCodec.Parse], [IDOf] and [Null].
type ID struct {
	null  bool
	order Order
}

// Null is the ID of the null entry of a key.
var Null = ID{null: true}

// IDOf returns the ID of the entry with the given order, which is not null.
func IDOf(order Order) ID { return ID{order: order} }

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// IsNull reports whether id names the null entry.
func (id ID) IsNull() bool { return id.null }

// Order returns the order that id hides, zero for [Null] and the zero ID.
func (id ID) Order() Order { return id.order }

// Version is what the rules know of one entry of a key's history. Elsewhere in
// S3's texts a delete marker is a version too, and so it is here.
type Version struct {
	Order        Order
	Null         bool      // its version id is null
	DeleteMarker bool      // it hides the key and holds nothing
	ETag         string    // without quotes, empty for a delete marker
	LastModified time.Time // as answered, in object time
	Lock         Lock
}

// ID returns the ID that names v.
func (v *Version) ID() ID {
	if v.Null {
		return Null
	}
	return IDOf(v.Order)
}

// Facts is what is known of a key when a rule is asked: only what the request's
// Needs ask for has to be filled in.
type Facts struct {
	Current *Version // newest entry; nil if the key is absent
	Null    *Version // null entry; nil if there is none
	Target  *Version // entry that the request's ID names; nil if there is none
}

// Needs says which [Facts] a rule will look at.
type Needs struct {
	Current, Null, Target bool
}
