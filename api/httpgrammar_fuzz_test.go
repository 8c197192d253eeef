package api

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// grammarRequests is how many requests one input makes at most.
const grammarRequests = 6

// FuzzRequests plays requests that bytes choose from a grammar of whole requests:
// method, path, sub-resource, parameters, headers and body. Nothing may panic or
// answer 5xx but 501, every answer is well-formed, and a request that is refused
// changes nothing that can be seen.
//
// spec: WI2.1-1, WI2.2-16
func FuzzRequests(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 20)) // a corpus, the same every time
	for i := range operations {
		f.Add([]byte{byte(i)})
		seed := []byte{byte(i)}
		for range 40 {
			seed = append(seed, byte(random.Uint32()))
		}
		f.Add(seed)
	}
	f.Fuzz(playGrammar)
}

// playGrammar plays the requests that data chooses, on a server of their own.
func playGrammar(t *testing.T, data []byte) {
	s := newTestServer(t, nil)
	s.http.Close() // requests go to the handler itself
	p := s.furnish()
	before := s.digest(t)
	d := &dice{data: data}
	for n := 0; n < grammarRequests && len(d.data) > 0; n++ {
		g := d.generate()
		a, ok := s.playGenerated(t, &g, &p)
		if !ok {
			continue
		}
		if problem := invalid(g.method, a); problem != "" || a.status >= 500 && a.status != 501 {
			t.Fatalf("%s\nanswers %d %v\n%s\n%s\n%s", g.show(), a.status, a.header, a.body, problem, s.log.String())
		}
		after := s.digest(t)
		if a.status >= 400 && after != before {
			t.Fatalf("%s\nwas refused with %d and changed something:\n%s", g.show(), a.status, firstDifference(before, after))
		}
		before = after
	}
}

// show writes a request as it was meant.
func (g *generated) show() string {
	return fmt.Sprintf("%s %.200s %q unsigned=%v\n%q", g.method, g.target, g.headers, g.unsigned, g.body)
}

// firstDifference returns the first lines in which two digests differ.
func firstDifference(a, b string) string {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return was[max(0, i-1)] + "\n" + was[i] + "\n" + is[i]
		}
	}
	return "one is longer"
}

// playGenerated sends a request that was generated, unless HTTP itself does not allow it.
func (s *testServer) playGenerated(t *testing.T, g *generated, p *places) (answer, bool) {
	body := []byte(p.fill(s, g.body))
	sum := md5.Sum(body)
	var headers []string
	for _, h := range g.headers {
		value := strings.ReplaceAll(p.fill(s, h.value), "{md5}", base64.StdEncoding.EncodeToString(sum[:]))
		headers = append(headers, h.name, value)
	}
	r, ok := s.serverRequest(g.method, p.fill(s, g.target), body, g.unsigned, headers)
	if !ok {
		return answer{}, false
	}
	return s.handle(t, r), true
}

// call asks the handler, without a connection.
func (s *testServer) call(method, target, body string, headers ...string) answer {
	r, ok := s.serverRequest(method, target, []byte(body), false, headers)
	if !ok {
		s.t.Fatalf("%s %s is no request", method, target)
	}
	return s.handle(s.t, r)
}

// serverRequest makes a request as net/http would hand it to the handler. Ok is false
// if it would not.
func (s *testServer) serverRequest(method, target string, body []byte, unsigned bool, headers []string) (r *http.Request, ok bool) {
	signed := s.request(method, target, body)
	for i := 0; i < len(headers); i += 2 {
		signed.Header.Add(headers[i], headers[i+1])
	}
	if !unsigned {
		own := signed.Header.Get("Authorization")
		s.sign(signed, body)
		if own != "" {
			signed.Header.Set("Authorization", own)
		}
	}
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %s\r\n", method, target, signed.URL.Host, strconv.Itoa(len(body)))
	if err := signed.Header.Write(&raw); err != nil {
		return nil, false
	}
	raw.WriteString("\r\n")
	raw.Write(body)
	r, err := http.ReadRequest(bufio.NewReader(&raw))
	if err != nil {
		return nil, false
	}
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return r, true
}

// handle lets the handler answer. It may not panic.
func (s *testServer) handle(t testing.TB, r *http.Request) answer {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	defer func() {
		if problem := recover(); problem != nil {
			t.Fatalf("%s %s: panic: %v\n%s", r.Method, r.RequestURI, problem, s.log.String())
		}
	}()
	s.handler.ServeHTTP(w, r)
	_, _ = io.Copy(io.Discard, r.Body)
	header := http.Header{}
	for name, values := range w.header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return answer{w.status, header, w.body.Bytes()}
}
