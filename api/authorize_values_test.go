package api

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/store"
)

// valueCase is a condition and a request that a user makes who may do everything as long
// as the condition holds.
type valueCase struct {
	condition string // operator, key and value: three members of a condition
	request   string // method and target
	body      string
	headers   []string
	allowed   bool
}

// The operators most cases use.
const (
	equals  = "StringEquals"
	like    = "StringLike"
	absent  = "Null"
	numbers = "NumericEquals"
)

func is(operator, key, value string) string {
	return fmt.Sprintf(`{%q: {%q: %q}}`, operator, key, value)
}

const emptyCopy = ""

var valueCases = []valueCase{
	// spec: AP2-3
	{is(equals, "s3:VersionId", "{version}"), "GET /bucket/key?versionId={version}", "", nil, true},
	{is(equals, "s3:VersionId", "{version}"), "GET /bucket/key?versionId=null", "", nil, false},
	{is(equals, "s3:VersionId", "{version}"), "DELETE /bucket/key?versionId={version}", "", nil, true},
	{is(absent, "s3:VersionId", "true"), "GET /bucket/key", "", nil, true},
	{is(absent, "s3:VersionId", "true"), "GET /bucket/key?versionId={version}", "", nil, false},
	{is(equals, "s3:VersionId", "{version}"), "PUT /bucket/copy", emptyCopy, []string{"x-amz-copy-source", "/bucket/key?versionId={version}"}, false},
	// spec: AP2-4
	{is(equals, "s3:prefix", "home/"), "GET /bucket?prefix=home/", "", nil, true},
	{is(equals, "s3:prefix", "home/"), "GET /bucket?versions&prefix=home/", "", nil, true},
	{is(equals, "s3:prefix", "home/"), "GET /bucket", "", nil, false},
	{is(equals, "s3:prefix", "home/"), "GET /bucket?prefix=", "", nil, false},
	{is(absent, "s3:prefix", "true"), "GET /bucket", "", nil, true},
	{is(absent, "s3:prefix", "true"), "GET /bucket?versions&prefix=", "", nil, false},
	{is(equals, "s3:prefix", "home/"), "GET /bucket/key?prefix=home/", "", nil, false},
	{is(equals, "s3:delimiter", "/"), "GET /bucket?list-type=2&delimiter=/", "", nil, true},
	{is(equals, "s3:delimiter", "/"), "GET /bucket?versions", "", nil, false},
	{is("NumericLessThanEquals", "s3:max-keys", "10"), "GET /bucket?versions&max-keys=10", "", nil, true},
	{is("NumericLessThanEquals", "s3:max-keys", "10"), "GET /bucket?max-keys=11", "", nil, false},
	{is("NumericLessThanEquals", "s3:max-keys", "10"), "GET /bucket", "", nil, false},
	// spec: AP2-5
	{is(equals, "s3:ExistingObjectTag/team", "red"), "GET /bucket/key", "", nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "GET /bucket/key", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "GET /bucket/key?versionId=null", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "HEAD /bucket/key?versionId={version}", "", nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "GET /bucket/bare", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "GET /bucket/absent", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "GET /bucket/key?tagging", "", nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "GET /bucket/key?acl", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "PUT /bucket/key?tagging", tagDocument, nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "PUT /bucket/key?tagging", tagDocument, nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "DELETE /bucket/key?tagging", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "DELETE /bucket/key", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "DELETE /bucket/key?versionId={version}", "", nil, false},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "DELETE /bucket/key?versionId={version}", "", nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "red"), "DELETE /bucket/key?versionId=null", "", nil, false},
	{is("StringNotEquals", "s3:ExistingObjectTag/team", "blue"), "GET /bucket/bare", "", nil, true},
	{is(equals, "s3:ExistingObjectTag/team", "blue"), "GET /bucket/key?attributes", "", []string{"x-amz-object-attributes", "ETag"}, false},
	// spec: AP2-6
	{is(equals, "s3:RequestObjectTag/team", "red"), "PUT /bucket/new", "x", []string{"x-amz-tagging", "team=red"}, true},
	{is(equals, "s3:RequestObjectTag/team", "red"), "PUT /bucket/new", "x", []string{"x-amz-tagging", "team=blue"}, false},
	{is(equals, "s3:RequestObjectTag/team", "red"), "PUT /bucket/new", "x", nil, false},
	{is(equals, "s3:RequestObjectTag/a", "b"), "PUT /bucket/key?tagging", tagDocument, nil, true},
	{is(equals, "s3:RequestObjectTag/a", "c"), "PUT /bucket/key?tagging", tagDocument, nil, false},
	{is(equals, "s3:RequestObjectTag/team", "red"), "POST /bucket/new?uploads", "", []string{"x-amz-tagging", "team=red"}, true},
	{`{"ForAllValues:StringLike": {"s3:RequestObjectTagKeys": ["team", "a"]}}`, "PUT /bucket/new", "x", []string{"x-amz-tagging", "team=1&a=2"}, true},
	{`{"ForAllValues:StringLike": {"s3:RequestObjectTagKeys": ["team", "a"]}}`, "PUT /bucket/new", "x", []string{"x-amz-tagging", "team=1&b=2"}, false},
	// spec: AP2-7, OL1.5-1
	{is(equals, "s3:object-lock-mode", "GOVERNANCE"), "PUT /lock/key", "x", retentionHeaders, true},
	{is(equals, "s3:object-lock-mode", "COMPLIANCE"), "PUT /lock/key", "x", retentionHeaders, false},
	{is(equals, "s3:object-lock-mode", "GOVERNANCE"), "PUT /lock/key", "x", nil, false},
	{is(equals, "s3:object-lock-mode", "GOVERNANCE"), "PUT /lock/key?retention", retentionDocument, nil, true},
	{is(numbers, "s3:object-lock-remaining-retention-days", "30"), "PUT /lock/key", "x", retentionHeaders, true},
	{is(numbers, "s3:object-lock-remaining-retention-days", "30"), "PUT /lock/key?retention", retentionDocument, nil, true},
	{is("NumericLessThan", "s3:object-lock-remaining-retention-days", "30"), "PUT /lock/key?retention", retentionDocument, nil, false},
	{is("DateLessThan", "s3:object-lock-retain-until-date", "2026-02-02T00:00:00Z"), "PUT /lock/key", "x", retentionHeaders, true},
	{is("DateLessThan", "s3:object-lock-retain-until-date", "2026-01-31T00:00:00Z"), "PUT /lock/key", "x", retentionHeaders, false},
	{is(equals, "s3:object-lock-legal-hold", "ON"), "PUT /lock/key", "x", []string{"x-amz-object-lock-legal-hold", "ON"}, true},
	{is(equals, "s3:object-lock-legal-hold", "OFF"), "PUT /lock/key?legal-hold", "<LegalHold><Status>OFF</Status></LegalHold>", nil, true},
	{is(equals, "s3:object-lock-legal-hold", "ON"), "PUT /lock/key?legal-hold", "<LegalHold><Status>OFF</Status></LegalHold>", nil, false},
	// spec: AP2-8, VD6-11
	{is(absent, "s3:if-match", "false"), "DELETE /bucket/key", "", nil, false},
	{is(absent, "s3:if-match", "false"), "DELETE /bucket/key", "", []string{"If-Match", "*"}, true},
	{is(equals, "s3:if-none-match", "*"), "PUT /bucket/never", "x", []string{"If-None-Match", "*"}, true},
	{is(equals, "s3:if-none-match", "*"), "PUT /bucket/never", "x", nil, false},
	{is(absent, "s3:if-none-match", "true"), "PUT /bucket/new", "x", nil, true},
	{is("Bool", "s3:ObjectCreationOperation", "false"), "POST /bucket/new?uploads", "", nil, true},
	{is("Bool", "s3:ObjectCreationOperation", "false"), "PUT /bucket/new", "x", nil, false},
	// spec: AP2-9
	{is(equals, "s3:x-amz-acl", "bucket-owner-full-control"), "PUT /bucket/new", "x", []string{"x-amz-acl", "bucket-owner-full-control"}, true},
	{is(equals, "s3:x-amz-acl", "bucket-owner-full-control"), "PUT /bucket/new", "x", nil, false},
	{is(like, "s3:x-amz-copy-source", "/bucket/b*"), "PUT /bucket/copy", emptyCopy, []string{"x-amz-copy-source", "bucket/%62are"}, true},
	{is(like, "s3:x-amz-copy-source", "/bucket/b*"), "PUT /bucket/copy", emptyCopy, []string{"x-amz-copy-source", "/bucket/key"}, false},
	{is(equals, "s3:x-amz-metadata-directive", "REPLACE"), "PUT /bucket/copy", emptyCopy,
		[]string{"x-amz-copy-source", "/bucket/bare", "x-amz-metadata-directive", "REPLACE"}, true},
	{is(equals, "s3:x-amz-server-side-encryption", "AES256"), "PUT /bucket/new", "x", []string{"x-amz-server-side-encryption", "AES256"}, true},
	{is(equals, "s3:x-amz-server-side-encryption", "AES256"), "PUT /bucket/new", "x", nil, false},
	{is(equals, "s3:x-amz-storage-class", "GLACIER"), "PUT /bucket/new", "x", []string{"x-amz-storage-class", "GLACIER"}, true},
	// spec: AP2-10
	{is(equals, "s3:signatureversion", "AWS4-HMAC-SHA256"), "GET /bucket/key", "", nil, true},
	{is(equals, "s3:signatureversion", "AWS"), "GET /bucket/key", "", nil, false},
	{is(equals, "s3:authType", "REST-HEADER"), "GET /bucket/key", "", nil, true},
	{is(equals, "s3:authType", "REST-QUERY-STRING"), "GET /bucket/key", "", nil, false},
	{is(absent, "s3:signatureAge", "true"), "GET /bucket/key", "", nil, true},
	{is(equals, "s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "PUT /bucket/new", "x", []string{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}, true},
	{is(equals, "s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "PUT /bucket/new", "x", nil, false},
	// spec: AP2-11, AP2-12
	{is(equals, "s3:ResourceAccount", "123456789012"), "GET /bucket/key", "", nil, true},
	{is(equals, "s3:ResourceAccount", "999988887777"), "GET /bucket/key", "", nil, false},
	{is(absent, "s3:TlsVersion", "true"), "GET /bucket/key", "", nil, true},
	{is("Bool", "aws:SecureTransport", "false"), "GET /bucket/key", "", nil, true},
	{is("Bool", "aws:SecureTransport", "true"), "GET /bucket/key", "", nil, false},
	// spec: AP2-13, AP2-15
	{is("Bool", "aws:MultiFactorAuthPresent", "true"), "GET /bucket/key", "", nil, false},
	{is("Bool", "aws:MultiFactorAuthPresent", "true"), "DELETE /bucket/key", "", []string{"x-forwarded-proto", "https"}, false},
	{is(absent, "aws:MultiFactorAuthPresent", "true"), "GET /bucket/key", "", nil, true},
	{is(absent, "aws:MultiFactorAuthAge", "true"), "GET /bucket/key", "", nil, true},
	{is("BoolIfExists", "aws:MultiFactorAuthPresent", "true"), "GET /bucket/key", "", nil, true},
	// spec: AP2-14
	{is("IpAddress", "aws:SourceIp", "127.0.0.0/8"), "GET /bucket/key", "", nil, true},
	{is("IpAddress", "aws:SourceIp", "10.0.0.0/8"), "GET /bucket/key", "", nil, false},
	{is("IpAddress", "aws:SourceIp", "10.0.0.0/8"), "GET /bucket/key", "", []string{"X-Forwarded-For", "10.1.2.3"}, false},
	{is(like, "aws:Referer", "https://example.com/*"), "GET /bucket/key", "", []string{"Referer", "https://example.com/page"}, true},
	{is(like, "aws:Referer", "https://example.com/*"), "GET /bucket/key", "", nil, false},
	{is(like, "aws:UserAgent", "restic*"), "GET /bucket/key", "", []string{"User-Agent", "restic/1"}, true},
	{is(like, "aws:UserAgent", "restic*"), "GET /bucket/key", "", nil, false},
	{is("DateEquals", "aws:CurrentTime", "2026-01-02T03:04:05Z"), "GET /bucket/key", "", nil, true},
	{is("DateGreaterThan", "aws:CurrentTime", "2026-01-02T03:04:05Z"), "GET /bucket/key", "", nil, false},
	{is(numbers, "aws:EpochTime", "1767323045"), "GET /bucket/key", "", nil, true},
	{is(equals, "aws:username", "alice"), "GET /bucket/key", "", nil, true},
	{is(equals, "aws:username", "bob"), "GET /bucket/key", "", nil, false},
	{is(like, "aws:userid", "AIDA*"), "GET /bucket/key", "", nil, true},
	{is("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:user/alice"), "GET /bucket/key", "", nil, true},
	{is(equals, "aws:PrincipalAccount", "123456789012"), "GET /bucket/key", "", nil, true},
	{is(equals, "aws:PrincipalAccount", "999988887777"), "GET /bucket/key", "", nil, false},
	{is(equals, "aws:PrincipalType", "User"), "GET /bucket/key", "", nil, true},
	{is(equals, "aws:RequestedRegion", "us-east-1"), "GET /bucket/key", "", nil, true},
	{is(equals, "tombstone:versioning", "Enabled"), "PUT /bucket/new", "x", nil, true},
	{is(equals, "tombstone:versioning", "Unversioned"), "PUT /plain/new", "x", nil, true},
}

const retentionDocument = "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-02-01T00:00:00Z</RetainUntilDate></Retention>"

// TestConditionValues makes each request by a user whose one policy has the condition.
func TestConditionValues(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.layBuckets()
	for i := range valueCases {
		c := &valueCases[i]
		version := s.must("PUT", "/bucket/key", "x", "x-amz-tagging", "team=red").header.Get("X-Amz-Version-Id")
		s.must("PUT", "/lock/key", "x")
		put := strings.NewReplacer("{version}", version)
		who.user(testOwner.Account, "alice", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": `+
			put.Replace(c.condition)+"}]}")
		method, target, _ := strings.Cut(put.Replace(c.request), " ")
		headers := make([]string, len(c.headers))
		for i, h := range c.headers {
			headers[i] = put.Replace(h)
		}
		a := s.doAs("alice", method, target, c.body, headers...)
		if allowed := a.status != http.StatusForbidden; allowed != c.allowed || a.status >= 500 || allowed && a.status >= 300 {
			t.Errorf("%s, %s %v: %d %s", c.condition, c.request, c.headers, a.status, a.body)
		}
	}
}

// TestSignatureValues asks for what policies see of a signature that stands elsewhere
// than in a header, and of the connection. The request is judged as a handler does,
// without being sent.
// spec: AP2-10, AP2-11, AP2-12, AP2-14
func TestSignatureValues(t *testing.T) {
	s := newTestServer(t, nil)
	for _, c := range []struct {
		change func(*exchange)
		key    string
		want   string // empty for absent
	}{
		{func(x *exchange) { x.session.Placement = auth.InQuery }, "s3:authtype", "REST-QUERY-STRING"},
		{func(x *exchange) { x.session.Placement = auth.InForm }, "s3:authtype", "POST"},
		{func(x *exchange) { x.session.Anonymous = true }, "s3:authtype", ""},
		{func(x *exchange) { x.session.Algorithm = "AWS" }, "s3:signatureversion", "AWS"},
		{func(x *exchange) { x.session.SignedAt = x.started.Add(-10 * time.Minute) }, "s3:signatureage", "600000"},
		{func(x *exchange) { x.r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13} }, "s3:tlsversion", "1.3"},
		{func(x *exchange) { x.r.TLS = &tls.ConnectionState{Version: tls.VersionTLS12} }, "s3:tlsversion", "1.2"},
		{func(x *exchange) {
			x.r.TLS, x.origin.proxied = &tls.ConnectionState{Version: tls.VersionTLS12}, true
		}, "s3:tlsversion", ""},
		{func(x *exchange) { x.origin.secure = true }, "aws:securetransport", "true"},
		{func(*exchange) {}, "aws:sourceip", ""},
		{func(*exchange) {}, "aws:nonsense", ""},
	} {
		x := &exchange{h: s.handler, started: s.clock.Now(), r: s.request("GET", "/bucket/key", nil)}
		c.change(x)
		q := question{x: x, action: getObject, bucket: &store.Bucket{}}
		values, ok := q.Lookup(c.key)
		if ok != (c.want != "") || ok && values[0] != c.want {
			t.Errorf("%s is %q, %v; want %q", c.key, values, ok, c.want)
		}
	}
}
