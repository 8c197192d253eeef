package lifecycle_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

var foldSeed = flag.Uint64("fold.seed", 0, "seed of the random histories, 0 for another one each time")

// foldRounds is how many histories each property is tried on.
const foldRounds = 3000

var midJanuary = time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)

// worldMaker makes rules, histories and instants that meet often.
type worldMaker struct{ *rand.Rand }

func newWorlds(t *testing.T) worldMaker {
	t.Helper()
	seed := *foldSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return worldMaker{rand.New(rand.NewPCG(seed, 0))}
}

func (m worldMaker) oneOf(words ...string) string { return words[m.IntN(len(words))] }

// moment is within six days of the middle of January, at a midnight every third time.
func (m worldMaker) moment() time.Time {
	at := midJanuary.Add(time.Duration(m.IntN(6*24*60)) * time.Minute)
	if m.IntN(3) == 0 {
		return at.Truncate(24 * time.Hour)
	}
	return at
}

func (m worldMaker) rules(t *testing.T) *lifecycle.Config {
	var lines []string
	for i := range 1 + m.IntN(4) {
		words := []string{"r" + strconv.Itoa(i), m.oneOf("", "", "disabled"), m.oneOf("", "prefix=a", "prefix=ab")}
		if action := m.oneOf("days=1", "days=2", "date=2024-01-17", "marker", "nomarker", ""); action != "" {
			words = append(words, action)
		}
		if !slices.Contains(words, "marker") {
			words = append(words, m.oneOf("", "", "tag=a:b", "greater=5", "less=5"))
		}
		words = append(words, m.oneOf("", "noncurrent=1", "noncurrent=2", "noncurrent=1 newer=1", "noncurrent=2 newer=2"))
		lines = append(lines, strings.Join(words, " "))
	}
	return parseRules(t, strings.Join(lines, "\n"))
}

func (m worldMaker) instant() lifecycle.Instant {
	state := []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended}[m.IntN(3)]
	return lifecycle.Instant{Now: m.moment().AddDate(0, 0, m.IntN(5)), Locks: m.moment(), State: state}
}

// histories are those of three keys. In Suspended and Unversioned nothing is locked,
// as versioning.ConfigureLock sees to; in Unversioned each key has one null object.
func (m worldMaker) histories(state versioning.State) (all []lifecycle.Entry) {
	for _, key := range []string{"a", "ab", "b"} {
		n := m.IntN(7)
		if state == versioning.Unversioned {
			n = min(n, 1)
		}
		var history []lifecycle.Entry
		null := m.IntN(n + 1) // which one is null; the last number for none
		for i := range n {
			e := lifecycle.Entry{Key: key, Order: versioning.Order(100 - i), LastModified: m.moment(), Size: int64(m.IntN(10))}
			e.ID = versioning.IDOf(e.Order)
			if i == null || state == versioning.Unversioned {
				e.ID = versioning.Null
			}
			e.Marker = state != versioning.Unversioned && m.IntN(3) == 0
			m.dress(&e, state)
			history = append(history, e)
		}
		all = append(all, history...)
	}
	return all
}

// dress gives an object tags and locks.
func (m worldMaker) dress(e *lifecycle.Entry, state versioning.State) {
	if e.Marker {
		e.Size = 0
		return
	}
	if m.IntN(2) == 0 {
		e.Tags = []lifecycle.Tag{{Key: "a", Value: "b"}}
	}
	if state == versioning.Enabled && m.IntN(4) == 0 {
		e.Lock = versioning.Lock{Mode: versioning.Compliance, Until: m.moment()}
	}
}

// judge returns the verdicts on all entries.
func judge(c *lifecycle.Config, at lifecycle.Instant, entries []lifecycle.Entry) (verdicts []lifecycle.Verdict) {
	f := lifecycle.NewFold(c, at, func(v *lifecycle.Verdict) { verdicts = append(verdicts, *v) })
	for i := range entries {
		f.Next(&entries[i])
	}
	f.End()
	return verdicts
}

func acting(verdicts []lifecycle.Verdict, at lifecycle.Instant) []lifecycle.Verdict {
	return slices.DeleteFunc(verdicts, func(v lifecycle.Verdict) bool { return !v.Act(at) })
}

// apply does what a verdict that acts says, as the store would.
func apply(t *testing.T, entries []lifecycle.Entry, v *lifecycle.Verdict, at lifecycle.Instant) []lifecycle.Entry {
	t.Helper()
	is := func(e lifecycle.Entry) bool { return e.Key == v.Entry.Key && e.ID == v.Entry.ID }
	i := slices.IndexFunc(entries, is)
	if i < 0 {
		t.Fatalf("%s is to go and not there", verdictText(v, at))
	}
	if e := entries[i]; v.Kind != lifecycle.ExpireCurrent || at.State == versioning.Unversioned {
		if e.Lock.Protects(at.Locks, false) {
			t.Fatalf("%s is locked", verdictText(v, at))
		}
		return slices.DeleteFunc(slices.Clone(entries), is)
	}
	marker := lifecycle.Entry{Key: v.Entry.Key, Marker: true, LastModified: at.Now, ID: versioning.Null, Order: v.Entry.Order + 1}
	if at.State == versioning.Enabled {
		marker.ID = versioning.IDOf(marker.Order)
	}
	return slices.DeleteFunc(slices.Insert(slices.Clone(entries), i, marker), func(e lifecycle.Entry) bool {
		return e.Key == v.Entry.Key && e.ID.IsNull() && e.Order != marker.Order && at.State == versioning.Suspended
	})
}

