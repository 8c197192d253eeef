// Package budget lets background work yield to requests.
//
// Nobody is made to wait as long as no request is served: then background work may
// have the whole machine. While requests are, it works in small batches and rests
// after each of them for longer than the batch took, so that a request seldom meets
// one at work, and not for long. But so that work that is due gets done on a busy
// server too, it rests no longer than it may and still make progress at a certain
// rate, if the machine is fast enough for that.
package budget

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
)

const (
	// recent is for how long after a request background work still yields.
	recent = 100 * time.Millisecond
	// share is how much longer than it worked background work rests: it has a quarter
	// of the time.
	share = 3
	// pace is the time that a change may take with the rest after it, if the changes
	// themselves take less: 27,000 a second.
	pace = 36 * time.Microsecond
	// longest bounds a rest, so that a batch that took long by accident, such as one
	// that met a slow disk, does not stop the work.
	longest = 250 * time.Millisecond
	// yielding is how many changes a batch has while requests are served.
	yielding = 125
)

// Budget is shared by all who serve requests and all who work in the background. It
// is safe for concurrent use; a nil Budget never makes anybody wait.
type Budget struct {
	elapsed func() time.Duration
	wait    func(context.Context, time.Duration) error
	done    func()
	// served is when a request last began or ended, as elapsed plus one nanosecond; 0:
	// none did.
	served atomic.Int64
}

// New returns a budget that tells time by elapsed, which never falls, such as that of
// a clock.Clock.
func New(elapsed func() time.Duration) *Budget {
	b := &Budget{elapsed: elapsed, wait: clock.Wait}
	b.done = b.mark
	return b
}

// Foreground says that a request is served from now on until done is called. It
// costs two looks at the clock. A request that takes long counts when it begins and
// when it ends: in between it waits for its client, or for background work.
func (b *Budget) Foreground() (done func()) {
	if b == nil {
		return func() {}
	}
	b.mark()
	return b.done
}

func (b *Budget) mark() { b.served.Store(int64(b.elapsed()) + 1) }

// Yielding reports whether a request was served within the last 100 ms.
func (b *Budget) Yielding() bool {
	if b == nil {
		return false
	}
	served := b.served.Load()
	return served != 0 && b.elapsed()-time.Duration(served-1) < recent
}

// Rest is called by background work after each batch of n changes that took worked; n
// is 0 where it only read. It waits while requests are served, and returns at once if
// none is. It fails with ctx only.
func (b *Budget) Rest(ctx context.Context, worked time.Duration, n int) error {
	if err := ctx.Err(); err != nil || !b.Yielding() {
		return err
	}
	d := restAfter(worked, n)
	if d <= 0 {
		return nil
	}
	return b.wait(ctx, d)
}

// restAfter returns how long to rest after n changes that took worked. Where most of
// the time went into changes, the pace bounds it, but some rest there always is.
func restAfter(worked time.Duration, n int) time.Duration {
	rest, allowed := share*worked, time.Duration(n)*pace
	if worked <= 2*allowed {
		rest = min(rest, max(allowed-worked, worked/4))
	}
	return min(rest, longest)
}

// Batch returns how many changes the next batch of background work may have: most, or
// less while requests are served.
func (b *Budget) Batch(most int) int {
	if b.Yielding() {
		return min(most, yielding)
	}
	return most
}
