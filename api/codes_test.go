package api

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// codeTest is a request that is refused, and how.
type codeTest struct {
	method, target, body string
	headers              []string // name, value; a value {id} is a version id of the bucket of the test
	change               func(*http.Request)
	status               int
	code, message        string
	elements             []string // name, value; the value * is any but none
}

// TestErrorCodes shows status, message and elements of the codes that requests can
// bring about. Those of multipart uploads, copies and forms are shown where those
// are.
//
// spec: WI2.2-1, WI2.2-2, WI2.2-5, WI2.2-8, WI2.2-9, WI2.2-13, WI2.2-14, WI2.2-18, WI2.2-19, WI2.2-20, WI2.2-21, WI2.2-22
// spec: WI2.2-27, WI2.2-28, WI2.2-29, WI2.2-32, WI2.2-34, WI2.2-35, WI2.2-36, WI2.2-37, WI2.2-39, WI2.2-41, WI2.2-42, WI2.2-43
// spec: WI2.2-44, WI2.2-46, WI2.2-47, WI2.2-50, WI2.2-51
func TestErrorCodes(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "hello")
	s.must("PUT", "/lock", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	const suspend = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
	tests := []codeTest{
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Acl", "public-read"}, nil, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", nil},
		{"GET", "/bucket/key", "", nil, anonymous, 403, "AccessDenied", "Access Denied", nil},
		{"PUT", "/bucket/key", "x", []string{"Content-Md5", "XUFAKrxLKna5cZ2REBfFkg=="}, nil, 400, "BadDigest",
			"The Content-MD5 you specified did not match what we received.", []string{"ExpectedDigest", "*", "CalculatedDigest", "*"}},
		{"DELETE", "/bucket", "", nil, nil, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty", []string{"BucketName", "bucket"}},
		{"PUT", "/other", "<CreateBucketConfiguration><LocationConstraint>nowhere</LocationConstraint></CreateBucketConfiguration>", nil, nil,
			400, "InvalidLocationConstraint", "The specified location-constraint is not valid", []string{"LocationConstraint", "nowhere"}},
		{"PUT", "/bucket?versioning", "<VersioningConfiguration/>", nil, nil, 400, "IllegalVersioningConfigurationException", "The Versioning element must be specified", nil},
		{"GET", "/bucket?max-keys=x", "", nil, nil, 400, "InvalidArgument", "*", []string{"ArgumentName", "max-keys", "ArgumentValue", "x"}},
		{"PUT", "/Bucket", "", nil, nil, 400, "InvalidBucketName", "The specified bucket is not valid.", []string{"BucketName", "Bucket"}},
		{"GET", "/bucket", "", []string{"X-Amz-Expected-Bucket-Owner", "me"}, nil, 400, "InvalidBucketOwnerAWSAccountID",
			"The value of the expected bucket owner parameter must be an AWS Account ID... [me]", nil},
		{"PUT", "/lock?versioning", suspend, nil, nil, 409, "InvalidBucketState",
			"An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.", nil},
		{"PUT", "/bucket/key", "x", []string{"Content-Md5", "x"}, nil, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.", []string{"Content-MD5", "x"}},
		{"GET", "/bucket/key", "", []string{"Range", "bytes=9-"}, nil, 416, "InvalidRange", "The requested range is not satisfiable",
			[]string{"RangeRequested", "bytes=9-", "ActualObjectSize", "5"}},
		{"GET", "/bucket/key?versions", "", nil, nil, 400, "InvalidRequest", "There is no such thing as the ?versions sub-resource for a key", nil},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Storage-Class", "COLD"}, nil, 400, "InvalidStorageClass", "The storage class you specified is not valid",
			[]string{"StorageClassRequested", "COLD"}},
		{"GET", "/bucket/" + strings.Repeat("k", 1025), "", nil, nil, 400, "KeyTooLongError", "Your key is too long", []string{"Size", "1025", "MaxSizeAllowed", "1024"}},
		{"PUT", "/bucket?versioning", "<a>", nil, nil, 400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", nil},
		{"PUT", "/bucket?cors", strings.Repeat(" ", 64<<10+1), nil, nil, 400, "MaxMessageLengthExceeded", "Your request was too big.", []string{"MaxMessageLengthBytes", "65536"}},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Meta-A", strings.Repeat("x", 2048)}, nil, 400, "MetadataTooLarge",
			"Your metadata headers exceed the maximum allowed metadata size", []string{"Size", "2049", "MaxSizeAllowed", "2048"}},
		{"PATCH", "/bucket/key", "", nil, nil, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
			[]string{"Method", "PATCH", "ResourceType", "OBJECT"}},
		{"PUT", "/bucket?versioning", "", nil, nil, 400, "MissingRequestBodyError", "Request Body is empty", nil},
		{"GET", "/absent", "", nil, nil, 404, "NoSuchBucket", "The specified bucket does not exist", []string{"BucketName", "absent"}},
		{"GET", "/bucket/absent", "", nil, nil, 404, "NoSuchKey", "The specified key does not exist.", []string{"Key", "absent"}},
		{"GET", "/bucket/absent?versionId={id}", "", nil, nil, 404, "NoSuchVersion", "The specified version does not exist.", []string{"Key", "absent", "VersionId", "*"}},
		{"PUT", "/bucket/key", "x", []string{"If-Match", "*"}, nil, 501, "NotImplemented", "A header you provided implies functionality that is not implemented",
			[]string{"Header", "If-Match", "additionalMessage", "We don't accept the provided value of If-Match header for this API"}},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Server-Side-Encryption", "aws:kms:dsse"}, nil, 501, "NotImplemented", "*", []string{"Header", "x-amz-server-side-encryption"}},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Server-Side-Encryption", "aes:kms"}, nil, 400, "InvalidArgument", "The encryption method specified is not supported",
			[]string{"ArgumentName", "x-amz-server-side-encryption", "ArgumentValue", "aes:kms"}},
		{"PUT", "/bucket/key", "x", []string{"If-None-Match", "*"}, nil, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
			[]string{"Condition", "If-None-Match"}},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Meta-A", strings.Repeat("x", 9000)}, nil, 400, "RequestHeaderSectionTooLarge",
			"Your request header section exceeds the maximum allowed request header section size.", []string{"MaxSizeAllowed", "8192"}},
	}
	s.play(t, tests)
}

