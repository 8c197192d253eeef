// Command tombstone is an S3-compatible storage server: one process, one data
// folder.
//
// It exits with 0 after a stop that was asked for, with 2 when it cannot do what
// the command line, the environment or the data folder ask (one line on standard
// error names which), and with 1 when it fails while running, when "check" finds
// damage or when "health" finds no healthy server.
//
// The banner goes to standard output, the log to standard error. A secret key is
// never logged; the banner shows one only if nobody else knows it: the default
// pair, and a pair made at this start.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitRefused = 2
)

// process is what the program is given from outside.
type process struct {
	args           []string // without the program's name
	env            func(string) string
	stdout, stderr io.Writer
	terminal       bool // a person reads stderr
}

// command is a subcommand.
type command struct {
	name, help string
	run        func(process) int
}

// commands returns the subcommands in the order that help shows them. The first
// one runs when none is named.
func commands() []command {
	return []command{
		{"serve", "run the server (the default)", serve},
		{"server", "the same as MinIO's command line has it: server FOLDER [flags]", serveFolder},
		{"check", "read a data folder that no server has open and report damage (offline)", check},
		{"health", "ask a running server whether it is ready; exit 0 if so (online)", health},
		{"account", "accounts, each with a root of its own (online, like all that follow)", group("account", accountActions)},
		{"user", "users of an account", group("user", userActions)},
		{"key", "access keys of users and roots", group("key", keyActions)},
		{"policy", "policies, and why a request is allowed or not", group("policy", policyActions)},
		{"mfa", "MFA devices of roots", group("mfa", mfaActions)},
		{"locks", "what Object Lock holds, and a proof that it does", group("locks", lockActions)},
		{"ledger", "what was removed, when, by whom and why", group("ledger", ledgerActions)},
		{"clock", "steps of the wall clock that locks do not follow", group("clock", clockActions)},
		{"version", "print the version", printVersion},
		{"help", "print this text", help},
	}
}

func main() {
	os.Exit(run(process{
		args: os.Args[1:], env: os.Getenv, stdout: os.Stdout, stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}))
}

// run carries out the subcommand that p names and returns the exit code.
func run(p process) int {
	all := commands()
	if len(p.args) == 0 || strings.HasPrefix(p.args[0], "-") && !asksForHelp(p.args) {
		return all[0].run(p)
	}
	name := p.args[0]
	if asksForHelp(p.args) {
		name = "help"
	}
	for _, c := range all {
		if c.name == name {
			p.args = p.args[1:]
			return c.run(p)
		}
	}
	return p.refuse(fmt.Errorf("unknown command %q; \"tombstone help\" lists them", name))
}

func asksForHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			return true
		}
	}
	return false
}

// refuse says in one line why the program does not start.
func (p process) refuse(err error) int {
	return p.complain(err, exitRefused)
}

// complain prints err as one line and returns code.
func (p process) complain(err error, code int) int {
	line := strings.Join(strings.Fields(err.Error()), " ")
	fmt.Fprintf(p.stderr, "tombstone: %s\n", line)
	return code
}

func help(p process) int {
	fmt.Fprintf(p.stdout, "Tombstone is an S3-compatible storage server.\n\nUsage: tombstone [command] [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(p.stdout, "  %-9s %s\n", c.name, c.help)
	}
	fmt.Fprintf(p.stdout, "\nFlags win over TOMBSTONE_* variables, those over the MINIO_* names in brackets, those over the file of --config.\n\nFlags of serve:\n")
	printSettings(p.stdout, settings())
	fmt.Fprintf(p.stdout, "\ncheck takes --data, health takes --address and the --tls flags; both take --config.\n")
	return exitOK
}

func printVersion(p process) int {
	fmt.Fprintf(p.stdout, "tombstone %s\n", version())
	return exitOK
}

// version returns the version of the module the binary was built from, or the
// revision if it was built from a work tree.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}
