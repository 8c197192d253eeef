package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// judgedHistory is what a view shows of a key: its entries, newest first, and its head.
type judgedHistory struct {
	state   versioning.State
	entries []HistoryEntry
	head    versioning.Head
}

func mustJudge(t *testing.T, s *Store, key string) (h judgedHistory) {
	t.Helper()
	err := s.History(t.Context(), HistoryRequest{Bucket: "b", Prefix: key}, func(v *HistoryView) (err error) {
		h.state, h.entries = v.State, v.Entries
		h.head, err = v.Head(key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// remove judges the nth entry, newest first, for removal.
func (h *judgedHistory) remove(n int) Removal {
	e := h.entries[n]
	return Removal{Key: e.Key, ID: e.ID, Order: e.Order, Seen: h.head}
}

// hide judges the key for a delete.
func (h *judgedHistory) hide() Removal {
	return Removal{Key: h.entries[0].Key, Order: h.entries[0].Order, Seen: h.head}
}

// lone judges the null delete marker that hide adds.
func (h *judgedHistory) lone() Removal {
	return Removal{Key: h.entries[0].Key, ID: versioning.Null, Seen: h.head}
}

// mustRemove removes, and returns the outcomes in words.
func mustRemove(t *testing.T, s *Store, rs ...Removal) string {
	t.Helper()
	errs, err := s.Remove(t.Context(), "b", rs)
	if err != nil || len(errs) != len(rs) {
		t.Fatal(errs, err)
	}
	words := make([]string, len(errs))
	for i, err := range errs {
		words[i] = outcomeText(err)
	}
	return strings.Join(words, " ")
}

var errForbidden = errors.New("forbidden")

func outcomeText(err error) string {
	for _, o := range []struct {
		err  error
		text string
	}{
		{nil, "done"}, {ErrChanged, "changed"}, {versioning.ObjectLocked, "locked"}, {ErrMFARequired, "token"},
		{errForbidden, "forbidden"}, {ErrInvalidKey, "key"}, {ErrDamaged, "damaged"},
	} {
		if errors.Is(err, o.err) {
			return o.text
		}
	}
	return fmt.Sprint(err)
}

// removalCase is a key k whose history is made, judged, and removed from after somebody
// meddled with it.
type removalCase struct {
	name   string
	states []versioning.State // in each of which the outcome is the same
	make   func(t *testing.T, s *Store)
	judge  func(h *judgedHistory) []Removal
	meddle func(t *testing.T, s *Store, h *judgedHistory)
	want   string // outcomes
	left   string // history
}

func put(keys ...string) func(*testing.T, *Store) {
	return func(t *testing.T, s *Store) {
		for _, key := range keys {
			mustPut(t, s, "b", key, "body")
		}
	}
}

// hidden makes two versions and a delete marker over them.
func hidden(t *testing.T, s *Store) {
	put("k", "k")(t, s)
	mustDelete(t, s, "b", "k", versioning.ID{})
}

// suspendedHistory is a null version over two others.
func suspendedHistory(t *testing.T, s *Store) {
	put("k", "k")(t, s)
	mustState(t, s, "b", versioning.Suspended)
	put("k")(t, s)
}

var (
	enabled   = []versioning.State{versioning.Enabled}
	versioned = []versioning.State{versioning.Enabled, versioning.Suspended}
	unset     = []versioning.State{versioning.Unversioned}
)

var removalCases = []removalCase{
	{
		name: "noncurrent versions", states: enabled, make: put("k", "k", "k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(1), h.remove(2)} },
		want:  "done done", left: "k[v]",
	}, {
		name: "the current one", states: enabled, make: put("k", "k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(0)} },
		want:  "done", left: "k[v]",
	}, {
		name: "all, the current one first", states: enabled, make: hidden,
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(0), h.remove(1), h.remove(2)} },
		want:  "done done done",
	}, {
		name: "the key in Enabled", states: enabled, make: put("k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.hide()} },
		want:  "done", left: "k[D] kv",
	}, {
		name: "the key in Unversioned", states: unset, make: put("k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.hide()} },
		want:  "done",
	}, {
		name: "the null entry in Unversioned", states: unset, make: put("k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(0)} },
		want:  "done",
	}, {
		name: "the key in Suspended, whose null version is lost", states: enabled, make: suspendedHistory,
		judge: func(h *judgedHistory) []Removal { return []Removal{h.hide(), h.remove(1), h.remove(2)} },
		want:  "done done done", left: "k[D0]",
	}, {
		name: "a null marker that the call adds", states: enabled, make: suspendedHistory,
		judge: func(h *judgedHistory) []Removal { return []Removal{h.hide(), h.remove(1), h.remove(2), h.lone()} },
		want:  "done done done done",
	}, {
		name: "a null marker that nobody added", states: enabled, make: suspendedHistory,
		judge: func(h *judgedHistory) []Removal { return []Removal{h.lone()} },
		want:  "changed", left: "k[v0] kv kv",
	}, {
		name: "a null marker where there is no null entry", states: enabled, make: put("k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.lone()} },
		want:  "changed", left: "k[v]",
	}, {
		name: "the null version that a null marker replaced", states: enabled, make: suspendedHistory,
		judge: func(h *judgedHistory) []Removal { return []Removal{h.hide(), h.remove(0)} },
		want:  "done changed", left: "k[D0] kv kv",
	}, {
		name: "one entry twice", states: enabled, make: put("k", "k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(1), h.remove(1)} },
		want:  "done changed", left: "k[v]",
	}, {
		name: "a key that is put again", states: versioned, make: hidden,
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.remove(0), h.hide()} },
		meddle: func(t *testing.T, s *Store, _ *judgedHistory) { mustPut(t, s, "b", "k", "newer") },
		want:   "changed changed",
	}, {
		name: "a key in Unversioned that is put again", states: unset, make: put("k"),
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.hide(), h.remove(0)} },
		meddle: func(t *testing.T, s *Store, _ *judgedHistory) { mustPut(t, s, "b", "k", "newer") },
		want:   "changed changed", left: "k[v0]",
	}, {
		name: "an entry over which one between went", states: enabled, make: put("k", "k", "k"),
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.remove(2)} },
		meddle: func(t *testing.T, s *Store, h *judgedHistory) { mustDelete(t, s, "b", "k", h.entries[1].ID) },
		want:   "changed", left: "k[v] kv",
	}, {
		name: "an entry that went", states: enabled, make: put("k", "k", "k"),
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.remove(1)} },
		meddle: func(t *testing.T, s *Store, h *judgedHistory) { mustDelete(t, s, "b", "k", h.entries[1].ID) },
		want:   "changed", left: "k[v] kv",
	}, {
		name: "a key that went", states: versioned, make: put("k"),
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.hide(), h.remove(0)} },
		meddle: func(t *testing.T, s *Store, h *judgedHistory) { mustDelete(t, s, "b", "k", h.entries[0].ID) },
		want:   "changed changed",
	}, {
		name: "a newer entry came and went", states: enabled, make: put("k", "k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(1)} },
		meddle: func(t *testing.T, s *Store, _ *judgedHistory) {
			mustDelete(t, s, "b", "k", mustID(t, s, mustPut(t, s, "b", "k", "newer").VersionHeader))
		},
		want: "done", left: "k[v]", // the history is what was judged
	}, {
		name: "an entry whose tags are set", states: slices.Concat(unset, versioned), make: put("k"),
		judge: func(h *judgedHistory) []Removal { return []Removal{h.remove(0)} },
		meddle: func(t *testing.T, s *Store, _ *judgedHistory) {
			r := TagRequest{Bucket: "b", Key: "k", Tags: []Tag{{"keep", "yes"}}}
			if _, err := s.SetTags(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		},
		want: "changed",
	}, {
		name: "in Enabled a key that was judged in Unversioned", states: unset, make: put("k"),
		judge:  func(h *judgedHistory) []Removal { return []Removal{h.hide()} },
		meddle: func(t *testing.T, s *Store, _ *judgedHistory) { mustState(t, s, "b", versioning.Enabled) },
		want:   "done", left: "k[D] kv0",
	}, {
		name: "a key that nothing can be called", states: enabled, make: put("k"),
		judge: func(*judgedHistory) []Removal { return []Removal{{Key: "", ID: versioning.Null}} },
		want:  "key", left: "k[v]",
	}, {
		name: "nothing", states: enabled, make: put("k"),
		judge: func(*judgedHistory) []Removal { return nil },
		left:  "k[v]",
	},
}

// Every removal is done if its key is what was judged, and else not at all.
//
// spec: LC4-22
func TestRemovalOutcomes(t *testing.T) {
	for _, c := range removalCases {
		for _, state := range c.states {
			t.Run(fmt.Sprintf("%s %v", c.name, state), func(t *testing.T) {
				s := openTest(t, nil, nil)
				mustBucket(t, s, "b", state)
				c.make(t, s)
				h := mustJudge(t, s, "k")
				rs := c.judge(&h)
				if c.meddle != nil {
					c.meddle(t, s, &h)
				}
				before := historyText(t, s, "b")
				if got := mustRemove(t, s, rs...); got != c.want {
					t.Errorf("outcomes %q, want %q", got, c.want)
				}
				left := c.left
				if left == "" && strings.HasPrefix(c.want, "changed") {
					left = before
				}
				if got := historyText(t, s, "b"); got != left {
					t.Errorf("left %q, want %q", got, left)
				}
				if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				mustClean(t, s)
			})
		}
	}
}

// One key does not hinder another, and the removals of a key may be given between
// those of others.
func TestRemovalsOfManyKeys(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("x", "y", "z", "x", "y", "z", "x", "y", "z")(t, s)
	x, y, z := mustJudge(t, s, "x"), mustJudge(t, s, "y"), mustJudge(t, s, "z")
	mustPut(t, s, "b", "y", "newer")
	got := mustRemove(t, s, z.remove(1), y.remove(1), x.remove(1), z.remove(2), y.remove(2), x.remove(0))
	if want := "done changed done done changed done"; got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	if got, want := historyText(t, s, "b"), "x[v] y[v] yv yv yv z[v]"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
	mustClean(t, s)
}
