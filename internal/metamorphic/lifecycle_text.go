package metamorphic

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/internal/model"
)

// element is an XML element with text or with elements inside.
type element struct {
	name string
	text string
	in   []element
}

func (e element) write(b *strings.Builder) {
	fmt.Fprintf(b, "<%s>", e.name)
	// A strings.Builder takes everything.
	_ = xml.EscapeText(b, []byte(e.text))
	for _, in := range e.in {
		in.write(b)
	}
	fmt.Fprintf(b, "</%s>", e.name)
}

// RulesXML writes rules as PutBucketLifecycleConfiguration takes them (spec
// lifecycle.md §2).
func RulesXML(rules []model.Rule, legacy bool) string {
	var all []element
	for i := range rules {
		all = append(all, ruleElement(&rules[i], legacy))
	}
	var b strings.Builder
	element{name: "LifecycleConfiguration", in: all}.write(&b)
	return b.String()
}

func ruleElement(r *model.Rule, legacy bool) element {
	status := "Enabled"
	if r.Disabled {
		status = "Disabled"
	}
	in := []element{{name: "ID", text: r.ID}, {name: "Status", text: status}, filterElement(r, legacy)}
	number := func(name string, n int) element { return element{name: name, text: fmt.Sprint(n)} }
	switch {
	case r.ExpireDays > 0:
		in = append(in, element{name: "Expiration", in: []element{number("Days", r.ExpireDays)}})
	case !r.ExpireDate.IsZero():
		in = append(in, element{name: "Expiration", in: []element{{name: "Date", text: r.ExpireDate.Format("2006-01-02T15:04:05Z")}}})
	case r.ExpireMarkers:
		in = append(in, element{name: "Expiration", in: []element{{name: "ExpiredObjectDeleteMarker", text: "true"}}})
	}
	if r.NoncurrentDays > 0 {
		e := element{name: "NoncurrentVersionExpiration", in: []element{number("NoncurrentDays", r.NoncurrentDays)}}
		if r.Keep > 0 {
			e.in = append(e.in, number("NewerNoncurrentVersions", r.Keep))
		}
		in = append(in, e)
	}
	if r.AbortDays > 0 {
		in = append(in, element{name: "AbortIncompleteMultipartUpload", in: []element{number("DaysAfterInitiation", r.AbortDays)}})
	}
	return element{name: "Rule", in: in}
}

// filterElement writes the conditions in the least form that holds them.
func filterElement(r *model.Rule, legacy bool) element {
	prefix := element{name: "Prefix", text: r.Prefix}
	if legacy {
		return prefix
	}
	var in []element
	if r.Prefix != "" {
		in = append(in, prefix)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
		in = append(in, element{name: "Tag", in: []element{{name: "Key", text: key}, {name: "Value", text: r.Tags[key]}}})
	}
	if r.Over != nil {
		in = append(in, element{name: "ObjectSizeGreaterThan", text: fmt.Sprint(*r.Over)})
	}
	if r.Under != nil {
		in = append(in, element{name: "ObjectSizeLessThan", text: fmt.Sprint(*r.Under)})
	}
	if len(in) > 1 {
		in = []element{{name: "And", in: in}}
	}
	return element{name: "Filter", in: in}
}

// String shows a trial for a reader.
func (t *Trial) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "state %q\n", t.State)
	for i := range t.Rules {
		element{name: "rule", in: []element{ruleElement(&t.Rules[i], t.Legacy)}}.write(&b)
		b.WriteString("\n")
	}
	for _, history := range t.Histories {
		b.WriteString(HistoryText(history))
	}
	return b.String()
}

// HistoryText shows a history, a line for each entry.
func HistoryText(history []*model.Aged) string {
	var b strings.Builder
	for _, e := range history {
		fmt.Fprintf(&b, "%-10q %-6s", e.Key, e.Name)
		if e.DeleteMarker {
			b.WriteString(" marker")
		} else {
			fmt.Fprintf(&b, " size=%d tags=%v", e.Size, e.Tags)
		}
		fmt.Fprintf(&b, " modified %s", e.Modified.Format(time.RFC3339Nano))
		if e.Hold {
			b.WriteString(" held")
		}
		if !e.Retain.IsZero() {
			fmt.Fprintf(&b, " retained until %s", e.Retain.Format(time.RFC3339Nano))
		}
		b.WriteString("\n")
	}
	return b.String()
}
