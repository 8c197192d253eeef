package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

const (
	testKey    = "AKIAROOT"
	testSecret = "root-secret"
)

var testOwner = store.Owner{Account: "123456789012", CanonicalID: "c0ffee", DisplayName: "root"}

// testServer is a server in memory whose clock stands still, and its client.
type testServer struct {
	t       testing.TB
	store   *store.Store
	handler *Handler
	clock   *clock.Manual
	log     *lockedBuffer
	http    *httptest.Server
}

// zeros is a source of randomness without any.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// newTestServer starts a server; change, if not nil, changes its options first.
func newTestServer(t testing.TB, change func(*Options)) *testServer {
	t.Helper()
	s := &testServer{t: t, clock: clock.NewManual(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)), log: &lockedBuffer{}}
	var err error
	if s.store, err = store.Open("data", store.Options{Memory: true, Clock: s.clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	options := Options{
		Store:    s.store,
		Verifier: &auth.Verifier{Keys: auth.NewStaticKeys(auth.Credential{AccessKey: testKey, Secret: testSecret})},
		Owner:    testOwner,
		Clock:    s.clock,
		Logger:   slog.New(slog.NewTextHandler(s.log, nil)),
		Rand:     zeros{},
	}
	if change != nil {
		change(&options)
	}
	if s.handler, err = New(options); err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(s.handler)
	// Whoever waits for a 100 is meant to wait for ever, and bodies are shown as sent.
	transport := s.http.Client().Transport.(*http.Transport)
	transport.ExpectContinueTimeout, transport.DisableCompression = time.Hour, true
	t.Cleanup(s.http.Close)
	return s
}

// request returns a request to the server, with the path as it stands in target.
func (s *testServer) request(method, target string, body []byte) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.http.URL, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	// The opaque form leaves the target alone; one that looks like a host goes with
	// the real one in front.
	r.URL.Opaque = target
	if strings.HasPrefix(target, "//") {
		r.URL.Opaque = "//" + r.URL.Host + target
	}
	return r
}

// sign signs r by the root of the server's account, all its headers included.
func (s *testServer) sign(r *http.Request, body []byte) {
	s.t.Helper()
	s.signAs("", r, body)
}

// signAs signs r by the key that is named after somebody.
func (s *testServer) signAs(name string, r *http.Request, body []byte) {
	s.t.Helper()
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		sum := sha256.Sum256(body)
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	target := strings.TrimPrefix(r.URL.Opaque, "//"+r.URL.Host)
	path, query, _ := strings.Cut(target, "?")
	clone, err := http.NewRequestWithContext(r.Context(), r.Method, s.http.URL+"/?"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	clone.URL.Opaque = "//" + r.URL.Host + canonicalPath(path)
	clone.Header, clone.Host, clone.ContentLength = r.Header.Clone(), r.Host, r.ContentLength
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: keyOf(name), SecretAccessKey: secretOf(name)}
	err = signer.SignHTTP(r.Context(), credentials, clone, r.Header.Get("X-Amz-Content-Sha256"), "s3", defaultRegion, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", clone.Header.Get("Authorization"))
	r.Header.Set("X-Amz-Date", clone.Header.Get("X-Amz-Date"))
}

// canonicalPath writes a path as it is signed: decoded once and encoded again.
func canonicalPath(path string) string {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(decoded), "%2F", "/"), "+", "%20")
}

// answer is what the server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends r and reads the answer to its end.
func (s *testServer) send(r *http.Request) answer {
	s.t.Helper()
	resp, err := s.http.Client().Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL.Opaque, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL.Opaque, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// do signs and sends a request with headers given as name, value, name, value.
func (s *testServer) do(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r := s.request(method, target, []byte(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	s.sign(r, []byte(body))
	return s.send(r)
}

// must is do for a request that has to succeed.
func (s *testServer) must(method, target, body string, headers ...string) answer {
	s.t.Helper()
	a := s.do(method, target, body, headers...)
	if a.status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, target, a.status, a.body)
	}
	return a
}
