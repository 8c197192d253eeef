package lifecycle

import "context"

// sweep passes over all buckets once, without spreading and without rest.
func (x *Expirer) sweep(ctx context.Context, number uint64) {
	r := x.newRotation()
	r.number = number - 1
	r.sweep(ctx, &schedule{})
	for r.round(ctx) || len(r.tours) > 0 && ctx.Err() == nil {
	}
}
