package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the table of settings in docs/operations.md")

// samples are a value of each setting that is not its default.
var samples = map[string]string{
	"address": "127.0.0.1:1", "data": "/d", "memory": "true", "domain": "s3.test,s3.local", "region": "eu-west-1",
	"durability": "relaxed", "min-free": "1GiB", "access-key": "some-key", "secret-key": "some-secret",
	"tls-cert": "/c", "tls-key": "/k", "tls-self-signed": "true", "trusted-proxy": "10.0.0.0/8,::1",
	"metrics-public": "true", "pprof": "127.0.0.1:6060", "access-log": "true", "log-level": "warn", "log-format": "json",
	"console-address": ":9001", "identities": "/i", "secrets-key": "/s", "ledger": "false", "ledger-key": "/l",
	"ledger-old-keys": "/m,/n", "forget-secrets": "true", "ledger-retention": "7d", "accept-transitions": "true",
	"allow-force-delete": "true", "lifecycle": "false", "lifecycle-interval": "10m", "lifecycle-spread": "6h", "lifecycle-rate": "500",
	"test-clock": "true", "test-clock-anywhere": "true",
}

// others are what a setting is not complete without.
var others = map[string][]string{
	"access-key": {"secret-key"}, "secret-key": {"access-key"}, "tls-cert": {"tls-key"}, "tls-key": {"tls-cert"},
	"test-clock-anywhere": {"test-clock"},
}

// Every setting can be given by its flag, by its variable, by MinIO's name for it
// and in the file, and comes to the same.
func TestEverySettingInEveryWay(t *testing.T) {
	for _, s := range settings() {
		if s.outside {
			continue
		}
		value, ok := samples[s.flag]
		if !ok {
			t.Errorf("no sample of --%s", s.flag)
			continue
		}
		var rest string // given by flags in each case
		for _, name := range others[s.flag] {
			rest += fmt.Sprintf(" --%s=%s", name, samples[name])
		}
		want, err := parseConfig(given("--" + s.flag + "=" + value + rest))
		if err != nil {
			t.Errorf("--%s: %v", s.flag, err)
			continue
		}
		if without, _ := parseConfig(given(rest)); reflect.DeepEqual(want, without) {
			t.Errorf("--%s %s changes nothing", s.flag, value)
		}
		file := configFile(t, s.flag+": "+quoted(value))
		ways := map[string]process{
			"variable": given(rest, s.env+"="+value),
			"file":     given(rest + " --config " + file),
		}
		if s.alias != "" {
			ways["alias"] = given(rest, s.alias+"="+value)
		}
		if s.list {
			ways["list"] = given(rest + " --config " + configFile(t, s.flag+": ["+quoted(strings.ReplaceAll(value, ",", "', '"))+"]"))
		}
		for way, p := range ways {
			got, err := parseConfig(p)
			got.file = ""
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("--%s by %s: %+v, %v\nwant %+v", s.flag, way, got, err, want)
			}
		}
	}
}

func quoted(value string) string { return "'" + value + "'" }

// configFile returns the name of a new configuration file.
func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPrecedence(t *testing.T) {
	file := configFile(t, "# a comment\nregion: from-file\nmemory: true\n")
	tests := []struct {
		args string
		env  []string
		want string
	}{
		{"--config " + file, nil, "from-file"},
		{"", []string{"TOMBSTONE_CONFIG=" + file}, "from-file"},
		{"--config " + file, []string{"MINIO_REGION=from-alias"}, "from-alias"},
		{"--config " + file, []string{"MINIO_REGION=from-alias", "TOMBSTONE_REGION=from-variable"}, "from-variable"},
		{"--region from-flag --config " + file, []string{"TOMBSTONE_REGION=from-variable"}, "from-flag"},
		{"--config " + file, []string{"TOMBSTONE_REGION="}, "from-file"},
		{"--config " + file, []string{"TOMBSTONE_CONFIG=/none"}, "from-file"},
	}
	for _, test := range tests {
		c, err := parseConfig(given(test.args, test.env...))
		if err != nil || c.region != test.want || !c.memory || c.address != "127.0.0.1:9000" {
			t.Errorf("%s %v: %+v, %v; want region %s", test.args, test.env, c, err, test.want)
		}
	}
	if c, err := parseConfig(given("--memory=false --config " + file)); err != nil || c.memory {
		t.Errorf("a flag does not switch off what the file switches on: %v", err)
	}
	if c, err := parseConfig(given("--config "+file), "address"); err != nil || c.region != "" {
		t.Errorf("a command that takes an address alone: %+v, %v", c, err)
	}
}

