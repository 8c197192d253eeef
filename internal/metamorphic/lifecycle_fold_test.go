package metamorphic_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

var decisions = flag.Int("decisions", 1_000_000, "entries that lifecycle and the model judge")

// kinds are the model's words for what rules do.
var kinds = map[model.Deed]lifecycle.Kind{
	model.Nothing: lifecycle.None, model.ExpireCurrent: lifecycle.ExpireCurrent,
	model.RemoveNoncurrent: lifecycle.RemoveNoncurrent, model.RemoveMarker: lifecycle.RemoveMarker,
}

// judgement is what is compared of the verdict on an entry.
type judgement struct {
	key      string
	order    versioning.Order // 0 for a marker that the pass itself adds
	kind     lifecycle.Kind
	rule     string
	due      time.Time
	since    time.Time // when it became noncurrent
	acts     bool
	held     bool
	replaced bool
}

func (j judgement) String() string {
	return fmt.Sprintf("%q order %d: %v by %q at %s, acts %v, held %v, replaced %v, noncurrent since %s",
		j.key, j.order, j.kind, j.rule, j.due.Format(time.RFC3339Nano), j.acts, j.held, j.replaced, j.since.Format(time.RFC3339Nano))
}

// The fold and the model judge the same entries by the same rules at the same
// instants, and say the same of each: what is done, by which rule, since when it is
// due, and what would be done later.
//
// spec: LC4-1, LC4-2, LC4-3, LC4-5, LC4-6, LC4-7, LC4-8, LC4-9, LC4-10, LC4-11
// spec: LC4-12, LC4-13, LC4-14, LC4-15, LC4-16, LC4-17, LC4-18, LC4-19, LC6-1, LC6-3, LC2-2
func TestFoldAgainstModel(t *testing.T) {
	enough := *decisions
	if testing.Short() {
		enough /= 10
	}
	t.Logf("seed %d, %d decisions", *firstSeed, enough)
	rng := rand.New(rand.NewPCG(*firstSeed, 2))
	acts, judged := 0, 0
	for judged < enough {
		trial := metamorphic.NewTrial(rng, 30)
		config := parsed(t, trial)
		for range 6 {
			at := instant(rng, trial)
			want, got := byModel(trial, at), byFold(rng, config, trial, at)
			if !slices.Equal(want, got) {
				explain(t, trial, at)
				return
			}
			judged += len(got)
			acts += countActs(got)
		}
	}
	t.Logf("%d decisions, %d of them to do something", judged, acts)
	if acts < judged/10 || acts > judged*9/10 {
		t.Error("the trials do not reach both")
	}
}

// Headers and the prefixes to look under follow from the same rules.
//
// spec: LC4-1, LC4-2, LC4-4, LC4-17, LC4-18, LC4-19, LC5-1, LC5-2, LC6-4
func TestHeadersAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(*firstSeed, 6))
	trials := 2000
	if testing.Short() {
		trials /= 10
	}
	for range trials {
		trial := metamorphic.NewTrial(rng, 10)
		config := parsed(t, trial)
		l := model.Lifecycle{Rules: trial.Rules, State: trial.State}
		for _, history := range trial.Histories {
			e := entriesOf(history[:1])[0]
			if !e.Marker {
				p := l.Prospect(history[:1], 0)
				rule, due, ok := config.ForCurrent(&e)
				wantFirst(t, trial, "expires", e.Key, p.Rule, p.Due, rule, due, ok)
				wantCovered(t, trial, e.Key, p.Rule, config.Prefixes())
			}
			rule, due, ok := config.ForUpload(e.Key, e.LastModified)
			first, at := l.Abort(e.Key, e.LastModified)
			wantFirst(t, trial, "is aborted", e.Key, first, at, rule, due, ok)
			wantCovered(t, trial, e.Key, first, config.UploadPrefixes())
		}
		if t.Failed() {
			t.Fatalf("seed %d", *firstSeed)
		}
	}
}

