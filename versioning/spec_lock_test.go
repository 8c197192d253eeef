package versioning_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// protection says which locks keep a version from being destroyed, a second
// before, at and after the end of retention, by whether governance is bypassed.
//
// spec: OL1.2-1
var protection = []struct {
	mode   versioning.Mode
	hold   versioning.Hold
	bypass bool
	before bool // a second before the end
	after  bool // at the end and later
}{
	{versioning.NoRetention, versioning.HoldNever, false, false, false},
	{versioning.NoRetention, versioning.HoldNever, true, false, false},
	{versioning.NoRetention, versioning.HoldOff, false, false, false},
	{versioning.Governance, versioning.HoldNever, false, true, false}, // spec: OL1.4-3, OL1.4-4
	{versioning.Governance, versioning.HoldNever, true, false, false}, // spec: OL1.4-3
	{versioning.Governance, versioning.HoldOff, false, true, false},
	{versioning.Governance, versioning.HoldOff, true, false, false},
	{versioning.Compliance, versioning.HoldNever, false, true, false}, // spec: OL1.4-5
	{versioning.Compliance, versioning.HoldNever, true, true, false},  // spec: OL1.4-5
	{versioning.Compliance, versioning.HoldOff, true, true, false},
	{versioning.NoRetention, versioning.HoldOn, false, true, true}, // spec: OL1.4-6
	{versioning.NoRetention, versioning.HoldOn, true, true, true},  // spec: OL1.4-6
	{versioning.Governance, versioning.HoldOn, true, true, true},
	{versioning.Compliance, versioning.HoldOn, true, true, true},
}

// spec: OL1.4-2, OL1.4-9
func TestProtects(t *testing.T) {
	for _, p := range protection {
		lock := versioning.Lock{Mode: p.mode, Until: noon, Hold: p.hold}
		if got := lock.Protects(noon.Add(-time.Second), p.bypass); got != p.before {
			t.Errorf("%+v before its end, bypass %v: %v", lock, p.bypass, got)
		}
		for _, later := range []time.Duration{0, 1, time.Hour} {
			if got := lock.Protects(noon.Add(later), p.bypass); got != p.after {
				t.Errorf("%+v %v after its end, bypass %v: %v", lock, later, p.bypass, got)
			}
		}
	}
}

// A version that is protected is not destroyed by its id, null or not, and
// nothing else of the key is.
//
// spec: VD3.3-10, OL1.4-2, OL1.4-3, OL1.4-5, OL1.4-6
func TestDeleteLockedVersion(t *testing.T) {
	for _, p := range protection {
		for _, before := range []string{"v1", "N", "D,v1", "v2,v1", "DN,v1", "v2,N"} {
			k := readKey(before)
			last := len(k.history) - 1
			lock := versioning.Lock{Mode: p.mode, Until: noon, Hold: p.hold}
			k.history = k.history.withLock(last, lock)
			r := versioning.DeleteRequest{ID: k.history[last].ID(), Now: noon.Add(-time.Second), BypassGovernance: p.bypass}
			after, _, err := k.history.play(t, del(versioning.Enabled, r))
			if got := errors.Is(err, versioning.ObjectLocked); got != p.before || err != nil && !got {
				t.Errorf("delete of the last of %v with %+v, bypass %v: %v", k.history, lock, p.bypass, err)
			}
			if want := map[bool]int{true: last + 1, false: last}[p.before]; len(after) != want {
				t.Errorf("delete of the last of %v leaves %v", k.history, after)
			}
		}
	}
}

// Requests that destroy nothing do not mind a lock.
//
// spec: OL1.4-1, OL1.4-7, OL1.4-10
func TestLocksLetWork(t *testing.T) {
	held := versioning.Lock{Mode: versioning.Compliance, Until: noon.Add(time.Hour), Hold: versioning.HoldOn}
	for _, before := range []string{"v1", "N", "D,v1", "D,N"} {
		k := readKey(before)
		h := k.history.withLock(len(k.history)-1, held)
		w := versioning.PutRequest{Order: k.order(), Now: noon}
		if after, _, err := h.play(t, put(versioning.Enabled, w)); err != nil || len(after) != len(h)+1 {
			t.Errorf("put on %v gives %v, %v", h, after, err)
		}
		d := versioning.DeleteRequest{Order: k.order(), Now: noon}
		if after, _, err := h.play(t, del(versioning.Enabled, d)); err != nil || len(after) != len(h)+1 {
			t.Errorf("delete of %v gives %v, %v", h, after, err)
		}
		if !h[0].DeleteMarker {
			continue
		}
		d.ID = h[0].ID()
		if after, _, err := h.play(t, del(versioning.Enabled, d)); err != nil || len(after) != 1 {
			t.Errorf("undelete of %v gives %v, %v", h, after, err)
		}
	}
}

// The rule book is asked of buckets that have both a lock and a state other than
// Enabled, though S3's rules let none get there: what is protected stays.
func TestLockedNullStays(t *testing.T) {
	for _, s := range []versioning.State{versioning.Unversioned, versioning.Suspended} {
		for _, p := range protection {
			h := history{newEntry("N", 1)}.withLock(0, versioning.Lock{Mode: p.mode, Until: noon, Hold: p.hold})
			now := noon.Add(-time.Second)
			r := versioning.DeleteRequest{Order: 2, Now: now, BypassGovernance: p.bypass}
			_, _, err := h.play(t, del(s, r))
			// In Suspended a delete of the key destroys as a side effect, which no
			// caller asks a bypass for.
			unasked := s == versioning.Suspended && p.mode == versioning.Governance
			if want := p.before || unasked; errors.Is(err, versioning.ObjectLocked) != want {
				t.Errorf("%v: delete of %v, bypass %v: %v", s, h, p.bypass, err)
			}
			w := versioning.PutRequest{Order: 2, Now: now}
			_, _, err = h.play(t, put(s, w))
			if want := p.before || p.mode == versioning.Governance; errors.Is(err, versioning.ObjectLocked) != want {
				t.Errorf("%v: put on %v: %v", s, h, err)
			}
		}
	}
}

func TestLockWords(t *testing.T) {
	words := map[string]string{
		versioning.NoRetention.String(): "",
		versioning.Governance.String():  "GOVERNANCE",
		versioning.Compliance.String():  "COMPLIANCE",
		versioning.HoldNever.String():   "",
		versioning.HoldOn.String():      "ON",
		versioning.HoldOff.String():     "OFF",
	}
	for got, want := range words {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if len(words) != 5 {
		t.Errorf("%d words, want 5: %v", len(words), words)
	}
}
