package versioning_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

const retentionFile = "testdata/retention.golden"

// The golden file begins with this.
const retentionHead = `# What may become of the retention of a version at noon, by what it is and whether governance is bypassed.
# Written by the tests ("go test ./versioning -rewrite"); each change of a line is a change of a rule.
`

// ends are the ends of retention that the golden file is about.
var ends = []struct {
	word string
	at   time.Time
}{
	{"11:00", noon.Add(-time.Hour)}, {"12:00", noon}, {"13:00", noon.Add(time.Hour)}, {"14:00", noon.Add(2 * time.Hour)},
	{"15:00", noon.Add(3 * time.Hour)},
}

// retentions are all that the golden file is about, with their words.
func retentions() (all []versioning.Lock, words []string) {
	all, words = append(all, versioning.Lock{}), append(words, "none")
	for _, mode := range []versioning.Mode{versioning.Governance, versioning.Compliance} {
		for _, end := range ends {
			all = append(all, versioning.Lock{Mode: mode, Until: end.at})
			words = append(words, mode.String()+" until "+end.word)
		}
	}
	return all, words
}

// TestRetentionGolden compares every change of a retention with the golden file.
func TestRetentionGolden(t *testing.T) {
	var text strings.Builder
	text.WriteString(retentionHead)
	all, words := retentions()
	for i, current := range all {
		fmt.Fprintf(&text, "\n%s\n", words[i])
		for j, next := range all {
			plain := versioning.ChangeRetention(current, next.Mode, next.Until, noon, false)
			bypass := versioning.ChangeRetention(current, next.Mode, next.Until, noon, true)
			fmt.Fprintf(&text, "  -> %-24s %-8s bypass: %s\n", words[j], verdict(plain), verdict(bypass))
		}
	}
	compareGolden(t, retentionFile, text.String())
}

func verdict(err error) string {
	switch {
	case err == nil:
		return "allowed"
	case errors.Is(err, versioning.ObjectLocked):
		return "refused"
	}
	return err.Error()
}

// retentionRows are the rows of the specification: every retention that each side
// stands for, and the answers without and with bypass.
var retentionRows = []struct {
	name          string
	current, next func(l versioning.Lock) bool
	step          func(current, next versioning.Lock) bool
	plain, bypass string
}{
	{ // spec: OL1.3-1
		"none or expired to any", expired, anything, nil, "allowed", "allowed",
	},
	{ // spec: OL1.3-2
		"governance to later or equal", inForce(versioning.Governance), is(versioning.Governance), notEarlier, "allowed", "allowed",
	},
	{ // spec: OL1.3-3
		"governance to earlier", inForce(versioning.Governance), is(versioning.Governance), earlier, "refused", "allowed",
	},
	{ // spec: OL1.3-4
		"governance to compliance", inForce(versioning.Governance), is(versioning.Compliance), nil, "refused", "allowed",
	},
	{ // spec: OL1.3-5
		"governance removed", inForce(versioning.Governance), is(versioning.NoRetention), nil, "refused", "allowed",
	},
	{ // spec: OL1.3-6
		"compliance to later or equal", inForce(versioning.Compliance), is(versioning.Compliance), notEarlier, "allowed", "allowed",
	},
	{ // spec: OL1.3-7
		"compliance to earlier", inForce(versioning.Compliance), is(versioning.Compliance), earlier, "refused", "refused",
	},
	{ // spec: OL1.3-7
		"compliance to governance", inForce(versioning.Compliance), is(versioning.Governance), nil, "refused", "refused",
	},
	{ // spec: OL1.3-7
		"compliance removed", inForce(versioning.Compliance), is(versioning.NoRetention), nil, "refused", "refused",
	},
}

func anything(versioning.Lock) bool { return true }

func expired(l versioning.Lock) bool {
	return l.Mode == versioning.NoRetention || !l.Until.After(noon)
}

func inForce(mode versioning.Mode) func(versioning.Lock) bool {
	return func(l versioning.Lock) bool { return l.Mode == mode && l.Until.After(noon) }
}

func is(mode versioning.Mode) func(versioning.Lock) bool {
	return func(l versioning.Lock) bool { return l.Mode == mode }
}

func earlier(current, next versioning.Lock) bool    { return next.Until.Before(current.Until) }
func notEarlier(current, next versioning.Lock) bool { return !earlier(current, next) }

// TestChangeRetention holds the rows of the specification, with each legal hold: it
// has no say in it. The rows say something of every change there is.
//
// spec: OL1.3-8
func TestChangeRetention(t *testing.T) {
	all, words := retentions()
	for i, current := range all {
		for j, next := range all {
			rows := 0
			for _, row := range retentionRows {
				if !row.current(current) || !row.next(next) || row.step != nil && !row.step(current, next) {
					continue
				}
				rows++
				for _, hold := range []versioning.Hold{versioning.HoldNever, versioning.HoldOn, versioning.HoldOff} {
					current.Hold = hold
					for bypass, want := range map[bool]string{false: row.plain, true: row.bypass} {
						err := versioning.ChangeRetention(current, next.Mode, next.Until, noon, bypass)
						if got := verdict(err); got != want {
							t.Errorf("%s: %s to %s, hold %v, bypass %v: %s, want %s", row.name, words[i], words[j], hold, bypass, got, want)
						}
					}
				}
			}
			if rows != 1 {
				t.Errorf("%d rows say something of %s to %s", rows, words[i], words[j])
			}
		}
	}
}

func TestLockIsZero(t *testing.T) {
	for lock, want := range map[versioning.Lock]bool{
		{}: true, {Until: noon}: true, {Mode: versioning.Governance}: false, {Hold: versioning.HoldOff}: false, {Hold: versioning.HoldOn}: false,
	} {
		if lock.IsZero() != want {
			t.Errorf("%+v: %v", lock, !want)
		}
	}
}

// spec: OL1.1-2
func TestConfigureLock(t *testing.T) {
	for _, s := range states {
		if err := versioning.ConfigureLock(s.state); errors.Is(err, versioning.InvalidBucketState) != (s.letter != "E") {
			t.Errorf("%s: %v", s.letter, err)
		}
	}
}
