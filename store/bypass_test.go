package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// permit is a MayBypass that notes what it is asked about.
type permit struct {
	asked []ObjectFacts
	may   bool
	err   error
}

func (p *permit) mayBypass(f ObjectFacts) (bool, error) {
	p.asked = append(p.asked, f)
	return p.may, p.err
}

// bypasses are all requests that can bypass governance.
var bypasses = []struct {
	name string
	send func(ctx context.Context, s *Store, key string, id versioning.ID, p *permit) error
}{
	{"delete", func(ctx context.Context, s *Store, key string, id versioning.ID, p *permit) error {
		_, err := s.Delete(ctx, "b", DeleteRequest{Key: key, ID: id, BypassGovernance: true, MayBypass: p.mayBypass})
		return err
	}},
	{"delete objects", func(ctx context.Context, s *Store, key string, id versioning.ID, p *permit) error {
		res, err := s.DeleteObjects(ctx, "b", []DeleteRequest{{Key: key, ID: id, BypassGovernance: true, MayBypass: p.mayBypass}})
		if err == nil {
			err = res[0].Err
		}
		return err
	}},
	{"remove", func(ctx context.Context, s *Store, key string, id versioning.ID, p *permit) error {
		var head versioning.Head
		err := s.History(ctx, HistoryRequest{Bucket: "b", Limit: 100}, func(v *HistoryView) error {
			heads, err := v.Heads([]string{key})
			if err == nil {
				head = heads[0]
			}
			return err
		})
		if err != nil {
			return err
		}
		errs, err := s.Remove(ctx, "b", []Removal{
			{Key: key, ID: id, Order: id.Order(), Seen: head, Bypass: true, MayBypass: p.mayBypass},
		})
		if err == nil {
			err = errs[0]
		}
		return err
	}},
	{"retention", func(ctx context.Context, s *Store, key string, id versioning.ID, p *permit) error {
		_, err := s.SetRetention(ctx, RetentionRequest{Bucket: "b", Key: key, ID: id, Bypass: true, MayBypass: p.mayBypass})
		return err
	}},
}

// TestMayBypass asks whether governance may be bypassed for a version, with what is stored
// of it. What is not allowed is refused where governance is in the way, and nowhere else;
// nothing but governance is bypassed.
//
// spec: AP1-9, OL1.3-5, OL1.4-2, OL1.4-3, OL1.4-4, OL1.4-5, OL1.4-6
func TestMayBypass(t *testing.T) {
	governed := versioning.Lock{Mode: versioning.Governance, Until: start2026.Add(time.Hour)}
	held := governed
	held.Hold = versioning.HoldOn
	for _, b := range bypasses {
		for _, c := range []struct {
			name    string
			lock    versioning.Lock
			advance time.Duration
			may     bool
			done    bool
		}{
			{"governed, may not", governed, 0, false, false},
			{"governed, may", governed, 0, true, true},
			{"governed and ended, may not", governed, time.Hour, false, true},
			{"complied with, may", versioning.Lock{Mode: versioning.Compliance, Until: governed.Until}, 0, true, false},
			// A retention may go whatever the hold.
			{"held, may", held, 0, true, b.name == "retention"},
			{"not locked, may not", versioning.Lock{}, 0, false, true},
		} {
			s, clock := locked(t)
			id := mustLock(t, s, "k", c.lock)
			clock.Advance(c.advance)
			p := &permit{may: c.may}
			err := b.send(t.Context(), s, "k", id, p)
			if c.done != (err == nil) || err != nil && !errors.Is(err, versioning.ObjectLocked) {
				t.Errorf("%s, %s: %v", b.name, c.name, err)
			}
			if len(p.asked) != 1 || !p.asked[0].Exists || p.asked[0].Lock != c.lock {
				t.Errorf("%s, %s: asked about %+v", b.name, c.name, p.asked)
			}
			mustClean(t, s)
		}
	}
}

// An error of who is asked is the answer, and nothing is changed.
func TestMayBypassFails(t *testing.T) {
	for _, b := range bypasses {
		s, _ := locked(t)
		id := mustLock(t, s, "k", versioning.Lock{})
		if err := b.send(t.Context(), s, "k", id, &permit{may: true, err: errDenied}); !errors.Is(err, errDenied) {
			t.Errorf("%s: %v", b.name, err)
		}
		if got := historyText(t, s, "b"); got != "k[v]" {
			t.Errorf("%s: %q", b.name, got)
		}
	}
}

// TestFacts reads what an Authorize is asked about the same entry.
//
// spec: AP3.1-8, AP3.1-14
func TestFacts(t *testing.T) {
	x := newFactual(t)
	for _, c := range []struct {
		key string
		id  versioning.ID
	}{
		{"k", x.id}, {"k", versioning.ID{}}, {"k", versioning.Null}, {"absent", versioning.ID{}},
		{"absent", x.marker}, {"hidden", versioning.ID{}}, {"hidden", x.marker},
	} {
		a := &asking{deny: true}
		if _, err := x.s.Head(t.Context(), ReadRequest{Bucket: "b", Key: c.key, ID: c.id, Authorize: a.authorize}); !errors.Is(err, errDenied) {
			t.Fatal(err)
		}
		got, err := x.s.Facts(t.Context(), "b", c.key, c.id)
		if err != nil || !sameFacts(got, a.asked[0]) || got.Versioning != a.asked[0].Versioning {
			t.Errorf("%s %v: %+v %v, want %+v", c.key, c.id, got, err, a.asked[0])
		}
	}
	if _, err := x.s.Facts(t.Context(), "absent", "k", versioning.ID{}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}
