package api

import (
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// wordsOfHold say what holds entries of which only the number is told, by hold. What a
// rule does stands in wordsOfAction.
var wordsOfHold = [...]string{
	lifecycle.HeldByLegalHold:  "a legal hold, until somebody lifts it",
	lifecycle.HeldByCompliance: "COMPLIANCE retention: nobody can remove them before it ends",
	lifecycle.HeldByGovernance: "GOVERNANCE retention, unless somebody who may bypasses it",
	lifecycle.HeldByNothing:    "no rule: they stay until somebody removes them",
}

// wordsOfAction say what a rule does to one entry, in the bucket's state of now.
func wordsOfAction(kind lifecycle.Kind, state versioning.State, null bool) string {
	switch kind {
	case lifecycle.ExpireCurrent:
		switch {
		case state == versioning.Enabled:
			return "hide it with a delete marker"
		case state == versioning.Suspended && !null:
			return "hide it with a null delete marker"
		case state == versioning.Suspended:
			return "remove it for good and put a null delete marker in its place"
		}
		return "remove it for good"
	case lifecycle.AbortUpload:
		return "abort it"
	}
	return "remove it for good"
}

// wordsOfTotal says what holds the entries of a total.
func wordsOfTotal(t *lifecycle.Total) string {
	does := "removes them"
	switch t.Kind {
	case lifecycle.ExpireCurrent:
		does = "expires them"
	case lifecycle.AbortUpload:
		does = "aborts them"
	}
	switch {
	case t.Hold == lifecycle.HeldUntilDue:
		return fmt.Sprintf("rule %q %s when their time comes", t.Rule.ID, does)
	case t.Hold == lifecycle.HeldOverdue && t.Rule != nil:
		return fmt.Sprintf("nothing any more: rule %q %s as soon as it comes to them", t.Rule.ID, does)
	case t.Hold == lifecycle.HeldOverdue:
		return "nothing any more: they go when the current entry expires, which is due"
	case t.Hold == lifecycle.HeldAsNewer:
		return fmt.Sprintf("rule %q keeps them as the newest noncurrent ones", t.Rule.ID)
	case t.Hold == lifecycle.HeldByOthers:
		return fmt.Sprintf("other entries of their key: rule %q removes them after those", t.Rule.ID)
	case t.Hold == lifecycle.HeldByNothing && t.Shape == lifecycle.OpenUpload:
		return "no rule: they stay until they are completed or aborted"
	}
	return wordsOfHold[t.Hold]
}

// words says what an entry is and what holds it.
func (h *holds) words(l *lifecycle.Holding) []string {
	out := append([]string{h.wordsOfShape(l)}, h.wordsOfLock(l)...)
	if l.Rule == nil && l.Kept == 0 && !l.Replaced && l.Later == nil {
		if len(out) == 1 || l.Hold == lifecycle.HeldByNothing {
			out = append(out, "no lifecycle rule removes it: it stays until somebody does")
		}
		return out
	}
	return append(out, h.wordsOfRule(l)...)
}

func (h *holds) wordsOfShape(l *lifecycle.Holding) string {
	switch l.Shape {
	case lifecycle.CurrentObject:
		return "it is current: reads of the key answer it"
	case lifecycle.HidingMarker:
		return fmt.Sprintf("it is current and hides the key, with all older entries, since %s", clockTime(l.Entry.LastModified))
	case lifecycle.LoneMarker:
		return "it is the only entry of the key and hides nothing any more"
	}
	by := "version " + h.format(l.Successor)
	switch {
	case l.SuccessorMarker && l.Entry.Marker:
		by = "another delete marker, " + by + ", came above it"
	case l.SuccessorMarker:
		by = "a delete marker, " + by + ", hid it"
	default:
		by += " replaced it"
	}
	return fmt.Sprintf("it is noncurrent since %s, when %s", clockTime(l.Since), by)
}

func (h *holds) wordsOfLock(l *lifecycle.Holding) (out []string) {
	lock := &l.Entry.Lock
	if lock.Hold == versioning.HoldOn {
		out = append(out, "a legal hold keeps it until somebody lifts the hold")
	}
	until := clockTime(lock.Until)
	switch {
	case lock.Mode == versioning.NoRetention:
	case !lock.Until.After(h.at.Locks):
		out = append(out, fmt.Sprintf("its %s retention ended on %s", lock.Mode, until))
	case lock.Mode == versioning.Compliance:
		out = append(out, fmt.Sprintf("COMPLIANCE retention keeps it until %s: nobody can remove it before", until))
	default:
		out = append(out, fmt.Sprintf("GOVERNANCE retention keeps it until %s, unless somebody who may bypasses it", until))
	}
	return out
}

func (h *holds) wordsOfRule(l *lifecycle.Holding) (out []string) {
	if l.Kept > 0 {
		out = append(out, fmt.Sprintf("rule %q keeps the newest noncurrent entries of a key, up to %d, and this is one of them", l.Keeper.ID, l.Kept))
	}
	if l.Replaced {
		return append(out, "it goes when the current entry expires, which is due: a null delete marker takes its place")
	}
	if l.Rule == nil && l.Later != nil {
		what := "when the current entry expires and a null delete marker takes its place"
		if l.Entry.Marker && l.Since.IsZero() {
			what = "when nothing else is left of the key"
		}
		return append(out, fmt.Sprintf("rule %q removes it %s", l.Later.ID, what))
	}
	if l.Rule == nil {
		return out
	}
	does := wordsOfAction(l.Kind, h.at.State, l.Entry.ID.IsNull())
	switch due := clockTime(l.Due); {
	case l.Held && l.Due.After(h.at.Now):
		return append(out, fmt.Sprintf("rule %q is to %s on %s, if its lock has ended by then", l.Rule.ID, does, due))
	case l.Held:
		return append(out, fmt.Sprintf("rule %q was to %s on %s, and does so when its lock has ended", l.Rule.ID, does, due))
	case l.Due.After(h.at.Now):
		return append(out, fmt.Sprintf("rule %q will %s on %s", l.Rule.ID, does, due))
	default:
		return append(out, fmt.Sprintf("rule %q was to %s on %s: it is due and not done yet", l.Rule.ID, does, due))
	}
}

// clockTime returns a time as explanations show it, to the second.
func clockTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// SizeInWords returns a number of bytes for people, such as 1.5 GiB.
func SizeInWords(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1<<10 && unit < len(sizeUnits)-1 {
		size /= 1 << 10
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", size, sizeUnits[unit])
}

// sizeUnits are the first letters of the units from KiB on.
const sizeUnits = "KMGTPE"
