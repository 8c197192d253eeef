package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
)

// program returns the path of a client program, in the environment that
// TOMBSTONE_CLIENTS_VENV names or on the PATH. Without it the test is skipped, or
// fails where TOMBSTONE_CLIENTS_REQUIRED=1 says that all clients are there.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short: client programs play in the whole run only")
	}
	if venv := os.Getenv("TOMBSTONE_CLIENTS_VENV"); venv != "" {
		if path, err := exec.LookPath(filepath.Join(venv, "bin", name)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		absent(t, name+" is not installed")
	}
	return path
}

// installation is one of the versions in which a client program is installed.
type installation struct{ path, version string }

// installations returns a client program in all versions that are in the
// environment of TOMBSTONE_CLIENTS_VENV and on the PATH: one of each that
// distinct tells apart. There is at least one, or the test ends as program says.
func installations(t *testing.T, name, versionArg string, distinct func(version string) string) []installation {
	t.Helper()
	var found []installation
	seen := make(map[string]bool)
	for _, i := range asked.all(t, name, versionArg) {
		if key := distinct(i.version); !seen[key] {
			seen[key] = true
			found = append(found, i)
		}
	}
	return found
}

// asked remembers what programs said of their versions, which takes some of them a
// second.
var asked = askedPrograms{versions: make(map[string]string)}

type askedPrograms struct {
	mu       sync.Mutex        // protects versions
	versions map[string]string // by the path of a program
}

// all returns every installation of a program, once for each file.
func (a *askedPrograms) all(t *testing.T, name, versionArg string) (found []installation) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	paths := []string{program(t, name)}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		paths = append(paths, filepath.Join(folder, name))
	}
	files := make(map[string]bool)
	for _, path := range paths {
		file, err := filepath.EvalSymlinks(path) // /bin is /usr/bin on most machines
		if _, missing := exec.LookPath(path); missing != nil || err != nil || files[file] {
			continue
		}
		files[file] = true
		if a.versions[path] == "" {
			out, err := exec.Command(path, versionArg).CombinedOutput()
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", path, versionArg, err, out)
			}
			a.versions[path] = versionIn(string(out))
		}
		found = append(found, installation{path: path, version: a.versions[path]})
	}
	return found
}

// folder returns the folder with a client library that a variable names.
func folder(t *testing.T, variable, library string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		absent(t, variable+" names no folder with "+library)
	}
	return path
}

func absent(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TOMBSTONE_CLIENTS_REQUIRED") == "1" {
		t.Fatal(why)
	}
	report.skip(t, why)
	t.Skip(why)
}

// run runs a client program against the shared server. It gets its keys by the
// environment and finds no configuration of the machine's user.
func run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun ends the test if a client program fails, and returns what it printed.
func mustRun(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := run(t, env, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", filepath.Base(name), args, err, tailOf(out))
	}
	t.Logf("%s", tailOf(out))
	return out
}

// wantFailure reports a client program that succeeds, or fails without the text.
func wantFailure(t *testing.T, text string, env []string, name string, args ...string) {
	t.Helper()
	out, err := run(t, env, name, args...)
	if err == nil || !strings.Contains(out, text) {
		t.Errorf("%s %q: %v, want a failure with %q\n%s", filepath.Base(name), args, err, text, tailOf(out))
	}
}

// versionIn returns the first word of a program's output that begins with a
// digit, or with "v" and a digit: most programs print their version so.
func versionIn(out string) string {
	found := regexp.MustCompile(`\bv?([0-9]+\.[0-9][^\s,;()]*)`).FindStringSubmatch(out)
	if found == nil {
		return "unknown"
	}
	return found[1]
}

// tailOf returns the last lines of what a program printed.
func tailOf(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// contents is what a bucket holds.
type contents struct{ keys, versions, markers int }

// wantContents compares what a bucket holds.
func wantContents(t *testing.T, bucket string, want contents) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	keys, _, err := c.keys(bucket, listing{})
	must(t, err)
	entries, _, err := c.versions(bucket, listing{})
	must(t, err)
	got := contents{keys: len(keys)}
	for _, e := range entries {
		if e.marker {
			got.markers++
		} else {
			got.versions++
		}
	}
	if got != want {
		t.Errorf("%s holds %+v, want %+v", bucket, got, want)
	}
}

func wantNoBucket(t *testing.T, bucket string) {
	t.Helper()
	if has, err := newMinio(t, shared.Endpoint, minio.Options{}).hasBucket(bucket); has || err != nil {
		t.Errorf("%s is there: %v, %v", bucket, has, err)
	}
}

// seededBucket makes a bucket of many keys. In a versioned one each has two
// versions, and a bucket that is to be suspended holds one of each kind: a
// version with an id below the null version.
func seededBucket(t *testing.T, status string) string {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	if status == "" {
		seed(t, c, bucket, many, 1)
		return bucket
	}
	must(t, c.setVersioning(bucket, "Enabled"))
	seed(t, c, bucket, many, 1)
	must(t, c.setVersioning(bucket, status))
	seed(t, c, bucket, many, 1)
	return bucket
}

// hide adds a delete marker to each key of a bucket.
func hide(t *testing.T, bucket string) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	keys, _, err := c.keys(bucket, listing{})
	must(t, err)
	var targets []target
	for _, k := range keys {
		targets = append(targets, target{key: k})
	}
	_, err = c.removeMany(bucket, targets)
	must(t, err)
}
