package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rewrite has the baselines written anew. Each line that is new there says so and
// wants its reason by hand.
var rewrite = flag.Bool("rewrite", false, "write the baselines of the public suites anew")

// Public suites say what others expect of S3, and are right most of the time.
// Each has a baseline: a line for every test that fails, with the reason. A test
// that fails and is not there, or is there and passes, fails this one.
const (
	versityModule = "github.com/versity/versitygw@v1.8.0"
	mintModule    = "github.com/minio/minio-go/v7"
	noReason      = "NO REASON YET: "
)

// verdicts maps the name of each test of a suite to why it failed, or to "".
type verdicts map[string]string

// versitygw's "test full-flow". What is changed in it, and why, is in
// patchVersity.
func TestSuiteOfVersitygw(t *testing.T) {
	wholeRun(t)
	binary := buildVersity(t)
	server := startFor(t, "--memory")
	cmd := exec.Command(binary, "test", "--endpoint", server.Endpoint, "full-flow", "--versioning-enabled")
	cmd.Dir = filepath.Dir(binary) // it starts itself from there, as ./versitygw
	cmd.Env = suiteEnv(t, "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION=us-east-1")
	out, err := cmd.CombinedOutput()
	found := versityVerdicts(out)
	if !bytes.Contains(out, []byte("RAN:")) {
		t.Fatalf("the suite did not end: %v\n%s", err, tailOf(string(out)))
	}
	_, version, _ := strings.Cut(versityModule, "@v")
	compareBaseline(t, "versitygw", version, found)
}

// minio-go's functional tests, in their full mode. What is changed in them is in
// buildMint.
func TestSuiteOfMinioGo(t *testing.T) {
	wholeRun(t)
	m := module(t, "minio-go", mintModule)
	binary := buildMint(t)
	server := startFor(t, "--memory")
	cmd := exec.Command(binary)
	cmd.Dir = t.TempDir() // it leaves files where it runs
	cmd.Env = suiteEnv(t, "SERVER_ENDPOINT="+strings.TrimPrefix(server.Endpoint, "http://"), "ACCESS_KEY="+accessKey, "SECRET_KEY="+secretKey,
		"ENABLE_HTTPS=0", "MINT_MODE=full", "RUN_ON_FAIL=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%v\n%s", err, tailOf(string(out)))
	}
	compareBaseline(t, "mint", m.version, mintVerdicts(t, out))
}

// buildMint builds minio-go's tests from the copy in the module cache, but for one
// change: they make a bucket public without taking off the public access block that
// every new bucket has.
func buildMint(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleFolder(t, mintModule), "functional_tests.go"))
	must(t, err)
	folder := t.TempDir()
	patched, binary := filepath.Join(folder, "functional_tests.go"), filepath.Join(folder, "mint")
	must(t, os.WriteFile(patched, bytes.ReplaceAll(text, []byte("c.SetBucketPolicy("), []byte("openAndSetPolicy(c, ")), 0o600))
	must(t, os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "mint"))))
	build := exec.Command("go", "build", "-o", binary, patched, filepath.Join(folder, "additions.go"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// wholeRun skips the suites but where all clients have to play, for they take
// minutes and want much built, and has them play beside each other.
func wholeRun(t *testing.T) {
	t.Helper()
	if testing.Short() || os.Getenv("TOMBSTONE_CLIENTS_REQUIRED") != "1" && !*rewrite {
		t.Skip("the public suites play where TOMBSTONE_CLIENTS_REQUIRED=1 is set, as in CI")
	}
	t.Parallel()
}

// suiteEnv is the environment of a suite: it finds nothing of the machine's user, and
// what it leaves behind goes with the test.
func suiteEnv(t *testing.T, more ...string) []string {
	t.Helper()
	folder := t.TempDir()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder}, more...)
}

