package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

func getAbsentEmpty(t *testing.T, e engine.Engine) {
	commit(t, e, set("empty", ""), engine.Set([]byte("nil"), nil), set("full", "x"))
	expect(t, e, map[string]string{"empty": "", "nil": "", "full": "x", "other": "absent"})
	expect(t, e, map[string]string{"": "absent"})
	view(t, e, func(r engine.Reader) {
		if value, _, _ := r.Get([]byte("empty")); value == nil {
			t.Error("the empty value came back nil")
		}
		if value, _, _ := r.Get([]byte("other")); value != nil {
			t.Errorf("an absent key came back as %q", value)
		}
	})
}

func getCopies(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "one"), set("b", "other"))
	var kept []byte
	view(t, e, func(r engine.Reader) {
		value, _, err := r.Get([]byte("a"))
		if err != nil {
			t.Fatal(err)
		}
		kept = value
		if values, err := r.GetMulti([][]byte{[]byte("a"), []byte("b")}); err != nil {
			t.Fatal(err)
		} else {
			values[0][0], values[1][0] = 'X', 'X'
		}
		if a, b := get(t, r, "a"), get(t, r, "b"); a != "one" || b != "other" {
			t.Errorf("a, b hold %q, %q after the values of GetMulti were written to", a, b)
		}
	})
	commit(t, e, set("a", "two"))
	if string(kept) != "one" {
		t.Errorf("the value of Get changed to %q", kept)
	}
	kept[0] = 'X'
	expect(t, e, map[string]string{"a": "two"})
}

func getMulti(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"), set("b", ""), set("c", "3"))
	view(t, e, func(r engine.Reader) {
		keys := [][]byte{[]byte("c"), []byte("x"), []byte("b"), []byte("a"), []byte("c")}
		values, err := r.GetMulti(keys)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, len(values))
		for i, v := range values {
			got[i] = string(v)
			if v == nil {
				got[i] = "absent"
			}
		}
		if want := []string{"3", "absent", "", "1", "3"}; !slices.Equal(got, want) {
			t.Errorf("GetMulti = %q, want %q", got, want)
		}
		if values, err := r.GetMulti(nil); err != nil || len(values) != 0 {
			t.Errorf("GetMulti of nothing = %q, %v", values, err)
		}
	})
}

// letters writes the keys a, b, c, d, e, each holding itself.
func letters(t *testing.T, e engine.Engine) {
	t.Helper()
	for _, key := range []string{"d", "a", "c", "e", "b"} {
		commit(t, e, set(key, key))
	}
}

