package versioning_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// anyHistory stands for every history, in lines that hold for all of them.
type anyHistory struct{}

func (anyHistory) String() string { return "[any]" }

// refusedUnseen adds what is refused whatever the key holds: version ids and
// conditions that no request may have.
func (b *rulebook) refusedUnseen() {
	codec := newCodec(b.t, 1)
	ids := []struct{ request, text string }{
		{"delete malformed", "malformed"},
		{"delete empty", ""},
		{"read malformed", "malformed"},
		{"read empty", ""},
	}
	conditions := []struct{ request, match, none string }{
		{"put If-None-Match:etag", "", "etag"},
		{"put If-Match:*", "*", ""},
		{"put If-Match+If-None-Match", "*", "*"},
	}
	for _, s := range states {
		for _, id := range ids {
			_, err := codec.Parse(id.text)
			b.line(s.letter, id.request, anyHistory{}, "->  "+refusalText(err))
		}
		for _, c := range conditions {
			_, err := versioning.WriteCondition(c.match, c.none)
			b.line(s.letter, c.request, anyHistory{}, "->  "+refusalText(err))
		}
		for _, match := range []string{"*", "etag"} {
			_, err := versioning.DeleteCondition(match, unknown)
			b.line(s.letter, "delete x If-Match:"+match, anyHistory{}, "->  "+refusalText(err))
			_, err = versioning.DeleteCondition(match, versioning.Null)
			b.line(s.letter, "delete null If-Match:"+match, anyHistory{}, "->  "+refusalText(err))
		}
	}
}

// changes adds every write and delete on every history of up to three entries.
func (b *rulebook) changes() {
	for _, s := range states {
		for _, h := range allHistories(3) {
			if why := h.impossible(s.state); why != "" {
				b.line(s.letter, "any", h, "impossible: "+why)
				continue
			}
			all := slices.Concat(writes(b.t, s.state, h), deletes(b.t, s.state, h), versionDeletes(s.state, h))
			for _, c := range all {
				b.change(s.letter, h, c)
			}
		}
	}
}

func writes(t *testing.T, s versioning.State, h history) []asked {
	order := versioning.Order(len(h) + 1)
	all := []asked{
		{"put", put(s, versioning.PutRequest{Order: order, Now: noon})},
		{"copy", put(s, versioning.PutRequest{Order: order, Now: noon, Copy: true})},
	}
	conditions := []struct{ text, match, none string }{
		{"put If-None-Match:*", "", "*"},
		{"put If-Match:same", sameETag(h), ""},
		{"put If-Match:other", `"other"`, ""},
	}
	for _, c := range conditions {
		condition := writeCondition(t, c.match, c.none)
		all = append(all, asked{c.text, put(s, versioning.PutRequest{Order: order, Now: noon, Condition: condition})})
	}
	return all
}

// deletes returns the deletes that name no version.
func deletes(t *testing.T, s versioning.State, h history) []asked {
	order := versioning.Order(len(h) + 1)
	all := []asked{{"delete", del(s, versioning.DeleteRequest{Order: order, Now: noon})}}
	conditions := []struct{ text, match string }{
		{"delete If-Match:*", "*"},
		{"delete If-Match:same", sameETag(h)},
		{"delete If-Match:other", `"other"`},
	}
	for _, c := range conditions {
		condition := deleteCondition(t, c.match)
		all = append(all, asked{c.text, del(s, versioning.DeleteRequest{Order: order, Now: noon, Condition: condition})})
	}
	return all
}

// versionDeletes returns the deletes that name a version.
func versionDeletes(s versioning.State, h history) []asked {
	var all []asked
	for _, id := range idForms(h) {
		r := versioning.DeleteRequest{ID: id, Now: noon}
		all = append(all, asked{"delete " + idText(id, h), del(s, r)})
	}
	return all
}

// sameETag returns the ETag of the current entry as a client would send it. That
// of a delete marker is empty, and must not match all the same.
func sameETag(h history) string {
	if len(h) == 0 {
		return `""`
	}
	return `"` + h[0].ETag + `"`
}

