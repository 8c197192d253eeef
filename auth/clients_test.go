package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// oddKeys are object keys that clients, net/http and servers like to write differently.
var oddKeys = []string{
	"plain", "a b", "a+b", "a%b", "a%20b", "a%2Fb", "a//b", "a/./b", "a/../b", ".", "..", "/lead", "trail/",
	"new\nline", "\U0001F600/\u00e9", "-._~!*'()", "$&,:;=@?#[]", `quote"back\slash`, "\x01\x7f",
}

// oddQueries are queries of which the same is true.
var oddQueries = []url.Values{
	nil,
	{"delete": {""}},
	{"versionId": {"null"}, "x-id": {"DeleteObject"}},
	{"prefix": {"a b+c%/=&?~*;"}, "delimiter": {"/"}, "list-type": {"2"}},
	{"b": {"2"}, "a": {"\u00e9"}, "a-b": {"1"}, "A": {"3"}},
}

// seen is what the server made of a request.
type seen struct {
	path      string
	accessKey string
	payload   Payload
	body      []byte
	announced string
	trailer   http.Header
	hoisted   []Field
	err       error
}

// timeOf returns the time at which r was signed, or shortly before it expires; it is of no matter to anonymous requests.
func timeOf(r *http.Request) time.Time {
	q := r.URL.Query()
	if t, ok := parseBasicISO(q.Get(argDate)); ok {
		return t
	}
	if seconds, err := strconv.ParseInt(q.Get(argExpiresV2), 10, 64); err == nil {
		return time.Unix(seconds-1, 0)
	}
	if date, err := parseRequestDate(r.Header); err == nil {
		return date.time
	}
	return time.Time{}
}

// verifyingServer verifies every request and reports it. The time of the request is taken for now, since
// clients sign with the clock of the machine.
func verifyingServer(t *testing.T, last *seen) http.Handler {
	v := exampleVerifier()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = verifySeen(v, r)
		if last.err != nil {
			t.Logf("%s %s: %s", r.Method, r.RequestURI, describeError(last.err))
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	})
}

func verifySeen(v *Verifier, r *http.Request) seen {
	hosted, _, found := strings.Cut(r.Host, ".localhost")
	if !found {
		hosted = ""
	}
	s, err := v.Verify(r, hosted, timeOf(r))
	if err != nil {
		return seen{err: err}
	}
	b, err := s.Body(r)
	if err != nil {
		return seen{err: err}
	}
	out := seen{path: r.URL.Path, hoisted: s.Hoisted(), accessKey: s.AccessKey, payload: s.Payload(), announced: b.Announced(), trailer: b.Trailer()}
	out.body, out.err = io.ReadAll(b)
	return out
}

// send sends r, which must be verified.
func send(t *testing.T, r *http.Request, last *seen) {
	t.Helper()
	*last = seen{}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || last.err != nil {
		t.Fatalf("%d, %v", response.StatusCode, last.err)
	}
}

// keyURL is the URL of key, written as rawPath; "" leaves the encoding to net/url.
func keyURL(t *testing.T, server, key, rawPath string, query url.Values) *url.URL {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path, u.RawPath = "/bucket/"+key, rawPath
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u
}

