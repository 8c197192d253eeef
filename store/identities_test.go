package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
)

// identities reads all account rows as "name=value".
func identities(t *testing.T, s *Store) (rows []string) {
	t.Helper()
	err := s.LoadIdentities(t.Context(), func(name string, value []byte) error {
		rows = append(rows, name+"="+string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func mustSave(t *testing.T, s *Store, rows map[string][]byte) {
	t.Helper()
	if err := s.SaveIdentities(t.Context(), rows, Maker{AccessKey: "key", Operation: "Test"}); err != nil {
		t.Fatal(err)
	}
}

func TestIdentitiesRoundTrip(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	if rows := identities(t, s); len(rows) != 0 {
		t.Errorf("a new folder has %v", rows)
	}
	mustSave(t, s, map[string][]byte{"user/b": []byte("2"), "account/a": []byte("1"), "user/c": []byte("3"), "empty": {}})
	mustSave(t, s, map[string][]byte{"user/b": nil, "user/c": []byte("4"), "user/none": nil})
	if err := s.SaveUses(t.Context(), map[string][]byte{"used/k": []byte("5")}); err != nil {
		t.Fatal(err)
	}
	want := []string{"account/a=1", "empty=", "used/k=5", "user/c=4"}
	for range 2 {
		if rows := identities(t, s); !slices.Equal(rows, want) {
			t.Errorf("rows %v", rows)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, nil)
	}
	stop := errors.New("stop")
	calls := 0
	err := s.LoadIdentities(t.Context(), func(string, []byte) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	mustClean(t, s)
}

// A folder says that it has identities from the first one on, so that no version that
// does not enforce them opens it.
func TestFolderSaysThatItHasIdentities(t *testing.T) {
	for name, begin := range map[string]func(*Store) error{
		"rows": func(s *Store) error {
			return s.SaveIdentities(t.Context(), map[string][]byte{"a": []byte("1")}, Maker{})
		},
		"step": func(s *Store) error { _, err := s.AdvanceMFA(t.Context(), "serial", 1); return err },
	} {
		s := openTest(t, nil, nil)
		if s.features.Load()&featureProtection != 0 {
			t.Errorf("%s: before", name)
		}
		if err := begin(s); err != nil || rowOf(t, s, metaKey(metaIncompatible))[0]&featureProtection == 0 {
			t.Errorf("%s: after, %v", name, err)
		}
	}
}

func TestIdentitiesRefusals(t *testing.T) {
	s := openTest(t, nil, nil)
	for _, name := range []string{"", strings.Repeat("a", maxIdentityName+1)} {
		if err := s.SaveIdentities(t.Context(), map[string][]byte{name: nil, "b": {1}}, Maker{}); !errors.Is(err, ErrIdentityName) {
			t.Error(err)
		}
		if _, err := s.AdvanceMFA(t.Context(), name, 1); !errors.Is(err, ErrIdentityName) {
			t.Error(err)
		}
	}
	if rows := identities(t, s); len(rows) != 0 {
		t.Errorf("a refused change left %v", rows)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveIdentities(t.Context(), map[string][]byte{"b": {1}}, Maker{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := s.AdvanceMFA(t.Context(), "serial", 1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// The ledger tells of each row of a change, and of no note of use.
func TestIdentitiesInLedger(t *testing.T) {
	s := openTest(t, nil, nil)
	mustSave(t, s, map[string][]byte{"user/b": []byte("2"), "user/c": nil})
	if err := s.SaveUses(t.Context(), map[string][]byte{"used/k": []byte("5")}); err != nil {
		t.Fatal(err)
	}
	var told []string
	err := s.Ledger(t.Context(), LedgerQuery{}, func(e LedgerEntry) error {
		if e.Change == LedgerIdentityChanged {
			told = append(told, fmt.Sprint(e.Key, " ", e.After, " by ", e.Made.AccessKey, " ", e.Made.Operation))
		}
		return nil
	})
	if want := []string{"user/b set by key Test", "user/c removed by key Test"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("told %q, %v", told, err)
	}
}

// A step is accepted once, and none at or below it after that, whatever is opened.
//
// spec: OL2-17
func TestAdvanceMFA(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	for n, c := range []struct {
		serial string
		step   uint64
		want   bool
		reopen bool
	}{
		{"a", 0, false, false}, {"a", 10, true, false}, {"a", 10, false, false}, {"a", 9, false, true}, {"a", 10, false, false},
		{"a", 11, true, false}, {"b", 10, true, false}, {"a", 11, false, true}, {"a", 12, true, false}, {"ab", 1, true, false},
	} {
		if c.reopen {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, fs, nil)
		}
		if got, err := s.AdvanceMFA(t.Context(), c.serial, c.step); err != nil || got != c.want {
			t.Errorf("call %d: step %d of %s: %v, %v", n, c.step, c.serial, got, err)
		}
	}
	mustWrite(t, s, engine.Set(mfaKey("a"), []byte("x")))
	if _, err := s.AdvanceMFA(t.Context(), "a", 20); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged row: %v", err)
	}
	mustClean(t, s)
}

// Of calls at the same time with one step exactly one is told that it was accepted;
// where commits conflict and forget, at most one.
//
// spec: OL2-17
func TestAdvanceMFAAtTheSameTime(t *testing.T) {
	const seed = 1
	far := func(o *Options) {
		o.WrapEngine = func(e engine.Engine) engine.Engine {
			return enginefault.New(e, enginefault.Options{Seed: seed, Conflict: 0.1, Lost: 0.1, Applied: 0.1})
		}
	}
	for name, change := range map[string]func(*Options){"near": nil, "far": far} {
		s := openTest(t, nil, change)
		for step := uint64(1); step <= 50; step++ {
			var accepted, failed atomic.Int64
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					ok, err := s.AdvanceMFA(context.Background(), "serial", step)
					if ok {
						accepted.Add(1)
					}
					if err != nil {
						failed.Add(1)
					}
				})
			}
			calls.Wait()
			if n := accepted.Load(); n > 1 || n == 0 && failed.Load() == 0 || change == nil && failed.Load() > 0 {
				t.Errorf("%s, step %d: %d calls were accepted, %d failed", name, step, n, failed.Load())
			}
		}
	}
}

// What was answered is there after a crash, also where changes may be lost otherwise.
//
// spec: OL2-17
func TestIdentitiesSurviveACrash(t *testing.T) {
	for _, durability := range []Durability{Sync, Relaxed} {
		fs := crashfs.New(crashfs.Watch{})
		open := func(fs blob.FS) *Store { return openTest(t, fs, func(o *Options) { o.Durability = durability }) }
		s := open(fs)
		mustSave(t, s, map[string][]byte{"user/b": []byte("2")})
		if ok, err := s.AdvanceMFA(t.Context(), "serial", 7); !ok || err != nil {
			t.Fatal(ok, err)
		}
		left, err := fs.Cut(0, rand.New(rand.NewPCG(1, 1)), crashfs.Watch{})
		if err != nil {
			t.Fatal(err)
		}
		s = open(left)
		if rows := identities(t, s); !slices.Equal(rows, []string{"user/b=2"}) {
			t.Errorf("durability %d: rows %v", durability, rows)
		}
		if ok, err := s.AdvanceMFA(t.Context(), "serial", 7); ok || err != nil {
			t.Errorf("durability %d: the step counts again: %v, %v", durability, ok, err)
		}
	}
}