// TestAuthCodes shows the codes of requests that are not signed as they should be.
//
// spec: WI2.2-4, WI2.2-12, WI2.2-17, WI2.2-53, WI2.2-55, WI2.2-57
func TestAuthCodes(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	replace := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		}
	}
	empty := hex.EncodeToString(bytes.Repeat([]byte{7}, 32))
	s.play(t, []codeTest{
		{"GET", "/bucket", "", nil, replace("/us-east-1/s3/", "/us-east-1/ec2/"), 400, "AuthorizationHeaderMalformed", "*", nil},
		{"GET", "/bucket?X-Amz-Algorithm=AWS4-HMAC-SHA256", "", nil, anonymous, 400, "AuthorizationQueryParametersError", "*", nil},
		{"GET", "/bucket", "", []string{"X-Amz-Security-Token", "t"}, nil, 400, "InvalidToken", "*", []string{"Token-0", "t"}},
		{"GET", "/bucket", "", nil, replace(testKey, "AKIAOTHER"), 403, "InvalidAccessKeyId",
			"The AWS Access Key Id you provided does not exist in our records.", []string{"AWSAccessKeyId", "AKIAOTHER"}},
		{"GET", "/bucket", "", nil, func(r *http.Request) { r.URL.Opaque += "?prefix=a" }, 403, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.",
			[]string{"AWSAccessKeyId", testKey, "StringToSign", "*", "SignatureProvided", "*", "StringToSignBytes", "*", "CanonicalRequest", "*", "CanonicalRequestBytes", "*"}},
		{"PUT", "/bucket/key", "x", []string{"X-Amz-Content-Sha256", empty}, nil, 400, "XAmzContentSHA256Mismatch",
			"The provided 'x-amz-content-sha256' header does not match what was computed.", []string{"ClientComputedContentSHA256", empty, "S3ComputedContentSHA256", "*"}},
		{"GET", "/bucket", "", nil, func(*http.Request) { s.clock.Advance(16 * time.Minute) }, 403, "RequestTimeTooSkewed",
			"The difference between the request time and the server's time is too large.",
			[]string{"RequestTime", "*", "ServerTime", "*", "MaxAllowedSkewMilliseconds", "900000"}},
	})
}

// anonymous takes the signature away.
func anonymous(r *http.Request) { r.Header.Del("Authorization") }

// play sends each request and holds the answer against what is wanted.
func (s *testServer) play(t *testing.T, tests []codeTest) {
	t.Helper()
	id := s.store.FormatVersionID(versioning.IDOf(1 << 40))
	for _, test := range tests {
		r := s.request(test.method, strings.ReplaceAll(test.target, "{id}", id), []byte(test.body))
		for i := 0; i < len(test.headers); i += 2 {
			r.Header.Set(test.headers[i], test.headers[i+1])
		}
		s.sign(r, []byte(test.body))
		if test.change != nil {
			test.change(r)
		}
		a := s.send(r)
		if problem := test.differs(a); problem != "" {
			t.Errorf("%s %s: %s\n%d %s", test.method, test.target, problem, a.status, a.body)
		}
	}
}

