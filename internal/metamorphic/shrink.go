package metamorphic

import "context"

// Shrink returns the shortest script it finds, by leaving out operations, of which
// fails still says that it fails. It ends early with ctx: then the script is as
// short as it got.
func Shrink(ctx context.Context, ops []Op, fails func(context.Context, []Op) bool) []Op {
	for size := len(ops) / 2; size > 0 && ctx.Err() == nil; {
		shorter := shrinkBy(ctx, ops, size, fails)
		if len(shorter) == len(ops) || size > len(shorter) {
			size /= 2
		}
		ops = shorter
	}
	return shrinkTargets(ctx, ops, fails)
}

// shrinkBy leaves out pieces of size operations, from the end on: what a failure
// needs is more often near its end.
func shrinkBy(ctx context.Context, ops []Op, size int, fails func(context.Context, []Op) bool) []Op {
	for end := len(ops); end > 0 && ctx.Err() == nil; end -= size {
		begin := max(0, end-size)
		without := append(append([]Op(nil), ops[:begin]...), ops[end:]...)
		if fails(ctx, without) && ctx.Err() == nil {
			ops = without
		}
	}
	return ops
}

// shrinkTargets leaves out entries of delete-objects.
func shrinkTargets(ctx context.Context, ops []Op, fails func(context.Context, []Op) bool) []Op {
	for i := range ops {
		for t := len(ops[i].Targets) - 1; t >= 0 && len(ops[i].Targets) > 1 && ctx.Err() == nil; t-- {
			fewer := append([]Op(nil), ops...)
			fewer[i].Targets = append(append([]Target(nil), ops[i].Targets[:t]...), ops[i].Targets[t+1:]...)
			if fails(ctx, fewer) && ctx.Err() == nil {
				ops = fewer
			}
		}
	}
	return ops
}
