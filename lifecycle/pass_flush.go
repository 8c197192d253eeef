package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed61737384/tombstone/versioning"
)

// maxTries is how often a key that changes under a pass is read anew.
const maxTries = 3

// batch is what is due and not yet done, keys in order.
type batch struct {
	removals []Removal
	actions  []Action // what is told of them
	// replaced are the null entries that go with an ExpireCurrent of the batch, whose
	// null delete marker takes their place (spec LC4-7); told is how many were told of.
	replaced []Action
	told     int
}

// replace puts an entry into the batch that goes with the ExpireCurrent of its key.
func (b *batch) replace(e *Entry) {
	for i := len(b.actions) - 1; i >= 0 && b.actions[i].Key == e.Key; i-- {
		if a := b.actions[i]; a.Kind == ExpireCurrent {
			a.ID, a.Order, a.Marker, a.Size, a.Hides = e.ID, e.Order, e.Marker, e.Size, false
			b.replaced = append(b.replaced, a)
			return
		}
	}
}

// replacedBy returns the entry that went with an ExpireCurrent, nil if none did. It is
// called with the actions of the batch in their order.
func (b *batch) replacedBy(a *Action) *Action {
	for ; a.Kind == ExpireCurrent && b.told < len(b.replaced) && b.replaced[b.told].Key <= a.Key; b.told++ {
		if r := &b.replaced[b.told]; r.Key == a.Key {
			b.told++
			return r
		}
	}
	return nil
}

// clear empties the batch.
func (b *batch) clear() {
	b.removals, b.actions, b.replaced, b.told = b.removals[:0], b.actions[:0], b.replaced[:0], 0
}

// drop takes out what there is of key, which is the last one.
func (b *batch) drop(key string) {
	n := len(b.removals)
	for n > 0 && b.removals[n-1].Key == key {
		n--
	}
	b.removals, b.actions = b.removals[:n], b.actions[:n]
	b.replaced = slices.DeleteFunc(b.replaced, func(a Action) bool { return a.Key == key })
}

// piece returns how many of what is left from begin on, at most most, are done next:
// not a part of the removals of a key if that can be.
func (b *batch) piece(begin, most int) int {
	end := begin + max(most, 1)
	if end >= len(b.removals) {
		return len(b.removals)
	}
	for cut := end; cut > begin; cut-- {
		if b.removals[cut].Key != b.removals[cut-1].Key {
			return cut
		}
	}
	return end
}

// trail is what the removals of a pass have made of the last key.
type trail struct {
	key  string
	head versioning.Head
	sure bool // head is right, and so is what was judged after the removals
}

// follow takes the outcome of a removal.
func (t *trail) follow(r *Removal, kind Kind, err error) {
	if t.key != r.Key {
		*t = trail{r.Key, r.Seen, true}
	}
	if err != nil || kind != RemoveNoncurrent {
		// What was judged after it supposes that it is gone; or another entry is current
		// now, which this pass has not seen.
		t.sure = false
		return
	}
	t.head.Entries--
	if r.ID.IsNull() {
		t.head.Null = 0
	}
}

// flush does all that is in the batch, for a scan that goes on behind it.
func (p *pass) flush(ctx context.Context, s *scan) error {
	var t trail
	b := &p.batch
	for begin := 0; begin < len(b.removals); {
		end := b.piece(begin, p.size())
		if err := p.allow(ctx, end-begin); err != nil {
			return err
		}
		if err := p.findReplaced(ctx, s, end); err != nil {
			return err
		}
		if err := p.remove(ctx, s, begin, end, &t); err != nil {
			return err
		}
		begin = p.goOn(s, end, &t)
	}
	if t.key != "" && t.key == s.key && !p.dry {
		s.head, s.sure = t.head, t.sure
	}
	b.clear()
	return nil
}

// findReplaced looks for the null entry that an ExpireCurrent of a piece replaces. That
// of the last key of the batch may be on a page that is not read yet.
func (p *pass) findReplaced(ctx context.Context, s *scan, end int) error {
	b := &p.batch
	last := len(b.removals) - 1
	if b.removals[end-1].Key != b.removals[last].Key {
		return nil
	}
	for last > 0 && b.removals[last].Key == b.removals[last-1].Key {
		last--
	}
	a, r := &b.actions[last], &b.removals[last]
	n := len(b.replaced)
	known := n > 0 && b.replaced[n-1].Key == a.Key
	if s.state != versioning.Suspended || a.Kind != ExpireCurrent || r.Seen.Null == 0 || r.Seen.Null == r.Order || known {
		return nil
	}
	q := PageRequest{Bucket: p.bucket.Name, Prefix: a.Key, After: Place{a.Key, r.Seen.Null + 1}, Limit: 1}
	return p.x.o.Store.History(ctx, q, func(page *Page) error {
		if len(page.Entries) == 1 && page.Entries[0].Order == r.Seen.Null && page.Entries[0].Key == a.Key {
			b.replace(&page.Entries[0])
		}
		return nil
	})
}

