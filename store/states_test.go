package store

import (
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// lay makes a history of key "k" in bucket "b": words from the oldest entry on, v
// for an object version, N for a null object, D and DN for delete markers. It
// leaves the bucket in state; an id of each word is returned.
func lay(t *testing.T, s *Store, words string, state versioning.State) (ids []versioning.ID) {
	t.Helper()
	if state == versioning.Unversioned {
		mustBucket(t, s, "b", state)
	} else {
		mustBucket(t, s, "b", versioning.Enabled)
	}
	for _, word := range strings.Fields(words) {
		null := strings.HasSuffix(word, "N")
		if state != versioning.Unversioned {
			mustState(t, s, "b", map[bool]versioning.State{true: versioning.Suspended, false: versioning.Enabled}[null])
		}
		header := ""
		if strings.HasPrefix(word, "D") {
			header = mustDelete(t, s, "b", "k", versioning.ID{}).VersionHeader
		} else {
			header = mustPut(t, s, "b", "k", string(pattern(10+len(ids)*100))).VersionHeader
		}
		if null {
			header = "null"
		}
		ids = append(ids, mustID(t, s, header))
	}
	if state != versioning.Unversioned {
		mustState(t, s, "b", state)
	}
	return ids
}

// words turns what historyText shows into the words of the spec, newest first.
func words(history string) string {
	replace := strings.NewReplacer("k", "", "[", "", "]", "", "v0", "N", "D0", "DN", " ", ",")
	return replace.Replace(history)
}

// TestStatesOnDisk plays the tables of the spec through the store: what a PUT and a
// DELETE make of a history, in rows that Check finds in order.
//
// spec: VD3-1, VD3-3, VD3.1-2, VD3.1-3, VD3.1-4, VD3.1-5, VD3.1-6, VD3.1-7, VD3.1-8,
// VD3.2-1, VD3.2-2, VD3.2-3, VD3.2-4, VD3.2-5, VD3.2-6, VD3.2-7, VD2-3
func TestStatesOnDisk(t *testing.T) {
	const impossible = "-"
	for _, c := range []struct {
		before string    // oldest first
		put    [3]string // in Unversioned, Enabled, Suspended; newest first
		remove [3]string
	}{
		{"", [3]string{"N", "v", "N"}, [3]string{"", "D", "DN"}},
		{"N", [3]string{"N", "v,N", "N"}, [3]string{"", "D,N", "DN"}},
		{"v", [3]string{impossible, "v,v", "N,v"}, [3]string{impossible, "D,v", "DN,v"}},
		{"N v", [3]string{impossible, "v,v,N", "N,v"}, [3]string{impossible, "D,v,N", "DN,v"}},
		{"v N", [3]string{impossible, "v,N,v", "N,v"}, [3]string{impossible, "D,N,v", "DN,v"}},
		{"v D", [3]string{impossible, "v,D,v", "N,D,v"}, [3]string{impossible, "D,D,v", "DN,D,v"}},
		{"v DN", [3]string{impossible, "v,DN,v", "N,v"}, [3]string{impossible, "D,DN,v", "DN,v"}},
		{"DN", [3]string{impossible, "v,DN", "N"}, [3]string{impossible, "D,DN", "DN"}},
		{"N v v", [3]string{impossible, "v,v,v,N", "N,v,v"}, [3]string{impossible, "D,v,v,N", "DN,v,v"}},
	} {
		for state := range versioning.Suspended + 1 {
			for name, want := range map[string]string{"put": c.put[state], "delete": c.remove[state]} {
				if want == impossible {
					continue
				}
				s := openTest(t, nil, nil)
				lay(t, s, c.before, state)
				if name == "put" {
					mustPut(t, s, "b", "k", "new")
					mustRead(t, s, "b", "k", versioning.ID{}, "new")
				} else {
					mustDelete(t, s, "b", "k", versioning.ID{})
				}
				if got := words(historyText(t, s, "b")); got != want {
					t.Errorf("%s over %q in %v: %q, want %q", name, c.before, state, got, want)
				}
				if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
					t.Errorf("%s over %q in %v: %+v, want %+v", name, c.before, state, got, want)
				}
				mustClean(t, s)
			}
		}
	}
}

// TestDeleteByIDOnDisk destroys each entry of histories, in each state, twice.
//
// spec: VD3.3-1, VD3.3-2, VD3.3-3, VD3.3-4, VD3.3-7, VD3.3-12, VD3.3-13
func TestDeleteByIDOnDisk(t *testing.T) {
	for _, before := range []string{"N", "v", "D", "DN", "v v", "v D", "D v", "N v D", "v DN v", "D D N", "v v v D"} {
		for i, word := range strings.Fields(before) {
			for _, state := range []versioning.State{versioning.Enabled, versioning.Suspended} {
				s := openTest(t, nil, nil)
				ids := lay(t, s, before, state)
				for try := range 2 {
					res := mustDelete(t, s, "b", "k", ids[i])
					marker := try == 0 && strings.HasPrefix(word, "D")
					if res.DeleteMarker != marker || res.VersionHeader != s.FormatVersionID(ids[i]) {
						t.Errorf("%q without %d, try %d: %+v", before, i, try, res)
					}
				}
				left := strings.Fields(before)
				left = append(left[:i], left[i+1:]...)
				want := ""
				for _, w := range left { // oldest first
					want = strings.TrimSuffix(w+","+want, ",")
				}
				if got := words(historyText(t, s, "b")); got != want {
					t.Errorf("%q without %d: %q, want %q", before, i, got, want)
				}
				if want == "" && countTable(t, s, headTable)+countTable(t, s, liveTable)+countTable(t, s, dataTable) != 0 {
					t.Errorf("%q without %d leaves rows", before, i)
				}
				_, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
				if hidden := want == "" || strings.HasPrefix(want, "D"); hidden == (err == nil) {
					t.Errorf("%q without %d is %q: %v", before, i, want, err)
				}
				if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
					t.Errorf("%q without %d: %+v, want %+v", before, i, got, want)
				}
				mustClean(t, s)
			}
		}
	}
}

// A delete in Unversioned leaves nothing, and of an id nothing but the null entry
// is meant.
//
// spec: VD3.3-6, VD3.2-1, VD3.3-5
func TestDeleteInUnversioned(t *testing.T) {
	s := openTest(t, nil, nil)
	lay(t, s, "N", versioning.Unversioned)
	order := recordOf(t, s, "b", "k", versioning.Null).order
	mustDelete(t, s, "b", "k", versioning.IDOf(order)) // an id that was never given out
	if got, want := historyText(t, s, "b"), "k[v0]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for range 2 {
		if res := mustDelete(t, s, "b", "k", versioning.Null); res != (DeleteResult{}) {
			t.Errorf("%+v", res)
		}
		if res := mustDelete(t, s, "b", "k", versioning.ID{}); res != (DeleteResult{}) {
			t.Errorf("%+v", res)
		}
	}
	for _, row := range allRows(t, s) {
		if row[0] != byte(metaTable) && row[0] != byte(bucketTable) && row[0] != byte(statsTable) {
			t.Errorf("the row %q is left", row)
		}
	}
	mustClean(t, s)
}
