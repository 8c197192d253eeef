package jobs

import (
	"context"

	"github.com/seed61737384/tombstone/versioning"
)

// long is a key with more markers above its newest version than a page holds.
type long struct {
	key     string
	markers int64
	top     Entry // the newest marker
	lowest  versioning.Order
	reveals *Entry // the newest version; nil if there is none
	since   bool   // a marker came since the start
	skip    bool   // a marker is of another time
}

// undeleteLong undeletes a key with more markers above its newest version than a page
// holds. They are read twice, so that none goes before it is known that all may, and none
// has to be remembered.
func (n *run) undeleteLong(ctx context.Context, w Work, key string) (dealt int, err error) {
	l := long{key: key}
	if err := n.probe(ctx, w, &l); err != nil {
		return 0, err
	}
	dealt = int(l.markers)
	switch {
	case l.reveals == nil:
	case l.since:
		n.job.Counts.Since++
	case l.skip:
		n.job.Counts.Skipped++
		n.job.sample(Sample{Why: WhySkipped, Key: key, VersionID: w.FormatVersionID(l.top.ID())})
	case n.job.DryRun:
		n.job.Counts.Markers += l.markers
		n.revealed(w, l.reveals)
	default:
		err = n.raiseLong(ctx, w, &l)
	}
	return dealt, err
}

// probe reads the markers of a key down to its newest version.
func (n *run) probe(ctx context.Context, w Work, l *long) error {
	for after := (Place{}); ; {
		page, err := w.Page(ctx, PageRequest{Prefix: l.key, After: after, Limit: max(2, n.limit())})
		if err != nil {
			return err
		}
		if page.damages(l.key) {
			n.damaged([]string{l.key})
			return nil
		}
		for i := range page.Entries {
			e := &page.Entries[i]
			if e.Key != l.key {
				return nil
			}
			if !e.Marker {
				reveals := *e
				l.reveals = &reveals
				return nil
			}
			if l.markers++; l.markers == 1 {
				l.top = *e
			}
			l.lowest = e.Order
			l.since = l.since || e.Order >= n.job.Boundary
			l.skip = l.skip || !n.job.within(e)
			after = Place{e.Key, e.Order}
		}
		if !page.More {
			return nil
		}
	}
}

// raiseLong removes the markers of a key from the newest down to the lowest, a page at a
// time, each with the rights that the starter has by then. It ends too when the key was
// written meanwhile, or one of them is refused.
func (n *run) raiseLong(ctx context.Context, w Work, l *long) error {
	for vain := 0; vain < maxRetries; {
		var err error
		if w, err = n.o.Store.Open(ctx, n.job); err != nil {
			return err
		}
		page, err := w.Page(ctx, PageRequest{Prefix: l.key, Limit: max(2, n.limit()), MarkersOnly: true})
		if err != nil {
			return err
		}
		markers := l.among(page.Entries)
		if len(markers) == 0 {
			return nil
		}
		part := markers[len(markers)-1].Order != l.lowest
		plan := undeletePlan{lifts: []lift{{markers: markers, reveals: *l.reveals, seen: page.Heads[l.key], part: part}}}
		before := n.job.Counts
		changed, err := n.raise(ctx, w, &plan)
		kept := n.job.Counts.Refused+n.job.Counts.Held > before.Refused+before.Held
		switch {
		case err != nil, kept, len(changed) == 0 && !part:
			return err
		case len(changed) > 0:
			vain++
		}
	}
	n.failed(w, &l.top, ErrChanged)
	return nil
}

// among returns the markers of l that a page begins with.
func (l *long) among(entries []Entry) (markers []Entry) {
	for i := range entries {
		e := &entries[i]
		if e.Key != l.key || !e.Marker || e.Order < l.lowest || e.Order > l.top.Order {
			break
		}
		markers = append(markers, *e)
	}
	return markers
}
