package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/seed61737384/tombstone/api"
)

// lockActions are those of "tombstone locks".
func lockActions() []action {
	return []action{
		{verb: "list", args: "BUCKET", help: "the versions with retention or legal hold", run: listLocks},
		{verb: "verify", args: "BUCKET", help: "try every way to destroy each of them, without doing it; exit 1 if one is not held", run: verifyLocks},
	}
}

func listLocks(ctx context.Context, r *remote) error {
	var all []api.AdminLock
	query := url.Values{}
	for {
		var page api.AdminLocks
		if err := r.call(ctx, http.MethodGet, below("/buckets/%s/locks", r.rest...), query, nil, &page); err != nil {
			return err
		}
		all = append(all, page.Locks...)
		if page.Next == "" {
			break
		}
		query.Set("after", page.Next)
	}
	rows := [][]string{{"MODE", "UNTIL", "HOLD", "VERSION", "KEY"}}
	for _, l := range all {
		rows = append(rows, []string{dash(l.Mode), showTime(l.Until), dash(l.LegalHold), l.VersionID, l.Key})
	}
	return r.table(all, rows)
}

func verifyLocks(ctx context.Context, r *remote) error {
	sound, versions, ways := true, 0, 0
	err := r.lines(ctx, below("/buckets/%s/locks/verify", r.rest...), nil, func(line []byte) error {
		var p api.AdminLockProof
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		sound, versions, ways = sound && p.Sound, versions+1, ways+len(p.Trials)
		if r.config.remote.json {
			_, err := r.stdout.Write(line)
			return err
		}
		printProof(r.stdout, &p)
		return nil
	})
	if err != nil {
		return err
	}
	if !r.config.remote.json {
		fmt.Fprintf(r.stdout, "%s: %d versions with a lock setting, %d trials\n", r.arg(0), versions, ways)
	}
	if !sound {
		return errUnsound
	}
	return nil
}

func printProof(w io.Writer, p *api.AdminLockProof) {
	verdict := "sound"
	if !p.Sound {
		verdict = "NOT SOUND"
	}
	fmt.Fprintf(w, "%s %s: %s", p.Key, p.VersionID, verdict)
	if p.Mode != "" {
		fmt.Fprintf(w, "; %s until %s", p.Mode, showTime(p.Until))
	}
	if p.LegalHold != "" {
		fmt.Fprintf(w, "; legal hold %s", p.LegalHold)
	}
	fmt.Fprintln(w)
	for _, d := range p.Damage {
		fmt.Fprintf(w, "  damage: %s\n", d)
	}
	for _, t := range p.Trials {
		outcome := "held "
		if !t.Held {
			outcome = "freed"
		}
		fmt.Fprintf(w, "  %s  %-40s %s\n", outcome, t.Path, t.Why)
	}
}
