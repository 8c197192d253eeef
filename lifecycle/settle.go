package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bounds of Settle, beyond which it takes what is left at once.
const (
	maxSteps  = 10_000 // instants
	maxRounds = 16     // runs over one bucket at one instant
)

// Settle lets object time go on to until, from one instant at which something is due to
// the next, and does at each what is due: so all comes to be as if the expirer had been
// awake all the time. A lock that ends and lets something go is such an instant too.
//
// to sets object time, and is called with times that rise, the last of them until. Each
// is called with every action, as in a [RunRequest]. Nothing else removes anything
// meanwhile. A bucket that fails does not hinder the others; the first failure is
// returned when all is done, with the report of all buckets. The errors of to, each and
// ctx end it where it is.
func (x *Expirer) Settle(ctx context.Context, until time.Time, to func(time.Time) error, each func(*Action) error) (Report, error) {
	if !x.enter() {
		return Report{}, ErrClosed
	}
	defer x.done.Done()
	ctx, cancel := x.during(ctx)
	defer cancel()
	if err := x.turn.take(ctx); err != nil {
		return Report{}, err
	}
	defer x.turn.give()
	s := &settling{x: x, until: until, to: to, each: each, next: make(map[Bucket]*agenda), parts: make(map[Bucket]bool), held: make(map[Bucket]int64)}
	err := s.run(ctx)
	var told *toldError
	if errors.As(err, &told) {
		err = told.err
	}
	return s.report, err
}

// settling is a Settle that is under way.
type settling struct {
	x      *Expirer
	until  time.Time
	to     func(time.Time) error
	each   func(*Action) error
	report Report
	next   map[Bucket]*agenda // of the buckets where something will be due
	parts  map[Bucket]bool    // those that were last looked at in part
	held   map[Bucket]int64   // what locks held when a bucket was last looked at
	failed error              // of the first bucket that failed
}

func (s *settling) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for step := 1; ; step++ {
		soonest := s.soonest()
		last := soonest.IsZero() || soonest.After(s.until)
		if last || step == maxSteps {
			soonest, last = s.until, true
		}
		if err := s.reach(soonest); err != nil {
			return err
		}
		if err := s.look(ctx); err != nil {
			return err
		}
		if last {
			if err := s.complete(ctx); err != nil {
				return err
			}
			s.report.NextDue, s.report.Held = s.soonest(), 0
			for _, n := range s.held {
				s.report.Held += n
			}
			return s.failed
		}
	}
}

// soonest returns when the next thing is due; zero: never.
func (s *settling) soonest() (at time.Time) {
	for _, a := range s.next {
		at = earlier(at, a.soonest())
	}
	return at
}

// reach sets object time to at, if that is still to come.
func (s *settling) reach(at time.Time) error {
	if !at.After(s.x.o.Now()) {
		return nil
	}
	if err := s.to(at); err != nil {
		return err
	}
	if now := s.x.o.Now(); now.Before(at) {
		return fmt.Errorf("object time is %s after it was set to %s", now.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano))
	}
	return nil
}

// begin runs all buckets once.
func (s *settling) begin(ctx context.Context) error {
	return s.x.eachBucket(ctx, func(b Bucket) error { return s.settle(ctx, b) })
}

// look runs what is due by now: the keys that it is of, or the buckets.
func (s *settling) look(ctx context.Context) error {
	now := s.x.o.Now()
	var due []Bucket
	for b, a := range s.next {
		if !a.soonest().After(now) {
			due = append(due, b)
		}
	}
	for _, b := range due {
		a := s.next[b]
		keys, uploads, whole := a.take(now)
		var part *visit
		if !whole {
			part = &visit{keys, uploads}
		}
		if err := s.settlePart(ctx, b, part); err != nil {
			return err
		}
	}
	return nil
}

// complete looks at the whole of each bucket of which it was last a part: whatever others
// have put meanwhile, nothing is left that is due.
func (s *settling) complete(ctx context.Context) error {
	for b := range s.parts {
		if err := s.settle(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// settle runs a bucket until nothing more is due, and keeps when something will be.
func (s *settling) settle(ctx context.Context, b Bucket) error { return s.settlePart(ctx, b, nil) }

// settlePart is settle for a part of the bucket, or all of it if part is nil.
func (s *settling) settlePart(ctx context.Context, b Bucket, part *visit) error {
	rest := s.next[b]
	delete(s.next, b)
	if s.parts[b] = part != nil; part == nil {
		rest = newAgenda()
		delete(s.parts, b)
	}
	for range maxRounds {
		found := newAgenda()
		report, err := s.x.runBucket(ctx, b, &RunRequest{Bucket: b.Name, Each: s.each, visit: part, agenda: found}, true)
		s.report.add(&report)
		if part == nil {
			s.held[b] = report.Held
		}
		var told *toldError
		switch {
		case errors.Is(err, ErrNoBucket):
			delete(s.parts, b)
			return nil
		case errors.Is(err, ErrRulesChanged):
			part, rest = nil, newAgenda()
			delete(s.parts, b)
			continue
		case errors.As(err, &told), ctx.Err() != nil:
			return err
		case err != nil:
			delete(s.parts, b)
			if s.failed == nil {
				s.failed = err
			}
			return nil
		case !report.done():
			if rest.add(found); !rest.soonest().IsZero() {
				s.next[b] = rest
			}
			return nil
		}
	}
	return nil
}
