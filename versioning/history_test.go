package versioning_test

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// A history is what a key holds, newest first. In texts an entry is letters for
// what it is and a number for its order: v3 is an object version, N3 the null
// object, D3 a delete marker and DN3 the null delete marker; [D2 v1] is a key
// that was written and then deleted.
type history []*versioning.Version

// noon is the time at which requests are made unless a test says otherwise.
var noon = time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)

// unknown is the id of an entry that no history of a test has.
var unknown = versioning.IDOf(1 << 40)

// newEntry returns an entry of the kind that the letters name.
func newEntry(letters string, order versioning.Order) *versioning.Version {
	v := &versioning.Version{Order: order, LastModified: noon.Add(time.Duration(order-100) * time.Minute)}
	switch letters {
	case "v":
	case "N":
		v.Null = true
	case "D":
		v.DeleteMarker = true
	case "DN":
		v.Null, v.DeleteMarker = true, true
	default:
		panic("unknown kind of entry " + letters)
	}
	if !v.DeleteMarker {
		v.ETag = "etag" + strconv.Itoa(int(order))
	}
	return v
}

// parseHistory reads a text such as "D2 v1", empty for an absent key.
func parseHistory(text string) history {
	var h history
	for _, name := range strings.Fields(text) {
		letters := strings.TrimRight(name, "0123456789")
		order, err := strconv.Atoi(name[len(letters):])
		if err != nil {
			panic(err)
		}
		h = append(h, newEntry(letters, versioning.Order(order)))
	}
	return h
}

// letters says what v is.
func letters(v *versioning.Version) string {
	switch {
	case v.Null && v.DeleteMarker:
		return "DN"
	case v.Null:
		return "N"
	case v.DeleteMarker:
		return "D"
	}
	return "v"
}

func name(v *versioning.Version) string { return fmt.Sprint(letters(v), uint64(v.Order)) }

func (h history) String() string {
	var names []string
	for _, v := range h {
		n := name(v)
		if v.Lock != (versioning.Lock{}) {
			n += "!" + lockName(v.Lock)
		}
		names = append(names, n)
	}
	return "[" + strings.Join(names, " ") + "]"
}

// named returns the entry that id names, nil if there is none.
func (h history) named(id versioning.ID) *versioning.Version {
	for _, v := range h {
		if v.ID() == id {
			return v
		}
	}
	return nil
}

// idText shows id by the name of its entry, x if no history of hs has one.
func idText(id versioning.ID, hs ...history) string {
	if id.IsNull() {
		return "null"
	}
	for _, h := range hs {
		if v := h.named(id); v != nil {
			return name(v)
		}
	}
	return "x"
}

