package enginefault_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
	"github.com/seed61737384/tombstone/store/engine/enginetest"
	"github.com/seed61737384/tombstone/store/engine/pebbledb"
)

func openMem(t *testing.T) engine.Engine {
	t.Helper()
	db, err := pebbledb.Open("db", pebbledb.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine {
		return enginefault.New(openMem(t), enginefault.Options{})
	})
}

var (
	key   = []byte("a")
	alice = []byte("alice")
)

// transactions are ways to set key from absent to alice.
var transactions = map[string]func(e engine.Engine) error{
	"Commit": func(e engine.Engine) error {
		return e.Commit(context.Background(), []engine.Guard{{Key: key}}, []engine.Mutation{engine.Set(key, alice)})
	},
	"Update": func(e engine.Engine) error {
		return e.Update(context.Background(), func(tx engine.Txn) error {
			tx.Guard(key)
			tx.Write(engine.Set(key, alice))
			return nil
		})
	},
}

func present(t *testing.T, e engine.Engine) (found bool) {
	t.Helper()
	err := e.View(context.Background(), func(r engine.Reader) (err error) {
		_, found, err = r.Get(key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestScript(t *testing.T) {
	for _, c := range []struct {
		outcome enginefault.Outcome
		err     error
		applied bool
	}{
		{enginefault.Pass, nil, true},
		{enginefault.Conflict, engine.ErrConflict, false},
		{enginefault.Lost, engine.ErrCommitUnknown, false},
		{enginefault.Applied, engine.ErrCommitUnknown, true},
	} {
		for name, transaction := range transactions {
			e := enginefault.New(openMem(t), enginefault.Options{Script: func(op int) enginefault.Outcome {
				if op == 0 {
					return c.outcome
				}
				return enginefault.Pass
			}})
			err := transaction(e)
			if !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
				t.Errorf("%s with outcome %d: %v, want %v", name, c.outcome, err, c.err)
			}
			if got := present(t, e); got != c.applied {
				t.Errorf("%s with outcome %d: applied %t", name, c.outcome, got)
			}
			if e.Ops() != 1 {
				t.Errorf("%d transactions were counted", e.Ops())
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestRealFailuresWin looks that a transaction which fails anyway says why.
func TestRealFailuresWin(t *testing.T) {
	for _, outcome := range []enginefault.Outcome{enginefault.Conflict, enginefault.Lost, enginefault.Applied} {
		e := enginefault.New(openMem(t), enginefault.Options{
			Script: func(int) enginefault.Outcome { return outcome },
		})
		mine := errors.New("mine")
		err := e.Update(context.Background(), func(engine.Txn) error { return mine })
		if !errors.Is(err, mine) {
			t.Errorf("outcome %d: Update returned %v", outcome, err)
		}
		err = e.Commit(context.Background(), []engine.Guard{{Key: key, Value: alice}}, nil)
		if !errors.Is(err, engine.ErrConflict) {
			t.Errorf("outcome %d: Commit returned %v", outcome, err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := transactions["Commit"](e); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("outcome %d: Commit after Close returned %v", outcome, err)
		}
	}
}

// TestRandom counts outcomes, and looks that the same seed gives the same ones
// and that what guards nothing meets no conflict.
func TestRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	o := enginefault.Options{Seed: seed, Conflict: 0.2, Lost: 0.2, Applied: 0.2}
	first, second := play(t, o), play(t, o)
	if first != second {
		t.Errorf("one seed gave %s and %s", first, second)
	}
	o.Seed++
	if play(t, o) == first {
		t.Error("two seeds gave the same")
	}
}

// play runs transactions and returns their outcomes as text.
func play(t *testing.T, o enginefault.Options) (outcomes string) {
	t.Helper()
	e := enginefault.New(openMem(t), o)
	for i := range 300 {
		k := fmt.Appendf(nil, "k%d", i)
		mutations := []engine.Mutation{engine.Add(k, 1)}
		var guards []engine.Guard
		if i%3 == 0 {
			guards = []engine.Guard{{Key: []byte("absent")}}
		}
		var err error
		if i%3 == 1 {
			err = e.Update(context.Background(), func(tx engine.Txn) error {
				tx.Write(mutations...)
				return nil
			})
		} else {
			err = e.Commit(context.Background(), guards, mutations)
		}
		switch {
		case err == nil:
			outcomes += "."
		case errors.Is(err, engine.ErrCommitUnknown):
			outcomes += "?"
		case errors.Is(err, engine.ErrConflict) && i%3 == 0:
			outcomes += "c"
		default:
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	return outcomes
}
