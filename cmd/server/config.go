package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/seed61737384/tombstone/store"
)

// config is what the settings of "serve" come to.
type config struct {
	file          string // the configuration file, empty for none
	address       string
	data          string
	memory        bool
	testClock     bool
	clockAnywhere bool // a test clock is served to others than this machine
	domains       []string
	region        string // empty: any region is accepted
	durability    store.Durability
	minFree       int64 // as in store.Options: negative for no low-water mark
	keys          keyPair
	tlsCert       string
	tlsKey        string
	selfSigned    bool
	proxies       []netip.Prefix
	metricsPublic bool
	pprof         string
	accessLog     bool
	logLevel      slog.Level
	logFormat     string
	console       string
	identities    string // declarative file, empty for none
	secretsKey    string // key files, empty for those in the data folder
	forgetSecrets bool
	ledgerKey     string
	ledgerOldKeys []string
	noLedger      bool
	ledgerKept    time.Duration // 0: for ever
	transitions   bool          // lifecycle rules with transitions are kept
	forceDelete   bool          // a signed header makes DeleteBucket empty the bucket
	lifecycle     bool          // rules are applied without anybody asking for it

	lifecycleInterval time.Duration // between two passes over all buckets
	lifecycleSpread   time.Duration // after midnight over which what is due then is spread, 0: none
	lifecycleRate     int           // versions a second at most, 0: no limit

	remote remoteConfig // of the commands that talk to a running server
}

// secure reports whether the server speaks TLS.
func (c config) secure() bool { return c.selfSigned || c.tlsCert != "" }

// complete refuses settings that make no sense together.
func (c config) complete() error {
	switch {
	case c.tlsCert != "" && c.tlsKey == "":
		return errors.New("--tls-cert is set and --tls-key is not; set both or none")
	case c.tlsCert == "" && c.tlsKey != "":
		return errors.New("--tls-key is set and --tls-cert is not; set both or none")
	case c.tlsCert != "" && c.selfSigned:
		return errors.New("--tls-cert and --tls-self-signed are both set; one certificate is served")
	case c.clockAnywhere && !c.testClock:
		return errors.New("--test-clock-anywhere is set and --test-clock is not; set both or none")
	}
	return c.keys.complete()
}

// parseConfig reads the settings with the given flags; no flag names all. It
// accepts nothing but flags.
func parseConfig(p process, flags ...string) (config, error) {
	given, rest, err := parseFlags(p.args, choose(settings(), flags))
	if err != nil {
		return config{}, err
	}
	if len(rest) > 0 {
		return config{}, fmt.Errorf("unexpected argument %q; \"tombstone help\" lists the flags", rest[0])
	}
	return gather(p, given, flags)
}

// gather collects the settings with the given flags from the flags that were
// given, the environment, the configuration file and the defaults.
func gather(p process, given map[string]string, flags []string) (config, error) {
	c, err := collect(p, given, choose(settings(), flags))
	if err != nil {
		return config{}, err
	}
	return c, c.complete()
}

// collect is gather for any list of settings, which need not be complete.
func collect(p process, given map[string]string, list []setting) (config, error) {
	var c config
	var written map[string]entry
	for _, s := range list {
		source, value := s.lookup(given, p.env, written)
		if source == "" {
			continue
		}
		if err := s.apply(&c, value); err != nil {
			return config{}, s.fault(source, value, err)
		}
		if s.outside {
			var err error
			if written, err = readSettings(c.file); err != nil {
				return config{}, err
			}
		}
	}
	return c, nil
}

func choose(all []setting, flags []string) []setting {
	if len(flags) == 0 {
		return all
	}
	var chosen []setting
	for _, s := range all {
		for _, f := range flags {
			if s.flag == f || s.outside {
				chosen = append(chosen, s)
				break
			}
		}
	}
	return chosen
}

// parseFlags returns the values of the flags that args gives, the last one of each,
// and what is no flag.
func parseFlags(args []string, known []setting) (given map[string]string, rest []string, err error) {
	all, rest, err := parseAllFlags(args, known)
	if err != nil {
		err = fmt.Errorf("%w; \"tombstone help\" lists the flags", err)
	}
	return lastOf(all), rest, err
}

// lastOf returns the last value of each flag.
func lastOf(all map[string][]string) map[string]string {
	last := make(map[string]string, len(all))
	for name, values := range all {
		last[name] = values[len(values)-1]
	}
	return last
}

// parseAllFlags is parseFlags that returns all values of each flag.
func parseAllFlags(args []string, known []setting) (given map[string][]string, rest []string, err error) {
	given = make(map[string][]string)
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, s := range known {
		keep := func(value string) error {
			given[s.flag] = append(given[s.flag], value)
			return nil
		}
		if s.toggle {
			set.BoolFunc(s.flag, "", keep)
		} else {
			set.Func(s.flag, "", keep)
		}
	}
	for {
		if err := set.Parse(args); err != nil {
			return nil, nil, err
		}
		if set.NArg() == 0 {
			return given, rest, nil
		}
		rest, args = append(rest, set.Arg(0)), set.Args()[1:]
	}
}

// lookup returns the value of s and what gave it: a flag, a variable, a line of
// the configuration file, "default", or nothing.
func (s setting) lookup(given map[string]string, env func(string) string, written map[string]entry) (source, value string) {
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
	if e, ok := written[s.flag]; ok {
		return e.place, e.value
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
