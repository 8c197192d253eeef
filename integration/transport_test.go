package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/seed61737384/tombstone/integration/launch"
)

// patience bounds every wait for a server in these tests. What is right takes
// milliseconds.
const patience = 20 * time.Second

// socket is a connection on which a test says each byte itself.
type socket struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func dial(t *testing.T, server *launch.Process) *socket {
	t.Helper()
	_, address, _ := strings.Cut(server.Endpoint, "://")
	conn, err := net.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	return &socket{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

// say writes text to the server.
func (s *socket) say(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		s.t.Fatal(err)
	}
}

// reply is an answer of the server.
type reply struct {
	status int
	header http.Header
	body   string
	closes bool
}

func (r reply) String() string {
	return fmt.Sprintf("%d %s", r.status, r.body)
}

// hear reads the next answer to a request of that method; a 100 is one.
func (s *socket) hear(method string) reply {
	s.t.Helper()
	answer, err := http.ReadResponse(s.in, &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("no answer: %v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatalf("the answer breaks off: %v", err)
	}
	return reply{answer.StatusCode, answer.Header, string(body), answer.Close}
}

// wantEnd waits for the server to close the connection.
func (s *socket) wantEnd() {
	s.t.Helper()
	if n, err := s.in.ReadByte(); err == nil {
		s.t.Errorf("after the answer came byte %q, want the end", n)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		s.t.Error("the connection stays open")
	}
}

// head returns the head of a signed request for any body, with lines that are not
// signed.
func head(t *testing.T, server *launch.Process, method, target string, lines ...string) string {
	t.Helper()
	host := strings.TrimPrefix(server.Endpoint, "http://")
	return headFor(t, host, secretKey, method, target, lines...)
}

func headFor(t *testing.T, host, secret, method, target string, lines ...string) string {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+host+target, nil)
	must(t, err)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
	must(t, signer.SignHTTP(context.Background(), credentials, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now()))
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	must(t, r.Header.Write(&text))
	for _, line := range lines {
		text.WriteString(line + "\r\n")
	}
	return text.String() + "\r\n"
}

// A request that is refused by what its head says is refused at once: no 100 asks
// for the body, and nobody waits for it.
//
// spec: WI2-6
func TestRefusedBeforeTheBody(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	host := strings.TrimPrefix(shared.Endpoint, "http://")
	body := []string{"Content-Length: 1073741824", "Expect: 100-continue"}
	for name, test := range map[string]struct {
		head string
		want int
		code string
	}{
		"no bucket":    {head(t, shared, "PUT", "/no-such-bucket/k", body...), 404, "NoSuchBucket"},
		"wrong secret": {headFor(t, host, "wrong-secret", "PUT", "/"+bucket+"/k", body...), 403, "SignatureDoesNotMatch"},
		"long key":     {head(t, shared, "PUT", "/"+bucket+"/"+strings.Repeat("k", 1025), body...), 400, "KeyTooLongError"},
		"anonymous":    {"PUT /" + bucket + "/k HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(body, "\r\n") + "\r\n\r\n", 403, "AccessDenied"},
		"bad digest":   {head(t, shared, "PUT", "/"+bucket+"/k", append(body, "Content-MD5: x")...), 400, "InvalidDigest"},
		"no digest":    {head(t, shared, "POST", "/"+bucket+"?delete=", "Content-Length: 1048576", "Expect: 100-continue"), 400, "InvalidRequest"},
		"too large":    {head(t, shared, "PUT", "/"+bucket+"/k", "Content-Length: 5368709121", "Expect: 100-continue"), 400, "EntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			s := dial(t, shared)
			s.say(test.head)
			if r := s.hear("PUT"); r.status != test.want || !strings.Contains(r.body, "<Code>"+test.code+"</Code>") || !r.closes {
				t.Errorf("answer %v, closes %v; want %d %s at once", r, r.closes, test.want, test.code)
			}
			s.wantEnd()
		})
	}
}

// One that is accepted gets a 100 before its body, and the connection goes on.
//
// spec: WI2-6
func TestAcceptedBody(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	s := dial(t, shared)
	for _, body := range []string{"one", "and another"} {
		s.say(head(t, shared, "PUT", "/"+bucket+"/k", fmt.Sprintf("Content-Length: %d", len(body)), "Expect: 100-continue"))
		if r := s.hear("PUT"); r.status != 100 {
			t.Fatalf("answer %v before the body, want 100", r)
		}
		s.say(body)
		if r := s.hear("PUT"); r.status != 200 || r.closes {
			t.Fatalf("answer %v, closes %v", r, r.closes)
		}
		wantBody(t, newAWS(t, shared.Endpoint), bucket, "k", "", []byte(body))
	}
}

// Of an empty body too, and where it is refused the connection ends: botocore is lost on
// one that goes on without a 100.
//
// spec: WI2-6
func TestExpectOfEmptyBody(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	s := dial(t, shared)
	put := func(path string, lines ...string) {
		s.say(head(t, shared, "PUT", path, append(lines, "Content-Length: 0", "Expect: 100-continue")...))
	}
	for _, test := range []struct {
		lines []string
		want  int
	}{{nil, 200}, {[]string{"If-None-Match: *"}, 412}} {
		put("/"+bucket+"/k", test.lines...)
		if r := s.hear("PUT"); r.status != 100 || len(r.header) > 0 {
			t.Fatalf("answer %v with %v, want a bare 100", r, r.header)
		}
		if r := s.hear("PUT"); r.status != test.want || r.closes {
			t.Fatalf("answer %v, closes %v; want %d", r, r.closes, test.want)
		}
	}
	put("/no-such-bucket/k")
	if r := s.hear("PUT"); r.status != 404 || !r.closes {
		t.Fatalf("answer %v, closes %v; want 404 at once", r, r.closes)
	}
	s.wantEnd()
}

// After a refusal the rest of a small body is passed over and the connection goes
// on; nobody reads the rest of a large one.
func TestConnectionAfterRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		size  int
		close bool
	}{"small": {100 << 10, false}, "large": {8 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			s := dial(t, shared)
			s.say(head(t, shared, "PUT", "/no-such-bucket/k", fmt.Sprintf("Content-Length: %d", test.size)))
			go s.Write(make([]byte, test.size)) // the large one is cut
			if r := s.hear("PUT"); r.status != 404 || r.closes != test.close {
				t.Fatalf("answer %v, closes %v; want 404 and %v", r, r.closes, test.close)
			}
			if test.close {
				return
			}
			s.say(head(t, shared, "GET", "/"))
			if r := s.hear("GET"); r.status != 200 {
				t.Errorf("the next request: %v", r)
			}
		})
	}
}

