package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/integration/launch"
)

// configured writes a configuration file.
func configured(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tombstone.yaml")
	must(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// fetch gets a page without a signature.
func fetch(t *testing.T, url string) (status int, page string) {
	t.Helper()
	answer, err := http.Get(url)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}

// A server that is set up by a file, whose commands read the same file.
func TestConfigFile(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	free, err := launch.FreeAddress()
	must(t, err)
	file := configured(t, fmt.Sprintf("data: %s\naddress: %s\nregion: eu-west-1\naccess-key: %s\nsecret-key: %s\ntls-self-signed: true\n",
		data, free, accessKey, secretKey))
	// The launcher's --address wins over the file's.
	server, err := launch.Start(binary, []string{"TOMBSTONE_CONFIG=" + file, "TOMBSTONE_TLS_SELF_SIGNED=false"})
	must(t, err)
	t.Cleanup(server.Kill)
	wantFault(t, newAWS(t, server.Endpoint).createBucket("bucket"), "400 AuthorizationHeaderMalformed") // signed for us-east-1
	address := strings.TrimPrefix(server.Endpoint, "http://")
	health := exec.Command(binary, "health", "--config", file, "--address", address, "--tls-self-signed=false")
	if out, err := health.CombinedOutput(); err != nil || string(out) != "ready\n" {
		t.Errorf("health: %q, %v", out, err)
	}
	must(t, server.Stop())
	if out, err := exec.Command(binary, "check", "--config", file).CombinedOutput(); err != nil || !strings.Contains(string(out), data) {
		t.Errorf("check: %s, %v", out, err)
	}
}

func TestConfigFileRefusals(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.yaml")
	for text, want := range map[string]string{
		"address: :1\ncolour: red\n":    ":2: colour: no such setting",
		"durability: fast\n":            `:1: durability "fast": neither sync nor relaxed`,
		"region: [a]\n":                 ":1: region: one value is needed",
		"address: \"unfinished\nx: y\n": "yaml: line",
	} {
		file := configured(t, text)
		if line := refusal(t, nil, "--config", file); !strings.Contains(line, want) || !strings.Contains(line, file) {
			t.Errorf("%q: refused with %q, want %q", text, line, want)
		}
	}
	if line := refusal(t, []string{"TOMBSTONE_CONFIG=" + none}); !strings.Contains(line, "--config: ") || !strings.Contains(line, none) {
		t.Errorf("a file that is not there: %q", line)
	}
}

// The figures tell of requests, buckets, index and process; no signature is needed
// on this machine, and the path is no bucket's.
func TestMetricsPage(t *testing.T) {
	server := startFor(t, "--data", t.TempDir())
	c := newAWS(t, server.Endpoint)
	must(t, c.createBucket("bucket"))
	must(t, c.setVersioning("bucket", "Enabled"))
	for i := range 3 {
		_, err := c.put("bucket", "k", content(i, 1000))
		must(t, err)
	}
	_, err := c.remove("bucket", "k", "")
	must(t, err)
	status, page := fetch(t, server.Endpoint+"/_/metrics")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, page)
	}
	for _, line := range []string{
		`tombstone_requests_total{code="",operation="PutObject",status="200"} 3`,
		`tombstone_bucket_noncurrent_versions{bucket="bucket"} 3`,
		`tombstone_bucket_delete_markers{bucket="bucket"} 1`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, figure := range []string{"tombstone_index_log_syncs_total", "tombstone_disk_free_bytes", "tombstone_index_memtable_bytes", "process_cpu_seconds_total"} {
		if value := regexp.MustCompile(`(?m)^` + figure + ` (\S+)$`).FindStringSubmatch(page); value == nil || value[1] == "0" {
			t.Errorf("%s is %v", figure, value)
		}
	}
	if seconds := regexp.MustCompile(`(?m)^tombstone_index_log_sync_seconds_total (\S+)$`).FindStringSubmatch(page); seconds == nil {
		t.Error("no time of syncs")
	} else if n, err := strconv.ParseFloat(seconds[1], 64); err != nil || n <= 0 || n > patience.Seconds() {
		t.Errorf("syncs took %s seconds", seconds[1])
	}
	if status, _ := fetch(t, server.Endpoint+"/_/other"); status != http.StatusNotFound {
		t.Errorf("another reserved path: %d", status)
	}
}

// Where standard error is no terminal the log is JSON, with a line for each
// request if that is asked for.
func TestAccessLogLines(t *testing.T) {
	server := startFor(t, "--memory", "--access-log", "--trusted-proxy", "127.0.0.1")
	must(t, newAWS(t, server.Endpoint).createBucket("bucket"))
	s := dial(t, server)
	s.say(head(t, server, "GET", "/bucket/some%20key?versionId=null", "User-Agent: raw", "X-Forwarded-For: 203.0.113.7"))
	if r := s.hear("GET"); r.status != 404 {
		t.Fatalf("answer %v", r)
	}
	s.say("GET /bucket/k?X-Amz-Signature=5ec4e7&Signature=5ec4e7 HTTP/1.1\r\nHost: x\r\n\r\n")
	s.hear("GET")
	must(t, server.Stop())
	var line map[string]any
	for _, text := range strings.Split(server.Output(), "\n") {
		if strings.Contains(text, `"user_agent":"raw"`) {
			must(t, json.Unmarshal([]byte(text), &line))
		}
	}
	for name, want := range map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "operation": "GetObject", "bucket": "bucket", "key": "some key",
		"version_id": "null", "status": 404.0, "code": "NoSuchVersion", "bytes_in": 0.0, "remote": "203.0.113.7", "access_key": accessKey,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	for _, name := range []string{"time", "request_id", "bytes_out", "duration"} {
		if line[name] == nil || line[name] == 0.0 || line[name] == "" {
			t.Errorf("%s is %v", name, line[name])
		}
	}
	if strings.Contains(server.Output(), "5ec4e7") {
		t.Errorf("a signature is logged:\n%s", server.Output())
	}
}

// Profiles have an address of their own, on loopback, and none by default.
func TestProfiles(t *testing.T) {
	address, err := launch.FreeAddress()
	must(t, err)
	server := startFor(t, "--memory", "--pprof", address)
	if status, page := fetch(t, "http://"+address+"/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(page, "goroutine profile") {
		t.Errorf("%d %s", status, page)
	}
	if status, _ := fetch(t, server.Endpoint+"/debug/pprof/"); status == http.StatusOK {
		t.Error("profiles stand where S3 does")
	}
	if line := refusal(t, nil, "--memory", "--pprof", "0.0.0.0:6060"); !strings.Contains(line, "loopback") {
		t.Errorf("refused with %q", line)
	}
	if line := refusal(t, nil, "--memory", "--address", "127.0.0.1:0", "--pprof", address); !strings.Contains(line, "--pprof "+address) {
		t.Errorf("refused with %q", line)
	}
}

// A command line written for MinIO's image works as it is.
func TestMinIOCommandLine(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, "server", data, "--address", strings.TrimPrefix(shared.Endpoint, "http://"), "--console-address", ":9001")
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"MINIO_ROOT_USER=minioadmin", "MINIO_ROOT_PASSWORD=minioadmin"}, &stdout, &stderr
	// The address is taken, so that it ends by itself; the rest was understood.
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(stderr.String(), "--address") {
		t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), stderr.String())
	}
	free, err := launch.FreeAddress()
	must(t, err)
	cmd = exec.Command(binary, "server", "--console-address", ":9001", "--address", free, data)
	cmd.Env = []string{"MINIO_ROOT_USER=" + accessKey, "MINIO_ROOT_PASSWORD=" + secretKey}
	server, err := launch.StartAt(free, cmd)
	must(t, err)
	t.Cleanup(server.Kill)
	must(t, newAWS(t, server.Endpoint).createBucket("bucket"))
	must(t, server.Stop())
	if !strings.Contains(server.Output(), "there is no console") {
		t.Errorf("nothing is said of the console:\n%s", server.Output())
	}
	must(t, check(data))
}