// scan returns the keys of a scan in one string, and what it said of more.
func scan(t *testing.T, r engine.Reader, rg engine.Range) (string, bool) {
	t.Helper()
	var keys strings.Builder
	more, err := r.Scan(rg, func(key, value []byte) bool {
		if string(key) != string(value) {
			t.Errorf("%s came with the value %q", key, value)
		}
		keys.Write(key)
		return true
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return keys.String(), more
}

func scanRanges(t *testing.T, e engine.Engine) {
	letters(t, e)
	const (
		no    = "no"    // more must be false: the bounds were reached
		yes   = "yes"   // more must be true: an entry is left
		maybe = "maybe" // the limit was reached at the end
	)
	for _, c := range []struct {
		start, end string // "" as end: none
		limit      int
		reverse    bool
		want, more string
	}{
		{"", "", 0, false, "abcde", no},
		{"b", "", 0, false, "bcde", no},
		{"", "c", 0, false, "ab", no},
		{"b", "d", 0, false, "bc", no},
		{"aa", "dd", 0, false, "bcd", no},
		{"a", "a", 0, false, "", no},
		{"d", "b", 0, false, "", no},
		{"f", "", 0, false, "", no},
		{"", "", 2, false, "ab", yes},
		{"b", "", 2, false, "bc", yes},
		{"b", "d", 2, false, "bc", maybe},
		{"d", "", 2, false, "de", maybe},
		{"d", "", 3, false, "de", no},
		{"", "", 0, true, "edcba", no},
		{"b", "", 0, true, "edcb", no},
		{"", "c", 0, true, "ba", no},
		{"b", "d", 0, true, "cb", no},
		{"aa", "dd", 0, true, "dcb", no},
		{"d", "b", 0, true, "", no},
		{"", "", 2, true, "ed", yes},
		{"", "d", 2, true, "cb", yes},
		{"b", "d", 2, true, "cb", maybe},
		{"", "a", 1, true, "", no},
	} {
		rg := engine.Range{Start: []byte(c.start), Limit: c.limit, Reverse: c.reverse}
		if c.end != "" {
			rg.End = []byte(c.end)
		}
		name := fmt.Sprintf("[%s,%s) limit=%d reverse=%t", c.start, c.end, c.limit, c.reverse)
		view(t, e, func(r engine.Reader) {
			got, more := scan(t, r, rg)
			if got != c.want {
				t.Errorf("%s = %q, want %q", name, got, c.want)
			}
			if (more && c.more == no) || (!more && c.more == yes) {
				t.Errorf("%s: more = %t, want %s", name, more, c.more)
			}
		})
	}
}

func scanStops(t *testing.T, e engine.Engine) {
	letters(t, e)
	view(t, e, func(r engine.Reader) {
		var got string
		more, err := r.Scan(engine.Range{}, func(key, _ []byte) bool {
			got += string(key)
			return len(got) < 3
		})
		if err != nil || got != "abc" || !more {
			t.Errorf("a scan stopped at its third entry gave %q, more %t, %v", got, more, err)
		}
	})
}

func scanMany(t *testing.T, e engine.Engine) {
	letters(t, e)
	view(t, e, func(r engine.Reader) {
		for _, c := range []struct {
			rg   engine.Range
			want string
		}{
			{engine.Range{Start: []byte("b"), Limit: 1}, "b"},
			{engine.Range{Start: []byte("d"), Limit: 1}, "d"},
			{engine.Range{Start: []byte("a"), End: []byte("c")}, "ab"},
			{engine.Range{Start: []byte("c"), End: []byte("c\xff")}, "c"},
			{engine.Range{End: []byte("d"), Reverse: true, Limit: 1}, "c"},
			{engine.Range{Start: []byte("c"), Reverse: true}, "edc"},
			{engine.Range{Reverse: true, Limit: 2}, "ed"},
			{engine.Range{}, "abcde"},
		} {
			if got, _ := scan(t, r, c.rg); got != c.want {
				t.Errorf("scan of %+v = %q, want %q", c.rg, got, c.want)
			}
			if got := get(t, r, "b"); got != "b" {
				t.Errorf("Get between scans = %q", got)
			}
		}
	})
}

func viewSnapshot(t *testing.T, e engine.Engine) {
	letters(t, e)
	view(t, e, func(r engine.Reader) {
		before, _ := scan(t, r, engine.Range{})
		commit(t, e, set("a", "new"), del("b"), set("f", "f"))
		after, _ := scan(t, r, engine.Range{})
		if before != "abcde" || after != before {
			t.Errorf("scans of one view gave %q, then %q", before, after)
		}
		if a, b, f := get(t, r, "a"), get(t, r, "b"), get(t, r, "f"); a != "a" || b != "b" || f != "absent" {
			t.Errorf("a, b, f hold %q, %q, %q in the old view", a, b, f)
		}
	})
	expect(t, e, map[string]string{"a": "new", "b": "absent", "f": "f"})
}

func viewError(t *testing.T, e engine.Engine) {
	mine := errors.New("mine")
	err := e.View(context.Background(), func(engine.Reader) error { return mine })
	if !errors.Is(err, mine) {
		t.Errorf("View returned %v", err)
	}
}
