package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
)

// What a runner refuses with.
var (
	// ErrConflict says that an unfinished job works on keys of the same prefix.
	ErrConflict = errors.New("another job works on these keys")
	// ErrTooMany says that an account has as many unfinished jobs as it may.
	ErrTooMany = errors.New("too many jobs of the account are not finished yet")
	// ErrNoSuchJob says that there is no job of an id, or no more.
	ErrNoSuchJob = errors.New("there is no such job")
	// ErrClosed says that the runner is closed.
	ErrClosed = errors.New("no jobs are taken any more")
)

const (
	// maxRunning is how many jobs run at once.
	maxRunning = 2
	// keptJobs and keptFor bound how many finished jobs are kept, and for how long.
	keptJobs = 100
	keptFor  = 7 * 24 * time.Hour
	// maxUnfinished is how many jobs on the buckets of one account may wait or run. Each
	// holds memory and a document until it is finished.
	maxUnfinished = 100
	// slice is for how long a job runs before it makes room for one that waits.
	slice = 5 * time.Second
	// keepEvery is how much time a running job lets go by before it is written again.
	keepEvery = time.Second
	// batchSize is how many entries are removed at once.
	batchSize = 1000
	// documentPrefix is how the names of documents begin.
	documentPrefix = "job/"
)

// Options are the choices of [NewRunner]. Store and Documents are needed.
type Options struct {
	Store     Store
	Documents Documents
	Budget    Budget       // nil: jobs yield to nobody
	Clock     clock.Clock  // nil: the wall clock
	Logger    *slog.Logger // takes the end of each job; nil means none
	Rand      io.Reader    // makes ids; nil means crypto/rand
	// Pause waits for the rate of a job; nil means a timer.
	Pause func(ctx context.Context, d time.Duration) error
	// Batch is how many entries are read and removed at once; 0 means 1,000.
	Batch int
}

// Runner runs jobs. It is safe for concurrent use.
type Runner struct {
	o      Options
	ctx    context.Context // ends with the runner
	cancel context.CancelCauseFunc
	under  sync.WaitGroup // jobs under way

	submitting sync.Mutex // held while a job is taken; before mu

	mu      sync.Mutex // protects what follows
	jobs    map[string]*tracked
	queue   []*tracked // in the order in which they came
	running int
	of      map[string]int // of running, by the account of the starter
	started bool
	closed  bool
}

// tracked is a job and what is under way with it.
type tracked struct {
	job    Job // as it was last told, replaced under the runner's mu
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the job is finished
}

// The reasons why the context of a job ends.
var (
	errCancelled = errors.New("the job is cancelled")
	errClosing   = errors.New("the runner is closing")
	errYields    = errors.New("the job makes room for another one")
)

// NewRunner returns a runner without jobs. Those that were kept come with [Runner.Start];
// until then none runs.
func NewRunner(o Options) *Runner {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Pause == nil {
		o.Pause = clock.Wait
	}
	if o.Batch <= 0 {
		o.Batch = batchSize
	}
	r := &Runner{o: o, jobs: make(map[string]*tracked), of: make(map[string]int)}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// Start reads the jobs that were kept and goes on with those that are not finished. A
// document that cannot be read is passed over, logged, and stays.
func (r *Runner) Start(ctx context.Context) error {
	documents, err := r.o.Documents.Kept(ctx, documentPrefix)
	if err != nil {
		return fmt.Errorf("reading jobs: %w", err)
	}
	var kept []*tracked
	for _, d := range documents {
		j, err := decode(d)
		if err != nil {
			r.o.Logger.Warn("a job cannot be read", "err", err)
			continue
		}
		kept = append(kept, track(j))
	}
	slices.SortFunc(kept, func(a, b *tracked) int { return strings.Compare(a.job.ID, b.job.ID) })
	r.mu.Lock()
	var queued []*tracked
	for _, t := range kept {
		if r.jobs[t.job.ID] != nil {
			continue
		}
		r.jobs[t.job.ID] = t
		if !t.job.State.Finished() {
			t.job.State = Queued
			queued = append(queued, t)
		}
	}
	r.queue = append(queued, r.queue...)
	r.started = true
	r.dispatch()
	r.mu.Unlock()
	return r.prune(ctx)
}

// track returns what j is tracked with.
func track(j *Job) *tracked {
	t := &tracked{job: *j, done: make(chan struct{})}
	if j.State.Finished() {
		close(t.done)
	}
	return t
}

// Close cuts the jobs that run, and returns when all of them stand still. They go on
// when the folder is started again.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel(errClosing)
	r.under.Wait()
}

