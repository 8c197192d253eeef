package lifecycle_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// explained is when the entries of these tests are judged: ten days after the first of
// them was made.
var explained = time.Date(2026, time.January, 12, 12, 0, 0, 0, time.UTC)

// aged returns an entry of so many days.
func aged(key string, days int, change ...func(*lifecycle.Entry)) *lifecycle.Entry {
	at := explained.AddDate(0, 0, -days)
	e := &lifecycle.Entry{Key: key, Order: versioning.OrderAt(at), Size: 10, LastModified: at}
	e.ID = versioning.IDOf(e.Order)
	for _, c := range change {
		c(e)
	}
	return e
}

func marker(e *lifecycle.Entry) { e.Marker, e.Size = true, 0 }

func onHold(e *lifecycle.Entry) { e.Lock.Hold = versioning.HoldOn }

// locked returns what gives an entry a retention for so many days from now on.
func locked(mode versioning.Mode, days int) func(*lifecycle.Entry) {
	return func(e *lifecycle.Entry) {
		e.Lock.Mode, e.Lock.Until = mode, explained.AddDate(0, 0, days)
	}
}

// rulesOf parses the inside of a configuration.
func rulesOf(t *testing.T, inside ...string) *lifecycle.Config {
	t.Helper()
	if len(inside) == 0 {
		return nil
	}
	c, err := lifecycle.ParseXML([]byte(inRules(inside...)), func() string { return "generated" })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	shapes = [...]string{"", "current", "noncurrent", "marker", "lone marker", "noncurrent marker", "upload"}
	bounds = [...]string{"", "legal hold", "compliance", "governance", "overdue", "waits", "newest", "others", "nothing"}
)

func totalText(t *lifecycle.Total) string {
	s := fmt.Sprintf("%d x %s, %d B: %s", t.Count, shapes[t.Shape], t.Bytes, bounds[t.Hold])
	if t.Rule != nil {
		s += " " + t.Rule.ID
	}
	if !t.First.IsZero() {
		s += " " + t.First.Format(time.DateOnly)
	}
	if t.Last.After(t.First) {
		s += ".." + t.Last.Format(time.DateOnly)
	}
	return s
}

const (
	oldRule    = "<ID>old</ID>" + anything + "<NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays></NoncurrentVersionExpiration>"
	newestRule = "<ID>newest</ID>" + anything +
		"<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
	expireRule = "<ID>expire</ID>" + anything + "<Expiration><Days>4</Days></Expiration>"
	loneRule   = "<ID>lone</ID>" + anything + markerElement
	abortRule  = "<ID>abort</ID>" + anything + "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
)

func TestExplainer(t *testing.T) {
	tests := []struct {
		name    string
		rules   []string
		entries []*lifecycle.Entry
		uploads []int // ages in days
		want    string
	}{
		{"nothing", nil, nil, nil, ""},
		{"no rules", nil, []*lifecycle.Entry{aged("a", 1), aged("a", 2), aged("b", 3, marker), aged("b", 4), aged("c", 1, marker)}, []int{1},
			`1 x current, 10 B: nothing
			2 x noncurrent, 20 B: nothing
			1 x marker, 0 B: nothing
			1 x lone marker, 0 B: nothing
			1 x upload, 7 B: nothing`},
		{"locks", nil, []*lifecycle.Entry{
			aged("a", 1, onHold), aged("a", 2, locked(versioning.Compliance, 3)), aged("a", 3, locked(versioning.Compliance, 9)),
			aged("a", 4, locked(versioning.Governance, 2)), aged("a", 5, locked(versioning.Governance, 0)),
			aged("a", 6, locked(versioning.Governance, 1), onHold)}, nil,
			`1 x current, 10 B: legal hold
			1 x noncurrent, 10 B: legal hold
			2 x noncurrent, 20 B: compliance 2026-01-15..2026-01-21
			1 x noncurrent, 10 B: governance 2026-01-14
			1 x noncurrent, 10 B: nothing`},
		{"noncurrent versions", []string{oldRule},
			[]*lifecycle.Entry{aged("a", 1), aged("a", 4), aged("a", 5), aged("a", 9), aged("a", 10, locked(versioning.Compliance, 1))}, nil,
			`1 x current, 10 B: nothing
			1 x noncurrent, 10 B: compliance 2026-01-13
			3 x noncurrent, 30 B: waits old 2026-01-13..2026-01-17`},
		{"overdue", []string{oldRule}, []*lifecycle.Entry{aged("a", 7), aged("a", 8), aged("b", 7, marker), aged("b", 8)}, nil,
			`1 x current, 10 B: nothing
			2 x noncurrent, 20 B: overdue old 2026-01-11
			1 x marker, 0 B: nothing`},
		{"newest", []string{newestRule}, []*lifecycle.Entry{aged("a", 3), aged("a", 4), aged("a", 5)}, nil,
			`1 x current, 10 B: nothing
			1 x noncurrent, 10 B: overdue newest 2026-01-10
			1 x noncurrent, 10 B: newest newest`},
		{"current objects", []string{expireRule}, []*lifecycle.Entry{aged("a", 1), aged("b", 9), aged("c", 1, onHold)}, nil,
			`1 x current, 10 B: legal hold
			1 x current, 10 B: overdue expire 2026-01-08
			1 x current, 10 B: waits expire 2026-01-16`},
		{"markers", []string{loneRule}, []*lifecycle.Entry{aged("a", 1, marker), aged("b", 1, marker), aged("b", 2, marker), aged("c", 1)}, nil,
			`1 x current, 10 B: nothing
			1 x marker, 0 B: others lone
			1 x lone marker, 0 B: overdue lone 2026-01-11
			1 x noncurrent marker, 0 B: nothing`},
		{"uploads", []string{abortRule}, nil, []int{1, 9, 3}, `2 x upload, 14 B: overdue abort 2026-01-06..2026-01-12
			1 x upload, 7 B: waits abort 2026-01-14`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := lifecycle.Instant{Now: explained, Locks: explained, State: versioning.Enabled}
			x := lifecycle.NewExplainer(lifecycle.ExplainOptions{Config: rulesOf(t, test.rules...), At: at})
			for _, e := range test.entries {
				x.Next(e)
			}
			x.End()
			for _, days := range test.uploads {
				x.Upload(&lifecycle.Upload{Key: fmt.Sprint(days), Initiated: explained.AddDate(0, 0, -days), Bytes: 7})
			}
			var lines []string
			found := x.Explanation()
			for i := range found.Totals {
				lines = append(lines, totalText(&found.Totals[i]))
			}
			if got, want := strings.Join(lines, "\n"), strings.ReplaceAll(test.want, "\t", ""); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if n := len(test.uploads); n > 0 && (found.Uploads != int64(n) || found.Oldest.Key != fmt.Sprint(slices.Max(test.uploads))) {
				t.Errorf("%d uploads, the oldest %+v", found.Uploads, found.Oldest)
			}
		})
	}
}

