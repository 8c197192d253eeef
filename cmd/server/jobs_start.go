package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/internal/budget"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
)

// errNoHandler ends a job that runs before there is who says what its starter may.
var errNoHandler = errors.New("the server is starting")

// jobRunner is the runner of jobs, and the store as it sees it.
type jobRunner struct {
	*jobs.Runner
	upkeep *upkeep.Jobs
}

// newJobs returns a runner of jobs on st, which waits for the handler.
func newJobs(st *store.Store, spare *budget.Budget, log *slog.Logger) *jobRunner {
	u := &upkeep.Jobs{Store: st, Permit: func(context.Context, *jobs.Job) (upkeep.Permission, error) {
		return nil, errNoHandler
	}}
	return &jobRunner{
		Runner: jobs.NewRunner(jobs.Options{Store: u, Documents: u, Budget: spare, Clock: clock.Wall{}, Logger: log}),
		upkeep: u,
	}
}

// start goes on with the jobs that a stop has cut, whose starters the handler knows.
func (r *jobRunner) start(handler *api.Handler, log *slog.Logger) {
	r.upkeep.Permit = handler.PermitJob
	if err := r.Start(context.Background()); err != nil {
		log.Error("the jobs of before cannot be read", "err", err)
	}
}
