package lifecycle

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

const (
	prolog    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// dateForm is how dates come back (spec LC2-1).
const dateForm = "2006-01-02T15:04:05.000Z"

// XML returns the configuration as GetBucketLifecycleConfiguration shows it, in the
// form in which it was put (spec LC2-1).
func (c *Config) XML() []byte {
	w := &writer{}
	w.buf.WriteString(prolog + `<LifecycleConfiguration xmlns="` + namespace + `">`)
	for i := range c.Rules {
		w.rule(&c.Rules[i])
	}
	w.buf.WriteString("</LifecycleConfiguration>")
	return w.buf.Bytes()
}

// writer writes the elements of a document.
type writer struct{ buf bytes.Buffer }

// element writes an element with what inside writes.
func (w *writer) element(name string, inside func()) {
	w.buf.WriteString("<" + name + ">")
	inside()
	w.buf.WriteString("</" + name + ">")
}

func (w *writer) text(name, value string) {
	w.element(name, func() {
		_ = xml.EscapeText(&w.buf, []byte(value)) // a buffer takes everything
	})
}

func (w *writer) number(name string, n int64) { w.text(name, strconv.FormatInt(n, 10)) }

// daysOrDate writes when an action is due.
func (w *writer) daysOrDate(days int, date time.Time) {
	if date.IsZero() {
		w.number("Days", int64(days))
	} else {
		w.text("Date", date.UTC().Format(dateForm))
	}
}

func (w *writer) rule(r *Rule) {
	w.element("Rule", func() {
		w.text("ID", r.ID)
		if r.Legacy {
			w.text("Prefix", r.Filter.Prefix)
		} else {
			w.filter(&r.Filter)
		}
		w.text("Status", map[bool]string{true: "Enabled", false: "Disabled"}[r.Enabled])
		w.currentActions(r)
		w.noncurrentActions(r)
		if r.AbortDays != 0 {
			w.element("AbortIncompleteMultipartUpload", func() { w.number("DaysAfterInitiation", int64(r.AbortDays)) })
		}
	})
}

func (w *writer) filter(f *Filter) {
	switch n := f.conditions(); n {
	case 0:
		w.buf.WriteString("<Filter/>")
	case 1:
		w.element("Filter", func() { w.conditions(f) })
	default:
		w.element("Filter", func() { w.element("And", func() { w.conditions(f) }) })
	}
}

func (w *writer) conditions(f *Filter) {
	if f.namesPrefix() {
		w.text("Prefix", f.Prefix)
	}
	for _, t := range f.Tags {
		w.element("Tag", func() {
			w.text("Key", t.Key)
			w.text("Value", t.Value)
		})
	}
	if f.Greater != nil {
		w.number("ObjectSizeGreaterThan", *f.Greater)
	}
	if f.Less != nil {
		w.number("ObjectSizeLessThan", *f.Less)
	}
}

func (w *writer) currentActions(r *Rule) {
	for _, t := range r.Transitions {
		w.element("Transition", func() {
			w.daysOrDate(t.Days, t.Date)
			w.text("StorageClass", t.StorageClass)
		})
	}
	x := r.Expiration
	if x == nil {
		return
	}
	w.element("Expiration", func() {
		if x.Days == 0 && x.Date.IsZero() {
			w.text("ExpiredObjectDeleteMarker", strconv.FormatBool(x.ExpiredMarker))
		} else {
			w.daysOrDate(x.Days, x.Date)
		}
	})
}

func (w *writer) noncurrentActions(r *Rule) {
	for _, t := range r.NoncurrentTransitions {
		w.element("NoncurrentVersionTransition", func() {
			w.daysAndNewer(t.Days, t.Newer)
			w.text("StorageClass", t.StorageClass)
		})
	}
	if x := r.Noncurrent; x != nil {
		w.element("NoncurrentVersionExpiration", func() { w.daysAndNewer(x.Days, x.Newer) })
	}
}

func (w *writer) daysAndNewer(days, newer int) {
	w.number("NoncurrentDays", int64(days))
	if newer != 0 {
		w.number("NewerNoncurrentVersions", int64(newer))
	}
}
