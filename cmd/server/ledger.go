package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed61737384/tombstone/api"
)

// ledgerActions are those of "tombstone ledger".
func ledgerActions() []action {
	return []action{
		{verb: "show", flags: []string{"bucket", "key", "prefix", "from", "to", "limit", "newest?", "sealed?"},
			help: "what was removed, by whom and why; --json prints all of it, a line each", run: showLedger},
		{verb: "verify", help: "compare the ledger with its seals; exit 1 if something was changed, dropped or moved", run: verifyLedger},
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

// shownEntry is what a line of the ledger says in a table.
type shownEntry struct {
	RealTime  string `json:"realTime"`
	Change    string `json:"change"`
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId"`
	Principal string `json:"principal"`
	Source    string `json:"source"`
	RequestID string `json:"requestId"`
	Operation string `json:"operation"`
}

func showLedger(ctx context.Context, r *remote) error {
	return r.lines(ctx, "/ledger", r.ledgerQuery(), func(line []byte) error {
		var e shownEntry
		if r.config.remote.json {
			_, err := r.stdout.Write(line)
			return err
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		what := strings.TrimSuffix(e.Bucket+"/"+e.Key, "/")
		if e.VersionID != "" {
			what += " " + e.VersionID
		}
		_, err := fmt.Fprintf(r.stdout, "%s  %-18s %s  by %s from %s, %s, request %s\n",
			e.RealTime, e.Change, what, dash(e.Principal), dash(e.Source), dash(e.Operation), dash(e.RequestID))
		return err
	})
}

func verifyLedger(ctx context.Context, r *remote) error {
	var report api.AdminLedgerReport
	if err := r.call(ctx, http.MethodGet, "/ledger/verify", nil, nil, &report); err != nil {
		return err
	}
	err := r.say(report, "%d seals (%d signed), %d rows with %d entries, %d rows not sealed yet; newest seal %d %s",
		report.Seals, report.Signed, report.Rows, report.Entries, report.Unsealed, report.NewestSeal, report.NewestHash)
	if err != nil {
		return err
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
