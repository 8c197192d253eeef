package versioning_test

import (
	"errors"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// markerTable is the first table of section 4: the refusals of a delete marker
// that is current and not named, and of one that is named.
var markerTable = []struct {
	operation      versioning.Operation
	current, named versioning.Reason
}{
	{versioning.GetObject, versioning.NoSuchKey, versioning.MethodNotAllowed},                  // spec: VD4-1
	{versioning.HeadObject, versioning.NoSuchKey, versioning.MethodNotAllowed},                 // spec: VD4-2
	{versioning.GetObjectACL, versioning.NoSuchKey, versioning.MethodNotAllowed},               // spec: VD4-3
	{versioning.PutObjectACL, versioning.MethodNotAllowed, versioning.MethodNotAllowed},        // spec: VD4-4
	{versioning.GetObjectTagging, versioning.MethodNotAllowed, versioning.MethodNotAllowed},    // spec: VD4-5
	{versioning.PutObjectTagging, versioning.MethodNotAllowed, versioning.MethodNotAllowed},    // spec: VD4-5
	{versioning.DeleteObjectTagging, versioning.MethodNotAllowed, versioning.MethodNotAllowed}, // spec: VD4-5
	{versioning.GetObjectAttributes, versioning.NoSuchKey, versioning.MethodNotAllowed},        // spec: VD4-6
	{versioning.GetObjectRetention, versioning.NoSuchKey, versioning.MethodNotAllowed},         // spec: VD4-7
	{versioning.PutObjectRetention, versioning.MethodNotAllowed, versioning.MethodNotAllowed},  // spec: VD4-7
	{versioning.GetObjectLegalHold, versioning.NoSuchKey, versioning.MethodNotAllowed},         // spec: VD4-8
	{versioning.PutObjectLegalHold, versioning.MethodNotAllowed, versioning.MethodNotAllowed},  // spec: VD4-8
	{versioning.CopySource, versioning.NoSuchKey, versioning.CopySourceIsMarker},               // spec: VD4-9
}

func TestMarkerTable(t *testing.T) {
	if len(markerTable) != versioning.Operations {
		t.Fatalf("%d operations, want %d", len(markerTable), versioning.Operations)
	}
	for s, h := range possible(3) {
		if s.state == versioning.Unversioned {
			continue // has no delete markers, and a test of its own
		}
		for _, row := range markerTable {
			checkRead(t, s.state, h, row.operation, versioning.ID{}, row.current)
			for _, v := range h {
				checkRead(t, s.state, h, row.operation, v.ID(), row.named)
			}
		}
	}
}

// checkRead reads the current or named entry of h, which is there: an object is
// answered with its id, a delete marker refused with the reason and shown.
//
// spec: VD4-12, VD4-13 the delete marker, its id and its Last-Modified are told.
// spec: VD4-22, VD4-23 the id or null, in E and S.
func checkRead(t *testing.T, s versioning.State, h history, op versioning.Operation, id versioning.ID, reason versioning.Reason) {
	t.Helper()
	want := h.current()
	if !id.IsZero() {
		want = h.named(id)
	}
	if want == nil {
		return // what is not there has a test of its own
	}
	v, answer, err := versioning.Read(s, h.facts(id), &versioning.ReadRequest{Operation: op, ID: id})
	if !want.DeleteMarker {
		if v != want || err != nil || answer != (versioning.Answer{VersionID: want.ID()}) {
			t.Errorf("%v: operation %d on %s of %v gives %v, %+v, %v", s, op, name(want), h, v, answer, err)
		}
		return
	}
	var refusal *versioning.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != reason || refusal.Marker != want || v != nil {
		t.Errorf("%v: operation %d on %s of %v gives %v, %#v; want %v", s, op, name(want), h, v, err, reason)
	}
}

// spec: VD4-14 no delete marker is told of.
// spec: VD4-16 a well-formed id that is not there, of a version gone or of another key
// spec: VD4-17 null, and there is no null entry
func TestReadNothing(t *testing.T) {
	for s, h := range possible(2) {
		for _, row := range markerTable {
			if len(h) == 0 {
				checkMissing(t, s.state, h, row.operation, versioning.ID{}, versioning.NoSuchKey)
			}
			if h.named(versioning.Null) == nil {
				checkMissing(t, s.state, h, row.operation, versioning.Null, versioning.NoSuchVersion)
			}
			checkMissing(t, s.state, h, row.operation, unknown, versioning.NoSuchVersion)
		}
	}
}

func checkMissing(t *testing.T, s versioning.State, h history, op versioning.Operation, id versioning.ID, reason versioning.Reason) {
	t.Helper()
	v, answer, err := versioning.Read(s, h.facts(id), &versioning.ReadRequest{Operation: op, ID: id})
	var refusal *versioning.Refusal
	if !errors.As(err, &refusal) || *refusal != (versioning.Refusal{Reason: reason}) || v != nil || answer != (versioning.Answer{}) {
		t.Errorf("%v: operation %d on %s of %v gives %v, %+v, %#v; want %v", s, op, idText(id, h), h, v, answer, err, reason)
	}
}

// spec: VD4-22, VD4-23 no id in U, even with versionId=null.
// spec: VD3.1-11 in U no id of a copy's source
func TestReadUnversioned(t *testing.T) {
	h := history{newEntry("N", 1)}
	for _, row := range markerTable {
		for _, id := range []versioning.ID{{}, versioning.Null} {
			r := versioning.ReadRequest{Operation: row.operation, ID: id}
			v, answer, err := versioning.Read(versioning.Unversioned, h.facts(id), &r)
			if v != h[0] || answer != (versioning.Answer{}) || err != nil {
				t.Errorf("operation %d, id %s: %v, %+v, %v", row.operation, idText(id, h), v, answer, err)
			}
		}
	}
}

// The source of a copy is answered with its own id.
//
// spec: VD3.1-11
func TestCopySourceID(t *testing.T) {
	for _, s := range states[1:] {
		h := parseHistory("v3 N2 v1")
		for _, v := range h {
			r := versioning.ReadRequest{Operation: versioning.CopySource, ID: v.ID()}
			_, answer, err := versioning.Read(s.state, h.facts(v.ID()), &r)
			if answer != (versioning.Answer{VersionID: v.ID()}) || err != nil {
				t.Errorf("%s: copy of %s: %+v, %v", s.letter, name(v), answer, err)
			}
		}
	}
}
