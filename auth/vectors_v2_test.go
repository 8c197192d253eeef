package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestExamplesV2 verifies the examples of A-UG:RESTAuthentication.
//
// spec: WI1.1-4, WI1.1-5, WI1.1-10
func TestExamplesV2(t *testing.T) {
	const day = "Tue, 27 Mar 2007 "
	for name, c := range map[string]struct {
		now     string
		hosted  string
		request string
	}{
		"object GET": {day + "19:36:42 +0000", "awsexamplebucket1", "GET /photos/puppy.jpg HTTP/1.1\nHost: awsexamplebucket1.us-west-1.s3.amazonaws.com\n" +
			"Date: Tue, 27 Mar 2007 19:36:42 +0000\nAuthorization: AWS " + exampleKey + ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=\n"},
		"object PUT": {day + "21:15:45 +0000", "awsexamplebucket1", "PUT /photos/puppy.jpg HTTP/1.1\nContent-Type: image/jpeg\nContent-Length: 94328\n" +
			"Host: awsexamplebucket1.s3.us-west-1.amazonaws.com\nDate: Tue, 27 Mar 2007 21:15:45 +0000\nAuthorization: AWS " + exampleKey + ":iqRzw+ileNPu1fhspnRs8nOjjIA=\n"},
		"list": {day + "19:42:41 +0000", "awsexamplebucket1", "GET /?prefix=photos&max-keys=50&marker=puppy HTTP/1.1\nUser-Agent: Mozilla/5.0\n" +
			"Host: awsexamplebucket1.s3.us-west-1.amazonaws.com\nDate: Tue, 27 Mar 2007 19:42:41 +0000\nAuthorization: AWS " + exampleKey + ":m0WP8eCtspQl5Ahe6L1SozdX9YA=\n"},
		"fetch": {day + "19:44:46 +0000", "awsexamplebucket1", "GET /?acl HTTP/1.1\nHost: awsexamplebucket1.s3.us-west-1.amazonaws.com\n" +
			"Date: Tue, 27 Mar 2007 19:44:46 +0000\nAuthorization: AWS " + exampleKey + ":82ZHiFIjc+WbcwFKGUVEQspPn+0=\n"},
		"list all buckets": {"Wed, 28 Mar 2007 01:29:59 +0000", "", "GET / HTTP/1.1\nHost: s3.us-west-1.amazonaws.com\n" +
			"Date: Wed, 28 Mar 2007 01:29:59 +0000\nAuthorization: AWS " + exampleKey + ":qGdzdERIC03wnaRNKh6OqZehG9s=\n"},
		"unicode keys": {"Wed, 28 Mar 2007 01:49:49 +0000", "", "GET /dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re HTTP/1.1\nHost: s3.us-west-1.amazonaws.com\n" +
			"Date: Wed, 28 Mar 2007 01:49:49 +0000\nAuthorization: AWS " + exampleKey + ":DNEZGsoieTZ92F3bUfSPQcbGmlM=\n"},
		// The page puts x-amz-date into the date's place, against its own rule. This signature is of the rule.
		"delete": {day + "21:20:26 +0000", "", "DELETE /awsexamplebucket1/photos/puppy.jpg HTTP/1.1\nUser-Agent: dotnet\nHost: s3.us-west-1.amazonaws.com\n" +
			"Date: Tue, 27 Mar 2007 21:20:27 +0000\nx-amz-date: Tue, 27 Mar 2007 21:20:26 +0000\nAuthorization: AWS " + exampleKey + ":Ri1hpB1zpS9pGqR7y8kuNFCl4sE=\n"},
		"upload of 2006": {day + "21:06:08 +0000", "static.johnsmith.net", "PUT /db-backup.dat.gz HTTP/1.1\nHost: static.johnsmith.net:8080\n" +
			"Date: Tue, 27 Mar 2007 21:06:08 +0000\nx-amz-acl: public-read\ncontent-type: application/x-download\nContent-MD5: 4gJE4saaMU4BqNR0kLY+lw==\n" +
			"X-Amz-Meta-ReviewedBy: joe@johnsmith.net\nX-Amz-Meta-ReviewedBy: jane@johnsmith.net\nX-Amz-Meta-FileChecksum: 0x02661779\n" +
			"X-Amz-Meta-ChecksumAlgorithm: crc32\nContent-Encoding: gzip\nContent-Length: 5913339\nAuthorization: AWS " + exampleKey + ":ilyl83RwaSoYIEdixDQcA4OnAnc=\n"},
		"query of 2006": {day + "19:36:42 +0000", "johnsmith", "GET /photos/puppy.jpg?AWSAccessKeyId=" + exampleKey +
			"&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620 HTTP/1.1\nHost: johnsmith.s3.amazonaws.com\n"},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC1123Z, c.now)
			if err != nil {
				t.Fatal(err)
			}
			s, err := exampleVerifier().Verify(parseRequest(t, c.request+"\n"), c.hosted, now)
			if err != nil || s.AccessKey != exampleKey || s.Payload() != PayloadUnsigned {
				t.Errorf("%+v, %s", s.Identity, describeError(err))
			}
			_, err = exampleVerifier().Verify(parseRequest(t, strings.Replace(c.request, "GET", "HEAD", 1)+"\n"), c.hosted, now)
			if strings.HasPrefix(c.request, "GET") && !errors.Is(err, SignatureDoesNotMatch) {
				t.Errorf("another method: %v", err)
			}
		})
	}
}

