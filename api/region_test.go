package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth"
)

// spec: WI2.2-13
func TestBucketRegion(t *testing.T) {
	tests := []struct {
		constraint, server string
		pinned             bool
		want               string
		code               Code
	}{
		{"", "us-east-1", false, "", ""},
		{"eu-west-1", "us-east-1", false, "eu-west-1", ""},
		{"us-gov-west-1", "us-east-1", false, "us-gov-west-1", ""},
		{"EU", "us-east-1", false, "EU", ""},
		{"us-east-1", "us-east-1", false, "", "InvalidLocationConstraint"},
		{"mars", "us-east-1", false, "", "InvalidLocationConstraint"},
		{"eu-west-", "us-east-1", false, "", "InvalidLocationConstraint"},
		{"", "us-east-1", true, "", ""},
		{"eu-west-1", "us-east-1", true, "", "IllegalLocationConstraintException"},
		{"mars", "us-east-1", true, "", "InvalidLocationConstraint"},
		{"", "garage", true, "", "IllegalLocationConstraintException"},
		{"garage", "garage", true, "garage", ""},
		{"eu-west-1", "garage", true, "", "IllegalLocationConstraintException"},
		{"EU", "eu-west-1", true, "EU", ""},
		{"eu-west-1", "EU", true, "eu-west-1", ""},
	}
	for _, test := range tests {
		h := &Handler{region: test.server, verifier: &auth.Verifier{}}
		if test.pinned {
			h.verifier.Region = test.server
		}
		got, err := h.bucketRegion(test.constraint)
		var code Code
		if err != nil {
			code = translate(err, place{}).code
		}
		if got != test.want || code != test.code {
			t.Errorf("%q at %q: %q %q, want %q %q", test.constraint, test.server, got, code, test.want, test.code)
		}
	}
}

// pin has s answer as a server does that was started with --region on the same folder.
func (s *testServer) pin(region string) {
	s.t.Helper()
	var err error
	s.handler, err = New(Options{
		Store: s.store, Owner: testOwner, Clock: s.clock, Region: region,
		Verifier: &auth.Verifier{Region: region, Keys: auth.NewStaticKeys(auth.Credential{AccessKey: testKey, Secret: testSecret})},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.http.Config.Handler = s.handler
}

// A server that was given its region sends away what is asked of buckets elsewhere: whoever
// asks, whatever they may, and nothing changes. It serves those at home, and those that
// remember no region.
//
// spec: WI2.2-49
func TestPermanentRedirect(t *testing.T) {
	s := newTestServer(t, nil)
	in := func(region string) string {
		return "<CreateBucketConfiguration><LocationConstraint>" + region + "</LocationConstraint></CreateBucketConfiguration>"
	}
	s.must("PUT", "/ireland", in("eu-west-1"))
	s.must("PUT", "/ireland/key", "before")
	s.must("PUT", "/oldest", in("EU"))
	s.must("PUT", "/home", "")
	s.pin(defaultRegion)
	for _, test := range []struct{ method, target, body string }{
		{"GET", "/ireland", ""}, {"HEAD", "/ireland", ""}, {"GET", "/ireland?versions", ""}, {"DELETE", "/ireland", ""},
		{"GET", "/ireland/key", ""}, {"HEAD", "/ireland/key", ""}, {"PUT", "/ireland/key", "after"}, {"DELETE", "/ireland/key", ""},
		{"PUT", "/ireland?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"},
		{"POST", "/ireland?delete", "<Delete><Object><Key>key</Key></Object></Delete>"},
		{"POST", "/ireland/key?uploads", ""}, {"GET", "/oldest", ""},
	} {
		signed := s.do(test.method, test.target, test.body)
		unsigned := s.send(s.request(test.method, test.target, []byte(test.body)))
		for _, a := range []answer{signed, unsigned} {
			s.wantRedirect(test.method+" "+test.target, a)
		}
	}
	if a := s.do("GET", "/missing", ""); a.status != 404 {
		t.Errorf("a bucket that is nowhere: %d", a.status)
	}
	if a := s.must("GET", "/ireland?location", ""); !strings.Contains(string(a.body), ">eu-west-1<") {
		t.Errorf("GetBucketLocation: %s", a.body)
	}
	if a := s.must("GET", "/?bucket-region=eu-west-1", ""); !strings.Contains(string(a.body), "<Name>ireland<") || !strings.Contains(string(a.body), "<Name>oldest<") {
		t.Errorf("ListBuckets: %s", a.body)
	}
	if a := s.do("PUT", "/ireland", ""); a.status != 409 {
		t.Errorf("made again: %d %s", a.status, a.body)
	}
	s.must("PUT", "/home/key", "x")

	s.pin("") // as a server of every region it is served again, and can go
	if a := s.must("GET", "/ireland/key", ""); string(a.body) != "before" {
		t.Errorf("the object became %q", a.body)
	}
	s.must("DELETE", "/ireland/key", "")
	s.must("DELETE", "/ireland", "")
}

// wantRedirect checks that a is the answer to a request about a bucket in eu-west-1.
func (s *testServer) wantRedirect(request string, a answer) {
	s.t.Helper()
	if a.status != http.StatusMovedPermanently || a.header.Get("X-Amz-Bucket-Region") != "eu-west-1" || a.header.Get("Location") != "" {
		s.t.Errorf("%s: %d %v", request, a.status, a.header)
	}
	if strings.HasPrefix(request, "HEAD") {
		return
	}
	e, err := parseAnswer(a.body)
	if err != nil {
		s.t.Fatal(err)
	}
	bucket := e.child("Bucket")
	if e.child("Code") != "PermanentRedirect" || !strings.Contains(request, "/"+bucket) || e.child("Endpoint") != bucket+".s3.eu-west-1.invalid" {
		s.t.Errorf("%s: %s", request, a.body)
	}
}
