package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering serves an answer to whatever is asked, and returns its URL.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Proofs as the server answers them: held, ended, ended but for a hold, and not sound.
const (
	provenHeld  = `{"key":"held","versionId":"v1","mode":"COMPLIANCE","until":"2026-02-01T00:00:00Z","at":"2026-01-01T00:00:00Z","sound":true,"trials":[{"path":"DELETE","held":true,"want":true,"why":"locked"}]}`
	provenEnded = `{"key":"over","versionId":"v2","mode":"GOVERNANCE","until":"2026-01-01T02:00:00+02:00","at":"2026-01-01T00:00:00Z","sound":true,"trials":[]}`
	provenOnly  = `{"key":"hold","versionId":"v3","mode":"GOVERNANCE","until":"2025-02-01T00:00:00Z","legalHold":"ON","at":"2026-01-01T00:00:00Z","sound":true,"trials":[]}`
	provenNot   = `{"key":"lost\n","versionId":"v4","mode":"COMPLIANCE","until":"2026-02-01T00:00:00Z","at":"2026-01-01T00:00:00Z","sound":false,"trials":[{"path":"DELETE","held":false,"want":true,"why":"gone"}],"damage":["no row"]}`
)

func TestVerdicts(t *testing.T) {
	sound := strings.Join([]string{provenHeld, provenEnded, provenOnly}, "\n") + "\n"
	tests := []struct {
		name, args, answer string
		code               int
		want               string
	}{
		{"sound locks", "locks verify b", sound, exitOK,
			"sound\nb: 3 versions with a lock setting, 1 of them ended, 0 not sound; 1 trials\n"},
		{"all locks", "locks verify b --all", sound, exitOK, "sound\n" +
			"held v1: sound; COMPLIANCE until 2026-02-01T00:00:00Z\n" +
			"  held   DELETE                                      locked\n" +
			"over v2: ended; GOVERNANCE until 2026-01-01T00:00:00Z\n" +
			"hold v3: sound; GOVERNANCE until 2025-02-01T00:00:00Z; legal hold ON\n" +
			"b: 3 versions with a lock setting, 1 of them ended, 0 not sound; 1 trials\n"},
		{"a lock that does not hold", "locks verify b", sound + provenNot + "\n", exitUnsound, "NOT SOUND\n" +
			`"lost\n" v4: NOT SOUND; COMPLIANCE until 2026-02-01T00:00:00Z` + "\n" +
			"  damage: no row\n" +
			"  freed  DELETE                                      gone\n" +
			"b: 4 versions with a lock setting, 1 of them ended, 1 not sound; 2 trials\n"},
		{"in JSON", "locks verify b --json", provenNot + "\n", exitUnsound, provenNot + "\n"},
		{"an answer cut off after a lock that does not hold", "locks verify b --all=false", provenNot + "\n{", exitUnsound, "NOT SOUND\n" +
			`"lost\n" v4: NOT SOUND; COMPLIANCE until 2026-02-01T00:00:00Z` + "\n" +
			"  damage: no row\n" +
			"  freed  DELETE                                      gone\n" +
			"b: 1 versions with a lock setting, 0 of them ended, 1 not sound; 1 trials\n"},
		{"an answer cut off", "locks verify b", provenHeld + "\n{", exitFailed, ""},
	}
	for _, test := range tests {
		code, stdout, stderr := ran(answering(t, http.StatusOK, test.answer), strings.Fields(test.args)...)
		if code != test.code || stdout != test.want {
			t.Errorf("%s: exit code %d, want %d\n%s%s", test.name, code, test.code, stdout, stderr)
		}
	}
}

func TestVerdictOnTheLedger(t *testing.T) {
	const report = `{"sound":%t,"seals":2,"problems":["seal 2: root differs"]}`
	code, stdout, _ := ran(answering(t, http.StatusOK, fmt.Sprintf(report, true)), "ledger", "verify")
	if code != exitOK || !strings.HasPrefix(stdout, "sound\n2 seals") {
		t.Errorf("sound: exit code %d, %q", code, stdout)
	}
	code, stdout, stderr := ran(answering(t, http.StatusOK, fmt.Sprintf(report, false)), "ledger", "verify")
	if code != exitUnsound || !strings.HasPrefix(stdout, "NOT SOUND\n2 seals") || !strings.Contains(stdout, "problem: seal 2: root differs\n") {
		t.Errorf("not sound: exit code %d, %q, %q", code, stdout, stderr)
	}
}

// What the server could not do is no fault of the command line.
func TestExitCodeOfAServerThatFails(t *testing.T) {
	for status, want := range map[int]int{http.StatusInternalServerError: exitFailed, http.StatusServiceUnavailable: exitFailed, http.StatusForbidden: exitRefused} {
		if code, _, stderr := ran(answering(t, status, ""), "account", "list"); code != want || !strings.Contains(stderr, fmt.Sprint(status)) {
			t.Errorf("%d: exit code %d, want %d, %q", status, code, want, stderr)
		}
	}
}

func TestHintAtTheBundle(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	code, _, stderr := ran(server.URL, "account", "list")
	if code != exitFailed || !strings.Contains(stderr, "--ca-bundle or AWS_CA_BUNDLE") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
