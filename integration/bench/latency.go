package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
)

const (
	openRate   = 200     // GETs in a second
	markerSeed = 200_000 // entries to have for destruction, at most
	seedTime   = 5       // phases' lengths to spend on making them, at most
	// massWorkers send DeleteObjects at a time. One call takes a slow server
	// seconds, so more of them would only make the phase long.
	massWorkers = 4
)

// measureLatency measures GETs that are sent at a fixed rate, whether or not
// earlier ones were answered: first alone, then while DeleteObjects runs.
func measureLatency(ctx context.Context, s *server) ([]figure, error) {
	if len(s.written) == 0 {
		if _, err := s.writeSmall(ctx); err != nil {
			return nil, err
		}
	}
	all, err := s.seedMarkers(ctx)
	if err != nil {
		return nil, err
	}
	quiet, err := s.openLoop(ctx, s.o.duration)
	if err != nil {
		return nil, err
	}
	// The GETs go on for as long as there is something to destroy.
	type outcome struct {
		times []time.Duration
		err   error
	}
	busy := make(chan outcome, 1)
	reading, enough := context.WithCancel(ctx)
	defer enough()
	go func() {
		times, err := s.openLoop(reading, 2*s.o.duration)
		busy <- outcome{times, err}
	}()
	t, err := s.destroy(ctx, all, massWorkers, 2*s.o.duration)
	enough()
	o := <-busy
	if err == nil {
		err = o.err
	}
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("(%.0f entries/s destroyed, %d GETs)", t.rate(), len(o.times))
	return []figure{
		{name: "GET p99, quiet", unit: "ms", value: milliseconds(percentile(quiet, 99)), less: true},
		{name: "GET p99 while DeleteObjects runs", unit: "ms", value: milliseconds(percentile(o.times, 99)), less: true, note: note},
	}, nil
}

// seedMarkers makes entries to destroy: delete markers, of which a DeleteObjects
// adds a thousand at once. Where a marker is not put upon a marker it makes
// versions instead, one by one.
func (s *server) seedMarkers(ctx context.Context) ([]version, error) {
	bucket, err := s.bucket(ctx, &s.versioned, "versioned", true)
	if err != nil {
		return nil, err
	}
	batch := make([]version, batchSize)
	for i := range batch {
		batch[i].key = versionedKey(i)
	}
	var made versions
	_, err = s.load(ctx, massWorkers, seedTime*s.o.duration, func(ctx context.Context, i int) error {
		if i >= markerSeed/batchSize {
			return errEnough
		}
		added, err := s.removeBatch(ctx, bucket, batch)
		made.add(added...)
		return err
	})
	all := slices.DeleteFunc(made.all, func(v version) bool { return v.id == "" })
	if err != nil || len(all) > 2*batchSize {
		return all, err
	}
	_, all, err = s.writeVersions(ctx, s.o.workers, seedTime*s.o.duration, seedLimit)
	return all, err
}

// openLoop sends GETs at openRate until the time is over or ctx ends, and returns
// how long each took from when it was due. What a stall of the client held back is
// sent at once behind it, so that no later one is late for that.
func (s *server) openLoop(ctx context.Context, d time.Duration) ([]time.Duration, error) {
	var mu sync.Mutex // protects times and first
	var times []time.Duration
	var first error
	var wait sync.WaitGroup
	begun := time.Now()
	for i := range int(d.Seconds() * openRate) {
		due := begun.Add(time.Duration(i) * time.Second / openRate)
		if clock.Wait(ctx, time.Until(due)) != nil {
			break
		}
		wait.Go(func() {
			err := s.get(context.WithoutCancel(ctx), s.small, s.written[i*7919%len(s.written)])
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(due))
			if first == nil {
				first = err
			}
		})
	}
	wait.Wait()
	return times, first
}

// percentile returns the p-th percentile of times, which it sorts.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)*p/100, len(times)-1)]
}
