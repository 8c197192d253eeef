package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLastEntries bounds how many entries "ledger show --limit" turns round: it holds
// them in memory.
const maxLastEntries = 10_000

// shownEntry is what a line of the ledger says to people.
type shownEntry struct {
	RealTime      time.Time `json:"realTime"`
	Change        string    `json:"change"`
	Bucket        string    `json:"bucket"`
	Key           string    `json:"key"`
	VersionID     string    `json:"versionId"`
	UploadID      string    `json:"uploadId"`
	Size          int64     `json:"size"`
	Lock          string    `json:"lock"`
	LockBefore    string    `json:"lockBefore"`
	Configuration string    `json:"configuration"`
	Before        string    `json:"before"`
	After         string    `json:"after"`
	Principal     string    `json:"principal"`
	AccessKey     string    `json:"accessKey"`
	Source        string    `json:"source"`
	RequestID     string    `json:"requestId"`
	Operation     string    `json:"operation"`
	Cause         string    `json:"cause"`
	CauseID       string    `json:"causeId"`
}

// showLedger prints entries as they come. With a limit these are the newest, in the
// order of time unless the newest are asked for first.
func showLedger(ctx context.Context, r *remote) error {
	query := r.ledgerQuery()
	last, err := r.lastEntries(query)
	if err != nil {
		return err
	}
	if last == 0 {
		return r.lines(ctx, "/ledger", query, r.printEntry)
	}
	query.Set("newest", "true")
	var kept [][]byte
	err = r.lines(ctx, "/ledger", query, func(line []byte) error {
		kept = append(kept, line)
		return nil
	})
	if err != nil {
		return err
	}
	for _, line := range slices.Backward(kept) {
		if err := r.printEntry(line); err != nil {
			return err
		}
	}
	return nil
}

// lastEntries returns how many entries are to be turned round, 0 for none.
func (r *remote) lastEntries(query url.Values) (int, error) {
	if !query.Has("limit") || r.on("newest") {
		return 0, nil
	}
	n, err := strconv.Atoi(query.Get("limit"))
	if err != nil || n < 0 || n > maxLastEntries {
		return 0, fmt.Errorf("--limit %q is not a number from 0 to %d; with --newest it has no bound", query.Get("limit"), maxLastEntries)
	}
	return n, nil
}

func (r *remote) printEntry(line []byte) error {
	if r.config.remote.json {
		_, err := r.stdout.Write(line)
		return err
	}
	var e shownEntry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("the answer of the server: %w", err)
	}
	_, err := fmt.Fprintln(r.stdout, e.String())
	return err
}

// String returns the entry as a line. What has a length that is known comes first, so
// that it stands in columns without the whole having been read.
func (e *shownEntry) String() string {
	line := fmt.Sprintf("%s  %-19s  %-20s  %-15s  %-26s  %-16s  %s",
		e.RealTime.UTC().Format("2006-01-02T15:04:05.000Z"), plain(e.Change), plain(dash(e.AccessKey)), plain(dash(e.Source)),
		plain(dash(e.Operation)), plain(dash(e.RequestID)), strings.Join(e.story(), "; "))
	return strings.TrimRight(line, " ")
}

// story returns what was changed, how, and by whom.
func (e *shownEntry) story() []string {
	var parts []string
	if what := e.subject(); what != "" {
		parts = append(parts, what)
	}
	if how := e.difference(); how != "" {
		parts = append(parts, how)
	}
	if e.Principal != "" {
		parts = append(parts, "by "+plain(e.Principal))
	}
	if e.Cause != "" && e.Cause != "request" {
		parts = append(parts, strings.TrimRight("because of "+plain(e.Cause)+" "+e.CauseID, " "))
	}
	return parts
}

// subject returns the bucket, object version or identity that was changed.
func (e *shownEntry) subject() string {
	what := e.Key
	if e.Bucket != "" {
		what = strings.TrimSuffix("s3://"+e.Bucket+"/"+e.Key, "/")
		if strings.HasSuffix(e.Key, "/") {
			what += "/"
		}
	}
	if what != "" {
		what = plain(what)
	}
	if e.VersionID != "" {
		what += " version " + plain(e.VersionID)
	}
	if e.UploadID != "" {
		what += " upload " + plain(e.UploadID)
	}
	return what
}

// difference returns what became of it, with what it was before where that is known.
func (e *shownEntry) difference() string {
	switch {
	case e.Change == "lock-changed":
		return cmp.Or(e.LockBefore, "no lock") + " -> " + cmp.Or(e.Lock, "no lock")
	case e.Change == "version-removed" && e.Lock != "":
		return fmt.Sprintf("removed, %d bytes, lock %s", e.Size, e.Lock)
	case e.Change == "version-removed":
		return fmt.Sprintf("removed, %d bytes", e.Size)
	case e.Change == "upload-aborted":
		return fmt.Sprintf("aborted, %d bytes", e.Size)
	case e.Change == "marker-removed":
		return "removed"
	case e.Change == "marker-added":
		return "added"
	case e.Configuration != "":
		return e.Configuration + " " + e.change()
	}
	return e.change()
}

// change returns the setting before and after, as far as the entry has it.
func (e *shownEntry) change() string {
	if e.Before == "" {
		return e.After
	}
	return e.Before + " -> " + cmp.Or(e.After, "nothing")
}
