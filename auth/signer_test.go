package auth

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// TestSign sends what Sign made through the verifier, whole and with each part
// changed.
func TestSign(t *testing.T) {
	credential := Credential{AccessKey: "AKIDEXAMPLE", Secret: "secret-of-the-example"}
	v := &Verifier{Keys: NewStaticKeys(credential)}
	now := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	body := []byte(`{"name":"ä b"}`)
	made := func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://localhost:9000/_/v1/a%2Fb/ä?x=1&y=a+b&z", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Amz-Mfa", "serial 123456")
		Sign(r, credential, "us-east-1", body, now)
		return r
	}
	session, err := v.Verify(made(), "", now)
	if err != nil || session.AccessKey != credential.AccessKey {
		t.Fatalf("Verify: %v, signed by %q", err, session.AccessKey)
	}
	r := made()
	payload, err := session.Body(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(payload); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("body %q, %v", got, err)
	}
	changes := map[string]func(*http.Request){
		"method":       func(r *http.Request) { r.Method = "PUT" },
		"host":         func(r *http.Request) { r.Host = "elsewhere" },
		"path":         func(r *http.Request) { r.URL.Path += "x"; r.URL.RawPath = "" },
		"query":        func(r *http.Request) { r.URL.RawQuery += "&a=b" },
		"content type": func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"new x-amz":    func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "b") },
		"payload":      func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
	}
	for name, change := range changes {
		r := made()
		change(r)
		if _, err := v.Verify(r, "", now); err == nil {
			t.Errorf("a request with another %s passes", name)
		}
	}
}
