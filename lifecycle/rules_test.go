package lifecycle_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// Rules and histories as the files of testdata/rules write them.
//
// A rule is a line: its ID, then words of
//
//	disabled  prefix=P  tag=K:V  greater=N  less=N                what it selects
//	days=N  date=D  marker  nomarker  noncurrent=N  newer=N  abort=N  what it does
//
// where nomarker is an ExpiredObjectDeleteMarker with the value false.
//
// An entry is a line: its key; its name, which is its order after v (an object) or D
// (a delete marker), with an N if it is null, as in vN3 and DN3; when it was last
// modified; then words of size=N, tag=K:V, until=T (COMPLIANCE), governed=T, hold.

func parseRules(t testing.TB, text string) *lifecycle.Config {
	t.Helper()
	c := &lifecycle.Config{MinimumSize: lifecycle.MinimumSize128K}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		r := lifecycle.Rule{ID: words[0], Enabled: true}
		for _, word := range words[1:] {
			setRule(t, &r, word)
		}
		c.Rules = append(c.Rules, r)
	}
	return c
}

func setRule(t testing.TB, r *lifecycle.Rule, word string) {
	t.Helper()
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "disabled":
		r.Enabled = false
	case "prefix":
		r.Filter.Prefix = value
	case "tag":
		r.Filter.Tags = append(r.Filter.Tags, parseTag(value))
	case "greater":
		r.Filter.Greater = new(int64(number(t, value)))
	case "less":
		r.Filter.Less = new(int64(number(t, value)))
	case "days":
		r.Expiration = &lifecycle.Expiration{Days: number(t, value)}
	case "date":
		r.Expiration = &lifecycle.Expiration{Date: instant(t, value)}
	case "marker":
		r.Expiration = &lifecycle.Expiration{ExpiredMarker: true}
	case "nomarker":
		r.Expiration = &lifecycle.Expiration{}
	case "noncurrent":
		r.Noncurrent = &lifecycle.NoncurrentExpiration{Days: number(t, value)}
	case "newer":
		r.Noncurrent.Newer = number(t, value)
	case "abort":
		r.AbortDays = number(t, value)
	default:
		t.Fatalf("unknown word %q", word)
	}
}

func parseTag(text string) lifecycle.Tag {
	key, value, _ := strings.Cut(text, ":")
	return lifecycle.Tag{Key: key, Value: value}
}

func number(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// instant reads a time in UTC, down to what it is written to.
func instant(t testing.TB, text string) time.Time {
	t.Helper()
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at
		}
	}
	t.Fatalf("no time: %q", text)
	return time.Time{}
}

var nameForm = regexp.MustCompile(`^(v|D)(N?)([0-9]+)$`)

func parseHistory(t testing.TB, text string) (entries []lifecycle.Entry) {
	t.Helper()
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		m := nameForm.FindStringSubmatch(words[1])
		if m == nil {
			t.Fatalf("no entry: %q", line)
		}
		e := lifecycle.Entry{
			Key: words[0], Order: versioning.Order(number(t, m[3])), ID: versioning.Null,
			Marker: m[1] == "D", LastModified: instant(t, words[2]),
		}
		if m[2] == "" {
			e.ID = versioning.IDOf(e.Order)
		}
		for _, word := range words[3:] {
			setEntry(t, &e, word)
		}
		entries = append(entries, e)
	}
	return entries
}

func setEntry(t testing.TB, e *lifecycle.Entry, word string) {
	t.Helper()
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "size":
		e.Size = int64(number(t, value))
	case "tag":
		e.Tags = append(e.Tags, parseTag(value))
	case "until":
		e.Lock.Mode, e.Lock.Until = versioning.Compliance, instant(t, value)
	case "governed":
		e.Lock.Mode, e.Lock.Until = versioning.Governance, instant(t, value)
	case "hold":
		e.Lock.Hold = versioning.HoldOn
	default:
		t.Fatalf("unknown word %q", word)
	}
}

// entryName is the name of e as histories write it, of the marker that is not there
// yet DN0.
func entryName(e *lifecycle.Entry) string {
	name := "v"
	if e.Marker {
		name = "D"
	}
	if e.ID.IsNull() {
		name += "N"
	}
	return name + strconv.Itoa(int(e.Order))
}

func timeText(at time.Time) string {
	if at.Second() != 0 {
		return at.Format("2006-01-02T15:04:05")
	}
	return strings.TrimSuffix(at.Format("2006-01-02T15:04"), "T00:00")
}

// verdictText writes a verdict on a line.
func verdictText(v *lifecycle.Verdict, at lifecycle.Instant) string {
	words := []string{v.Entry.Key, entryName(&v.Entry)}
	if v.Current {
		words = append(words, "current")
	} else {
		words = append(words, "noncurrent since "+timeText(v.NoncurrentSince))
	}
	if v.Kept > 0 {
		words = append(words, fmt.Sprintf("kept by %s as one of %d", v.Keeper.ID, v.Kept))
	}
	if v.Replaced {
		words = append(words, "replaced")
	}
	if v.Kind != lifecycle.None {
		words = append(words, fmt.Sprintf("%v by %s due %s", v.Kind, v.Rule.ID, timeText(v.Due)))
	}
	if v.Later != nil {
		words = append(words, "later by "+v.Later.ID)
	}
	switch {
	case v.Act(at):
		words = append(words, "now")
	case v.Held:
		words = append(words, "held")
	}
	return strings.Join(words, "  ")
}

var states = map[string]versioning.State{
	"unversioned": versioning.Unversioned, "enabled": versioning.Enabled, "suspended": versioning.Suspended,
}
