package api

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// allow returns an identity policy that allows actions everywhere.
func allow(actions ...string) string {
	if len(actions) == 0 {
		actions = []string{"s3:GetBucketWebsite"} // a policy has to allow something
	}
	list, _ := json.Marshal(actions)
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": %s, "Resource": "*"}]}`, list)
}

// actionCase is a request and all the actions that it takes, in the order in which they
// are asked for.
type actionCase struct {
	request string // method and target
	body    string
	headers []string
	actions []string
}

// Names in braces stand in a request for the ids of what each case finds in place.
var actionCases = []actionCase{
	// spec: AP1-1
	{"GET /bucket/key", "", nil, []string{"s3:GetObject"}},
	{"HEAD /bucket/key", "", nil, []string{"s3:GetObject"}},
	{"GET /bucket/key?versionId={version}", "", nil, []string{"s3:GetObjectVersion"}},
	{"HEAD /bucket/key?versionId={version}", "", nil, []string{"s3:GetObjectVersion"}},
	// spec: AP1-2
	{"GET /bucket/key?attributes", "", []string{"x-amz-object-attributes", "ETag"}, []string{"s3:GetObjectAttributes", "s3:GetObject"}},
	{"GET /bucket/key?attributes&versionId={version}", "", []string{"x-amz-object-attributes", "ETag"},
		[]string{"s3:GetObjectVersionAttributes", "s3:GetObjectVersion"}},
	// spec: AP1-3
	{"GET /bucket/key?acl", "", nil, []string{"s3:GetObjectAcl"}},
	{"GET /bucket/key?acl&versionId={version}", "", nil, []string{"s3:GetObjectVersionAcl"}},
	{"PUT /bucket/key?acl", "", []string{"x-amz-acl", "bucket-owner-full-control"}, []string{"s3:PutObjectAcl"}},
	{"PUT /bucket/key?acl&versionId={version}", "", []string{"x-amz-acl", "bucket-owner-full-control"}, []string{"s3:PutObjectVersionAcl"}},
	// spec: AP1-4, AP1-5, AP1-6
	{"GET /bucket/key?tagging", "", nil, []string{"s3:GetObjectTagging"}},
	{"GET /bucket/key?tagging&versionId={version}", "", nil, []string{"s3:GetObjectVersionTagging"}},
	{"PUT /bucket/key?tagging", tagDocument, nil, []string{"s3:PutObjectTagging"}},
	{"PUT /bucket/key?tagging&versionId={version}", tagDocument, nil, []string{"s3:PutObjectVersionTagging"}},
	{"DELETE /bucket/key?tagging", "", nil, []string{"s3:DeleteObjectTagging"}},
	{"DELETE /bucket/key?tagging&versionId={version}", "", nil, []string{"s3:DeleteObjectVersionTagging"}},
	// spec: AP1-7, AP1-29, AP1-30
	{"DELETE /bucket/key", "", nil, []string{"s3:DeleteObject"}},
	{"DELETE /bucket/key?versionId={version}", "", nil, []string{"s3:DeleteObjectVersion"}},
	{"DELETE /bucket/key?versionId={marker}", "", nil, []string{"s3:DeleteObjectVersion"}},
	{"DELETE /bucket/key?versionId=null", "", nil, []string{"s3:DeleteObjectVersion"}},
	{"DELETE /plain/key?versionId=null", "", nil, []string{"s3:DeleteObjectVersion"}},
	// spec: AP1-8, VD6-11
	{"DELETE /plain/key", "", []string{"If-Match", `"{etag}"`}, []string{"s3:DeleteObject", "s3:GetObject"}},
	{"DELETE /plain/key", "", []string{"If-Match", "*"}, []string{"s3:DeleteObject"}},
	{"DELETE /bucket/key", "", []string{"If-Match", "*"}, []string{"s3:DeleteObject"}},
	// spec: AP1-11
	{"PUT /bucket/key", "x", nil, []string{"s3:PutObject"}},
	{"POST /bucket/key?uploads", "", nil, []string{"s3:PutObject"}},
	{"PUT /bucket/key?partNumber=1&uploadId={upload}", "x", nil, []string{"s3:PutObject"}},
	{"POST /bucket/key?uploadId={upload}", "<CompleteMultipartUpload/>", nil, []string{"s3:PutObject"}},
	// spec: AP1-12, OL1.5-1
	{"PUT /bucket/key", "x", []string{"x-amz-acl", "bucket-owner-full-control"}, []string{"s3:PutObject", "s3:PutObjectAcl"}},
	{"PUT /bucket/key", "x", []string{"x-amz-tagging", "a=b"}, []string{"s3:PutObject", "s3:PutObjectTagging"}},
	{"PUT /lock/key", "x", retentionHeaders, []string{"s3:PutObject", "s3:PutObjectRetention"}},
	{"PUT /lock/key", "x", []string{"x-amz-object-lock-legal-hold", "ON"}, []string{"s3:PutObject", "s3:PutObjectLegalHold"}},
	{"POST /lock/key?uploads", "", slices.Concat(retentionHeaders, []string{"x-amz-tagging", "a=b", "x-amz-object-lock-legal-hold", "OFF"}),
		[]string{"s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectRetention", "s3:PutObjectLegalHold"}},
	// spec: AP1-13, AP1-14
	{"PUT /bucket/copy", "", []string{"x-amz-copy-source", "/bucket/bare"}, []string{"s3:GetObject", "s3:PutObject"}},
	{"PUT /bucket/copy", "", []string{"x-amz-copy-source", "/bucket/key"},
		[]string{"s3:GetObject", "s3:PutObject", "s3:GetObjectTagging", "s3:PutObjectTagging"}},
	{"PUT /bucket/copy", "", []string{"x-amz-copy-source", "/bucket/key?versionId={version}"},
		[]string{"s3:GetObjectVersion", "s3:PutObject", "s3:GetObjectVersionTagging", "s3:PutObjectTagging"}},
	{"PUT /bucket/copy", "", []string{"x-amz-copy-source", "/bucket/key", "x-amz-tagging-directive", "REPLACE"},
		[]string{"s3:GetObject", "s3:PutObject"}},
	{"PUT /lock/copy", "", slices.Concat(retentionHeaders, []string{"x-amz-copy-source", "/bucket/bare", "x-amz-tagging", "a=b"}),
		[]string{"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectRetention"}},
	{"PUT /bucket/key?partNumber=1&uploadId={upload}", "", []string{"x-amz-copy-source", "/bucket/key"},
		[]string{"s3:GetObject", "s3:PutObject"}},
	{"PUT /bucket/key?partNumber=1&uploadId={upload}", "", []string{"x-amz-copy-source", "/bucket/key?versionId={version}"},
		[]string{"s3:GetObjectVersion", "s3:PutObject"}},
	// spec: AP1-15
	{"DELETE /bucket/key?uploadId={upload}", "", nil, []string{"s3:AbortMultipartUpload"}},
	{"GET /bucket/key?uploadId={upload}", "", nil, []string{"s3:ListMultipartUploadParts"}},
	// spec: AP1-16, AP1-17, OL1.5-1
	{"GET /lock/key?retention", "", nil, []string{"s3:GetObjectRetention"}},
	{"GET /lock/key?retention&versionId={locked}", "", nil, []string{"s3:GetObjectRetention"}},
	{"PUT /lock/key?retention", "<Retention/>", nil, []string{"s3:PutObjectRetention"}},
	{"PUT /lock/key?retention&versionId={locked}", "<Retention/>", nil, []string{"s3:PutObjectRetention"}},
	{"GET /lock/key?legal-hold", "", nil, []string{"s3:GetObjectLegalHold"}},
	{"GET /lock/key?legal-hold&versionId={locked}", "", nil, []string{"s3:GetObjectLegalHold"}},
	{"PUT /lock/key?legal-hold", "<LegalHold><Status>OFF</Status></LegalHold>", nil, []string{"s3:PutObjectLegalHold"}},
	{"PUT /lock/key?legal-hold&versionId={locked}", "<LegalHold><Status>OFF</Status></LegalHold>", nil, []string{"s3:PutObjectLegalHold"}},
	// spec: AP1-18, AP1-19, AP1-20
	{"HEAD /bucket", "", nil, []string{"s3:ListBucket"}},
	{"GET /bucket", "", nil, []string{"s3:ListBucket"}},
	{"GET /bucket?list-type=2", "", nil, []string{"s3:ListBucket"}},
	{"GET /bucket?versions", "", nil, []string{"s3:ListBucketVersions"}},
	{"GET /bucket?uploads", "", nil, []string{"s3:ListBucketMultipartUploads"}},
	// spec: AP1-21
	{"PUT /new", "", nil, []string{"s3:CreateBucket"}},
	{"DELETE /new", "", nil, []string{"s3:DeleteBucket"}},
	{"GET /", "", nil, []string{"s3:ListAllMyBuckets"}},
	// spec: AP1-22
	{"GET /bucket?versioning", "", nil, []string{"s3:GetBucketVersioning"}},
	{"PUT /bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", nil, []string{"s3:PutBucketVersioning"}},
	// spec: AP1-23, AP1-24, LC1-5
	{"GET /bucket?lifecycle", "", nil, []string{"s3:GetLifecycleConfiguration"}},
	{"PUT /bucket?lifecycle", "<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
		nil, []string{"s3:PutLifecycleConfiguration"}},
	{"DELETE /bucket?lifecycle", "", nil, []string{"s3:PutLifecycleConfiguration"}},
	// spec: AP1-25, OL1.5-1
	{"GET /lock?object-lock", "", nil, []string{"s3:GetBucketObjectLockConfiguration"}},
	{"PUT /lock?object-lock", "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>", nil,
		[]string{"s3:PutBucketObjectLockConfiguration"}},
	// spec: AP1-26
	{"GET /bucket?policy", "", nil, []string{"s3:GetBucketPolicy"}},
	{"DELETE /bucket?policy", "", nil, []string{"s3:DeleteBucketPolicy"}},
	{"PUT /bucket?policy", bucketStatement("Allow", `{"AWS": "123456789012"}`, "s3:ListBucket", "bucket"), nil, []string{"s3:PutBucketPolicy"}},
	// spec: AP1-27, AP1-28
	{"GET /bucket?notification", "", nil, []string{"s3:GetBucketNotification"}},
	{"PUT /bucket?notification", "<NotificationConfiguration/>", nil, []string{"s3:PutBucketNotification"}},
	{"GET /bucket?logging", "", nil, []string{"s3:GetBucketLogging"}},
	{"PUT /bucket?logging", "<BucketLoggingStatus/>", nil, []string{"s3:PutBucketLogging"}},
}

