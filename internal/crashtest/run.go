package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
)

// Plan says what [Run] does.
type Plan struct {
	Seed uint64
	// Cuts is the number of syncs at which the file system is cut, one of Every.
	Cuts, Every int
	// Rounds is how often the store is opened; it is closed cleanly in between.
	Rounds int
	// Workers play operations, each on keys and a bucket of its own; Racers race
	// each other for the same keys. Uploads says whether one more uploads in parts.
	Workers, Racers int
	Uploads         bool
	// Verifiers is how many cuts are verified at once.
	Verifiers int
	// Durability is the store's. In Relaxed a cut may lack the last changes and
	// has only to be whole.
	Durability store.Durability
	// Drop tells which syncs do nothing; nil: none.
	Drop func(crashfs.Sync) bool
	// Wrap, if set, stands between the store and its engine.
	Wrap func(engine.Engine) engine.Engine
	// Enough ends the run at so many violations; 0: it goes to its end.
	Enough int
}

// Result is what a run found.
type Result struct {
	Cuts       int // each with none, half and all of the unsynced data kept
	Operations int
	Sites      map[string]int // syncs, by where they come from
	Violations []string
}

// kept is how much of what was not synced is kept, percent.
var kept = []int{0, 50, 100}

// run is one Run under way.
type run struct {
	plan    Plan
	rng     *rand.Rand
	store   *store.Store
	fs      *crashfs.FS
	clock   *clock.Manual
	workers []*worker
	race    *race
	uploads *uploads
	cuts    chan *cut

	// mu is held while an operation begins or is acknowledged, and during a cut,
	// so that a cut knows what was acknowledged. No call of the store is made
	// under it.
	mu     sync.Mutex
	armed  bool               // syncs are cut at
	stop   context.CancelFunc // ends the round
	goal   int                // cuts that end the round
	syncs  int
	result Result
}

// Run plays the plan. An error means that the workload went wrong; what cuts
// show is in the result.
func Run(ctx context.Context, p Plan) (Result, error) {
	r := &run{
		plan: p, rng: rand.New(rand.NewPCG(p.Seed, 2)), clock: clock.NewManual(start),
		cuts: make(chan *cut), stop: func() {}, result: Result{Sites: make(map[string]int)},
	}
	r.fs = crashfs.New(crashfs.Watch{Drop: p.Drop, Synced: r.synced})
	var verifying sync.WaitGroup
	for range p.Verifiers {
		verifying.Go(func() { r.verifyAll(ctx) })
	}
	err := r.rounds(ctx)
	close(r.cuts)
	verifying.Wait()
	return r.result, err
}

// options make files of small objects, and flushes of few changes, for the sake
// of many syncs.
func (r *run) options(fs *crashfs.FS) store.Options {
	return store.Options{
		FS: fs, Clock: r.clock, Durability: r.plan.Durability, InlineLimit: 100, BlockSize: 64, MinPartSize: 1, MinFree: -1,
		MemTableSize: 64 << 10, CacheSize: 1 << 20,
	}
}

// rounds opens the store, works and closes it, several times.
func (r *run) rounds(ctx context.Context) error {
	for round := range r.plan.Rounds {
		var err error
		o := r.options(r.fs)
		o.WrapEngine = r.plan.Wrap
		if r.store, err = store.Open(folder, o); err != nil {
			return err
		}
		if round == 0 {
			err = r.setUp(ctx)
		}
		if err == nil {
			err = r.work(ctx, r.plan.Cuts*(round+1)/r.plan.Rounds)
		}
		if round == r.plan.Rounds-1 {
			r.locked(func() { r.armed = false })
		}
		if err = errors.Join(err, r.store.Close()); err != nil {
			return err
		}
	}
	return nil
}

// work plays the workload until goal cuts are made.
func (r *run) work(ctx context.Context, goal int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.locked(func() { r.armed, r.stop, r.goal = true, stop, goal })
	errs := make([]error, len(r.workers)+2)
	var working sync.WaitGroup
	for i, w := range r.workers {
		w.client.Store = r.store
		working.Go(func() { errs[i] = w.play(ctx) })
	}
	if r.plan.Racers > 0 {
		working.Go(func() { errs[len(r.workers)] = r.race.play(ctx) })
	}
	if r.plan.Uploads {
		working.Go(func() { errs[len(r.workers)+1] = r.uploads.play(ctx) })
	}
	working.Wait()
	return errors.Join(errs...)
}

func (r *run) locked(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}

// synced is called after each sync, and cuts at some.
func (r *run) synced(s crashfs.Sync) {
	var c *cut
	r.locked(func() { c = r.cutAt(s) })
	if c != nil {
		r.cuts <- c
	}
}

// cutAt takes a cut if it is time for one. The caller holds mu.
func (r *run) cutAt(s crashfs.Sync) *cut {
	r.result.Sites[Site(s)]++
	if r.syncs++; !r.armed || r.syncs%r.plan.Every != 0 {
		return nil
	}
	enough := r.plan.Enough > 0 && len(r.result.Violations) >= r.plan.Enough
	if r.result.Cuts >= r.goal || enough {
		r.stop()
	}
	if enough {
		return nil
	}
	r.result.Cuts++
	return r.cut(s)
}

// violation notes what a cut lost.
func (r *run) violation(c *cut, keep int, err error) {
	r.locked(func() {
		r.result.Violations = append(r.result.Violations,
			fmt.Sprintf("cut %d after sync of %s, %d%% kept: %v", c.number, Site(c.sync), keep, err))
	})
}
