package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	// glance is how often the background looks whether it is time for a pass: object
	// time may be set.
	glance = time.Minute
)

// schedule says when it is time to pass over all buckets: when a day begins, which is
// when most of what rules do is due, and each time the interval went by. What is due with
// a day may be spread over a window at its beginning.
type schedule struct {
	interval time.Duration
	spread   time.Duration // length of the window, 0: there is none
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

// window returns when the first pass of the day over a bucket begins, and by when what
// it finds is to be done; zero times where the window is over, or there is none. Buckets
// begin in its first half, each at an instant of its own, the same on each day: the rest
// is for spreading what it finds.
func (s *schedule) window(b Bucket, now time.Time) (begins, ends time.Time) {
	midnight := now.Truncate(day)
	if ends = midnight.Add(s.spread); !now.Before(ends) {
		return time.Time{}, time.Time{}
	}
	sum := sha256.Sum256([]byte(b.Name))
	share := float64(binary.BigEndian.Uint64(sum[:])) / (1 << 64)
	return midnight.Add(time.Duration(share * float64(s.spread/2))), ends
}

// sweeps passes over buckets again and again: over all when it is time to, and over those
// whose rules change.
func (x *Expirer) sweeps(ctx context.Context) {
	x.loadProgress(ctx)
	s := schedule{interval: x.o.Interval, spread: x.o.Spread}
	r := x.newRotation()
	defer r.end()
	for ctx.Err() == nil {
		if s.wait(x.o.Now(), x.o.Clock.Elapsed()) == 0 {
			s.begin(x.o.Now(), x.o.Clock.Elapsed())
			r.sweep(ctx, &s)
		}
		if r.round(ctx) {
			continue
		}
		now := x.o.Now()
		left := s.wait(now, x.o.Clock.Elapsed())
		x.mu.Lock()
		x.next = now.Add(left)
		x.mu.Unlock()
		if left = min(left, r.wait()); left > 0 {
			x.nap(ctx, min(left, glance))
		}
	}
}

// nap waits for d of real time, or until ctx ends or the rules of a bucket change.
func (x *Expirer) nap(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x.mu.Lock()
	x.rouse = cancel
	awake := len(x.changed) > 0
	x.mu.Unlock()
	if !awake {
		_ = x.o.Wait(ctx, d) // it fails with ctx only, at which the caller looks
	}
}

// takeChanged returns the buckets whose rules changed since it was last called.
func (x *Expirer) takeChanged() map[string]struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.changed) == 0 {
		return nil
	}
	names := x.changed
	x.changed = make(map[string]struct{})
	return names
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
	if w := x.watched[b.ID]; w != nil && w.running == 0 {
		delete(x.watched, b.ID)
	}
}

// watchPass runs a pass that is no dry run.
func (x *Expirer) watchPass(ctx context.Context, p *pass) error {
	x.passBegins(p)
	err := p.run(ctx)
	x.passEnds(p, err)
	return err
}

// passBegins makes a pass that is no dry run one of those that are under way.
func (x *Expirer) passBegins(p *pass) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.watched, p.started = x.watch(p.bucket), x.o.Now()
	p.watched.running++
	p.watched.begins = time.Time{}
}

// passEnds takes it from them, and keeps what it came to with the bucket if it was one
// over all that is due.
func (x *Expirer) passEnds(p *pass, err error) {
	p.tell()
	x.mu.Lock()
	defer x.mu.Unlock()
	w := p.watched
	if w.running--; w.running == 0 {
		w.oldest = time.Time{}
	}
	if err == nil && p.present && p.prefix == "" && p.visit == nil {
		w.left = p.tally.left
		w.passed = p.at.Now.Truncate(day)
		w.status = Status{Started: p.started, Finished: x.o.Now(), Last: p.tally.Report}
	}
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
