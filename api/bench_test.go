package api

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// BenchmarkDeleteObjects sends prepared and signed requests that destroy 1,000
// versions of as many keys each, one after the other; a step is one version.
func BenchmarkDeleteObjects(b *testing.B) {
	s := newTestServer(b, nil)
	s.must(http.MethodPut, "/bucket", "")
	s.must(http.MethodPut, "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	var requests []*http.Request
	for left := b.N; left > 0; left -= maxDeleted {
		requests = append(requests, prepareDelete(b, s, len(requests), min(left, maxDeleted)))
	}
	b.ResetTimer()
	for _, r := range requests {
		if a := s.send(r); a.status != http.StatusOK || strings.Contains(string(a.body), "<Error>") {
			b.Fatal(a.status, string(a.body))
		}
	}
}

// prepareDelete writes n versions and returns the request that destroys them.
func prepareDelete(b *testing.B, s *testServer, batch, n int) *http.Request {
	var body strings.Builder
	body.WriteString("<Delete>")
	for i := range n {
		key := fmt.Sprintf("key-%06d-%04d", batch, i)
		result, err := s.store.Put(b.Context(), store.PutRequest{
			Bucket: "bucket", Key: key, Body: strings.NewReader(strings.Repeat("x", 1024)), Size: 1024,
			Algorithms: []checksum.Algorithm{checksum.CRC64NVME},
		})
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(&body, "<Object><Key>%s</Key><VersionId>%s</VersionId></Object>", key, result.VersionHeader)
	}
	body.WriteString("</Delete>")
	r := s.request(http.MethodPost, "/bucket?delete", []byte(body.String()))
	sum := md5.Sum([]byte(body.String()))
	r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	s.sign(r, []byte(body.String()))
	return r
}

// BenchmarkGet sends a prepared and signed GetObject of 1 KiB again and again.
func BenchmarkGet(b *testing.B) {
	s := newTestServer(b, nil)
	s.must(http.MethodPut, "/bucket", "")
	s.must(http.MethodPut, "/bucket/key", strings.Repeat("x", 1024))
	r := s.request(http.MethodGet, "/bucket/key", nil)
	s.sign(r, nil)
	b.ReportAllocs()
	for b.Loop() {
		if w := s.hand(r, nil); w.status != http.StatusOK {
			b.Fatal(w.status, w.body.String())
		}
	}
}

// BenchmarkPut sends a prepared and signed PutObject of 1 KiB again and again.
func BenchmarkPut(b *testing.B) {
	s := newTestServer(b, nil)
	s.must(http.MethodPut, "/bucket", "")
	body := []byte(strings.Repeat("x", 1024))
	r := s.request(http.MethodPut, "/bucket/key", body)
	s.sign(r, body)
	b.ReportAllocs()
	for b.Loop() {
		if w := s.hand(r, body); w.status != http.StatusOK {
			b.Fatal(w.status, w.body.String())
		}
	}
}

// hand gives a signed request to the handler, without a connection.
func (s *testServer) hand(r *http.Request, body []byte) *recorder {
	r = r.Clone(r.Context())
	r.URL = &url.URL{Path: r.URL.Opaque}
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Host = strings.TrimPrefix(s.http.URL, "http://")
	r.Body, r.ContentLength = nopCloser{bytes.NewReader(body)}, int64(len(body))
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	s.handler.ServeHTTP(w, r)
	return w
}
