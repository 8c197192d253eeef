package versioning_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// currents are the current entries that a condition can meet.
var currents = map[string]history{
	"absent":         nil,
	"absent, hidden": parseHistory("D2 v1"),
	"null marker":    parseHistory("DN1"),
	"live":           parseHistory("v7"),
	"live, null":     parseHistory("N7"),
	"live, both":     parseHistory("N7 v1"),
}

// accepted stands for a condition that holds.
const accepted versioning.Reason = 0

// conditionRow says what becomes of a request with these headers when the current
// entry is absent or a delete marker, and when it is an object whose ETag is etag7.
type conditionRow struct {
	match, noneMatch string
	gone, live       versioning.Reason
	header           string // that the refusal names, unless it is NoSuchKey
}

var deleteConditions = []conditionRow{
	{"", "", accepted, accepted, ""},
	{"*", "", versioning.NoSuchKey, accepted, ""},                                    // spec: VD6-2, VD6-3
	{`etag7`, "", versioning.NoSuchKey, accepted, ""},                                // spec: VD6-3, VD6-4, VD6-9
	{`"etag7"`, "", versioning.NoSuchKey, accepted, ""},                              // spec: VD6-4, VD6-9
	{`etag8`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},   // spec: VD6-5
	{`"etag8"`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"}, // spec: VD6-5
	{`""`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},
	{`"`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},
	{`"etag7`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},
	{`etag7"`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},
	{`""etag7""`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},
}

var writeConditions = []conditionRow{
	{"", "", accepted, accepted, ""},
	{"", "*", accepted, versioning.PreconditionFailed, "If-None-Match"},                                    // spec: VD7-2, VD7-3
	{`etag7`, "", versioning.NoSuchKey, accepted, ""},                                                      // spec: VD7-5, VD7-6
	{`"etag7"`, "", versioning.NoSuchKey, accepted, ""},                                                    // spec: VD7-5, VD7-6
	{`"etag8"`, "", versioning.NoSuchKey, versioning.PreconditionFailed, "If-Match"},                       // spec: VD7-5
	{"", `"etag7"`, versioning.NotImplemented, versioning.NotImplemented, "If-None-Match"},                 // spec: VD7-4
	{"", `"etag8"`, versioning.NotImplemented, versioning.NotImplemented, "If-None-Match"},                 // spec: VD7-4
	{"*", "", versioning.NotImplemented, versioning.NotImplemented, "If-Match"},                            // spec: VD7-7
	{"*", "*", versioning.NotImplemented, versioning.NotImplemented, "If-Match,If-None-Match"},             // spec: VD7-8
	{`"etag7"`, "*", versioning.NotImplemented, versioning.NotImplemented, "If-Match,If-None-Match"},       // spec: VD7-8
	{`"etag7"`, `"etag8"`, versioning.NotImplemented, versioning.NotImplemented, "If-Match,If-None-Match"}, // spec: VD7-8
}

// Only the current entry counts: a live object below a delete marker is none.
//
// spec: VD6-1, VD7-1
func TestConditions(t *testing.T) {
	for _, s := range states {
		for text, h := range currents {
			if h.impossible(s.state) != "" {
				continue
			}
			for _, row := range deleteConditions {
				row.check(t, s.letter+" delete", text, row.delete(t, s.state, h))
			}
			for _, row := range writeConditions {
				row.check(t, s.letter+" put", text, row.put(t, s.state, h))
			}
		}
	}
}

func (row conditionRow) delete(t *testing.T, s versioning.State, h history) error {
	t.Helper()
	condition, err := versioning.DeleteCondition(row.match, versioning.ID{})
	if err != nil {
		return err
	}
	_, _, err = h.play(t, del(s, versioning.DeleteRequest{Order: 9, Now: noon, Condition: condition}))
	return err
}

func (row conditionRow) put(t *testing.T, s versioning.State, h history) error {
	t.Helper()
	condition, err := versioning.WriteCondition(row.match, row.noneMatch)
	if err != nil {
		return err
	}
	_, _, err = h.play(t, put(s, versioning.PutRequest{Order: 9, Now: noon, Condition: condition}))
	return err
}

func (row conditionRow) check(t *testing.T, request, current string, err error) {
	t.Helper()
	want := versioning.Refusal{Reason: row.gone, Condition: row.header, Several: row.match != "" && row.noneMatch != ""}
	if strings.HasPrefix(current, "live") {
		want.Reason = row.live
	}
	switch want.Reason {
	case accepted:
		if err != nil {
			t.Errorf("%s if-match %q if-none-match %q, current %s: %v", request, row.match, row.noneMatch, current, err)
		}
		return
	case versioning.NoSuchKey:
		want.Condition = ""
	}
	var got *versioning.Refusal
	if !errors.As(err, &got) || *got != want {
		t.Errorf("%s if-match %q if-none-match %q, current %s: %#v, want %#v", request, row.match, row.noneMatch, current, err, want)
	}
}

// A condition on a named version is refused, even if it would hold.
//
// spec: VD6-6
func TestConditionOnVersion(t *testing.T) {
	for _, id := range []versioning.ID{versioning.Null, versioning.IDOf(7), unknown} {
		for _, match := range []string{"*", "etag7", `"etag7"`} {
			c, err := versioning.DeleteCondition(match, id)
			var refusal *versioning.Refusal
			want := versioning.Refusal{Reason: versioning.NotImplemented, Condition: "If-Match"}
			if !errors.As(err, &refusal) || *refusal != want || !c.IsZero() {
				t.Errorf("If-Match %s on %s: %+v, %#v", match, idText(id), c, err)
			}
		}
		if c, err := versioning.DeleteCondition("", id); err != nil || !c.IsZero() {
			t.Errorf("no condition on %s: %+v, %v", idText(id), c, err)
		}
	}
}

func TestConditionIsZero(t *testing.T) {
	if c := writeCondition(t, "", ""); !c.IsZero() {
		t.Errorf("no headers: %+v", c)
	}
	if c := writeCondition(t, "", "*"); c.IsZero() {
		t.Error("If-None-Match: * demands nothing")
	}
	for _, match := range []string{"etag", `""`} {
		if c := writeCondition(t, match, ""); c.IsZero() {
			t.Errorf("If-Match: %s of a write demands nothing", match)
		}
		if c := deleteCondition(t, match); c.IsZero() {
			t.Errorf("If-Match: %s of a delete demands nothing", match)
		}
	}
}

// spec: VD6-9
func TestTrimETag(t *testing.T) {
	etags := map[string]string{
		`"abc"`: "abc", "abc": "abc", "": "", `""`: "", `"`: `"`, `"abc`: `"abc`, `abc"`: `abc"`,
		`""abc""`: `"abc"`, `"d41d8-2"`: "d41d8-2", `W/"abc"`: `W/"abc"`,
	}
	for etag, want := range etags {
		if got := versioning.TrimETag(etag); got != want {
			t.Errorf("TrimETag(%s) = %s, want %s", etag, got, want)
		}
	}
}
