package main

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store"
)

// given returns a process with the given arguments and variables.
func given(args string, env ...string) process {
	return process{args: strings.Fields(args), env: func(name string) string {
		for _, e := range env {
			if k, v, _ := strings.Cut(e, "="); k == name {
				return v
			}
		}
		return ""
	}}
}

func defaults() config {
	return config{
		address: "127.0.0.1:9000", data: "./data", minFree: store.DefaultMinFree, logLevel: slog.LevelInfo, logFormat: "auto",
		ledgerKept: 90 * 24 * time.Hour, lifecycle: true, lifecycleInterval: time.Hour,
	}
}

func TestParseConfig(t *testing.T) {
	tests := []struct {
		name string
		args string
		env  []string
		want func(*config)
	}{
		{name: "nothing", want: func(*config) {}},
		{name: "flag", args: "--address 0.0.0.0:0 --data /d", want: func(c *config) { c.address, c.data = "0.0.0.0:0", "/d" }},
		{name: "one dash, equals sign", args: "-address=[::1]:80", want: func(c *config) { c.address = "[::1]:80" }},
		{name: "all interfaces", args: "--address :9000", want: func(c *config) { c.address = ":9000" }},
		{name: "variable", env: []string{"TOMBSTONE_DATA=/v"}, want: func(c *config) { c.data = "/v" }},
		{name: "alias", env: []string{"MINIO_ADDRESS=:1", "MINIO_REGION=eu"}, want: func(c *config) { c.address, c.region = ":1", "eu" }},
		{name: "variable over alias", env: []string{"MINIO_REGION=eu", "TOMBSTONE_REGION=us"}, want: func(c *config) { c.region = "us" }},
		{name: "flag over variable", args: "--region here", env: []string{"MINIO_REGION=eu", "TOMBSTONE_REGION=us"},
			want: func(c *config) { c.region = "here" }},
		{name: "an empty variable counts as unset", env: []string{"TOMBSTONE_REGION=", "MINIO_REGION=eu"}, want: func(c *config) { c.region = "eu" }},
		{name: "memory as a flag", args: "--memory --data /d", want: func(c *config) { c.memory, c.data = true, "/d" }},
		{name: "memory as a variable", env: []string{"TOMBSTONE_MEMORY=1"}, want: func(c *config) { c.memory = true }},
		{name: "memory switched off again", args: "--memory=false", env: []string{"TOMBSTONE_MEMORY=1"}, want: func(*config) {}},
		{name: "domains", env: []string{"MINIO_DOMAIN=S3.example.org, s3.local"},
			want: func(c *config) { c.domains = []string{"s3.example.org", "s3.local"} }},
		{name: "a complete domain", env: []string{"TOMBSTONE_DOMAIN=s3.example.org."},
			want: func(c *config) { c.domains = []string{"s3.example.org"} }},
		{name: "relaxed", args: "--durability relaxed", want: func(c *config) { c.durability = store.Relaxed }},
		{name: "min free", args: "--min-free 3GiB", want: func(c *config) { c.minFree = 3 << 30 }},
		{name: "lifecycle off", args: "--lifecycle=false", want: func(c *config) { c.lifecycle = false }},
		{name: "lifecycle spread", args: "--lifecycle-spread 6h", want: func(c *config) { c.lifecycleSpread = 6 * time.Hour }},
		{name: "lifecycle by days", args: "--lifecycle-interval 2d --lifecycle-rate 50", want: func(c *config) { c.lifecycleInterval, c.lifecycleRate = 48*time.Hour, 50 }},
		{name: "min free off", args: "--min-free 0", want: func(c *config) { c.minFree = -1 }},
		{name: "log", args: "--log-level WARN --log-format json", want: func(c *config) { c.logLevel, c.logFormat = slog.LevelWarn, "json" }},
		{name: "keys of MinIO", env: []string{"MINIO_ROOT_USER=root", "MINIO_ROOT_PASSWORD=password"},
			want: func(c *config) { c.keys = keyPair{"root", "password"} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := defaults()
			test.want(&want)
			got, err := parseConfig(given(test.args, test.env...))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// A mistake is named by what gave it: a flag or a variable, and the value.
func TestParseConfigRefuses(t *testing.T) {
	tests := []struct {
		args string
		env  string
		want string
	}{
		{args: "--colour red", want: "-colour"},
		{args: "--address", want: "-address"},
		{args: "--address 9000", want: `--address "9000": not host:port`},
		{args: "--address host:http", want: `--address "host:http"`},
		{args: "--address :65536", want: `--address ":65536"`},
		{args: "--data=", want: `--data ""`},
		{env: "TOMBSTONE_MEMORY=perhaps", want: `TOMBSTONE_MEMORY "perhaps"`},
		{env: "MINIO_DOMAIN=a,,b", want: `MINIO_DOMAIN "a,,b"`},
		{args: "--domain http://a", want: `--domain "http://a"`},
		{args: "--domain *.a", want: `--domain "*.a"`},
		{args: "--domain a..b", want: `--domain "a..b"`},
		{args: "--domain bücher.example", want: `--domain "bücher.example"`},
		{args: "--region a/b", want: `--region "a/b"`},
		{args: "--durability fast", want: `--durability "fast": neither sync nor relaxed`},
		{args: "--lifecycle-interval 10ms", want: `--lifecycle-interval "10ms": shorter than a second`},
		{args: "--lifecycle-interval 1x", want: `--lifecycle-interval "1x": not a time`},
		{args: "--lifecycle-spread 25h", want: `--lifecycle-spread "25h": longer than a day`},
		{args: "--lifecycle-rate -1", want: `--lifecycle-rate "-1": not a number`},
		{args: "--lifecycle=maybe", want: `-lifecycle`},
		{args: "--min-free -1", want: `--min-free "-1": not a size`},
		{args: "--min-free 1.5GiB", want: `--min-free "1.5GiB"`},
		{args: "--min-free 9999999999GiB", want: `--min-free "9999999999GiB"`},
		{args: "--log-level loud", want: `--log-level "loud"`},
		{args: "--log-format xml", want: `--log-format "xml"`},
		{args: "--access-key ab --secret-key 12345678", want: `--access-key "ab": an access key has 3 to 128`},
		{args: "--access-key a/b --secret-key 12345678", want: `--access-key "a/b"`},
		{args: "--access-key abc", want: "--secret-key is not"},
		{env: "TOMBSTONE_SECRET_KEY=12345678", want: "--access-key is not"},
		{args: "serve", want: `unexpected argument "serve"`},
	}
	for _, test := range tests {
		_, err := parseConfig(given(test.args, test.env))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s%s: error %v, want %q in it", test.args, test.env, err, test.want)
		}
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	_, err := parseConfig(given("--access-key abc --secret-key seven77"))
	if err == nil || strings.Contains(err.Error(), "seven77") || !strings.Contains(err.Error(), "--secret-key") {
		t.Errorf("error %v, want one that names --secret-key and not its value", err)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	for _, s := range settings() {
		if s.initial == "" {
			continue
		}
		if err := s.apply(&config{}, s.initial); err != nil {
			t.Errorf("default of --%s: %v", s.flag, err)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "17B": 17, "2KiB": 2048, "256MiB": 256 << 20, "1GiB": 1 << 30, "3TiB": 3 << 40} {
		if n, err := parseSize(text); n != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, n, err, want)
		}
	}
	for _, text := range []string{"", "B", "MiB", "-1", "1MB", "1 MiB", "0x10", "9223372036854775808", "8388608TiB"} {
		if n, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, n)
		}
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	var out bytes.Buffer
	p := given("--help")
	p.stdout = &out
	if code := run(p); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for _, s := range settings() {
		for _, name := range []string{"--" + s.flag, s.env, s.alias} {
			if !strings.Contains(out.String(), name) {
				t.Errorf("help does not name %s", name)
			}
		}
	}
}

func TestAvailableMemory(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"container", map[string]string{"/sys/fs/cgroup/memory.max": "1048576\n", "/proc/meminfo": "MemTotal:  4096 kB\n"}, 1 << 20},
		{"container without limit", map[string]string{"/sys/fs/cgroup/memory.max": "max\n", "/proc/meminfo": "MemTotal:  4096 kB\nMemFree: 1 kB\n"}, 4 << 20},
		{"nothing stated", nil, 1<<63 - 1},
	}
	for _, test := range tests {
		read := func(name string) ([]byte, error) {
			if text, ok := test.files[name]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		}
		if n := availableMemory(read); n != test.want {
			t.Errorf("%s: %d, want %d", test.name, n, test.want)
		}
	}
}
