package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// phase is a part of a job's work.
type phase uint8

const (
	inUploads phase = iota + 1
	inEntries
	inBucket // it is being deleted
	atEnd
)

// place is how far a job got.
type place struct {
	Phase  phase       `json:"phase"`
	Upload UploadPlace `json:"upload,omitzero"`
	// After is behind what was dealt with.
	After Place `json:"after,omitzero"`
	// Top is the newest entry of the key of After, which goes when the others are gone;
	// nil if it was not there at the start.
	Top *Entry `json:"top,omitempty"`
	// Stays says that something of the key of After stays.
	Stays bool `json:"stays,omitempty"`
}

// begin returns the place at which a job begins.
func begin(s *Spec) place {
	if s.Kind == Empty && s.Uploads {
		return place{Phase: inUploads}
	}
	return place{Phase: inEntries}
}

// next returns the place at which the part begins that follows that of the entries.
func (s *Spec) next() place {
	if s.DeleteBucket && !s.DryRun {
		return place{Phase: inBucket}
	}
	return place{Phase: atEnd}
}

// run is a job under way.
type run struct {
	*Runner
	tracked *tracked
	job     *Job          // nobody else's
	kept    time.Duration // when it was last written, as elapsed real time
	until   time.Duration // from when on it makes room for others
}

// dispatch starts jobs that wait, as many as may run. The runner's mu is held.
func (r *Runner) dispatch() {
	for r.started && !r.closed && r.running < maxRunning && len(r.queue) > 0 {
		i := r.turn()
		t := r.queue[i]
		r.queue = slices.Delete(r.queue, i, i+1)
		r.running++
		r.of[t.job.Caller.Account]++
		var ctx context.Context
		ctx, t.cancel = context.WithCancelCause(r.ctx)
		r.under.Go(func() { r.execute(ctx, t) })
	}
}

// turn returns the index of the job that is next of those that wait: of the account whose
// users run the fewest, the one that waited longest. So an account that starts many does not
// keep the others waiting. The runner's mu is held.
func (r *Runner) turn() (next int) {
	for i, t := range r.queue {
		if r.of[t.job.Caller.Account] < r.of[r.queue[next].job.Caller.Account] {
			next = i
		}
	}
	return next
}

// execute runs a job to its end, to where it is cut, or to where it makes room for
// another one.
func (r *Runner) execute(ctx context.Context, t *tracked) {
	j := t.job.clone()
	began, cancel := r.o.Clock.Elapsed(), t.cancel
	defer cancel(nil)
	n := &run{Runner: r, tracked: t, job: &j, kept: began, until: began + slice}
	j.State = Running
	if j.Started.IsZero() {
		j.Started = r.o.Clock.Now().UTC()
	}
	n.publish()
	err := n.work(ctx)
	if !errors.Is(err, errYields) || !r.requeue(ctx, t, &j) {
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx)
		}
		r.finish(t, &j, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	if r.of[j.Caller.Account]--; r.of[j.Caller.Account] == 0 {
		delete(r.of, j.Caller.Account)
	}
	r.dispatch()
}

// yields reports whether the job is to make room for one that waits.
func (n *run) yields() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) > 0 && n.o.Clock.Elapsed() >= n.until
}

// requeue makes a job wait behind those that do, with what it got to written. It reports
// false if the job or the runner is being ended.
func (r *Runner) requeue(ctx context.Context, t *tracked, j *Job) bool {
	j.State = Queued
	if err := r.keep(ctx, j); err != nil && ctx.Err() == nil {
		r.o.Logger.Error("a job cannot be written", "job", j.ID, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	t.job = j.clone()
	r.queue = append(r.queue, t)
	return true
}

// work does what is left of the job, a batch at a time.
func (n *run) work(ctx context.Context) error {
	steps := map[phase]func(context.Context, Work) (int, error){
		inUploads: n.abortPage, inEntries: n.emptyPage, inBucket: n.deleteBucket,
	}
	if n.job.Kind == Undelete {
		steps[inEntries] = n.undeletePage
	}
	for n.job.place.Phase != atEnd {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case n.yields():
			return errYields
		}
		was, began := n.job.place.Phase, n.o.Clock.Elapsed()
		w, err := n.o.Store.Open(ctx, n.job)
		if was == inBucket && errors.Is(err, ErrNoSuchBucket) { // a restart came before that was written
			n.job.Deleted, n.job.place.Phase = true, atEnd
			return nil
		}
		if err != nil {
			return err
		}
		dealt, err := steps[was](ctx, w)
		n.publish()
		if err != nil {
			return err
		}
		if err := n.pace(ctx, dealt, began, was != n.job.place.Phase); err != nil {
			return err
		}
	}
	return nil
}

// pace writes the job when it is time to, or when it must be, and lets others have the
// disk.
func (n *run) pace(ctx context.Context, dealt int, began time.Duration, must bool) error {
	now := n.o.Clock.Elapsed()
	if must || now-n.kept >= keepEvery {
		n.kept = now
		if err := n.keep(ctx, n.job); err != nil {
			return err
		}
	}
	worked := n.o.Clock.Elapsed() - began
	if n.o.Budget != nil && dealt > 0 {
		if err := n.o.Budget.Rest(ctx, worked, dealt); err != nil {
			return err
		}
	}
	if n.job.Rate <= 0 {
		return nil
	}
	due := time.Duration(float64(dealt) / float64(n.job.Rate) * float64(time.Second))
	if spent := n.o.Clock.Elapsed() - began; spent < due {
		return n.o.Pause(ctx, due-spent)
	}
	return nil
}

// limit returns how many entries are read and removed at once: no more than may go
// within a second.
func (n *run) limit() int {
	if n.job.Rate > 0 {
		return min(n.o.Batch, n.job.Rate)
	}
	return n.o.Batch
}

// publish lets others see how far the job got.
func (n *run) publish() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tracked.job = n.job.clone()
}