func moduleFolder(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// buildVersity builds the pinned versitygw from a copy that is patched. Without paths in
// it, what is compiled there serves the next run too, in another folder.
func buildVersity(t *testing.T) string {
	t.Helper()
	out, err := fetching("mod", "download", "-json", versityModule)
	if err != nil {
		absent(t, versityModule+" cannot be had: "+err.Error())
	}
	var downloaded struct{ Dir string }
	must(t, json.Unmarshal(out, &downloaded))
	source, binary := filepath.Join(t.TempDir(), "source"), filepath.Join(t.TempDir(), "versitygw")
	must(t, os.CopyFS(source, os.DirFS(downloaded.Dir)))
	must(t, filepath.WalkDir(source, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o700) // a module's files are read-only
	}))
	must(t, patchVersity(filepath.Join(source, "tests", "integration")))
	if _, err := fetching("build", "-C", source, "-trimpath", "-o", binary, "./cmd/versitygw"); err != nil {
		t.Fatal(err)
	}
	return binary
}

// fetching runs a go command that may have to fetch modules, and once more if it fails:
// proxies have bad moments.
func fetching(args ...string) (printed []byte, err error) {
	for range 2 {
		var said bytes.Buffer
		cmd := exec.Command("go", args...)
		cmd.Stderr = &said
		if printed, err = cmd.Output(); err == nil {
			return printed, nil
		}
		err = fmt.Errorf("go %s: %w\n%s", args[0], err, said.Bytes())
	}
	return printed, err
}

// versityPatches are the changes to versitygw's suite, without which it cannot
// run to its end against a server that does as S3 does: file, text, what takes its
// place. What they call is in testdata/versitygw.
var versityPatches = [][3]string{
	// Every test cleans up with the bypass header, which S3 refuses in a bucket
	// without Object Lock (spec OL1.6-1).
	{"utils.go", "BypassGovernanceRetention: aws.Bool(true),", "BypassGovernanceRetention: bypassIfLocked(s3client, bucket),"},
	// The texts of S3 mostly end without a full stop, those of the suite with one
	// (spec VD9-2 and others), and say who may not do what where it says so.
	{"utils.go", "received.Message != apiErr.Description", "!sameText(received.Message, apiErr.Description)"},
	{"utils.go", "ae.ErrorMessage() != apiErr.Description", "!sameText(ae.ErrorMessage(), apiErr.Description)"},
	// A test that does not expect an answer panics; the others are to go on.
	{"concurrency.go", "\tf(ct.conf)", "\tguarded(f, ct.conf)"},
	{"concurrency.go", "\t\t\tfn(ct.conf)\n\t\t}\n\t}", "\t\t\tguarded(fn, ct.conf)\n\t\t}\n\t}"},
	// A new bucket blocks public policies and ACLs, as everybody's in S3 do.
	{"utils.go", "\tif cfg.VersioningStatus != \"\" {", "\tif err := openToPublic(s3client, &bucket); err != nil {\n\t\treturn err\n\t}\n\tif cfg.VersioningStatus != \"\" {"},
	// Users are made by an admin interface of its own, and have one name everywhere.
	{"utils.go", "func createUsers(s *S3Conf, users []user) error {",
		"func createUsers(s *S3Conf, users []user) error { return makeUsers(s, users) }\n\nfunc createUsersByCommand(s *S3Conf, users []user) error {"},
	{"s3conf.go", "config.WithRetryMaxAttempts(1),", "config.WithRetryMaxAttempts(1),\n\t\tconfig.WithAPIOptions([]func(*middleware.Stack) error{renaming}),"},
	{"s3conf.go", "\ts.httpClient = customHTTPClient\n", "\ts.httpClient = customHTTPClient\n\tlearnRoot(s)\n"},
}

func patchVersity(folder string) error {
	for _, p := range versityPatches {
		file := filepath.Join(folder, p[0])
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if n := strings.Count(string(text), p[1]); n != 1 {
			return fmt.Errorf("%s holds %q %d times, want once", p[0], p[1], n)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), p[1], p[2], 1)), 0o600); err != nil {
			return err
		}
	}
	return os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "versitygw")))
}

