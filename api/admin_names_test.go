package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// What rules and jobs do is counted for who may ask, and keys are named for who may list
// the versions of the bucket.
func TestNamesAreWithheld(t *testing.T) {
	var who *principals
	s := newTestServer(t, func(o *Options) {
		who = newPrincipals(t, o.Clock)
		who.use(o)
		o.Lifecycle = upkeep.NewExpirer(o.Store, lifecycle.ExpirerOptions{})
	})
	s.must("PUT", "/bucket", "")
	rules := `<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter/><Expiration><Date>2020-01-01</Date></Expiration></Rule></LifecycleConfiguration>`
	s.must("PUT", "/bucket?lifecycle", rules, "x-amz-checksum-sha256", sha256Of(rules))
	s.must("PUT", "/bucket/secret", "12345")
	may := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["tombstone:*"%s],"Resource":"*"}}`
	who.user(testOwner.Account, "blind", fmt.Sprintf(may, ""))
	who.user(testOwner.Account, "seeing", fmt.Sprintf(may, `,"s3:ListBucketVersions"`))
	path := AdminPath + "/buckets/bucket/lifecycle"
	for _, c := range []struct {
		name, method, path, body, says string
		named                          bool
	}{
		{"seeing", "GET", path + "/preview", "", `"count":1,"bytes":5}`, true},
		{"blind", "GET", path + "/preview", "", `"namesWithheld":true`, false},
		{"blind", "GET", path + "?count=true", "", `"count":1,`, false},
		{"blind", "POST", path + "/run", `{"dryRun":true}`, `"count":1,"bytes":5}`, false},
		{"blind", "POST", path + "/run", `{}`, `"namesWithheld":true`, false},
	} {
		a := s.doAs(c.name, c.method, c.path, c.body)
		if body := string(a.body); a.status != http.StatusOK || strings.Contains(body, "secret") != c.named || !strings.Contains(body, c.says) {
			t.Errorf("%s %s by %s: %d %s", c.method, c.path, c.name, a.status, body)
		}
	}
	if a := s.doAs("seeing", "GET", path+"?count=maybe", ""); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.do("GET", "/bucket/secret", ""); a.status != http.StatusNotFound {
		t.Errorf("the run by somebody who is shown no names did nothing: %d", a.status)
	}
}

// Samples of jobs name keys in the same way, also when the bucket is gone.
func TestSamplesAreWithheld(t *testing.T) {
	s := newJobServer(t, false)
	may := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["tombstone:*"%s],"Resource":"*"}}`
	s.who.user(testOwner.Account, "blind", fmt.Sprintf(may, ""))
	s.who.user(testOwner.Account, "seeing", fmt.Sprintf(may, `,"s3:ListBucketVersions"`))
	s.must("PUT", "/bucket/secret", "x", "x-amz-object-lock-legal-hold", "ON")
	s.letGo()
	j := s.ended(s.submit("", "empty", "{}"))
	look := func() {
		t.Helper()
		for name, named := range map[string]bool{"blind": false, "seeing": true, "": true} {
			a := s.doAs(name, "GET", AdminPath+"/jobs/"+j.ID, "")
			body := string(a.body)
			if a.status != http.StatusOK || strings.Contains(body, "secret") != named || strings.Contains(body, "namesWithheld") == named || !strings.Contains(body, `"held":1`) {
				t.Errorf("%q: %d %s", name, a.status, body)
			}
		}
	}
	look()
	for name, named := range map[string]bool{"blind": false, "seeing": true} {
		if a := s.doAs(name, "POST", AdminPath+"/buckets/bucket/empty", "{}"); a.status != http.StatusForbidden || strings.Contains(string(a.body), "secret") != named {
			t.Errorf("refused %s: %d %s", name, a.status, a.body)
		}
	}
	s.must("PUT", "/bucket/secret?legal-hold", "<LegalHold><Status>OFF</Status></LegalHold>")
	if gone := s.ended(s.submit("", "empty", `{"deleteBucket":true}`)); !gone.Deleted {
		t.Fatalf("%+v", gone)
	}
	look()
}

// A forced DeleteBucket answers what the request would that failed in its job, and nothing
// of what is inside.
func TestForceFails(t *testing.T) {
	x := &exchange{r: httptest.NewRequest(http.MethodDelete, "/bucket", nil)}
	for _, c := range []struct {
		cause error
		code  Code
	}{
		{jobs.ErrNoSuchBucket, "NoSuchBucket"},
		{starterGone("the access key is gone"), "AccessDenied"},
		{fmt.Errorf("the bucket is not deleted: %w", refuse("AccessDenied")), "AccessDenied"},
		{fmt.Errorf("removing: %w", store.ErrDiskFull), "InsufficientStorage"},
		{fmt.Errorf("removing: %w", store.ErrClosed), "ServiceUnavailable"},
		{&versioning.Refusal{Reason: versioning.ObjectLocked}, "AccessDenied"},
		{errors.New("pebble: /srv/data/000123.sst is gone"), "InternalError"},
		{nil, "InternalError"},
	} {
		j := &jobs.Job{ID: "1", Error: "pebble: /srv/data/000123.sst is gone", Cause: c.cause}
		var f *failure
		if err := x.forceFailed(j); !errors.As(err, &f) || f.code != c.code || strings.Contains(f.message, "pebble") {
			t.Errorf("%v: %v", c.cause, err)
		}
	}
}
