package lifecycle

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The values of x-amz-transition-default-minimum-object-size (spec LC1-4).
const (
	MinimumSize128K   = "all_storage_classes_128K" // the default
	MinimumSizeVaries = "varies_by_storage_class"
)

// Config is the lifecycle configuration of a bucket. It must not be changed once it
// is used.
type Config struct {
	Rules []Rule // in the order of the document
	// MinimumSize is what x-amz-transition-default-minimum-object-size said:
	// MinimumSize128K or MinimumSizeVaries. It has no effect (spec LC7-1).
	MinimumSize string
}

// Rule selects entries and says what becomes of them (spec LC2).
type Rule struct {
	ID      string // unique in its configuration
	Enabled bool   // others do nothing (spec LC4-19)
	// Legacy says that the prefix stands at the top of the rule, which has no
	// Filter element then (spec LC2-1).
	Legacy bool
	Filter Filter

	Expiration *Expiration           // of current entries; nil if none
	Noncurrent *NoncurrentExpiration // of noncurrent entries; nil if none
	// AbortDays is after how many days an incomplete upload is aborted, 0 for never.
	AbortDays int

	// Transitions and NoncurrentTransitions are kept and have no effect (spec LC7-1).
	Transitions           []Transition
	NoncurrentTransitions []NoncurrentTransition
}

// Expiration is what becomes of current entries: one of Days, Date and
// ExpiredMarker, or the element ExpiredObjectDeleteMarker with the value false.
type Expiration struct {
	Days          int       // since Last-Modified (spec LC4-1)
	Date          time.Time // 00:00 UTC, from which on all that match expire (spec LC4-2)
	ExpiredMarker bool      // delete markers that are the only entry of their key go (spec LC4-5)
}

// NoncurrentExpiration is what becomes of noncurrent entries.
type NoncurrentExpiration struct {
	Days  int // since the successor was made (spec LC4-3)
	Newer int // so many of the newest noncurrent entries of a key are kept (spec LC4-15)
}

// Transition moves current objects to another storage class: by Date unless it is
// the zero time, else by Days.
type Transition struct {
	Days         int
	Date         time.Time
	StorageClass string
}

// NoncurrentTransition moves noncurrent objects to another storage class.
type NoncurrentTransition struct {
	Days, Newer  int
	StorageClass string
}

// Transitions reports whether a rule, enabled or not, has a transition, which a
// server with one tier refuses or ignores (spec LC7-1).
func (c *Config) Transitions() bool {
	return slices.ContainsFunc(c.Rules, func(r Rule) bool {
		return len(r.Transitions)+len(r.NoncurrentTransitions) > 0
	})
}

// Prefixes returns the least set of prefixes that covers the keys whose entries
// enabled rules can touch, sorted; none of them begins with another. Uploads have
// [Config.UploadPrefixes].
func (c *Config) Prefixes() []string { return c.cover((*Rule).touchesEntries) }

// UploadPrefixes returns the least set of prefixes that covers the keys whose
// incomplete uploads enabled rules can abort, sorted (spec LC6-4).
func (c *Config) UploadPrefixes() []string {
	return c.cover(func(r *Rule) bool { return r.AbortDays > 0 })
}

// touchesEntries reports whether r has an action on entries of keys.
func (r *Rule) touchesEntries() bool {
	return r.Noncurrent != nil || r.Expiration != nil && *r.Expiration != Expiration{}
}

// cover returns the least set of prefixes that covers those of the enabled rules
// that are chosen.
func (c *Config) cover(chosen func(*Rule) bool) []string {
	var all []string
	for i := range c.Rules {
		if r := &c.Rules[i]; r.Enabled && chosen(r) {
			all = append(all, r.Filter.Prefix)
		}
	}
	slices.Sort(all)
	least := all[:0]
	for _, p := range all {
		if len(least) == 0 || !strings.HasPrefix(p, least[len(least)-1]) {
			least = append(least, p)
		}
	}
	return least
}

// encodingVersion begins what is stored: it says how to read the rest.
const encodingVersion = "1"

// Encode returns c as it is stored: a line with the version of the form and the
// minimum size, and the document that [Config.XML] returns.
func (c *Config) Encode() []byte {
	return append([]byte(encodingVersion+" "+c.MinimumSize+"\n"), c.XML()...)
}

// Decode reads what Encode made. It holds it against the schema only, not against
// the rules of [ParseXML]: what was stored stays readable when they become stricter.
func Decode(stored []byte) (*Config, error) {
	line, document, _ := bytes.Cut(stored, []byte("\n"))
	version, minimumSize, _ := strings.Cut(string(line), " ")
	if version != encodingVersion {
		return nil, fmt.Errorf("lifecycle configuration of version %q", version)
	}
	var read reading
	c, err := read.document(document)
	if err != nil {
		return nil, fmt.Errorf("lifecycle configuration: %w", err)
	}
	if err := c.SetMinimumSize(minimumSize); err != nil {
		return nil, fmt.Errorf("lifecycle configuration: %w", err)
	}
	return c, nil
}
