package metamorphic_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

var scenes = flag.Int("scenes", 60, "buckets in which the expirer and the model run")

// sceneCount is how many a test plays: fewer of them in a short run.
func sceneCount() int {
	if testing.Short() {
		return max(1, *scenes/4)
	}
	return *scenes
}

// The expirer does to buckets of the store what the model does to histories: the
// preview says it before, the ledger after, and a second run at the same instant
// does nothing.
//
// spec: LC4-4, LC4-7, LC4-8, LC4-9, LC4-10, LC4-11, LC4-12, LC4-13, LC4-14, LC4-15, LC4-22
// spec: LC6-1, LC6-3, LC6-4, LC1-6
func TestRunAgainstModel(t *testing.T) {
	acts := 0
	for i := range sceneCount() {
		seed := *firstSeed + uint64(i)
		s := newScene(t, seed, 80)
		for round := range 6 {
			acts += s.round()
			if t.Failed() {
				t.Fatalf("seed %d, round %d, state %q, at %s, locks at %s, rules\n%s", seed, round, s.contents().state,
					s.store.ObjectTime(), s.store.LockTime(), metamorphic.RulesXML(s.rules, s.legacy))
			}
			s.change()
		}
		s.check()
	}
	t.Logf("seeds %d to %d: %d actions", *firstSeed, *firstSeed+uint64(sceneCount())-1, acts)
	if acts < 10*sceneCount() {
		t.Error("too few of them")
	}
}

// change does what may happen between two passes.
func (s *scene) change() {
	s.t.Helper()
	switch s.rng.IntN(4) {
	case 0:
		s.newRules()
	case 1:
		s.play(10)
	case 2:
		state := s.contents().state
		if !s.locks && state != versioning.Unversioned {
			s.setState(versioning.Enabled + versioning.Suspended - state)
		}
	}
}

// round lets time go by, and compares preview, run, run again, contents and ledger
// with what the model says. It returns how much was done.
func (s *scene) round() int {
	s.t.Helper()
	s.contents() // whose orders a preview knows
	var early []string
	d := s.next(4)
	locks := s.store.LockTime()
	if d > 0 {
		early = s.run(lifecycle.RunRequest{At: s.store.ObjectTime().Add(d), DryRun: true})
	}
	s.let(d)
	if now := s.store.ObjectTime(); now.After(locks) {
		locks = now // that a preview holds locks against
	}
	before := s.contents()
	want := s.model(before)
	_, row := s.removals(s.t.Context(), 0)
	if d > 0 && s.store.LockTime().Equal(locks) {
		wantLines(s.t, "preview before", early, want.did)
	}
	wantLines(s.t, "preview", s.run(lifecycle.RunRequest{DryRun: true}), want.did)
	wantLines(s.t, "contents after a preview", s.contents().left(before), before.left(before))
	wantLines(s.t, "run", s.run(lifecycle.RunRequest{}), want.did)
	wantLines(s.t, "contents", s.contents().left(before), want.left)
	told, row := s.removals(s.t.Context(), row)
	wantLines(s.t, "ledger", told, want.told)
	wantLines(s.t, "second run", s.run(lifecycle.RunRequest{}), nil)
	told, _ = s.removals(s.t.Context(), row)
	wantLines(s.t, "ledger after the second run", told, nil)
	return len(want.did)
}

