package jobs

import (
	"context"
	"errors"
	"slices"

	"github.com/seed61737384/tombstone/versioning"
)

// maxRetries is how often an entry is tried again whose key changed, one after the
// other without any of them going.
const maxRetries = 8

// emptyPlan is what is to be done with a page.
type emptyPlan struct {
	removals []Removal
	hiding   []Entry // markers that stay, for what they hide stays
	damaged  []string
	since    int64 // entries that came since the start
	dealt    int
	place    place // behind the page
}

// keyUnderWay is a key of which entries were read.
type keyUnderWay struct {
	name  string
	top   *Entry // its newest entry, nil if it came since the start
	stays bool   // something of it stays
}

// planEmpty says what is to be done with a page behind p: every entry of before the
// boundary goes, the newest of a key when the others are gone. Of a key that goes on
// behind the page the newest entry is left for later.
func planEmpty(p *place, page *Page, boundary versioning.Order) emptyPlan {
	plan := emptyPlan{removals: make([]Removal, 0, len(page.Entries)+1), dealt: len(page.Entries)}
	key := keyUnderWay{name: p.After.Key, top: p.Top, stays: p.Stays}
	for i := range page.Entries {
		e := &page.Entries[i]
		old := e.Order < boundary
		if !old {
			plan.since++
		}
		switch {
		case page.damages(e.Key):
		case e.Key != key.name:
			plan.end(&key, page)
			key = keyUnderWay{name: e.Key}
			if old {
				key.top = e
			}
		case old:
			plan.removals = append(plan.removals, Removal{Entry: *e, Seen: page.Heads[e.Key], Apart: true})
		}
	}
	plan.damaged = page.Damaged
	if !page.More || page.Next.Key != key.name {
		plan.end(&key, page)
		key = keyUnderWay{}
	}
	if !page.More {
		return plan
	}
	plan.place = place{Phase: inEntries, After: page.Next, Stays: key.stays}
	if page.damages(page.Next.Key) {
		plan.place.After.Order = 0 // what is left of it is left alone too
		key.top = nil
	}
	if key.top != nil {
		top := *key.top // not the page's, which would stay in memory
		plan.place.Top = &top
	}
	return plan
}

// damages reports whether an entry of a key cannot be read.
func (p *Page) damages(key string) bool { return slices.Contains(p.Damaged, key) }

// end deals with the newest entry of a key, the others of which were dealt with. A
// marker goes only if all the others do.
func (p *emptyPlan) end(key *keyUnderWay, page *Page) {
	switch top := key.top; {
	case top == nil || page.damages(top.Key):
	case top.Marker && key.stays:
		p.hiding = append(p.hiding, *top)
	default:
		p.removals = append(p.removals, Removal{Entry: *top, Seen: page.Heads[top.Key], Apart: !top.Marker, last: true})
	}
}

// emptyPage removes the entries of a page.
func (n *run) emptyPage(ctx context.Context, w Work) (int, error) {
	j := n.job
	page, err := w.Page(ctx, PageRequest{Prefix: j.Prefix, After: j.place.After, Limit: n.limit(), Head: j.place.After.Key})
	if err != nil {
		return 0, err
	}
	plan := planEmpty(&j.place, &page, j.Boundary)
	outcome := outcome{run: n, work: w, stays: make(map[string]bool)}
	if err := outcome.remove(ctx, plan.removals); err != nil {
		return 0, err
	}
	for i := range plan.hiding {
		outcome.hides(&plan.hiding[i])
	}
	n.damaged(plan.damaged)
	j.Counts.Since += plan.since
	if !page.More {
		j.place = j.Spec.next()
		return plan.dealt, nil
	}
	plan.place.Stays = plan.place.Stays || outcome.stays[plan.place.After.Key]
	j.place = plan.place
	return plan.dealt, nil
}

// outcome counts what became of removals.
type outcome struct {
	*run
	work  Work
	stays map[string]bool // keys of which something stays
}