func wantFirst(t *testing.T, trial *metamorphic.Trial, what, key string, want *model.Rule, at time.Time, got *lifecycle.Rule, due time.Time, ok bool) {
	t.Helper()
	if ok != (want != nil) || ok && (got.ID != want.ID || !due.Equal(at)) {
		t.Errorf("%q %s by %+v at %s (%v), want %+v at %s\n%v", key, what, got, due, ok, want, at, trial)
	}
}

// wantCovered looks whether a key that a rule touches is under one of the prefixes,
// and only one.
func wantCovered(t *testing.T, trial *metamorphic.Trial, key string, rule *model.Rule, prefixes []string) {
	t.Helper()
	under := 0
	for _, p := range prefixes {
		if strings.HasPrefix(key, p) {
			under++
		}
	}
	if rule != nil && under != 1 || under > 1 || !slices.IsSorted(prefixes) {
		t.Errorf("%q is under %d of %q\n%v", key, under, prefixes, trial)
	}
}

// instant is a moment to judge at, with lock time near object time.
func instant(rng *rand.Rand, trial *metamorphic.Trial) lifecycle.Instant {
	at := lifecycle.Instant{Now: trial.Instant(rng), State: trial.State}
	at.Locks = at.Now
	if rng.IntN(4) == 0 {
		at.Locks = trial.Instant(rng)
	}
	return at
}

