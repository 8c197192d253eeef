package metamorphic_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// anything permits a job everything but what locks forbid.
type anything struct{ job *jobs.Job }

var _ upkeep.Permission = anything{}

func (anything) Delete(key string, id versioning.ID) (store.DeleteRequest, error) {
	return store.DeleteRequest{Key: key, ID: id}, nil
}
func (anything) Abort(string) error  { return nil }
func (anything) DeleteBucket() error { return nil }
func (p anything) Maker() store.Maker {
	return store.Maker{Operation: "Job", Cause: store.CauseJob, CauseID: p.job.ID}
}

// runner runs jobs on the store of the scene, a few entries at a time, and goes on with
// those that were cut.
func (s *scene) runner() *jobs.Runner {
	s.t.Helper()
	on := &upkeep.Jobs{Store: s.store, Permit: func(_ context.Context, j *jobs.Job) (upkeep.Permission, error) { return anything{j}, nil }}
	r := jobs.NewRunner(jobs.Options{Store: on, Documents: on, Clock: s.clock, Batch: 2 + s.rng.IntN(6)})
	s.must(r.Start(s.t.Context()))
	return r
}

// A job that is cut by a crash at any sync goes on after it, and ends as one that nobody
// disturbed. Every removal is in the ledger once.
func TestJobCut(t *testing.T) {
	cut := 0
	for i := range sceneCount() {
		seed := *firstSeed + uint64(i)
		s := newScene(t, seed, 80)
		s.catchUp()
		before := s.contents()
		spec := jobs.Spec{Kind: jobs.Empty, Bucket: sceneBucket, Uploads: true}
		if s.rng.IntN(2) == 0 {
			spec = jobs.Spec{Kind: jobs.Undelete, Bucket: sceneBucket}
			spec.Since, spec.Until = s.start.AddDate(0, 0, s.rng.IntN(4)), s.start.AddDate(0, 0, 6+s.rng.IntN(20))
		}
		want := s.jobModel(before, &spec)
		id := s.jobIntoCrash(spec)
		if !slices.Equal(s.contents().left(before), want.left) {
			cut++
		}
		r := s.runner()
		j, err := r.Wait(t.Context(), id)
		s.must(err)
		if j.State != "done" {
			t.Errorf("the job is %s: %s", j.State, j.Error)
		}
		r.Close()
		wantLines(t, "contents", s.contents().left(before), want.left)
		wantLines(t, "ledger", s.jobLines(id), want.told)
		if t.Failed() {
			for _, h := range before.histories {
				t.Log(metamorphic.HistoryText(h))
			}
			t.Fatalf("seed %d, state %q, %+v, locks at %s", seed, before.state, spec, s.store.LockTime())
		}
		s.check()
	}
	t.Logf("seeds %d to %d: %d cut before their end", *firstSeed, *firstSeed+uint64(sceneCount())-1, cut)
	if cut < sceneCount()/10 {
		t.Error("too few of them")
	}
}

// jobIntoCrash runs a job while the file system is cut, and goes on with what the cut
// left. It returns the id of the job.
func (s *scene) jobIntoCrash(spec jobs.Spec) (id string) {
	s.t.Helper()
	b, err := s.store.Bucket(s.t.Context(), sceneBucket)
	s.must(err)
	spec.BucketID = b.ID
	r := s.runner()
	j, err := r.Submit(s.t.Context(), spec)
	s.must(err)
	s.power.cutAt(s.rng.IntN(30))
	_, err = r.Wait(s.t.Context(), j.ID)
	s.must(err)
	r.Close()
	left, err := s.power.left()
	s.must(err)
	s.must(s.store.Close())
	s.fs = left
	s.open()
	return j.ID
}

// jobLines are the lines of the ledger that a job caused.
func (s *scene) jobLines(id string) (lines []string) {
	s.t.Helper()
	s.must(s.store.Ledger(s.t.Context(), store.LedgerQuery{Bucket: sceneBucket}, func(e store.LedgerEntry) error {
		if e.Made.Cause == store.CauseJob && e.Made.CauseID == id {
			lines = append(lines, jobLine(e.Change.String(), e.Key))
		}
		return nil
	}))
	slices.Sort(lines)
	return lines
}

func jobLine(change, key string) string { return fmt.Sprintf("%s %q", change, key) }

// jobModel says what a job does.
func (s *scene) jobModel(c contents, spec *jobs.Spec) (o outcome) {
	l := model.Lifecycle{Locks: s.store.LockTime()}
	for _, history := range c.histories {
		stays := emptied
		if spec.Kind == jobs.Undelete {
			stays = undeleted(spec)
		}
		for i, e := range history {
			switch {
			case stays(&l, history, i):
				o.left = append(o.left, leftLine(e, true))
			case e.DeleteMarker:
				o.told = append(o.told, jobLine("marker-removed", e.Key))
			default:
				o.told = append(o.told, jobLine("version-removed", e.Key))
			}
		}
	}
	for _, u := range c.uploads {
		if spec.Uploads {
			o.told = append(o.told, jobLine("upload-aborted", u.Key))
		} else {
			o.left = append(o.left, "upload "+u.ID)
		}
	}
	slices.Sort(o.left)
	slices.Sort(o.told)
	return o
}

// emptied tells what stays of a history when a bucket is emptied: what locks keep, and
// a delete marker that hides that.
func emptied(l *model.Lifecycle, history []*model.Aged, i int) bool {
	if i == 0 && history[0].DeleteMarker {
		return slices.ContainsFunc(history, l.Protected)
	}
	return l.Protected(history[i])
}

// undeleted tells what stays when markers are removed: all but the markers above the
// newest version, if there is one and they are all of the time in question.
func undeleted(spec *jobs.Spec) func(*model.Lifecycle, []*model.Aged, int) bool {
	return func(_ *model.Lifecycle, history []*model.Aged, i int) bool {
		newest := slices.IndexFunc(history, func(e *model.Aged) bool { return !e.DeleteMarker })
		if i >= newest {
			return true
		}
		return slices.ContainsFunc(history[:newest], func(m *model.Aged) bool {
			return m.Modified.Before(spec.Since) || m.Modified.After(spec.Until)
		})
	}
}
