package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

// config is what the settings of "serve" come to.
type config struct {
	address    string
	data       string
	memory     bool
	domains    []string
	region     string // empty: any region is accepted
	durability store.Durability
	minFree    int64 // as in store.Options: negative for no low-water mark
	keys       keyPair
	logLevel   slog.Level
	logJSON    bool
}

// setting is one thing that can be set: by a flag, by a TOMBSTONE_* variable or
// by the name MinIO gives it, in this order. An empty variable counts as unset,
// since compose files pass variables on that nobody set.
type setting struct {
	flag    string
	env     string
	alias   string // MinIO's name, or empty
	initial string // the default as text; empty: none
	toggle  bool   // --flag alone means true
	secret  bool   // its value is never printed
	help    string
	apply   func(*config, string) error
}

func settings() []setting {
	return []setting{
		{flag: "address", env: "TOMBSTONE_ADDRESS", alias: "MINIO_ADDRESS", initial: "127.0.0.1:9000", apply: setAddress,
			help: "host:port to listen on; port 0 picks a free one"},
		{flag: "data", env: "TOMBSTONE_DATA", initial: "./data", apply: setData,
			help: "folder that holds everything; made if missing"},
		{flag: "memory", env: "TOMBSTONE_MEMORY", initial: "false", toggle: true, apply: setMemory,
			help: "keep everything in memory and nothing after the end"},
		{flag: "domain", env: "TOMBSTONE_DOMAIN", alias: "MINIO_DOMAIN", apply: setDomains,
			help: "domains, separated by commas, under which bucket.domain names a bucket"},
		{flag: "region", env: "TOMBSTONE_REGION", alias: "MINIO_REGION", apply: setRegion,
			help: "the only region that signatures may name (any if not set; answers say us-east-1)"},
		{flag: "durability", env: "TOMBSTONE_DURABILITY", initial: "sync", apply: setDurability,
			help: "sync: an answered write is on disk; relaxed: the last second can be lost at power cut"},
		{flag: "min-free", env: "TOMBSTONE_MIN_FREE", initial: "256MiB", apply: setMinFree,
			help: "free disk space below which bodies are refused with 507; 0 turns this off"},
		{flag: "access-key", env: "TOMBSTONE_ACCESS_KEY", alias: "MINIO_ROOT_USER", apply: setAccessKey,
			help: "access key, 3 to 128 characters"},
		{flag: "secret-key", env: "TOMBSTONE_SECRET_KEY", alias: "MINIO_ROOT_PASSWORD", secret: true, apply: setSecretKey,
			help: "secret key, at least 8 characters; better given by the variable, which ps does not show"},
		{flag: "log-level", env: "TOMBSTONE_LOG_LEVEL", initial: "info", apply: setLogLevel,
			help: "debug, info, warn or error"},
		{flag: "log-format", env: "TOMBSTONE_LOG_FORMAT", initial: "text", apply: setLogFormat,
			help: "text or json"},
	}
}

// parseConfig reads the settings with the given flags; no flag names all. It
// accepts nothing but flags.
func parseConfig(p process, flags ...string) (config, error) {
	chosen := choose(settings(), flags)
	given, err := parseFlags(p.args, chosen)
	if err != nil {
		return config{}, err
	}
	var c config
	for _, s := range chosen {
		source, value := s.lookup(given, p.env)
		if source == "" {
			continue
		}
		if err := s.apply(&c, value); err != nil {
			return config{}, s.fault(source, value, err)
		}
	}
	return c, c.keys.complete()
}

func choose(all []setting, flags []string) []setting {
	if len(flags) == 0 {
		return all
	}
	var chosen []setting
	for _, s := range all {
		for _, f := range flags {
			if s.flag == f {
				chosen = append(chosen, s)
			}
		}
	}
	return chosen
}

