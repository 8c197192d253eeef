package versioning_test

import (
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// putTable is the first table of section 3.1: what a key is after a PUT.
var putTable = []struct{ before, u, e, s string }{
	{"absent", "N", "v1", "N"},                 // spec: VD3.1-2
	{"N", "N'", "v1,N", "N'"},                  // spec: VD3.1-3
	{"v1", notPossible, "v2,v1", "N,v1"},       // spec: VD3.1-4
	{"v1,N", notPossible, "v2,v1,N", "N',v1"},  // spec: VD3.1-5
	{"N,v1", notPossible, "v2,N,v1", "N',v1"},  // spec: VD3.1-6
	{"D,v1", notPossible, "v2,D,v1", "N,D,v1"}, // spec: VD3.1-7
	{"DN,v1", notPossible, "v2,DN,v1", "N,v1"}, // spec: VD3.1-8
}

// putHeaders is x-amz-version-id of the second table of section 3.1.
var putHeaders = []struct {
	copy    bool
	u, e, s string
}{
	{false, "none", "new", "none"}, // spec: VD3.1-9
	{true, "none", "new", "null"},  // spec: VD3.1-10
}

// spec: VD3.1-1 none is refused.
func TestPutTable(t *testing.T) {
	for _, headers := range putHeaders {
		for _, row := range putTable {
			k := readKey(row.before)
			r := versioning.PutRequest{Order: k.order(), Now: noon, Copy: headers.copy}
			for i, cell := range []string{row.u, row.e, row.s} {
				answer := []string{headers.u, headers.e, headers.s}[i]
				k.checkCell(t, states[i], put(states[i].state, r), cell, answer)
			}
		}
	}
}

// The table of section 3 in its own words, on every history of up to three entries.
//
// spec: VD3-1, VD3-2, VD3-3, VD4-11
func TestStateMachine(t *testing.T) {
	for s, h := range possible(3) {
		object, marker, kept := "N", "DN", h.withoutNull()
		switch s.state {
		case versioning.Enabled:
			object, marker, kept = "v", "D", h
		case versioning.Unversioned:
			marker = ""
		}
		order := versioning.Order(len(h) + 1)
		for _, isCopy := range []bool{false, true} {
			r := versioning.PutRequest{Order: order, Now: noon, Copy: isCopy}
			after, _, err := h.play(t, put(s.state, r))
			checkStored(t, s.letter+" put", h, after, err, object, kept)
		}
		after, _, err := h.play(t, del(s.state, versioning.DeleteRequest{Order: order, Now: noon}))
		checkStored(t, s.letter+" delete", h, after, err, marker, kept)
	}
}

// checkStored holds what became of h against a new entry, if letters name one,
// above those that are kept.
func checkStored(t *testing.T, request string, h, after history, err error, kind string, kept history) {
	t.Helper()
	want := kept
	if kind != "" {
		want = append(history{newEntry(kind, versioning.Order(len(h)+1))}, kept...)
	}
	if err != nil || after.String() != want.String() {
		t.Errorf("%s on %v gives %v, %v; want %v", request, h, after, err, want)
	}
}

// What a request inserts holds nothing of what it replaces.
//
// spec: VD4-24 a new version starts without the lock of the old one.
// spec: VD4-25 a delete marker has neither ETag nor lock.
func TestInsertsBareEntries(t *testing.T) {
	for _, s := range states {
		before := history{newEntry("N", 1)}
		before[0].Lock = versioning.Lock{Mode: versioning.Governance, Until: noon, Hold: versioning.HoldOff}
		p, err := versioning.Put(s.state, before.facts(versioning.ID{}), &versioning.PutRequest{Order: 2, Now: noon})
		want := versioning.Version{Order: 2, Null: s.state != versioning.Enabled}
		if err != nil || *p.Insert != want {
			t.Errorf("%s: put inserts %+v, %v; want %+v", s.letter, p.Insert, err, want)
		}
		p, err = versioning.Delete(s.state, before.facts(versioning.ID{}), &versioning.DeleteRequest{Order: 2, Now: noon})
		if s.state == versioning.Unversioned {
			continue
		}
		want.DeleteMarker = true
		if err != nil || *p.Insert != want {
			t.Errorf("%s: delete inserts %+v, %v; want %+v", s.letter, p.Insert, err, want)
		}
	}
}

// A rule reads no more of a key than it must: a write in Enabled reads nothing.
func TestNeeds(t *testing.T) {
	none, current := versioning.Condition{}, writeCondition(t, "etag", "")
	tests := []struct {
		state     versioning.State
		id        versioning.ID
		condition versioning.Condition
		change    versioning.Needs // of Put, and of Delete if it names nothing
	}{
		{versioning.Unversioned, versioning.ID{}, none, versioning.Needs{Null: true}},
		{versioning.Enabled, versioning.ID{}, none, versioning.Needs{}},
		{versioning.Suspended, versioning.ID{}, none, versioning.Needs{Null: true}},
		{versioning.Unversioned, versioning.ID{}, current, versioning.Needs{Null: true, Current: true}},
		{versioning.Enabled, versioning.ID{}, current, versioning.Needs{Current: true}},
		{versioning.Suspended, versioning.ID{}, current, versioning.Needs{Null: true, Current: true}},
	}
	for _, test := range tests {
		w := versioning.PutRequest{Condition: test.condition}
		d := versioning.DeleteRequest{Condition: test.condition}
		if got := w.Needs(test.state); got != test.change {
			t.Errorf("put in %v needs %+v, want %+v", test.state, got, test.change)
		}
		if got := d.Needs(test.state); got != test.change {
			t.Errorf("delete in %v needs %+v, want %+v", test.state, got, test.change)
		}
		d = versioning.DeleteRequest{ID: unknown}
		if got, want := d.Needs(test.state), (versioning.Needs{Target: true}); got != want {
			t.Errorf("delete of a version in %v needs %+v, want %+v", test.state, got, want)
		}
	}
	read := versioning.ReadRequest{}
	if got, want := read.Needs(), (versioning.Needs{Current: true}); got != want {
		t.Errorf("read needs %+v, want %+v", got, want)
	}
	read.ID = versioning.Null
	if got, want := read.Needs(), (versioning.Needs{Target: true}); got != want {
		t.Errorf("read of a version needs %+v, want %+v", got, want)
	}
}
