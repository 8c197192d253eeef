package versioning_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// spec: VD1-1, VD1-2, VD1-3 the word that GetBucketVersioning shows, or none.
func TestStateWords(t *testing.T) {
	words := []string{"", "Enabled", "Suspended"}
	for i, s := range states {
		if got := s.state.String(); got != words[i] {
			t.Errorf("%s is shown as %q, want %q", s.letter, got, words[i])
		}
	}
}

// Nothing returns to U, and a bucket with Object Lock stays Enabled.
//
// spec: VD1-4, VD1-18, OL1.1-9
func TestChangeState(t *testing.T) {
	tests := []struct {
		lock bool
		to   versioning.State
		ok   bool
	}{
		{false, versioning.Unversioned, false},
		{false, versioning.Enabled, true},
		{false, versioning.Suspended, true},
		{true, versioning.Unversioned, false},
		{true, versioning.Enabled, true},
		{true, versioning.Suspended, false},
	}
	for _, test := range tests {
		err := versioning.ChangeState(test.lock, test.to)
		if test.ok && err != nil || !test.ok && !errors.Is(err, versioning.InvalidBucketState) {
			t.Errorf("to %v with lock %v: %v", test.to, test.lock, err)
		}
	}
}

func TestOrderTime(t *testing.T) {
	for _, ms := range []int64{0, 1, noon.UnixMilli(), 1<<47 - 1} {
		at := time.UnixMilli(ms).UTC()
		first := versioning.OrderAt(at)
		for _, counter := range []versioning.Order{0, 1, 1<<16 - 1} {
			if got := (first + counter).Time(); got != at {
				t.Errorf("order %d of %v is at %v", first+counter, at, got)
			}
		}
		if got := (first + 1<<16).Time(); got != at.Add(time.Millisecond) {
			t.Errorf("the order after those of %v is at %v", at, got)
		}
		if got := versioning.OrderAt(at.Add(time.Millisecond - 1)); got != first {
			t.Errorf("the millisecond of %v begins at order %d, want %d", at, got, first)
		}
	}
}

func TestIDsOfEntries(t *testing.T) {
	v, null := newEntry("v", 5), newEntry("N", 5)
	if v.ID() != versioning.IDOf(5) || v.ID().Order() != 5 || v.ID().IsNull() || v.ID().IsZero() {
		t.Errorf("id of a version: %+v", v.ID())
	}
	if null.ID() != versioning.Null || null.ID().Order() != 0 || !null.ID().IsNull() || null.ID().IsZero() {
		t.Errorf("id of the null entry: %+v", null.ID())
	}
	if zero := (versioning.ID{}); !zero.IsZero() || zero.IsNull() {
		t.Error("the zero id names something")
	}
}

func TestReasons(t *testing.T) {
	texts := map[string]bool{}
	for reason := range reasonNames {
		text := reason.Error()
		if texts[text] || text == fmt.Sprintf("versioning reason %d", uint8(reason)) {
			t.Errorf("%s has no words of its own: %s", reasonNames[reason], text)
		}
		texts[text] = true
		var err error = fmt.Errorf("key k: %w", &versioning.Refusal{Reason: reason})
		if !errors.Is(err, reason) || errors.Is(err, versioning.Reason(200)) {
			t.Errorf("%v is not %s", err, reasonNames[reason])
		}
		if got := (&versioning.Refusal{Reason: reason}).Error(); got != text {
			t.Errorf("refusal says %q, want %q", got, text)
		}
		if got := (&versioning.Refusal{Reason: reason, Condition: "If-Match"}).Error(); got != text+": If-Match" {
			t.Errorf("refusal says %q", got)
		}
	}
	for _, r := range []versioning.Reason{0, versioning.Reason(len(reasonNames) + 1), 255} {
		if got, want := r.Error(), fmt.Sprintf("versioning reason %d", uint8(r)); got != want {
			t.Errorf("reason %d says %q, want %q", uint8(r), got, want)
		}
	}
}