// remove removes entries, those whose keys changed once more as they are then.
func (o *outcome) remove(ctx context.Context, rs []Removal) error {
	changed, err := o.try(ctx, rs)
	if err != nil {
		return err
	}
	for len(changed) > 0 {
		of := 1
		for of < len(changed) && changed[of].Entry.Key == changed[0].Entry.Key {
			of++
		}
		if err := o.again(ctx, changed[:of]); err != nil {
			return err
		}
		changed = changed[of:]
	}
	return nil
}

// try removes entries, and returns those whose keys changed.
func (o *outcome) try(ctx context.Context, rs []Removal) (changed []Removal, err error) {
	if len(rs) == 0 {
		return nil, nil
	}
	errs, err := o.work.Remove(context.WithoutCancel(ctx), rs) // whole batches, so that counts are right
	if err != nil {
		return nil, err
	}
	for i := range rs {
		e := &rs[i].Entry
		switch {
		case errs[i] == nil:
			o.removed(e)
		case errors.Is(errs[i], ErrChanged):
			changed = append(changed, rs[i])
		default:
			o.stays[e.Key] = true
			o.failed(o.work, e, errs[i])
		}
	}
	return changed, nil
}

// removed counts an entry that is gone.
func (o *outcome) removed(e *Entry) {
	c := &o.job.Counts
	if e.Marker {
		c.Markers++
		return
	}
	c.Versions++
	c.Bytes += e.Size
}

// hides counts a marker that stays because it hides what stays.
func (o *outcome) hides(e *Entry) {
	o.job.Counts.Hiding++
	o.job.sample(Sample{Why: WhyHiding, Key: e.Key, VersionID: o.work.FormatVersionID(e.ID())})
}

// again removes entries of a key that changed, with the key as it is by now. Fewer are
// tried at once each time in vain, so that less goes by between the look and the commit.
func (o *outcome) again(ctx context.Context, left []Removal) error {
	var top *Removal
	if last := &left[len(left)-1]; last.last {
		top, left = last, left[:len(left)-1]
	}
	if err := o.retry(ctx, left); err != nil || top == nil {
		return err
	}
	if top.Entry.Marker && o.stays[top.Entry.Key] {
		o.hides(&top.Entry)
		return nil
	}
	return o.retry(ctx, []Removal{*top})
}

// retry is again for entries in the order of the history.
func (o *outcome) retry(ctx context.Context, left []Removal) error {
	size := len(left)
	for vain := 0; len(left) > 0 && vain < maxRetries; {
		chunk := left[:min(size, len(left))]
		rs, passed, err := o.look(ctx, chunk)
		if err != nil {
			return err
		}
		changed, err := o.try(ctx, rs)
		if err != nil {
			return err
		}
		if len(changed) == passed { // none went
			vain++
			size = max(1, size/4)
			continue
		}
		vain = 0
		left = append(changed, left[passed:]...)
	}
	for i := range left {
		o.stays[left[i].Entry.Key] = true
		o.failed(o.work, &left[i].Entry, ErrChanged)
	}
	return nil
}

// look reads entries of a key once more. It returns the removals of those that are
// still there, and how many it came past: at least one.
func (o *outcome) look(ctx context.Context, chunk []Removal) (rs []Removal, passed int, err error) {
	first := &chunk[0].Entry
	page, err := o.work.Page(ctx, PageRequest{
		Prefix: first.Key, After: Place{first.Key, first.Order + 1}, Limit: len(chunk),
	})
	if err != nil {
		return nil, 0, err
	}
	if page.damages(first.Key) {
		o.stays[first.Key] = true
		o.damaged([]string{first.Key})
		return nil, len(chunk), nil
	}
	there := make(map[versioning.Order]bool, len(page.Entries))
	oldest := versioning.Order(0) // everything was read down to here
	for i := range page.Entries {
		e := &page.Entries[i]
		if e.Key != first.Key {
			oldest = 0
			break
		}
		there[e.Order] = true
		if page.More {
			oldest = e.Order
		}
	}
	for passed < len(chunk) && chunk[passed].Entry.Order >= oldest {
		r := chunk[passed]
		if r.Seen = page.Heads[first.Key]; there[r.Entry.Order] {
			r.Apart = true // what it rests on is known by now
			rs = append(rs, r)
		}
		passed++
	}
	return rs, passed, nil
}
