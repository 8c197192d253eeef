package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// readPages reads all entries under a prefix, in pages of limit.
func readPages(t *testing.T, s *Store, prefix string, limit int) (entries []HistoryEntry) {
	t.Helper()
	r := HistoryRequest{Bucket: "b", Prefix: prefix, Limit: limit}
	for more := true; more; {
		calls := 0
		err := s.History(t.Context(), r, func(v *HistoryView) error {
			calls++
			if len(v.Entries) > limit || v.More && len(v.Entries) < limit || len(v.Damaged) > 0 {
				t.Errorf("page of %d entries, more %v, damaged %q", len(v.Entries), v.More, v.Damaged)
			}
			entries = append(entries, v.Entries...)
			more, r.After = v.More, v.Next
			return nil
		})
		if err != nil || calls != 1 {
			t.Fatal(calls, err)
		}
	}
	return entries
}

func entriesText(entries []HistoryEntry) string {
	words := make([]string, len(entries))
	for i, e := range entries {
		name := "v"
		if e.Marker {
			name = "D"
		}
		if e.ID.IsNull() {
			name += "0"
		}
		words[i] = e.Key + name
	}
	return strings.Join(words, " ")
}

// Pages of any size put together are the history, of a prefix what it selects.
func TestHistoryPages(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	put("a/1", "k")(t, s)
	mustState(t, s, "b", versioning.Enabled)
	put("a/1", "a/2", "a/2", "a/2", "a", "z", "ü")(t, s)
	mustDelete(t, s, "b", "a/2", versioning.ID{})
	for prefix, want := range map[string]string{
		"":      "av a/1v a/1v0 a/2D a/2v a/2v a/2v kv0 zv üv",
		"a/":    "a/1v a/1v0 a/2D a/2v a/2v a/2v",
		"a/2":   "a/2D a/2v a/2v a/2v",
		"k":     "kv0",
		"none":  "",
		"a\x00": "",
	} {
		for limit := 1; limit <= 11; limit++ {
			if got := entriesText(readPages(t, s, prefix, limit)); got != want {
				t.Errorf("prefix %q in pages of %d: %q, want %q", prefix, limit, got, want)
			}
		}
	}
}

