package lifecycle

import (
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Entry is one entry of a key's history, as rules see it.
type Entry struct {
	Key          string
	Order        versioning.Order
	ID           versioning.ID // Null for the null entry
	Marker       bool          // a delete marker, which has no size and no tags
	Size         int64         // bytes
	LastModified time.Time
	Tags         []Tag
	Lock         versioning.Lock
}

// Instant is when and under which circumstances a fold judges.
type Instant struct {
	Now   time.Time        // object time, against which due times are held
	Locks time.Time        // lock time, against which retention is held
	State versioning.State // of the bucket (spec LC6-3)
}

// Kind is what a rule does.
type Kind uint8

// The kinds of action.
const (
	None             Kind = iota
	ExpireCurrent         // delete the key, as a DeleteObject without a version does
	RemoveNoncurrent      // destroy a noncurrent entry
	RemoveMarker          // destroy a delete marker that is the only entry of its key
	AbortUpload           // abort an incomplete multipart upload
)

var kinds = [...]string{
	None: "None", ExpireCurrent: "ExpireCurrent", RemoveNoncurrent: "RemoveNoncurrent",
	RemoveMarker: "RemoveMarker", AbortUpload: "AbortUpload",
}

// String returns the name of the constant, by which reports name the kind.
func (k Kind) String() string { return kinds[k] }

// Verdict says what becomes of an entry.
type Verdict struct {
	// Entry was judged. Its order is 0 for the null delete marker that does not exist
	// yet, because the ExpireCurrent judged before it will make it, and that goes at
	// once, because nothing else is left of the key.
	Entry Entry
	// Current says that the entry was current when it was judged.
	Current bool
	// NoncurrentSince is when the successor was made; the zero time for a current
	// entry.
	NoncurrentSince time.Time
	// Kind is what the earliest rule will do, None if none ever will as things stand.
	Kind Kind
	Rule *Rule     // that will act; nil for None
	Due  time.Time // when it is to act; the zero time for None
	// Held says that the action would destroy the entry, and its lock protects it at
	// Instant.Locks: nothing is done as long as it does (spec LC6-1).
	Held bool
	// Kept is not 0 if a rule, Keeper, keeps the entry as one of so many newest
	// noncurrent ones (spec LC4-15). Another rule may act on it all the same.
	Kept   int
	Keeper *Rule
	// Replaced says that the entry is the null one and goes without an action of its
	// own, because the null delete marker of an ExpireCurrent that acts takes its
	// place (spec LC4-7). Kind is None.
	Replaced bool
	// Later is the rule that acts once other entries of the key are gone, where none acts
	// by time: on a delete marker that is not alone yet, and on the null entry whose
	// place a null delete marker takes when the current entry expires.
	Later *Rule
}

// Act reports whether the action is due and the entry not held.
func (v *Verdict) Act(at Instant) bool {
	return v.Kind != None && !v.Held && !v.Due.After(at.Now)
}

// decide notes the action of the rule that is due first, if there is one.
func (v *Verdict) decide(kind Kind, f first) {
	if f.rule != nil {
		v.Kind, v.Rule, v.Due = kind, f.rule, f.due
	}
}

// Fold judges the entries of keys. What it knows of the key under way is a few
// words, however long the history is: of the entries that stay, only the oldest so
// far and their number matter to the next one.
type Fold struct {
	at      Instant
	emit    func(*Verdict)
	matcher matcher
	key     keyState
	verdict Verdict // on the entry under way
}

// keyState is what is known of the key under way.
type keyState struct {
	open  bool
	name  string
	rules []*Rule // that are on entries and whose prefix it has

	// successor is when the nearest newer entry that stays was made; current says
	// that there is none.
	successor time.Time
	current   bool
	// noncurrent is how many newer noncurrent entries stay.
	noncurrent int
	// expires is the rule that will expire the current entry; nil if none will.
	expires *Rule

	// top is the current entry if that is a delete marker, which is judged last. made
	// says that it is not there yet: an ExpireCurrent adds it.
	top          Entry
	marked, made bool
}

// NewFold returns a fold that calls emit with the verdict on each entry, in their
// order but for a delete marker that is current: its verdict is the last one of its
// key. The verdict is valid during the call only, and must not be changed.
func NewFold(c *Config, at Instant, emit func(*Verdict)) *Fold {
	f := &Fold{at: at, emit: emit}
	for i := range c.Rules {
		if r := &c.Rules[i]; r.Enabled && r.touchesEntries() {
			f.matcher.rules = append(f.matcher.rules, r)
		}
	}
	return f
}

// Next takes the next entry: keys in order, the entries of a key newest first.
func (f *Fold) Next(e *Entry) {
	if !f.key.open || e.Key != f.key.name {
		f.End()
		f.key = keyState{open: true, name: e.Key, rules: f.matcher.match(e.Key), current: true}
	}
	f.verdict = Verdict{Entry: *e, Current: f.key.current}
	switch {
	case !f.key.current:
		f.judgeNoncurrent()
	case e.Marker:
		f.crown(*e)
	default:
		f.judgeCurrent()
	}
}

// End is called after the last entry of the last key.
func (f *Fold) End() {
	if f.key.open && f.key.marked {
		f.judgeTop()
	}
	f.key.open = false
}

// Forget drops the key under way, whose entries are given anew from the newest on.
func (f *Fold) Forget() { f.key.open = false }

// crown makes a delete marker the current entry.
func (f *Fold) crown(marker Entry) {
	k := &f.key
	k.top, k.marked = marker, true
	k.current, k.successor = false, marker.LastModified
}

// stays counts an entry that was judged as one that is still there.
func (f *Fold) stays() {
	k, v := &f.key, &f.verdict
	if !k.current {
		k.noncurrent++
	}
	k.current, k.successor = false, v.Entry.LastModified
}

// judgeCurrent judges an object that is current (spec LC4-7).
func (f *Fold) judgeCurrent() {
	v := &f.verdict
	v.decide(ExpireCurrent, f.earliest(&v.Entry))
	destroys := f.at.State == versioning.Unversioned || f.at.State == versioning.Suspended && v.Entry.ID.IsNull()
	v.Held = v.Kind != None && destroys && v.Entry.Lock.Protects(f.at.Locks, false)
	f.emit(v)
	if !v.Act(f.at) {
		f.key.expires = v.Rule
		f.stays()
		return
	}
	if f.at.State != versioning.Unversioned {
		f.key.made = true // with an id in Enabled, where it is not the only entry
		f.crown(Entry{Key: v.Entry.Key, ID: versioning.Null, Marker: true, LastModified: f.at.Now})
	}
	if !destroys {
		f.stays() // noncurrent since now, and so not due
	}
}

// earliest returns the rule that is the first to expire e as a current entry. The
// filter of each is held against e itself.
func (f *Fold) earliest(e *Entry) (least first) {
	for _, r := range f.key.rules {
		if due, ok := r.expires(e.LastModified); ok && r.Filter.selects(e) {
			least.offer(r, due)
		}
	}
	return least
}

// judgeNoncurrent judges an entry that is not current (spec LC4-11 to LC4-15).
func (f *Fold) judgeNoncurrent() {
	v := &f.verdict
	v.NoncurrentSince = f.key.successor
	if f.key.made && f.at.State == versioning.Suspended && v.Entry.ID.IsNull() {
		v.Replaced = true
		f.emit(v)
		return
	}
	if f.at.State != versioning.Unversioned {
		f.decideNoncurrent(v)
	}
	if v.Kind == None && f.at.State == versioning.Suspended && v.Entry.ID.IsNull() {
		v.Later = f.key.expires
	}
	v.Held = v.Kind != None && v.Entry.Lock.Protects(f.at.Locks, false)
	f.emit(v)
	if !v.Act(f.at) {
		f.stays()
	}
}

// decideNoncurrent finds the rule that is the first to remove the noncurrent entry
// of v. Both its number of days and its number of newer entries have to be exceeded
// (spec LC4-15).
func (f *Fold) decideNoncurrent(v *Verdict) {
	var least first
	for _, r := range f.key.rules {
		x := r.Noncurrent
		switch {
		case x == nil || !r.Filter.selects(&v.Entry):
		case f.key.noncurrent >= x.Newer:
			least.offer(r, dueAfter(f.key.successor, x.Days))
		case v.Kept == 0:
			v.Kept, v.Keeper = x.Newer, r
		}
	}
	v.decide(RemoveNoncurrent, least)
}

// judgeTop judges the delete marker that is current, when it is known whether it is
// the only entry of its key (spec LC4-8 to LC4-10).
func (f *Fold) judgeTop() {
	k, v := &f.key, &f.verdict
	*v = Verdict{Entry: k.top, Current: true}
	if alone := f.earliestAlone(&v.Entry); k.noncurrent == 0 {
		v.decide(RemoveMarker, alone)
	} else {
		v.Later = alone.rule
	}
	if !k.made || v.Act(f.at) {
		f.emit(v)
	}
}

// earliestAlone returns the rule that is the first to remove a delete marker that is
// the only entry of its key: at once by ExpiredObjectDeleteMarker, at its own age by
// Days.
func (f *Fold) earliestAlone(marker *Entry) (least first) {
	for _, r := range f.key.rules {
		switch due, ok := r.expires(marker.LastModified); {
		case !r.Filter.selects(marker):
		case ok:
			least.offer(r, due)
		case r.Expiration != nil && r.Expiration.ExpiredMarker:
			least.offer(r, marker.LastModified)
		}
	}
	return least
}
