package api

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// TestConditionsThatWouldBePassedOver sends conditions that the operation does not
// know: none of them may be ignored, for it was sent to prevent something.
//
// spec: VD6-8, VD5-30
func TestConditionsThatWouldBePassedOver(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	etag := s.must("PUT", "/bucket/key", "x").header.Get("Etag")
	list := "<Delete><Object><Key>key</Key></Object></Delete>"
	sum := md5.Sum([]byte(list))
	digest := base64.StdEncoding.EncodeToString(sum[:])
	put := []string{"X-Amz-If-Match-Size", "X-Amz-If-Match-Last-Modified-Time", "Content-Range", "If-Modified-Since", "If-Unmodified-Since"}
	for _, name := range put {
		if a := s.do("PUT", "/bucket/key", "y", name, "1"); a.status != 501 {
			t.Errorf("PUT with %s: %d %s", name, a.status, a.body)
		}
	}
	for _, name := range []string{"If-Match", "If-None-Match", "X-Amz-If-Match-Size", "X-Amz-If-Match-Last-Modified-Time"} {
		if a := s.do("POST", "/bucket?delete", list, "Content-MD5", digest, name, "1"); a.status != 501 {
			t.Errorf("DeleteObjects with %s: %d %s", name, a.status, a.body)
		}
	}
	if a := s.must("GET", "/bucket/key", ""); string(a.body) != "x" || a.header.Get("Etag") != etag {
		t.Errorf("the object is %q", a.body)
	}
}

// TestPutWithoutLength sends a PUT that says nothing of its body.
//
// spec: WI1.3-21
func TestPutWithoutLength(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	answer := s.bare(t, "PUT", "/bucket/key", "", "")
	if !strings.HasPrefix(answer, "HTTP/1.1 411 ") || !strings.Contains(answer, "MissingContentLength") {
		t.Errorf("answer %q", answer)
	}
	if a := s.do("GET", "/bucket/key", ""); a.status != 404 {
		t.Errorf("GET: %d", a.status)
	}
}

// TestDeleteWithBody deletes with a body that means nothing, on a connection that
// ends with the answer: the answer arrives.
//
// spec: WI2-8
func TestDeleteWithBody(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	for _, size := range []int{5, 300_000, 3 << 20} {
		length := fmt.Sprintf("Content-Length: %d\r\n", size)
		answer := s.bare(t, "DELETE", "/bucket/key", length, strings.Repeat("x", size))
		if !strings.HasPrefix(answer, "HTTP/1.1 204 ") {
			t.Errorf("body of %d bytes: answer %q", size, answer)
		}
	}
}

// bare sends a request that is signed for any body, with the header lines given and
// no others about the body.
func (s *testServer) bare(t *testing.T, method, target, lines, body string) string {
	t.Helper()
	r := s.request(method, target, nil)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	s.sign(r, nil)
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s", method, target, r.URL.Host, lines)
	if err := r.Header.Write(conn); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	return string(answer)
}
