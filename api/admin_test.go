package api

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/seed61737384/tombstone/auth/policy"
)

// adminPathOf fills the path of an endpoint in with what there is of account in the
// tests of this file.
func adminPathOf(e *endpoint, account string) string {
	fill := strings.NewReplacer("{account}", account, "{user}", "none", "{key}", "NONE", "{policy}", "none", "{serial}", "none", "{bucket}", "bucket", "{job}", "none")
	path, _, _ := strings.Cut(e.path, "?")
	return AdminPath + fill.Replace(path)
}

// ofRoots are the endpoints that no policy gives to a user.
var ofRoots = []string{"DeleteAccount", "EnrollMFADevice", "RemoveMFADevice", "AcceptClockStep"}

// Whoever may not gets 403 from each endpoint and learns nothing; the account that the
// server belongs to may everywhere, another one with its own.
func TestEndpointsAskForPermission(t *testing.T) {
	const other, third = "111122223333", "444455556666"
	s, who := newPrincipalsServer(t)
	who.account("other", other)
	who.account("third", third)
	who.user(testOwner.Account, "nothing", "")
	who.user(testOwner.Account, "everything", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	s.doAs("other", "PUT", "/bucket", "")
	for _, family := range endpoints {
		for i := range family {
			e := &family[i]
			body := ""
			if e.method == http.MethodPut || e.method == http.MethodPost {
				body = "{"
			}
			ofAccount := strings.Contains(e.path, "{account}") || strings.Contains(e.path, "{bucket}")
			ofCaller := e.name == "ListJobs"
			cases := []struct {
				name    string
				allowed bool
			}{
				{"", true}, {"everything", !slices.Contains(ofRoots, e.name)},
				{"nothing", false}, {"third", ofCaller}, {"other", ofAccount || ofCaller},
			}
			for _, c := range cases {
				a := s.doAs(c.name, e.method, adminPathOf(e, other), body)
				if denied := a.status == http.StatusForbidden; denied == c.allowed || a.status >= 500 {
					t.Errorf("%s by %q: %d %s", e.name, c.name, a.status, a.body)
				}
			}
			r := s.request(e.method, adminPathOf(e, other), []byte(body))
			if a := s.send(r); a.status != http.StatusForbidden {
				t.Errorf("%s unsigned: %d %s", e.name, a.status, a.body)
			}
		}
	}
}

// Policies can name the action of each endpoint.
func TestEndpointActionsAreKnown(t *testing.T) {
	for _, family := range endpoints {
		for i := range family {
			if _, ok := policy.LookupAction(family[i].action); !ok {
				t.Errorf("no policy can name %s", family[i].action)
			}
		}
	}
}

// decoded returns the document of an answer.
func decoded[T any](t *testing.T, a answer) (out T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return out
}

// An account, its user and their keys and policies are made, used and removed.
func TestEndpointsManageIdentities(t *testing.T) {
	s, who := newPrincipalsServer(t)
	made := decoded[AdminAccount](t, s.do("POST", AdminPath+"/accounts", `{"displayName":"backup"}`))
	if made.Root == nil || made.Root.Secret == "" {
		t.Fatalf("%+v", made)
	}
	account := AdminPath + "/accounts/" + made.ID
	s.must("POST", account+"/users", `{"name":"restic","path":"/backup/"}`)
	key := decoded[AdminKey](t, s.do("POST", account+"/keys", `{"user":"restic"}`))
	if caller, ok := who.registry.Caller(key.AccessKey); !ok || caller.Principal.ARN() != "arn:aws:iam::"+made.ID+":user/backup/restic" {
		t.Errorf("caller %+v", caller)
	}
	if a := s.do("PUT", account+"/keys/"+key.AccessKey, `{}`); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.must("PUT", account+"/keys/"+key.AccessKey, `{"active":false}`)
	if _, ok := who.registry.Caller(key.AccessKey); ok {
		t.Error("a disabled key signs")
	}
	s.must("PUT", account+"/users/restic/attached/backup-writer", "")
	s.must("PUT", account+"/users/restic/policies/own", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}}`)
	all := decoded[[]AdminPolicy](t, s.do("GET", account+"/users/restic/policies", ""))
	if len(all) != 2 || all[0].Name != "own" || all[1].Name != "backup-writer" || !all[1].Managed {
		t.Errorf("policies %+v", all)
	}
	for _, a := range []answer{s.do("GET", account+"/keys", ""), s.do("GET", AdminPath+"/accounts", "")} {
		if strings.Contains(string(a.body), "secretKey") {
			t.Errorf("a secret is shown again: %s", a.body)
		}
	}
	s.must("DELETE", account+"/users/restic/attached/backup-writer", "")
	s.must("DELETE", account+"/users/restic", "")
	s.must("DELETE", account, "")
	if _, ok := who.registry.Caller(made.Root.AccessKey); ok {
		t.Error("the root of an account that is gone signs")
	}
	if strings.Contains(s.log.String(), key.Secret) {
		t.Error("the log has a secret")
	}
}

// What is wrong with a request to an endpoint is said in an error document.
func TestEndpointsRefuse(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.account("other", "111122223333")
	s.doAs("other", "PUT", "/theirs", "")
	const user = AdminPath + "/accounts/111122223333/users"
	tests := []struct {
		method, target, body string
		status               int
		code                 string
	}{
		{"GET", AdminPath + "/nothing", "", 404, "NotFound"},
		{"PATCH", AdminPath + "/accounts", "", 404, "NotFound"},
		{"GET", AdminPath + "/accounts/999999999999/users", "", 404, "NoSuchEntity"},
		{"POST", user, "{", 400, "MalformedJSON"},
		{"POST", user, `{"name":"a","other":1}`, 400, "MalformedJSON"},
		{"POST", user, `{"name":"a"}{}`, 400, "MalformedJSON"},
		{"POST", user, `{"name":"a b"}`, 400, "ValidationError"},
		{"POST", AdminPath + "/accounts", `{"id":"111122223333"}`, 409, "EntityAlreadyExists"},
		{"DELETE", AdminPath + "/accounts/111122223333", "", 409, "DeleteConflict"},
		{"DELETE", AdminPath + "/accounts/" + testOwner.Account + "/keys/" + testKey, "", 409, "DeleteConflict"},
		{"DELETE", AdminPath + "/accounts/111122223333/keys/" + testKey, "", 404, "NoSuchEntity"},
		{"PUT", user + "/none/policies/p", "{", 404, "NoSuchEntity"},
		{"PUT", AdminPath + "/accounts/111122223333/policies/p", "{", 400, "MalformedPolicy"},
		{"GET", AdminPath + "/buckets/none/locks", "", 404, "NoSuchBucket"},
		{"GET", AdminPath + "/ledger?limit=x", "", 400, "InvalidArgument"},
		{"GET", AdminPath + "/ledger?from=yesterday", "", 400, "InvalidArgument"},
		{"GET", AdminPath + "/accounts/%zz/users", "", 400, ""},
	}
	for _, test := range tests {
		a := s.do(test.method, test.target, test.body)
		if a.status != test.status || !strings.Contains(string(a.body), "<Code>"+test.code) && test.code != "" {
			t.Errorf("%s %s: %d %s", test.method, test.target, a.status, a.body)
		}
	}
}

// The ledger tells who removed a version, the locks what is held, and verifying finds
// both sound.
func TestEndpointsOfTheStore(t *testing.T) {
	s, _ := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	gone := s.must("PUT", "/bucket/gone", "x").header.Get("X-Amz-Version-Id")
	s.must("PUT", "/bucket/held", "x", "X-Amz-Object-Lock-Legal-Hold", "ON")
	s.must("DELETE", "/bucket/gone?versionId="+gone, "")
	a := s.do("GET", AdminPath+"/ledger?bucket=bucket&key=gone", "")
	if n := strings.Count(string(a.body), "\n"); n != 1 || !strings.Contains(string(a.body), `"change":"version-removed"`) ||
		!strings.Contains(string(a.body), gone) || !strings.Contains(string(a.body), testOwner.Account+":root") {
		t.Errorf("%d lines: %s", n, a.body)
	}
	if report := decoded[AdminLedgerReport](t, s.do("GET", AdminPath+"/ledger/verify", "")); !report.Sound {
		t.Errorf("%+v", report)
	}
	locks := decoded[AdminLocks](t, s.do("GET", AdminPath+"/buckets/bucket/locks", ""))
	if len(locks.Locks) != 1 || locks.Locks[0].LegalHold != "ON" || locks.Next != "" {
		t.Errorf("%+v", locks)
	}
	proof := decoded[AdminLockProof](t, s.do("GET", AdminPath+"/buckets/bucket/locks/verify", ""))
	if !proof.Sound || proof.Key != "held" || len(proof.Trials) == 0 {
		t.Errorf("%+v", proof)
	}
	if c := decoded[AdminClock](t, s.do("GET", AdminPath+"/clock", "")); c.StepSeconds != 0 {
		t.Errorf("%+v", c)
	}
}

// A decision is explained by the statement that made it.
func TestEndpointExplains(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.user(testOwner.Account, "writer", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Sid":"NoDestroy","Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"*"}]}`)
	s.must("PUT", "/bucket", "")
	ask := func(action string) AdminDecision {
		return decoded[AdminDecision](t, s.do("POST", AdminPath+"/accounts/self/explain",
			`{"user":"writer","action":"`+action+`","bucket":"bucket","key":"k","conditions":{"AWS:SourceIp":["10.0.0.1"]}}`))
	}
	// Where there are no versions, denying either keeps the object.
	if d := ask("s3:DeleteObject"); d.Allowed || d.Sid != "NoDestroy" || len(d.Notes) != 1 {
		t.Errorf("%+v", d)
	}
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	if d := ask("s3:DeleteObject"); !d.Allowed || len(d.Steps) != 2 || len(d.Notes) != 0 {
		t.Errorf("%+v", d)
	}
	if d := ask("s3:DeleteObjectVersion"); d.Allowed || d.Sid != "NoDestroy" || d.Line != 3 || d.Policy != "inline" {
		t.Errorf("%+v", d)
	}
}

