package lifecycle

import (
	"slices"
	"time"
)

// maxRules is how many rules a configuration may have (spec LC3-11).
const maxRules = 1000

// ParseXML reads a configuration as PutBucketLifecycleConfiguration sends it, and
// holds it against the rules of spec LC3: first the whole document against the
// schema, then each rule. A rule without an ID gets one from newID. MinimumSize is
// set to its default. All errors are a *[ConfigError].
func ParseXML(document []byte, newID func() string) (*Config, error) {
	var read reading
	c, err := read.document(document)
	if err != nil {
		return nil, &ConfigError{Code: malformedXML}
	}
	if read.refused == nil {
		read.refused = c.validate()
	}
	if read.refused != nil {
		return nil, read.refused
	}
	for i := range c.Rules {
		if c.Rules[i].ID == "" {
			c.Rules[i].ID = newID()
		}
	}
	return c, nil
}

// reading reads a document into a Config. It remembers the first value that is of
// the schema and breaks a rule all the same, where the Config would not show it.
type reading struct{ refused *ConfigError }

func (d *reading) refuse(e *ConfigError) {
	if d.refused == nil {
		d.refused = e
	}
}

// atLeastOne holds a count that was sent against its least value.
func (d *reading) atLeastOne(field, action string, n int) {
	if n < 1 {
		d.refuse(notPositive(field, action, n))
	}
}

// document reads a LifecycleConfiguration (spec LC2, LC3-11). Nothing in it is passed
// over, for it might say what is not to be deleted.
func (d *reading) document(text []byte) (*Config, error) {
	root, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	f := root.fields()
	rules := f.many("Rule")
	if root.name != "LifecycleConfiguration" || len(rules) == 0 || len(rules) > maxRules {
		return nil, errSchema
	}
	c := &Config{MinimumSize: MinimumSize128K, Rules: make([]Rule, 0, len(rules))}
	for _, n := range rules {
		r, err := d.rule(n)
		if err != nil {
			return nil, err
		}
		c.Rules = append(c.Rules, r)
	}
	return c, f.done()
}

// rule reads a Rule (spec LC3-1, LC3-2, LC3-8).
func (d *reading) rule(n *node) (r Rule, err error) {
	f := n.fields()
	r.ID, _ = f.value("ID")
	status, _ := f.value("Status")
	r.Enabled = status == "Enabled"
	if !r.Enabled && status != "Disabled" {
		return r, errSchema
	}
	filter := f.one("Filter")
	r.Filter.Prefix, r.Legacy = f.value("Prefix")
	if (filter != nil) == r.Legacy {
		return r, errSchema
	}
	if filter != nil {
		if r.Filter, err = readFilter(filter); err != nil {
			return r, err
		}
	}
	if err := d.actions(f, &r); err != nil {
		return r, err
	}
	return r, f.done()
}

// actions reads the actions of a rule.
func (d *reading) actions(f *fields, r *Rule) (err error) {
	if n := f.one("Expiration"); n != nil {
		if r.Expiration, err = d.expiration(n); err != nil {
			return err
		}
	}
	if n := f.one("NoncurrentVersionExpiration"); n != nil {
		if r.Noncurrent, err = d.noncurrent(n); err != nil {
			return err
		}
	}
	if n := f.one("AbortIncompleteMultipartUpload"); n != nil {
		if r.AbortDays, err = d.abort(n); err != nil {
			return err
		}
	}
	for _, n := range f.many("Transition") {
		t, err := d.transition(n)
		if err != nil {
			return err
		}
		r.Transitions = append(r.Transitions, t)
	}
	for _, n := range f.many("NoncurrentVersionTransition") {
		t, err := d.noncurrentTransition(n)
		if err != nil {
			return err
		}
		r.NoncurrentTransitions = append(r.NoncurrentTransitions, t)
	}
	return nil
}

// readFilter reads a Filter: nothing, one condition, or an And of several (spec
// LC3-4, LC3-5).
func readFilter(n *node) (Filter, error) {
	if len(n.children) > 1 {
		return Filter{}, errSchema
	}
	f := n.fields()
	and := f.one("And")
	if and == nil {
		return readConditions(f)
	}
	if len(and.children) < 2 || f.done() != nil {
		return Filter{}, errSchema
	}
	return readConditions(and.fields())
}

