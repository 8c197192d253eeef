package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// errUnsound ends a command that has printed what is wrong, with the exit code 3.
var errUnsound = errors.New("not everything is as it should be")

// action is one thing that a command does with a running server, such as "list" of
// "tombstone account list".
type action struct {
	verb string // empty for a command that does one thing alone, such as "tombstone explain"
	args string // what follows it, as help shows it; those in brackets may be left out
	help string
	// flags are those of its own, besides remoteSettings; one that ends in "?" is a
	// switch.
	flags []string
	run   func(context.Context, *remote) error
}

// bounds returns how many arguments an action takes.
func (a *action) bounds() (least, most int) {
	for _, arg := range strings.Fields(a.args) {
		most++
		if !strings.HasPrefix(arg, "[") {
			least++
		}
	}
	return least, most
}

// usage returns how an action is called.
func (a *action) usage(group string) string {
	s := strings.TrimSuffix("tombstone "+group+" "+a.verb, " ")
	if a.args != "" {
		s += " " + a.args
	}
	for _, f := range a.flags {
		if name, toggle := strings.CutSuffix(f, "?"); toggle {
			s += " [--" + name + "]"
		} else {
			s += " [--" + name + " …]"
		}
	}
	return s
}

// group returns the command that carries out the actions of a name.
func group(name string, actions func() []action) func(process) int {
	return func(p process) int {
		all := actions()
		if len(all) == 1 && all[0].verb == "" {
			return all[0].do(p, name)
		}
		if len(p.args) == 0 {
			return p.refuse(withHint(fmt.Errorf("%s: what? %s", name, verbs(all)), name))
		}
		for i := range all {
			if a := &all[i]; a.verb == p.args[0] {
				p.args = p.args[1:]
				return a.do(p, name)
			}
		}
		return p.refuse(withHint(fmt.Errorf("%s: unknown action %q; %s", name, p.args[0], verbs(all)), name))
	}
}

func verbs(all []action) string {
	names := make([]string, 0, len(all))
	for i := range all {
		names = append(names, all[i].verb)
	}
	return "one of " + strings.Join(names, ", ")
}

// do carries out a with the arguments of p.
func (a *action) do(p process, group string) int {
	r, err := p.remote(group, a.flags...)
	if err != nil {
		return p.refuse(err)
	}
	if least, most := a.bounds(); len(r.rest) < least || len(r.rest) > most {
		return p.refuse(withHint(fmt.Errorf("usage: %s", a.usage(group)), group))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := a.run(ctx, r); err != nil {
		return p.complain(err, r.code(err))
	}
	return exitOK
}

// arg returns an argument by its place, empty if it was left out.
func (r *remote) arg(n int) string {
	if n < len(r.rest) {
		return r.rest[n]
	}
	return ""
}

// below returns a path with its parts escaped.
func below(format string, parts ...string) string {
	escaped := make([]any, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return fmt.Sprintf(format, escaped...)
}

// deletePath returns what removes what the arguments name.
func deletePath(format string) func(context.Context, *remote) error {
	return func(ctx context.Context, r *remote) error {
		return r.call(ctx, http.MethodDelete, below(format, r.rest...), nil, nil, nil)
	}
}

// readArgument returns the contents of a file that an argument names, "-" being
// standard input.
func readArgument(name string) ([]byte, error) {
	if name == "-" {
		name = os.Stdin.Name()
	}
	return os.ReadFile(name)
}

// table prints rows in columns, the first row being their names, or v as JSON where
// that was asked for.
func (r *remote) table(v any, rows [][]string) error {
	if r.config.remote.json {
		return printJSON(r.stdout, v)
	}
	return printColumns(r.stdout, rows)
}

// printColumns prints rows in columns.
func printColumns(out io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// say prints a line for people, or v as JSON where that was asked for.
func (r *remote) say(v any, format string, args ...any) error {
	if r.config.remote.json {
		return printJSON(r.stdout, v)
	}
	_, err := fmt.Fprintf(r.stdout, format+"\n", args...)
	return err
}

// on reports whether a switch of the command's own is given.
func (r *remote) on(name string) bool {
	on, err := strconv.ParseBool(r.given[name])
	return err == nil && on
}

// showTime returns a time as tables show it, and as flags take it.
func showTime(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// plain returns a name as it stands in a line for people: quoted if something in it
// could pass for another part of the line or another line, or steer a terminal.
func plain(name string) string {
	odd := func(c rune) bool { return strings.ContainsRune(` ";`, c) || !strconv.IsPrint(c) }
	if strings.ContainsFunc(name, odd) {
		return strconv.Quote(name)
	}
	return name
}

// verdict returns the first line of what verified something.
func verdict(sound bool) string {
	if sound {
		return "sound"
	}
	return "NOT SOUND"
}

// dash returns s, or a hyphen for nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
