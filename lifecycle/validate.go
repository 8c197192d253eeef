package lifecycle

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ConfigError says why a configuration is refused.
type ConfigError struct {
	Code    string // of S3
	Message string // empty: the usual one of the code
	// Argument and Value are shown as ArgumentName and ArgumentValue, unless
	// Argument is empty.
	Argument, Value string
}

// Error returns code and message.
func (e *ConfigError) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// The codes of a ConfigError.
const (
	malformedXML    = "MalformedXML"
	invalidArgument = "InvalidArgument"
	invalidRequest  = "InvalidRequest"
)

// The limits of spec LC3-7, LC3-9, LC3-22, LC3-30, LC3-31.
const (
	maxID       = 255  // characters
	maxPrefix   = 1024 // bytes
	maxTagKey   = 128  // characters
	maxTagValue = 256  // characters
	maxNewer    = 100
	maxSize     = 5 << 40 // bytes
)

// leastInfrequentDays is how old objects are before they may go to the classes of
// infrequent access (spec LC3-34).
const leastInfrequentDays = 30

func notPositive(field, action string, n int) *ConfigError {
	return wrongNumber(field, n, fmt.Sprintf("'%s' for %s action must be a positive integer", field, action))
}

func tooManyNewer(action string, n int) *ConfigError {
	const field = "NewerNoncurrentVersions"
	return wrongNumber(field, n, fmt.Sprintf("'%s' for %s action must be between 1 and %d", field, action, maxNewer))
}

func wrongNumber(field string, n int, message string) *ConfigError {
	return &ConfigError{Code: invalidArgument, Message: message, Argument: field, Value: strconv.Itoa(n)}
}

func refused(message string) *ConfigError {
	return &ConfigError{Code: invalidRequest, Message: message}
}

// SetMinimumSize takes the value of x-amz-transition-default-minimum-object-size,
// empty if the header was not sent. Others than the two that exist are refused with
// a *[ConfigError] (spec LC1-4).
func (c *Config) SetMinimumSize(value string) error {
	switch value {
	case "":
		value = MinimumSize128K
	case MinimumSize128K, MinimumSizeVaries:
	default:
		return refused("Invalid TransitionDefaultMinimumObjectSize found: " + value)
	}
	c.MinimumSize = value
	return nil
}

// ruleChecks are the rules about one rule, in the order in which they are judged.
var ruleChecks = []func(*Rule) *ConfigError{
	checkActions,
	checkPrefix,
	checkTags,
	checkSizes,
	checkUnfiltered,
	checkNewer,
	checkTransitions,
	checkTransitionOrder,
	checkNoncurrentTransitions,
}

// validate holds c against the rules that its schema does not hold.
func (c *Config) validate() *ConfigError {
	seen := make(map[string]bool)
	for i := range c.Rules {
		r := &c.Rules[i]
		if e := checkID(r.ID, seen); e != nil {
			return e
		}
		if e := checkForm(r.Legacy, c.Rules[0].Legacy); e != nil {
			return e
		}
		for _, check := range ruleChecks {
			if e := check(r); e != nil {
				return e
			}
		}
	}
	return nil
}

// checkID looks at the length of an ID, and whether it is among those seen before
// (spec LC3-9, LC3-10).
func checkID(id string, seen map[string]bool) *ConfigError {
	switch {
	case utf8.RuneCountInString(id) > maxID:
		return &ConfigError{Code: invalidArgument, Message: "ID length should not exceed allowed limit of 255", Argument: "ID", Value: id}
	case seen[id]:
		return &ConfigError{
			Code: invalidArgument, Message: "Rule ID must be unique. Found same ID for more than one rule", Argument: "ID", Value: id,
		}
	}
	seen[id] = id != ""
	return nil
}

