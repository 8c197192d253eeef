package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/integration/launch"
)

const cliRules = `{"Rules": [
	{"ID": "hide logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}},
	{"ID": "old docs", "Status": "Enabled", "Filter": {"Prefix": "docs/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 1}},
	{"ID": "old logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5}},
	{"ID": "lone logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"ExpiredObjectDeleteMarker": true}},
	{"ID": "uploads", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]}`

// cliClock is a server whose clock can be set, with the programs that talk to it.
type cliClock struct {
	*launch.Process
	aws    awsCLI
	bucket string
}

// api runs an operation of AWS CLI on the bucket.
func (s *cliClock) api(t *testing.T, operation string, args ...string) string {
	t.Helper()
	all := append([]string{"--endpoint-url", s.Endpoint, "--output", "json", "s3api", operation, "--bucket", s.bucket}, args...)
	return mustRun(t, s.aws.env, s.aws.path, all...)
}

// tombstone runs a command of this server.
func (s *cliClock) tombstone(t *testing.T, args ...string) string {
	t.Helper()
	return mustRun(t, []string{"TOMBSTONE_ENDPOINT=" + s.Endpoint}, binary, args...)
}

// wantPreview compares what a preview says: "due kind rule key version".
func (s *cliClock) wantPreview(t *testing.T, at string, want ...string) {
	t.Helper()
	var got []string
	for text := range strings.Lines(s.tombstone(t, "lifecycle", "preview", s.bucket, "--at", at, "--json")) {
		var l struct {
			Kind, Key, VersionID, UploadID, Rule string
			Due                                  time.Time
		}
		must(t, json.Unmarshal([]byte(text), &l))
		if l.Kind != "" {
			got = append(got, fmt.Sprintf("%s %s by %q %s %s", l.Due.Format(time.RFC3339), l.Kind, l.Rule, l.Key, l.VersionID+l.UploadID))
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("preview at %s:\n%s\nwant\n%s", at, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// wantVersions compares what AWS CLI lists: "key version", with "marker" for a delete
// marker, when it was made, and "latest".
func (s *cliClock) wantVersions(t *testing.T, want ...string) {
	t.Helper()
	type listed struct {
		Key, VersionId string
		IsLatest       bool
		LastModified   time.Time
	}
	var page struct{ Versions, DeleteMarkers []listed }
	must(t, json.Unmarshal([]byte(s.api(t, "list-object-versions")), &page))
	var got []string
	add := func(e listed, what string) {
		if e.IsLatest {
			what += " latest"
		}
		got = append(got, e.Key+" "+what)
	}
	for _, e := range page.Versions {
		add(e, e.VersionId)
	}
	for _, e := range page.DeleteMarkers {
		add(e, "marker of "+e.LastModified.UTC().Format(time.RFC3339))
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("AWS CLI lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The dates that the specification works out, by AWS CLI: rules are put, previewed and
// come due by the clock, and the versions and delete markers are those it says.
//
// spec: LC1-1, LC1-2, LC4-1, LC4-3, LC4-4, LC4-7, LC4-10, LC4-15, LC5-1
func TestLifecycleByAWSCLI(t *testing.T) {
	t.Parallel()
	for _, aws := range awsCLIs(t) {
		aws.scenario(t, "lifecycle: put rules, preview, advance the clock, list versions", func(t *testing.T) {
			s := &cliClock{Process: startFor(t, "--memory", "--test-clock"), aws: aws, bucket: bucketName(t)}
			lifecycleDates(t, s)
		})
		aws.scenario(t, "delete-bucket with nothing but an upload, which explain names", func(t *testing.T) {
			s := &cliClock{Process: startFor(t, "--memory"), aws: aws, bucket: bucketName(t)}
			onlyAnUpload(t, s)
		})
	}
}

func lifecycleDates(t *testing.T, s *cliClock) {
	c := newAWS(t, s.Endpoint)
	must(t, c.createBucket(s.bucket))
	must(t, c.setVersioning(s.bucket, "Enabled"))
	put := func(at, key string) string {
		t.Helper()
		s.tombstone(t, "clock", "freeze", at)
		id, err := c.put(s.bucket, key, []byte(at))
		must(t, err)
		return id
	}
	doc1 := put("2027-01-01T09:00:00Z", "docs/a")
	doc2 := put("2027-01-02T11:30:00Z", "docs/a")
	doc3 := put("2027-01-03T08:00:00Z", "docs/a")
	rules := filepath.Join(t.TempDir(), "rules.json")
	must(t, os.WriteFile(rules, []byte(cliRules), 0o600))
	s.api(t, "put-bucket-lifecycle-configuration", "--lifecycle-configuration", "file://"+rules)
	var sent, shown struct{ Rules any }
	must(t, json.Unmarshal([]byte(cliRules), &sent))
	must(t, json.Unmarshal([]byte(s.api(t, "get-bucket-lifecycle-configuration")), &shown))
	if fmt.Sprint(shown.Rules) != fmt.Sprint(sent.Rules) {
		t.Errorf("rules are shown as %v, sent were %v", shown.Rules, sent.Rules)
	}

	// Replaced on 2 January at 11:30, five days: 8 January at 00:00.
	s.wantPreview(t, "2027-01-07T23:59:59Z")
	s.wantPreview(t, "2027-01-08", `2027-01-08T00:00:00Z RemoveNoncurrent by "old docs" docs/a `+doc1)
	docs := []string{"docs/a " + doc2, "docs/a " + doc3 + " latest"}
	s.tombstone(t, "clock", "set", "2027-01-08")
	s.wantVersions(t, docs...)

	// Created on 15 January at 10:30, three days: 19 January at 00:00.
	entry := put("2027-01-15T10:30:00Z", "logs/a")
	var begun struct{ AbortDate, AbortRuleId, UploadId string }
	must(t, json.Unmarshal([]byte(s.api(t, "create-multipart-upload", "--key", "upload")), &begun))
	if !strings.HasPrefix(begun.AbortDate, "2027-01-17T00:00:00") && begun.AbortDate != "Sun, 17 Jan 2027 00:00:00 GMT" || begun.AbortRuleId != "uploads" {
		t.Errorf("the upload is to be aborted at %q by %q", begun.AbortDate, begun.AbortRuleId)
	}
	s.wantPreview(t, "2027-01-19", `2027-01-17T00:00:00Z AbortUpload by "uploads" upload `+begun.UploadId,
		`2027-01-19T00:00:00Z ExpireCurrent by "hide logs" logs/a `+entry)
	s.tombstone(t, "clock", "advance", "3d13h29m59s")
	s.wantVersions(t, append(docs, "logs/a "+entry+" latest")...)
	s.tombstone(t, "clock", "advance", "1s")
	s.wantVersions(t, append(docs, "logs/a "+entry, "logs/a marker of 2027-01-19T00:00:00Z latest")...)
	if out := s.api(t, "list-multipart-uploads"); strings.Contains(out, begun.UploadId) {
		t.Errorf("the upload is there:\n%s", out)
	}
	// Hidden for five days at midnight: it goes, and the delete marker, which is alone then.
	s.tombstone(t, "clock", "advance", "5d")
	s.wantVersions(t, docs...)
}

// spec: VD9-4, LC6-4
func onlyAnUpload(t *testing.T, s *cliClock) {
	must(t, newAWS(t, s.Endpoint).createBucket(s.bucket))
	file := filepath.Join(t.TempDir(), "part")
	must(t, os.WriteFile(file, content(1, 1000), 0o600))
	var begun struct{ UploadId string }
	must(t, json.Unmarshal([]byte(s.api(t, "create-multipart-upload", "--key", "half done")), &begun))
	s.api(t, "upload-part", "--key", "half done", "--upload-id", begun.UploadId, "--part-number", "1", "--body", file)
	if out := s.tombstone(t, "explain", "s3://"+s.bucket); !strings.Contains(out, "half done") || !strings.Contains(out, "1000") {
		t.Errorf("explain does not name the upload and its bytes:\n%s", out)
	}
	s.api(t, "delete-bucket")
	if has, err := newAWS(t, s.Endpoint).hasBucket(s.bucket); has || err != nil {
		t.Errorf("the bucket is there: %v, %v", has, err)
	}
}
