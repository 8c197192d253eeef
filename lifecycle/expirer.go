package lifecycle

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/internal/budget"
	"github.com/seed61737384/tombstone/internal/clock"
)

// defaultInterval is the time between two passes over all buckets.
const defaultInterval = time.Hour

// ExpirerOptions are the choices of [NewExpirer]. Store, Buckets, Progress, Now and
// LockTime are needed.
type ExpirerOptions struct {
	Store    Store
	Buckets  Buckets
	Progress Progress

	Now      func() time.Time // object time
	LockTime func() time.Time // the time that locks are held against

	// Budget is whom to rest for; nil: nobody.
	Budget *budget.Budget
	// Interval is the time between two passes over all buckets; 0: an hour.
	Interval time.Duration
	// Spread is for how long after midnight UTC what is due then may take: a bucket begins at
	// an instant in the first half of it, and does what there is to do evenly until its end.
	// 0: all is done as soon as it is due. Passes because of changed rules, runs and Settle do
	// not spread. It is at most a day.
	Spread time.Duration
	// Rate is how many entries and uploads are removed a second at most; 0: no limit.
	Rate int
	// Batch is how many removals a commit has, and about how many entries a page; 0:
	// 1,000. It is 4 or more. For tests.
	Batch int
	// Logger takes what no caller can be told; nil: none.
	Logger *slog.Logger

	// Clock tells how real time goes by; nil: the machine's.
	Clock clock.Clock
	// Wait waits for d of real time, or until ctx ends, which is its error; nil: a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Expirer does what the rules of buckets say: by itself in the background, and when
// it is asked to. What it is about to do rests on a page of history; each removal is
// done only if its key is still what that page showed. So it needs no locks, and
// several passes over one bucket at a time do no harm.
//
// It keeps in memory a page, a batch of removals, and a few figures for each bucket
// that has rules.
type Expirer struct {
	o       ExpirerOptions
	log     *slog.Logger
	turn    turn
	pace    pace
	most    int // removals in a commit
	figures figures

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex // protects what follows
	closed   bool
	started  bool                // Start was called
	next     time.Time           // when the next pass over all buckets begins, object time
	changed  map[string]struct{} // buckets whose rules changed
	rouse    func()              // wakes the background; nil: it never slept
	watched  map[uint64]*watched // buckets that have rules, by id
	cut      map[uint64]progress // by bucket: what is kept of passes that were cut
	full     time.Time           // when the last pass over all buckets ended, object time
	sweeping uint64              // number of the pass over all buckets
}

// watched is what is known of a bucket that has rules.
type watched struct {
	name    string
	status  Status
	running int       // passes under way
	begins  time.Time // object time when the next one begins that waits for it; zero: none does
	passed  time.Time // the day of the last whole pass; zero: none
	sweep   uint64    // number of the pass over all buckets that last came to it
	oldest  time.Time // least due of what the passes under way have come to; zero: none
	left    time.Time // least due of what the last pass failed at; zero: none
}

// NewExpirer returns an expirer, which does nothing by itself until [Expirer.Start].
func NewExpirer(o ExpirerOptions) *Expirer {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Batch == 0 {
		o.Batch = maxBatch
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Wait == nil {
		o.Wait = clock.Wait
	}
	x := &Expirer{
		o: o, log: o.Logger, turn: newTurn(), pace: pace{rate: o.Rate, clock: o.Clock}, most: o.Batch,
		changed: make(map[string]struct{}), watched: make(map[uint64]*watched), cut: make(map[uint64]progress),
	}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// Start begins to pass over the buckets in the background: first over all of them,
// then when it is time to.
func (x *Expirer) Start() {
	if !x.enter() {
		return
	}
	x.mu.Lock()
	x.started = true
	x.mu.Unlock()
	go func() {
		defer x.done.Done()
		x.sweeps(x.ctx)
	}()
}

// Close ends all passes and runs, and returns when nothing of them goes on.
func (x *Expirer) Close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.cancel()
	x.done.Wait()
}

// enter takes part in what Close waits for, unless it was called.
func (x *Expirer) enter() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return false
	}
	x.done.Add(1)
	return true
}

// during returns a context that ends with ctx and with Close.
func (x *Expirer) during(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(x.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Changed says that the rules of a bucket changed: it is looked at soon.
func (x *Expirer) Changed(bucket string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.changed[bucket] = struct{}{}
	if x.rouse != nil {
		x.rouse()
	}
}

// turn is who may change entries. Passes have it for one batch at a time, and not while
// somebody is told of it, who may be slow; Settle has it from its beginning to its end.
// Whoever waited longest is next.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// pace holds removals to a rate.
type pace struct {
	rate  int // a second, 0: none
	clock clock.Clock

	mu   sync.Mutex    // protects next
	next time.Duration // when what was let through is over, as elapsed of clock
}

// reserve returns how long to wait before n removals are done. Those of any time
// from the start on are never more than the rate allows.
func (p *pace) reserve(n int) time.Duration {
	if p.rate <= 0 || n == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Elapsed()
	p.next = max(p.next, now) + time.Duration(n)*time.Second/time.Duration(p.rate)
	return p.next - now
}
