package lifecycle

import (
	"context"
	"errors"
	"time"
)

const (
	// glance is how often the background looks whether it is time for a pass: object
	// time may be set.
	glance = time.Minute
)

// schedule says when it is time to pass over all buckets: when a day begins, which is
// when most of what rules do is due, and each time the interval went by.
type schedule struct {
	interval time.Duration
	begun    time.Duration // when the last pass began, as elapsed real time
	today    time.Time     // the day when it began, object time
}

// begin takes that a pass begins.
func (s *schedule) begin(now time.Time, elapsed time.Duration) {
	s.begun, s.today = elapsed, now.Truncate(day)
}

// wait returns how long it is until the next pass is to begin; 0: it is time.
func (s *schedule) wait(now time.Time, elapsed time.Duration) time.Duration {
	if !now.Truncate(day).Equal(s.today) {
		return 0
	}
	return max(0, min(s.begun+s.interval-elapsed, s.today.Add(day).Sub(now)))
}

// sweeps passes over all buckets again and again.
func (x *Expirer) sweeps(ctx context.Context) {
	x.loadProgress(ctx)
	s := schedule{interval: x.o.Interval}
	for number := uint64(1); ctx.Err() == nil; number++ {
		s.begin(x.o.Now(), x.o.Clock.Elapsed())
		x.sweep(ctx, number)
		for {
			left := s.wait(x.o.Now(), x.o.Clock.Elapsed())
			if left == 0 {
				break
			}
			if x.o.Wait(ctx, min(left, glance)) != nil {
				return
			}
		}
	}
}

// sweep passes over all buckets once.
func (x *Expirer) sweep(ctx context.Context, number uint64) {
	x.mu.Lock()
	x.sweeping = number
	x.mu.Unlock()
	err := x.eachBucket(ctx, func(b Bucket) error {
		x.look(ctx, b)
		return ctx.Err()
	})
	if err != nil {
		if ctx.Err() == nil {
			x.log.Error("the buckets could not be passed over", "error", err)
		}
		return
	}
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

// eachBucket calls fn with every bucket.
func (x *Expirer) eachBucket(ctx context.Context, fn func(Bucket) error) error {
	for after, more := "", true; more; {
		var page []Bucket
		var err error
		if page, more, err = x.o.Buckets.Buckets(ctx, after); err != nil {
			return err
		}
		for _, b := range page {
			after = b.Name
			if err := fn(b); err != nil {
				return err
			}
		}
		more = more && len(page) > 0
	}
	return nil
}

// looks passes over the buckets whose rules changed.
func (x *Expirer) looks(ctx context.Context) {
	for {
		select {
		case <-x.wake:
		case <-ctx.Done():
			return
		}
		x.mu.Lock()
		names := x.changed
		x.changed = make(map[string]struct{})
		x.mu.Unlock()
		for name := range names {
			b, err := x.o.Buckets.Bucket(ctx, name)
			if err == nil {
				x.look(ctx, b)
			}
		}
	}
}

// look passes over a bucket in the background, and once more as long as its rules
// change meanwhile. If that is under way already it is told to.
func (x *Expirer) look(ctx context.Context, b Bucket) {
	c, err := x.o.Buckets.Config(ctx, b.Name)
	if err == nil && c == nil {
		x.unwatch(b)
		return
	}
	if err == nil && !x.claim(b) {
		return
	}
	for goesOn := err == nil; goesOn; {
		err = x.lookOnce(ctx, b)
		goesOn = x.release(b, errors.Is(err, ErrRulesChanged))
	}
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, ErrNoBucket):
	case errors.Is(err, ErrMFADelete):
		x.log.Info("lifecycle rules are not applied where MFA Delete is enabled", "bucket", b.Name)
	default:
		x.log.Error("a pass over a bucket failed", "bucket", b.Name, "error", err)
		x.figures.add(b.Name, &Report{}, &Report{Failed: 1})
	}
}

// lookOnce passes over a bucket in the background once.
func (x *Expirer) lookOnce(ctx context.Context, b Bucket) error {
	c, err := x.o.Buckets.Config(ctx, b.Name)
	if err != nil {
		return err
	}
	if c == nil {
		x.unwatch(b)
		return nil
	}
	if err := x.turn.take(ctx); err != nil {
		return err
	}
	p := x.newPass(b, c)
	p.shares, p.paced, p.holds = true, true, true
	defer func() {
		if p.holds {
			x.turn.give()
		}
	}()
	p.from = x.resume(p)
	p.save = x.saver(p)
	err = x.watchPass(ctx, p)
	switch {
	case err == nil:
		x.dropProgress(ctx, b.ID)
	case ctx.Err() != nil && p.safe != "":
		x.keepProgress(context.WithoutCancel(ctx), p, p.safe)
	}
	return err
}

// watch returns what is known of a bucket. The caller holds mu.
func (x *Expirer) watch(b Bucket) *watched {
	w := x.watched[b.ID]
	if w == nil {
		w = &watched{name: b.Name}
		x.watched[b.ID] = w
	}
	w.sweep = x.sweeping
	return w
}

// unwatch forgets a bucket that has no rules.
func (x *Expirer) unwatch(b Bucket) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if w := x.watched[b.ID]; w != nil && w.running == 0 && !w.claimed {
		delete(x.watched, b.ID)
	}
}

// claim makes a bucket one that is passed over in the background. If it is already,
// that is done once more.
func (x *Expirer) claim(b Bucket) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.watch(b)
	if w.claimed {
		w.again = true
		return false
	}
	w.claimed = true
	return true
}

// release ends the claim, unless the bucket has to be passed over once more, which it
// says.
func (x *Expirer) release(b Bucket, again bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.watch(b)
	w.claimed = (w.again || again) && !x.closed
	w.again = false
	return w.claimed
}

// watchPass runs a pass that is no dry run, and keeps what it comes to with the bucket
// if it is one over all that is due.
func (x *Expirer) watchPass(ctx context.Context, p *pass) error {
	x.mu.Lock()
	w := x.watch(p.bucket)
	w.running++
	p.watched = w
	x.mu.Unlock()
	started := x.o.Now()
	err := p.run(ctx)
	p.tell()
	x.mu.Lock()
	defer x.mu.Unlock()
	if w.running--; w.running == 0 {
		w.oldest = time.Time{}
	}
	if err == nil && p.present && p.prefix == "" {
		w.left = p.tally.left
		w.status = Status{Started: started, Finished: x.o.Now(), Last: p.tally.Report}
	}
	return err
}

// tell adds what the pass did since it last told to the figures.
func (p *pass) tell() {
	if p.dry {
		return
	}
	p.x.figures.add(p.bucket.Name, &p.told, &p.tally.Report)
	rules := append(p.told.Rules[:0], p.tally.Rules...)
	p.told = p.tally.Report
	p.told.Rules = rules
	if p.watched == nil || p.tally.met.IsZero() {
		return
	}
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	p.watched.oldest = earlier(p.watched.oldest, p.tally.met)
}
