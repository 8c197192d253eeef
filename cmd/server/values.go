package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store"
)

func setAddress(c *config, v string) error {
	if err := checkAddress(v); err != nil {
		return err
	}
	c.address = v
	return nil
}

func checkAddress(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return errors.New("not host:port")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port is not a number from 0 to 65535")
	}
	return nil
}

// setPprof takes an address of loopback only: a profile shows keys and contents.
func setPprof(c *config, v string) error {
	if err := checkAddress(v); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(v)
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("not an address of loopback")
	}
	c.pprof = v
	return nil
}

// setConsoleAddress takes what command lines written for MinIO give.
func setConsoleAddress(c *config, v string) error {
	c.console = v
	return nil
}

// setTrustedProxies reads addresses and networks.
func setTrustedProxies(c *config, v string) error {
	c.proxies = nil
	for _, text := range strings.Split(v, ",") {
		text = strings.TrimSpace(text)
		if one, err := netip.ParseAddr(text); err == nil {
			one = one.Unmap().WithZone("")
			c.proxies = append(c.proxies, netip.PrefixFrom(one, one.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		c.proxies = append(c.proxies, network.Masked())
	}
	return nil
}

// setSwitch returns what sets a switch of the configuration.
func setSwitch(field func(*config) *bool) func(*config, string) error {
	return func(c *config, v string) error {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return errors.New("neither true nor false")
		}
		*field(c) = on
		return nil
	}
}

// setFile returns what sets the name of a file or folder.
func setFile(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		if v == "" {
			return errors.New("a name is needed")
		}
		*field(c) = v
		return nil
	}
}

func setDomains(c *config, v string) error {
	for _, d := range strings.Split(v, ",") {
		d = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(d)), ".")
		if !domainName.MatchString(d) {
			return fmt.Errorf("%q is not a domain", d)
		}
		c.domains = append(c.domains, d)
	}
	return nil
}

// domainName is what a Host header can be; one with other letters is written in Punycode.
var domainName = regexp.MustCompile(`^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$`)

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

func setLedger(c *config, v string) error {
	on, err := strconv.ParseBool(v)
	if err != nil {
		return errors.New("neither true nor false")
	}
	c.noLedger = !on
	return nil
}

// setLedgerOldKeys reads the names of files.
func setLedgerOldKeys(c *config, v string) error {
	c.ledgerOldKeys = nil
	for _, name := range strings.Split(v, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return errors.New("each name of a file is needed")
		}
		c.ledgerOldKeys = append(c.ledgerOldKeys, name)
	}
	return nil
}

func setLedgerRetention(c *config, v string) (err error) {
	c.ledgerKept, err = parseDays(v)
	return err
}

func setLifecycleInterval(c *config, v string) error {
	d, err := parseDays(v)
	if err == nil && d < time.Second {
		err = errors.New("shorter than a second")
	}
	c.lifecycleInterval = d
	return err
}

// setLifecycleSpread takes a part of a day.
func setLifecycleSpread(c *config, v string) error {
	d, err := parseDays(v)
	if err == nil && d > 24*time.Hour {
		err = errors.New("longer than a day")
	}
	c.lifecycleSpread = d
	return err
}

// maxLifecycleRate is far more than any machine does.
const maxLifecycleRate = 1_000_000_000

func setLifecycleRate(c *config, v string) error {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || n > maxLifecycleRate {
		return errors.New("not a number of versions a second")
	}
	c.lifecycleRate = int(n)
	return nil
}

// parseDays reads a time as Go writes it, or a number of days.
func parseDays(v string) (time.Duration, error) {
	const day = 24 * time.Hour
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, errors.New("not a number of days such as 90d")
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return 0, errors.New("not a time such as 12h or 90d")
	}
	return d, nil
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
	if v != "auto" && v != "text" && v != "json" {
		return errors.New("none of auto, text, json")
	}
	c.logFormat = v
	return nil
}
