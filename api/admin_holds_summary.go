package api

import (
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// count is a number of things and their bytes.
type count struct{ n, bytes int64 }

// String returns the count with its bytes, if there are any.
func (c count) String() string {
	if c.bytes == 0 {
		return fmt.Sprint(c.n)
	}
	return fmt.Sprintf("%d (%s)", c.n, SizeInWords(c.bytes))
}

// of adds up totals.
func (h *holds) of(counts func(*lifecycle.Total) bool) (c count) {
	for i := range h.found.Totals {
		if t := &h.found.Totals[i]; counts(t) {
			c.n += t.Count
			c.bytes += t.Bytes
		}
	}
	return c
}

func (h *holds) shaped(s lifecycle.Shape) count {
	return h.of(func(t *lifecycle.Total) bool { return t.Shape == s })
}

// heldBy counts the entries, uploads aside, that something holds.
func (h *holds) heldBy(by lifecycle.Hold) count {
	return h.of(func(t *lifecycle.Total) bool { return t.Hold == by && t.Shape != lifecycle.OpenUpload })
}

// summary says in words what there is to know first.
func (h *holds) summary() []string {
	switch {
	case !h.scope.id.IsZero():
		return h.ofVersion()
	case h.scope.key != "":
		return append(append(h.ofKey(), h.ofUploads()...), h.ofBucket()...)
	}
	out := append(h.ofEntries(), h.ofLocks()...)
	out = append(out, h.ofRules()...)
	out = append(out, h.ofUploads()...)
	if r := h.statistics; r.Reclaim > 0 {
		out = append(out, fmt.Sprintf("Removed and about to be freed on disk: %d files (%s).", r.Reclaim, SizeInWords(r.ReclaimBytes)))
	}
	return append(out, h.ofBucket()...)
}

// ofVersion says whether the version is there, and else what became of it.
func (h *holds) ofVersion() []string {
	switch {
	case len(h.found.Holdings) == 0:
		return []string{
			fmt.Sprintf("There is no version %s of this key. Others: %d.", h.scope.version, h.found.Entries),
			h.ofRemoval("removed it"),
		}
	case h.found.Holdings[0].Entry.Marker:
		return append([]string{"The delete marker is there."}, h.ofBucket()...)
	}
	return append([]string{"The version is there."}, h.ofBucket()...)
}

// ofKey says what the key answers, and who removed or hid it.
func (h *holds) ofKey() []string {
	switch {
	case h.found.Entries == 0:
		return []string{"There is no version of this key, and no delete marker.", h.ofRemoval("removed one")}
	case h.found.Hidden == 0:
		return []string{fmt.Sprintf("The key is there. Versions and delete markers: %d.", h.found.Entries)}
	case h.found.Entries == 1:
		return []string{"All that is left of the key is a delete marker, which hides nothing any more.", h.ofRemoval("added it")}
	}
	return []string{
		fmt.Sprintf("A delete marker hides the key. Older versions and delete markers: %d.", h.found.Entries-1),
		h.ofRemoval("added it"),
	}
}

// ofEntries says what listings show and what they do not.
func (h *holds) ofEntries() (out []string) {
	what := "bucket"
	if h.scope.prefix != "" {
		what = "prefix"
	}
	current, old := h.shaped(lifecycle.CurrentObject), h.shaped(lifecycle.NoncurrentVersion)
	switch {
	case h.found.Entries == 0 && h.found.Uploads == 0:
		return []string{fmt.Sprintf("The %s is empty: no version, no delete marker, no upload.", what)}
	case h.found.Entries == 0:
		return []string{fmt.Sprintf("The %s has no version and no delete marker.", what)}
	case current.n == 0:
		out = []string{fmt.Sprintf("The %s only looks empty: all keys are hidden by delete markers, and only listings with versions show them.", what)}
	}
	markers := h.shaped(lifecycle.HidingMarker).n + h.shaped(lifecycle.LoneMarker).n + h.shaped(lifecycle.NoncurrentMarker).n
	out = append(out, fmt.Sprintf("Current objects: %v. Noncurrent versions: %v. Delete markers: %d.", current, old, markers))
	if h.found.Hidden > 0 {
		out = append(out, fmt.Sprintf("Keys that a delete marker hides: %d of %d.", h.found.Hidden, h.found.Keys))
	}
	return out
}

// locksInWords say what locks keep, by hold.
var locksInWords = [...]string{
	lifecycle.HeldByLegalHold:  "Kept by a legal hold, until somebody lifts it",
	lifecycle.HeldByCompliance: "Kept by COMPLIANCE retention, which nobody can end before its date",
	lifecycle.HeldByGovernance: "Kept by GOVERNANCE retention, unless somebody who may bypasses it",
}

func (h *holds) ofLocks() (out []string) {
	for i, words := range locksInWords {
		c := h.heldBy(lifecycle.Hold(i))
		if c.n == 0 {
			continue
		}
		sentence := fmt.Sprintf("%s: %v", words, c)
		if last := h.last(lifecycle.Hold(i)); !last.IsZero() {
			sentence += ", the last until " + clockTime(last)
		}
		out = append(out, sentence+".")
	}
	return out
}

// last returns when the last of the holds of a kind ends.
func (h *holds) last(by lifecycle.Hold) (last time.Time) {
	for i := range h.found.Totals {
		if t := &h.found.Totals[i]; t.Hold == by && t.Last.After(last) {
			last = t.Last
		}
	}
	return last
}

// ofRules says what rules are to do next with entries.
func (h *holds) ofRules() (out []string) {
	if c := h.heldBy(lifecycle.HeldOverdue); c.n > 0 {
		out = append(out, fmt.Sprintf("Due for a lifecycle rule and not done yet: %v.", c))
	}
	next := h.next(func(t *lifecycle.Total) bool {
		return t.Hold == lifecycle.HeldUntilDue && t.Shape != lifecycle.OpenUpload
	})
	if next != nil {
		out = append(out, fmt.Sprintf("Waiting for a lifecycle rule: %v, the first for %q on %s.",
			h.heldBy(lifecycle.HeldUntilDue), next.Rule.ID, clockTime(next.First)))
	}
	if c := h.heldBy(lifecycle.HeldAsNewer); c.n > 0 {
		out = append(out, fmt.Sprintf("Kept by a lifecycle rule as the newest noncurrent versions: %v.", c))
	}
	if c := h.heldBy(lifecycle.HeldByOthers); c.n > 0 {
		out = append(out, fmt.Sprintf("To be removed by a lifecycle rule once other entries of their keys are gone: %v.", c))
	}
	if c := h.heldBy(lifecycle.HeldByNothing); c.n > 0 {
		out = append(out, fmt.Sprintf("Without a lifecycle rule, until somebody removes them: %v.", c))
	}
	return out
}

// next returns the total whose time is the first to come, nil if there is none.
func (h *holds) next(among func(*lifecycle.Total) bool) (next *lifecycle.Total) {
	for i := range h.found.Totals {
		if t := &h.found.Totals[i]; among(t) && (next == nil || t.First.Before(next.First)) {
			next = t
		}
	}
	return next
}

// ofUploads says what no listing of objects shows: uploads that are neither completed
// nor aborted. They do not keep a bucket (spec VD9-4).
func (h *holds) ofUploads() []string {
	c := h.shaped(lifecycle.OpenUpload)
	if c.n == 0 {
		return nil
	}
	o := &h.found.Oldest
	out := []string{fmt.Sprintf("Multipart uploads that are neither completed nor aborted, and hold space that no listing of objects shows: %v; "+
		"the oldest, of %q, began on %s.", c, o.Key, clockTime(o.Initiated))}
	next := h.next(func(t *lifecycle.Total) bool { return t.Shape == lifecycle.OpenUpload && t.Rule != nil })
	switch {
	case next == nil:
		out[0] += " No lifecycle rule aborts them."
	case next.Hold == lifecycle.HeldOverdue:
		out[0] += fmt.Sprintf(" Rule %q was to abort the first on %s.", next.Rule.ID, clockTime(next.First))
	default:
		out[0] += fmt.Sprintf(" Rule %q aborts the first on %s.", next.Rule.ID, clockTime(next.First))
	}
	if h.scope.whole() {
		out = append(out, "Uploads do not keep the bucket from being deleted.")
	}
	return out
}

// ofBucket says what a setting of the bucket means for all of this.
func (h *holds) ofBucket() (out []string) {
	switch whole := h.scope.whole(); {
	case whole && h.found.Entries > 0:
		out = append(out, "The bucket cannot be deleted while there is a version or a delete marker.")
	case whole:
		out = append(out, "The bucket can be deleted.")
	}
	if n := len(h.damaged); n > 0 {
		out = append(out, fmt.Sprintf("Keys with entries that cannot be read, which are not counted and no rule touches: %d, such as %q.", n, h.damaged[0]))
	}
	if h.idle && h.of(func(t *lifecycle.Total) bool { return t.Rule != nil }).n > 0 {
		out = append(out, "This server was told to carry out no lifecycle rules: nothing happens at the times that are named.")
	}
	if h.bucket.MFADelete == store.MFADeleteEnabled {
		out = append(out, "MFA Delete is on: removing a version takes a code of the root of the bucket's account, and lifecycle rules do nothing.")
	}
	if h.at.State == versioning.Unversioned && h.found.Entries > 0 {
		out = append(out, "Versioning was never set: whatever replaces or removes an object destroys it.")
	}
	return out
}