// A user who manages devices cannot give themselves the second factor of the root.
func TestEndpointDevices(t *testing.T) {
	s, who := newPrincipalsServer(t)
	const all = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	who.account("other", "111122223333")
	who.user("111122223333", "admin", all)
	devices := AdminPath + "/accounts/111122223333/devices"
	if a := s.doAs("admin", "POST", devices, `{"name":"phone"}`); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
	made := decoded[AdminDevice](t, s.doAs("other", "POST", devices, `{"name":"phone"}`))
	if made.Secret == "" || !strings.HasPrefix(made.URL, "otpauth://totp/") {
		t.Errorf("%+v", made)
	}
	if a := s.doAs("admin", "GET", devices, ""); !strings.Contains(string(a.body), made.Serial) || strings.Contains(string(a.body), made.Secret) {
		t.Errorf("%s", a.body)
	}
	if left, err := who.registry.Devices("111122223333"); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// Whoever stole the key of a root cannot make themselves its second factor: the devices of
// an account that has one change with a code of one only.
func TestEndpointDevicesNeedCode(t *testing.T) {
	var who *principals
	s := newTestServer(t, func(o *Options) {
		who = newPrincipals(t, o.Clock)
		who.use(o)
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	who.account("other", "111122223333")
	devices := AdminPath + "/accounts/111122223333/devices"
	made := decoded[AdminDevice](t, s.doAs("other", "POST", devices, `{"name":"phone"}`))
	path := devices + "/" + url.PathEscape(made.Serial)
	code := func(steps int) string {
		c, err := totp.GenerateCode(made.Secret, s.clock.Now().Add(time.Duration(steps)*mfaStep))
		if err != nil {
			t.Fatal(err)
		}
		return made.Serial + " " + c
	}
	const https = "https"
	for _, c := range []struct {
		who, method, target, body, proto, mfa string
		status                                int
	}{
		{"other", "POST", devices, `{"name":"thief"}`, https, "", http.StatusForbidden},
		{"other", "DELETE", path, "", https, "", http.StatusForbidden},
		{"", "POST", devices, `{"name":"thief"}`, https, "", http.StatusForbidden}, // nor the root of the server
		{"other", "POST", devices, `{"name":"thief"}`, "http", code(0), http.StatusBadRequest},
		{"other", "POST", devices, `{"name":"thief"}`, https, "phone 1", http.StatusBadRequest},
		{"other", "POST", devices, `{"name":"thief"}`, https, made.Serial + "x 123456", http.StatusForbidden},
		{"other", "POST", devices, `{"name":"second"}`, https, code(0), http.StatusOK},
		{"other", "DELETE", path, "", https, code(0), http.StatusForbidden}, // used
		{"other", "DELETE", path, "", https, code(1), http.StatusNoContent},
	} {
		headers := []string{"X-Forwarded-Proto", c.proto}
		if c.mfa != "" {
			headers = append(headers, "X-Amz-Mfa", c.mfa)
		}
		if a := s.doAs(c.who, c.method, c.target, c.body, headers...); a.status != c.status {
			t.Errorf("%+v: %d %s", c, a.status, a.body)
		}
	}
	if left, err := who.registry.Devices("111122223333"); err != nil || len(left) != 1 || !strings.HasSuffix(left[0].Serial, "/second") {
		t.Errorf("%v, %v", left, err)
	}
}

// Where there is one root alone, the endpoints of identities say so.
func TestEndpointsWithoutIdentities(t *testing.T) {
	s := newTestServer(t, nil)
	if a := s.do("GET", AdminPath+"/accounts", ""); a.status != http.StatusNotImplemented {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.must("PUT", "/bucket", "")
	d := decoded[AdminDecision](t, s.do("POST", AdminPath+"/accounts/self/explain", `{"action":"s3:GetObject","bucket":"bucket","key":"k"}`))
	if !d.Allowed {
		t.Errorf("%+v", d)
	}
}

// A decision about an object looks at what is stored of it, as the request itself would,
// and tells what besides policies would hold it back.
func TestEndpointExplainsObjects(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.user(testOwner.Account, "bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*",
		"Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"blue"}}}}`)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	s.must("PUT", "/bucket/blue", "x", "X-Amz-Tagging", "team=blue")
	held := s.must("PUT", "/bucket/held", "x", "X-Amz-Object-Lock-Legal-Hold", "ON").header.Get("X-Amz-Version-Id")
	ask := func(question string) AdminDecision {
		return decoded[AdminDecision](t, s.do("POST", AdminPath+"/accounts/self/explain", question))
	}
	if d := ask(`{"user":"bob","action":"s3:GetObject","bucket":"bucket","key":"blue"}`); !d.Allowed {
		t.Errorf("%+v", d)
	}
	if d := ask(`{"user":"bob","action":"s3:GetObject","bucket":"bucket","key":"held"}`); d.Allowed {
		t.Errorf("%+v", d)
	}
	if d := ask(`{"anonymous":true,"action":"s3:GetObject","bucket":"bucket","key":"blue"}`); d.Allowed || len(d.Steps) != 0 {
		t.Errorf("%+v", d)
	}
	d := ask(`{"action":"s3:DeleteObjectVersion","bucket":"bucket","key":"held","versionId":"` + held + `"}`)
	if !d.Allowed || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "legal hold") {
		t.Errorf("%+v", d)
	}
	if d := ask(`{"action":"s3:CreateBucket","bucket":"new"}`); !d.Allowed {
		t.Errorf("%+v", d)
	}
	if a := s.do("POST", AdminPath+"/accounts/self/explain", `{"action":"s3:GetObjekt"}`); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A parameter that an endpoint does not have is refused, like one that is there twice: it
// may have been meant to spare something.
func TestEndpointsRefuseUnknownParameters(t *testing.T) {
	s, _ := newPrincipalsServer(t)
	s.doAs("", "PUT", "/bucket", "")
	for path, want := range map[string]string{
		"/buckets/bucket/lifecycle/preview?prefx=logs/":    "prefx",
		"/buckets/bucket/lifecycle/run?prefix=logs/":       "prefix", // it stands in the document
		"/buckets/bucket/locks?after=&after=":              "after",
		"/ledger?bucket=bucket&Key=k":                      "Key",
		"/ledger/verify?bucket=bucket":                     "bucket",
		"/ledger/verify?sound":                             "sound",
		"/ledger?bucket=bucket&key=k&limit=1":              "",
		"/ledger?X-Amz-Unknown=1":                          "",
		"/buckets/bucket/explain?key=k&versionId=null":     "",
		"/buckets/bucket/lifecycle/preview?at=2030-01-01&": "",
	} {
		method := http.MethodGet
		if strings.Contains(path, "/run") {
			method = http.MethodPost
		}
		a := s.doAs("", method, AdminPath+path, "")
		refused := a.status == http.StatusBadRequest && strings.Contains(string(a.body), "<Code>InvalidArgument</Code>") &&
			strings.Contains(string(a.body), "<ArgumentName>"+want+"</ArgumentName>")
		if refused != (want != "") || want == "" && a.status >= 500 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