// goOn returns where the batch goes on behind a piece that ends at end. What is left of
// the last key is told what the piece made of it, or given up if that is not known.
func (p *pass) goOn(s *scan, end int, t *trail) int {
	rest, n := p.batch.removals[end:], 0
	for n < len(rest) && rest[n].Key == t.key {
		n++
	}
	if n == 0 || p.dry {
		return end
	}
	if !t.sure {
		p.changed(s, t.key)
		return end + n
	}
	for i := range rest[:n] {
		rest[i].Seen = t.head
	}
	return end
}

// remove does a piece of the batch in one call.
func (p *pass) remove(ctx context.Context, s *scan, begin, end int, t *trail) error {
	rs := p.batch.removals[begin:end]
	var results []error
	if !p.dry {
		var err error
		if results, err = p.x.o.Store.Remove(ctx, p.bucket.Name, p.config, rs); err != nil {
			return err
		}
	}
	var told []*Action
	for i := range rs {
		a := &p.batch.actions[begin+i]
		if !p.dry {
			a.Err = results[i]
			t.follow(&rs[i], a.Kind, a.Err)
		}
		tell, err := p.outcome(s, a)
		if err != nil {
			return cmp.Or(p.report(ctx, told), err)
		}
		if tell {
			told = append(told, a)
		}
		if r := p.batch.replacedBy(a); r != nil && a.Err == nil {
			p.tally.count(r)
			told = append(told, r)
		}
	}
	return p.report(ctx, told)
}

// outcome counts what became of an action on an entry, and says whether that is told.
func (p *pass) outcome(s *scan, a *Action) (tell bool, err error) {
	switch {
	case a.Err == nil:
		p.tally.count(a)
	case errors.Is(a.Err, versioning.ObjectLocked):
		if !s.quiet && a.Key != s.key {
			p.tally.Held++
		}
		p.changed(s, a.Key) // the lock was not there when it was judged
		return false, nil
	case errors.Is(a.Err, ErrChanged):
		p.changed(s, a.Key)
		return false, nil
	case errors.Is(a.Err, ErrMFADelete), errors.Is(a.Err, ErrNoBucket):
		return false, a.Err
	default:
		p.broken = a.Key
		p.tally.fail(a.Due)
		p.x.log.Error("a rule could not be applied", "bucket", a.Bucket, "key", a.Key, "rule", a.Rule, "error", a.Err)
	}
	return true, nil
}

// toldError is an error of who is told of the actions.
type toldError struct{ err error }

func (e *toldError) Error() string { return e.err.Error() }
func (e *toldError) Unwrap() error { return e.err }

// report tells of actions. Whoever is told may take long: others have the turn meanwhile.
func (p *pass) report(ctx context.Context, actions []*Action) error {
	if p.each == nil || len(actions) == 0 {
		return nil
	}
	return p.apart(ctx, func() error {
		for _, a := range actions {
			if err := p.each(a); err != nil {
				return &toldError{err}
			}
		}
		return nil
	})
}

// changedKey is a key that changed under a pass.
type changedKey struct {
	key  string
	held bool // what is held of it has been counted
}

// changed says that a key is not what it was. If it is under way in s, s will find out.
func (p *pass) changed(s *scan, key string) {
	if key == s.key {
		s.sure = false
		return
	}
	p.lookAgain(key, true)
}

// lookAgain puts a key down to be read anew.
func (p *pass) lookAgain(key string, held bool) {
	if n := len(p.again); key != p.broken && (n == 0 || p.again[n-1].key != key) {
		p.again = append(p.again, changedKey{key, held})
	}
}

// readAnew reads and judges the keys that changed under the pass, each by a scan of
// its own. What changes all the time is left to the next pass.
func (p *pass) readAnew(ctx context.Context) error {
	if p.aside || len(p.again) == 0 || len(p.batch.removals) > 0 {
		return nil
	}
	keys := p.again
	p.again, p.aside = nil, true
	defer func() { p.aside = false }()
	for _, k := range keys {
		for try := 1; ; try++ {
			s := &scan{pass: p, prefix: k.key, only: true, quiet: k.held}
			if err := s.run(ctx); err != nil {
				return err
			}
			if len(p.again) == 0 {
				break
			}
			k, p.again = p.again[0], p.again[:0]
			if try == maxTries {
				p.tally.Changed++
				p.tally.leave(p.at.Now)
				break
			}
		}
	}
	return nil
}