var (
	colours     = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	versityLine = regexp.MustCompile(`^(RUN|PASS|FAIL|SKIP) +([A-Za-z0-9_]+)(?:: (.*))?`)
)

// versityVerdicts reads what versitygw printed. A test that began and said no
// more did not clean up, which is a failure too.
func versityVerdicts(out []byte) verdicts {
	found := make(verdicts)
	lines := bufio.NewScanner(bytes.NewReader(colours.ReplaceAll(out, nil)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := versityLine.FindStringSubmatch(lines.Text())
		switch {
		case m == nil:
		case m[1] == "RUN":
			found[m[2]] = "it did not end, or did not clean up"
		case m[1] == "FAIL":
			found[m[2]] = m[3]
		default:
			found[m[2]] = ""
		}
	}
	return found
}

// mintVerdicts reads what minio-go's tests printed: a line of JSON for each, and
// more than one for some. "NA" means that the server answered 501, at which the
// test ends.
func mintVerdicts(t *testing.T, out []byte) verdicts {
	t.Helper()
	found := make(verdicts)
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct{ Name, Status, Alert, Message, Error string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		name := strings.TrimPrefix(line.Name, "minio-go: ")
		if line.Status == "PASS" {
			found[name] += ""
			continue
		}
		if found[name] == "" {
			found[name] = strings.TrimSpace(line.Alert + line.Message + " " + line.Error)
		}
	}
	return found
}

// compareBaseline holds the verdicts of a suite against its baseline, and rewrites
// that if it was asked to.
func compareBaseline(t *testing.T, name, version string, found verdicts) {
	t.Helper()
	file := filepath.Join("testdata", name+"-baseline.txt")
	head, reasons := readBaseline(t, file)
	failed := 0
	for _, test := range slices.Sorted(maps.Keys(found)) {
		why := found[test]
		reason, expected := reasons[test]
		switch {
		case why != "":
			failed++
			if !expected {
				t.Errorf("%s fails: %.300s", test, why)
				reasons[test] = noReason + fmt.Sprintf("%.200q", why)
			}
		case expected:
			t.Errorf("%s passes now; remove it from %s (%s)", test, file, reason)
			delete(reasons, test)
		}
	}
	for test, reason := range reasons {
		if _, ran := found[test]; !ran {
			t.Errorf("%s is in %s and did not run (%s)", test, file, reason)
			delete(reasons, test)
		}
		if strings.HasPrefix(reason, noReason) {
			t.Errorf("%s in %s has no reason", test, file)
		}
	}
	if *rewrite {
		must(t, os.WriteFile(file, writeBaseline(head, reasons), 0o644))
	}
	t.Logf("%s %s: %d tests, %d fail as the baseline says", name, version, len(found), failed)
	played{name: name + ", the suite", version: version}.note(t, fmt.Sprintf("%d tests, of which %d fail for a reason that the baseline names", len(found), failed))
}

// readBaseline returns the comment at a baseline's top, and its lines: a test, a
// space, a reason.
func readBaseline(t *testing.T, file string) (head string, reasons map[string]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	reasons = make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "#") {
			head += line + "\n"
			continue
		}
		test, reason, _ := strings.Cut(line, " ")
		if test == "" {
			continue
		}
		if reason == "" {
			t.Errorf("%s: %s has no reason", file, test)
		}
		if _, twice := reasons[test]; twice {
			t.Errorf("%s names %s twice", file, test)
		}
		reasons[test] = reason
	}
	return head, reasons
}

func writeBaseline(head string, reasons map[string]string) []byte {
	page := bytes.NewBufferString(head)
	for _, test := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(page, "%s %s\n", test, reasons[test])
	}
	return page.Bytes()
}
