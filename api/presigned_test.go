package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// presign returns target with the parameters that sign it for a minute.
func (s *testServer) presign(method, target string) string {
	s.t.Helper()
	return s.presignAs("", method, target)
}

// presignAs is presign for a link that somebody else signs.
func (s *testServer) presignAs(name, method, target string) string {
	s.t.Helper()
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	r, err := http.NewRequestWithContext(context.Background(), method, s.http.URL+target+separator+"X-Amz-Expires=60", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	link, _, err := signer.PresignHTTP(r.Context(), aws.Credentials{AccessKeyID: keyOf(name), SecretAccessKey: secretOf(name)},
		r, "UNSIGNED-PAYLOAD", "s3", defaultRegion, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.RequestURI()
}

// use uses a link as it is, with headers given as name, value, name, value.
func (s *testServer) use(method, link, body string, headers ...string) answer {
	s.t.Helper()
	r := s.request(method, link, []byte(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return s.send(r)
}

// TestPresigned puts, reads and removes an object by links, in which headers have become parameters.
//
// spec: WI1.1-2, WI2-5, WI1.3-1, WI1.3-5
func TestPresigned(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")

	put := s.use("PUT", s.presign("PUT", "/bucket/key?x-amz-meta-colour=red&x-amz-checksum-crc32=AAAAAA%3D%3D&x-id=PutObject"), "hello")
	if put.status != 200 {
		t.Fatalf("%d %s", put.status, put.body)
	}
	got := s.use("GET", s.presign("GET", "/bucket/key?response-content-type=text%2Fplain"), "")
	if string(got.body) != "hello" || got.header.Get("Content-Type") != "text/plain" || got.header.Get("X-Amz-Meta-Colour") != "red" {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	version := put.header.Get("X-Amz-Version-Id")
	link := s.presign("DELETE", "/bucket/key")
	if a := s.use("DELETE", link+"&versionId="+version, ""); a.status != 403 || !strings.Contains(string(a.body), "SignatureDoesNotMatch") {
		t.Errorf("a link to delete the key deletes a version: %d %s", a.status, a.body)
	}
	link = s.presign("DELETE", "/bucket/key?versionId="+version)
	s.clock.Advance(61 * time.Second)
	if a := s.use("DELETE", link, ""); a.status != 403 || !strings.Contains(string(a.body), "<X-Amz-Expires>60</X-Amz-Expires>") {
		t.Errorf("after its time: %d %s", a.status, a.body)
	}
	s.must("GET", "/bucket/key", "")
	if a := s.use("DELETE", s.presign("DELETE", "/bucket/key?versionId="+version), ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.do("GET", "/bucket/key", ""); a.status != 404 {
		t.Errorf("after the link was used: %d", a.status)
	}
}

// TestHoistedHeaders sends headers as parameters of a link. They are obeyed or refused as headers are: what was meant
// to prevent or to choose something is never passed over.
func TestHoistedHeaders(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "before")
	for _, c := range []struct {
		method, target, code string
		headers              []string
	}{
		{"DELETE", "/bucket/key?x-amz-expected-bucket-owner=210987654321", "AccessDenied", nil},
		{"DELETE", "/bucket/key?x-amz-bypass-governance-retention=true", "InvalidArgument", nil},
		{"DELETE", "/bucket/key?X-Amz-Mfa=1%20123456", "InvalidRequest", nil},
		{"PUT", "/bucket/key?x-amz-copy-source=%2Fbucket%2Fmissing", "NoSuchKey", nil},
		{"PUT", "/bucket/key?x-amz-acl=public-read", "AccessControlListNotSupported", nil},
		{"PUT", "/bucket/key?x-amz-meta-a=b", "AccessDenied", []string{"X-Amz-Meta-A", "c"}},
		{"PUT", "/bucket/key?x-amz-meta-a=b", "AccessDenied", []string{"X-Amz-Meta-A", "b"}},
	} {
		a := s.use(c.method, s.presign(c.method, c.target), "after", c.headers...)
		root, err := parseAnswer(a.body)
		if err != nil || root.child("Code") != c.code {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.target, a.status, a.body, c.code)
		}
	}
	if a := s.must("GET", "/bucket/key", ""); string(a.body) != "before" {
		t.Errorf("the object is %q", a.body)
	}
}

// TestSigV2 signs by Version 2, in the header and in the query, in path style and in virtual-hosted style.
//
// spec: WI1.1-4, WI1.1-5, WI2-1
func TestSigV2(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.Domains = []string{"s3.test"} })
	s.must("PUT", "/bucket", "")
	for name, host := range map[string]string{"path style": "", "virtual-hosted": "bucket.s3.test:9000"} {
		path, hosted := "/bucket/a%20key", host != ""
		if hosted {
			path = "/a%20key"
		}
		s.must("PUT", "/bucket/a%20key", "hello")
		r := s.request("GET", path, nil)
		r.Host = host
		r.URL.Path = strings.ReplaceAll(path, "%20", " ")
		r.Header.Set("Date", s.clock.Now().Format(http.TimeFormat))
		if a := s.send(signer.SignV2(*r, testKey, testSecret, hosted)); string(a.body) != "hello" {
			t.Errorf("%s, in the header: %d %s", name, a.status, a.body)
		}
		r = s.request("DELETE", path, nil)
		r.Host = host
		r.URL.Path = strings.ReplaceAll(path, "%20", " ")
		r.Header.Set("Expires", strconv.FormatInt(s.clock.Now().Unix()+60, 10))
		signed := signer.PreSignV2(*r, testKey, testSecret, 60, hosted)
		q := signed.URL.Query()
		q.Set("Expires", r.Header.Get("Expires")) // of the server's time, not of the machine's
		r.URL.Opaque, r.Header = path+"?"+q.Encode(), http.Header{}
		r.URL.RawQuery = ""
		if a := s.send(r); a.status != 204 {
			t.Errorf("%s, in the query: %d %s", name, a.status, a.body)
		}
	}
}