// examplePolicy is the policy of A-API:sigv4-post-example.
const examplePolicy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVi" +
	"dWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19h" +
	"Y3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0" +
	"cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZl" +
	"ci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRp" +
	"YWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1B" +
	"Qy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"

// exampleForm is the form of A-API:sigv4-post-example, with the key of an uploaded file.
func exampleForm() Form {
	return Form{
		{"key", "user/user1/file.jpg"},
		{"acl", "public-read"},
		{"success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
		{"Content-Type", "image/jpeg"},
		{"x-amz-meta-uuid", "14365123651274"},
		{"x-amz-server-side-encryption", "AES256"},
		{"X-Amz-Credential", exampleKey + "/20151229/us-east-1/s3/aws4_request"},
		{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
		{"X-Amz-Date", "20151229T000000Z"},
		{"x-amz-meta-tag", ""},
		{"Policy", examplePolicy},
		{"X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"},
	}
}

// TestExampleForm verifies that example, and every form that lacks one of its fields or has another value there.
//
// spec: WI1.1-3, WI1.4-4, WI1.4-8
func TestExampleForm(t *testing.T) {
	now := time.Date(2015, time.December, 30, 0, 0, 0, 0, time.UTC)
	verify := func(form Form) error {
		_, p, err := exampleVerifier().VerifyForm(form, now)
		if err != nil {
			return err
		}
		return p.Check(form, "sigv4examplebucket")
	}
	if err := verify(exampleForm()); err != nil {
		t.Fatal(describeError(err))
	}
	for i, f := range exampleForm() {
		missing := append(exampleForm()[:i:i], exampleForm()[i+1:]...)
		if err := verify(missing); err == nil {
			t.Errorf("without %s nothing is wrong", f.Name)
		}
		changed := exampleForm()
		changed[i].Value = "x" + f.Value
		if err := verify(changed); err == nil && f.Name != "x-amz-meta-tag" {
			t.Errorf("with another %s nothing is wrong", f.Name)
		}
	}
}

// TestExamplePresigned verifies the example of A-API:sigv4-query-string-auth.
//
// spec: WI1.1-2
func TestExamplePresigned(t *testing.T) {
	r := parseRequest(t, "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+exampleKey+"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"+
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"+
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n\n")
	s, err := exampleVerifier().Verify(r, "examplebucket", exampleTime)
	if err != nil || s.AccessKey != exampleKey || s.Payload() != PayloadUnsigned {
		t.Errorf("%+v, %s", s.Identity, describeError(err))
	}
}