// expirer works on the store of the scene, at its times, with pages and commits of a
// few entries or of many. A key goes over several pages then.
func (s *scene) expirer() *lifecycle.Expirer {
	o := lifecycle.ExpirerOptions{Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if s.rng.IntN(3) > 0 {
		o.Batch = 4 + s.rng.IntN(8)
	}
	return upkeep.NewExpirer(s.store, o)
}

// run runs the expirer and returns what it did. Its totals have to be those of the
// actions.
func (s *scene) run(r lifecycle.RunRequest) (did []string) {
	s.t.Helper()
	r.Bucket = sceneBucket
	total := make(map[string]int64)
	r.Each = func(a *lifecycle.Action) error {
		if a.Err != nil {
			return a.Err
		}
		did = append(did, line(a.Key, known(s.seen, a.Order), a.Upload, a.Kind, a.Rule, a.Due))
		total[fmt.Sprint(a.Kind, a.Rule)]++
		return nil
	}
	x := s.expirer()
	report, err := x.Run(s.t.Context(), r)
	x.Close()
	s.must(err)
	for _, sum := range report.Rules {
		name := fmt.Sprint(sum.Kind, sum.Rule)
		if sum.Count != total[name] {
			s.t.Errorf("report says %d for %s, %d were told", sum.Count, name, total[name])
		}
		delete(total, name)
	}
	if len(total) > 0 || report.Changed > 0 || report.Failed > 0 {
		s.t.Errorf("the report leaves out %v: %+v", total, report)
	}
	slices.Sort(did)
	return did
}

// check looks for what is wrong in the folder, and closes it.
func (s *scene) check() {
	s.t.Helper()
	report, err := s.store.Check(s.t.Context())
	s.must(err)
	for _, p := range report.Problems {
		s.t.Errorf("check: %v", p)
	}
	s.must(s.store.Close())
}

// wantLines compares lines, and shows those that differ.
func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			t.Errorf("%s: not by the model: %s", what, l)
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("%s: only by the model: %s", what, l)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// told is what the ledger has to say of a deed.
func told(d model.Done, state versioning.State, history []*model.Aged) (lines []string) {
	say := func(change store.LedgerChange, key string) {
		lines = append(lines, fmt.Sprintf("%v %q by %q Lifecycle", change, key, d.Rule.ID))
	}
	removed := func(e *model.Aged) {
		if e.DeleteMarker {
			say(store.LedgerMarkerRemoved, e.Key)
		} else {
			say(store.LedgerVersionRemoved, e.Key)
		}
	}
	if d.Deed != model.ExpireCurrent || state == versioning.Unversioned {
		removed(d.Entry)
		return lines
	}
	say(store.LedgerMarkerAdded, d.Entry.Key)
	for _, e := range history {
		if state == versioning.Suspended && e.Name == model.Null {
			removed(e)
		}
	}
	return lines
}

// A run that is cut after any number of actions, or by a crash at any sync, and
// begun again at the same instant, ends as one that nobody disturbed.
func TestRunCut(t *testing.T) {
	cut := 0
	for i := range sceneCount() {
		seed := *firstSeed + uint64(i)
		s := newScene(t, seed, 80)
		s.let(s.next(9))
		s.catchUp()
		before := s.contents()
		want := s.model(before)
		if i%2 == 0 {
			s.runInPieces(len(want.did))
		} else {
			s.runIntoCrash()
		}
		if !slices.Equal(s.contents().left(before), want.left) {
			cut++
		}
		s.run(lifecycle.RunRequest{})
		wantLines(t, "contents", s.contents().left(before), want.left)
		told, _ := s.removals(t.Context(), 0)
		wantLines(t, "ledger", told, want.told)
		wantLines(t, "run after the end", s.run(lifecycle.RunRequest{}), nil)
		if t.Failed() {
			t.Fatalf("seed %d, state %q, at %s, rules\n%s", seed, before.state, s.store.ObjectTime(), metamorphic.RulesXML(s.rules, s.legacy))
		}
		s.check()
	}
	t.Logf("seeds %d to %d: %d cut before their end", *firstSeed, *firstSeed+uint64(sceneCount())-1, cut)
	if cut < sceneCount()/10 {
		t.Error("too few of them")
	}
}

var errEnough = errors.New("enough")

// runInPieces begins runs that end after some actions.
func (s *scene) runInPieces(actions int) {
	s.t.Helper()
	for range 3 {
		left := s.rng.IntN(actions + 1)
		x := s.expirer()
		_, err := x.Run(s.t.Context(), lifecycle.RunRequest{Bucket: sceneBucket, Each: func(*lifecycle.Action) error {
			if left--; left < 0 {
				return errEnough
			}
			return nil
		}})
		if err != nil && !errors.Is(err, errEnough) {
			s.t.Fatal(err)
		}
		x.Close()
	}
}

// runIntoCrash runs while the file system is cut at a sync, or after the run if there
// are too few, and goes on with what the cut left.
func (s *scene) runIntoCrash() {
	s.t.Helper()
	s.power.cutAt(s.rng.IntN(8))
	s.run(lifecycle.RunRequest{})
	left, err := s.power.left()
	s.must(errors.Join(err, s.store.Close()))
	s.fs = left
	s.open()
}

// power cuts a file system at a sync.
type power struct {
	mu    sync.Mutex // protects what follows
	fs    *crashfs.FS
	rng   *rand.Rand
	syncs int // to come before the cut; negative: it is not to be cut
	cut   *crashfs.FS
	err   error
}

func (p *power) cutAt(syncs int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.syncs = syncs
}

// synced is called after each sync.
func (p *power) synced(crashfs.Sync) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.syncs == 0 {
		p.cut, p.err = p.fs.Cut([]int{0, 50, 100}[p.rng.IntN(3)], p.rng, crashfs.Watch{})
	}
	p.syncs--
}

// left is what the cut left.
func (p *power) left() (*crashfs.FS, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil {
		p.cut, p.err = p.fs.Cut(0, p.rng, crashfs.Watch{})
	}
	return p.cut, p.err
}
