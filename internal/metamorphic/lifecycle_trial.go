package metamorphic

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/versioning"
)

// Trial is a random case of lifecycle: a configuration, and a bucket it acts on.
type Trial struct {
	Legacy    bool // the form of the rules: a Prefix, and no Filter
	Rules     []model.Rule
	State     versioning.State
	Histories [][]*model.Aged // of keys in order, each newest first
	Start     time.Time       // a midnight; all times are within days of it
}

const day = 24 * time.Hour

// Few values, so that entries meet conditions exactly.
var (
	trialKeys     = []string{"a", "a/", "a/b", "a/b/c", "ab", "b", "logs/x", "logs/y", "ä", "~"}
	trialPrefixes = []string{"", "", "", "a", "a/", "a/b", "b", "logs/", "zz", "ä"}
	trialSizes    = []int64{0, 1, 10, 11, 100, 1000}
	trialTags     = []string{"team", "tier"}
	trialValues   = []string{"x", "y", ""}
	// Around a midnight, where days are rounded.
	trialOffsets = []time.Duration{0, 0, time.Millisecond, -time.Millisecond, time.Second, -time.Second, 10*time.Hour + 30*time.Minute, 12 * time.Hour, 23 * time.Hour}
)

// trialDays is how long a history takes.
const trialDays = 9

// NewTrial makes a trial with histories of so many keys.
func NewTrial(rng *rand.Rand, keys int) *Trial {
	t := &Trial{
		Legacy: rng.IntN(4) == 0,
		State:  []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Enabled, versioning.Suspended}[rng.IntN(4)],
		// The leap day and the turn of a year are within reach.
		Start: oneOf(rng, []time.Time{
			time.Date(2028, time.February, 24, 0, 0, 0, 0, time.UTC), time.Date(2027, time.December, 27, 0, 0, 0, 0, time.UTC),
		}),
	}
	t.Rules = NewRules(rng, t.Start, t.Legacy)
	names := slices.Clone(trialKeys)
	for i := len(names); i < keys; i++ {
		names = append(names, fmt.Sprintf("%s/%d", oneOf(rng, trialKeys), i))
	}
	slices.Sort(names)
	for _, key := range names[:keys] {
		t.Histories = append(t.Histories, t.history(rng, key))
	}
	return t
}

// Instant returns a moment in the time of the trial or after it, often a midnight.
func (t *Trial) Instant(rng *rand.Rand) time.Time {
	return t.Start.Add(time.Duration(rng.IntN(2*trialDays)) * day).Add(t.offset(rng))
}

func (t *Trial) offset(rng *rand.Rand) time.Duration {
	if rng.IntN(3) == 0 {
		return time.Duration(rng.Int64N(int64(day/time.Millisecond))) * time.Millisecond
	}
	return oneOf(rng, trialOffsets)
}

// history makes what a key may have in the state of the bucket: one null entry at
// most, which is all there is in an unversioned one, and locks where no null entry
// is replaced.
func (t *Trial) history(rng *rand.Rand, key string) []*model.Aged {
	n := 1 + rng.IntN(6)
	if t.State == versioning.Unversioned {
		n = 1
	}
	null := rng.IntN(2 * n) // none, if there is no such entry
	if t.State == versioning.Unversioned {
		null = 0
	}
	var history []*model.Aged
	for i := range n {
		e := &model.Aged{Key: key, Name: fmt.Sprintf("v%d", n-i), Modified: t.Start.Add(time.Duration(rng.IntN(trialDays)) * day).Add(t.offset(rng))}
		if i == null {
			e.Name = model.Null
		}
		e.DeleteMarker = t.State != versioning.Unversioned && rng.IntN(3) == 0
		if !e.DeleteMarker {
			t.fill(rng, e)
		}
		history = append(history, e)
	}
	t.setTimes(rng, history)
	return history
}

