package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// presignWithSDK signs r as aws-sdk-go-v2 does, for an hour.
func presignWithSDK(t *testing.T, r *http.Request) *http.Request {
	q := r.URL.Query()
	q.Set(argExpires, "3600")
	r.URL.RawQuery = q.Encode()
	s := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	signed, _, err := s.PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret},
		r, "UNSIGNED-PAYLOAD", service, "us-east-1", exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(signed); err != nil {
		t.Fatal(err)
	}
	return r
}

// presigners sign a request for an hour, in its query.
var presigners = map[string]func(*testing.T, *http.Request) *http.Request{
	"sdk": presignWithSDK,
	"minio": func(_ *testing.T, r *http.Request) *http.Request {
		return signer.PreSignV4(*r, exampleKey, exampleSecret, "", "us-east-1", 3600)
	},
	"minio V2": func(_ *testing.T, r *http.Request) *http.Request {
		signed := signer.PreSignV2(*r, exampleKey, exampleSecret, 3600, false)
		signed.Header.Del("Expires")
		return signed
	},
	"minio V2, in the header": func(_ *testing.T, r *http.Request) *http.Request {
		return signer.SignV2(*r, exampleKey, exampleSecret, false)
	},
}

// TestPresigners verifies what the presigners of minio-go and aws-sdk-go-v2 make of odd keys and queries.
//
// spec: WI1.1-2, WI1.1-4, WI1.1-5, WI1.1-9, WI1.1-10
func TestPresigners(t *testing.T) {
	var last seen
	server := httptest.NewServer(verifyingServer(t, &last))
	defer server.Close()
	for _, key := range oddKeys {
		for i, query := range oddQueries {
			escaped := string(appendCanonicalPath(nil, s3utils.EncodePath("/bucket/"+key)))
			for name, presign := range presigners {
				t.Run(fmt.Sprintf("%s/%q/%d", name, key, i), func(t *testing.T) {
					u := keyURL(t, server.URL, key, escaped, query)
					r := presign(t, &http.Request{Method: "GET", URL: u, Host: u.Host, Header: http.Header{}})
					send(t, r, &last)
					if last.path != "/bucket/"+key || last.accessKey != exampleKey {
						t.Errorf("the server saw %q of %q", last.path, last.accessKey)
					}
				})
			}
		}
	}
}

// TestHostedV2 verifies a bucket in the host name.
//
// spec: WI1.1-4, WI1.1-5
func TestHostedV2(t *testing.T) {
	for _, presigned := range []bool{false, true} {
		r := &http.Request{Method: "DELETE", Host: "bucket.localhost:9000", Header: http.Header{}}
		r.URL = &url.URL{Scheme: "http", Host: r.Host, Path: "/a key", RawQuery: "versionId=null"}
		if presigned {
			r = signer.PreSignV2(*r, exampleKey, exampleSecret, 60, true)
		} else {
			r = signer.SignV2(*r, exampleKey, exampleSecret, true)
		}
		if got := verifySeen(exampleVerifier(), r); got.err != nil || got.accessKey != exampleKey {
			t.Errorf("presigned %v: %s", presigned, describeError(got.err))
		}
		r.Host = "other.localhost:9000"
		if got := verifySeen(exampleVerifier(), r); !errors.Is(got.err, SignatureDoesNotMatch) {
			t.Errorf("presigned %v, in another bucket: %v", presigned, got.err)
		}
	}
}

// changes are what somebody might add to a signed query.
var changes = []string{
	"versionId=null", "versionId=", "versionId", "uploadId=1", "tagging", "acl", "delete", "retention", "legal-hold",
	"annotation", "annotationName=a", "encryption", "ownershipControls", "publicAccessBlock", "policy", "lifecycle", "cors", "website",
	"analytics&id=a", "x-amz-mfa=1", "x-amz-bypass-governance-retention=true", "X-Amz-Meta-A=b", "content-type=a", "a=b", "x-id=DeleteObject",
	"X-Amz-Expires=604800", "X-Amz-Date=20130524T000000Z", "X-Amz-Signature=0", "Expires=9999999999", "Signature=0", "AWSAccessKeyId=a",
}

// TestAddedParameters adds parameters to signed deletes, drops their own and changes them: each is refused.
//
// spec: WI1.1-2, WI1.1-4, WI1.1-5, WI1.1-10, WI1.3-1
func TestAddedParameters(t *testing.T) {
	for name, presign := range presigners {
		for _, method := range []string{"DELETE", "PUT", "POST"} {
			u := &url.URL{Scheme: "http", Host: "localhost:9000", Path: "/bucket/key", RawQuery: "versionId=3"}
			r := presign(t, &http.Request{Method: method, URL: u, Host: u.Host, Header: http.Header{}})
			if got := verifySeen(exampleVerifier(), r); got.err != nil {
				t.Fatalf("%s: %s", name, describeError(got.err))
			}
			signed, now := r.URL.RawQuery, timeOf(r)
			for _, query := range changed(signed) {
				r.URL.RawQuery = query
				if s, err := exampleVerifier().Verify(r, "", now); err == nil {
					t.Errorf("%s: %s %s is taken for %s: %+v", name, method, query, signed, s.Identity)
				}
			}
		}
	}
}

