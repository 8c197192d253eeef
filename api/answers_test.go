package api

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// raw sends a signed request and returns the answer as it came over the wire.
func (s *testServer) raw(method, target, body string) string {
	s.t.Helper()
	r := s.request(method, target, []byte(body))
	s.sign(r, []byte(body))
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n", method, target, r.URL.Host, len(body))
	if err := r.Header.Write(conn); err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(answer)
}

// Names of headers are written as S3 writes them: some clients keep their case in
// user metadata.
// spec: WI2-3, WI2-8, WI2.1-1, VD5-9
func TestWire(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	put := s.request("PUT", "/bucket/key", []byte("x"))
	put.Header.Set("X-Amz-Meta-Color", "red")
	s.sign(put, []byte("x"))
	s.send(put)
	tests := []struct {
		method, target string
		want, never    []string
	}{
		{"GET", "/bucket/key", []string{"200 OK", "\r\nETag: \"", "\r\nx-amz-meta-color: red", "\r\nx-amz-request-id: ", "\r\nServer: AmazonS3",
			"\r\nContent-Length: 1\r\n", "\r\nDate: "}, []string{"chunked"}},
		{"GET", "/bucket", []string{"200 OK", "\r\nTransfer-Encoding: chunked", "\r\nContent-Type: application/xml\r\n"}, []string{"Content-Length"}},
		{"GET", "/bucket/absent", []string{"404 Not Found", "\r\nTransfer-Encoding: chunked"}, []string{"Content-Length"}},
		{"HEAD", "/bucket/absent", []string{"404 Not Found"}, []string{"<", "Content-Length: "}},
		{"POST", "/bucket?delete", []string{"400 Bad Request", "\r\nTransfer-Encoding: chunked"}, nil},
		{"DELETE", "/bucket/key", []string{"204 No Content"}, []string{"Content-Length", "Content-Type", "chunked"}},
	}
	for _, test := range tests {
		answer := s.raw(test.method, test.target, "")
		for _, want := range test.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s %s: no %q in\n%s", test.method, test.target, want, answer)
			}
		}
		for _, never := range test.never {
			if strings.Contains(answer, never) {
				t.Errorf("%s %s: %q in\n%s", test.method, test.target, never, answer)
			}
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := newTestServer(t, nil)
	seen := make(map[string]bool)
	for range 100 {
		id := s.do("GET", "/", "").header.Get("X-Amz-Request-Id")
		if seen[id] || !requestID.MatchString(id) {
			t.Fatalf("request id %q", id)
		}
		seen[id] = true
	}
}

// A client that waits for a 100 gets it once the checks that need no body are done.
// spec: WI2-6
func TestExpectContinue(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	r := s.request("PUT", "/bucket/key", []byte("hello"))
	r.Header.Set("Expect", "100-continue")
	s.sign(r, []byte("hello"))
	if a := s.send(r); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := s.must("GET", "/bucket/key", ""); string(a.body) != "hello" {
		t.Errorf("stored %q", a.body)
	}
}

// A panic answers 500 without a word of what happened, which is in the log.
// spec: WI2.2-16
func TestPanic(t *testing.T) {
	s := newTestServer(t, nil)
	for k, lines := range s.handler.table.lines {
		if k == (tableKey{get, service, ""}) {
			lines[0].prepare = func(*exchange) (task, error) {
				return task{run: func() error { panic("the secret cause") }}, nil
			}
		}
	}
	a := s.do("GET", "/", "")
	root, err := parseAnswer(a.body)
	if err != nil || a.status != 500 || root.child("Code") != "InternalError" || strings.Contains(string(a.body), "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	log := s.log.String()
	if strings.Count(log, "the secret cause") != 1 || !strings.Contains(log, a.header.Get("X-Amz-Request-Id")) {
		t.Errorf("logged:\n%s", log)
	}
}

func TestHealthOfClosedStore(t *testing.T) {
	s := newTestServer(t, nil)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{"/_/health": 503, "/_/health/live": 200, "/_/health/ready": 503, "/minio/health/cluster": 503} {
		if a := s.send(s.request("GET", target, nil)); a.status != want {
			t.Errorf("%s: %d, want %d", target, a.status, want)
		}
	}
	if a := s.do("PUT", "/bucket", ""); a.status != 503 {
		t.Errorf("PUT: %d %s", a.status, a.body)
	}
}

// TestHealthIsPathStyle asks for the paths of health under the host of a bucket,
// where they are keys.
func TestHealthIsPathStyle(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.Domains = []string{"s3.test"} })
	for host, want := range map[string]int{"s3.test": 200, "bucket.s3.test": 404} {
		r := s.request("GET", "/_/health/live", nil)
		r.Host = host
		if a := s.send(r); a.status != want {
			t.Errorf("%s: %d, want %d: %s", host, a.status, want, a.body)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a handler without a store")
	}
	s := newTestServer(t, nil)
	o := Options{Store: s.store, Verifier: s.handler.verifier, Rand: strings.NewReader("short")}
	if _, err := New(o); err == nil {
		t.Error("a handler without randomness")
	}
}

// Every request is logged with what it was and what became of it: at Debug, and at
// Info if it failed inside.
func TestAccessLog(t *testing.T) {
	var log lockedBuffer
	s := newTestServer(t, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.must("PUT", "/bucket", "")
	a := s.do("GET", "/bucket/some%0Akey", "")
	s.http.Close() // waits for the handler
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	last := lines[len(lines)-1]
	for _, want := range []string{
		"level=DEBUG", "request_id=" + a.header.Get("X-Amz-Request-Id"), "method=GET", "operation=GetObject",
		"bucket=bucket", `key="some\nkey"`, "status=404", "code=NoSuchKey", "duration=0s",
	} {
		if !strings.Contains(last, want) {
			t.Errorf("no %s in %s", want, last)
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d lines for two requests:\n%s", len(lines), log.String())
	}
}

// The zero options work: a wall clock, no log, ids from the machine.
func TestZeroOptions(t *testing.T) {
	s := newTestServer(t, nil)
	h, err := New(Options{Store: s.store, Verifier: s.handler.verifier})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", "http://host/", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r)
	if w.status != http.StatusForbidden {
		t.Errorf("%d %s", w.status, w.body.String())
	}
}
