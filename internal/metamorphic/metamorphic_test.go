package metamorphic_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/metamorphic"
)

var (
	seeds      = flag.Int("seeds", 1, "play the scripts of this many seeds")
	firstSeed  = flag.Uint64("seed", 1, "first seed")
	operations = flag.Int("ops", 10000, "operations of each script; with -short, a quarter of them")
	only       = flag.String("config", "", "play in this configuration only")
	replay     = flag.String("replay", "", "play the script in this file")
	shrinkFor  = flag.Duration("shrink", 30*time.Second, "how long to look for a shorter script that fails")
	keepIn     = flag.String("failures", "", "folder for scripts that fail; empty: a temporary one")
)

// TestMetamorphic plays random scripts in every configuration.
//
// spec: VD1-4, VD1-5, VD1-18, VD2-1, VD2-3, VD2-4, VD2-5, VD2-7
// spec: VD3-1, VD3-3, VD3-4, VD3.1-9, VD3.2-1, VD3.2-8, VD3.3-12, VD3.3-13, VD4-22, VD5-28
// spec: VD6-1, VD6-9, VD7-1, VD8-1, VD9-1, VD9-5
// spec: LS1-1, LS1-7, LS1-8, LS2-7, LS2-8, LS2-10, LS2-11, LS2-12, LS2-16, LS2-17, LS2-18, LS2-19
// spec: LS3-1, LS6-1, LS6-2, LS6-3
func TestMetamorphic(t *testing.T) {
	length := *operations
	if testing.Short() {
		length /= 4
	}
	for i := range *seeds {
		seed := *firstSeed + uint64(i)
		ops := metamorphic.Generate(seed, length, metamorphic.Everywhere())
		playAll(t, fmt.Sprintf("seed-%d", seed), ops)
	}
}

// TestReplay plays the script that -replay names.
func TestReplay(t *testing.T) {
	if *replay == "" {
		t.Skip("no -replay FILE")
	}
	playFile(t, *replay)
}

// TestScripts plays what once failed.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		playFile(t, file)
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := metamorphic.ParseScript(string(text))
	if err != nil {
		t.Fatal(err)
	}
	playAll(t, filepath.Base(file), ops)
}

// playAll plays a script in all configurations at once.
func playAll(t *testing.T, name string, ops []metamorphic.Op) {
	for _, c := range metamorphic.Configs() {
		if *only != "" && c.Name != *only {
			continue
		}
		t.Run(name+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			play(t, c, ops)
		})
	}
}

func play(t *testing.T, c metamorphic.Config, ops []metamorphic.Op) {
	scope := metamorphic.Scope{Buckets: metamorphic.Everywhere().Buckets}
	err := metamorphic.Run(t.Context(), c, scope, ops)
	failure := (*metamorphic.Failure)(nil)
	switch {
	case err == nil:
		return
	case !errors.As(err, &failure):
		t.Fatal(err)
	}
	t.Error(err)
	ops = ops[:min(failure.Line, len(ops))]
	t.Logf("script: %s", keep(t, "whole", ops))
	ctx, cancel := context.WithTimeout(t.Context(), *shrinkFor)
	defer cancel()
	ops = metamorphic.Shrink(ctx, ops, func(ctx context.Context, ops []metamorphic.Op) bool {
		return metamorphic.Run(ctx, c, scope, ops) != nil
	})
	t.Logf("shrunken: %s, replay with: go test ./internal/metamorphic -run TestReplay -config %s -replay FILE\n%s%v",
		keep(t, "short", ops), c.Name, metamorphic.Script(ops), metamorphic.Run(t.Context(), c, scope, ops))
}

// keep writes a script and returns the name of its file.
func keep(t *testing.T, kind string, ops []metamorphic.Op) string {
	t.Helper()
	f, err := os.CreateTemp(*keepIn, "metamorphic-"+kind+"-*.script")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(metamorphic.Script(ops)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}