// keep writes a job.
func (r *Runner) keep(ctx context.Context, j *Job) error {
	document, err := j.encode()
	if err != nil {
		return err
	}
	return r.o.Documents.Keep(ctx, documentPrefix+j.ID, document)
}

// finish writes how a job ended: err says why it did, nil that all was done. One that is
// cut by the end of the runner is written as far as it got, and goes on later.
func (r *Runner) finish(t *tracked, j *Job, err error) {
	switch {
	case err == nil:
		j.State = Done
	case errors.Is(err, errCancelled):
		j.State = Cancelled
	case !errors.Is(err, errClosing):
		j.State, j.Error, j.Cause = Failed, err.Error(), err
	}
	if j.State.Finished() {
		j.Finished = r.o.Clock.Now().UTC()
	}
	// The end of the job, or of the runner, is no reason not to write it.
	if kept := r.keep(context.WithoutCancel(r.ctx), j); kept != nil {
		r.o.Logger.Error("a job cannot be written", "job", j.ID, "err", kept)
	}
	if j.State.Finished() {
		r.o.Logger.LogAttrs(r.ctx, slog.LevelInfo, "job ended", slog.String("job", j.ID), slog.String("kind", string(j.Kind)), slog.Bool("dry_run", j.DryRun),
			slog.String("bucket", j.Bucket), slog.String("state", string(j.State)), slog.String("error", j.Error),
			slog.Int64("versions", j.Counts.Versions), slog.Int64("markers", j.Counts.Markers), slog.Int64("held", j.Counts.Held))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t.job = j.clone()
	if j.State.Finished() {
		close(t.done)
	}
}

// prune drops the jobs that are finished and not to be kept any longer.
func (r *Runner) prune(ctx context.Context) error {
	oldest := r.o.Clock.Now().Add(-keptFor)
	finished := 0
	for _, j := range r.Jobs() { // the newest first
		if !j.State.Finished() {
			continue
		}
		if finished++; finished <= keptJobs && !j.Finished.Before(oldest) {
			continue
		}
		if err := r.o.Documents.Drop(ctx, documentPrefix+j.ID); err != nil {
			return err
		}
		r.mu.Lock()
		delete(r.jobs, j.ID)
		r.mu.Unlock()
	}
	return nil
}

// abortPage aborts the uploads of a page.
func (n *run) abortPage(ctx context.Context, w Work) (int, error) {
	j := n.job
	uploads, next, err := w.Uploads(ctx, j.Prefix, j.place.Upload, n.limit())
	if err != nil {
		return 0, err
	}
	old := uploads[:0]
	for _, u := range uploads {
		if u.Order >= j.Boundary { // its time tells less: clocks are set back
			j.Counts.Since++
			continue
		}
		old = append(old, u)
	}
	errs, err := w.Abort(context.WithoutCancel(ctx), old)
	if err != nil {
		return 0, err
	}
	for i, u := range old {
		if errs[i] == nil {
			j.Counts.Uploads++
			continue
		}
		j.Counts.Refused++
		j.sample(Sample{Why: WhyRefused, Key: u.Key, UploadID: u.ID, Reason: errs[i].Error()})
	}
	j.place.Upload = next
	if next == (UploadPlace{}) {
		j.place = place{Phase: inEntries}
	}
	return len(uploads), nil
}

// deleteBucket deletes the bucket when it is empty.
func (n *run) deleteBucket(ctx context.Context, w Work) (int, error) {
	err := w.DeleteBucket(context.WithoutCancel(ctx))
	if errors.Is(err, ErrBucketNotEmpty) {
		return 0, &RemainsError{Counts: n.job.Counts}
	}
	if err == nil {
		n.job.Deleted, n.job.place.Phase = true, atEnd
	}
	return 0, err
}

// failed counts an entry that was not removed, and why.
func (n *run) failed(w Work, e *Entry, err error) {
	j, s := n.job, Sample{Key: e.Key, VersionID: w.FormatVersionID(e.ID())}
	switch {
	case errors.Is(err, ErrChanged):
		s.Why = WhyChanged
		j.Counts.Changed++
	case errors.Is(err, ErrDamaged):
		s.Why = WhyDamaged
		j.Counts.Damaged++
	case errors.Is(err, versioning.ObjectLocked):
		s.Why = WhyHeld
		n.held(e, &s)
	default:
		s.Why, s.Reason = WhyRefused, err.Error()
		j.Counts.Refused++
	}
	j.sample(s)
}

// damaged counts keys that are left alone for what of them cannot be read.
func (n *run) damaged(keys []string) {
	n.job.Counts.Damaged += int64(len(keys))
	for _, key := range keys {
		n.job.sample(Sample{Why: WhyDamaged, Key: key})
	}
}

// held counts a version that a lock keeps.
func (n *run) held(e *Entry, s *Sample) {
	c := &n.job.Counts
	c.Held++
	if e.Lock.Mode != versioning.NoRetention {
		s.Mode, s.Until = e.Lock.Mode.String(), e.Lock.Until.UTC()
		if e.Lock.Until.After(c.HeldUntil) {
			c.HeldUntil = s.Until
		}
	}
	if e.Lock.Hold == versioning.HoldOn {
		s.LegalHold = true
		c.LegalHold++
	}
}
