package lifecycle

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// slice is the real time after which a pass of the background makes room for those over
// other buckets, at the next place where it can be cut: so none keeps the others waiting
// for long. What it costs is that the key under way is read once more.
const slice = 2 * time.Second

// errCut says that a pass ended before its end, at a place from which it goes on.
var errCut = errors.New("the pass makes room for others")

// tour is a pass over a bucket on its way through the background: it waits for its time,
// what there is to do is counted if that is to be spread, and then it is done a slice at a
// time. Between two slices it takes no more memory than its report.
type tour struct {
	bucket Bucket
	begins time.Time // object time before which it does not begin; zero: at once
	ends   time.Time // object time by which what is due is to be done; zero: at once
	count  *pass     // dry run that finds out how much is due; nil: not begun, or done
	pass   *pass     // nil: not begun
	due    int64     // how much was due when pass began
}

// wait returns how long the tour has to wait until its next slice; 0: its time has come.
// What is due is spread so that it is done in time: if the machine is fast enough, and
// there is no more of it than was counted.
func (t *tour) wait(now time.Time) time.Duration {
	switch {
	case now.Before(t.begins):
		return t.begins.Sub(now)
	case t.pass == nil || !t.spreads(now):
		return 0
	}
	share := float64(t.pass.tally.acted()) / float64(t.due)
	next := t.pass.started.Add(time.Duration(share * float64(t.ends.Sub(t.pass.started))))
	return max(0, next.Sub(now))
}

// spreads reports whether something of what was counted has time left.
func (t *tour) spreads(now time.Time) bool {
	return now.Before(t.ends) && t.pass.tally.acted() < t.due
}

// allowance returns how many actions the pass may have taken when the next slice ends.
func (t *tour) allowance(now time.Time) int64 {
	if !t.spreads(now) {
		return math.MaxInt64
	}
	share := float64(now.Sub(t.pass.started)) / float64(t.ends.Sub(t.pass.started))
	return max(int64(share*float64(t.due)), t.pass.tally.acted()+1)
}

// anew makes the tour begin anew, at once.
func (t *tour) anew() { *t = tour{bucket: t.bucket} }

// rotation is the passes of the background in the order in which they have their next
// slice. One goroutine has it.
type rotation struct {
	x      *Expirer
	tours  []*tour
	byID   map[uint64]*tour // the same by bucket
	number uint64           // of sweeps
	open   bool             // since the last one has begun, not all tours have ended
}

func (x *Expirer) newRotation() *rotation { return &rotation{x: x, byID: make(map[uint64]*tour)} }

// sweep makes a tour of each bucket that has rules and is not on one.
func (r *rotation) sweep(ctx context.Context, s *schedule) {
	x := r.x
	r.number++
	x.mu.Lock()
	x.sweeping = r.number
	x.mu.Unlock()
	err := x.eachBucket(ctx, func(b Bucket) error {
		c, err := x.o.Buckets.Config(ctx, b.Name)
		switch {
		case err != nil:
			x.failed(ctx, b, err)
		case c == nil:
			x.unwatch(b)
		default:
			r.add(b, s)
		}
		return ctx.Err()
	})
	r.open = err == nil
	if err != nil && ctx.Err() == nil {
		x.log.Error("the buckets could not be passed over", "error", err)
	}
}

