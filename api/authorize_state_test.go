package api

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A user who may write only where versions are kept does not overwrite the null version
// when versioning is suspended while the body is on its way.
func TestStateChangesDuringPut(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.user(testOwner.Account, "writer", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Effect":"Deny","Action":["s3:PutObject","s3:DeleteObject"],"Resource":"*",
			"Condition":{"StringNotEquals":{"tombstone:versioning":"Enabled"}}}]}`)
	state := func(text string) {
		t.Helper()
		s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>"+text+"</Status></VersioningConfiguration>")
	}
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "null")
	state("Enabled")
	for _, size := range []int{10, 300_000} { // inline, and in a file
		content := strings.Repeat("x", size)
		r := s.request("PUT", "/bucket/key", []byte(content))
		s.signAs("writer", r, []byte(content))
		begun, rest := make(chan bool), make(chan bool)
		r.Body, r.GetBody = io.NopCloser(&haltingBody{text: content, begun: begun, rest: rest}), nil
		done := make(chan answer)
		go func() { done <- s.send(r) }()
		<-begun
		state("Suspended")
		close(rest)
		if a := <-done; a.status != http.StatusForbidden {
			t.Errorf("%d bytes: %d %s", size, a.status, a.body)
		}
		if a := s.do("GET", "/bucket/key?versionId=null", ""); string(a.body) != "null" {
			t.Errorf("the null version is %q", a.body)
		}
		state("Enabled")
	}
}

// haltingBody halts after its first byte until it is let go on.
type haltingBody struct {
	text        string
	sent        int
	begun, rest chan bool
}

// Read gives the first byte, and when it is let go on the others.
func (b *haltingBody) Read(p []byte) (int, error) {
	switch b.sent {
	case 0:
		b.sent = copy(p, b.text[:1])
		return b.sent, nil
	case 1:
		close(b.begun)
		<-b.rest
	case len(b.text):
		return 0, io.EOF
	}
	n := copy(p, b.text[b.sent:])
	b.sent += n
	return n, nil
}
