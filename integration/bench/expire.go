package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7/pkg/lifecycle"
)

const (
	expireBucket = "expire"
	// fewVersions is how many a rule selects of all in a bucket.
	fewVersions = 1000
	// expirePeriods is how often quiet and busy take turns.
	expirePeriods = 5
	// expirePatience is how long the removal of what was seeded may take.
	expirePatience = 10 * time.Minute
	// A count is read that often, so that reading it is no load.
	expirePoll = 100 * time.Millisecond
)

// expiring is a server on a folder that was seeded with noncurrent versions. Rules
// of one day find them all expired.
type expiring struct {
	*server
	data string
}

// seedExpiring seeds a folder, so many versions under each prefix, and starts a
// server on it.
func (s *server) seedExpiring(ctx context.Context, counts map[string]int) (*expiring, error) {
	data, err := os.MkdirTemp(s.folder, "expire-")
	if err != nil {
		return nil, err
	}
	x := &expiring{data: data}
	if err := seedFolder(ctx, data, counts); err != nil {
		return nil, errors.Join(err, x.end())
	}
	process, err := s.on(data)
	if err != nil {
		return nil, errors.Join(err, x.end())
	}
	if x.server, err = connect(s.o, s.name, process.Endpoint); err != nil {
		process.Kill()
		return nil, errors.Join(err, x.end())
	}
	x.process = process
	return x, nil
}

// end stops the server and removes its folder.
func (x *expiring) end() error {
	var err error
	if x.server != nil {
		err = x.server.end()
	}
	return errors.Join(err, os.RemoveAll(x.data))
}

// setRule lets noncurrent versions under prefix expire after a day, and nothing else.
func (x *expiring) setRule(ctx context.Context, prefix string) error {
	c := lifecycle.NewConfiguration()
	c.Rules = []lifecycle.Rule{{
		ID: "old", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: prefix},
		NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1},
	}}
	return x.core.SetBucketLifecycle(ctx, expireBucket, c)
}

// dropRules removes the configuration.
func (x *expiring) dropRules(ctx context.Context) error {
	return x.core.SetBucketLifecycle(ctx, expireBucket, lifecycle.NewConfiguration())
}

var noncurrentCount = regexp.MustCompile(`(?m)^tombstone_bucket_noncurrent_versions\{bucket="` + expireBucket + `"\} (\S+)$`)

// noncurrent returns how many noncurrent versions there are.
func (x *expiring) noncurrent(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.process.Endpoint+"/_/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	found := noncurrentCount.FindSubmatch(page)
	if found == nil {
		return 0, fmt.Errorf("no count of noncurrent versions: %s", answer.Status)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	return int(n), err
}

// until waits until at most left noncurrent versions are there, or ctx ends, and
// returns how many there are.
func (x *expiring) until(ctx context.Context, left int) (int, error) {
	tick := time.NewTicker(expirePoll)
	defer tick.Stop()
	for {
		n, err := x.noncurrent(context.WithoutCancel(ctx))
		if err != nil || n <= left {
			return n, err
		}
		select {
		case <-ctx.Done():
			return n, nil
		case <-tick.C:
		}
	}
}

// measureExpire measures how fast rules remove what is expired, while nobody asks
// for anything.
func measureExpire(ctx context.Context, s *server) (figures []figure, err error) {
	x, err := s.seedExpiring(ctx, map[string]int{"all/": s.o.expired})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.end()) }()
	all, err := x.noncurrent(ctx)
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, expirePatience)
	defer cancel()
	before, begun := x.processor(), time.Now()
	if err := x.setRule(ctx, ""); err != nil {
		return nil, err
	}
	if left, err := x.until(patience, 0); err != nil || left > 0 {
		return nil, fmt.Errorf("%d of %d versions are left: %w", left, all, errors.Join(err, patience.Err()))
	}
	t := tally{done: int64(all), elapsed: time.Since(begun), used: x.processor().minus(before)}
	return []figure{
		{name: "expired versions are gone after", unit: "s", value: t.elapsed.Seconds(), less: true, note: fmt.Sprintf("(%d versions) %s", all, loadAverage())},
		{name: "expiry, versions", unit: "/s", value: t.rate(), note: t.note()},
	}, nil
}

