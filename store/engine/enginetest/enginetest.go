// Package enginetest is the conformance suite of the engine contract: what every
// implementation of [engine.Engine] has to do, clause by clause. Where the
// contract leaves a choice (whether a scan that reached its limit says more at
// the very end, whether a key set to the value it had counts as changed) the
// suite accepts both.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

// clauses are the subtests of Run, one each for a sentence of the contract.
var clauses = []struct {
	name string
	test func(t *testing.T, e engine.Engine)
}{
	{"Get tells absent from empty", getAbsentEmpty},
	{"Get returns a copy", getCopies},
	{"GetMulti keeps the order of keys", getMulti},
	{"Scan keeps to bounds, limit and direction", scanRanges},
	{"Scan stops when told", scanStops},
	{"Scans of one view are independent", scanMany},
	{"View sees one snapshot", viewSnapshot},
	{"View returns the error of its function", viewError},
	{"Commit applies in order", commitOrder},
	{"Commit checks guards", commitGuards},
	{"Commit of guards alone only checks", commitGuardsOnly},
	{"Commit checks guards that were seen", commitSeen},
	{"Commit is all or nothing", commitAtomic},
	{"Commit writes blindly what has no guard", commitBlind},
	{"Update applies what its function wrote", updateWrites},
	{"Update applies nothing after an error", updateError},
	{"Update conflicts on changed keys", updateConflicts},
	{"Update does not validate reads", updateReadsFree},
	{"Add sums", addSums},
	{"Add starts anew after a delete", addAfterDelete},
	{"Add never conflicts", addNeverConflicts},
	{"Sync returns", syncReturns},
	{"limits are kept", limits},
	{"a cancelled context changes nothing", cancelled},
	{"concurrent guarded increments lose nothing", guardedIncrements},
	{"concurrent commits and updates keep a sum", transfers},
	{"concurrent views see whole commits", wholeCommits},
	{"concurrent adds lose nothing", concurrentAdds},
	{"Close ends the engine", closed},
}

// Run tests the engines that open returns, a new and empty one for each clause.
// What open returned is closed by Run.
func Run(t *testing.T, open func(t *testing.T) engine.Engine) {
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			e := open(t)
			t.Cleanup(func() {
				if err := e.Close(); err != nil && !errors.Is(err, engine.ErrClosed) {
					t.Errorf("Close: %v", err)
				}
			})
			c.test(t, e)
		})
	}
}

// commit applies mutations without guards and fails the test if it can not.
func commit(t *testing.T, e engine.Engine, mutations ...engine.Mutation) {
	t.Helper()
	if err := e.Commit(context.Background(), nil, mutations); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// view calls fn with a snapshot and fails the test if there is none.
func view(t *testing.T, e engine.Engine, fn func(r engine.Reader)) {
	t.Helper()
	err := e.View(context.Background(), func(r engine.Reader) error {
		fn(r)
		return nil
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
}

// get returns what key holds in r: its value, or "absent".
func get(t *testing.T, r engine.Reader, key string) string {
	t.Helper()
	value, found, err := r.Get([]byte(key))
	if err != nil {
		t.Fatalf("Get %s: %v", key, err)
	}
	if !found {
		return "absent"
	}
	return string(value)
}

// expect fails the test if a key does not hold what want says, "absent" for none.
func expect(t *testing.T, e engine.Engine, want map[string]string) {
	t.Helper()
	view(t, e, func(r engine.Reader) {
		for key, value := range want {
			if got := get(t, r, key); got != value {
				t.Errorf("%s holds %q, want %q", key, got, value)
			}
		}
	})
}

func set(key, value string) engine.Mutation { return engine.Set([]byte(key), []byte(value)) }

func del(key string) engine.Mutation { return engine.Delete([]byte(key)) }

func add(key string, deltas ...int64) engine.Mutation { return engine.Add([]byte(key), deltas...) }

// holds is the guard that key holds value.
func holds(key, value string) engine.Guard {
	return engine.Guard{Key: []byte(key), Value: []byte(value)}
}

func absent(key string) engine.Guard { return engine.Guard{Key: []byte(key)} }

// counters returns the counters of key.
func counters(t *testing.T, e engine.Engine, key string) string {
	t.Helper()
	var c engine.Counters
	view(t, e, func(r engine.Reader) {
		value, _, err := r.Get([]byte(key))
		if err != nil {
			t.Fatalf("Get %s: %v", key, err)
		}
		if c, err = engine.DecodeCounters(value); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	})
	return fmt.Sprint([]int64(c))
}
