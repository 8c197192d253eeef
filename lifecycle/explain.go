package lifecycle

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Shape is what an entry is among those of its key.
type Shape uint8

// The shapes. An upload under way is counted beside entries.
const (
	CurrentObject     Shape = iota + 1
	NoncurrentVersion       // an object version that something newer replaced or hides
	HidingMarker            // a delete marker that is current and hides older entries
	LoneMarker              // a delete marker that is the only entry of its key
	NoncurrentMarker        // a delete marker that something newer replaced
	OpenUpload              // a multipart upload that is neither completed nor aborted
)

// Hold says why an entry is still there.
type Hold uint8

// The holds. Of several the first one counts.
const (
	HeldByLegalHold  Hold = iota + 1
	HeldByCompliance      // retention in mode COMPLIANCE
	HeldByGovernance      // retention in mode GOVERNANCE
	HeldOverdue           // a rule was to act on it by now, and has not come to it
	HeldUntilDue          // a rule waits for its time
	HeldAsNewer           // a rule keeps it as one of the newest noncurrent entries
	HeldByOthers          // a rule acts on it once other entries of its key are gone
	HeldByNothing         // no rule will act on it as things stand, and nobody has removed it
)

// Holding is an entry with what holds it.
type Holding struct {
	Entry Entry // without tags
	Shape Shape
	Hold  Hold
	// Since is when Successor, the next newer entry of the key, took its place. It is
	// the zero time for a current entry.
	Since           time.Time
	Successor       versioning.ID
	SuccessorMarker bool // it is a delete marker
	// Kind, Rule and Due are what the first rule will do with it; None, nil and the zero
	// time if none ever will as things stand.
	Kind Kind
	Rule *Rule
	Due  time.Time
	// Held says that its lock hinders that.
	Held bool
	// Kept is not 0 if a rule, Keeper, keeps it as one of so many newest noncurrent
	// entries.
	Kept   int
	Keeper *Rule
	// Replaced says that it goes with the action that is due on the current entry: it
	// is the null entry, and a null delete marker takes its place (spec LC4-7).
	Replaced bool
	Later    *Rule // that acts once other entries of its key are gone; see Verdict
}

// Total counts what has one shape and is held by one thing.
type Total struct {
	Shape Shape
	Hold  Hold
	Kind  Kind  // what Rule will do
	Rule  *Rule // that is overdue, waits or keeps; nil for other holds

	Count, Bytes int64
	// First and Last are when the hold ends, or the rule acts, for the first and for the
	// last of them; zero if there is no such time.
	First, Last time.Time
	Sample      string // the key of one of them
}

// Upload is a multipart upload that is neither completed nor aborted.
type Upload struct {
	Key, ID   string
	Initiated time.Time
	Bytes     int64 // of its parts
}

// ExplainOptions say what is to be explained.
type ExplainOptions struct {
	Config *Config // nil: there is none
	At     Instant
	// List is of how many entries, the first ones, the holdings are kept.
	List int
	// Wanted is kept too, wherever it is; zero for none.
	Wanted versioning.ID
}

// Explainer is a fold that says what holds entries and uploads. Its memory is bounded
// by the rules and by List, not by what it is given.
type Explainer struct {
	o      ExplainOptions
	fold   *Fold
	totals map[totalName]*Total
	list   []Holding

	keys, hidden, entries, uploads int64
	oldest                         Upload

	newer Entry // the last one that was given: the successor of the next of its key
	given int   // entries of the key of newer so far
	top   int   // place in list of the first of these, -1 if it is not listed
}

// totalName is what tells totals apart.
type totalName struct {
	shape Shape
	hold  Hold
	kind  Kind
	rule  *Rule
}

// NewExplainer returns an explainer that was given nothing yet.
func NewExplainer(o ExplainOptions) *Explainer {
	if o.Config == nil {
		o.Config = &Config{}
	}
	x := &Explainer{o: o, totals: make(map[totalName]*Total)}
	x.fold = NewFold(o.Config, o.At, x.judged)
	return x
}

// Next takes the next entry: keys in order, the entries of a key newest first.
func (x *Explainer) Next(e *Entry) {
	first := x.given == 0 || x.newer.Key != e.Key
	if first {
		x.fold.End() // which judges a marker that is current
		x.given, x.top = 0, -1
		x.keys++
		if e.Marker {
			x.hidden++
		}
	}
	if len(x.list) < x.o.List || !x.o.Wanted.IsZero() && e.ID == x.o.Wanted {
		x.keep(e, first)
	}
	x.fold.Next(e)
	x.newer, x.newer.Tags = *e, nil
	x.given++
	x.entries++
}

// End is called after the last entry of the last key.
func (x *Explainer) End() { x.fold.End() }

// keep adds an entry to the list. What holds it is found when it is judged.
func (x *Explainer) keep(e *Entry, first bool) {
	h := Holding{Entry: *e}
	h.Entry.Tags = nil
	if !first {
		h.Since, h.Successor, h.SuccessorMarker = x.newer.LastModified, x.newer.ID, x.newer.Marker
	}
	if first {
		x.top = len(x.list)
	}
	x.list = append(x.list, h)
}

