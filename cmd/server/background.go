package main

import (
	"log/slog"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/internal/budget"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// background is what goes on besides requests, and yields to them.
type background struct {
	budget  *budget.Budget
	expirer *lifecycle.Expirer
	jobs    *jobRunner
}

func newBackground(c config, st *store.Store, log *slog.Logger) *background {
	shared := budget.New(clock.Wall{}.Elapsed)
	spread := c.lifecycleSpread
	if c.testClock {
		spread = 0 // its day does not go by, it is set
	}
	return &background{
		budget: shared,
		expirer: upkeep.NewExpirer(st, lifecycle.ExpirerOptions{
			Budget: shared, Interval: c.lifecycleInterval, Spread: spread, Rate: c.lifecycleRate, Logger: log,
		}),
		jobs: newJobs(st, shared, log),
	}
}

// start begins the work. Without --lifecycle rules are applied when somebody asks for
// it, and not by themselves.
func (b *background) start(c config, handler *api.Handler, log *slog.Logger) {
	b.jobs.start(handler, log)
	if c.lifecycle {
		b.expirer.Start()
	}
}

// close returns when nothing of it goes on.
func (b *background) close() {
	b.expirer.Close()
	b.jobs.Close()
}
