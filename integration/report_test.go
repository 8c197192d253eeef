package integration

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// report collects what clients played, for the file that TOMBSTONE_CLIENTS_REPORT
// names.
var report clientReport

// reportHead is what docs/clients.md begins with.
const reportHead = `# Clients

What plays against the real binary with its default settings in every run of CI: unmodified clients, each in the newest version that
Debian, PyPI, npm, Maven or Go's proxy gave at that time. Two clients in two versions are Debian's and the newest.
This page is written by ` + "`scripts/clients-report.sh`" + `, from the run that it makes; do not edit it.

`

const works = "works"

// played is a client, as the report names it.
type played struct{ name, version string }

// result is how a scenario of a client went.
type result struct {
	played
	scenario, outcome string
}

// clientReport is rewritten after every scenario, so that it is whole whichever
// was the last.
type clientReport struct {
	mu      sync.Mutex // protects results, and the file
	results []result
}

// scenario plays one everyday use of a client, beside others, and notes how it
// went.
func (p played) scenario(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		p.note(t, name)
		test(t)
	})
}

// note has the report say how a test went, when it has ended.
func (p played) note(t *testing.T, scenario string) {
	t.Helper()
	t.Cleanup(func() {
		outcome := works
		switch {
		case t.Failed():
			outcome = "FAILED"
		case t.Skipped():
			outcome = "not run"
		}
		report.add(t, result{played: p, scenario: scenario, outcome: outcome})
	})
}

// skip notes that no scenario of a test could be played.
func (r *clientReport) skip(t *testing.T, why string) {
	r.add(t, result{played: played{name: strings.TrimPrefix(t.Name(), "Test")}, outcome: "not run: " + why})
}

// add notes a result. Those of one scenario become one, which is as bad as the
// worst of them.
func (r *clientReport) add(t *testing.T, added result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	same := func(other result) bool { return other.played == added.played && other.scenario == added.scenario }
	if i := slices.IndexFunc(r.results, same); i < 0 {
		r.results = append(r.results, added)
	} else {
		r.results[i].outcome = worse(r.results[i].outcome, added.outcome)
	}
	file := os.Getenv("TOMBSTONE_CLIENTS_REPORT")
	if file == "" {
		return
	}
	if err := os.WriteFile(file, render(r.results), 0o644); err != nil {
		t.Error(err)
	}
}

func worse(a, b string) string {
	if a == works {
		return b
	}
	return a
}

// render writes the report as a page.
func render(results []result) []byte {
	sorted := slices.SortedFunc(slices.Values(results), func(a, b result) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), strings.Compare(a.version, b.version), strings.Compare(a.scenario, b.scenario))
	})
	page := bytes.NewBufferString(reportHead)
	page.WriteString("| Client | Version | Scenario | Result |\n|---|---|---|---|\n")
	for _, r := range sorted {
		fmt.Fprintf(page, "| %s | %s | %s | %s |\n", r.name, r.version, r.scenario, r.outcome)
	}
	return page.Bytes()
}

// module returns a Go module that tests import as the report names it.
func module(t *testing.T, name, path string) played {
	t.Helper()
	versions, err := moduleVersions()
	must(t, err)
	return played{name: name, version: strings.TrimPrefix(versions[path], "v")}
}

var moduleVersions = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "all").Output()
	versions := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if path, version, found := strings.Cut(strings.TrimSpace(line), " "); found {
			versions[path] = version
		}
	}
	return versions, err
})