// judged takes the verdict on an entry.
func (x *Explainer) judged(v *Verdict) {
	if v.Entry.Order == 0 {
		return // a marker that an action will add, and that will go at once
	}
	h := Holding{
		Entry: v.Entry, Shape: x.shapeOf(v), Hold: holdOf(v, x.o.At),
		Kind: v.Kind, Rule: v.Rule, Due: v.Due, Held: v.Held, Kept: v.Kept, Keeper: v.Keeper, Replaced: v.Replaced, Later: v.Later,
	}
	x.count(&h)
	at := len(x.list) - 1 // it is the one that is being given
	if v.Entry.Marker && v.Current {
		at = x.top
	}
	if at < 0 || x.list[at].Entry.Order != v.Entry.Order || x.list[at].Entry.Key != v.Entry.Key {
		return // it is not listed
	}
	l := &x.list[at]
	h.Entry, h.Since, h.Successor, h.SuccessorMarker = l.Entry, l.Since, l.Successor, l.SuccessorMarker
	*l = h
}

// shapeOf returns what an entry is. A current marker is judged when its key is over.
func (x *Explainer) shapeOf(v *Verdict) Shape {
	switch {
	case !v.Entry.Marker && v.Current:
		return CurrentObject
	case !v.Entry.Marker:
		return NoncurrentVersion
	case !v.Current:
		return NoncurrentMarker
	case x.given > 1:
		return HidingMarker
	}
	return LoneMarker
}

// holdOf returns what holds an entry at an instant.
func holdOf(v *Verdict, at Instant) Hold {
	lock := &v.Entry.Lock
	switch {
	case lock.Hold == versioning.HoldOn:
		return HeldByLegalHold
	case lock.Protects(at.Locks, false) && lock.Mode == versioning.Compliance:
		return HeldByCompliance
	case lock.Protects(at.Locks, false):
		return HeldByGovernance
	case v.Replaced, v.Kind != None && !v.Due.After(at.Now):
		return HeldOverdue
	case v.Kind != None:
		return HeldUntilDue
	case v.Kept > 0:
		return HeldAsNewer
	case v.Later != nil:
		return HeldByOthers
	}
	return HeldByNothing
}

// Upload takes an upload.
func (x *Explainer) Upload(u *Upload) {
	if x.uploads == 0 || u.Initiated.Before(x.oldest.Initiated) {
		x.oldest = *u
	}
	x.uploads++
	h := Holding{Entry: Entry{Key: u.Key, Size: u.Bytes}, Shape: OpenUpload, Hold: HeldByNothing}
	if rule, due, ok := x.o.Config.ForUpload(u.Key, u.Initiated); ok {
		h.Kind, h.Rule, h.Due, h.Hold = AbortUpload, rule, due, HeldUntilDue
		if !due.After(x.o.At.Now) {
			h.Hold = HeldOverdue
		}
	}
	x.count(&h)
}

// count adds a holding to its total.
func (x *Explainer) count(h *Holding) {
	name := totalName{shape: h.Shape, hold: h.Hold}
	var end time.Time
	switch h.Hold {
	case HeldByCompliance, HeldByGovernance:
		end = h.Entry.Lock.Until
	case HeldOverdue, HeldUntilDue:
		name.kind, name.rule, end = h.Kind, h.Rule, h.Due
	case HeldAsNewer:
		name.rule = h.Keeper
	case HeldByOthers:
		name.rule = h.Later
	}
	t := x.totals[name]
	if t == nil {
		t = &Total{Shape: name.shape, Hold: name.hold, Kind: name.kind, Rule: name.rule, First: end, Last: end, Sample: h.Entry.Key}
		x.totals[name] = t
	}
	t.Count++
	t.Bytes += h.Entry.Size
	if end.Before(t.First) {
		t.First = end
	}
	if end.After(t.Last) {
		t.Last = end
	}
}

// Explanation is what an [Explainer] found.
type Explanation struct {
	// Keys counts the keys, Hidden those whose current entry is a delete marker,
	// Entries all entries and Uploads the uploads, of which Oldest began first.
	Keys, Hidden, Entries, Uploads int64
	Oldest                         Upload
	// Totals stand by shape, hold and time.
	Totals []Total
	// Holdings are those of the entries that were to be listed, newest first.
	Holdings []Holding
}

// Explanation returns what was found, after End.
func (x *Explainer) Explanation() *Explanation {
	out := &Explanation{Keys: x.keys, Hidden: x.hidden, Entries: x.entries, Uploads: x.uploads, Oldest: x.oldest, Holdings: x.list}
	for _, t := range x.totals {
		out.Totals = append(out.Totals, *t)
	}
	slices.SortFunc(out.Totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Shape, b.Shape), cmp.Compare(a.Hold, b.Hold), a.First.Compare(b.First),
			cmp.Compare(a.ruleID(), b.ruleID()), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// ruleID returns the id of the rule of t, empty if it has none.
func (t *Total) ruleID() string {
	if t.Rule == nil {
		return ""
	}
	return t.Rule.ID
}
