package lifecycle

import (
	"context"
	"slices"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// firstOfOne is how many entries the first page has of a scan of one key: most keys have
// less, and what follows is of other keys.
const firstOfOne = 32

// scan reads the entries of the keys with a prefix, page by page, and judges them.
//
// A key may be longer than a page. What was found out about its newer entries rests
// on them being as they were: so the summary of its history has to be that of the
// page before, or what the removals of this pass have made of it. Else the key is
// forgotten here, and read anew by a scan of its own.
type scan struct {
	pass   *pass
	prefix string
	only   bool // of the key that is called prefix alone
	quiet  bool // what is held of that has been counted
	after  Place
	more   bool

	fold  *Fold
	state versioning.State // that fold goes by
	skip  string           // key that is passed over from here on

	key  string // under way at the end of a page
	head versioning.Head
	sure bool // head is what the history of key comes to

	asked []string // keys of the page whose summaries are needed, in order
	first int      // index in the batch of what comes from the page
	owner string   // key of the last verdict
	held  int64    // entries of it that are counted as held
}

// run reads and judges all pages, and does what is due.
func (s *scan) run(ctx context.Context) error {
	p := s.pass
	for s.more = true; s.more; {
		if err := p.still(ctx); err != nil {
			return err
		}
		started, done := p.x.o.Clock.Elapsed(), 0
		r := PageRequest{Bucket: p.bucket.Name, Prefix: s.prefix, After: s.after, Limit: p.pageSize()}
		if s.only && s.after == (Place{}) {
			r.Limit = min(r.Limit, firstOfOne)
		}
		if err := p.x.o.Store.History(ctx, r, s.take); err != nil {
			return err
		}
		if !s.more || 2*len(p.batch.removals) >= p.size() {
			done = len(p.batch.removals)
			if err := p.flush(ctx, s); err != nil {
				return err
			}
		}
		if err := s.pass.readAnew(ctx); err != nil {
			return err
		}
		safe := s.keep(ctx)
		if err := p.rest(ctx, started, done); err != nil {
			return err
		}
		if safe && p.safe > p.from && p.over() {
			s.uncount()
			return errCut
		}
	}
	return nil
}

// keep says how far the pass is, if nothing before that is left to be done.
func (s *scan) keep(ctx context.Context) (safe bool) {
	p := s.pass
	if p.aside || s.key == "" || len(p.batch.removals) > 0 || len(p.again) > 0 {
		return false
	}
	p.safe = s.key
	if p.save != nil {
		p.save(ctx, p.safe)
	}
	return true
}

// uncount takes back what was counted as held of the key under way, which is read anew.
func (s *scan) uncount() {
	if s.owner == s.key {
		s.pass.tally.Held -= s.held
		s.held = 0
	}
}

// take judges the entries of a page, within its snapshot.
func (s *scan) take(page *Page) error {
	p := s.pass
	if page.MFADelete {
		return ErrMFADelete
	}
	s.more, s.after, s.first, s.asked = page.More, page.Next, len(p.batch.removals), s.asked[:0]
	if err := s.resume(page); err != nil {
		return err
	}
	s.passDamaged(page)
	if s.fold == nil || s.state != page.State {
		at := p.at
		at.State, s.state = page.State, page.State
		s.fold = NewFold(p.config, at, s.judge)
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		if s.only && e.Key != s.prefix {
			s.more = false
			break
		}
		if !p.aside {
			p.tally.Scanned++
		} else if e.LastModified.After(p.at.Now) {
			e.LastModified = p.at.Now // the pass made it, as if all was done at one instant
		}
		if e.Key != s.skip && !slices.Contains(page.Damaged, e.Key) {
			s.fold.Next(e)
		}
	}
	if slices.Contains(page.Damaged, page.Next.Key) {
		s.skip = page.Next.Key // it may go on behind the page
	}
	s.more = s.more && !(s.only && s.skip != "")
	if !s.more || page.Next.Key == s.skip {
		s.fold.End()
		s.fold = nil
	}
	return s.see(page)
}

// resume goes on with the key under way, or forgets it.
func (s *scan) resume(page *Page) error {
	if s.key == "" {
		return nil
	}
	goesOn := s.sure && s.state == page.State && !slices.Contains(page.Damaged, s.key)
	if goesOn && len(page.Entries) > 0 && page.Entries[0].Key == s.key {
		heads, err := page.Heads([]string{s.key})
		if err != nil {
			return err
		}
		goesOn = heads[0] == s.head
	}
	if !goesOn {
		s.forget()
	}
	return nil
}

// forget gives up the key under way, which is to be read anew.
func (s *scan) forget() {
	p := s.pass
	s.fold.Forget()
	p.batch.drop(s.key)
	s.first = len(p.batch.removals)
	s.uncount()
	p.lookAgain(s.key, s.quiet)
	s.skip, s.key = s.key, ""
}

// passDamaged tells of the keys that cannot be read as a whole, which are passed over.
func (s *scan) passDamaged(page *Page) {
	p := s.pass
	for _, key := range page.Damaged {
		if s.only && key != s.prefix {
			continue
		}
		p.broken = key
		p.again = slices.DeleteFunc(p.again, func(k changedKey) bool { return k.key == key })
		p.tally.fail(p.at.Now)
		p.x.log.Error("no rule can be applied to a key with a damaged entry", "bucket", p.bucket.Name, "key", key)
	}
}

// judge takes the verdict on an entry.
func (s *scan) judge(v *Verdict) {
	p := s.pass
	if s.owner != v.Entry.Key {
		s.owner, s.held = v.Entry.Key, 0
	}
	switch {
	case v.Replaced:
		p.batch.replace(&v.Entry)
	case v.Kind == None:
	case v.Act(p.at):
		s.add(v)
	case v.Due.After(p.at.Now):
		p.tally.next(v.Due)
		p.agenda.later(v.Entry.Key, v.Due)
	case v.Held:
		if !s.quiet {
			s.held++
			p.tally.Held++
		}
		end := p.released(v.Entry.Lock)
		p.tally.next(end)
		p.agenda.later(v.Entry.Key, end)
	}
}

// released returns the object time when a lock ends; zero if it never does by itself.
func (p *pass) released(l versioning.Lock) time.Time {
	if l.Hold == versioning.HoldOn {
		return time.Time{}
	}
	return l.Until.Add(p.at.Now.Sub(p.at.Locks))
}

// add puts what is due into the batch. Its key may have ended on the page before.
func (s *scan) add(v *Verdict) {
	p, e := s.pass, &v.Entry
	r := Removal{Key: e.Key, ID: e.ID, Order: e.Order, Rule: v.Rule.ID}
	if v.Kind == ExpireCurrent {
		r.ID = versioning.ID{}
	}
	if e.Key == s.key {
		r.Seen = s.head
	} else if n := len(s.asked); n == 0 || s.asked[n-1] != e.Key {
		s.asked = append(s.asked, e.Key)
	}
	p.batch.removals = append(p.batch.removals, r)
	p.batch.actions = append(p.batch.actions, Action{
		Bucket: p.bucket.Name, Key: e.Key, ID: e.ID, Order: e.Order, Marker: e.Marker, Kind: v.Kind,
		Rule: v.Rule.ID, Due: v.Due, Size: e.Size, Hides: v.Kind == ExpireCurrent && s.hides(e),
	})
	p.tally.meet(v.Due)
}

// hides reports whether a delete of the key of e leaves e where it is (spec LC4-7).
func (s *scan) hides(e *Entry) bool {
	return s.state == versioning.Enabled || s.state == versioning.Suspended && !e.ID.IsNull()
}

// see fills in the summaries of the keys that something is due of, and keeps that of
// the last key, which may go on.
func (s *scan) see(page *Page) error {
	last := page.Next.Key
	goesOn := s.more && last != s.skip
	if n := len(s.asked); goesOn && last != s.key && (n == 0 || s.asked[n-1] != last) {
		s.asked = append(s.asked, last)
	}
	heads, err := page.Heads(s.asked)
	if err != nil {
		return err
	}
	n := 0
	for i := s.first; i < len(s.pass.batch.removals); i++ {
		r := &s.pass.batch.removals[i]
		if r.Key == s.key {
			continue
		}
		for s.asked[n] != r.Key {
			n++
		}
		r.Seen = heads[n]
	}
	switch {
	case !goesOn:
		s.key = ""
	case last != s.key:
		s.key, s.head, s.sure = last, heads[len(heads)-1], true
	}
	if last == s.skip {
		s.after.Order = 0 // behind all of it
	}
	return nil
}