// checkForm refuses a rule of another form than the first one has, each with the
// words of Amazon (spec LC3-3).
func checkForm(legacy, first bool) *ConfigError {
	switch {
	case legacy == first:
		return nil
	case legacy:
		return refused("Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.")
	}
	return refused("Filter element can only be used in Lifecycle V2.")
}

// checkActions refuses a rule that does nothing (spec LC3-12).
func checkActions(r *Rule) *ConfigError {
	if r.Expiration == nil && r.Noncurrent == nil && r.AbortDays == 0 && len(r.Transitions)+len(r.NoncurrentTransitions) == 0 {
		return refused("At least one action needs to be specified in a rule")
	}
	return nil
}

// checkPrefix looks at the length of the prefix (spec LC3-31).
func checkPrefix(r *Rule) *ConfigError {
	if len(r.Filter.Prefix) > maxPrefix {
		return refused("The maximum size of a prefix is 1024")
	}
	return nil
}

// checkTags looks at the tags of the filter (spec LC3-6, LC3-7).
func checkTags(r *Rule) *ConfigError {
	seen := make(map[string]bool)
	for _, t := range r.Filter.Tags {
		switch n := utf8.RuneCountInString(t.Key); {
		case seen[t.Key]:
			return refused("Duplicate Tag Keys are not allowed.")
		case n < 1 || n > maxTagKey:
			return refused("The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return refused("The TagValue you have provided is invalid")
		}
		seen[t.Key] = true
	}
	return nil
}

// checkSizes looks at the sizes of the filter (spec LC3-29, LC3-30). Nothing is
// smaller than nothing.
func checkSizes(r *Rule) *ConfigError {
	greater, less := r.Filter.Greater, r.Filter.Less
	switch {
	case greater != nil && (*greater < 0 || *greater > maxSize):
		return refused(fmt.Sprintf("'ObjectSizeGreaterThan' should be between 0 and %d.", int64(maxSize)))
	case less != nil && (*less < 1 || *less > maxSize):
		return refused(fmt.Sprintf("'ObjectSizeLessThan' should be between 1 and %d.", int64(maxSize)))
	case greater != nil && less != nil && *greater >= *less:
		return refused("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
	}
	return nil
}

// checkUnfiltered looks at the actions that go with no condition but a prefix, for
// neither markers nor uploads have tags or a size (spec LC3-24 to LC3-27).
func checkUnfiltered(r *Rule) *ConfigError {
	x := r.Expiration
	marker := x != nil && x.Days == 0 && x.Date.IsZero() // be it false
	tags := len(r.Filter.Tags) > 0
	sizes := r.Filter.Greater != nil || r.Filter.Less != nil
	switch {
	case marker && tags:
		return refused("ExpiredObjectDeleteMarker cannot be specified with Tags.")
	case marker && sizes:
		return refused("ExpiredObjectDeleteMarker cannot be specified with Object Size.")
	case r.AbortDays != 0 && tags:
		return refused("AbortIncompleteMultipartUpload cannot be specified with Tags.")
	case r.AbortDays != 0 && sizes:
		return refused("AbortIncompleteMultipartUpload cannot be specified with Object Size")
	}
	return nil
}

// checkNewer refuses NewerNoncurrentVersions in a rule without a Filter (spec
// LC3-23).
func checkNewer(r *Rule) *ConfigError {
	newer := r.Noncurrent != nil && r.Noncurrent.Newer != 0
	for _, t := range r.NoncurrentTransitions {
		newer = newer || t.Newer != 0
	}
	if r.Legacy && newer {
		return refused("NewerNoncurrentVersions element can only be used in Lifecycle V2.")
	}
	return nil
}

// checkTransitions looks at each Transition by itself, and whether all go by Days or
// all by Date (spec LC3-34).
func checkTransitions(r *Rule) *ConfigError {
	seen := make(map[string]bool)
	for _, t := range r.Transitions {
		if e := checkClass(r, "Transition", t.StorageClass, seen); e != nil {
			return e
		}
		if t.Date.IsZero() {
			if e := checkAge("Days", "Transition", t.Days, t.StorageClass); e != nil {
				return e
			}
		}
		if t.Date.IsZero() != r.Transitions[0].Date.IsZero() {
			return refused("Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for " + selection(r))
		}
	}
	return nil
}

// checkClass refuses two transitions of a rule to one class.
func checkClass(r *Rule, action, class string, seen map[string]bool) *ConfigError {
	if seen[class] {
		return refused(fmt.Sprintf("'StorageClass' must be different for '%s' actions in same 'Rule' with %s", action, selection(r)))
	}
	seen[class] = true
	return nil
}

// checkAge looks at after how many days a transition takes place (spec LC3-34).
func checkAge(field, action string, days int, class string) *ConfigError {
	switch {
	case days < 0:
		return wrongNumber(field, days, fmt.Sprintf("'%s' in %s action must be nonnegative", field, action))
	case days < leastInfrequentDays && (class == "STANDARD_IA" || class == "ONEZONE_IA"):
		return wrongNumber(field, days, fmt.Sprintf(
			"'%s' in %s action must be greater than or equal to %d for storageClass '%s'", field, action, leastInfrequentDays, class))
	}
	return nil
}

// checkTransitionOrder refuses what expires before it has moved (spec LC3-32,
// LC3-33).
func checkTransitionOrder(r *Rule) *ConfigError {
	x := r.Expiration
	if x == nil || x.Days == 0 && x.Date.IsZero() {
		return nil
	}
	for _, t := range r.Transitions {
		switch {
		case x.Date.IsZero() != t.Date.IsZero():
			return refused("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for " + selection(r))
		case t.Date.IsZero() && x.Days <= t.Days:
			return wrongNumber("Days", x.Days, fmt.Sprintf(
				"'Days' in the Expiration action for %s must be greater than 'Days' in the Transition action", selection(r)))
		case !t.Date.IsZero() && !x.Date.After(t.Date):
			return &ConfigError{
				Code: invalidArgument, Argument: "Date", Value: x.Date.Format(time.RFC3339),
				Message: fmt.Sprintf("'Date' in the Expiration action for %s must be later than 'Date' in the Transition action", selection(r)),
			}
		}
	}
	return nil
}

// checkNoncurrentTransitions is what checkTransitions and checkTransitionOrder are,
// for noncurrent entries.
func checkNoncurrentTransitions(r *Rule) *ConfigError {
	const field, action = "NoncurrentDays", "NoncurrentVersionTransition"
	seen := make(map[string]bool)
	for _, t := range r.NoncurrentTransitions {
		if e := checkClass(r, action, t.StorageClass, seen); e != nil {
			return e
		}
		if e := checkAge(field, action, t.Days, t.StorageClass); e != nil {
			return e
		}
		if x := r.Noncurrent; x != nil && x.Days <= t.Days {
			return wrongNumber(field, x.Days, fmt.Sprintf(
				"'%s' in the NoncurrentVersionExpiration action for %s must be greater than '%s' in the %s action", field, selection(r), field, action))
		}
	}
	return nil
}

// selection names what a rule is about as Amazon's messages do.
func selection(r *Rule) string {
	f := &r.Filter
	if r.Legacy {
		return "prefix '" + f.Prefix + "'"
	}
	var parts []string
	if f.namesPrefix() || f.conditions() == 0 {
		parts = append(parts, "prefix="+f.Prefix)
	}
	for _, t := range f.Tags {
		parts = append(parts, "tag: key="+t.Key+", value="+t.Value)
	}
	if f.Greater != nil {
		parts = append(parts, "objectsizegreaterthan="+strconv.FormatInt(*f.Greater, 10))
	}
	if f.Less != nil {
		parts = append(parts, "objectsizelessthan="+strconv.FormatInt(*f.Less, 10))
	}
	return "filter '(" + strings.Join(parts, " and ") + ")'"
}
