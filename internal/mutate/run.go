package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// goPackage is what go list tells of a package.
type goPackage struct {
	Dir          string
	ImportPath   string
	Name         string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Module       struct{ Dir string }
}

// listPackages returns the package in folder dir and those below it.
func listPackages(ctx context.Context, dir string) ([]goPackage, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,Name,GoFiles,TestGoFiles,XTestGoFiles,Module", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, commandError(cmd, err, nil)
	}
	var packages []goPackage
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}

func commandError(cmd *exec.Cmd, err error, output []byte) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		output = append(output, exit.Stderr...)
	}
	return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output)
}

// prepare writes the instrumented files of packages below temp, all or those that
// are named, and returns their mutants and the overlay that puts them in place.
func prepare(packages []goPackage, only []string, temp string) (mutants []mutant, overlay string, err error) {
	in := &instrumenter{seen: make(map[string]int)}
	replace := make(map[string]string)
	put := func(target string, text []byte) error {
		name := filepath.Join(temp, fmt.Sprintf("%d.go", len(replace)))
		replace[target] = name
		return os.WriteFile(name, text, 0o600)
	}
	for _, p := range packages {
		rel, err := filepath.Rel(p.Module.Dir, p.Dir)
		if err != nil {
			return nil, "", err
		}
		for _, file := range p.GoFiles {
			if len(only) > 0 && !slices.Contains(only, file) {
				continue
			}
			target := filepath.Join(p.Dir, file)
			src, err := os.ReadFile(target)
			if err != nil {
				return nil, "", err
			}
			text, err := in.file(path.Join(filepath.ToSlash(rel), file), src)
			if err != nil {
				return nil, "", err
			}
			if err := put(target, text); err != nil {
				return nil, "", err
			}
		}
		if err := put(filepath.Join(p.Dir, "mutant_schema.go"), schema(p.Name)); err != nil {
			return nil, "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(temp, "overlay.json")
	return in.mutants, overlay, os.WriteFile(overlay, text, 0o600)
}

// testBinary is the compiled, instrumented tests of one package.
type testBinary struct {
	file, dir, tests string
}

// build compiles the tests of each package that has any.
func build(ctx context.Context, packages []goPackage, overlay, temp, tests string) ([]testBinary, error) {
	var binaries []testBinary
	for i, p := range packages {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		b := testBinary{file: filepath.Join(temp, fmt.Sprintf("%d.test", i)), dir: p.Dir, tests: tests}
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", b.file, p.ImportPath)
		cmd.Dir = p.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, commandError(cmd, err, out)
		}
		binaries = append(binaries, b)
	}
	if len(binaries) == 0 {
		return nil, errors.New("no package has tests")
	}
	return binaries, nil
}

// runTests runs all tests with one mutant awake, 0 for none, each binary for at
// most limit. The error carries the output.
func runTests(ctx context.Context, binaries []testBinary, number int, limit time.Duration) error {
	for _, b := range binaries {
		if err := b.run(ctx, number, limit); err != nil {
			return err
		}
	}
	return nil
}

func (b testBinary) run(ctx context.Context, number int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.file, "-test.short", "-test.failfast", "-test.run", b.tests)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), wakeVariable+"="+strconv.Itoa(number))
	if out, err := cmd.CombinedOutput(); err != nil {
		return commandError(cmd, err, out)
	}
	return nil
}

// parallel is how many mutants run at a time.
const parallel = 2

// survivors runs every mutant and returns those that no test notices.
func survivors(ctx context.Context, binaries []testBinary, mutants []mutant) ([]mutant, error) {
	begin := time.Now()
	if err := runTests(ctx, binaries, 0, 10*time.Minute); err != nil {
		return nil, fmt.Errorf("without any mutant awake: %w", err)
	}
	limit := 10*time.Second + 10*time.Since(begin)
	alive := make([]bool, len(mutants))
	next := make(chan int)
	var running sync.WaitGroup
	for range parallel {
		running.Go(func() {
			for i := range next {
				alive[i] = runTests(ctx, binaries, mutants[i].number, limit) == nil
			}
		})
	}
	for i := range mutants {
		next <- i
	}
	close(next)
	running.Wait()
	var left []mutant
	for i, m := range mutants {
		if alive[i] {
			left = append(left, m)
		}
	}
	return left, ctx.Err()
}
