package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// A removal rests on those before it of its key, so that a delete marker does not go
// while a version stays below it, unless it is given apart from them.
func TestRemovalsRestOnEachOther(t *testing.T) {
	for _, apart := range []bool{false, true} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		hidden(t, s)
		h := mustJudge(t, s, "k")
		refused := h.remove(1)
		refused.Authorize = func(f ObjectFacts) error {
			if !f.Exists || f.Marker {
				t.Errorf("asked about %+v", f)
			}
			return errForbidden
		}
		rs := []Removal{h.remove(2), refused, h.remove(0)}
		rs[2].Apart = apart
		want, left := "done forbidden changed", "k[D] kv"
		if apart {
			want, left = "done forbidden done", "k[v]"
		}
		if got := mustRemove(t, s, rs...); got != want {
			t.Errorf("apart %v: outcomes %q, want %q", apart, got, want)
		}
		if got := historyText(t, s, "b"); got != left {
			t.Errorf("apart %v: left %q, want %q", apart, got, left)
		}
		mustClean(t, s)
	}
}

// A removal that is not apart rests on all before it, be they apart or not.
func TestRemovalRestsOnAll(t *testing.T) {
	for refused := range 3 {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		put("k", "k", "k")(t, s)
		mustDelete(t, s, "b", "k", versioning.ID{})
		h := mustJudge(t, s, "k")
		rs := []Removal{h.remove(1), h.remove(2), h.remove(3), h.remove(0)}
		for i := range 3 {
			rs[i].Apart = true
		}
		rs[refused].Authorize = func(ObjectFacts) error { return errForbidden }
		want := []string{"done", "done", "done", "changed"}
		want[refused] = "forbidden"
		if got := mustRemove(t, s, rs...); got != strings.Join(want, " ") {
			t.Errorf("outcomes %q, want %q", got, want)
		}
		if got, want := historyText(t, s, "b"), "k[D] kv"; got != want {
			t.Errorf("left %q, want %q", got, want)
		}
	}
}

// What a lock protects stays, whoever judged it, until the lock ends or is bypassed.
//
// spec: LC6-1, LC4-22
func TestRemovalMeetsLock(t *testing.T) {
	s := openTest(t, nil, nil)
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	put("k", "k", "k")(t, s)
	old := mustJudge(t, s, "k").entries
	_, err := s.SetRetention(t.Context(), RetentionRequest{
		Bucket: "b", Key: "k", ID: old[1].ID, Mode: versioning.Governance, Until: s.now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", ID: old[2].ID, Hold: versioning.HoldOn}); err != nil {
		t.Fatal(err)
	}
	h := mustJudge(t, s, "k")
	if h.entries[1].Lock.Mode != versioning.Governance || h.entries[2].Lock.Hold != versioning.HoldOn {
		t.Errorf("%+v", h.entries)
	}
	if got, want := mustRemove(t, s, h.remove(1), h.remove(2), h.hide()), "locked changed changed"; got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	bypass := h.remove(1)
	bypass.Bypass = true
	held := h.remove(2)
	held.Bypass, held.Apart = true, true
	marker := h.hide()
	marker.Apart = true
	if got, want := mustRemove(t, s, held, bypass, marker), "locked changed done"; got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	h = mustJudge(t, s, "k")
	bypass = h.remove(2)
	bypass.Bypass = true
	if got := mustRemove(t, s, bypass); got != "done" {
		t.Errorf("outcome %q", got)
	}
	if got, want := historyText(t, s, "b"), "k[D] kv kv"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
	mustClean(t, s)
}

// Where MFA Delete is enabled no version is destroyed without a token; keys are
// deleted.
func TestRemovalNeedsToken(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("k", "k", "l")(t, s)
	change := VersioningChange{State: versioning.Enabled, MFADelete: MFADeleteEnabled}
	if err := s.SetVersioning(t.Context(), "b", change); err != nil {
		t.Fatal(err)
	}
	k, l := mustJudge(t, s, "k"), mustJudge(t, s, "l")
	if got, want := mustRemove(t, s, k.remove(1), l.hide()), "token done"; got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	token := k.remove(1)
	token.MFA = true
	if got := mustRemove(t, s, token); got != "done" {
		t.Errorf("outcome %q", got)
	}
	if got, want := historyText(t, s, "b"), "k[v] l[D] lv"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
}

// A removal fails as a whole where no delete is possible.
func TestRemovalFails(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("k")(t, s)
	h := mustJudge(t, s, "k")
	remove := func(ctx context.Context) error {
		_, err := s.Remove(ctx, "b", []Removal{h.remove(0)})
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := remove(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	mark := func(deleting bool) {
		change := func(row *bucketRow) error { row.deleting = deleting; return nil }
		b, err := s.bucket("b")
		if err == nil {
			err = s.writeRow(t.Context(), b, Maker{}, change)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mark(true)
	if err := remove(t.Context()); !errors.Is(err, ErrBucketBusy) {
		t.Error(err)
	}
	mark(false)
	if err := remove(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	if err := remove(t.Context()); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	mustBucket(t, s, "b", versioning.Enabled)
	if got := mustRemove(t, s, h.remove(0)); got != "changed" {
		t.Errorf("in another bucket of that name: %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := remove(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
