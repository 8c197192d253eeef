package attack

import (
	"context"
	"errors"
	"maps"
)

// Shrink leaves operations out of an episode that failed with f, as long as it still fails with
// an operation of the same kind, and returns the shortest failure that it finds. It ends early
// with ctx.
func Shrink(ctx context.Context, e Episode, f *Failure) *Failure {
	e.Operations = min(e.Operations, f.Op.Number+1)
	for size := e.Operations / 2; size > 0; size /= 2 {
		for end := e.Operations; end > 0 && ctx.Err() == nil; end -= size {
			shorter := e.without(max(0, end-size), end, f.Op.Number)
			var g *Failure
			if err := shorter.Run(ctx, Counts{}); errors.As(err, &g) && g.Op.Kind == f.Op.Kind {
				e, f = shorter, g
				e.Operations = min(e.Operations, g.Op.Number+1)
			}
		}
	}
	return f
}

// without leaves out the operations from begin to before end, but for one.
func (e Episode) without(begin, end, but int) Episode {
	e.Without = maps.Clone(e.Without)
	if e.Without == nil {
		e.Without = map[int]bool{}
	}
	for n := begin; n < end; n++ {
		if n != but {
			e.Without[n] = true
		}
	}
	return e
}