func parsed(t *testing.T, trial *metamorphic.Trial) *lifecycle.Config {
	t.Helper()
	text := metamorphic.RulesXML(trial.Rules, trial.Legacy)
	config, err := lifecycle.ParseXML([]byte(text), func() string { return "an id" })
	if err == nil {
		config, err = lifecycle.Decode(config.Encode())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return config
}

func countActs(all []judgement) (n int) {
	for _, j := range all {
		if j.acts {
			n++
		}
	}
	return n
}

// orderOf numbers the entries of a history of n, the newest highest.
func orderOf(n, i int) versioning.Order { return versioning.Order(n - i) }

// byModel judges with the model: what it does, and what it has in store for what is
// left.
func byModel(trial *metamorphic.Trial, at lifecycle.Instant) (all []judgement) {
	l := model.Lifecycle{Rules: trial.Rules, State: at.State, Now: at.Now, Locks: at.Locks}
	for _, history := range trial.Histories {
		after, done := l.Expire(history)
		var judged []judgement
		for _, d := range done {
			j := judgement{acts: true}
			j.set(history, d.Entry, d.Prospect)
			judged = append(judged, j)
		}
		for i, e := range after {
			if !slices.Contains(history, e) || slices.ContainsFunc(done, func(d model.Done) bool { return d.Entry == e }) {
				continue
			}
			p := l.Prospect(after, i)
			j := judgement{held: p.Deed == model.RemoveNoncurrent && l.Protected(e)}
			j.set(history, e, p)
			if i > 0 {
				j.since = after[i-1].Modified
			}
			judged = append(judged, j)
		}
		for i, e := range history {
			gone := !slices.Contains(after, e)
			if gone && !slices.ContainsFunc(done, func(d model.Done) bool { return d.Entry == e }) {
				judged = append(judged, judgement{key: e.Key, order: orderOf(len(history), i), replaced: true})
			}
		}
		all = append(all, sorted(judged)...)
	}
	return all
}

// set fills in what the model says of an entry, one of history or a marker that the
// model added.
func (j *judgement) set(history []*model.Aged, e *model.Aged, p model.Prospect) {
	j.key, j.kind, j.due = e.Key, kinds[p.Deed], p.Due
	if i := slices.Index(history, e); i >= 0 {
		j.order = orderOf(len(history), i)
	}
	if p.Rule != nil {
		j.rule = p.Rule.ID
	}
}

// sorted puts the judgements of a key in the order of its entries: what is compared
// is which are there. A marker that the pass added comes last.
func sorted(all []judgement) []judgement {
	slices.SortStableFunc(all, func(a, b judgement) int { return int(b.order) - int(a.order) })
	return all
}

// byFold judges with the fold. Now and then it begins a key again in the middle.
func byFold(rng *rand.Rand, config *lifecycle.Config, trial *metamorphic.Trial, at lifecycle.Instant) (all []judgement) {
	var judged []judgement
	fold := lifecycle.NewFold(config, at, func(v *lifecycle.Verdict) { judged = append(judged, judgementOf(v, at)) })
	for _, history := range trial.Histories {
		entries := entriesOf(history)
		if rng.IntN(8) == 0 {
			kept := slices.Clone(judged)
			for i := range entries[:1+rng.IntN(len(entries))] {
				fold.Next(&entries[i])
			}
			// What was emitted before belongs to the key before.
			if len(judged) > len(kept) {
				judged = slices.DeleteFunc(judged, func(j judgement) bool { return j.key == history[0].Key })
			}
			fold.Forget()
		}
		for i := range entries {
			fold.Next(&entries[i])
		}
	}
	fold.End()
	for len(judged) > 0 {
		n := slices.IndexFunc(judged, func(j judgement) bool { return j.key != judged[0].key })
		if n < 0 {
			n = len(judged)
		}
		all = append(all, sorted(judged[:n])...)
		judged = judged[n:]
	}
	return all
}

func judgementOf(v *lifecycle.Verdict, at lifecycle.Instant) judgement {
	j := judgement{key: v.Entry.Key, order: v.Entry.Order, kind: v.Kind, due: v.Due, acts: v.Act(at), held: v.Held, replaced: v.Replaced}
	if v.Rule != nil {
		j.rule = v.Rule.ID
	}
	if !j.acts && !j.replaced {
		j.since = v.NoncurrentSince
	}
	return j
}

func entriesOf(history []*model.Aged) []lifecycle.Entry {
	entries := make([]lifecycle.Entry, len(history))
	for i, e := range history {
		order := orderOf(len(history), i)
		to := lifecycle.Entry{Key: e.Key, Order: order, ID: versioning.IDOf(order), Marker: e.DeleteMarker, Size: e.Size, LastModified: e.Modified}
		if e.Name == model.Null {
			to.ID = versioning.Null
		}
		for key, value := range e.Tags {
			to.Tags = append(to.Tags, lifecycle.Tag{Key: key, Value: value})
		}
		if e.Hold {
			to.Lock.Hold = versioning.HoldOn
		}
		if !e.Retain.IsZero() {
			to.Lock.Mode, to.Lock.Until = versioning.Compliance, e.Retain
			if len(e.Tags) > 0 {
				to.Lock.Mode = versioning.Governance // nobody asks to bypass it
			}
		}
		entries[i] = to
	}
	return entries
}

// explain fails with the least part of a trial in which fold and model differ.
func explain(t *testing.T, trial *metamorphic.Trial, at lifecycle.Instant) {
	t.Helper()
	differs := func(trial *metamorphic.Trial) bool {
		rng := rand.New(rand.NewPCG(1, 1))
		return !slices.Equal(byModel(trial, at), byFold(rng, parsed(t, trial), trial, at))
	}
	if !differs(trial) {
		t.Fatal("they differ only if a key is begun again")
	}
	small := trial.Shrink(differs)
	at.State = small.State
	t.Errorf("at %s, locks at %s:\n%v", at.Now.Format(time.RFC3339Nano), at.Locks.Format(time.RFC3339Nano), small)
	for _, j := range byModel(small, at) {
		t.Errorf("model: %v", j)
	}
	for _, j := range byFold(rand.New(rand.NewPCG(1, 1)), parsed(t, small), small, at) {
		t.Errorf("fold:  %v", j)
	}
}
