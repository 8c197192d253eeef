package integration

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed61737384/tombstone/integration/launch"
	"github.com/seed61737384/tombstone/store"
)

// refusal runs the binary, which is to refuse its arguments: exit code 2 and one
// line, which it returns.
func refusal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append([]string{"PATH=" + os.Getenv("PATH")}, env...), &stdout, &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("%q: exit code %d, want 2", args, code)
	}
	if stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("%q: printed %q and %q, want one line on standard error", args, stdout.String(), stderr.String())
	}
	return stderr.String()
}

func TestRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	loopback := strings.TrimPrefix(shared.Endpoint, "http://")
	for name, test := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"flag":               {args: []string{"--colour", "red"}, want: "-colour"},
		"value":              {args: []string{"--durability", "fast"}, want: `--durability "fast"`},
		"variable":           {env: []string{"TOMBSTONE_MIN_FREE=plenty"}, want: `TOMBSTONE_MIN_FREE "plenty"`},
		"command":            {args: []string{"begin"}, want: `unknown command "begin"`},
		"short secret":       {env: []string{"MINIO_ROOT_USER=root", "MINIO_ROOT_PASSWORD=short"}, want: "MINIO_ROOT_PASSWORD: "},
		"half a pair":        {args: []string{"--access-key", "someone"}, want: "--secret-key is not"},
		"data is a file":     {args: []string{"--data", file, "--address", "127.0.0.1:0"}, want: "--data " + file},
		"data of others":     {args: []string{"--data", filepath.Dir(file), "--address", "127.0.0.1:0"}, want: "--data " + filepath.Dir(file)},
		"address in use":     {args: []string{"--memory", "--address", loopback}, want: "--address " + loopback},
		"public default":     {args: []string{"--memory", "--address", "0.0.0.0:0", "--access-key", "tombstone", "--secret-key", "tombstone-secret"}, want: "default keys"},
		"check without data": {args: []string{"check", "--data", filepath.Join(filepath.Dir(file), "none")}, want: "--data"},
	} {
		t.Run(name, func(t *testing.T) {
			if line := refusal(t, test.env, test.args...); !strings.Contains(line, test.want) {
				t.Errorf("refused with %q, want %q in it", line, test.want)
			}
		})
	}
}

func TestOneProcessOwnsAFolder(t *testing.T) {
	data := t.TempDir()
	server := startFor(t, "--data", data)
	for _, args := range [][]string{{"--data", data, "--address", "127.0.0.1:0"}, {"check", "--data", data}} {
		if line := refusal(t, nil, args...); !strings.Contains(line, data) || !strings.Contains(line, "in use by another process") {
			t.Errorf("refused with %q, want one that names the folder and why", line)
		}
	}
	must(t, server.Stop())
	must(t, check(data))
}

func TestDefaultKeysOnLoopback(t *testing.T) {
	server, err := launch.Start(binary, nil, "--memory")
	must(t, err)
	t.Cleanup(server.Kill)
	must(t, withKeys(t, server, "tombstone", "tombstone-secret").createBucket("bucket"))
}

// withKeys returns a client that signs with other keys than those of this package.
func withKeys(t *testing.T, server *launch.Process, access, secret string) awsClient {
	o := newAWS(t, server.Endpoint).s3.Options()
	o.Credentials = credentials.NewStaticCredentialsProvider(access, secret, "")
	return awsClient{s3: s3.New(o)}
}

var bannerKeys = regexp.MustCompile(`(?m)^access key +(\S+)\nsecret key +(\S+)`)