// TestSigners verifies what the signers of minio-go and aws-sdk-go-v2 make of odd keys and queries.
//
// spec: WI1.1-1, WI1.1-9
func TestSigners(t *testing.T) {
	var last seen
	server := httptest.NewServer(verifyingServer(t, &last))
	defer server.Close()
	for _, key := range oddKeys {
		for i, query := range oddQueries {
			escaped := string(appendCanonicalPath(nil, s3utils.EncodePath("/bucket/"+key)))
			for name, u := range map[string]*url.URL{
				"minio":      keyURL(t, server.URL, key, escaped, query),
				"minio, raw": keyURL(t, server.URL, key, "", query), // signs the full encoding, sends net/url's
				"sdk":        keyURL(t, server.URL, key, escaped, query),
			} {
				t.Run(fmt.Sprintf("%s/%q/%d", name, key, i), func(t *testing.T) {
					r := &http.Request{Method: "DELETE", URL: u, Host: u.Host, Header: http.Header{}}
					r.Header.Set(headerAmzSHA256, emptySHA256)
					r.Header.Set("X-Amz-Meta-Spaces", "  a   b ")
					if name == "sdk" {
						r.Header.Set(headerAmzDate, exampleTime.Format(basicISO))
						r.Header.Set(headerAuthorization, signWithSDK(t, r, exampleSecret, "us-east-1", exampleTime))
					} else {
						r = signer.SignV4(*r, exampleKey, exampleSecret, "", "us-east-1")
					}
					send(t, r, &last)
					if last.path != "/bucket/"+key {
						t.Errorf("the server saw %q", last.path)
					}
				})
			}
		}
	}
}

// TestHopHeaders verifies signatures over the headers that net/http treats specially. The names are not sorted.
//
// spec: WI1.1-9
func TestHopHeaders(t *testing.T) {
	var last seen
	server := httptest.NewServer(verifyingServer(t, &last))
	defer server.Close()
	data := pattern(10)
	r, err := http.NewRequest("PUT", server.URL+"/bucket/key", io.MultiReader(bytes.NewReader(encode(PayloadStreamingUnsignedTrailer, data, 10, ""))))
	if err != nil {
		t.Fatal(err)
	}
	r.TransferEncoding = []string{"chunked"}
	for name, value := range map[string]string{
		headerAmzDate: "20130524T000000Z", headerAmzSHA256: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", headerAmzDecodedLen: "10",
		"Expect": "100-continue", "Connection": "keep-alive", "User-Agent": "test", "Accept-Encoding": "identity",
	} {
		r.Header.Set(name, value)
	}
	names := []string{"x-amz-date", "host", "user-agent", "transfer-encoding", "x-amz-content-sha256", "expect", "accept-encoding",
		"x-amz-decoded-content-length", "connection"}
	r.Header.Set(headerAuthorization, signNames(r, names, r.Header.Get(headerAmzSHA256), exampleSecret, "us-east-1"))
	send(t, r, &last)
	if !bytes.Equal(last.body, data) {
		t.Errorf("the server read %q", last.body)
	}
}

// plainHasher is the hash that minio-go's streaming signer asks for.
type plainHasher struct{ hash.Hash }

func (plainHasher) Close() {}

// TestStreamingSigners decodes what minio-go's streaming signers send, through a real connection.
//
// spec: WI1.2-3, WI1.2-4, WI1.2-5, WI1.2-7
func TestStreamingSigners(t *testing.T) {
	var last seen
	server := httptest.NewServer(verifyingServer(t, &last))
	defer server.Close()
	for _, size := range []int{0, 1, 8192, 65535, 65536, 65537, 200_000} {
		data := pattern(size)
		sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))
		checksum := base64.StdEncoding.EncodeToString(sum)
		for _, payload := range append(streamingPayloads, PayloadUnsigned) { // the last: anonymous
			t.Run(fmt.Sprintf("%v/%d", payload, size), func(t *testing.T) {
				r, err := http.NewRequest("PUT", server.URL+"/bucket/key", bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				r = signStreaming(r, payload, checksum)
				send(t, r, &last)
				if !bytes.Equal(last.body, data) {
					t.Errorf("the server read %d bytes", len(last.body))
				}
				if payload != PayloadStreamingSigned && last.announced != "x-amz-checksum-crc32" {
					t.Errorf("announced %q", last.announced)
				}
				if payload != PayloadStreamingSigned && last.trailer.Get("x-amz-checksum-crc32") != checksum {
					t.Errorf("trailer %v", last.trailer)
				}
			})
		}
	}
}

