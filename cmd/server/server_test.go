package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestBannerShowsASecretOnlyIfNobodyKnowsIt(t *testing.T) {
	keys := keyPair{"some-key", "some-secret"}
	address := &net.TCPAddr{IP: net.IPv4zero, Port: 9000}
	for origin, shown := range map[keyOrigin]bool{keysGiven: false, keysKept: false, keysMade: true, keysDefault: true} {
		var out bytes.Buffer
		printBanner(&out, config{data: "/d"}, address, keys, origin, "")
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

func (m *moves) set(_ *http.ResponseController, at time.Time) error {
	m.count++
	m.last = at
	return nil
}

func TestDeadlineMovesWithProgress(t *testing.T) {
	var m moves
	d := deadline{stall: stallTimeout, set: m.set}
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

// exchangeUntil serves one request with little patience and returns what the
// handler came to. The client sends what it is given, and nothing after it.
func exchangeUntil(t *testing.T, request string, handle func(w http.ResponseWriter, r *http.Request) error) error {
	t.Helper()
	outcome := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { outcome <- handle(w, r) })
	server := httptest.NewServer(withPatience(handler, 20*time.Millisecond))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	return <-outcome
}

func TestStalledBodyIsGivenUp(t *testing.T) {
	err := exchangeUntil(t, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", func(_ http.ResponseWriter, r *http.Request) error {
		got, err := io.ReadAll(r.Body)
		if string(got) != "half" {
			t.Errorf("read %q", got)
		}
		return err
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading ended with %v, want a deadline", err)
	}
}

func TestStalledReaderIsGivenUp(t *testing.T) {
	err := exchangeUntil(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) error {
		piece := make([]byte, 1<<20)
		for range 1000 { // more than any socket buffer holds
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing ended with %v, want a deadline", err)
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
		{args: "serve -h", code: exitOK, stdout: "tombstone serve: run the server"},
		{args: "server", code: exitRefused, stderr: "server FOLDER"},
		{args: "server /a /b", code: exitRefused, stderr: "one folder"},
		{args: "server /a --data /b", code: exitRefused, stderr: "--data"},
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