func writeCondition(t *testing.T, match, none string) versioning.Condition {
	t.Helper()
	c, err := versioning.WriteCondition(match, none)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func deleteCondition(t *testing.T, match string) versioning.Condition {
	t.Helper()
	c, err := versioning.DeleteCondition(match, versioning.ID{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// idForms returns the ids that a request may name: each entry, null, and one
// that no entry has.
func idForms(h history) []versioning.ID {
	var ids []versioning.ID
	for _, v := range h {
		ids = append(ids, v.ID())
	}
	if h.named(versioning.Null) == nil {
		ids = append(ids, versioning.Null)
	}
	return append(ids, unknown)
}

// lockSettings are the locks that an entry of a test can have.
var lockSettings = []struct {
	name string
	lock versioning.Lock
}{
	{"governance", versioning.Lock{Mode: versioning.Governance, Until: noon.Add(time.Hour)}},
	{"governance-expired", versioning.Lock{Mode: versioning.Governance, Until: noon}},
	{"compliance", versioning.Lock{Mode: versioning.Compliance, Until: noon.Add(time.Hour)}},
	{"compliance-expired", versioning.Lock{Mode: versioning.Compliance, Until: noon}},
	{"hold", versioning.Lock{Hold: versioning.HoldOn}},
	{"hold-lifted", versioning.Lock{Hold: versioning.HoldOff}},
	{"governance+hold", versioning.Lock{Mode: versioning.Governance, Until: noon.Add(time.Hour), Hold: versioning.HoldOn}},
}

func lockName(l versioning.Lock) string {
	for _, s := range lockSettings {
		if s.lock == l {
			return s.name
		}
	}
	return "locked"
}

// locks adds every change of every history of up to two entries of which one has
// a lock setting.
func (b *rulebook) locks() {
	for s, h := range possible(2) {
		for i := range h {
			for _, setting := range lockSettings {
				b.lockedChanges(s.letter, s.state, h.withLock(i, setting.lock))
			}
		}
	}
}

// withLock returns h with a copy of its entry i that has the lock.
func (h history) withLock(i int, l versioning.Lock) history {
	h = append(history(nil), h...)
	locked := *h[i]
	locked.Lock = l
	h[i] = &locked
	return h
}

func (b *rulebook) lockedChanges(letter string, s versioning.State, h history) {
	if why := h.impossible(s); why != "" {
		b.line(letter, "any", h, "impossible: "+why)
		return
	}
	order := versioning.Order(len(h) + 1)
	b.change(letter, h, asked{"put", put(s, versioning.PutRequest{Order: order, Now: noon})})
	for _, bypass := range []bool{false, true} {
		suffix := ""
		if bypass {
			suffix = " bypass"
		}
		ids := []versioning.ID{{}}
		for _, v := range h {
			ids = append(ids, v.ID())
		}
		for _, id := range ids {
			text := "delete"
			if !id.IsZero() {
				text += " " + idText(id, h)
			}
			r := versioning.DeleteRequest{ID: id, Order: order, Now: noon, BypassGovernance: bypass}
			b.change(letter, h, asked{text + suffix, del(s, r)})
		}
	}
}

// operationNames are all operations as the rule book shows them.
var operationNames = [versioning.Operations]string{
	versioning.GetObject:           "GetObject",
	versioning.HeadObject:          "HeadObject",
	versioning.GetObjectAttributes: "GetObjectAttributes",
	versioning.GetObjectACL:        "GetObjectACL",
	versioning.PutObjectACL:        "PutObjectACL",
	versioning.GetObjectTagging:    "GetObjectTagging",
	versioning.PutObjectTagging:    "PutObjectTagging",
	versioning.DeleteObjectTagging: "DeleteObjectTagging",
	versioning.GetObjectRetention:  "GetObjectRetention",
	versioning.PutObjectRetention:  "PutObjectRetention",
	versioning.GetObjectLegalHold:  "GetObjectLegalHold",
	versioning.PutObjectLegalHold:  "PutObjectLegalHold",
	versioning.CopySource:          "CopySource",
}

// reads adds every read of every history of up to two entries; a read sees no
// more of the key than one.
func (b *rulebook) reads() {
	for _, s := range states {
		for _, h := range allHistories(2) {
			if why := h.impossible(s.state); why != "" {
				b.line(s.letter, "any", h, "impossible: "+why)
				continue
			}
			for _, id := range append([]versioning.ID{{}}, idForms(h)...) {
				b.readsOf(s, h, id)
			}
		}
	}
}

// readsOf adds every operation on the current entry or on one that is named.
func (b *rulebook) readsOf(s bucket, h history, id versioning.ID) {
	for op, text := range operationNames {
		if !id.IsZero() {
			text += " " + idText(id, h)
		}
		r := versioning.ReadRequest{Operation: versioning.Operation(op), ID: id}
		b.line(s.letter, text, h, "->  "+h.read(b.t, s.state, r))
	}
}

// read asks the rule book for an entry and shows what it says, which has to be
// the same if other facts than the needed ones were not read.
func (h history) read(t *testing.T, s versioning.State, r versioning.ReadRequest) string {
	t.Helper()
	facts := h.facts(r.ID)
	text := readText(s, facts, r)
	for _, f := range unread(facts, r.Needs()) {
		if other := readText(s, f, r); other != text {
			t.Errorf("%v: needs %+v, but other facts give %s, not %s", h, r.Needs(), other, text)
		}
	}
	return text
}

func readText(s versioning.State, f versioning.Facts, r versioning.ReadRequest) string {
	v, answer, err := versioning.Read(s, f, &r)
	switch {
	case err != nil && (v != nil || answer != versioning.Answer{}):
		return "refused with an answer"
	case err != nil:
		return refusalText(err)
	}
	return strings.TrimRight(name(v)+"  "+answerText(answer, history{v}), " ")
}
