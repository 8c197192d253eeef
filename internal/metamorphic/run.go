package metamorphic

import (
	"context"
	"fmt"
)

// Failure says at which operation store and model came to disagree, and how.
type Failure struct {
	Config string
	Line   int // of the operation, from 1
	Op     Op
	Err    error
}

// Error names the operation and the difference.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s: operation %d: %v: %v", f.Config, f.Line, f.Op, f.Err)
}

// Unwrap returns the difference.
func (f *Failure) Unwrap() error { return f.Err }

// Run plays operations against a new store. It returns a [*Failure] at the first
// difference, and the error of ctx when that ends.
func Run(ctx context.Context, c Config, scope Scope, ops []Op) error {
	h, err := NewHost(c, scope)
	if err != nil {
		return err
	}
	for i, op := range ops {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.Play(ctx, op); err != nil {
			_ = h.Close() // the first error is the one to look at
			return &Failure{Config: c.Name, Line: i + 1, Op: op, Err: err}
		}
	}
	if err := h.restart(ctx); err != nil {
		return &Failure{Config: c.Name, Line: len(ops) + 1, Op: Op{Verb: "restart"}, Err: err}
	}
	return h.Close()
}
