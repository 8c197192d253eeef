package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthProbes(t *testing.T) {
	const reserved, passed = http.StatusOK, http.StatusTeapot
	tests := []struct {
		name, method, target, host, authorization string
		ready                                     error
		want                                      int
	}{
		{name: "live", target: "/_/health/live", want: reserved},
		{name: "ready", target: "/_/health/ready", want: reserved},
		{name: "head", method: http.MethodHead, target: "/_/health/ready", want: reserved},
		{name: "MinIO's live", target: "/minio/health/live", want: reserved},
		{name: "MinIO's ready", target: "/minio/health/ready", want: reserved},
		{name: "live though not ready", target: "/_/health/live", ready: errors.New("no"), want: reserved},
		{name: "not ready", target: "/_/health/ready", ready: errors.New("no"), want: http.StatusServiceUnavailable},
		{name: "signed", target: "/minio/health/live", authorization: "AWS4-HMAC-SHA256 x", want: passed},
		{name: "presigned", target: "/minio/health/live?X-Amz-Signature=0", want: passed},
		{name: "another method", method: http.MethodPut, target: "/_/health/live", want: passed},
		{name: "another path", target: "/_/health", want: passed},
		{name: "bucket by host", target: "/minio/health/live", host: "B.s3.local:80", want: passed},
		{name: "the domain itself", target: "/minio/health/live", host: "s3.local", want: reserved},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(passed) })
			h := withHealth(next, []string{"s3.local"}, func(context.Context) error { return test.ready })
			r := httptest.NewRequest(test.method, test.target, nil)
			if test.host != "" {
				r.Host = test.host
			}
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("status %d, want %d", w.Code, test.want)
			}
		})
	}
}

func TestBannerShowsASecretOnlyIfNobodyKnowsIt(t *testing.T) {
	keys := keyPair{"some-key", "some-secret"}
	address := &net.TCPAddr{IP: net.IPv4zero, Port: 9000}
	for origin, shown := range map[keyOrigin]bool{keysGiven: false, keysKept: false, keysMade: true, keysDefault: true} {
		var out bytes.Buffer
		printBanner(&out, config{data: "/d"}, address, keys, origin)
		if strings.Contains(out.String(), keys.Secret) != shown {
			t.Errorf("origin %d: want the secret shown: %v\n%s", origin, shown, out.String())
		}
		first, _, _ := strings.Cut(out.String(), "\n")
		if !strings.HasSuffix(first, " http://127.0.0.1:9000") {
			t.Errorf("first line %q does not end with the endpoint", first)
		}
	}
}

// moves counts how often a deadline is set, and remembers the last one.
type moves struct {
	count int
	last  time.Time
}

func (m *moves) set(at time.Time) error {
	m.count++
	m.last = at
	return nil
}

func TestDeadlineMovesWithProgress(t *testing.T) {
	var m moves
	d := deadline{set: m.set}
	d.lift()
	if m.count != 0 {
		t.Error("a deadline that was never set was lifted")
	}
	for range 100 {
		d.push()
	}
	if m.count != 1 || time.Until(m.last) < stallTimeout/2 {
		t.Errorf("set %d times, to %v from now", m.count, time.Until(m.last))
	}
	d.at = time.Now().Add(stallTimeout / 2) // half of it has passed
	d.push()
	if m.count != 2 || time.Until(m.last) < stallTimeout*3/4 {
		t.Errorf("set %d times, to %v from now", m.count, time.Until(m.last))
	}
	d.lift()
	if m.count != 3 || !m.last.IsZero() {
		t.Errorf("set %d times, to %v after lift", m.count, m.last)
	}
}

func TestCommands(t *testing.T) {
	tests := []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{args: "version", code: exitOK, stdout: "tombstone "},
		{args: "help", code: exitOK, stdout: "Usage: tombstone [command]"},
		{args: "serve -h", code: exitOK, stdout: "Usage: tombstone [command]"},
		{args: "server /data", code: exitRefused, stderr: `unknown command "server"`},
		{args: "--no-such-flag", code: exitRefused, stderr: "-no-such-flag"},
		{args: "check --address :1", code: exitRefused, stderr: "-address"},
		{args: "health --data /d", code: exitRefused, stderr: "-data"},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		p := given(test.args)
		p.stdout, p.stderr = &stdout, &stderr
		if code := run(p); code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.args, code, test.code)
		}
		if !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
			t.Errorf("%s: printed %q and %q", test.args, stdout.String(), stderr.String())
		}
		if strings.Count(stderr.String(), "\n") > 1 {
			t.Errorf("%s: more than one line on standard error: %q", test.args, stderr.String())
		}
	}
}
