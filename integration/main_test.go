package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/integration/launch"
)

const (
	accessKey = "integration"
	secretKey = "integration-secret"
)

// The binary under test, and the server that tests share. They are set before
// the first test and not changed afterwards.
var (
	binary string
	shared *launch.Process
)

// waiting is how many tests may play beside one for each processor: what clients and
// suites do is waiting, in part.
const waiting = 2

func TestMain(m *testing.M) {
	if err := setParallel(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// setParallel sets how many tests play at once, unless -parallel says it.
func setParallel() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)+waiting))
}

func runAll(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "tombstone-integration-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	if binary, err = launch.Build(context.Background(), folder, buildFlags...); err != nil {
		return 0, err
	}
	data := folder + "/data"
	if shared, err = start("--data", data); err != nil {
		return 0, err
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		return 0, err
	}
	if code == 0 {
		return 0, check(data)
	}
	return code, nil
}

// start starts the binary with the keys of this package.
func start(args ...string) (*launch.Process, error) {
	env := []string{"TOMBSTONE_ACCESS_KEY=" + accessKey, "TOMBSTONE_SECRET_KEY=" + secretKey}
	return launch.Start(binary, env, args...)
}

// startFor starts a server of its own for one test, which ends with the test.
func startFor(t *testing.T, args ...string) *launch.Process {
	t.Helper()
	p, err := start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// check runs the offline check on a folder that no server has open. Damage is an
// error with the report.
func check(data string) error {
	out, err := exec.Command(binary, "check", "--data", data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tombstone check: %w\n%s", err, out)
	}
	return nil
}

var bucketCount atomic.Int64

// bucketName returns a name that no other test uses.
func bucketName(t *testing.T) string {
	t.Helper()
	clean := func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}
	name := strings.Map(clean, strings.TrimPrefix(t.Name(), "Test"))
	return fmt.Sprintf("%.40s-%d", name, bucketCount.Add(1))
}

// must ends the test if a step it rests on failed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
