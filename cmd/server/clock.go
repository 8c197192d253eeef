package main

import (
	"context"
	"net/http"

	"github.com/seed61737384/tombstone/api"
)

// clockActions are those of "tombstone clock".
func clockActions() []action {
	return []action{
		{verb: "show", help: "how far the wall clock has leapt ahead of the time that locks go by", run: showClock},
		{verb: "accept", flags: []string{"mfa"}, help: "let locks follow a wall clock that leapt ahead, which may end some", run: acceptClock},
	}
}

func showClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodGet, "/clock", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "the wall clock is %.0f s ahead of the time that locks go by", c.StepSeconds)
}

func acceptClock(ctx context.Context, r *remote) error {
	var c api.AdminClock
	if err := r.call(ctx, http.MethodPost, "/clock/accept", nil, nil, &c); err != nil {
		return err
	}
	return r.say(c, "the time that locks go by went %.0f s on", c.StepSeconds)
}