// Every entry is counted once, whatever the rules, and what is listed is what was given
// first, each with its successor.
func TestExplainerCountsEachEntry(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	all := []string{oldRule, newestRule, expireRule, loneRule}
	for range 2000 {
		rules := slices.DeleteFunc(slices.Clone(all), func(string) bool { return random.IntN(2) == 0 })
		at := lifecycle.Instant{Now: explained, Locks: explained, State: versioning.State(random.IntN(3))}
		const list = 3
		entries := randomHistory(random, at.State)
		wanted := entries[random.IntN(len(entries))]
		x := lifecycle.NewExplainer(lifecycle.ExplainOptions{Config: rulesOf(t, rules...), At: at, List: list, Wanted: wanted.ID})
		for _, e := range entries {
			x.Next(e)
		}
		x.End()
		found := x.Explanation()
		var n, bytes int64
		for i := range found.Totals {
			n += found.Totals[i].Count
			bytes += found.Totals[i].Bytes
		}
		var want int64
		for _, e := range entries {
			want += e.Size
		}
		if n != int64(len(entries)) || found.Entries != n || bytes != want {
			t.Fatalf("%d entries with %d bytes are counted as %d and %d with %d", len(entries), want, found.Entries, n, bytes)
		}
		checkListed(t, entries, wanted, found.Holdings, list)
	}
}

// randomHistory returns entries of some keys, in order.
func randomHistory(random *rand.Rand, state versioning.State) (entries []*lifecycle.Entry) {
	for _, key := range []string{"a", "b", "c"} {
		most := 5
		if state == versioning.Unversioned {
			most = 1
		}
		null := random.IntN(8)
		day := 0
		for i := range 1 + random.IntN(most) {
			day += 1 + random.IntN(4)
			e := aged(key, day)
			switch random.IntN(6) {
			case 0, 1:
				if state != versioning.Unversioned {
					marker(e)
				}
			case 2:
				onHold(e)
			case 3:
				locked(versioning.Compliance, random.IntN(3)-1)(e)
			}
			if i == null || state == versioning.Unversioned {
				e.ID = versioning.Null
			}
			entries = append(entries, e)
		}
	}
	return entries
}

// checkListed holds the list against the entries that were given.
func checkListed(t *testing.T, entries []*lifecycle.Entry, wanted *lifecycle.Entry, listed []lifecycle.Holding, list int) {
	t.Helper()
	found := false
	for i := range listed {
		l := &listed[i]
		at := slices.IndexFunc(entries, func(e *lifecycle.Entry) bool { return e.Key == l.Entry.Key && e.Order == l.Entry.Order })
		if at < 0 || i < list && at != i || l.Shape == 0 || l.Hold == 0 {
			t.Fatalf("listed as number %d: %+v", i, l)
		}
		found = found || entries[at] == wanted
		newer := at > 0 && entries[at-1].Key == l.Entry.Key
		if newer != !l.Successor.IsZero() || newer && (l.Successor != entries[at-1].ID || !l.Since.Equal(entries[at-1].LastModified)) {
			t.Fatalf("the successor of %+v is %+v", entries[at], l)
		}
	}
	if !found {
		t.Fatal("what was wanted is not listed")
	}
}