// add makes a tour of a bucket, or lets the one that has not begun wait for its time anew.
func (r *rotation) add(b Bucket, s *schedule) {
	x, now := r.x, r.x.o.Now()
	t := r.byID[b.ID]
	if t == nil {
		t = &tour{bucket: b}
		r.byID[b.ID], r.tours = t, append(r.tours, t)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.watch(b)
	if t.pass == nil && t.count == nil && !w.passed.Equal(now.Truncate(day)) {
		t.begins, t.ends = s.window(b, now)
		w.begins = t.begins
	}
}

// admit lets the buckets whose rules changed go first, at once and by the new rules.
func (r *rotation) admit(ctx context.Context) {
	for name := range r.x.takeChanged() {
		b, err := r.x.o.Buckets.Bucket(ctx, name)
		if err != nil {
			continue // it is gone, which its tour finds out
		}
		t := r.byID[b.ID]
		if t == nil {
			t = &tour{bucket: b}
			r.byID[b.ID] = t
		} else {
			r.x.stop(t, ErrRulesChanged)
			t.anew()
			r.tours = slices.DeleteFunc(r.tours, func(o *tour) bool { return o == t })
		}
		r.tours = slices.Insert(r.tours, 0, t)
	}
}

// round gives each tour whose time has come a slice, and reports whether any could go on
// at once.
func (r *rotation) round(ctx context.Context) (more bool) {
	r.admit(ctx)
	for range len(r.tours) {
		t := r.tours[0]
		r.tours = r.tours[1:]
		if t.wait(r.x.o.Now()) == 0 && r.x.goOn(ctx, t) {
			delete(r.byID, t.bucket.ID)
		} else {
			r.tours = append(r.tours, t)
			more = more || t.wait(r.x.o.Now()) == 0
		}
		if ctx.Err() != nil {
			return false
		}
		r.admit(ctx)
	}
	if len(r.tours) == 0 && r.open {
		r.open = false
		r.x.swept(ctx, r.number)
	}
	return more
}

// end ends the passes that are under way where they are.
func (r *rotation) end() {
	for _, t := range r.tours {
		r.x.stop(t, ErrClosed)
	}
}

// wait returns how long it is until the next tour has a slice.
func (r *rotation) wait() time.Duration {
	least, now := time.Duration(math.MaxInt64), r.x.o.Now()
	for _, t := range r.tours {
		least = min(least, t.wait(now))
	}
	return least
}

// swept takes that all buckets were passed over.
func (x *Expirer) swept(ctx context.Context, number uint64) {
	x.mu.Lock()
	x.full = x.o.Now()
	for id, w := range x.watched {
		if w.sweep < number && w.running == 0 {
			delete(x.watched, id) // the bucket is gone
		}
	}
	x.mu.Unlock()
	x.dropOrphans(ctx)
}

// goOn gives a tour a slice, and reports whether it is at its end.
func (x *Expirer) goOn(ctx context.Context, t *tour) (done bool) {
	err := x.slice(ctx, t)
	if errors.Is(err, errCut) {
		return false
	}
	if x.stop(t, err); errors.Is(err, ErrRulesChanged) {
		t.anew()
		return false
	}
	if err != nil {
		x.failed(ctx, t.bucket, err)
	}
	return true
}

// stop ends the pass of a tour, if one is under way.
func (x *Expirer) stop(t *tour, err error) {
	if t.pass != nil {
		x.passEnds(t.pass, err)
	}
}

// failed tells of a pass of the background that failed.
func (x *Expirer) failed(ctx context.Context, b Bucket, err error) {
	switch {
	case ctx.Err() != nil, errors.Is(err, ErrNoBucket):
	case errors.Is(err, ErrMFADelete):
		x.log.Info("lifecycle rules are not applied where MFA Delete is enabled", "bucket", b.Name)
	default:
		x.log.Error("a pass over a bucket failed", "bucket", b.Name, "error", err)
		x.figures.add(b.Name, &Report{}, &Report{Failed: 1})
	}
}

// slice does the next slice of a tour. It fails with errCut if there is more to do.
func (x *Expirer) slice(ctx context.Context, t *tour) error {
	if t.pass == nil && t.count == nil {
		c, err := x.o.Buckets.Config(ctx, t.bucket.Name)
		if err != nil {
			return err
		}
		if c == nil {
			x.unwatch(t.bucket)
			return nil
		}
		p := x.newPass(t.bucket, c)
		p.from, p.paced = x.resume(p), true
		if p.at.Now.Before(t.ends) {
			p.dry, t.count = true, p
		} else {
			x.begin(t, p)
		}
	}
	if p := t.count; p != nil {
		if err := p.slice(ctx, math.MaxInt64); err != nil {
			return err
		}
		t.count, t.due = nil, p.tally.acted()
		next := x.newPass(t.bucket, p.config)
		next.from, next.paced = x.resume(next), true
		x.begin(t, next)
	}
	return x.act(ctx, t)
}

// begin begins the pass of a tour.
func (x *Expirer) begin(t *tour, p *pass) {
	p.shares, p.save = true, x.saver(p)
	t.pass = p
	x.passBegins(p)
}

// act does a slice of what is due.
func (x *Expirer) act(ctx context.Context, t *tour) error {
	p := t.pass
	if err := x.turn.take(ctx); err != nil {
		return err
	}
	p.holds = true
	defer func() {
		if p.holds {
			p.holds = false
			x.turn.give()
		}
	}()
	err := p.slice(ctx, t.allowance(x.o.Now()))
	switch {
	case err == nil:
		x.dropProgress(ctx, p.bucket.ID)
	case p.safe != "" && (errors.Is(err, errCut) || ctx.Err() != nil):
		x.keepProgress(context.WithoutCancel(ctx), p, p.safe)
	}
	return err
}

// slice runs the pass until its slice is over or it took as many actions, counted from its
// beginning; then it fails with errCut, and the next slice goes on from there.
func (p *pass) slice(ctx context.Context, actions int64) error {
	p.until, p.actions = p.x.o.Clock.Elapsed()+slice, actions
	err := p.run(ctx)
	if errors.Is(err, errCut) {
		p.from, p.batch = p.safe, batch{}
	}
	return err
}

// over reports whether the slice of the pass is over.
func (p *pass) over() bool {
	return p.until > 0 && (p.x.o.Clock.Elapsed() >= p.until || p.tally.acted() >= p.actions)
}

// acted returns how many actions were taken.
func (t *tally) acted() (n int64) {
	for i := range t.Rules {
		n += t.Rules[i].Count
	}
	return n
}
