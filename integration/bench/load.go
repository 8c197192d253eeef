package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what came of a load.
type tally struct {
	done    int64
	errors  int64
	first   error // the first error
	elapsed time.Duration
	used    processor
}

// rate returns what was done in a second.
func (t tally) rate() float64 { return float64(t.done) / t.elapsed.Seconds() }

// note says what processor time it took, how many calls failed, if any, and why
// the first one did.
func (t tally) note() string {
	note := t.used.each(t.done)
	if t.errors > 0 {
		note += fmt.Sprintf("(%d errors, first: %v)", t.errors, t.first)
	}
	return note
}

// errEnough ends a load before its time: nothing is left to do.
var errEnough = errors.New("enough")

// load is the package's load, with the processor time of client and server.
func (s *server) load(ctx context.Context, workers int, d time.Duration, fn func(ctx context.Context, i int) error) (tally, error) {
	before := s.processor()
	t, err := load(ctx, workers, d, fn)
	t.used = s.processor().minus(before)
	return t, err
}

// load calls fn from parallel workers with 0, 1, 2, … until the time is over or
// fn returns errEnough. It fails if not a single call succeeds.
func load(ctx context.Context, workers int, d time.Duration, fn func(ctx context.Context, i int) error) (tally, error) {
	var t tally
	var next atomic.Int64
	var mu sync.Mutex // protects t.first
	var wait sync.WaitGroup
	begun := time.Now()
	for range workers {
		wait.Go(func() {
			for time.Since(begun) < d && ctx.Err() == nil {
				err := fn(ctx, int(next.Add(1)-1))
				switch {
				case errors.Is(err, errEnough):
					return
				case err == nil:
					atomic.AddInt64(&t.done, 1)
					continue
				}
				atomic.AddInt64(&t.errors, 1)
				mu.Lock()
				if t.first == nil {
					t.first = err
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	t.elapsed = time.Since(begun)
	if t.done == 0 && t.first != nil {
		return t, t.first
	}
	return t, ctx.Err()
}
