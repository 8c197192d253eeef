package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	var what target
	list := flag.String("survivors", "internal/mutate/survivors.txt", "`file` with the survivors that have a reason")
	flag.StringVar(&what.tests, "run", ".", "run the tests that match `regexp` only")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: mutate [-survivors file] [-run regexp] folder [file...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 1 {
		flag.Usage()
		os.Exit(2)
	}
	what.dir, what.files = flag.Arg(0), flag.Args()[1:]
	ok, err := mutate(context.Background(), os.Stdout, what, *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// target is what to invert, and which tests are to notice.
type target struct {
	dir   string   // its packages, and those below it
	files []string // only files of these names; none: all
	tests string   // regular expression of the tests to run
}

// mutate inverts every branch of a target, prints a table, and tells whether the
// survivors are those that the file list gives reasons for.
func mutate(ctx context.Context, w io.Writer, what target, list string) (ok bool, err error) {
	reasons, err := readSurvivors(list)
	if err != nil {
		return false, err
	}
	mutants, left, err := run(ctx, what)
	if err != nil {
		return false, err
	}
	return printTable(w, mutants, left, reasons), nil
}

// run returns all mutants of a target, and the survivors.
func run(ctx context.Context, what target) (mutants, left []mutant, err error) {
	packages, err := listPackages(ctx, what.dir)
	if err != nil {
		return nil, nil, err
	}
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = firstError(err, os.RemoveAll(temp)) }()
	mutants, overlay, err := prepare(packages, what.files, temp)
	if err != nil {
		return nil, nil, err
	}
	binaries, err := build(ctx, packages, overlay, temp, what.tests)
	if err != nil {
		return nil, nil, err
	}
	left, err = survivors(ctx, binaries, mutants)
	return mutants, left, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readSurvivors reads the list of survivors: "ID because WHY" a line.
func readSurvivors(name string) (map[string]string, error) {
	data, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]string)
	for i, l := range strings.Split(string(data), "\n") {
		if l = strings.TrimSpace(l); l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		at := strings.LastIndex(l, " because ")
		if at < 0 {
			return nil, fmt.Errorf("%s:%d: no reason given", name, i+1)
		}
		reasons[l[:at]] = l[at+len(" because "):]
	}
	return reasons, nil
}

// printTable prints the verdict on each mutant and tells whether the survivors
// are the ones with a reason. Reasons of folders that were not mutated are left
// alone.
func printTable(w io.Writer, mutants, left []mutant, reasons map[string]string) bool {
	ok := true
	folders := make(map[string]bool)
	listed := make(map[string]bool) // listed survivors that did survive
	for _, m := range mutants {
		folders[folder(m.id)] = true
		verdict := "killed"
		if slices.Contains(left, m) {
			verdict = "SURVIVED"
			if why, excused := reasons[m.id]; excused {
				listed[m.id] = true
				verdict = "survived"
				m.id += " because " + why
			}
		}
		fmt.Fprintf(w, "%-8s  %s  (%s)\n", verdict, m.id, m.at)
	}
	for id := range reasons {
		if folders[folder(id)] && !listed[id] {
			fmt.Fprintf(w, "LISTED    %s, but it does not survive: remove the line\n", id)
			ok = false
		}
	}
	unexplained := len(left) - len(listed)
	fmt.Fprintf(w, "%d mutants, %d survived, %d of them without a reason\n", len(mutants), len(left), unexplained)
	return ok && unexplained == 0
}

// folder returns the folder of an id: "versioning" of "versioning/put.go …".
func folder(id string) string {
	file, _, _ := strings.Cut(id, " ")
	return filepath.ToSlash(filepath.Dir(file))
}
