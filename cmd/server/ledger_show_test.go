package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What an entry says in a line, from what the server answers of it.
func TestShownEntries(t *testing.T) {
	const made = `"principal":"arn:aws:iam::000000000000:root","accessKey":"TSAKEG3XSWC5H7ZRF6RM","source":"10.0.0.1","requestId":"ENO4RGMUT7PFBXLF","cause":"request"`
	const by = "TSAKEG3XSWC5H7ZRF6RM  10.0.0.1         "
	const root = "; by arn:aws:iam::000000000000:root"
	tests := []struct{ entry, want string }{
		{`"realTime":"2026-11-21T17:06:16Z","change":"ledger-started","operation":"start","cause":"request"`,
			"2026-11-21T17:06:16.000Z  ledger-started       -                     -                start                       -"},
		{`"realTime":"2026-11-21T19:06:16.1+02:00","change":"identity-changed","key":"user/0/joe","after":"set","operation":"CreateUser",` + made,
			"2026-11-21T17:06:16.100Z  identity-changed     " + by + "CreateUser                  ENO4RGMUT7PFBXLF  user/0/joe; set" + root},
		{`"realTime":"2026-11-21T17:06:16.12Z","change":"version-removed","bucket":"b","key":"k","versionId":"v1","size":7,"lock":"legal hold OFF","operation":"DeleteObject",` + made,
			"2026-11-21T17:06:16.120Z  version-removed      " + by + "DeleteObject                ENO4RGMUT7PFBXLF  s3://b/k version v1; removed, 7 bytes, lock legal hold OFF" + root},
		{`"realTime":"2026-11-21T17:06:16.123Z","change":"marker-added","bucket":"b","key":"a; by me/","versionId":"null","operation":"DeleteObject",` + made,
			"2026-11-21T17:06:16.123Z  marker-added         " + by + `DeleteObject                ENO4RGMUT7PFBXLF  "s3://b/a; by me/" version null; added` + root},
		{`"realTime":"2026-11-21T17:06:16.123Z","change":"lock-changed","bucket":"b","key":"k","versionId":"v1","lock":"legal hold ON","operation":"PutObjectLegalHold",` + made,
			"2026-11-21T17:06:16.123Z  lock-changed         " + by + "PutObjectLegalHold          ENO4RGMUT7PFBXLF  s3://b/k version v1; no lock -> legal hold ON" + root},
		{`"realTime":"2026-11-21T17:06:16.123Z","change":"versioning-changed","bucket":"b","before":"Enabled","after":"Suspended","operation":"PutBucketVersioning",` + made,
			"2026-11-21T17:06:16.123Z  versioning-changed   " + by + "PutBucketVersioning         ENO4RGMUT7PFBXLF  s3://b; Enabled -> Suspended" + root},
		{`"realTime":"2026-11-21T17:06:16.123Z","change":"config-changed","bucket":"b","configuration":"policy","after":"removed","operation":"DeleteBucketPolicy",` + made,
			"2026-11-21T17:06:16.123Z  config-changed       " + by + "DeleteBucketPolicy          ENO4RGMUT7PFBXLF  s3://b; policy removed" + root},
		{`"realTime":"2026-11-21T17:06:16.123Z","change":"version-removed","bucket":"b","key":"k","versionId":"v1","operation":"expire","cause":"lifecycle","causeId":"old"`,
			"2026-11-21T17:06:16.123Z  version-removed      -                     -                expire                      -                 s3://b/k version v1; removed, 0 bytes; because of lifecycle old"},
	}
	for _, test := range tests {
		var e shownEntry
		if err := json.Unmarshal([]byte("{"+test.entry+"}"), &e); err != nil {
			t.Fatal(err)
		}
		if got := e.String(); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.entry, got, test.want)
		}
	}
}

// A limit means the newest entries, which come in the order of time unless the newest
// are asked for first.
func TestLimitOfTheLedger(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		w.Write([]byte("{\"place\":2}\n{\"place\":1}\n"))
	}))
	t.Cleanup(server.Close)
	tests := []struct{ args, query, want string }{
		{"ledger show --json --limit 2", "limit=2&newest=true", "{\"place\":1}\n{\"place\":2}\n"},
		{"ledger show --json --limit 2 --newest", "limit=2&newest=true", "{\"place\":2}\n{\"place\":1}\n"},
		{"ledger show --json --limit 20000 --newest", "limit=20000&newest=true", "{\"place\":2}\n{\"place\":1}\n"},
		{"ledger show --json --limit 0", "limit=0", "{\"place\":2}\n{\"place\":1}\n"},
	}
	for _, test := range tests {
		asked = nil
		code, stdout, stderr := ran(server.URL, strings.Fields(test.args)...)
		if code != exitOK || stdout != test.want || !slices.Equal(asked, []string{test.query}) {
			t.Errorf("%s: exit code %d, %q, %q, asked %q", test.args, code, stdout, stderr, asked)
		}
	}
}
