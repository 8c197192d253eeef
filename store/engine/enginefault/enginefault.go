// Package enginefault wraps an engine so that its transactions fail now and
// then in the ways the contract allows: with ErrConflict, having changed
// nothing, and with ErrCommitUnknown, having changed everything or nothing. It
// is for tests of what is built on an engine, which has to be right for an
// engine far away even if the one at hand never fails like that.
package enginefault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/seed61737384/tombstone/store/engine"
)

// Outcome is what becomes of one transaction.
type Outcome uint8

// The outcomes. Whatever happens in the engine below is what happens, and what
// goes wrong there is returned as it is.
const (
	// Pass leaves the transaction to the engine below.
	Pass Outcome = iota
	// Conflict returns ErrConflict and applies nothing.
	Conflict
	// Lost returns ErrCommitUnknown and applies nothing.
	Lost
	// Applied applies the transaction and returns ErrCommitUnknown.
	Applied
)

// Options say which transactions fail. The zero value lets all pass.
type Options struct {
	// Script, if not nil, decides alone: it is called with the number of the
	// transaction, counted from 0 over all Commits and Updates.
	Script func(op int) Outcome
	// Seed starts the random numbers for what follows.
	Seed uint64
	// Conflict, Lost and Applied are the probabilities of these outcomes.
	// A transaction that guards nothing gets no Conflict this way, as no
	// engine would find one.
	Conflict, Lost, Applied float64
}

// Engine is an engine that fails.
type Engine struct {
	engine.Engine // View, Sync, Limits and Close are its own
	options       Options

	mu  sync.Mutex // protects what follows
	rng *rand.Rand
	ops int
}

var _ engine.Engine = (*Engine)(nil)

// New wraps e.
func New(e engine.Engine, o Options) *Engine {
	return &Engine{Engine: e, options: o, rng: rand.New(rand.NewPCG(o.Seed, 0))}
}

// Ops returns the number of transactions so far, which is the number that the
// next one will have.
func (e *Engine) Ops() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ops
}

// next decides about the next transaction.
func (e *Engine) next() Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	op := e.ops
	e.ops++
	if e.options.Script != nil {
		return e.options.Script(op)
	}
	r := e.rng.Float64()
	for _, c := range []struct {
		outcome     Outcome
		probability float64
	}{
		{Conflict, e.options.Conflict}, {Lost, e.options.Lost}, {Applied, e.options.Applied},
	} {
		if r < c.probability {
			return c.outcome
		}
		r -= c.probability
	}
	return Pass
}

// errInjected is what an unknown outcome wraps, to be told from a real one.
var errInjected = errors.New("injected")

func unknown() error { return fmt.Errorf("%w: %w", engine.ErrCommitUnknown, errInjected) }

// Commit implements [engine.Engine].
func (e *Engine) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	outcome := e.next()
	if outcome == Conflict && len(guards) == 0 && e.options.Script == nil {
		outcome = Pass
	}
	if outcome == Pass || outcome == Applied {
		return after(outcome, e.Engine.Commit(ctx, guards, mutations))
	}
	// What the engine below would refuse is refused here too: by a transaction
	// that looks at the guards and then gives up.
	err := e.Engine.Update(ctx, func(tx engine.Txn) error {
		for _, g := range guards {
			if held, err := holds(tx, g); err != nil || !held {
				return errors.Join(err, engine.ErrConflict)
			}
		}
		return errInjected
	})
	return given(outcome, err)
}

func holds(r engine.Reader, g engine.Guard) (bool, error) {
	value, found, err := r.Get(g.Key)
	return found == (g.Value != nil) && string(value) == string(g.Value), err
}

// Update implements [engine.Engine].
func (e *Engine) Update(ctx context.Context, fn func(engine.Txn) error) error {
	outcome := e.next()
	if outcome == Pass || outcome == Applied {
		return after(outcome, e.Engine.Update(ctx, fn))
	}
	blind := false
	err := e.Engine.Update(ctx, func(tx engine.Txn) error {
		w := &watched{Txn: tx}
		if err := fn(w); err != nil {
			return err
		}
		if blind = !w.guards && outcome == Conflict && e.options.Script == nil; blind {
			return nil
		}
		return errInjected
	})
	if blind {
		return err
	}
	return given(outcome, err)
}

// watched notes whether a transaction does anything that can conflict.
type watched struct {
	engine.Txn
	guards bool
}

func (w *watched) Write(mutations ...engine.Mutation) {
	for i := range mutations {
		w.guards = w.guards || mutations[i].Kind != engine.KindAdd
	}
	w.Txn.Write(mutations...)
}

func (w *watched) Guard(key []byte) {
	w.guards = true
	w.Txn.Guard(key)
}

// after returns what to say of a transaction that the engine below has done
// with err.
func after(outcome Outcome, err error) error {
	if err == nil && outcome == Applied {
		return unknown()
	}
	return err
}

// given returns what to say of a transaction that gave up with err.
func given(outcome Outcome, err error) error {
	switch {
	case !errors.Is(err, errInjected):
		return err
	case outcome == Conflict:
		return engine.ErrConflict
	default:
		return unknown()
	}
}