// Requests that come before earlier ones are answered are answered in their order.
func TestPipelinedRequests(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	s := dial(t, shared)
	s.say(head(t, shared, "PUT", "/"+bucket+"/k", "Content-Length: 4") + "body" +
		head(t, shared, "GET", "/"+bucket+"/k") + head(t, shared, "GET", "/"+bucket+"/none"))
	put, get, none := s.hear("PUT"), s.hear("GET"), s.hear("GET")
	if put.status != 200 || get.body != "body" || none.status != 404 {
		t.Errorf("answers %v, %v, %v", put, get, none)
	}
}

// A body without a length is refused, chunked or not.
//
// spec: WI1.3-21, WI2.2-38
func TestMissingLength(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	for _, lines := range [][]string{nil, {"Transfer-Encoding: chunked", "Expect: 100-continue"}} {
		s := dial(t, shared)
		s.say(head(t, shared, "PUT", "/"+bucket+"/k", lines...))
		if r := s.hear("PUT"); r.status != 411 || !strings.Contains(r.body, "<Code>MissingContentLength</Code>") {
			t.Errorf("%q: answer %v, want 411", lines, r)
		}
	}
}

// Whoever sends two lengths means something by one of them that a proxy may have
// understood otherwise. Nothing that follows is taken for a request.
func TestTwoLengthsAreRefused(t *testing.T) {
	bucket := bucketName(t)
	c := newAWS(t, shared.Endpoint)
	must(t, c.createBucket(bucket))
	_, err := c.put(bucket, "victim", []byte("x"))
	must(t, err)
	smuggled := head(t, shared, "DELETE", "/"+bucket+"/victim")
	for name, lines := range map[string][]string{
		"length and chunks": {"Content-Length: 6", "Transfer-Encoding: chunked"},
		"chunks and length": {"Transfer-Encoding: chunked", "content-length: 6"},
		"two lengths":       {"Content-Length: 6", "Content-Length: 5"},
		"two codings":       {"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
		"space in the name": {"Content-Length: 6", "Transfer-Encoding : chunked"},
		"a sign":            {"Content-Length: +6"},
		"a list":            {"Content-Length: 5, 6"},
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %v", name, warm), func(t *testing.T) {
				s := dial(t, shared)
				if warm { // the second request of a connection is read like the first
					s.say(head(t, shared, "GET", "/"))
					s.hear("GET")
				}
				s.say(head(t, shared, "PUT", "/"+bucket+"/k", lines...) + "0\r\n\r\nX" + smuggled)
				if r := s.hear("PUT"); r.status != 400 || !strings.Contains(r.body, "<Code>InvalidRequest</Code>") || !r.closes {
					t.Errorf("answer %v, closes %v; want 400 InvalidRequest and the end", r, r.closes)
				}
				s.wantEnd()
			})
		}
	}
	wantBody(t, c, bucket, "victim", "", []byte("x"))
}