const tagDocument = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"

var retentionHeaders = []string{"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2026-02-01T00:00:00Z"}

// bucketStatement returns a bucket policy of one statement.
func bucketStatement(effect, principal, action, resource string) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": %q, "Principal": %s, "Action": %q, "Resource": "arn:aws:s3:::%s"}]}`,
		effect, principal, action, resource)
}

// TestActions makes each request by a user who may do all that it takes, which works,
// and by one who may do all but one thing, who is told which (spec AP3.2-5).
func TestActions(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.layBuckets()
	for i := range actionCases {
		c := &actionCases[i]
		request := s.set(c)
		for n, missing := range c.actions {
			who.user(testOwner.Account, "alice", allow(slices.Delete(slices.Clone(c.actions), n, n+1)...))
			a := request()
			want := "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: " + missing + " "
			if a.status != http.StatusForbidden || !strings.HasPrefix(c.request, "HEAD") && !strings.Contains(string(a.body), want) {
				t.Errorf("%s without %s: %d %s", c.request, missing, a.status, a.body)
			}
		}
		who.user(testOwner.Account, "alice", allow(c.actions...))
		if a := request(); a.status == http.StatusForbidden || a.status >= 500 {
			t.Errorf("%s with %v: %d %s", c.request, c.actions, a.status, a.body)
		}
	}
}