// A page begins behind its place, be there an entry or not.
func TestHistoryPlaces(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("a", "k", "k", "k", "z")(t, s)
	k := readPages(t, s, "k", 10)
	for _, c := range []struct {
		after        HistoryPlace
		prefix, want string
	}{
		{HistoryPlace{}, "", "av kv kv kv zv"},
		{HistoryPlace{Key: "a"}, "", "kv kv kv zv"},
		{HistoryPlace{Key: "k"}, "", "zv"},
		{HistoryPlace{Key: "k", Order: ^versioning.Order(0)}, "", "kv kv kv zv"},
		{HistoryPlace{Key: "k", Order: k[0].Order}, "", "kv kv zv"},
		{HistoryPlace{Key: "k", Order: k[1].Order + 1}, "", "kv kv zv"},
		{HistoryPlace{Key: "k", Order: k[2].Order}, "", "zv"},
		{HistoryPlace{Key: "k", Order: 1}, "", "zv"},
		{HistoryPlace{Key: "j", Order: 1}, "", "kv kv kv zv"},
		{HistoryPlace{Key: "z"}, "", ""},
		{HistoryPlace{Key: "z"}, "k", ""},
		{HistoryPlace{Key: "a"}, "k", "kv kv kv"},
		{HistoryPlace{Key: "k\x00", Order: 1}, "", "zv"},
	} {
		err := s.History(t.Context(), HistoryRequest{Bucket: "b", Prefix: c.prefix, After: c.after}, func(v *HistoryView) error {
			if got := entriesText(v.Entries); got != c.want || v.More {
				t.Errorf("prefix %q after %+v: %q, want %q", c.prefix, c.after, got, c.want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A boundary is above all that there is and below all to come.
func TestBoundary(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("k")(t, s)
	between, err := s.Boundary()
	if err != nil {
		t.Fatal(err)
	}
	put("k")(t, s)
	if e := mustJudge(t, s, "k").entries; e[1].Order >= between || e[0].Order <= between {
		t.Errorf("%d is not between %+v", between, e)
	}
}

// An entry comes with all that rules look at.
func TestHistoryEntry(t *testing.T) {
	ticks := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s := openTest(t, nil, func(o *Options) { o.Clock = ticks })
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	created := s.now()
	r := PutRequest{
		Bucket: "b", Key: "k", Body: strings.NewReader("12345"), Size: 5, Tags: []Tag{{"a", "1"}, {"b", ""}},
		User: []Pair{{"n", "v"}}, System: []Pair{{"Content-Type", "a/b"}},
		Lock: versioning.Lock{Mode: versioning.Compliance, Until: created.Add(time.Hour), Hold: versioning.HoldOff},
	}
	if _, err := s.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	ticks.Advance(time.Minute)
	mustUpload(t, s, "b", "k", "0123456789", "tail")
	mustDelete(t, s, "b", "k", versioning.ID{})
	got := mustJudge(t, s, "k")
	for i := range got.entries {
		e := &got.entries[i]
		if e.ID != versioning.IDOf(e.Order) || e.Order == 0 {
			t.Errorf("entry %d: %+v", i, e)
		}
		e.ID, e.Order = versioning.ID{}, 0
	}
	want := []HistoryEntry{
		{Key: "k", Marker: true, LastModified: created.Add(time.Minute)},
		{Key: "k", Size: 14, LastModified: created.Add(time.Minute)},
		{Key: "k", Size: 5, LastModified: created, Tags: r.Tags, Lock: r.Lock},
	}
	if !reflect.DeepEqual(got.entries, want) || got.state != versioning.Enabled {
		t.Errorf("got %+v\nwant %+v", got.entries, want)
	}
}

// Heads are those of the view, whatever was changed since, in each state.
func TestHistoryHeads(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	put("old", "both")(t, s)
	old, both := mustJudge(t, s, "old"), mustJudge(t, s, "both")
	if want := (versioning.Head{Newest: old.entries[0].Order, Null: old.entries[0].Order, Entries: 1}); old.head != want {
		t.Errorf("in Unversioned %+v, want %+v", old.head, want)
	}
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended, MFADelete: MFADeleteEnabled}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Enabled, MFA: true}); err != nil {
		t.Fatal(err)
	}
	put("both")(t, s)
	marker := mustID(t, s, mustDelete(t, s, "b", "lone", versioning.ID{}).VersionHeader).Order()
	err := s.History(t.Context(), HistoryRequest{Bucket: "b", Limit: 1}, func(v *HistoryView) error {
		mustPut(t, s, "b", "old", "newer") // which the view does not see
		heads, err := v.Heads([]string{"both", "lone", "none", "old"})
		want := []versioning.Head{
			{Newest: v.Entries[0].Order, Null: both.head.Null, Entries: 2}, {Newest: marker, Marker: true, Entries: 1}, {}, old.head,
		}
		if err != nil || !reflect.DeepEqual(heads, want) || v.MFADelete != MFADeleteEnabled || v.State != versioning.Enabled {
			t.Errorf("%+v, %v, want %+v", heads, err, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An entry that cannot be read is named and hides no other; its key's removals are
// refused or leave it alone.
func TestHistoryDamage(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("a", "k", "k", "k", "l", "z")(t, s)
	k, l := mustJudge(t, s, "k"), mustJudge(t, s, "l")
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	spoiled := []engine.Mutation{
		engine.Set(versionKey(b.id, "k", k.entries[1].Order), []byte{0xff}),
		engine.Set(versionKey(b.id, "k", k.entries[2].Order), []byte{0xff}),
		engine.Set(headKey(b.id, "l"), []byte{0xff}),
	}
	if err := s.engine.Commit(t.Context(), nil, spoiled); err != nil {
		t.Fatal(err)
	}
	err = s.History(t.Context(), HistoryRequest{Bucket: "b", Limit: 3}, func(v *HistoryView) error {
		want := HistoryPlace{Key: "k", Order: k.entries[1].Order}
		if got := entriesText(v.Entries); got != "av kv" || fmt.Sprint(v.Damaged) != "[k]" || v.Next != want || !v.More {
			t.Errorf("%q, damaged %q, next %+v, more %v", got, v.Damaged, v.Next, v.More)
		}
		heads, err := v.Heads([]string{"k", "l"})
		if heads[0] != k.head || heads[1] != (versioning.Head{}) {
			t.Errorf("%+v", heads)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := mustRemove(t, s, k.remove(0), l.remove(0)), "damaged damaged"; got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	mustRead(t, s, "b", "k", k.entries[0].ID, "body")
}

// What fn returns is History's error, and no other is.
func TestHistoryErrors(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	read := func(bucket string, answer error) error {
		return s.History(t.Context(), HistoryRequest{Bucket: bucket}, func(*HistoryView) error { return answer })
	}
	if err := read("b", errForbidden); err != errForbidden { //nolint:errorlint // exactly this one
		t.Error(err)
	}
	if err := read("none", errForbidden); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := read("b", nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
