package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

// A test clock is served to this machine alone, unless that is asked for.
func TestTestClockStaysOnLoopback(t *testing.T) {
	for _, test := range []struct {
		c        config
		loopback bool
		refused  bool
	}{
		{config{}, false, false},
		{config{testClock: true}, true, false},
		{config{testClock: true}, false, true},
		{config{testClock: true, clockAnywhere: true}, false, false},
	} {
		if err := checkTestClock(test.c, test.loopback); (err != nil) != test.refused {
			t.Errorf("%+v on loopback %v: %v", test, test.loopback, err)
		}
	}
	for _, args := range []string{
		"--test-clock --address 0.0.0.0:0 --access-key some-key --secret-key some-secret --memory",
		"--test-clock-anywhere --memory",
	} {
		var stderr bytes.Buffer
		p := given(args)
		p.stderr = &stderr
		if code := run(p); code != exitRefused || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "--test-clock") {
			t.Errorf("%s: %d %q", args, code, stderr.String())
		}
	}
}

// A folder is one for tests for ever, or never.
func TestTestFolderNeedsItsFlag(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	log := slog.New(slog.DiscardHandler)
	for _, made := range []bool{false, true} {
		c := config{data: filepath.Join(t.TempDir(), "data"), testClock: made}
		st, err := openStore(c, log, listener)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		args := "--address 127.0.0.1:0 --data " + c.data
		if !made {
			args += " --test-clock"
		}
		p := given(args)
		p.stderr = &stderr
		if code := run(p); code != exitRefused || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "made with") {
			t.Errorf("made with %v: %d %q", made, code, stderr.String())
		}
	}
}

// testClockServer serves a test folder from memory and returns its URL.
func testClockServer(t *testing.T) string {
	t.Helper()
	st, err := store.Open("data", store.Options{Memory: true, TestFolder: true, Clock: clock.Wall{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	log := slog.New(slog.DiscardHandler)
	identities, err := openIdentities(config{memory: true}, st, log, defaultKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { identities.Close(context.Background()) })
	work := newBackground(config{}, st, log)
	t.Cleanup(work.close)
	handler, err := newHandler(config{testClock: true}, st, log, identities, work)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// The commands set a test clock, in words and in JSON.
func TestClockCommands(t *testing.T) {
	server := testClockServer(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"clock show", exitOK, "a test clock, 0s ahead"},
		{"clock freeze 2031-02-03T04:05:06Z", exitOK, "object time  2031-02-03T04:05:06.000Z\nlock time    2031-02-03T04:05:06.000Z\n"},
		{"clock show", exitOK, "a test clock that is frozen"},
		{"clock advance 30d", exitOK, "object time  2031-03-05T04:05:06.000Z\n"},
		{"clock advance 1d12h30m", exitOK, "object time  2031-03-06T16:35:06.000Z\n"},
		{"clock set 2031-01-01", exitOK, "object time  2031-01-01T00:00:00.000Z\n"},
		{"clock unfreeze --json", exitOK, `"frozen": false`},
		{"clock advance soon", exitRefused, "InvalidArgument"},
		{"clock set tomorrow", exitRefused, "InvalidArgument"},
		{"clock set 9999-01-01", exitRefused, "InvalidArgument"},
		{"clock reset", exitOK, "a test clock, 0s ahead"},
		{"clock freeze", exitOK, "a test clock that is frozen"},
	} {
		code, stdout, stderr := ran(server, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(stdout+stderr, test.want) {
			t.Errorf("%s: %d %q %q", test.args, code, stdout, stderr)
		}
	}
	_, stdout, _ := ran(server, "clock", "show", "--json")
	var c api.AdminClock
	if err := json.Unmarshal([]byte(stdout), &c); err != nil || !c.Frozen || !c.TestClock || time.Since(c.Time).Abs() > time.Minute {
		t.Errorf("%s, %v", stdout, err)
	}
}
