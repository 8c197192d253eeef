package versioning_test

import (
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// deleteTable is the table of section 3.2: what a key is after a DELETE that
// names no version.
var deleteTable = []struct{ before, u, e, s string }{
	{"absent", "absent", "D", "DN"},                // spec: VD3.2-2
	{"N", "absent", "D,N", "DN"},                   // spec: VD3.2-3
	{"v1", notPossible, "D,v1", "DN,v1"},           // spec: VD3.2-4
	{"v1,N", notPossible, "D,v1,N", "DN,v1"},       // spec: VD3.2-5
	{"D1,v1", notPossible, "D2,D1,v1", "DN,D1,v1"}, // spec: VD3.2-6
	{"DN,v1", notPossible, "D,DN,v1", "DN',v1"},    // spec: VD3.2-7
}

// deleteHeaders are x-amz-delete-marker and x-amz-version-id of that table.
var deleteHeaders = []string{"none", "true, new", "true, null"}

// spec: VD3.2-1 none is refused.
// spec: VD3.2-8 the marker header says true or is not sent.
func TestDeleteTable(t *testing.T) {
	for _, row := range deleteTable {
		k := readKey(row.before)
		r := versioning.DeleteRequest{Order: k.order(), Now: noon}
		for i, cell := range []string{row.u, row.e, row.s} {
			k.checkCell(t, states[i], del(states[i].state, r), cell, deleteHeaders[i])
		}
	}
}

// versionTable is the table of section 3.3: what becomes of a key when a DELETE
// names a version, and what the headers are. Its rows hold in the states named.
//
// spec: VD3-4
var versionTable = []struct{ states, before, versionID, after, headers string }{
	// spec: VD3.3-1 an object version
	{"ES", "v2,v1", "v2", "v1", "v2"},
	{"ES", "v2,v1", "v1", "v2", "v1"},
	{"ES", "D,v1", "v1", "D", "v1"},
	{"ES", "N,v1", "v1", "N", "v1"},
	// spec: VD3.3-2 a delete marker: undelete
	{"ES", "D,v1", "D", "v1", "true, D"},
	{"ES", "v2,D,v1", "D", "v2,v1", "true, D"},
	{"ES", "D2,D1,v1", "D2", "D1,v1", "true, D2"},
	{"ES", "D2,D1,v1", "D1", "D2,v1", "true, D1"},
	// spec: VD3.3-3 the null object
	{"ES", "N", "null", "absent", "null"},
	{"ES", "v1,N", "null", "v1", "null"},
	{"ES", "N,v1", "null", "v1", "null"},
	// spec: VD3.3-4 the null delete marker
	{"ES", "DN", "null", "absent", "true, null"},
	{"ES", "v1,DN", "null", "v1", "true, null"},
	{"ES", "DN,v1", "null", "v1", "true, null"},
	// spec: VD3.3-5 null, and there is none
	{"ES", "absent", "null", "absent", "null"},
	{"ES", "v1", "null", "v1", "null"},
	{"ES", "D,v1", "null", "D,v1", "null"},
	// spec: VD3.3-6 null in U
	{"U", "N", "null", "absent", "none"},
	{"U", "absent", "null", "absent", "none"},
	// spec: VD3.3-7, VD2-7 well-formed and not there: gone, or of another key
	{"UES", "absent", "unknown", "absent", "unknown"},
	{"UES", "N", "unknown", "N", "unknown"},
	{"ES", "v1", "unknown", "v1", "unknown"},
	{"ES", "D,v1", "unknown", "D,v1", "unknown"},
	// spec: VD3.3-12 the newest remaining one is current, even if it is a delete marker
	{"ES", "v2,D,v1", "v2", "D,v1", "v2"},
	{"ES", "v2,DN,v1", "v2", "DN,v1", "v2"},
	// spec: VD3.3-13 the only entry
	{"ES", "v1", "v1", "absent", "v1"},
	{"ES", "D", "D", "absent", "true, D"},
}

func TestDeleteVersionTable(t *testing.T) {
	for _, row := range versionTable {
		k := readKey(row.before)
		r := versioning.DeleteRequest{ID: k.id(row.versionID), Order: k.order(), Now: noon}
		for _, s := range states {
			if strings.Contains(row.states, s.letter) {
				k.checkCell(t, s, del(s.state, r), row.after, row.headers)
			}
		}
	}
}

// A delete of a version can be repeated: the second one finds nothing, and only
// that the entry was a delete marker is not known any more.
//
// spec: VD3.3-7
func TestDeleteVersionAgain(t *testing.T) {
	for s, h := range possible(3) {
		for _, v := range h {
			r := versioning.DeleteRequest{ID: v.ID(), Now: noon}
			once, _, err := h.play(t, del(s.state, r))
			if err != nil {
				t.Errorf("%s: delete %s of %v: %v", s.letter, name(v), h, err)
			}
			twice, answer, err := once.play(t, del(s.state, r))
			want := versioning.Answer{VersionID: v.ID()}
			if s.state == versioning.Unversioned {
				want = versioning.Answer{}
			}
			if err != nil || twice.String() != once.String() || answer != want {
				t.Errorf("%s: delete %s of %v gives %v, %+v, %v", s.letter, name(v), once, twice, answer, err)
			}
		}
	}
}
