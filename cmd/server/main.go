// Command tombstone is an S3-compatible storage server: one process, one data
// folder.
//
// The exit code says what came of it:
//
//   - 0: it is done. "serve" was asked to stop.
//   - 1: it could not be done. The server failed while running, "check" found damage,
//     "health" found no healthy server, or a command reached no server or one that
//     failed (5xx).
//   - 2: it was asked for wrongly. The command line, the environment, a file that they
//     name or the data folder make no sense, or the server refused (4xx).
//   - 3: "ledger verify" or "locks verify" found something.
//
// One line on standard error says what is wrong.
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
	exitUnsound = 3
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
	takes      []setting       // of one that works without a server
	actions    func() []action // of one that talks to a running server
}

// remoteCommand returns a command that talks to a running server.
func remoteCommand(name, help string, actions func() []action) command {
	return command{name: name, help: help, run: group(name, actions), actions: actions}
}

// commands returns the subcommands in the order that help shows them. Serve
// runs when none is named.
func commands() []command {
	all := settings()
	return []command{
		{name: "serve", help: "run the server (the default)", run: serve, takes: all},
		{name: "server", help: "the same as MinIO's command line has it: server FOLDER [flags]", run: serveFolder, takes: all},
		{name: "check", help: "read a data folder that no server has open and report damage (offline)", run: check,
			takes: choose(all, []string{"data", "log-level", "log-format"})},
		{name: "health", help: "ask a running server whether it is ready; exit 0 if so (online)", run: health,
			takes: choose(all, []string{"address", "tls-cert", "tls-key", "tls-self-signed"})},
		remoteCommand("account", "accounts, each with a root of its own (online, like all that follow)", accountActions),
		remoteCommand("user", "users of an account", userActions),
		remoteCommand("key", "access keys of users and roots", keyActions),
		remoteCommand("policy", "policies, and why a request is allowed or not", policyActions),
		remoteCommand("mfa", "MFA devices of roots", mfaActions),
		remoteCommand("locks", "what Object Lock holds, and a proof that it does", lockActions),
		remoteCommand("lifecycle", "what lifecycle rules will remove, when, and do it now", lifecycleActions),
		remoteCommand("empty", "remove all that is in a bucket", emptyActions),
		remoteCommand("undelete", "make deleted keys visible again", undeleteActions),
		remoteCommand("jobs", "work of the server that takes long, such as emptying a bucket", jobActions),
		remoteCommand("explain", "what holds a bucket, a key or a version, and who removed what is gone", explainActions),
		remoteCommand("ledger", "what was removed, when, by whom and why", ledgerActions),
		remoteCommand("clock", "the clocks of the server: set that of a test folder, accept a step that locks did not follow", clockActions),
		{name: "version", help: "print the version", run: printVersion},
		{name: "help", help: "print this text, or what \"help COMMAND\" names", run: help},
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
	if asksForHelp(p.args) {
		p.args = topic(p.args)
		return help(p)
	}
	if len(p.args) == 0 || strings.HasPrefix(p.args[0], "-") {
		return serve(p)
	}
	c, err := commandOf(p.args[0])
	if err != nil {
		return p.refuse(err)
	}
	p.args = p.args[1:]
	return c.run(p)
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
