package crashtest_test

import (
	"flag"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/internal/crashtest"
)

var operations = flag.Int("ops", 400, "operations of the workload on a failing disk")

// TestEveryFault lets each operation on files fail in turn, once. Whatever fails,
// nothing that was acknowledged is lost, a failed change leaves nothing behind, and
// the store never panics.
func TestEveryFault(t *testing.T) {
	stride := reduced()
	failed := inject(t, crashtest.Fault{Seed: *seed, Operations: *operations}, stride)
	if stride > 1 {
		return
	}
	for _, what := range []string{
		"create data/blobs", "write data/blobs", "sync data/blobs", "remove data/blobs", "read at data/blobs",
		"write data/index", "sync data data/index",
	} {
		if failed[what] == 0 {
			t.Errorf("never failed: %s", what)
		}
	}
}

// TestLastingFaults lets all operations in the folder of blobs fail from some point
// on, until the store is closed.
func TestLastingFaults(t *testing.T) {
	inject(t, crashtest.Fault{Seed: *seed, Operations: *operations, Lasting: true}, 7*reduced())
}

// inject plays one run for each point of failure that is a multiple of stride, two
// at a time, and counts what failed.
func inject(t *testing.T, fault crashtest.Fault, stride int) map[string]int {
	t.Helper()
	const workers = 2
	var mu sync.Mutex // guards failed
	failed := make(map[string]int)
	var injecting sync.WaitGroup
	for worker := range workers {
		injecting.Go(func() {
			fault := fault
			for fault.At = worker * stride; ; fault.At += workers * stride {
				r := crashtest.Inject(t.Context(), fault)
				if r.Violation != nil {
					t.Errorf("seed %d, operation on files %d: %s: %v", fault.Seed, fault.At, r.Injected, r.Violation)
				}
				if r.Injected == "" {
					return
				}
				mu.Lock()
				failed[kind(r.Injected)]++
				mu.Unlock()
			}
		})
	}
	injecting.Wait()
	runs := 0
	for _, n := range failed {
		runs += n
	}
	t.Logf("%d runs: %v", runs, failed)
	return failed
}

// kind returns what failed without the file: the operation and two folders.
func kind(what string) string {
	parts := strings.SplitN(what, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
