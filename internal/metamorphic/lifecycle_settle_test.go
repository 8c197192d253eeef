package metamorphic_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// A clock that leaps has the same outcome as one that is watched all the time: what is
// due on the way is done when it is due, and what follows from that too.
//
// spec: LC4-1, LC4-3, LC4-4, LC4-7, LC4-9, LC4-10, LC4-11, LC4-12, LC6-1
func TestSettleAgainstModel(t *testing.T) {
	acts := 0
	for i := range sceneCount() {
		seed := 2 * (*firstSeed + uint64(i)) // those have a clock that can be set
		s := newScene(t, seed, 80)
		before := s.contents()
		until := s.store.ObjectTime().Add(max(0, s.next(12)))
		want := s.modelUntil(before, until)
		var did []string
		x := s.expirer()
		_, err := x.Settle(t.Context(), until, s.setClock, func(a *lifecycle.Action) error {
			did = append(did, line(a.Key, known(before, a.Order), a.Upload, a.Kind, a.Rule, a.Due))
			return a.Err
		})
		s.must(err)
		slices.Sort(did)
		wantLines(t, "settled", did, want.did)
		wantLines(t, "contents", s.contents().left(before), want.left)
		if now := s.store.ObjectTime(); !now.Equal(until) {
			t.Errorf("the clock shows %s, want %s", now, until)
		}
		wantLines(t, "run after it", s.run(lifecycle.RunRequest{}), nil)
		x.Close()
		if t.Failed() {
			t.Fatalf("seed %d, state %q, until %s, rules\n%s", seed, before.state, until, metamorphic.RulesXML(s.rules, s.legacy))
		}
		acts += len(did)
		s.check()
	}
	t.Logf("seeds %d to %d: %d actions", 2**firstSeed, 2*(*firstSeed+uint64(sceneCount())-1), acts)
}

// known returns an order of an entry that was there, 0 for one made since.
func known(before contents, order versioning.Order) versioning.Order {
	for _, o := range before.orders {
		if o == order {
			return o
		}
	}
	return 0
}

// modelUntil says what an expirer does that looks at every midnight and at every end
// of a retention.
func (s *scene) modelUntil(c contents, until time.Time) (o outcome) {
	now := s.store.ObjectTime()
	var instants []time.Time
	for at := now.Truncate(24 * time.Hour); at.Before(until); at = at.AddDate(0, 0, 1) {
		instants = append(instants, at)
	}
	for e := range c.orders {
		instants = append(instants, e.Retain)
	}
	instants = slices.DeleteFunc(instants, func(at time.Time) bool { return at.Before(now) || at.After(until) })
	instants = append(instants, now, until)
	slices.SortFunc(instants, time.Time.Compare)
	for _, history := range c.histories {
		o.live(&model.Lifecycle{Rules: s.rules, State: c.state}, history, c, instants)
	}
	l := model.Lifecycle{Rules: s.rules}
	for _, u := range c.uploads {
		if rule, due := l.Abort(u.Key, u.Initiated); rule != nil && !due.After(until) {
			o.did = append(o.did, line(u.Key, 0, u.ID, lifecycle.AbortUpload, rule.ID, due))
		} else {
			o.left = append(o.left, "upload "+u.ID)
		}
	}
	slices.Sort(o.did)
	slices.Sort(o.left)
	return o
}

// live lets a history go through the instants.
func (o *outcome) live(l *model.Lifecycle, history []*model.Aged, c contents, instants []time.Time) {
	after := history
	for _, at := range instants {
		l.Now, l.Locks = at, at
		var done []model.Done
		past := after
		after, done = l.Expire(past)
		for _, d := range done {
			o.did = append(o.did, c.lines(d, past)...)
		}
	}
	for _, e := range after {
		o.left = append(o.left, leftLine(e, slices.Contains(history, e)))
	}
}
