package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// expireAll is a rule that expires what it can.
const expireAll = "<LifecycleConfiguration><Rule><ID>r</ID><Filter/><Status>Enabled</Status>" +
	"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"

// sha256Of returns the digest of a body as a checksum header carries it.
func sha256Of(body string) string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// actionsOf returns the lines of the actions of a pass, without that of its report.
func actionsOf(t *testing.T, a answer) string {
	t.Helper()
	at := bytes.LastIndex(a.body, []byte(`{"report":`))
	if at < 0 || a.header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%v %s", a.header, a.body)
	}
	return string(a.body[:at])
}

var idInLine = regexp.MustCompile(`"(versionId|uploadId)":"([^"]*)"`)

// nameInLines gives the ids in JSON lines their names.
func (c *conversation) nameInLines(lines string) string {
	return idInLine.ReplaceAllStringFunc(lines, func(m string) string {
		parts := idInLine.FindStringSubmatch(m)
		element := strings.ReplaceAll(parts[1], "uploadId", "UploadId")
		return fmt.Sprintf("%q:%q", parts[1], c.name(element, parts[2]))
	})
}

// Requests in a bucket without rules, which are most, pay for the headers of rules with
// one look into a table.
func TestNoRulesCostNothing(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	x := &exchange{ResponseWriter: httptest.NewRecorder(), h: s.handler, r: httptest.NewRequest("GET", "/bucket/key", nil)}
	x.bucket, x.key = "bucket", "key"
	tags := []store.Tag{{Key: "a", Value: "b"}}
	now := s.clock.Now()
	allocated := testing.AllocsPerRun(100, func() {
		x.setExpiration(5, now, tags)
		x.setAbort(now)
	})
	if allocated != 0 || len(x.Header()) != 0 {
		t.Errorf("%v allocations, headers %v", allocated, x.Header())
	}
}

// Where there are rules that do not select the object, they cost a scan and nothing else.
func TestOtherRulesAllocateNothing(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	other := strings.Replace(expireAll, "<Filter/>", "<Filter><Prefix>other</Prefix></Filter>", 1)
	s.must("PUT", "/bucket?lifecycle", other, "x-amz-checksum-sha256", sha256Of(other))
	x := &exchange{ResponseWriter: httptest.NewRecorder(), h: s.handler, r: httptest.NewRequest("GET", "/bucket/key", nil)}
	x.bucket, x.key = "bucket", "key"
	now := s.clock.Now()
	if allocated := testing.AllocsPerRun(100, func() { x.setExpiration(5, now, nil) }); allocated != 0 {
		t.Errorf("%v allocations", allocated)
	}
}

// A form is told of the rule that will expire its file, as a PUT is.
//
// spec: LC5-1
func TestFormTellsOfRules(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?lifecycle", expireAll, "x-amz-checksum-sha256", sha256Of(expireAll))
	a := s.post("/bucket", &postTest{fields: s.signed(anyKey, pair{"key", "key"}), content: "hello"})
	const want = `expiry-date="Sun, 04 Jan 2026 00:00:00 GMT", rule-id="r"`
	if got := a.header.Get("X-Amz-Expiration"); a.status != 204 || got != want {
		t.Errorf("%d %q, want %q", a.status, got, want)
	}
}

// Rules that cannot be read are no reason to fail a request whose outcome is decided: it
// answers without the headers, and the log says why.
func TestUnreadableRules(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	if err := s.store.SetConfig(t.Context(), "bucket", store.ConfigLifecycle, []byte("no rules"), store.Maker{}); err != nil {
		t.Fatal(err)
	}
	s.must("PUT", "/bucket/key", "body")
	s.must("GET", "/bucket/key", "")
	if logged := s.log.String(); logged == "" {
		t.Error("nothing is logged")
	}
	if a := s.do("GET", "/bucket?lifecycle", ""); a.status != 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Of rules and MFA Delete that are set at once, one is refused.
//
// spec: LC6-2
func TestRulesRaceMFADelete(t *testing.T) {
	const rounds = 50
	s := newTestServer(t, nil)
	for range rounds {
		s.must("PUT", "/bucket", "")
		var rules answer
		var mfa error
		var both sync.WaitGroup
		both.Go(func() {
			rules = s.do("PUT", "/bucket?lifecycle", expireAll, "x-amz-checksum-sha256", sha256Of(expireAll))
		})
		both.Go(func() {
			mfa = s.store.SetVersioning(t.Context(), "bucket",
				store.VersioningChange{State: versioning.Enabled, MFADelete: store.MFADeleteEnabled})
		})
		both.Wait()
		if (rules.status == 200) == (mfa == nil) || rules.status != 200 && rules.status != 409 {
			t.Fatalf("rules: %d %s; MFA Delete: %v", rules.status, rules.body, mfa)
		}
		if err := s.store.DeleteBucket(t.Context(), "bucket", store.Maker{}); err != nil {
			t.Fatal(err)
		}
	}
}

// A dry run tells what the run after it does, and a preview the same.
func TestDryRunTellsTheRun(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.Lifecycle = upkeep.NewExpirer(o.Store, lifecycle.ExpirerOptions{}) })
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	for _, key := range []string{"a", "a", "b", "c"} {
		s.must("PUT", "/bucket/"+key, key)
	}
	s.must("DELETE", "/bucket/c", "")
	s.must("PUT", "/bucket?lifecycle", expireAll, "x-amz-checksum-sha256", sha256Of(expireAll))
	s.clock.Advance(48 * time.Hour)
	run := AdminPath + "/buckets/bucket/lifecycle/"
	dry := s.must("POST", run+"run", `{"dryRun":true}`)
	preview := s.must("GET", run+"preview", "")
	done := s.must("POST", run+"run", "{}")
	if string(dry.body) != string(preview.body) {
		t.Errorf("dry run\n%s\npreview\n%s", dry.body, preview.body)
	}
	if actionsOf(t, dry) != actionsOf(t, done) {
		t.Errorf("dry run\n%s\nrun\n%s", dry.body, done.body)
	}
	if again := actionsOf(t, s.must("POST", run+"run", "{}")); again != "" {
		t.Errorf("the next run does\n%s", again)
	}
}
