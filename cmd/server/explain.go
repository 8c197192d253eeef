package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/api"
)

// explainActions are that of "tombstone explain".
func explainActions() []action {
	return []action{{
		args: "s3://BUCKET[/KEY][?versionId=ID]", flags: []string{"prefix", "key", "version-id"},
		help: "what holds a bucket, a key or a version: what is current, old, hidden, locked, waits for a rule, or is an upload under way; " +
			"and who removed what is gone. A KEY that ends in * is what keys begin with, as --prefix is; --key takes one as it is", run: explainHolds,
	}}
}

func explainHolds(ctx context.Context, r *remote) error {
	bucket, query, err := r.holdQuery()
	if err != nil {
		return err
	}
	var h api.AdminHolds
	if err := r.call(ctx, http.MethodGet, below("/buckets/%s/explain", bucket), query, nil, &h); err != nil {
		return err
	}
	if r.config.remote.json {
		return printJSON(r.stdout, h)
	}
	return printHolds(r.stdout, &h)
}

// holdQuery reads what is to be explained.
func (r *remote) holdQuery() (bucket string, query url.Values, err error) {
	name, ok := strings.CutPrefix(r.arg(0), "s3://")
	bucket, key, _ := strings.Cut(name, "/")
	version, versioned := r.given["version-id"]
	if before, after, found := cutLast(name, "?versionId="); found && !versioned {
		bucket, key, _ = strings.Cut(before, "/")
		version, versioned = after, true
	}
	if !ok || bucket == "" {
		return "", nil, fmt.Errorf("%q is not s3://BUCKET[/KEY][?versionId=ID]", r.arg(0))
	}
	prefix, prefixed := r.given["prefix"]
	exact, named := r.given["key"]
	if begin, star := strings.CutSuffix(key, "*"); star && !versioned && !named {
		key, prefix, prefixed = "", begin, true
	}
	key = cmp.Or(exact, key)
	query = url.Values{}
	switch {
	case prefixed && key != "":
		return "", nil, errors.New("a key or a prefix, not both")
	case versioned && key == "":
		return "", nil, errors.New("a version is one of a key: s3://BUCKET/KEY?versionId=ID")
	case versioned:
		query.Set("versionId", version)
	}
	if key != "" {
		query.Set("key", key)
	}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	return bucket, query, nil
}

// cutLast is strings.Cut around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// printHolds prints an explanation: what it is about, the summary, and what is counted
// or listed.
func printHolds(w io.Writer, h *api.AdminHolds) error {
	name := "s3://" + h.Bucket
	switch {
	case h.Key != "":
		name += "/" + h.Key
	case h.Prefix != "":
		name += "/" + h.Prefix + "*"
	}
	if h.VersionID != "" {
		name += "?versionId=" + h.VersionID
	}
	fmt.Fprintln(w, plain(name))
	settings := "versioning " + h.Versioning
	if h.ObjectLock {
		settings += ", Object Lock"
	}
	if h.MFADelete {
		settings += ", MFA Delete"
	}
	fmt.Fprintf(w, "%s; as of %s\n", settings, showTime(&h.At))
	if len(h.Summary) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(h.Summary, "\n"))
	}
	for i := range h.Versions {
		printHeldVersion(w, &h.Versions[i])
	}
	all := int64(len(h.Versions)) == h.Entries
	if h.Key != "" && h.VersionID == "" && !all {
		fmt.Fprintf(w, "\nThese are the newest %d of %d entries.\n", len(h.Versions), h.Entries)
	}
	if len(h.Holds) == 0 || h.Key != "" && all && h.Uploads == 0 {
		return nil // each of them was told of
	}
	fmt.Fprintln(w)
	return printHoldCounts(w, h.Holds)
}

func printHeldVersion(w io.Writer, v *api.AdminHeldVersion) {
	size := ""
	if !strings.HasSuffix(v.What, "marker") {
		size = ", " + api.SizeInWords(v.Size)
	}
	fmt.Fprintf(w, "\n%s  %s%s, %s\n", v.VersionID, inWords(v.What), size, showTime(&v.LastModified))
	for _, why := range v.Why {
		fmt.Fprintf(w, "  %s\n", why)
	}
}

// printHoldCounts prints how much is held by what.
func printHoldCounts(w io.Writer, all []api.AdminHold) error {
	rows := [][]string{{"COUNT", "SIZE", "WHAT", "FROM", "TO", "SUCH AS", "HELD BY"}}
	for i := range all {
		c := &all[i]
		rows = append(rows, []string{
			strconv.FormatInt(c.Count, 10), api.SizeInWords(c.Bytes), inWords(c.What),
			showTime(c.First), showTime(c.Last), plain(c.Sample), c.Why,
		})
	}
	return printColumns(w, rows)
}

// inWords returns what the JSON names with hyphens.
func inWords(what string) string { return strings.ReplaceAll(what, "-", " ") }