// Where others reach the server a pair is made at the first start, shown once and
// kept.
func TestKeysAreMadeElsewhere(t *testing.T) {
	data := t.TempDir()
	begin := func() (server *launch.Process, access, secret string) {
		server, err := launch.Start(binary, nil, "--data", data, "--address", "0.0.0.0:0")
		must(t, err)
		t.Cleanup(server.Kill)
		keys := bannerKeys.FindStringSubmatch(server.Output())
		if keys == nil {
			t.Fatalf("no keys in the banner:\n%s", server.Output())
		}
		return server, keys[1], keys[2]
	}
	server, access, secret := begin()
	must(t, withKeys(t, server, access, secret).createBucket("bucket"))
	wantFault(t, withKeys(t, server, "tombstone", "tombstone-secret").createBucket("other"), "403 InvalidAccessKeyId")
	must(t, server.Stop())
	info, err := os.Stat(filepath.Join(data, "credentials"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kept with mode %v, %v", info.Mode(), err)
	}
	server, again, shown := begin()
	if again != access || strings.Contains(server.Output(), secret) {
		t.Errorf("second start: access key %s and secret %s shown, want %s and none", again, shown, access)
	}
	must(t, withKeys(t, server, access, secret).deleteBucket("bucket"))
}

// A secret stays out of everything that is printed, at the most talkative level.
func TestSecretsAreNotPrinted(t *testing.T) {
	server := startFor(t, "--memory", "--log-level", "debug", "--log-format", "json")
	c := newAWS(t, server.Endpoint)
	must(t, c.createBucket("bucket"))
	_, err := withKeys(t, server, accessKey, "another-secret").put("bucket", "k", nil)
	wantFault(t, err, "403 SignatureDoesNotMatch")
	must(t, server.Stop())
	out := server.Output()
	if !strings.Contains(out, `"msg":"stopped"`) {
		t.Errorf("the log is not the one expected:\n%s", out)
	}
	if strings.Contains(out, secretKey) || strings.Contains(out, "another-secret") {
		t.Errorf("a secret was printed:\n%s", out)
	}
}

// Anyone may ask how the server is, in our words and in MinIO's.
func TestHealthIsUnsigned(t *testing.T) {
	for _, path := range []string{"/_/health", "/_/health/live", "/_/health/ready", "/minio/health/live", "/minio/health/ready"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r, err := http.NewRequest(method, shared.Endpoint+path, nil)
			must(t, err)
			answer, err := http.DefaultClient.Do(r)
			must(t, err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s %s: %s", method, path, answer.Status)
			}
		}
	}
}

func TestHealthCommand(t *testing.T) {
	address := strings.TrimPrefix(shared.Endpoint, "http://")
	health := func(env ...string) (string, int) {
		cmd := exec.Command(binary, "health")
		cmd.Env = append(os.Environ(), env...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := health("TOMBSTONE_ADDRESS=" + address); code != 0 || out != "ready\n" {
		t.Errorf("a server that is ready: %q, exit code %d", out, code)
	}
	free, err := launch.FreeAddress()
	must(t, err)
	if out, code := health("TOMBSTONE_ADDRESS=" + free); code != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("no server: %q, exit code %d", out, code)
	}
}

func TestRegion(t *testing.T) {
	server := startFor(t, "--memory", "--region", "eu-west-1")
	c := newAWS(t, server.Endpoint)
	wantFault(t, c.createBucket("bucket"), "400 AuthorizationHeaderMalformed")
	o := c.s3.Options()
	o.Region = "eu-west-1"
	c = awsClient{s3: s3.New(o)}
	_, err := c.s3.ListBuckets(context.Background(), &s3.ListBucketsInput{})
	must(t, err)
}

// startsIn returns the shortest time of several starts to the first answer: what
// else the machine does makes it longer, never shorter.
func startsIn(t *testing.T, data string) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		server := startFor(t, "--data", data)
		best = min(best, server.Ready)
		must(t, server.Stop())
	}
	return best
}

// fill stores objects in a folder through the store itself.
func fill(t *testing.T, data string, objects int) {
	t.Helper()
	st, err := store.Open(data, store.Options{Durability: store.Relaxed})
	must(t, err)
	ctx := context.Background()
	_, err = st.CreateBucket(ctx, store.BucketSpec{Name: "bucket"})
	must(t, err)
	const hands = 8
	done := make(chan error, hands)
	for hand := range hands {
		go func() {
			var err error
			for i := hand; i < objects && err == nil; i += hands {
				body := strings.NewReader("0123456789")
				r := store.PutRequest{Bucket: "bucket", Key: fmt.Sprintf("folder-%03d/key-%d", i%100, i), Body: body, Size: body.Size()}
				_, err = st.Put(ctx, r)
			}
			done <- err
		}()
	}
	for range hands {
		must(t, <-done)
	}
	must(t, st.Close())
}

// A server answers at once, also with much to serve.
func TestStartIsFast(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("times are measured without the race detector, in a full run")
	}
	for _, test := range []struct {
		objects int
		limit   time.Duration
	}{{0, 100 * time.Millisecond}, {100_000, 300 * time.Millisecond}} {
		data := t.TempDir()
		if test.objects > 0 {
			fill(t, data, test.objects)
		}
		took := startsIn(t, data)
		t.Logf("%d objects: %v from start to first answer, at most %v", test.objects, took, test.limit)
		if took > test.limit {
			t.Errorf("%d objects: %v to the first answer, at most %v", test.objects, took, test.limit)
		}
	}
}