// setTimes gives the newer entries the later times, unless the clock was set back
// in between.
func (t *Trial) setTimes(rng *rand.Rand, history []*model.Aged) {
	if rng.IntN(8) == 0 {
		return
	}
	var times []time.Time
	for _, e := range history {
		times = append(times, e.Modified)
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
	for i, e := range history {
		e.Modified = times[i]
	}
}

// fill gives an object what rules and locks look at.
func (t *Trial) fill(rng *rand.Rand, e *model.Aged) {
	e.Size = oneOf(rng, trialSizes)
	e.Tags = randomTags(rng)
	if t.State != versioning.Enabled {
		return
	}
	e.Hold = rng.IntN(20) == 0
	if rng.IntN(8) == 0 {
		e.Retain = t.Instant(rng)
	}
}

func randomTags(rng *rand.Rand) map[string]string {
	tags := make(map[string]string)
	for _, key := range trialTags {
		if rng.IntN(3) == 0 {
			tags[key] = oneOf(rng, trialValues)
		}
	}
	return tags
}

// NewRules makes a configuration that is valid (spec LC3), with dates around start.
func NewRules(rng *rand.Rand, start time.Time, legacy bool) []model.Rule {
	rules := make([]model.Rule, 1+rng.IntN(5))
	for i := range rules {
		rules[i] = newRule(rng, start, legacy)
		rules[i].ID = fmt.Sprintf("rule %d", i+1)
	}
	return rules
}

func newRule(rng *rand.Rand, start time.Time, legacy bool) model.Rule {
	r := model.Rule{Disabled: rng.IntN(8) == 0, Prefix: oneOf(rng, trialPrefixes)}
	if !legacy {
		addConditions(rng, &r)
	}
	plain := len(r.Tags) == 0 && r.Over == nil && r.Under == nil
	switch rng.IntN(6) {
	case 0, 1:
		r.ExpireDays = 1 + rng.IntN(5)
	case 2:
		r.ExpireDate = start.AddDate(0, 0, rng.IntN(2*trialDays))
	case 3, 4:
		r.ExpireMarkers = plain // spec LC3-24, LC3-25
	}
	expires := r.ExpireDays > 0 || r.ExpireMarkers || !r.ExpireDate.IsZero()
	if !expires || rng.IntN(2) == 0 {
		r.NoncurrentDays = 1 + rng.IntN(5)
		if !legacy && rng.IntN(2) == 0 {
			r.Keep = 1 + rng.IntN(3)
		}
	}
	if plain && rng.IntN(4) == 0 { // spec LC3-26, LC3-27
		r.AbortDays = 1 + rng.IntN(5)
	}
	return r
}

// addConditions adds tags and sizes.
func addConditions(rng *rand.Rand, r *model.Rule) {
	if rng.IntN(4) == 0 {
		r.Tags = maps.Clone(randomTags(rng))
	}
	if rng.IntN(4) > 0 {
		return
	}
	at := rng.IntN(len(trialSizes) - 1)
	over, under := trialSizes[at], trialSizes[at+1+rng.IntN(len(trialSizes)-at-1)]
	if which := rng.IntN(3); which > 0 {
		r.Over = &over
	}
	if r.Over == nil || rng.IntN(2) == 0 {
		r.Under = &under
	}
}

func oneOf[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// Shrink leaves out rules, keys and entries as long as fails still holds.
func (t *Trial) Shrink(fails func(*Trial) bool) *Trial {
	for again := true; again; {
		again = false
		for _, smaller := range t.smaller() {
			if fails(smaller) {
				t, again = smaller, true
				break
			}
		}
	}
	return t
}

// smaller returns the trials with one thing less.
func (t *Trial) smaller() (all []*Trial) {
	for i := range t.Histories {
		one := *t
		one.Histories = t.Histories[i : i+1]
		if len(t.Histories) > 1 {
			all = append(all, &one)
		}
		for n := range t.Histories[i] {
			less := *t
			less.Histories = slices.Clone(t.Histories)
			less.Histories[i] = slices.Delete(slices.Clone(t.Histories[i]), n, n+1)
			if len(less.Histories[i]) > 0 {
				all = append(all, &less)
			}
		}
	}
	for i := range t.Rules {
		less := *t
		less.Rules = slices.Delete(slices.Clone(t.Rules), i, i+1)
		if len(less.Rules) > 0 {
			all = append(all, &less)
		}
	}
	return all
}
