package versioning_test

import (
	"errors"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// gone is the order of an entry that no history of a test has.
const gone versioning.Order = 1 << 40

// start is what may have been current of a key when an upload began.
type start struct {
	name string
	versioning.Start
}

// starts returns what may have been current before h.
func (h history) starts() []start {
	all := []start{
		{"absent", versioning.Start{}},
		{"object", versioning.Start{Order: gone, Object: true}},
		{"marker", versioning.Start{Order: gone}},
	}
	if len(h) > 0 {
		all = append(all, start{"current", versioning.Start{Order: h[0].Order, Object: !h[0].DeleteMarker}})
	}
	return all
}

// completions adds the end of every upload on every history of up to two entries.
func (b *rulebook) completions() {
	conditions := func(h history) map[string][2]string {
		return map[string][2]string{
			"": {}, " If-None-Match:*": {"", "*"}, " If-Match:same": {sameETag(h), ""}, " If-Match:other": {`"other"`, ""},
		}
	}
	for s, h := range possible(2) {
		for _, since := range h.starts() {
			for _, text := range []string{"", " If-None-Match:*", " If-Match:same", " If-Match:other"} {
				c := conditions(h)[text]
				r := versioning.PutRequest{Order: versioning.Order(len(h) + 1), Now: noon, Start: &since.Start}
				r.Condition = writeCondition(b.t, c[0], c[1])
				b.change(s.letter, h, asked{"complete" + text + " since=" + since.name, put(s.state, r)})
			}
		}
	}
}

// TestUploadConditions tells what becomes of an upload on a condition when its key
// was changed meanwhile.
func TestUploadConditions(t *testing.T) {
	const first, second = `"etag1"`, `"etag2"`
	for _, c := range []struct {
		what             string
		before, after    string // histories, newest entry first
		match, noneMatch string
		want             versioning.Reason
		header           string
	}{
		{"nothing happened", "", "", "", "*", accepted, ""},
		{"nothing happened", "v1", "v1", first, "", accepted, ""},
		{"nothing happened", "D2 v1", "D2 v1", "", "*", accepted, ""},
		{"created", "", "v1", "", "*", versioning.PreconditionFailed, "If-None-Match"},                         // spec: VD7-9
		{"created over a marker", "D1", "v2 D1", "", "*", versioning.PreconditionFailed, "If-None-Match"},      // spec: VD7-9
		{"deleted", "v1", "", "", "*", versioning.ConditionalConflict, "If-None-Match"},                        // spec: VD7-10
		{"hidden", "v1", "D2 v1", "", "*", versioning.ConditionalConflict, "If-None-Match"},                    // spec: VD7-10
		{"deleted and created", "v1", "v2", "", "*", versioning.PreconditionFailed, "If-None-Match"},           // spec: VD7-9
		{"overwritten, old ETag", "v1", "v2 v1", first, "", versioning.PreconditionFailed, "If-Match"},         // spec: VD7-11
		{"overwritten, new ETag", "v1", "v2 v1", second, "", versioning.ConditionalConflict, "If-Match"},       // spec: VD7-12
		{"null overwritten, new ETag", "N1", "N2", second, "", versioning.ConditionalConflict, "If-Match"},     // spec: VD7-12
		{"deleted", "v1", "", first, "", versioning.NoSuchKey, ""},                                             // spec: VD7-13
		{"hidden", "v1", "D2 v1", first, "", versioning.NoSuchKey, ""},                                         // spec: VD7-13
		{"deleted and written", "v1", "v2", second, "", versioning.ConditionalConflict, "If-Match"},            // spec: VD7-13
		{"newest destroyed, older back", "v2 v1", "v1", first, "", versioning.ConditionalConflict, "If-Match"}, // as VD7-12
		{"created", "", "v1", first, "", versioning.ConditionalConflict, "If-Match"},                           // as VD7-12
		{"no condition", "v1", "v2 v1", "", "", accepted, ""},
		{"no condition", "v1", "", "", "", accepted, ""},
	} {
		h := parseHistory(c.after)
		since := versioning.Start{}
		if before := parseHistory(c.before); len(before) > 0 {
			since = versioning.Start{Order: before[0].Order, Object: !before[0].DeleteMarker}
		}
		state := versioning.Enabled
		if h.impossible(state) != "" {
			state = versioning.Suspended
		}
		r := versioning.PutRequest{Order: 9, Now: noon, Start: &since, Condition: writeCondition(t, c.match, c.noneMatch)}
		_, _, err := h.play(t, put(state, r))
		var got versioning.Refusal
		if refusal := (*versioning.Refusal)(nil); errors.As(err, &refusal) {
			got = *refusal
		}
		if want := (versioning.Refusal{Reason: c.want, Condition: c.header}); got != want || (err == nil) != (c.want == accepted) {
			t.Errorf("%s, %q then %q, if-match %s, if-none-match %s: %v, want %+v", c.what, c.before, c.after, c.match, c.noneMatch, err, want)
		}
	}
}

// The id of an upload tells its order and place, is no version's, and has none but
// its one text.
//
// spec: WI5-3
func TestUploadIDs(t *testing.T) {
	codec, other := newCodec(t, 1, 2), newCodec(t, 3)
	for _, order := range orders(t, 50) {
		place := uint64(order)*7 | 1
		id := codec.FormatUpload(order, place)
		if o, p, ok := codec.ParseUpload(id); !ok || o != order || p != place {
			t.Fatalf("order %d at %d is read as %d at %d, %v", order, place, o, p, ok)
		}
		if _, err := codec.Parse(id); !errors.Is(err, versioning.MalformedVersionID) {
			t.Errorf("upload %s is taken for a version: %v", id, err)
		}
		if _, _, ok := codec.ParseUpload(codec.Format(versioning.IDOf(order))); ok {
			t.Errorf("version of order %d is taken for an upload", order)
		}
		if _, _, ok := other.ParseUpload(id); ok {
			t.Errorf("%s is taken from another server", id)
		}
		for i := range id {
			changed := []byte(id)
			changed[i] = idAlphabet[(int(order%64)+i)%len(idAlphabet)]
			if _, _, ok := codec.ParseUpload(string(changed)); ok && string(changed) != id {
				t.Errorf("%s is read although a character was changed", changed)
			}
		}
	}
	for _, text := range []string{"", "null", "x", "\n", codec.FormatUpload(1, 1)[1:], codec.FormatUpload(1, 1) + "0"} {
		if _, _, ok := codec.ParseUpload(text); ok {
			t.Errorf("%q is an upload", text)
		}
	}
}
