package main

import (
	"fmt"
	"io"
	"time"

	"github.com/seed61737384/tombstone/api"
)

// printGaps tells when no ledger was kept.
func printGaps(w io.Writer, gaps []api.AdminLedgerGap) {
	for _, g := range gaps {
		from, to := "before the oldest entry", "now"
		if g.From != nil {
			from = g.From.UTC().Format(time.RFC3339)
		}
		if g.To != nil {
			to = g.To.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "not kept: from %s to %s\n", from, to)
	}
}
