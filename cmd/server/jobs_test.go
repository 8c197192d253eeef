package main

import (
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/jobs"
)

// A bucket is undeleted, emptied and deleted by commands, which say what their jobs came
// to.
func TestJobCommands(t *testing.T) {
	server := commandServer(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"empty bucket --rate many", exitRefused, "--rate"},
		{"undelete bucket --since yesterday", exitRefused, "--since"},
		{"empty bucket extra", exitRefused, "usage: tombstone empty BUCKET [--prefix"},
		{"empty bucket --dry-run=yes", exitRefused, `--dry-run "yes": neither true nor false`},
		{"undelete bucket --yes=1x", exitRefused, `--yes "1x": neither true nor false`},
		{"empty none", exitRefused, "NoSuchBucket"},
		{"empty bucket --prefix a --delete-bucket", exitRefused, "ValidationError"},
		{"empty bucket --dry-run", exitOK, "bucket empty (dry run) "},
		{"empty bucket --dry-run", exitOK, ": done\n  there was nothing to do\n"},
		{"undelete bucket", exitOK, "nothing was done; --yes does it"},
		{"undelete bucket --yes --since 2026-01-01T00:00:00Z", exitOK, "undelete"},
		{"undelete bucket --yes --json", exitOK, `"state": "done"`},
		{"empty bucket --prefix a/ --rate 100", exitOK, "there was nothing to do"},
		{"jobs list", exitOK, "JOB"},
		{"jobs show none", exitRefused, "NoSuchEntity"},
		{"jobs cancel none", exitRefused, "NoSuchEntity"},
		{"empty bucket --delete-bucket", exitOK, "the bucket is deleted"},
		{"jobs list --json", exitOK, `"bucketDeleted": true`},
	} {
		code, stdout, stderr := ran(server, strings.Fields(test.args)...)
		if got := stdout + stderr; code != test.code || !strings.Contains(got, test.want) {
			t.Errorf("%s: exit code %d, %q, %q", test.args, code, stdout, stderr)
		}
	}
}

// A job that is started and left alone is shown later.
func TestJobDetached(t *testing.T) {
	server := commandServer(t)
	code, id, stderr := ran(server, "empty", "bucket", "--detach")
	if code != exitOK || strings.Count(id, "\n") != 1 {
		t.Fatalf("exit code %d, %q, %q", code, id, stderr)
	}
	for _, verb := range []string{"show", "cancel"} {
		if code, stdout, stderr := ran(server, "jobs", verb, strings.TrimSpace(id)); code != exitOK || !strings.Contains(stdout, "bucket empty "+strings.TrimSpace(id)) {
			t.Errorf("%s: exit code %d, %q, %q", verb, code, stdout, stderr)
		}
	}
}

// What a job is shown as, and which exit code it comes to.
func TestJobsShown(t *testing.T) {
	const head = `{"id":"1","kind":"empty","bucket":"b","principal":"arn:alice","finished":"2026-01-03T00:00:00Z",`
	tests := []struct {
		answer string
		code   int
		want   string
	}{
		{head + `"state":"done","counts":{"versions":3,"bytes":12,"markers":1,"uploads":2}}`, exitOK,
			"b empty 1: done\n  3 versions removed, with 12 B\n  1 delete markers removed\n  2 uploads aborted\n"},
		{head + `"state":"done","counts":{"held":2,"legalHold":1,"heldUntil":"2033-01-01T00:00:00Z","hiding":1,"refused":1,"changed":1,"since":4},"samples":[` +
			`{"why":"held","key":"a b","versionId":"v1","mode":"COMPLIANCE","until":"2033-01-01T00:00:00Z"},{"why":"held","key":"c","versionId":"v2","legalHold":true},` +
			`{"why":"refused","key":"d","versionId":"v3","reason":"no"}]}`, exitFailed,
			"b empty 1: done\n  2 versions are held by locks, the last one until 2033-01-01T00:00:00Z\n  1 of them by a legal hold, which has no end\n" +
				"  1 entries may not be removed by arn:alice\n  1 delete markers stay, for they hide what stays\n  1 entries changed each time they were to be removed\n" +
				"  4 entries came since the start, and stay\n" +
				"WHY      VERSION  KEY    UNTIL                            REASON\n" +
				"held     v1       \"a b\"  COMPLIANCE 2033-01-01T00:00:00Z  -\n" +
				"held     v2       c      legal hold                       -\n" +
				"refused  v3       d      -                                no\n"},
		{head + `"state":"failed","error":"the key is gone","counts":{"versions":1,"bytes":1}}`, exitFailed, "b empty 1: failed\n  the key is gone\n  1 versions removed, with 1 B\n"},
		{head + `"state":"cancelled","counts":{}}`, exitFailed, "b empty 1: cancelled\n  nothing was done\n"},
	}
	for _, test := range tests {
		code, stdout, stderr := ran(answering(t, 200, test.answer), "empty", "b")
		if code != test.code || stdout != test.want {
			t.Errorf("exit code %d, %q\n%swant %d\n%s", code, stderr, stdout, test.code, test.want)
		}
	}
}

// The line on a terminal says how much of what is done.
func TestProgressLine(t *testing.T) {
	j := api.AdminJob{Kind: "empty", State: "running", Total: 200, Seen: 100, Started: &time.Time{}, Counts: jobs.Counts{Versions: 100}}
	if got := progressLine(&j); got != "empty running [###############...............] 100/200" {
		t.Error(got)
	}
	j.Total = 0
	if got := progressLine(&j); got != "empty running: 100" {
		t.Error(got)
	}
}
