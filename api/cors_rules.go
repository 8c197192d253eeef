package api

import (
	"slices"
	"strconv"
	"strings"
)

// The bounds of a CORS configuration.
const (
	maxCORSRules  = 100
	maxCORSRuleID = 255
)

// corsMethods are the methods that a rule may allow.
var corsMethods = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}

// corsRule says which pages may send which requests to a bucket.
type corsRule struct {
	id      string
	origins []string // may hold one asterisk each
	methods []string
	headers []string // may hold one asterisk each; letters of any case
	expose  []string
	maxAge  string // seconds; empty if not said
}

// corsRules is a CORS configuration: the first rule that fits a request decides.
type corsRules []corsRule

// corsRequest is what a browser says of a request: which page sends it, and what it
// is or is going to be.
type corsRequest struct {
	origin  string
	method  string
	headers []string // as the browser wrote them
}

// match returns the headers that allow a request, none if no rule does. The answers
// are those that Amazon was recorded with (R-LS: TestS3Cors).
func (rules corsRules) match(q *corsRequest) []pair {
	for i := range rules {
		if allowed := rules[i].allows(q); allowed != "" {
			return rules[i].answer(q, allowed)
		}
	}
	return nil
}

// allows returns the pattern of the rule that the origin fits, empty if the rule
// does not fit the request.
func (rule *corsRule) allows(q *corsRequest) string {
	if !isOneOf(q.method, rule.methods) {
		return ""
	}
	for _, header := range q.headers {
		if !rule.allowsHeader(strings.ToLower(header)) {
			return ""
		}
	}
	for _, pattern := range rule.origins {
		if pattern != "" && fitsPattern(pattern, q.origin) {
			return pattern
		}
	}
	return ""
}

func (rule *corsRule) allowsHeader(name string) bool {
	for _, pattern := range rule.headers {
		if fitsPattern(strings.ToLower(pattern), name) {
			return true
		}
	}
	return false
}

// fitsPattern reports whether s is pattern, in which an asterisk stands for
// anything.
func fitsPattern(pattern, s string) bool {
	before, after, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == s
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}

// corsVary says on which request headers the answer depends.
const corsVary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

// answer returns the headers of an answer to a request that fits the rule by a
// pattern for its origin.
func (rule *corsRule) answer(q *corsRequest, pattern string) []pair {
	headers := []pair{{"Access-Control-Allow-Origin", "*"}}
	if pattern != "*" {
		headers = []pair{{"Access-Control-Allow-Origin", q.origin}, {"Access-Control-Allow-Credentials", "true"}}
	}
	headers = append(headers, pair{"Access-Control-Allow-Methods", strings.Join(rule.methods, ", ")})
	if len(q.headers) > 0 {
		headers = append(headers, pair{"Access-Control-Allow-Headers", strings.ToLower(strings.Join(q.headers, ", "))})
	}
	if len(rule.expose) > 0 {
		headers = append(headers, pair{"Access-Control-Expose-Headers", strings.Join(rule.expose, ", ")})
	}
	if rule.maxAge != "" {
		headers = append(headers, pair{"Access-Control-Max-Age", rule.maxAge})
	}
	return append(headers, pair{"Vary", corsVary})
}

// readCORS reads what a CORSConfiguration holds.
func readCORS(r *xmlReader) (configuration, error) {
	var rules corsRules
	err := r.each(func(name string) error {
		if name != "CORSRule" {
			return errXML
		}
		var rule corsRule
		if err := r.each(rule.take(r)); err != nil {
			return err
		}
		rules = append(rules, rule)
		return rule.check()
	})
	switch {
	case err != nil:
		return nil, err
	case len(rules) == 0:
		return nil, errXML
	case len(rules) > maxCORSRules:
		return nil, refuseWith("InvalidRequest", "The number of CORS rules should not exceed allowed limit of 100 rules.")
	}
	return rules, nil
}

// take reads the children of a CORSRule.
func (rule *corsRule) take(r *xmlReader) func(string) error {
	lists := map[string]*[]string{
		"AllowedOrigin": &rule.origins, "AllowedMethod": &rule.methods,
		"AllowedHeader": &rule.headers, "ExposeHeader": &rule.expose,
	}
	singles := map[string]*string{"ID": &rule.id, "MaxAgeSeconds": &rule.maxAge}
	return func(name string) error {
		text, err := r.text()
		if err != nil || strings.ContainsFunc(text, isControl) {
			return errXML
		}
		if list, ok := lists[name]; ok {
			*list = append(*list, text)
			return nil
		}
		single, ok := singles[name]
		if !ok || *single != "" {
			return errXML
		}
		*single = text
		return nil
	}
}

// isControl reports whether c cannot stand in a header, where the parts of a rule
// come to stand.
func isControl(c rune) bool { return c < ' ' || c == 0x7F }

// check refuses what a rule may not say.
func (rule *corsRule) check() error {
	if len(rule.origins) == 0 || len(rule.methods) == 0 || len(rule.id) > maxCORSRuleID {
		return errXML
	}
	if rule.maxAge != "" {
		if _, err := strconv.ParseInt(rule.maxAge, 10, 32); err != nil {
			return errXML
		}
	}
	for _, method := range rule.methods {
		if !isOneOf(method, corsMethods) {
			return refuseWith("InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is "+method)
		}
	}
	for _, origin := range rule.origins {
		if strings.Count(origin, "*") > 1 {
			return refuseWith("InvalidRequest", `AllowedOrigin "`+origin+`" can not have more than one wildcard.`)
		}
	}
	for _, header := range rule.headers {
		if strings.Count(header, "*") > 1 {
			return refuseWith("InvalidRequest", `AllowedHeader "`+header+`" can not have more than one wildcard.`)
		}
	}
	for _, header := range rule.expose {
		if strings.Contains(header, "*") {
			return refuseWith("InvalidRequest", `ExposeHeader "`+header+`" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
		}
	}
	return rule.checkNames()
}

// checkNames refuses headers that are no names, in which the asterisk counts as a
// letter. The text is the same for both lists (T-VGW: PutBucketCors_invalid_header).
func (rule *corsRule) checkNames() error {
	for _, header := range slices.Concat(rule.headers, rule.expose) {
		if !isToken(header) {
			return refuseWith("InvalidRequest", `AllowedHeader "`+header+`" contains invalid character.`)
		}
	}
	return nil
}

// write writes the rules, each with its parts in the order in which Amazon shows them.
func (rules corsRules) write(d *document) {
	for i := range rules {
		rule := &rules[i]
		d.open("CORSRule")
		if rule.id != "" {
			d.text("ID", rule.id)
		}
		d.texts("AllowedHeader", rule.headers)
		d.texts("AllowedMethod", rule.methods)
		d.texts("AllowedOrigin", rule.origins)
		d.texts("ExposeHeader", rule.expose)
		if rule.maxAge != "" {
			d.text("MaxAgeSeconds", rule.maxAge)
		}
		d.close("CORSRule")
	}
}

// texts writes an element for each value.
func (d *document) texts(name string, values []string) {
	for _, value := range values {
		d.text(name, value)
	}
}

// parseCORS reads a document.
func parseCORS(data []byte) (corsRules, error) {
	kept := keptConfigs["cors"]
	c, err := kept.parse(data)
	if err != nil {
		return nil, err
	}
	return c.(corsRules), nil
}