// measureExpireFew measures a pass over a bucket of which a rule selects a thousand
// versions.
func measureExpireFew(ctx context.Context, s *server) (figures []figure, err error) {
	x, err := s.seedExpiring(ctx, map[string]int{"few/": fewVersions, "other/": s.o.expired, "zero/": fewVersions})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.end()) }()
	all, err := x.noncurrent(ctx)
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, expirePatience)
	defer cancel()
	begun := time.Now()
	if err := x.setRule(ctx, "few/"); err != nil {
		return nil, err
	}
	left, err := x.until(patience, all-fewVersions)
	if err != nil || left != all-fewVersions {
		return nil, fmt.Errorf("%d of %d versions are left: %w", left, all, errors.Join(err, patience.Err()))
	}
	return []figure{{
		name: fmt.Sprintf("%d expired versions are gone after", fewVersions), unit: "ms", value: milliseconds(time.Since(begun)), less: true,
		note: fmt.Sprintf("(beside %d that no rule selects)", left),
	}}, nil
}

// period is what was measured in a busy period and the quiet one before it.
type period struct {
	quiet, busy time.Duration // 99th percentiles
	removed     float64       // a second
}

// measureExpireForeground measures GETs at a fixed rate in periods in which rules
// remove versions, and in those between them in which nothing else happens.
func measureExpireForeground(ctx context.Context, s *server) (figures []figure, err error) {
	counts := make(map[string]int)
	for i := range expirePeriods {
		counts[periodPrefix(i)] = s.o.expired / expirePeriods
	}
	x, err := s.seedExpiring(ctx, counts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.end()) }()
	if _, err := x.writeSmall(ctx); err != nil {
		return nil, err
	}
	if _, err := x.openLoop(ctx, x.o.duration/2); err != nil { // connects
		return nil, err
	}
	var quiet, busy []time.Duration
	var removed []float64
	for i := range expirePeriods {
		p, err := x.period(ctx, i, s.o.expired/expirePeriods)
		if err != nil {
			return nil, err
		}
		quiet, busy, removed = append(quiet, p.quiet), append(busy, p.busy), append(removed, p.removed)
	}
	slices.Sort(removed)
	note := fmt.Sprintf("(%d periods, p99s of quiet %v and busy %v) %s", expirePeriods, quiet, busy, loadAverage())
	calm, loud := percentile(quiet, 50), percentile(busy, 50)
	return []figure{
		{name: "GET p99 between expiry, median", unit: "ms", value: milliseconds(calm), less: true},
		{name: "GET p99 during expiry, median", unit: "ms", value: milliseconds(loud), less: true, note: note},
		{name: "GET p99 during / between expiry", unit: "x", value: float64(loud) / float64(calm), less: true},
		{name: "expiry beside GETs, versions", unit: "/s", value: removed[len(removed)/2]},
	}, nil
}

func periodPrefix(i int) string { return fmt.Sprintf("period-%02d/", i) }

// period measures a quiet period, and then a busy one that ends when there is
// nothing left to remove.
func (x *expiring) period(ctx context.Context, i, count int) (p period, err error) {
	times, err := x.openLoop(ctx, x.o.duration)
	if err != nil {
		return p, err
	}
	p.quiet = percentile(times, 99)
	all, err := x.noncurrent(ctx)
	if err != nil {
		return p, err
	}
	busy, enough := context.WithTimeout(ctx, 2*x.o.duration)
	defer enough()
	begun := time.Now()
	if err := x.setRule(ctx, periodPrefix(i)); err != nil {
		return p, err
	}
	type outcome struct {
		left int
		took time.Duration
		err  error
	}
	gone := make(chan outcome, 1)
	go func() {
		left, err := x.until(busy, all-count)
		gone <- outcome{left, time.Since(begun), err}
		enough()
	}()
	times, err = x.openLoop(busy, 2*x.o.duration)
	o := <-gone
	if err = errors.Join(err, o.err, x.dropRules(ctx)); err != nil {
		return p, err
	}
	p.busy, p.removed = percentile(times, 99), float64(all-o.left)/o.took.Seconds()
	return p, x.still(ctx)
}

// still waits until nothing is removed any more.
func (x *expiring) still(ctx context.Context) error {
	tick := time.NewTicker(3 * expirePoll)
	defer tick.Stop()
	for last := -1; ; {
		n, err := x.noncurrent(ctx)
		if err != nil || n == last {
			return err
		}
		last = n
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
