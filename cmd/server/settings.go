package main

import (
	"fmt"
	"io"
)

// setting is one thing that can be set: by a flag, by a TOMBSTONE_* variable, by
// the name MinIO gives it, or in the configuration file under the name of the flag;
// the first of these that gives it counts. An empty variable counts as unset, since
// compose files pass variables on that nobody set.
type setting struct {
	flag    string
	env     string
	alias   string // MinIO's name, or empty
	initial string // the default as text; empty: none
	toggle  bool   // --flag alone means true
	list    bool   // several values, separated by commas; in the file a list too
	secret  bool   // its value is never printed
	outside bool   // cannot stand in the file
	help    string
	apply   func(*config, string) error
}

// settings is THE TABLE of all that can be set. The help, docs/operations.md and
// the tests follow it.
func settings() []setting {
	return []setting{
		{flag: "config", env: "TOMBSTONE_CONFIG", outside: true, apply: setFile(func(c *config) *string { return &c.file }),
			help: "YAML file with these settings, by the names of their flags"},
		{flag: "address", env: "TOMBSTONE_ADDRESS", alias: "MINIO_ADDRESS", initial: "127.0.0.1:9000", apply: setAddress,
			help: "host:port to listen on; port 0 picks a free one"},
		{flag: "data", env: "TOMBSTONE_DATA", alias: "MINIO_VOLUMES", initial: "./data", apply: setFile(func(c *config) *string { return &c.data }),
			help: "folder that holds everything; made if missing"},
		{flag: "memory", env: "TOMBSTONE_MEMORY", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.memory }),
			help: "keep everything in memory and nothing after the end"},
		{flag: "test-clock", env: "TOMBSTONE_TEST_CLOCK", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.testClock }),
			help: "let the clock of a new folder be set, for ever, which ends its locks; for tests, served on loopback only"},
		{flag: "test-clock-anywhere", env: "TOMBSTONE_TEST_CLOCK_ANYWHERE", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.clockAnywhere }),
			help: "serve a folder with a test clock on any address"},
		{flag: "domain", env: "TOMBSTONE_DOMAIN", alias: "MINIO_DOMAIN", list: true, apply: setDomains,
			help: "domains, separated by commas, under which bucket.domain names a bucket"},
		{flag: "region", env: "TOMBSTONE_REGION", alias: "MINIO_REGION", apply: setRegion,
			help: "the only region that signatures may name and buckets may be in, others are redirected (any if not set; answers say us-east-1)"},
		{flag: "durability", env: "TOMBSTONE_DURABILITY", initial: "sync", apply: setDurability,
			help: "sync: an answered write is on disk; relaxed: the last second can be lost with the process or the machine"},
		{flag: "min-free", env: "TOMBSTONE_MIN_FREE", initial: "256MiB", apply: setMinFree,
			help: "free disk space that a body has to leave, else it is refused with 507; 0: what fits is stored"},
		{flag: "access-key", env: "TOMBSTONE_ACCESS_KEY", alias: "MINIO_ROOT_USER", apply: setAccessKey,
			help: "access key, 3 to 128 characters"},
		{flag: "secret-key", env: "TOMBSTONE_SECRET_KEY", alias: "MINIO_ROOT_PASSWORD", secret: true, apply: setSecretKey,
			help: "secret key, at least 8 characters; better not as a flag, which ps shows"},
		{flag: "identities", env: "TOMBSTONE_IDENTITIES", apply: setFile(func(c *config) *string { return &c.identities }),
			help: "YAML file of accounts, users, access keys, policies and MFA devices, applied at each start"},
		{flag: "secrets-key", env: "TOMBSTONE_SECRETS_KEY", apply: setFile(func(c *config) *string { return &c.secretsKey }),
			help: "file of 64 hex digits that seals stored secrets (secrets.key in the data folder, made if missing)"},
		{flag: "forget-secrets", env: "TOMBSTONE_FORGET_SECRETS", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.forgetSecrets }),
			help: "start without the key that sealed the stored secrets: drops the access keys and MFA devices it sealed"},
		{flag: "ledger", env: "TOMBSTONE_LEDGER", initial: "true", toggle: true, apply: setLedger,
			help: "record every removed version, and what decides about removing, in the deletion ledger"},
		{flag: "ledger-key", env: "TOMBSTONE_LEDGER_KEY", apply: setFile(func(c *config) *string { return &c.ledgerKey }),
			help: "file that signs the ledger's seals: Ed25519 in PEM, or hex (ledger.key in the data folder, made if missing)"},
		{flag: "ledger-old-keys", env: "TOMBSTONE_LEDGER_OLD_KEYS", list: true, apply: setLedgerOldKeys,
			help: "files, separated by commas, of keys that signed seals before --ledger-key: they verify those and sign nothing"},
		{flag: "ledger-retention", env: "TOMBSTONE_LEDGER_RETENTION", initial: "90d", apply: setLedgerRetention,
			help: "for how long the ledger is kept at least, such as 12h or 90d; 0: for ever"},
		{flag: "lifecycle", env: "TOMBSTONE_LIFECYCLE", initial: "true", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.lifecycle }),
			help: "do what the lifecycle rules of buckets say; if not, only when somebody runs them"},
		{flag: "lifecycle-interval", env: "TOMBSTONE_LIFECYCLE_INTERVAL", initial: "1h", apply: setLifecycleInterval,
			help: "time between two passes over the buckets that have rules, such as 10m or 1d; one begins at midnight UTC besides"},
		{flag: "lifecycle-spread", env: "TOMBSTONE_LIFECYCLE_SPREAD", initial: "0", apply: setLifecycleSpread,
			help: "time after midnight UTC, such as 6h and at most 1d, over which what is due then is spread; 0: at once, as with a test clock"},
		{flag: "lifecycle-rate", env: "TOMBSTONE_LIFECYCLE_RATE", initial: "0", apply: setLifecycleRate,
			help: "versions and uploads that rules remove a second at most; 0: no limit"},
		{flag: "accept-transitions", env: "TOMBSTONE_ACCEPT_TRANSITIONS", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.transitions }),
			help: "keep lifecycle rules that move objects to another storage class, without effect, and not answer them 501"},
		{flag: "allow-force-delete", env: "TOMBSTONE_ALLOW_FORCE_DELETE", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.forceDelete }),
			help: "let DeleteBucket empty the bucket first, if the signed header x-tombstone-force or x-minio-force-delete says true"},
		{flag: "tls-cert", env: "TOMBSTONE_TLS_CERT", apply: setFile(func(c *config) *string { return &c.tlsCert }),
			help: "PEM file with the certificate and its chain; serves HTTPS, read again when it changes"},
		{flag: "tls-key", env: "TOMBSTONE_TLS_KEY", apply: setFile(func(c *config) *string { return &c.tlsKey }),
			help: "PEM file with the key of the certificate"},
		{flag: "tls-self-signed", env: "TOMBSTONE_TLS_SELF_SIGNED", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.selfSigned }),
			help: "serve HTTPS with a certificate made for localhost and the domains; the banner says whom to trust"},
		{flag: "trusted-proxy", env: "TOMBSTONE_TRUSTED_PROXY", list: true, apply: setTrustedProxies,
			help: "addresses or networks, separated by commas, whose X-Forwarded-For, -Proto and -Host are believed"},
		{flag: "metrics-public", env: "TOMBSTONE_METRICS_PUBLIC", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.metricsPublic }),
			help: "give /_/metrics, which names the buckets, to anybody and not to this machine alone"},
		{flag: "pprof", env: "TOMBSTONE_PPROF", apply: setPprof,
			help: "host:port of loopback that serves Go's profiles under /debug/pprof/"},
		{flag: "access-log", env: "TOMBSTONE_ACCESS_LOG", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.accessLog }),
			help: "log every request at level info"},
		{flag: "log-level", env: "TOMBSTONE_LOG_LEVEL", initial: "info", apply: setLogLevel,
			help: "debug, info, warn or error"},
		{flag: "log-format", env: "TOMBSTONE_LOG_FORMAT", initial: "auto", apply: setLogFormat,
			help: "text, json, or auto: text on a terminal and else json"},
		{flag: "console-address", env: "TOMBSTONE_CONSOLE_ADDRESS", alias: "MINIO_CONSOLE_ADDRESS", apply: setConsoleAddress,
			help: "taken and passed over, for command lines written for MinIO: there is no console"},
	}
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
		fmt.Fprintf(w, "  --%-16s %s\n  %18s %s\n", s.flag, s.help, "", names)
	}
}
