package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
		{verb: "verify", args: "BUCKET", flags: []string{"all?"},
			help: "try every way to destroy each of them, without doing it, and show those that are not held (exit 3), or all", run: verifyLocks},
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
		rows = append(rows, []string{dash(l.Mode), showTime(l.Until), dash(l.LegalHold), l.VersionID, plain(l.Key)})
	}
	return r.table(all, rows)
}

// verifyLocks prints a verdict and what is not sound, which is held back until the
// verdict is known; as JSON lines, all of it as it comes.
func verifyLocks(ctx context.Context, r *remote) error {
	var text bytes.Buffer
	var sum proofSum
	all := r.on("all")
	err := r.lines(ctx, below("/buckets/%s/locks/verify", r.rest...), nil, func(line []byte) error {
		var p api.AdminLockProof
		if err := json.Unmarshal(line, &p); err != nil {
			return fmt.Errorf("the answer of the server: %w", err)
		}
		sum.add(&p)
		if r.config.remote.json {
			_, err := r.stdout.Write(line)
			return err
		}
		if all || !p.Sound {
			printProof(&text, &p)
		}
		return nil
	})
	if sum.unsound > 0 {
		err = errors.Join(errUnsound, err) // what was found stands, even if there may be more
	}
	if !r.config.remote.json && (err == nil || sum.unsound > 0) {
		fmt.Fprintf(r.stdout, "%s\n%s%s: %s\n", verdict(sum.unsound == 0), &text, r.arg(0), &sum)
	}
	return err
}

// proofSum counts what locks came to.
type proofSum struct {
	versions, ended, unsound, trials int
}

func (s *proofSum) add(p *api.AdminLockProof) {
	s.versions++
	s.trials += len(p.Trials)
	switch proofVerdict(p) {
	case "ended":
		s.ended++
	case "NOT SOUND":
		s.unsound++
	}
}

// String returns the counts as a line.
func (s *proofSum) String() string {
	return fmt.Sprintf("%d versions with a lock setting, %d of them ended, %d not sound; %d trials", s.versions, s.ended, s.unsound, s.trials)
}

// proofVerdict returns what a proof came to. A lock has ended if its date was past and no
// hold is on: nothing is demanded of it any more.
func proofVerdict(p *api.AdminLockProof) string {
	if p.Sound && p.Until != nil && !p.Until.After(p.At) && p.LegalHold != "ON" {
		return "ended"
	}
	return verdict(p.Sound)
}

func printProof(w io.Writer, p *api.AdminLockProof) {
	fmt.Fprintf(w, "%s %s: %s", plain(p.Key), p.VersionID, proofVerdict(p))
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
		fmt.Fprintf(w, "  %s  %-42s  %s\n", outcome, t.Path, t.Why)
	}
}
