package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/seed61737384/tombstone/api"
)

// ledgerActions are those of "tombstone ledger".
func ledgerActions() []action {
	return []action{
		{verb: "show", flags: []string{"bucket", "key", "prefix", "from", "to", "limit", "newest?", "sealed?"},
			help: "what was removed, set, added or changed, by whom and why; the newest with --limit; all fields with --json, a line each", run: showLedger},
		{verb: "verify", help: "compare the ledger with its seals; exit 3 if something was changed, dropped or moved", run: verifyLedger},
		{verb: "export", flags: []string{"bucket", "key", "prefix", "from", "to"},
			help: "rows and seals as JSON lines that can be verified elsewhere", run: exportLedger},
	}
}

// ledgerQuery returns the flags that select entries as a query.
func (r *remote) ledgerQuery() url.Values {
	q := url.Values{}
	for _, name := range []string{"bucket", "key", "prefix", "from", "to", "limit", "newest", "sealed"} {
		if value, ok := r.given[name]; ok {
			q.Set(name, value)
		}
	}
	return q
}

func verifyLedger(ctx context.Context, r *remote) error {
	var report api.AdminLedgerReport
	if err := r.call(ctx, http.MethodGet, "/ledger/verify", nil, nil, &report); err != nil {
		return err
	}
	err := r.say(report, verdict(report.Sound)+"\n%d seals (%d signed), %d rows with %d entries, %d rows not sealed yet; newest seal %d %s",
		report.Seals, report.Signed, report.Rows, report.Entries, report.Unsealed, report.NewestSeal, report.NewestHash)
	if err != nil {
		return err
	}
	if !r.config.remote.json {
		printGaps(r.stdout, report.Gaps)
	}
	if report.Sound {
		return nil
	}
	if !r.config.remote.json {
		for _, p := range report.Problems {
			fmt.Fprintf(r.stdout, "problem: %s\n", p)
		}
	}
	return errUnsound
}

func exportLedger(ctx context.Context, r *remote) error {
	return r.lines(ctx, "/ledger/export", r.ledgerQuery(), func(line []byte) error {
		_, err := r.stdout.Write(line)
		return err
	})
}