// differs says what of an answer is not as wanted, "" if all is.
func (c *codeTest) differs(a answer) string {
	root, err := parseAnswer(a.body)
	if err != nil {
		return err.Error()
	}
	if a.status != c.status || root.child("Code") != c.code {
		return fmt.Sprintf("want %d %s", c.status, c.code)
	}
	if c.message != "*" && root.child("Message") != c.message {
		return "want the message " + c.message
	}
	if c.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
		return "there is no Allow"
	}
	for i := 0; i < len(c.elements); i += 2 {
		got := root.child(c.elements[i])
		if got == "" || c.elements[i+1] != "*" && got != c.elements[i+1] {
			return fmt.Sprintf("%s is %q, want %q", c.elements[i], got, c.elements[i+1])
		}
	}
	return ""
}

// TestStoreCodes shows the codes of what goes wrong in the store.
//
// spec: WI2.2-16, WI2.2-48, WI2.2-54
func TestStoreCodes(t *testing.T) {
	s := newTestServer(t, nil)
	tests := []struct {
		err     error
		status  int
		code    string
		message string
	}{
		{store.ErrBucketBusy, 409, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again."},
		{store.ErrBusy, 503, "SlowDown", "Please reduce your request rate."},
		{store.ErrClosed, 503, "ServiceUnavailable", "Please reduce your request rate."},
		{store.ErrDamaged, 500, "InternalError", "We encountered an internal error. Please try again."},
	}
	line := &s.handler.table.lines[tableKey{get, service, ""}][0]
	for _, test := range tests {
		line.prepare = func(*exchange) (task, error) {
			return task{run: func() error { return &store.Error{Op: "list", Err: test.err} }}, nil
		}
		want := codeTest{status: test.status, code: test.code, message: test.message}
		a := s.do("GET", "/", "")
		if problem := want.differs(a); problem != "" || strings.Contains(string(a.body), "list") {
			t.Errorf("%v: %s\n%d %s", test.err, problem, a.status, a.body)
		}
	}
}

// TestBucketAlreadyOwned makes a bucket twice where that is an error.
//
// spec: WI2.2-8, WI2.2-13
func TestBucketAlreadyOwned(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.Region = "eu-west-1" })
	const body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
	s.must("PUT", "/bucket", body)
	s.play(t, []codeTest{
		{"PUT", "/bucket", body, nil, nil, 409, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.", []string{"BucketName", "bucket"}},
		{"PUT", "/other", "", nil, nil, 400, "IllegalLocationConstraintException", "*", nil},
	})
}

// TestPagesOfThousand asks for more than a thousand of everything that is listed, and
// deletes more.
//
// spec: WI3-10
func TestPagesOfThousand(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	const many = 1001
	var list strings.Builder
	for i := range many {
		key := "k" + strconv.Itoa(i)
		r := store.PutRequest{Bucket: "bucket", Key: key, Body: strings.NewReader(""), Owner: testOwner}
		if _, err := s.store.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		list.WriteString("<Object><Key>" + key + "</Key></Object>")
	}
	for target, element := range map[string]string{
		"/bucket?max-keys=5000": "<Contents>", "/bucket?list-type=2&max-keys=5000": "<Contents>", "/bucket?versions&max-keys=5000": "<Version>",
	} {
		a := s.must("GET", target, "")
		if n := bytes.Count(a.body, []byte(element)); n != many-1 || !bytes.Contains(a.body, []byte("<IsTruncated>true<")) {
			t.Errorf("%s: %d entries", target, n)
		}
	}
	body := "<Delete>" + list.String() + "</Delete>"
	sum := md5.Sum([]byte(body))
	if a := s.do("POST", "/bucket?delete", body, "Content-Md5", base64.StdEncoding.EncodeToString(sum[:])); a.status != 400 || !bytes.Contains(a.body, []byte("MalformedXML")) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestCodeStatuses holds the statuses of all codes against those that HTTP gives
// them room for.
func TestCodeStatuses(t *testing.T) {
	allowed := []int{301, 400, 403, 404, 405, 409, 411, 412, 416, 500, 501, 503, 507}
	for code, c := range codes {
		if !slices.Contains(allowed, c.status) || c.message == "" {
			t.Errorf("%s: %d %q", code, c.status, c.message)
		}
	}
}