// readConditions reads what stands in a Filter or an And, to its end.
func readConditions(f *fields) (filter Filter, err error) {
	filter.Prefix, filter.HasPrefix = f.value("Prefix")
	if n, ok := f.number("ObjectSizeGreaterThan", 64); ok {
		filter.Greater = &n
	}
	if n, ok := f.number("ObjectSizeLessThan", 64); ok {
		filter.Less = &n
	}
	for _, n := range f.many("Tag") {
		inner := n.fields()
		key, hasKey := inner.value("Key")
		value, hasValue := inner.value("Value")
		if inner.done() != nil || !hasKey || !hasValue {
			return Filter{}, errSchema
		}
		filter.Tags = append(filter.Tags, Tag{key, value})
	}
	return filter, f.done()
}

// expiration reads an Expiration, which holds one element (spec LC3-13, LC3-14).
func (d *reading) expiration(n *node) (*Expiration, error) {
	f := n.fields()
	x := &Expiration{}
	var inDays bool
	if x.Days, inDays = f.days("Days"); inDays {
		d.atLeastOne("Days", "Expiration", x.Days)
	}
	x.Date, _ = d.date(f)
	x.ExpiredMarker, _ = f.flag("ExpiredObjectDeleteMarker")
	if len(n.children) != 1 {
		return nil, errSchema
	}
	return x, f.done()
}

// date takes the Date of an action (spec LC3-15 to LC3-18).
func (d *reading) date(f *fields) (t time.Time, ok bool) {
	t, text, ok := f.date("Date")
	if !t.Equal(t.Truncate(day)) {
		d.refuse(&ConfigError{Code: invalidArgument, Message: "'Date' must be at midnight GMT", Argument: "Date", Value: text})
	}
	return t.Truncate(time.Millisecond), ok
}

// noncurrent reads a NoncurrentVersionExpiration (spec LC3-19 to LC3-22).
func (d *reading) noncurrent(n *node) (*NoncurrentExpiration, error) {
	const action = "NoncurrentVersionExpiration"
	f := n.fields()
	days, ok := f.days("NoncurrentDays")
	if !ok {
		return nil, errSchema
	}
	d.atLeastOne("NoncurrentDays", action, days)
	return &NoncurrentExpiration{Days: days, Newer: d.newer(f, action)}, f.done()
}

// newer takes the NewerNoncurrentVersions of an action, 0 if there is none (spec
// LC3-22).
func (d *reading) newer(f *fields, action string) int {
	n, ok := f.days("NewerNoncurrentVersions")
	if !ok {
		return 0
	}
	d.atLeastOne("NewerNoncurrentVersions", action, n)
	if n > maxNewer {
		d.refuse(tooManyNewer(action, n))
	}
	return n
}

// abort reads an AbortIncompleteMultipartUpload (spec LC3-28).
func (d *reading) abort(n *node) (int, error) {
	f := n.fields()
	days, ok := f.days("DaysAfterInitiation")
	if !ok {
		return 0, errSchema
	}
	d.atLeastOne("DaysAfterInitiation", "AbortIncompleteMultipartUpload", days)
	return days, f.done()
}

// storageClasses are the ones to which a transition leads (spec LC3-35).
var storageClasses = []string{"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"}

// transition reads a Transition: Days or Date, and a class (spec LC3-16, LC3-35).
func (d *reading) transition(n *node) (t Transition, err error) {
	f := n.fields()
	var inDays, byDate bool
	t.Days, inDays = f.days("Days")
	t.Date, byDate = d.date(f)
	t.StorageClass, _ = f.value("StorageClass")
	if inDays == byDate || !slices.Contains(storageClasses, t.StorageClass) {
		return t, errSchema
	}
	return t, f.done()
}

// noncurrentTransition reads a NoncurrentVersionTransition.
func (d *reading) noncurrentTransition(n *node) (t NoncurrentTransition, err error) {
	f := n.fields()
	days, ok := f.days("NoncurrentDays")
	t.Days, t.Newer = days, d.newer(f, "NoncurrentVersionTransition")
	t.StorageClass, _ = f.value("StorageClass")
	if !ok || !slices.Contains(storageClasses, t.StorageClass) {
		return t, errSchema
	}
	return t, f.done()
}