func (h history) current() *versioning.Version {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// facts returns all that can be known of the key for a request that names id.
func (h history) facts(id versioning.ID) versioning.Facts {
	return versioning.Facts{Current: h.current(), Null: h.named(versioning.Null), Target: h.named(id)}
}

func (h history) head() versioning.Head {
	if len(h) == 0 {
		return versioning.Head{}
	}
	head := versioning.Head{Newest: h[0].Order, Marker: h[0].DeleteMarker, Entries: uint64(len(h))}
	if null := h.named(versioning.Null); null != nil {
		head.Null = null.Order
	}
	return head
}

// change is a write or a delete that can be asked with any facts.
type change struct {
	id     versioning.ID
	bypass bool
	now    time.Time
	needs  versioning.Needs
	decide func(versioning.Facts) (versioning.Plan, error)
}

func put(s versioning.State, r versioning.PutRequest) change {
	return change{now: r.Now, needs: r.Needs(s), decide: func(f versioning.Facts) (versioning.Plan, error) {
		return versioning.Put(s, f, &r)
	}}
}

func del(s versioning.State, r versioning.DeleteRequest) change {
	return change{id: r.ID, bypass: r.BypassGovernance, now: r.Now, needs: r.Needs(s),
		decide: func(f versioning.Facts) (versioning.Plan, error) {
			return versioning.Delete(s, f, &r)
		}}
}

// play asks the rule book for a plan, holds it against the invariants of the
// package comment and returns what the key holds once it is applied.
func (h history) play(t *testing.T, c change) (history, versioning.Answer, error) {
	t.Helper()
	facts, values := h.facts(c.id), h.values()
	plan, err := c.decide(facts)
	for _, f := range unread(facts, c.needs) {
		if p, e := c.decide(f); !reflect.DeepEqual(p, plan) || !reflect.DeepEqual(e, err) {
			t.Errorf("%v: needs %+v, but other facts give %+v, %v; not %+v, %v", h, c.needs, p, e, plan, err)
		}
	}
	if !reflect.DeepEqual(h.values(), values) {
		t.Errorf("%v: a rule changed what it was told", h)
	}
	if err != nil {
		if refusal := (*versioning.Refusal)(nil); !errors.As(err, &refusal) || plan != (versioning.Plan{}) {
			t.Errorf("%v: refused with %+v and %#v, want no plan and a *Refusal", h, plan, err)
		}
		return h, versioning.Answer{}, err
	}
	if r := plan.Remove; r != nil && r.Lock.Protects(c.now, c.bypass) {
		t.Errorf("%v: destroys %s, which is protected", h, name(r))
	}
	after := h.apply(t, plan)
	h.checkHead(t, plan, after)
	return after, plan.Answer, nil
}

func (h history) values() []versioning.Version {
	var values []versioning.Version
	for _, v := range h {
		values = append(values, *v)
	}
	return values
}

// unread returns f with the facts that needs does not ask for left out, and with
// other things in their place.
func unread(f versioning.Facts, needs versioning.Needs) []versioning.Facts {
	held := versioning.Lock{Hold: versioning.HoldOn}
	strangers := []*versioning.Version{
		nil,
		{Order: 1 << 41, ETag: "etag of a stranger", Lock: held},
		{Order: 1 << 42, DeleteMarker: true},
		{Order: 1 << 43, Null: true, Lock: held},
	}
	var all []versioning.Facts
	for _, stranger := range strangers {
		other := versioning.Facts{Current: stranger, Null: stranger, Target: stranger}
		if needs.Current {
			other.Current = f.Current
		}
		if needs.Null {
			other.Null = f.Null
		}
		if needs.Target {
			other.Target = f.Target
		}
		all = append(all, other)
	}
	return all
}

// apply does what the store does with a plan: the order decides which entry is
// current, and nothing else moves.
func (h history) apply(t *testing.T, p versioning.Plan) history {
	t.Helper()
	after := slices.Clone(h)
	if p.Remove != nil {
		i := slices.Index(after, p.Remove)
		if i < 0 {
			t.Errorf("%v: removes %s, which is not there", h, name(p.Remove))
			return h
		}
		after = slices.Delete(after, i, i+1)
	}
	if p.Insert != nil {
		after = append(after, p.Insert)
		slices.SortFunc(after, func(a, b *versioning.Version) int { return cmp.Compare(b.Order, a.Order) })
		if after[0] != p.Insert {
			t.Errorf("%v: inserts %s, which does not become current", h, name(p.Insert))
		}
	}
	nulls := 0
	for _, v := range after {
		if v.Null {
			nulls++
		}
	}
	if nulls > 1 {
		t.Errorf("%v becomes %v with %d null entries", h, after, nulls)
	}
	return after
}

// checkHead holds the summary that the store keeps against the history.
func (h history) checkHead(t *testing.T, p versioning.Plan, after history) {
	t.Helper()
	head, lost := h.head().After(p)
	if want := p.Insert == nil && p.Remove != nil && p.Remove == h[0]; lost != want {
		t.Errorf("%v to %v: current entry lost = %v, want %v", h, after, lost, want)
	}
	if lost {
		if head.Newest != 0 || head.Marker {
			t.Errorf("%v to %v: head %+v still shows the lost entry", h, after, head)
		}
		if head.Entries > 0 {
			head.Newest, head.Marker = after[0].Order, after[0].DeleteMarker
		}
	}
	if head != after.head() {
		t.Errorf("%v to %v: head %+v, want %+v", h, after, head, after.head())
	}
}

// allHistories returns every sequence of up to length kinds of entries, also
// those that no key can have.
func allHistories(length int) []history {
	all := []history{nil}
	for longer := all; length > 0; length-- {
		var next []history
		for _, h := range longer {
			for _, kind := range []string{"v", "N", "D", "DN"} {
				above := newEntry(kind, versioning.Order(len(h)+1))
				next = append(next, append(history{above}, h...))
			}
		}
		all, longer = append(all, next...), next
	}
	return all
}

// possible returns every history of up to length entries that a key can have, in
// every state.
func possible(length int) iter.Seq2[bucket, history] {
	return func(yield func(bucket, history) bool) {
		for _, s := range states {
			for _, h := range allHistories(length) {
				if h.impossible(s.state) == "" && !yield(s, h) {
					return
				}
			}
		}
	}
}

// impossible says why a key of a bucket in state s cannot have this history,
// empty if it can.
func (h history) impossible(s versioning.State) string {
	nulls := 0
	for _, v := range h {
		locked := v.Lock != (versioning.Lock{})
		switch {
		case locked && v.DeleteMarker:
			return "a delete marker has no lock"
		case locked && s != versioning.Enabled:
			return "a bucket with Object Lock stays Enabled"
		case s == versioning.Unversioned && v.DeleteMarker:
			return "a bucket in U never had a delete marker"
		case s == versioning.Unversioned && !v.Null:
			return "a bucket in U never gave an id"
		case v.Null:
			nulls++
		}
	}
	if nulls > 1 {
		return "a key has at most one null entry"
	}
	return ""
}
