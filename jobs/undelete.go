package jobs

import (
	"context"
	"errors"

	"github.com/seed61737384/tombstone/versioning"
)

// lift is a key that becomes visible when its markers go.
type lift struct {
	markers []Entry // newest first
	reveals Entry   // the newest version
	seen    versioning.Head
	part    bool // there are more markers above reveals
}

// undeletePlan is what is to be done with a page.
type undeletePlan struct {
	lifts   []lift
	skipped []Entry // the newest marker of keys that stay hidden for its time
	since   int64   // keys that were deleted since the start
	damaged []string
	dealt   int
	place   place // behind what the plan deals with
	// long is a key that has more markers above its newest version than a page holds.
	long string
}

// planUndelete says what is to be done with a page: where markers hide a version, and
// were made within the time asked for, they go. A key that goes on behind the page and is
// not decided by then is left to the next one, which begins with it.
func planUndelete(j *Job, page *Page) undeletePlan {
	plan := undeletePlan{dealt: len(page.Entries), place: j.place, damaged: page.Damaged}
	all := page.Entries
	for at := 0; at < len(all); {
		end := at + 1
		for end < len(all) && all[end].Key == all[at].Key {
			end++
		}
		group := all[at:end]
		markers := 0
		for markers < len(group) && group[markers].Marker {
			markers++
		}
		cut := end == len(all) && page.More
		if cut && markers == len(group) && !page.damages(group[0].Key) { // what it hides is behind the page
			if at == 0 {
				plan.long = group[0].Key
			}
			return plan
		}
		if markers > 0 && markers < len(group) && !page.damages(group[0].Key) {
			plan.judge(j, group[:markers], group[markers], page.Heads[group[0].Key])
		}
		plan.place.After = Place{Key: group[0].Key}
		at = end
	}
	if !page.More {
		plan.place = j.Spec.next()
	} else if page.damages(page.Next.Key) {
		plan.place.After = Place{Key: page.Next.Key}
	}
	return plan
}

// judge decides whether the markers of a key go.
func (p *undeletePlan) judge(j *Job, markers []Entry, reveals Entry, seen versioning.Head) {
	for i := range markers {
		switch m := &markers[i]; {
		case m.Order >= j.Boundary:
			p.since++
			return
		case !j.within(m):
			p.skipped = append(p.skipped, markers[0])
			return
		}
	}
	p.lifts = append(p.lifts, lift{markers: markers, reveals: reveals, seen: seen})
}

// within reports whether a marker was made within the time asked for.
func (j *Job) within(m *Entry) bool {
	return !m.LastModified.Before(j.Spec.Since) && (j.Spec.Until.IsZero() || !m.LastModified.After(j.Spec.Until))
}

// undeletePage undeletes the keys of a page.
func (n *run) undeletePage(ctx context.Context, w Work) (int, error) {
	j := n.job
	page, err := w.Page(ctx, PageRequest{Prefix: j.Prefix, After: j.place.After, Limit: max(2, n.limit()), MarkersOnly: true})
	if err != nil {
		return 0, err
	}
	plan := planUndelete(j, &page)
	if plan.long != "" {
		dealt, err := n.undeleteLong(ctx, w, plan.long)
		if err == nil {
			j.place.After = Place{Key: plan.long}
		}
		return dealt, err
	}
	if err := n.carryOut(ctx, w, &plan); err != nil {
		return 0, err
	}
	j.place = plan.place
	return plan.dealt, nil
}

// carryOut does what is planned, and looks again at keys that changed.
func (n *run) carryOut(ctx context.Context, w Work, plan *undeletePlan) error {
	changed, err := n.raise(ctx, w, plan)
	if err != nil {
		return err
	}
	for i := range changed {
		if err := n.raiseAgain(ctx, w, &changed[i]); err != nil {
			return err
		}
	}
	return nil
}

// raise does what is planned, and returns what changed.
func (n *run) raise(ctx context.Context, w Work, plan *undeletePlan) (changed []lift, err error) {
	var rs []Removal
	for i := range plan.lifts {
		l := &plan.lifts[i]
		for _, m := range l.markers {
			rs = append(rs, Removal{Entry: m, Seen: l.seen})
		}
	}
	var errs []error
	if len(rs) > 0 {
		if errs, err = w.Remove(context.WithoutCancel(ctx), rs); err != nil {
			return nil, err
		}
	}
	n.job.Counts.Since += plan.since
	n.damaged(plan.damaged)
	for i := range plan.skipped {
		m := &plan.skipped[i]
		n.job.Counts.Skipped++
		n.job.sample(Sample{Why: WhySkipped, Key: m.Key, VersionID: w.FormatVersionID(m.ID())})
	}
	for i := range plan.lifts {
		l := &plan.lifts[i]
		if n.raised(w, l, errs[:len(l.markers)]) {
			changed = append(changed, *l)
		}
		errs = errs[len(l.markers):]
	}
	return changed, nil
}

// raised counts what became of the markers of a key, and reports whether the key changed.
func (n *run) raised(w Work, l *lift, errs []error) (changed bool) {
	for i := range l.markers {
		if errs[i] == nil {
			n.job.Counts.Markers++
			continue
		}
		if errors.Is(errs[i], ErrChanged) {
			return true
		}
		n.failed(w, &l.markers[i], errs[i])
		return false
	}
	if !l.part {
		n.revealed(w, &l.reveals)
	}
	return false
}

// revealed counts a key that is visible again.
func (n *run) revealed(w Work, e *Entry) {
	n.job.Counts.Undeleted++
	n.job.Counts.Bytes += e.Size
	n.job.sample(Sample{Why: WhyUndeleted, Key: e.Key, VersionID: w.FormatVersionID(e.ID())})
}

// raiseAgain undeletes a key that changed, as it is by now.
func (n *run) raiseAgain(ctx context.Context, w Work, l *lift) error {
	key := l.markers[0].Key
	for range maxRetries {
		plan, err := n.planKey(ctx, w, key)
		if err != nil {
			return err
		}
		if plan.long == key {
			_, err := n.undeleteLong(ctx, w, key)
			return err
		}
		changed, err := n.raise(ctx, w, &plan)
		if err != nil || len(changed) == 0 {
			return err
		}
	}
	n.failed(w, &l.markers[0], ErrChanged)
	return nil
}

// planKey says what is to be done with one key.
func (n *run) planKey(ctx context.Context, w Work, key string) (undeletePlan, error) {
	page, err := w.Page(ctx, PageRequest{Prefix: key, Limit: max(2, n.limit()), MarkersOnly: true})
	for i := range page.Entries {
		if page.Entries[i].Key != key {
			page.Entries, page.More = page.Entries[:i], false
			break
		}
	}
	return planUndelete(n.job, &page), err
}
