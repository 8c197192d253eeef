package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed61737384/tombstone/store"
)

// check reads a data folder, which no server may have open, and reports what it
// found. It changes nothing.
func check(p process) int {
	c, err := parseConfig(p, "data", "log-level", "log-format")
	if err != nil {
		return p.refuse(err)
	}
	if _, err := os.Stat(c.data); err != nil {
		return p.refuse(fmt.Errorf("--data: %w", err))
	}
	st, err := store.Open(c.data, store.Options{ReadOnly: true, Logger: c.logger(p.stderr, p.terminal)})
	if err != nil {
		return p.refuse(fmt.Errorf("--data %s: %w", c.data, err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := st.Check(ctx)
	if err = errors.Join(err, st.Close()); err != nil {
		return p.complain(fmt.Errorf("--data %s: %w", c.data, err), exitFailed)
	}
	printReport(p.stdout, c.data, report)
	if len(report.Problems) > 0 {
		return exitFailed
	}
	return exitOK
}

func printReport(w io.Writer, folder string, r store.Report) {
	fmt.Fprintf(w, "%s: %d buckets, %d keys, %d versions, %d delete markers; %d bytes verified, %d files\n",
		folder, r.Buckets, r.Keys, r.Versions, r.DeleteMarkers, r.Bytes, r.Files)
	for _, problem := range r.Problems {
		fmt.Fprintf(w, "damage: %s\n", problem)
	}
	switch n := len(r.Problems); {
	case r.Truncated:
		fmt.Fprintf(w, "more than %d problems\n", n)
	case n > 0:
		fmt.Fprintf(w, "%d problems\n", n)
	default:
		fmt.Fprintln(w, "no damage found")
	}
}
