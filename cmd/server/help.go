package main

import (
	"fmt"
	"io"
	"strings"
)

// asksForHelp reports whether one of the flags by which people ask for help is there.
func asksForHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			return true
		}
	}
	return false
}

// topic returns what help is asked about with a flag: the command, if one is named.
func topic(args []string) []string {
	if args[0] == "help" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return nil
	}
	return args[:1]
}

// help prints what there is, or what there is to know of the command that is named.
func help(p process) int {
	if len(p.args) == 0 {
		printOverview(p.stdout)
		return exitOK
	}
	c, err := commandOf(p.args[0])
	if err != nil {
		return p.refuse(err)
	}
	c.explain(p.stdout)
	return exitOK
}

// commandOf returns the subcommand of a name.
func commandOf(name string) (command, error) {
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
	}
	return command{}, fmt.Errorf("unknown command %q; \"tombstone help\" lists them", name)
}

// helpHint says where the flags and arguments of a command stand.
func helpHint(name string) string { return fmt.Sprintf("see \"tombstone help %s\"", name) }

// withHint adds to what is wrong with a command line where to read how it is right.
func withHint(err error, name string) error {
	return fmt.Errorf("%w; %s", err, helpHint(name))
}

func printOverview(w io.Writer) {
	fmt.Fprintf(w, "Tombstone is an S3-compatible storage server.\n\nUsage: tombstone [command] [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.help)
	}
	fmt.Fprintf(w, "\n\"tombstone help COMMAND\" says what a command does and takes.\n\n%s\n", exitCodes)
	fmt.Fprintf(w, "\nFlags win over TOMBSTONE_* variables, those over the MINIO_* names in brackets, those over the file of --config.\n\nFlags of serve:\n")
	printSettings(w, settings())
	fmt.Fprintf(w, "\ncheck takes --data, health takes --address and the --tls flags; both take --config.\n")
}

// explain prints what a command does and takes.
func (c command) explain(w io.Writer) {
	fmt.Fprintf(w, "tombstone %s: %s\n", c.name, c.help)
	if c.actions != nil {
		c.explainActions(w)
		return
	}
	if len(c.takes) > 0 {
		fmt.Fprintf(w, "\nFlags win over the variables beside them, those over the file of --config.\n\nFlags:\n")
		printSettings(w, c.takes)
	}
}

func (c command) explainActions(w io.Writer) {
	fmt.Fprintln(w)
	all := c.actions()
	for i := range all {
		fmt.Fprintf(w, "  %s\n      %s\n", all[i].usage(c.name), all[i].help)
	}
	fmt.Fprint(w, "\nWhat stands in brackets may be left out. ACCOUNT is the id of an account, or self for the one whose key signs.\n")
	fmt.Fprintf(w, "\n%s\n", exitCodes)
	fmt.Fprintf(w, "\nEach talks to a running server. Without keys it signs with the public default pair, %s and\n%s, which a server takes that has no other.\n",
		defaultKeys.Access, defaultKeys.Secret)
	fmt.Fprintf(w, "\nFlags of all of them, which win over the TOMBSTONE_* variables, and those over the names in brackets:\n")
	printSettings(w, remoteSettings())
}

// exitCodes is what help says of them.
const exitCodes = `Exit codes: 0 done; 1 could not be done; 2 asked for wrongly, or refused by the server;
3 "locks verify" or "ledger verify" found something.`
