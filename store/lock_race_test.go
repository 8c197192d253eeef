package store

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// between makes other happen after the next view of the store and before what it
// commits then: what another process does on an engine that knows no locks.
func (p *probe) between(other func()) {
	hook := func() {
		other()
	}
	p.afterView.Store(&hook)
}

// TestLockMeetsDestruction lets a version be locked after a request that destroys it
// was planned, and before it commits, by a store with locks of keys of its own. The
// request notices.
func TestLockMeetsDestruction(t *testing.T) {
	for _, c := range []struct {
		name, history string
		state         versioning.State
	}{
		{"head row", "v v", versioning.Enabled}, {"current of one", "v", versioning.Enabled},
		{"null with a head row", "N v", versioning.Enabled}, {"null without", "N", versioning.Enabled},
		{"null, suspended", "v N", versioning.Suspended}, {"null, suspended, without", "N", versioning.Suspended},
		{"never versioned", "N", versioning.Unversioned},
	} {
		for n := range strings.Count(c.history, " ") + 1 {
			s, p := openProbed(t, nil)
			id := lay(t, s, c.history, c.state)[n]
			forceObjectLock(t, s)
			other, before := twin(s), historyText(t, s, "b")
			p.between(func() {
				if _, err := other.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", ID: id, Hold: versioning.HoldOn}); err != nil {
					t.Error(err)
				}
			})
			if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id}); !errors.Is(err, versioning.ObjectLocked) {
				t.Errorf("%s, entry %d: %v", c.name, n, err)
			}
			if got := historyText(t, s, "b"); got != before {
				t.Errorf("%s, entry %d: history was %q and is %q", c.name, n, before, got)
			}
			mustClean(t, s)
		}
	}
}

// The other way round: what is destroyed meanwhile gets no lock.
func TestDestructionMeetsLock(t *testing.T) {
	for _, c := range []struct {
		history string
		state   versioning.State
	}{{"v v", versioning.Enabled}, {"v", versioning.Enabled}, {"N", versioning.Enabled}, {"N", versioning.Unversioned}} {
		s, p := openProbed(t, nil)
		id := lay(t, s, c.history, c.state)[0]
		forceObjectLock(t, s)
		other := twin(s)
		p.between(func() { mustDelete(t, other, "b", "k", id) })
		_, err := s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", ID: id, Hold: versioning.HoldOn})
		if !errors.Is(err, versioning.NoSuchVersion) {
			t.Errorf("%s: %v", c.history, err)
		}
		if rows := countTable(t, s, lockTable); rows != 0 {
			t.Errorf("%s: %d lock rows", c.history, rows)
		}
		mustClean(t, s)
	}
}

// Whether a request is allowed is decided by the tags that its version has when it
// is destroyed, in every state.
func TestTagsMeetDestruction(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		s, p := openProbed(t, nil)
		id := lay(t, s, "N", state)[0]
		other := twin(s)
		untagged := func(f ObjectFacts) error {
			if len(f.Tags) > 0 {
				return errDenied
			}
			return nil
		}
		p.between(func() { mustTags(t, other, "k", id, Tag{"keep", "yes"}) })
		if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id, Authorize: untagged}); !errors.Is(err, errDenied) {
			t.Errorf("%v: %v", state, err)
		}
		mustClean(t, s)
	}
}

// TestLocksAndDeletesRace holds versions and destroys them through two stores at
// once: one that was held is there, and one that is gone was never held.
func TestLocksAndDeletesRace(t *testing.T) {
	s, _ := locked(t)
	other := twin(s)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 150 {
		ids := []versioning.ID{mustLock(t, s, "k", versioning.Lock{}), mustLock(t, s, "k", versioning.Lock{})}
		id := ids[rng.IntN(2)]
		var hold, remove error
		var working sync.WaitGroup
		working.Go(func() {
			_, hold = s.SetLegalHold(t.Context(), HoldRequest{Bucket: "b", Key: "k", ID: id, Hold: versioning.HoldOn})
		})
		working.Go(func() { _, remove = other.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id}) })
		working.Wait()
		switch {
		case hold == nil && errors.Is(remove, versioning.ObjectLocked):
			if lockOf(t, s, "k", id).Hold != versioning.HoldOn {
				t.Error("a held version is not there")
			}
			lift(t, s, "k", id)
		case errors.Is(hold, versioning.NoSuchVersion) && remove == nil:
		default:
			t.Fatalf("hold: %v; delete: %v", hold, remove)
		}
	}
	mustClean(t, s)
}

// Locks are changed once, whatever becomes of the commits.
func TestLockFaults(t *testing.T) {
	s, p := openProbed(t, nil)
	ids := lay(t, s, "N v", versioning.Enabled)
	forceObjectLock(t, s)
	p.spoil(60)
	for n := range 60 {
		id := ids[n%2]
		want := versioning.Lock{Mode: versioning.Governance, Until: start2026.Add(time.Duration(n) * time.Hour)}
		_, err := s.SetRetention(t.Context(), RetentionRequest{Bucket: "b", Key: "k", ID: id, Mode: want.Mode, Until: want.Until})
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if got := lockOf(t, s, "k", id); err == nil && got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	p.onCommit.Store(nil)
	if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	mustClean(t, s)
}