// layBuckets makes the buckets of the tables of requests: one with Object Lock, one
// without versions, and one whose key "key" has a null version below those that follow.
func (s *testServer) layBuckets() {
	s.must("PUT", "/lock", "", "x-amz-bucket-object-lock-enabled", "true")
	s.must("PUT", "/plain", "")
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "null version")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	s.must("PUT", "/bucket/bare", "x")
}

// set puts in place what a case needs, and returns what makes its request.
func (s *testServer) set(c *actionCase) func() answer {
	made := s.must("PUT", "/bucket/key", c.request, "x-amz-tagging", "a=b")
	locked := s.must("PUT", "/lock/key", "x").header.Get("X-Amz-Version-Id")
	s.must("PUT", "/plain/key", c.request)
	marker := s.must("DELETE", "/bucket/gone", "").header.Get("X-Amz-Version-Id")
	created, _ := parseAnswer(s.must("POST", "/bucket/key?uploads", "").body)
	replace := strings.NewReplacer(
		"{version}", made.header.Get("X-Amz-Version-Id"), "{etag}", strings.Trim(made.header.Get("Etag"), `"`),
		"{locked}", locked, "{marker}", marker, "{upload}", created.child("UploadId"))
	method, target, _ := strings.Cut(replace.Replace(c.request), " ")
	headers := slices.Clone(c.headers)
	for i := range headers {
		headers[i] = replace.Replace(headers[i])
	}
	return func() answer { return s.doAs("alice", method, target, c.body, headers...) }
}