// A mistake in the file is named by file, line and key, and a secret is not
// repeated.
func TestFileRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "address: :1\n\ncolour: red", ":3: colour: no such setting"},
		{"the file in the file", "config: x", ":1: config: no such setting"},
		{"wrong value", "memory: true\ndurability: fast", `:2: durability "fast": neither sync nor relaxed`},
		{"wrong type", "address: {host: a}", ":1: address: one value is needed"},
		{"a list of one value", "region: [a, b]", ":1: region: one value is needed"},
		{"a list in a list", "domain: [a, [b]]", ":1: domain: a list of values is needed"},
		{"no value", "region:", ":1: region: one value is needed"},
		{"twice", "region: a\nregion: b", ":2: region: given twice"},
		{"an alias", "region: &a x\ndata: *a", ":2: data: one value is needed"},
		{"no mapping", "- address", `:1: not a list of "setting: value"`},
		{"no YAML", "address: :1\n\tdata: x", "line 2"},
		{"two documents", "region: a\n---\nregion: b", "more than one document"},
		{"a secret", "access-key: abc\nsecret-key: seven77", ":2: secret-key: a secret key has"},
		{"half a pair", "access-key: abc", "--secret-key is not"},
	}
	for _, test := range tests {
		file := configFile(t, test.text)
		_, err := parseConfig(given("--config " + file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
			continue
		}
		if test.name != "half a pair" && !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "seven77") {
			t.Errorf("%s: %v: want the file, and no secret", test.name, err)
		}
	}
	for _, name := range []string{"/no/such/file", t.TempDir()} {
		if _, err := parseConfig(given("--config " + name)); err == nil || !strings.Contains(err.Error(), "--config: ") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := parseConfig(given("--config " + configFile(t, "# nothing\n"))); err != nil || c.address != "127.0.0.1:9000" {
		t.Errorf("a file that sets nothing: %v", err)
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{"", "address: :1", "domain: [a, b]", "a: &x [*x]", "- 1", "? {a: b}\n: c", "memory: !!bool yes", "---\n---\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseSettings("file", text, settings())
		if err != nil && len(entries) > 0 {
			t.Errorf("settings and an error: %v", err)
		}
		for key, e := range entries {
			if !strings.HasSuffix(e.place, ": "+key) {
				t.Errorf("%q stands at %q", key, e.place)
			}
		}
	})
}

const (
	tableBegins = "<!-- settings: kept true by cmd/server, rewritten with -rewrite -->\n"
	tableEnds   = "<!-- end of settings -->"
)

// settingsTable is the table of settings as docs/operations.md has it.
func settingsTable() string {
	var b strings.Builder
	b.WriteString("| Flag, and key of the file | Variables | Default | Meaning |\n|---|---|---|---|\n")
	for _, s := range settings() {
		names := "`" + s.env + "`"
		if s.alias != "" {
			names += ", `" + s.alias + "`"
		}
		initial := ""
		if s.initial != "" {
			initial = "`" + s.initial + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", s.flag, names, initial, s.help)
	}
	return b.String()
}

func TestDocumentedSettings(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "operations.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no table of settings", name)
	}
	if table == settingsTable() {
		return
	}
	if !*rewrite {
		t.Fatalf("the table of settings in %s is not the one of settings.go; run this test with -rewrite", name)
	}
	if err := os.WriteFile(name, []byte(before+tableBegins+settingsTable()+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

var flagName = regexp.MustCompile(`tombstone[^\n` + "`" + `]* --([a-z-]+)|` + "`--([a-z-]+)")

// The README names no flag that is not there.
func TestReadmeFlagsExist(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, s := range settings() {
		known[s.flag] = true
	}
	for _, m := range flagName.FindAllStringSubmatch(string(page), -1) {
		if name := m[1] + m[2]; !known[name] {
			t.Errorf("README.md names --%s, which is not there", name)
		}
	}
}

// A person at a terminal reads text, a program anywhere else JSON, unless told
// otherwise.
func TestLogFormats(t *testing.T) {
	for _, test := range []struct {
		format         string
		terminal, json bool
	}{
		{"auto", true, false}, {"auto", false, true}, {"text", true, false}, {"text", false, false}, {"json", true, true}, {"json", false, true},
	} {
		var out strings.Builder
		config{logFormat: test.format}.logger(&out, test.terminal).Info("message")
		if strings.HasPrefix(out.String(), "{") != test.json {
			t.Errorf("%s, terminal %v: %s", test.format, test.terminal, out.String())
		}
	}
}