func applyAll(t *testing.T, entries []lifecycle.Entry, verdicts []lifecycle.Verdict, at lifecycle.Instant) []lifecycle.Entry {
	t.Helper()
	for i := range verdicts {
		entries = apply(t, entries, &verdicts[i], at)
	}
	return entries
}

// names are the entries of a history in a line.
func names(entries []lifecycle.Entry) string {
	var all []string
	for i := range entries {
		all = append(all, entries[i].Key+"/"+entryName(&entries[i]))
	}
	return strings.Join(all, " ")
}

// A pass that is cut after any of its actions and begun anew ends as one that was
// not, and a second pass at the same instant does nothing.
func TestFoldSurvivesCuts(t *testing.T) {
	m := newWorlds(t)
	acted := 0
	for round := range foldRounds {
		c, at := m.rules(t), m.instant()
		before := m.histories(at.State)
		actions := acting(judge(c, at, before), at)
		whole := applyAll(t, before, actions, at)
		if again := acting(judge(c, at, whole), at); len(again) > 0 {
			t.Fatalf("round %d: a second pass over %s acts: %s", round, names(whole), verdictText(&again[0], at))
		}
		for cut := range actions {
			part := applyAll(t, before, actions[:cut], at)
			resumed := applyAll(t, part, acting(judge(c, at, part), at), at)
			if names(resumed) != names(whole) {
				t.Fatalf("round %d: %s becomes %s, cut after %d actions %s", round, names(before), names(whole), cut, names(resumed))
			}
		}
		acted += len(actions)
	}
	if acted < foldRounds {
		t.Errorf("%d actions in %d rounds prove little", acted, foldRounds)
	}
}

// What a verdict says of Replaced is so: the entry is gone after the pass, and all
// others that go have an action of their own.
func TestFoldTellsAllThatGo(t *testing.T) {
	m := newWorlds(t)
	replaced := 0
	for round := range foldRounds {
		c, at := m.rules(t), m.instant()
		before := m.histories(at.State)
		verdicts := judge(c, at, before)
		after := " " + names(applyAll(t, before, acting(slices.Clone(verdicts), at), at)) + " "
		for i := range verdicts {
			v := &verdicts[i]
			nullGoes := at.State == versioning.Suspended && v.Entry.ID.IsNull()
			goes := v.Replaced || v.Act(at) && (v.Kind != lifecycle.ExpireCurrent || at.State == versioning.Unversioned || nullGoes)
			if there := strings.Contains(after, " "+names([]lifecycle.Entry{v.Entry})+" "); there == goes {
				t.Fatalf("round %d: %s\nleaves %s", round, verdictText(v, at), after)
			}
			if v.Replaced {
				replaced++
			}
		}
	}
	if replaced == 0 {
		t.Error("nothing was replaced")
	}
}

// A key that is forgotten and read anew is judged as if it had been read once, and so
// are all others.
func TestFoldForgets(t *testing.T) {
	m := newWorlds(t)
	for round := range foldRounds {
		c, at := m.rules(t), m.instant()
		entries := m.histories(at.State)
		var got []string
		f := lifecycle.NewFold(c, at, func(v *lifecycle.Verdict) { got = append(got, verdictText(v, at)) })
		for i := 0; i < len(entries); {
			if m.IntN(5) > 0 {
				f.Next(&entries[i])
				i++
				continue
			}
			f.Forget()
			key := entries[max(i-1, 0)].Key
			i = slices.IndexFunc(entries, func(e lifecycle.Entry) bool { return e.Key == key })
			got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, key+" ") })
		}
		f.End()
		var want []string
		for _, v := range judge(c, at, entries) {
			want = append(want, verdictText(&v, at))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d:\n got %s\nwant %s", round, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// The rules of a key are those whose prefix it has, whatever keys came before it.
func TestFoldFindsRules(t *testing.T) {
	m := newWorlds(t)
	at := lifecycle.Instant{Now: midJanuary, State: versioning.Enabled}
	word := func() string {
		letters := make([]byte, m.IntN(5))
		for i := range letters {
			letters[i] = "ab\xff"[m.IntN(3)]
		}
		return string(letters)
	}
	for range foldRounds {
		c := &lifecycle.Config{}
		for i := range 1 + m.IntN(4) {
			r := lifecycle.Rule{ID: strconv.Itoa(i), Enabled: true, Expiration: &lifecycle.Expiration{Days: 9 - i}}
			r.Filter.Prefix = word()
			c.Rules = append(c.Rules, r)
		}
		var entries []lifecycle.Entry
		for range 9 {
			entries = append(entries, lifecycle.Entry{Key: word(), Order: 1, ID: versioning.IDOf(1), LastModified: midJanuary})
		}
		slices.SortFunc(entries, func(a, b lifecycle.Entry) int { return strings.Compare(a.Key, b.Key) })
		for _, v := range judge(c, at, entries) {
			if r, _, _ := c.ForCurrent(&v.Entry); r != v.Rule && v.Current {
				t.Fatalf("%q: %+v, want %+v", v.Entry.Key, v.Rule, r)
			}
		}
	}
}