// doAs is do for somebody else than the root of the server's account.
func (s *testServer) doAs(name, method, target, body string, headers ...string) answer {
	s.t.Helper()
	r := s.request(method, target, []byte(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	s.signAs(name, r, []byte(body))
	return s.send(r)
}

// TestJudgedInStore holds that every operation whose permission is left to the store is
// refused there: each is asked for on an object whose tag is denied and on one without.
// A copy reads its source so too.
// spec: AP2-5, AP3-3, AP1-10, AP1-13, AP3.1-8, AP3.1-13
func TestJudgedInStore(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.must("PUT", "/lock", "", "x-amz-bucket-object-lock-enabled", "true")
	who.user(testOwner.Account, "alice", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
		{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:ExistingObjectTag/keep": "yes"}}}]}`)
	left := map[string]bool{"UploadPartCopy": true, "CopyObject": true}
	for name := range judgedInStore {
		left[name] = true
	}
	for i := range operations {
		op := &operations[i]
		if !left[op.name] {
			continue
		}
		delete(left, op.name)
		for _, tag := range []string{"yes", "no"} {
			made := s.must("PUT", "/lock/key", "x", "x-amz-tagging", "keep="+tag)
			before := s.must("GET", "/lock?versions", "").body
			a := s.judged(op, made.header.Get("X-Amz-Version-Id"))
			refused := a.status == http.StatusForbidden || strings.Contains(string(a.body), "<Code>AccessDenied")
			if refused != (tag == "yes") || !refused && a.status >= 300 && a.status != http.StatusNotFound {
				t.Errorf("%s, keep=%s: %d %s", op.name, tag, a.status, a.body)
			}
			if after := s.must("GET", "/lock?versions", "").body; refused && string(after) != string(before) {
				t.Errorf("%s changed something", op.name)
			}
		}
	}
	for name := range left {
		t.Errorf("there is no operation %s", name)
	}
}

// judged makes the request of op on /lock/key by a user.
func (s *testServer) judged(op *operation, version string) answer {
	target, headers := "/lock/key", []string{"x-amz-object-attributes", "ETag", "x-amz-acl", "bucket-owner-full-control"}
	body := map[string]string{
		"PutObjectTagging": tagDocument, "PutObjectRetention": retentionDocument,
		"PutObjectLegalHold": "<LegalHold><Status>OFF</Status></LegalHold>",
		"DeleteObjects":      "<Delete><Object><Key>key</Key><VersionId>" + version + "</VersionId></Object></Delete>",
	}[op.name]
	if op.sub != "" {
		target += "?" + op.sub
	}
	switch op.name {
	case "DeleteObjects":
		sum := md5.Sum([]byte(body))
		target, headers = "/lock?delete", []string{"Content-MD5", base64.StdEncoding.EncodeToString(sum[:])}
	case "CopyObject", "UploadPartCopy":
		created, _ := parseAnswer(s.must("POST", "/lock/copy?uploads", "").body)
		headers = []string{"x-amz-copy-source", "/lock/key?versionId=" + version}
		target = "/lock/copy"
		if op.name == "UploadPartCopy" {
			target += "?partNumber=1&uploadId=" + created.child("UploadId")
		}
	}
	return s.doAs("alice", op.method, target, body, headers...)
}