// signStreaming signs r in form payload; PayloadUnsigned is an anonymous upload with a trailer.
func signStreaming(r *http.Request, payload Payload, checksum string) *http.Request {
	trailer := http.Header{"X-Amz-Checksum-Crc32": {checksum}}
	hasher := plainHasher{sha256.New()}
	length := r.ContentLength
	switch payload {
	case PayloadStreamingSigned:
		return signer.StreamingSignV4(r, exampleKey, exampleSecret, "", "us-east-1", length, exampleTime, hasher)
	case PayloadStreamingSignedTrailer:
		r.Trailer = trailer
		return signer.StreamingSignV4(r, exampleKey, exampleSecret, "", "us-east-1", length, exampleTime, hasher)
	}
	r.Header.Set(headerAmzSHA256, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	if payload == PayloadUnsigned {
		return signer.UnsignedTrailer(*r, trailer)
	}
	return signer.SignV4Trailer(*r, exampleKey, exampleSecret, "", "us-east-1", trailer)
}

// TestClients uploads with whole clients, over HTTP and over TLS, where they choose other forms.
//
// spec: WI1.2-1, WI1.2-2, WI1.2-3, WI1.2-4
func TestClients(t *testing.T) {
	var last seen
	plain := httptest.NewServer(verifyingServer(t, &last))
	defer plain.Close()
	tls := httptest.NewTLSServer(verifyingServer(t, &last))
	defer tls.Close()
	data := pattern(100_000)
	forms := map[Payload]bool{}
	for _, server := range []*httptest.Server{plain, tls} {
		for _, key := range oddKeys {
			for name, put := range map[string]func(*testing.T, *httptest.Server, string, []byte){"minio": putMinio, "sdk": putSDK} {
				t.Run(fmt.Sprintf("%s/%s/%q", server.URL[:5], name, key), func(t *testing.T) {
					last = seen{}
					put(t, server, key, data)
					if last.err != nil || !bytes.Equal(last.body, data) || last.path != "/bucket/"+key {
						t.Errorf("the server saw %q with %d bytes, %v", last.path, len(last.body), last.err)
					}
					forms[last.payload] = true
				})
			}
		}
	}
	for _, form := range []Payload{PayloadUnsigned, PayloadSHA256, PayloadStreamingUnsignedTrailer, PayloadStreamingSigned} {
		if !forms[form] {
			t.Errorf("no client sent %v", form)
		}
	}
}

func putMinio(t *testing.T, server *httptest.Server, key string, data []byte) {
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:     credentials.NewStaticV4(exampleKey, exampleSecret, ""),
		Secure:    u.Scheme == "https",
		Region:    "us-east-1",
		Transport: server.Client().Transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutObject(context.Background(), "bucket", key, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{ContentType: "text/plain", UserMetadata: map[string]string{"a": "b  c"}})
	if err != nil {
		t.Fatal(err)
	}
}

func putSDK(t *testing.T, server *httptest.Server, key string, data []byte) {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(server.URL),
		UsePathStyle: true,
		Region:       "us-east-1",
		HTTPClient:   server.Client(),

		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret}, nil
		}),
	})
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String(key), Body: bytes.NewReader(data),
		Metadata: map[string]string{"a": "b  c"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSDKDigest shows that the SDK's hash of a body is the one that is verified.
//
// spec: WI1.3-15
func TestSDKDigest(t *testing.T) {
	sum := sha256.Sum256([]byte("right"))
	r := parseRequest(t, "PUT /bucket/key HTTP/1.1\nHost: localhost\nContent-Length: 5\nX-Amz-Date: 20130524T000000Z\n"+
		"X-Amz-Content-Sha256: "+hex.EncodeToString(sum[:])+"\n\nwrong")
	r.Header.Set(headerAuthorization, signWithSDK(t, r, exampleSecret, "us-east-1", exampleTime))
	if got := verifySeen(exampleVerifier(), r); !strings.HasPrefix(fmt.Sprint(got.err), "XAmzContentSHA256Mismatch") {
		t.Errorf("got %v", got.err)
	}
}
