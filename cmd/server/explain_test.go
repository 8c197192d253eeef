package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What is asked of the server, by what stands on the command line.
func TestExplainAsks(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.EscapedPath() + "?" + r.URL.RawQuery
		w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	ask := func(bucket string, query url.Values) string {
		return "/_/v1/buckets/" + bucket + "/explain?" + query.Encode()
	}
	tests := []struct {
		args []string
		want string // or part of what is wrong
	}{
		{[]string{"s3://b"}, ask("b", nil)},
		{[]string{"s3://b/"}, ask("b", nil)},
		{[]string{"s3://b/*"}, ask("b", nil)},
		{[]string{"s3://b/a/b c"}, ask("b", url.Values{"key": {"a/b c"}})},
		{[]string{"s3://b/a/"}, ask("b", url.Values{"key": {"a/"}})},
		{[]string{"s3://b/a*"}, ask("b", url.Values{"prefix": {"a"}})},
		{[]string{"s3://b", "--prefix", "a"}, ask("b", url.Values{"prefix": {"a"}})},
		{[]string{"s3://b", "--key", "a*"}, ask("b", url.Values{"key": {"a*"}})},
		{[]string{"s3://b/k?versionId=v"}, ask("b", url.Values{"key": {"k"}, "versionId": {"v"}})},
		{[]string{"s3://b/k?versionId=a?versionId=v"}, ask("b", url.Values{"key": {"k?versionId=a"}, "versionId": {"v"}})},
		{[]string{"s3://b/k*", "--version-id", "null"}, ask("b", url.Values{"key": {"k*"}, "versionId": {"null"}})},
		{[]string{"s3://b/k", "--version-id", ""}, ask("b", url.Values{"key": {"k"}, "versionId": {""}})},
		{nil, "usage: tombstone explain s3://BUCKET"},
		{[]string{"b/k"}, "is not s3://"},
		{[]string{"s3:///k"}, "is not s3://"},
		{[]string{"s3://b", "--version-id", "null"}, "a version is one of a key"},
		{[]string{"s3://b/a*?versionId=", "--prefix", "x"}, "a key or a prefix, not both"},
		{[]string{"s3://b/a", "--prefix", "x"}, "a key or a prefix, not both"},
	}
	for _, test := range tests {
		asked = ""
		code, _, stderr := ran(server.URL, append([]string{"explain"}, test.args...)...)
		if asked != test.want && (code != exitRefused || asked != "" || !strings.Contains(stderr, test.want)) {
			t.Errorf("%q: asked %q, exit code %d, %q", test.args, asked, code, stderr)
		}
	}
}

const (
	explainedBucket = `{"bucket":"b","at":"2026-01-02T03:04:05Z","versioning":"Enabled","objectLock":true,"mfaDelete":true,
		"summary":["There is much.","The bucket cannot be deleted."],"keys":3,"hiddenKeys":1,"entries":5,"uploads":1,"holds":[
		{"what":"current-object","by":"nothing","count":2,"bytes":1536,"sample":"a b","why":"no rule"},
		{"what":"noncurrent-version","by":"waiting","rule":"old","action":"remove-noncurrent","count":3,"bytes":12,
		 "first":"2026-01-03T00:00:00Z","last":"2026-01-04T00:00:00Z","sample":"c","why":"rule \"old\" removes them"},
		{"what":"upload","by":"nothing","count":1,"bytes":0,"sample":"u","why":"no rule"}],
		"oldestUpload":{"key":"u","uploadId":"U","initiated":"2026-01-01T00:00:00Z","bytes":0}}`
	explainedKey = `{"bucket":"b","key":"k/","at":"2026-01-02T03:04:05Z","versioning":"Suspended","summary":["A delete marker hides the key."],
		"keys":1,"hiddenKeys":1,"entries":3,"uploads":0,"holds":[{"what":"delete-marker","by":"nothing","count":1,"bytes":0,"sample":"k/","why":"no rule"}],
		"versions":[{"key":"k/","versionId":"null","what":"delete-marker","by":"nothing","size":0,"lastModified":"2026-01-02T00:00:00Z","why":["it hides the key"]},
		{"key":"k/","versionId":"v1","what":"noncurrent-version","by":"GOVERNANCE","size":3,"lastModified":"2026-01-01T00:00:00Z","why":["it is old","it is locked"]}]}`
	explainedGone = `{"bucket":"b","key":"k","versionId":"v","at":"2026-01-02T03:04:05Z","versioning":"Unversioned",
		"summary":["There is no version v of this key.","The ledger tells who."],"keys":0,"hiddenKeys":0,"entries":0,"uploads":0,"holds":[]}`
)

// What people read.
func TestExplainPrints(t *testing.T) {
	tests := []struct{ args, answer, want string }{
		{"explain s3://b", explainedBucket, `s3://b
versioning Enabled, Object Lock, MFA Delete; as of 2026-01-02T03:04:05Z

There is much.
The bucket cannot be deleted.

COUNT  SIZE     WHAT                FROM                  TO                    SUCH AS  HELD BY
2      1.5 KiB  current object      -                     -                     "a b"    no rule
3      12 B     noncurrent version  2026-01-03T00:00:00Z  2026-01-04T00:00:00Z  c        rule "old" removes them
1      0 B      upload              -                     -                     u        no rule
`},
		{"explain s3://b/k/", explainedKey, `s3://b/k/
versioning Suspended; as of 2026-01-02T03:04:05Z

A delete marker hides the key.

null  delete marker, 2026-01-02T00:00:00Z
  it hides the key

v1  noncurrent version, 3 B, 2026-01-01T00:00:00Z
  it is old
  it is locked

These are the newest 2 of 3 entries.

COUNT  SIZE  WHAT           FROM  TO  SUCH AS  HELD BY
1      0 B   delete marker  -     -   k/       no rule
`},
		{"explain s3://b/k?versionId=v", explainedGone, `s3://b/k?versionId=v
versioning Unversioned; as of 2026-01-02T03:04:05Z

There is no version v of this key.
The ledger tells who.
`},
	}
	for _, test := range tests {
		code, stdout, stderr := ran(answering(t, http.StatusOK, test.answer), strings.Fields(test.args)...)
		if code != exitOK || stdout != test.want || stderr != "" {
			t.Errorf("%s: exit code %d, %q, printed\n%s", test.args, code, stderr, stdout)
		}
		code, stdout, _ = ran(answering(t, http.StatusOK, test.answer), append(strings.Fields(test.args), "--json")...)
		if code != exitOK || !strings.Contains(stdout, `  "bucket": "b"`) {
			t.Errorf("%s --json: exit code %d, %s", test.args, code, stdout)
		}
	}
}