// changed returns queries that differ from signed.
func changed(signed string) []string {
	var out []string
	for _, change := range changes {
		out = append(out, signed+"&"+change, change+"&"+signed)
	}
	parts := strings.Split(signed, "&")
	for i, part := range parts {
		without := strings.Join(append(append([]string{}, parts[:i]...), parts[i+1:]...), "&")
		name, value, _ := strings.Cut(part, "=")
		out = append(out, without, without+"&"+name+"="+value+"0", without+"&"+name, without+"&"+strings.ToLower(name)+"X="+value)
	}
	return out
}

// presignClients returns clients that sign for server.
func presignClients(t *testing.T, server *httptest.Server, version2 bool) (*minio.Client, *s3.PresignClient) {
	creds := credentials.NewStaticV4(exampleKey, exampleSecret, "")
	if version2 {
		creds = credentials.NewStaticV2(exampleKey, exampleSecret, "")
	}
	m, err := minio.New(strings.TrimPrefix(server.URL, "http://"), &minio.Options{Creds: creds, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return m, s3.NewPresignClient(s3.New(s3.Options{
		BaseEndpoint: aws.String(server.URL), UsePathStyle: true, Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret}, nil
		}),
	}))
}

// TestPresignClients uses links that whole clients made.
//
// spec: WI1.1-2, WI1.1-5
func TestPresignClients(t *testing.T) {
	var last seen
	server := httptest.NewServer(verifyingServer(t, &last))
	defer server.Close()
	ctx := context.Background()
	m, sdk := presignClients(t, server, false)
	m2, _ := presignClients(t, server, true)
	for _, key := range oddKeys {
		put, err := sdk.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key), Metadata: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		sendLink(t, put.Method, put.URL, put.SignedHeader, &last)
		remove, err := sdk.PresignDeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key), VersionId: aws.String("3"), MFA: aws.String("1 123456")})
		if err != nil {
			t.Fatal(err)
		}
		sendLink(t, remove.Method, remove.URL, remove.SignedHeader, &last)
		if len(last.hoisted)+len(remove.SignedHeader) < 2 {
			t.Errorf("the token is neither in the query nor in a header: %v, %v", last.hoisted, remove.SignedHeader)
		}
		if key == "." || key == ".." || key == "trail/" {
			continue // minio-go cleans its links
		}
		for _, client := range []*minio.Client{m, m2} {
			u, err := client.Presign(ctx, "DELETE", "bucket", key, time.Minute, url.Values{"versionId": {"null"}})
			if err != nil {
				t.Fatal(err)
			}
			sendLink(t, "DELETE", u.String(), nil, &last)
		}
	}
}

// sendLink uses a presigned link, which must be verified.
func sendLink(t *testing.T, method, link string, header http.Header, last *seen) {
	t.Helper()
	body := []byte(nil)
	if method == http.MethodPut {
		body = []byte("hello")
	}
	r, err := http.NewRequest(method, link, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if name != "Host" {
			r.Header[name] = values
		}
	}
	send(t, r, last)
	if !bytes.Equal(last.body, body) || last.accessKey != exampleKey {
		t.Errorf("%s %s: the server read %q of %q", method, link, last.body, last.accessKey)
	}
}

// TestFormClients verifies forms that whole clients made.
//
// spec: WI1.1-3, WI1.1-6
func TestFormClients(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx := context.Background()
	m, sdk := presignClients(t, server, false)
	m2, _ := presignClients(t, server, true)
	for name, client := range map[string]*minio.Client{"minio": m, "minio V2": m2} {
		p := minio.NewPostPolicy()
		if err := errors.Join(p.SetBucket("bucket"), p.SetKey("a key"), p.SetExpires(exampleTime.Add(time.Hour)), p.SetContentTypeStartsWith("image"),
			p.SetContentLengthRange(1, 10), p.SetUserMetadata("a", "b"), p.SetSuccessStatusAction("201")); err != nil {
			t.Fatal(err)
		}
		_, fields, err := client.PresignedPostPolicy(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		fields["Content-Type"] = "image/png"
		checkForm(t, name, fields, exampleTime, 1, 10)
	}
	post, err := sdk.PresignPostObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a key")},
		func(o *s3.PresignPostOptions) { o.Conditions = []any{[]any{"content-length-range", 1, 10}} })
	if err != nil {
		t.Fatal(err)
	}
	signed, ok := parseBasicISO(post.Values["X-Amz-Date"])
	if !ok {
		t.Fatalf("%v", post.Values)
	}
	checkForm(t, "sdk", post.Values, signed, 1, 10)
}

func checkForm(t *testing.T, name string, fields map[string]string, now time.Time, smallest, largest int64) {
	t.Helper()
	var form Form
	for field, value := range fields {
		form = append(form, FormField{field, value})
	}
	s, p, err := exampleVerifier().VerifyForm(form, now)
	if err != nil || s.AccessKey != exampleKey {
		t.Fatalf("%s: %s", name, describeError(err))
	}
	if err := p.Check(form, "bucket"); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if from, to := p.LengthRange(); from != smallest || to != largest {
		t.Errorf("%s: %d to %d bytes", name, from, to)
	}
	if _, _, err := exampleVerifier().VerifyForm(form, now.Add(48*time.Hour)); !errors.Is(err, AccessDenied) {
		t.Errorf("%s: two days later: %v", name, err)
	}
}