// Submit takes a job: it is durable when Submit returns, and runs when its turn comes.
func (r *Runner) Submit(ctx context.Context, s Spec) (Job, error) {
	r.submitting.Lock()
	defer r.submitting.Unlock()
	b, err := r.o.Store.Bucket(ctx, s.Bucket)
	if err != nil {
		return Job{}, err
	}
	if s.BucketID != 0 && s.BucketID != b.ID {
		return Job{}, ErrNoSuchBucket
	}
	s.BucketID, s.Account = b.ID, b.Account
	if err := r.conflicts(&s); err != nil {
		return Job{}, err
	}
	now := r.o.Clock.Now().UTC()
	id, err := r.newID(now)
	if err != nil {
		return Job{}, err
	}
	j := &Job{ID: id, Spec: s, State: Queued, Submitted: now, Boundary: b.Boundary, place: begin(&s)}
	if s.Prefix == "" && s.Kind == Empty {
		j.Total = b.Total
	}
	if err := r.keep(ctx, j); err != nil {
		return Job{}, err
	}
	r.mu.Lock()
	t := track(j)
	r.jobs[id] = t
	r.queue = append(r.queue, t)
	r.dispatch()
	r.mu.Unlock()
	return j.clone(), r.prune(ctx)
}

// newID returns the id of a job: they sort by the time of their making.
func (r *Runner) newID(now time.Time) (string, error) {
	var random [4]byte
	if _, err := io.ReadFull(r.o.Rand, random[:]); err != nil {
		return "", fmt.Errorf("id of a job: %w", err)
	}
	return now.Format("20060102t150405.000") + "-" + hex.EncodeToString(random[:]), nil
}

// conflicts refuses s while an unfinished job works on what it is to work on, or too many
// of the account are unfinished.
func (r *Runner) conflicts(s *Spec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	unfinished := 0
	for _, t := range r.jobs {
		if t.job.State.Finished() {
			continue
		}
		o := &t.job.Spec
		if o.Account == s.Account {
			unfinished++
		}
		overlap := strings.HasPrefix(s.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, s.Prefix)
		if o.BucketID == s.BucketID && overlap && !o.DryRun && !s.DryRun {
			return fmt.Errorf("%w: %s", ErrConflict, t.job.ID)
		}
	}
	if unfinished >= maxUnfinished {
		return ErrTooMany
	}
	return nil
}

// Job returns a job as it stands.
func (r *Runner) Job(id string) (Job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.jobs[id]
	if t == nil {
		return Job{}, ErrNoSuchJob
	}
	return t.job.clone(), nil
}

// Jobs returns all jobs as they stand, the newest first.
func (r *Runner) Jobs() []Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Job, 0, len(r.jobs))
	for _, t := range r.jobs {
		all = append(all, t.job.clone())
	}
	slices.SortFunc(all, func(a, b Job) int { return strings.Compare(b.ID, a.ID) })
	return all
}

// Cancel ends a job where it is: what it removed stays removed. It returns the job when
// it stands still; one that is finished stays as it is.
func (r *Runner) Cancel(ctx context.Context, id string) (Job, error) {
	r.mu.Lock()
	t := r.jobs[id]
	if t == nil {
		r.mu.Unlock()
		return Job{}, ErrNoSuchJob
	}
	waiting := slices.Index(r.queue, t)
	if waiting >= 0 { // it is nobody's else: end it here
		r.queue = slices.Delete(r.queue, waiting, waiting+1)
	} else if t.cancel != nil {
		t.cancel(errCancelled)
	}
	r.mu.Unlock()
	if waiting >= 0 {
		j := t.job.clone()
		r.finish(t, &j, errCancelled)
	}
	return r.Wait(ctx, id)
}

// Wait returns a job when it is finished, or as it stands when ctx ends, with its error.
func (r *Runner) Wait(ctx context.Context, id string) (Job, error) {
	r.mu.Lock()
	t := r.jobs[id]
	r.mu.Unlock()
	if t == nil {
		return Job{}, ErrNoSuchJob
	}
	var err error
	select {
	case <-t.done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-r.ctx.Done():
		err = ErrClosed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return t.job.clone(), err
}