// spec: WI2-7
func TestTransferEncodings(t *testing.T) {
	for coding, want := range map[string]string{
		"gzip": "501 NotImplemented", "compress": "501 NotImplemented", "Deflate": "501 NotImplemented", "gzip, chunked": "501 NotImplemented",
		"br": "400 InvalidRequest", "zstd": "400 InvalidRequest", "identity": "400 InvalidRequest", "chunked, br": "400 InvalidRequest",
	} {
		s := dial(t, shared)
		s.say(head(t, shared, "PUT", "/bucket/k", "Transfer-Encoding: "+coding))
		r := s.hear("PUT")
		status, code, _ := strings.Cut(want, " ")
		if fmt.Sprint(r.status) != status || !strings.Contains(r.body, "<Code>"+code+"</Code>") {
			t.Errorf("%s: answer %v, want %s", coding, r, want)
		}
		id := r.header.Get("X-Amz-Request-Id")
		if id == "" || !strings.Contains(r.body, "<RequestId>"+id+"</RequestId>") || r.header.Get("Content-Type") != "application/xml" {
			t.Errorf("%s: the answer is none of S3: %v %s", coding, r.header, r.body)
		}
		s.wantEnd()
	}
}

// Headers above the limit are refused, also where they are too many to be read.
//
// spec: WI2.2-51, WI3-7
func TestHeaderSectionTooLarge(t *testing.T) {
	bucket := bucketName(t)
	must(t, newAWS(t, shared.Endpoint).createBucket(bucket))
	for _, size := range []int{9 << 10, 48 << 10, 68 << 10} {
		s := dial(t, shared)
		s.say(head(t, shared, "PUT", "/"+bucket+"/k", "Content-Length: 0", "X-Filler: "+strings.Repeat("x", size)))
		r := s.hear("PUT")
		if r.status != 400 || !strings.Contains(r.body, "<Code>RequestHeaderSectionTooLarge</Code>") || !strings.Contains(r.body, "<MaxSizeAllowed>8192</MaxSizeAllowed>") {
			t.Errorf("%d bytes: answer %v, want 400 RequestHeaderSectionTooLarge", size, r)
		}
	}
}

// What is no HTTP is refused in S3's words too.
func TestUnreadableRequests(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		s := dial(t, shared)
		s.say(text)
		if r := s.hear("GET"); r.status != 400 || !strings.Contains(r.body, "<Code>InvalidRequest</Code>") {
			t.Errorf("%q: answer %v", text, r)
		}
		s.wantEnd()
	}
}

// A host under one of the domains names a bucket, with or without a port and in any
// case; a domain itself, and any other host, is path style.
//
// spec: WI2-1
func TestHostsAndBuckets(t *testing.T) {
	server := startFor(t, "--memory", "--domain", "s3.test,s3.eu.example.org")
	c := newAWS(t, server.Endpoint)
	must(t, c.createBucket("first"))
	must(t, c.createBucket("dotted.name"))
	for _, bucket := range []string{"first", "dotted.name"} {
		_, err := c.put(bucket, "k", []byte(bucket))
		must(t, err)
	}
	for _, test := range []struct{ host, target, want string }{
		{"first.s3.test", "/k", "first"},
		{"first.s3.test:9000", "/k", "first"},
		{"FIRST.s3.TEST", "/k", "first"},
		{"dotted.name.s3.test", "/k", "dotted.name"},
		{"first.s3.eu.example.org:443", "/k", "first"},
		{"s3.test", "/first/k", "first"},
		{"s3.test:9000", "/first/k", "first"},
		{"s3.eu.example.org", "/dotted.name/k", "dotted.name"},
		{"nots3.test", "/first/k", "first"},
		{"127.0.0.1", "/first/k", "first"},
		{"[::1]:9000", "/first/k", "first"},
	} {
		s := dial(t, server)
		s.say(headFor(t, test.host, secretKey, "GET", test.target))
		if r := s.hear("GET"); r.status != 200 || r.body != test.want {
			t.Errorf("%s%s: answer %v, want %s", test.host, test.target, r, test.want)
		}
	}
}
