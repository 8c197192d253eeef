package crashtest

import (
	"context"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/versioning"
)

const folder = "data"

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// The shared buckets, one for each state. All workers change them, each its own
// keys.
var shared = []struct {
	name  string
	state versioning.State
}{
	{"unversioned", versioning.Unversioned},
	{"enabled", versioning.Enabled},
	{"suspended", versioning.Suspended},
}

// worker plays random operations.
type worker struct {
	client    *metamorphic.Client
	generator *metamorphic.Generator
	played    func() // called after each operation
}

// setUp makes the shared buckets and the workers.
func (r *run) setUp(ctx context.Context) error {
	base := model.New()
	setup := metamorphic.NewClient(r.store, base)
	for _, b := range shared {
		ops := []string{"create " + b.name}
		switch b.state {
		case versioning.Enabled:
			ops = append(ops, "enable "+b.name)
		case versioning.Suspended:
			ops = append(ops, "suspend "+b.name)
		}
		for _, line := range ops {
			op, err := metamorphic.ParseOp(line)
			if err == nil {
				err = setup.Play(ctx, op)
			}
			if err != nil {
				return err
			}
		}
	}
	for i := range r.plan.Workers {
		r.workers = append(r.workers, r.newWorker(i, base))
	}
	r.race, r.uploads = &race{run: r}, &uploads{run: r}
	if err := r.race.setUp(ctx); err != nil {
		return err
	}
	return r.uploads.setUp(ctx)
}

func (r *run) newWorker(i int, base *model.Store) *worker {
	own := fmt.Sprintf("w%d/", i)
	space := metamorphic.Space{
		Buckets: []string{fmt.Sprintf("private-%d", i)},
		Own:     own,
		Sizes:   []int{0, 10, 99, 101, 300, 5000},
		Entries: 10,
	}
	scope := metamorphic.Scope{Buckets: space.Buckets, Prefix: own}
	for _, b := range shared {
		space.Fixed = append(space.Fixed, b.name)
		scope.Shared = append(scope.Shared, b.name)
	}
	for _, key := range []string{"a", "a/b", "b", "ü"} {
		space.Keys = append(space.Keys, own+key)
	}
	c := metamorphic.NewClient(r.store, base.Clone())
	c.Scope, c.Lock = scope, &r.mu
	seed := r.plan.Seed*1000 + uint64(i)
	return &worker{
		client:    c,
		generator: metamorphic.NewGenerator(seed, fmt.Sprintf("w%d-", i), space, base.Clone()),
		played:    r.played,
	}
}

// played counts an operation and lets time pass, fast enough for many epochs of
// blobs.
func (r *run) played() {
	r.clock.Advance(time.Minute)
	r.locked(func() { r.result.Operations++ })
}

// play plays operations until ctx ends. An operation under way is not broken off:
// what it did would be unknown.
func (w *worker) play(ctx context.Context) error {
	for ctx.Err() == nil {
		op := w.generator.Next()
		if err := w.client.Play(context.WithoutCancel(ctx), op); err != nil {
			return fmt.Errorf("%v: %w", op, err)
		}
		w.played()
	}
	return w.client.CloseOpened()
}
