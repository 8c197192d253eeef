package main

import (
	"strings"
	"testing"
)

// The lines that the server answers a pass with.
const (
	passAction   = `{"kind":"remove-noncurrent","key":"a b","versionId":"v1","rule":"old","due":"2026-01-03T00:00:00Z","bytes":5}`
	passMarker   = `{"kind":"remove-marker","key":"k","versionId":"v2","deleteMarker":true,"rule":"old","due":"2026-01-03T00:00:00Z","bytes":0,"error":"it changed meanwhile"}`
	passHides    = `{"kind":"expire-current","key":"k","versionId":"v1","rule":"old","due":"2026-01-03T00:00:00Z","bytes":5,"hides":true}`
	passWithheld = `{"report":{"at":"2026-01-03T10:00:00Z","scanned":9,"totals":[],"held":0,"changed":0,"failed":0,"namesWithheld":true}}`
	passUpload   = `{"kind":"abort-upload","key":"k","uploadId":"u1","rule":"up","due":"2026-01-03T00:00:00Z","bytes":7}`
	passReport   = `{"report":{"at":"2026-01-03T10:00:00Z","dryRun":true,"scanned":9,"totals":[{"rule":"old","kind":"remove-noncurrent","count":2,"bytes":5,"hiddenBytes":8},` +
		`{"rule":"up","kind":"abort-upload","count":1,"bytes":7}],"held":1,"changed":0,"failed":0,"nextDue":"2026-01-04T00:00:00Z"}}`
	passFailed = `{"report":{"at":"2026-01-03T10:00:00Z","scanned":9,"totals":[],"held":0,"changed":0,"failed":3}}`
	passMFA    = `{"report":{"at":"2026-01-03T10:00:00Z","scanned":0,"totals":[],"held":0,"changed":0,"failed":0,"mfaDelete":true}}`
)

// What a pass is shown as, and which exit code it comes to.
func TestPassesShown(t *testing.T) {
	lines := func(all ...string) string { return strings.Join(all, "\n") + "\n" }
	totals := "RULE  KIND               COUNT  BYTES FREED  BYTES HIDDEN\nold   remove-noncurrent  2      5            8\nup    abort-upload       1      7            0\nall                      3      12           8\n\n" +
		"a dry run as of 2026-01-03T10:00:00Z: 9 looked at, 1 held by locks, 0 changed meanwhile; next due 2026-01-04T00:00:00Z\n"
	tests := []struct {
		args, answer string
		code         int
		want         string
	}{
		{"lifecycle preview b", lines(passReport), exitOK, totals},
		{"lifecycle preview b --at 2026-01-03 --prefix a", lines(passAction, passMarker, passUpload, passReport), exitOK,
			"DUE                   KIND                       BYTES  RULE                  VERSION                           KEY\n" +
				"2026-01-03T00:00:00Z  remove-noncurrent              5  old                   v1                                \"a b\"\n" +
				"2026-01-03T00:00:00Z  remove-marker                  0  old                   v2                                k; a delete marker; not done: it changed meanwhile\n" +
				"2026-01-03T00:00:00Z  abort-upload                   7  up                    u1                                k\n\n" + totals},
		{"lifecycle preview b --json", lines(passAction, passReport), exitOK, lines(passAction, passReport)},
		{"lifecycle preview b", lines(passMFA), exitOK, "MFA Delete is enabled: no rule acts\n"},
		{"lifecycle preview b", lines(passAction), exitFailed, "ended before its end"},
		{"lifecycle preview b", "nonsense\n", exitFailed, "the answer of the server"},
		{"lifecycle run b --now", lines(passFailed), exitFailed, "3 actions failed"},
		{"lifecycle run b", lines(passReport), exitRefused, "one of --now, --at and --dry-run is needed; see"},
		{"lifecycle run b --now --at 2026-01-03", lines(passReport), exitRefused, "both given"},
		{"lifecycle run b --dry-run", lines(passReport), exitOK, totals},
		{"lifecycle preview b", lines(passHides, passReport), exitOK,
			"DUE                   KIND                       BYTES  RULE                  VERSION                           KEY\n" +
				"2026-01-03T00:00:00Z  expire-current                 5  old                   v1                                k; stays below a delete marker\n\n" + totals},
		{"lifecycle preview b", lines(passWithheld), exitOK,
			"RULE  KIND  COUNT  BYTES FREED  BYTES HIDDEN\nall         0      0            0\n\nkeys are not named, for that takes s3:ListBucketVersions\n\n" +
				"as of 2026-01-03T10:00:00Z: 9 looked at, 0 held by locks, 0 changed meanwhile; next due -\n"},
		{"lifecycle status b", `{"rules":2,"enabledRules":1,"running":true,"active":true,"lagSeconds":90,"oldestDue":"2026-01-03T00:00:00Z"}`, exitOK,
			"rules 2, enabled 1\na pass is under way\ndue at least since 2026-01-03T00:00:00Z and not done yet, 90 s\n"},
		{"lifecycle status b", `{"rules":1,"enabledRules":1,"running":false,"active":false,"lagSeconds":0}`, exitOK,
			"rules 1, enabled 1\nrules are applied when somebody runs them, and not by themselves: the server was started with --lifecycle=false\n" +
				"no pass yet since the server started: what is due is not known; --count counts it\n"},
		{"lifecycle status b --count", `{"rules":1,"enabledRules":1,"running":false,"active":true,"nextPass":"2026-01-04T00:00:00Z","lagSeconds":0,` +
			`"started":"2026-01-03T00:00:00Z","finished":"2026-01-03T00:00:01Z",` +
			`"last":{"at":"2026-01-03T00:00:00Z","scanned":4,"totals":[],"held":0,"changed":0,"failed":0},` +
			`"due":{"at":"2026-01-03T00:01:00Z","dryRun":true,"scanned":5,"totals":[],"held":0,"changed":0,"failed":0}}`, exitOK,
			"rules 1, enabled 1\nnext due -, as the last pass found; what was put or hidden since is not in it, --count counts what is due now\n" +
				"next pass at 2026-01-04T00:00:00Z at the latest\nlast whole pass from 2026-01-03T00:00:00Z to 2026-01-03T00:00:01Z\n\n" +
				"RULE  KIND  COUNT  BYTES FREED  BYTES HIDDEN\nall         0      0            0\n\nas of 2026-01-03T00:00:00Z: 4 looked at, 0 held by locks, 0 changed meanwhile; next due -\n\n" +
				"due now and not done, counted for this\n\n" +
				"RULE  KIND  COUNT  BYTES FREED  BYTES HIDDEN\nall         0      0            0\n\na dry run as of 2026-01-03T00:01:00Z: 5 looked at, 0 held by locks, 0 changed meanwhile; next due -\n"},
	}
	for _, test := range tests {
		code, stdout, stderr := ran(answering(t, 200, test.answer), strings.Fields(test.args)...)
		got := stdout
		if code != exitOK {
			got = stderr
		}
		if code != test.code || code == exitOK && got != test.want || !strings.Contains(got, test.want) {
			t.Errorf("%s: exit code %d\n%swant %d\n%s", test.args, code, got, test.code, test.want)
		}
	}
}

// The commands reach the server, which answers them.
func TestLifecycleCommands(t *testing.T) {
	server := commandServer(t)
	for _, args := range []string{"lifecycle preview bucket", "lifecycle run bucket --dry-run", "lifecycle status bucket"} {
		if code, _, stderr := ran(server, strings.Fields(args)...); code != exitRefused || !strings.Contains(stderr, "NoSuchLifecycleConfiguration") {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
}