// parseFlags returns the values of the flags that args gives.
func parseFlags(args []string, known []setting) (map[string]string, error) {
	given := make(map[string]string)
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, s := range known {
		keep := func(value string) error {
			given[s.flag] = value
			return nil
		}
		if s.toggle {
			set.BoolFunc(s.flag, "", keep)
		} else {
			set.Func(s.flag, "", keep)
		}
	}
	if err := set.Parse(args); err != nil {
		return nil, fmt.Errorf("%w; \"tombstone help\" lists the flags", err)
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; \"tombstone help\" lists the flags", set.Arg(0))
	}
	return given, nil
}

// lookup returns the value of s and what gave it: a flag, a variable, "default",
// or nothing.
func (s setting) lookup(given map[string]string, env func(string) string) (source, value string) {
	if v, ok := given[s.flag]; ok {
		return "--" + s.flag, v
	}
	for _, name := range []string{s.env, s.alias} {
		if name == "" {
			continue
		}
		if v := env(name); v != "" {
			return name, v
		}
	}
	if s.initial != "" {
		return "default", s.initial
	}
	return "", ""
}

// fault says which setting is wrong, where it was given and why.
func (s setting) fault(source, value string, why error) error {
	if s.secret {
		return fmt.Errorf("%s: %w", source, why)
	}
	return fmt.Errorf("%s %q: %w", source, value, why)
}

func printSettings(w io.Writer, all []setting) {
	for _, s := range all {
		names := s.env
		if s.alias != "" {
			names += " [" + s.alias + "]"
		}
		if s.initial != "" && !s.toggle {
			names += ", default " + s.initial
		}
		fmt.Fprintf(w, "  --%-12s %s\n  %14s %s\n", s.flag, s.help, "", names)
	}
}

func setAddress(c *config, v string) error {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return errors.New("not host:port")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port is not a number from 0 to 65535")
	}
	c.address = v
	return nil
}

func setData(c *config, v string) error {
	if v == "" {
		return errors.New("a folder is needed")
	}
	c.data = v
	return nil
}

func setMemory(c *config, v string) error {
	on, err := strconv.ParseBool(v)
	if err != nil {
		return errors.New("neither true nor false")
	}
	c.memory = on
	return nil
}

func setDomains(c *config, v string) error {
	for _, d := range strings.Split(v, ",") {
		d = strings.ToLower(strings.TrimSpace(d))
		if d == "" || strings.ContainsAny(d, "/: ") || strings.HasPrefix(d, ".") {
			return fmt.Errorf("%q is not a domain", d)
		}
		c.domains = append(c.domains, d)
	}
	return nil
}

func setRegion(c *config, v string) error {
	if strings.ContainsAny(v, "/ ,") {
		return errors.New("not the name of a region")
	}
	c.region = v
	return nil
}

func setDurability(c *config, v string) error {
	switch v {
	case "sync":
		c.durability = store.Sync
	case "relaxed":
		c.durability = store.Relaxed
	default:
		return errors.New("neither sync nor relaxed")
	}
	return nil
}

func setMinFree(c *config, v string) error {
	n, err := parseSize(v)
	if err != nil {
		return err
	}
	c.minFree = n
	if n == 0 {
		c.minFree = -1 // zero means the store's default there
	}
	return nil
}

// sizeUnits are the units of a size, longest first so that "KiB" is not read as
// "B".
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1},
}

// parseSize reads a number of bytes: digits, then a unit or none.
func parseSize(v string) (int64, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(v, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, errors.New("not a size such as 268435456 or 256MiB")
}

func setLogLevel(c *config, v string) error {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(v, l.String()) {
			c.logLevel = l
			return nil
		}
	}
	return errors.New("none of debug, info, warn, error")
}

func setLogFormat(c *config, v string) error {
	if v != "text" && v != "json" {
		return errors.New("neither text nor json")
	}
	c.logJSON = v == "json"
	return nil
}

// logger returns the log that the settings ask for.
func (c config) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.logLevel}
	if c.logJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
