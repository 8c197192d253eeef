// Command bench measures an S3 server: how many small writes, reads and deletes
// it answers in a second, how fast it destroys versions and lists them, what a
// reader feels meanwhile, and how large bodies flow. The client is minio-go.
//
//	go run ./integration/bench                          builds tombstone, starts it and measures it
//	go run ./integration/bench -compare                 measures versitygw too, in turns, and prints ratios
//	go run ./integration/bench -start versitygw         measures versitygw alone
//	go run ./integration/bench -endpoint http://...     measures a server that runs already
//
// Figures depend on the machine and on what else it does: compare ratios of one
// run. With -compare the two servers are measured phase by phase and round by
// round in alternating order, and the exit code is 1 if a target is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"
)

// clientGC lets the client collect garbage rarely. It shares the processors with
// the server, and what it spends is missing in every figure.
const clientGC = 800

// options are the flags.
type options struct {
	endpoint, access, secret string
	start                    string
	compare                  bool
	only                     string
	workers                  int
	duration                 time.Duration
	rounds                   int
	expired                  int
	folder                   string
	json                     string
}

func main() {
	var o options
	flag.StringVar(&o.endpoint, "endpoint", "", "URL of a running server to measure")
	flag.StringVar(&o.access, "access-key", "tombstone", "access key")
	flag.StringVar(&o.secret, "secret-key", "tombstone-secret", "secret key")
	flag.StringVar(&o.start, "start", "tombstone", "server to build and start: tombstone or versitygw")
	flag.BoolVar(&o.compare, "compare", false, "measure tombstone and versitygw in turns")
	flag.StringVar(&o.only, "only", "", "phases to run, separated by commas: "+strings.Join(phaseNames(), ","))
	flag.IntVar(&o.workers, "workers", 16, "parallel requests of small phases")
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "length of a phase")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each phase is measured; the median counts")
	flag.IntVar(&o.expired, "expired", 50_000, "noncurrent versions that the expire phases have; what was promised is about 1000000")
	flag.StringVar(&o.folder, "folder", "", "folder for data of started servers (a temporary one)")
	flag.StringVar(&o.json, "json", "", "file to write all figures to, as JSON")
	flag.Parse()
	debug.SetGCPercent(clientGC)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run measures and prints. It ends the servers that it started.
func run(ctx context.Context, o options) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	chosen, err := choosePhases(o.only)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(o.folder, "tombstone-bench-")
	if err != nil {
		return err
	}
	servers, err := openServers(ctx, o, folder)
	if err == nil {
		err = measure(ctx, o, chosen, servers)
	}
	for _, s := range servers {
		err = errors.Join(err, s.end())
	}
	return errors.Join(err, os.RemoveAll(folder))
}

// measure measures the chosen phases, and prints and judges what came of them.
func measure(ctx context.Context, o options, chosen []phase, servers []*server) error {
	var err error
	results := newResults(servers)
	for _, p := range chosen {
		if failed := measurePhase(ctx, p, servers, o.rounds, results); failed != nil {
			err = errors.Join(err, fmt.Errorf("phase %s: %w", p.name, failed))
		}
	}
	results.print(os.Stdout)
	if o.json != "" {
		err = errors.Join(err, results.writeJSON(o.json))
	}
	if o.compare {
		err = errors.Join(err, results.judge(os.Stdout))
	}
	return err
}

// measurePhase measures a phase on all servers, round by round, each time
// beginning with another server. A failure of the first server is an error; a
// peer that fails has no figure.
func measurePhase(ctx context.Context, p phase, servers []*server, rounds int, results *results) error {
	if p.once {
		rounds = 1
	}
	var failed error
	for round := range rounds {
		for i := range servers {
			s := servers[(i+round)%len(servers)]
			if p.started && s.process == nil || p.own && s.name != "tombstone" || ctx.Err() != nil {
				continue
			}
			settle()
			figures, err := p.measure(ctx, s)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%-10s phase %s failed: %v\n", s.name, p.name, err)
				figures = nil
			}
			if s == servers[0] {
				failed = errors.Join(failed, err)
			}
			results.addAll(s.name, figures)
		}
	}
	return errors.Join(failed, ctx.Err())
}
