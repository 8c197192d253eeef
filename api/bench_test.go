package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// benchmark measures a signed request to the handler, without the network.
func benchmark(b *testing.B, method, target, body string, prepare func(s *testServer)) {
	s := newTestServer(b, func(o *Options) {
		o.Verifier = &auth.Verifier{Keys: auth.NewStaticKeys(auth.Credential{AccessKey: testKey, Secret: testSecret})}
	})
	s.must("PUT", "/bucket", "")
	if prepare != nil {
		prepare(s)
	}
	r := s.request(method, target, []byte(body))
	s.sign(r, []byte(body))
	u, err := r.URL.Parse(s.http.URL + target)
	if err != nil {
		b.Fatal(err)
	}
	r.URL, r.Host = u, u.Host
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		s.handler.ServeHTTP(w, r)
	}
}

func BenchmarkGet1KiB(b *testing.B) {
	benchmark(b, "GET", "/bucket/key", "", func(s *testServer) { s.must("PUT", "/bucket/key", strings.Repeat("x", 1024)) })
}

func BenchmarkHead(b *testing.B) {
	benchmark(b, "HEAD", "/bucket/key", "", func(s *testServer) { s.must("PUT", "/bucket/key", "x") })
}

func BenchmarkPut1KiB(b *testing.B) {
	benchmark(b, "PUT", "/bucket/key", strings.Repeat("x", 1024), nil)
}

func BenchmarkDeleteAbsent(b *testing.B) { benchmark(b, "DELETE", "/bucket/key", "", nil) }

func BenchmarkList1000(b *testing.B) {
	benchmark(b, "GET", "/bucket?list-type=2", "", func(s *testServer) {
		for i := range 1000 {
			s.must("PUT", fmt.Sprintf("/bucket/some/longer/key/%06d", i), "x")
		}
	})
}

func BenchmarkParseDelete1000(b *testing.B) {
	var body strings.Builder
	body.WriteString("<Delete>")
	for i := range 1000 {
		fmt.Fprintf(&body, "<Object><Key>some/longer/key/%06d</Key><VersionId>0123456789abcdef0123456789abcdef</VersionId></Object>", i)
	}
	body.WriteString("</Delete>")
	data := []byte(body.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseDelete(data); err != nil {
			b.Fatal(err)
		}
	}
}
