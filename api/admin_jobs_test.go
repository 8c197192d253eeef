package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// jobServer is a server that runs jobs once they are let go.
type jobServer struct {
	*testServer
	who    *principals
	runner *jobs.Runner
}

// newJobServer starts one with a bucket whose versions are kept; force says whether
// DeleteBucket may empty it.
func newJobServer(t *testing.T, force bool) *jobServer {
	t.Helper()
	s, u := &jobServer{}, &upkeep.Jobs{}
	s.testServer = newTestServer(t, func(o *Options) {
		s.who = newPrincipals(t, o.Clock)
		s.who.use(o)
		u.Store = o.Store
		s.runner = jobs.NewRunner(jobs.Options{Store: u, Documents: u, Clock: o.Clock, Batch: 3})
		o.Jobs, o.AllowForceDelete = s.runner, force
	})
	u.Permit = s.handler.PermitJob
	t.Cleanup(s.runner.Close)
	s.must("PUT", "/bucket", "", "x-amz-bucket-object-lock-enabled", "true")
	return s
}

// letGo lets jobs run.
func (s *jobServer) letGo() {
	s.t.Helper()
	if err := s.runner.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// submit starts a job for somebody and returns it as it stands.
func (s *jobServer) submit(name, what, body string) AdminJob {
	s.t.Helper()
	return decoded[AdminJob](s.t.(*testing.T), s.doAs(name, "POST", AdminPath+"/buckets/bucket/"+what, body))
}

// ended returns a job once it has ended.
func (s *jobServer) ended(j AdminJob) AdminJob {
	s.t.Helper()
	if _, err := s.runner.Wait(s.t.Context(), j.ID); err != nil {
		s.t.Fatal(err)
	}
	return decoded[AdminJob](s.t.(*testing.T), s.do("GET", AdminPath+"/jobs/"+j.ID, ""))
}

// left returns the keys of the entries of the bucket.
func (s *jobServer) left() string {
	s.t.Helper()
	var keys []string
	err := s.store.History(s.t.Context(), store.HistoryRequest{Bucket: "bucket"}, func(v *store.HistoryView) error {
		for i := range v.Entries {
			keys = append(keys, v.Entries[i].Key)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(keys, " ")
}

// allowing is a policy that allows actions on a resource.
func allowing(actions, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":%q}`, actions, resource)
}

func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

const allActions = `"s3:*","tombstone:*"`

// A bucket is emptied by its job, of versions, markers and uploads, and the ledger says
// by which and for whom.
func TestEmptyBucketJob(t *testing.T) {
	s := newJobServer(t, false)
	s.letGo()
	for range 3 {
		s.must("PUT", "/bucket/a", "x")
		s.must("DELETE", "/bucket/a", "")
		s.must("PUT", "/bucket/b/c", "xy")
	}
	s.must("POST", "/bucket/u?uploads", "")
	dry := s.ended(s.submit("", "empty", `{"dryRun":true}`))
	if got := s.left(); dry.Counts.Versions != 6 || dry.Counts.Markers != 3 || dry.Counts.Uploads != 1 || len(strings.Fields(got)) != 9 {
		t.Errorf("a dry run left %q, %+v", got, dry)
	}
	part := s.ended(s.submit("", "empty", `{"prefix":"b/"}`))
	if part.Counts.Versions != 3 || part.Counts.Bytes != 6 || part.Total != 0 || strings.Contains(s.left(), "b") {
		t.Errorf("%+v, left %q", part, s.left())
	}
	j := s.ended(s.submit("", "empty", `{"deleteBucket":true}`))
	if j.State != "done" || !j.Deleted || j.Counts.Uploads != 1 || j.Total != 7 || j.Seen != 7 || j.Principal == "" || j.Finished == nil {
		t.Errorf("%+v", j)
	}
	changes := make(map[string]int)
	err := s.store.Ledger(t.Context(), store.LedgerQuery{Bucket: "bucket"}, func(e store.LedgerEntry) error {
		if m := e.Made; m.CauseID == j.ID {
			changes[e.Change.String()]++
			if m.AccessKey != testKey || m.Operation != "EmptyBucket" || m.Cause != store.CauseJob || m.Principal != j.Principal || m.Source == "" {
				t.Errorf("%+v", m)
			}
		}
		return nil
	})
	want := "map[bucket-removed:1 marker-removed:3 upload-aborted:1 version-removed:3]"
	if err != nil || fmt.Sprint(changes) != want {
		t.Errorf("%v %v, want %v", changes, err, want)
	}
}

// Each entry is decided as a DeleteObjects of the starter would be: by its key, its tags
// and the circumstances of the request, and by the policies of the moment.
func TestJobsAskForEachEntry(t *testing.T) {
	for _, c := range []struct {
		name, policy, then string // then: the policy when the job runs
		left               string
		counts             jobs.Counts
	}{
		{"all", policyOf(allowing(allActions, "*")), "", "", jobs.Counts{Versions: 3, Markers: 1, Bytes: 3, Uploads: 1}},
		{"by prefix", policyOf(allowing(`"tombstone:*"`, "*"), allowing(`"s3:Delete*"`, "arn:aws:s3:::bucket/a*")), "", "b b c",
			jobs.Counts{Versions: 1, Bytes: 1, Refused: 3, Hiding: 1}},
		{"not versions", policyOf(allowing(allActions, "*"), `{"Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"arn:aws:s3:::bucket/b"}`), "",
			"b b", jobs.Counts{Versions: 2, Bytes: 2, Uploads: 1, Refused: 1, Hiding: 1}},
		{"by tag", policyOf(allowing(allActions, "*"),
			`{"Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/keep":"yes"}}}`), "",
			"c", jobs.Counts{Versions: 2, Markers: 1, Bytes: 2, Uploads: 1, Refused: 1}},
		{"from here", policyOf(`{"Effect":"Allow","Action":["s3:*","tombstone:*"],"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.1"},` +
			`"StringLike":{"aws:UserAgent":"Go-http*"},"Bool":{"aws:SecureTransport":"false"}}}`), "", "",
			jobs.Counts{Versions: 3, Markers: 1, Bytes: 3, Uploads: 1}},
		{"taken away", policyOf(allowing(allActions, "*")), policyOf(allowing(`"tombstone:*"`, "*")), "a b b c", jobs.Counts{Refused: 4, Hiding: 1}},
	} {
		s := newJobServer(t, false)
		s.must("PUT", "/bucket/a", "x")
		s.must("PUT", "/bucket/b", "x")
		s.must("DELETE", "/bucket/b", "")
		s.must("PUT", "/bucket/c", "x", "x-amz-tagging", "keep=yes")
		s.must("POST", "/bucket/u?uploads", "")
		s.who.user(testOwner.Account, "alice", c.policy)
		var dry, j AdminJob
		if c.then == "" {
			s.letGo()
			dry = s.ended(s.submit("alice", "empty", `{"dryRun":true}`))
			j = s.submit("alice", "empty", "{}")
		} else {
			j = s.submit("alice", "empty", "{}")
			s.who.user(testOwner.Account, "alice", c.then)
			s.letGo()
		}
		j = s.ended(j)
		if got := s.left(); got != c.left || j.Counts != c.counts || j.State != "done" {
			t.Errorf("%s: left %q, %s %+v; want %q %+v", c.name, got, j.State, j.Counts, c.left, c.counts)
		}
		if c.then == "" && dry.Counts != j.Counts {
			t.Errorf("%s: a dry run said %+v, it was %+v", c.name, dry.Counts, j.Counts)
		}
		for i := range j.Samples {
			if p := &j.Samples[i]; p.Why == jobs.WhyRefused && !strings.Contains(p.Reason, "user/alice is not authorized to perform: s3:") {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
	}
}

// A starter who may do nothing of it is refused at once, and whoever is nobody any more
// when the job runs loses it.
func TestJobsRefuseEarly(t *testing.T) {
	s := newJobServer(t, false)
	s.must("PUT", "/bucket/a", "x")
	may := allowing(`"tombstone:*"`, "*")
	for _, c := range []struct{ policy, body, want string }{
		{policyOf(may), "{}", "s3:DeleteObjectVersion"},
		{policyOf(allowing(`"s3:*"`, "*")), "{}", "tombstone:EmptyBucket"},
		{policyOf(may, allowing(`"s3:DeleteObject*"`, "*")), `{"deleteBucket":true}`, "s3:DeleteBucket"},
		{policyOf(may, allowing(`"s3:DeleteObject*"`, "*")), `{"bypassGovernance":true}`, "s3:BypassGovernanceRetention"},
	} {
		s.who.user(testOwner.Account, "alice", c.policy)
		a := s.doAs("alice", "POST", AdminPath+"/buckets/bucket/empty", c.body)
		if a.status != http.StatusForbidden || !strings.Contains(string(a.body), "not authorized to perform: "+c.want) {
			t.Errorf("%s: %d %s", c.body, a.status, a.body)
		}
	}
	s.who.user(testOwner.Account, "alice", policyOf(allowing(allActions, "*")))
	j := s.submit("alice", "empty", "{}")
	if err := s.who.registry.SetKeyActive(t.Context(), identity.By{}, keyOf("alice"), false); err != nil {
		t.Fatal(err)
	}
	s.letGo()
	if j = s.ended(j); j.State != "failed" || j.Error != "the access key KEYOFALICE that started the job is disabled or gone" || s.left() != "a" {
		t.Errorf("%s %q, left %q", j.State, j.Error, s.left())
	}
}

// What locks keep is counted and shown with its end; governance gives way to whoever may
// bypass it.
func TestJobsMeetLocks(t *testing.T) {
	s := newJobServer(t, false)
	s.letGo()
	lock := func(key, mode, until string) {
		s.must("PUT", "/bucket/"+key, "x", "x-amz-object-lock-mode", mode, "x-amz-object-lock-retain-until-date", until)
	}
	lock("a", "GOVERNANCE", "2027-01-01T00:00:00Z")
	lock("b", "COMPLIANCE", "2033-01-01T00:00:00Z")
	s.must("PUT", "/bucket/c", "x", "x-amz-object-lock-legal-hold", "ON")
	s.must("DELETE", "/bucket/b", "")
	j := s.ended(s.submit("", "empty", `{"deleteBucket":true}`))
	if j.State != "failed" || j.Counts.Held != 3 || j.Counts.Hiding != 1 || j.Counts.LegalHold != 1 || j.Counts.HeldUntil.Year() != 2033 || s.left() != "a b b c" {
		t.Errorf("%+v, left %q", j, s.left())
	}
	if len(j.Samples) != 4 || j.Samples[0].Mode != "GOVERNANCE" || j.Samples[0].Until.Year() != 2027 || !strings.Contains(j.Error, "3 held by locks until 2033-01-01T00:00:00Z") {
		t.Errorf("%q, %+v", j.Error, j.Samples)
	}
	s.who.user(testOwner.Account, "alice", policyOf(allowing(allActions, "*")))
	if j = s.ended(s.submit("alice", "empty", `{"bypassGovernance":true}`)); j.Counts.Held != 2 || s.left() != "b b c" {
		t.Errorf("%+v, left %q", j, s.left())
	}
}

// Where MFA Delete is enabled a job takes the code that its requests would.
func TestJobsNeedMFA(t *testing.T) {
	s := newJobServer(t, true)
	s.letGo()
	if _, err := s.store.CreateBucket(t.Context(), store.BucketSpec{Name: "guarded", Owner: testOwner}); err != nil {
		t.Fatal(err)
	}
	s.must("PUT", "/guarded/k", "x")
	if err := s.store.SetVersioning(t.Context(), "guarded", store.VersioningChange{State: versioning.Enabled, MFADelete: store.MFADeleteEnabled}); err != nil {
		t.Fatal(err)
	}
	device := s.who.enroll("phone")
	ask := func(method, target, body string, headers ...string) answer {
		r := s.request(method, target, []byte(body))
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		s.sign(r, []byte(body))
		return s.direct(r, []byte(body))
	}
	empty, force := AdminPath+"/buckets/guarded/empty", []string{"X-Tombstone-Force", "true"}
	for _, a := range []answer{
		ask("POST", empty, "{}"), ask("POST", AdminPath+"/buckets/guarded/undelete", "{}"), ask("DELETE", "/guarded", "", force...),
	} {
		if a.status != http.StatusForbidden || !strings.Contains(string(a.body), textTokenNeeded) {
			t.Errorf("without a code: %d %s", a.status, a.body)
		}
	}
	if a := ask("POST", empty, `{"dryRun":true}`); a.status != http.StatusOK {
		t.Errorf("a dry run: %d %s", a.status, a.body)
	}
	code, err := totp.GenerateCode(device.Secret.Reveal(), s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	j := decoded[AdminJob](t, ask("POST", empty, `{"deleteBucket":true}`, mfaHeader, device.Serial+" "+code))
	if j = s.ended(j); j.State != "done" || !j.Deleted {
		t.Errorf("%+v", j)
	}
}

// Undeleting shows first and then does, by prefix and by the time of deletion.
func TestUndeleteJob(t *testing.T) {
	s := newJobServer(t, false)
	s.letGo()
	for _, key := range []string{"a", "b", "c"} {
		s.must("PUT", "/bucket/"+key, "x")
		s.must("DELETE", "/bucket/"+key, "")
		s.clock.Advance(time.Hour)
	}
	for _, body := range []string{
		`{"since":"2026-01-02T04:04:05Z","until":"2026-01-02T04:04:05Z","dryRun":true}`, `{"since":"2026-01-02T04:04:05Z","until":"2026-01-02T04:04:05Z"}`,
	} {
		j := s.ended(s.submit("", "undelete", body))
		if j.State != "done" || j.Counts != (jobs.Counts{Undeleted: 1, Markers: 1, Bytes: 1, Skipped: 2}) || len(j.Samples) != 3 {
			t.Errorf("%s: %+v", body, j)
		}
	}
	if got := s.left(); got != "a a b c c" {
		t.Errorf("left %q", got)
	}
	if a := s.do("GET", "/bucket/b", ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if j := s.ended(s.submit("", "undelete", `{"prefix":"c"}`)); j.Counts.Undeleted != 1 || s.left() != "a a b c" {
		t.Errorf("%+v, left %q", j, s.left())
	}
}

// Jobs are listed, shown and cancelled by the account that owns their bucket and by that
// of the server; what is asked for wrongly is refused.
func TestJobEndpoints(t *testing.T) {
	s := newJobServer(t, false)
	s.who.account("other", "111122223333")
	s.who.account("third", "444455556666")
	if a := s.doAs("other", "PUT", "/others", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	j := decoded[AdminJob](t, s.doAs("other", "POST", AdminPath+"/buckets/others/empty", "{}"))
	for _, c := range []struct {
		name, method, path, body string
		want                     int
		says                     string
	}{
		{"other", "GET", "/jobs", "", 200, j.ID}, {"", "GET", "/jobs", "", 200, j.ID}, {"third", "GET", "/jobs", "", 200, `"jobs":[]`},
		{"other", "GET", "/jobs/" + j.ID, "", 200, "queued"}, {"third", "GET", "/jobs/" + j.ID, "", 403, ""},
		{"third", "DELETE", "/jobs/" + j.ID, "", 403, ""}, {"", "GET", "/jobs/none", "", 404, "NoSuchEntity"},
		{"other", "POST", "/buckets/others/empty", `{"prefix":"a"}`, 409, "OperationAborted"},
		{"third", "POST", "/buckets/others/empty", "{}", 403, ""},
		{"", "POST", "/buckets/bucket/empty", `{"deleteBucket":true,"prefix":"a"}`, 400, "ValidationError"},
		{"", "POST", "/buckets/bucket/empty", `{"deleteBucket":true,"uploads":false}`, 400, "ValidationError"},
		{"", "POST", "/buckets/bucket/empty", `{"rate":-1}`, 400, "ValidationError"},
		{"other", "POST", "/buckets/others/empty", `{"bypassGovernance":true}`, 400, "ValidationError"},
		{"", "POST", "/buckets/bucket/undelete", `{"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`, 400, "ValidationError"},
		{"", "POST", "/buckets/bucket/undelete", `{"until":"9999-12-31T23:59:59-01:00"}`, 400, "ValidationError"},
		{"", "POST", "/buckets/bucket/undelete", `{"deleteBucket":true}`, 400, "MalformedJSON"},
		{"", "POST", "/buckets/bucket/empty", "null", 400, "MalformedJSON"}, {"", "POST", "/buckets/bucket/empty", "[]", 400, "MalformedJSON"},
		{"", "POST", "/buckets/none/empty", "{}", 404, "NoSuchBucket"},
		{"other", "DELETE", "/jobs/" + j.ID, "", 200, "cancelled"}, {"other", "DELETE", "/jobs/" + j.ID, "", 200, "cancelled"},
	} {
		a := s.doAs(c.name, c.method, AdminPath+c.path, c.body)
		if a.status != c.want || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s %s %s by %q: %d %s", c.method, c.path, c.body, c.name, a.status, a.body)
		}
	}
	plain := newTestServer(t, nil)
	plain.must("PUT", "/bucket", "")
	if a := plain.do("POST", AdminPath+"/buckets/bucket/empty", "{}"); a.status != http.StatusNotImplemented {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// The force headers empty a bucket where the server allows it and they are signed, and
// nowhere else; what locks keep keeps the bucket.
func TestForceDelete(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		s := newJobServer(t, allowed)
		s.letGo()
		s.must("PUT", "/bucket/held", "x", "x-amz-object-lock-legal-hold", "ON")
		for _, c := range []struct {
			header, value string
			signed        bool
			want          int
		}{
			{"X-Tombstone-Force", "true", false, 409}, {"X-Minio-Force-Delete", "true", false, 409},
			{"X-Tombstone-Force", "false", true, 409}, {"X-Amz-Force", "true", true, 409},
			{"X-Tombstone-Force", "true", true, 204}, {"X-Minio-Force-Delete", "true", true, 204},
		} {
			s.must("PUT", "/loose", "")
			s.must("PUT", "/loose/k", "x")
			s.must("POST", "/loose/u?uploads", "")
			r := s.request("DELETE", "/loose", nil)
			if c.signed {
				r.Header.Set(c.header, c.value)
			}
			s.sign(r, nil)
			r.Header.Set(c.header, c.value)
			want := c.want
			if !allowed {
				want = http.StatusConflict
			}
			if a := s.send(r); a.status != want {
				t.Errorf("allowed %v, %+v: %d %s", allowed, c, a.status, a.body)
			}
		}
		a := s.do("DELETE", "/bucket", "", "X-Tombstone-Force", "true")
		told := strings.Contains(string(a.body), "1 held by locks")
		if a.status != http.StatusConflict || !strings.Contains(string(a.body), "<Code>BucketNotEmpty") || told != allowed {
			t.Errorf("allowed %v: %d %s", allowed, a.status, a.body)
		}
	}
}

// Who is denied to empty buckets does not empty one by deleting it; who is just not allowed
// to may, for each of the deletes is.
func TestForceDeleteDenied(t *testing.T) {
	s := newJobServer(t, true)
	s.letGo()
	all := `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	for _, c := range []struct {
		policy string
		want   int
	}{
		{policyOf(all, `{"Effect":"Deny","Action":"tombstone:*","Resource":"*"}`), http.StatusForbidden}, {policyOf(all), http.StatusNoContent},
	} {
		s.must("PUT", "/loose", "")
		s.must("PUT", "/loose/k", "x")
		s.who.user(testOwner.Account, "alice", c.policy)
		a := s.doAs("alice", "DELETE", "/loose", "", "X-Tombstone-Force", "true")
		if a.status != c.want || c.want == http.StatusForbidden && !strings.Contains(string(a.body), emptyAction) {
			t.Errorf("%s: %d %s", c.policy, a.status, a.body)
		}
	}
}
