package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What is wrong with a policy document (spec WI1.4-6). Texts are recorded where docs/spec/wire.md has a source for
// them, and otherwise those of T-VGW.
const (
	faultJSON       = "Invalid JSON."
	faultEmpty      = "Expecting '{' but found End-of-Input"
	faultBase64     = "invalid Base64 encoding."
	faultConditions = "Invalid 'conditions' value: must be a List."
	faultCondition  = "Invalid condition test: must be a List or Object."
	faultOperation  = "Invalid Condition: missing operation identifier."
	faultProperties = "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
	faultSimple     = "Invalid Simple-Condition: value must be a string."
)

// invalidPolicy is the answer to a document that is no policy.
func invalidPolicy(detail string) *Error {
	return &Error{Reason: InvalidPolicyDocument, Message: "Invalid Policy: " + detail}
}

// ParsePostPolicy reads a policy document as the form's policy field holds it: JSON in Base64 with padding. Anything
// that is no policy is InvalidPolicyDocument (spec WI1.4-6). Whether it has expired is not asked.
func ParsePostPolicy(field string) (*PostPolicy, error) {
	document, err := base64.StdEncoding.DecodeString(field)
	if err != nil {
		return nil, invalidPolicy(faultBase64)
	}
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, invalidPolicy(faultEmpty)
	}
	if !utf8.Valid(document) { // encoding/json would replace what is not
		return nil, invalidPolicy(faultJSON)
	}
	members, err := readMembers(document)
	if err != nil {
		return nil, err
	}
	return newPostPolicy(members)
}

// newPostPolicy makes a policy of the members of its document, whose names are in the case that S3 wants.
func newPostPolicy(members []jsonMember) (*PostPolicy, error) {
	var expiration, conditions json.RawMessage
	for _, m := range members {
		switch m.name {
		case "expiration":
			expiration = m.value
		case "conditions":
			conditions = m.value
		default:
			return nil, invalidPolicy("Unexpected: '" + strings.ToLower(m.name) + "'")
		}
	}
	p := &PostPolicy{}
	var err error
	if p.expiration, err = parseExpiration(expiration); err != nil {
		return nil, err
	}
	if conditions == nil {
		return nil, invalidPolicy("Policy missing conditions.")
	}
	list, ok := readList(conditions)
	if !ok {
		return nil, invalidPolicy(faultConditions)
	}
	for _, raw := range list {
		c, err := parsePostCondition(raw)
		if err != nil {
			return nil, err
		}
		p.conditions = append(p.conditions, c)
	}
	return p, nil
}

// parseExpiration reads the time of a policy: ISO 8601 in UTC, with or without fractions of a second. Other offsets
// are refused, as S3 does (R-IS:dwilkie/carrierwave_direct#2).
func parseExpiration(raw json.RawMessage) (time.Time, error) {
	if raw == nil {
		return time.Time{}, invalidPolicy("Policy missing expiration.")
	}
	text, ok := readString(raw)
	if !ok {
		text = string(raw)
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", text)
	if err != nil || strings.Contains(text, ",") { // Go takes a comma for the point of a fraction
		return time.Time{}, invalidPolicy("Invalid 'expiration' value: '" + text + "'")
	}
	return t, nil
}

// parsePostCondition reads a condition in either form: {"field": "value"} or ["operator", "$field", "value"].
func parsePostCondition(raw json.RawMessage) (postCondition, error) {
	switch raw[0] {
	case '{':
		return parseSimpleCondition(raw)
	case '[':
		return parseListCondition(raw)
	}
	return postCondition{}, invalidPolicy(faultCondition)
}

func parseSimpleCondition(raw json.RawMessage) (postCondition, error) {
	members, err := readMembers(raw)
	if err != nil {
		return postCondition{}, err
	}
	if len(members) != 1 {
		return postCondition{}, invalidPolicy(faultProperties)
	}
	name := members[0].name
	value, ok := readString(members[0].value)
	if !ok {
		return postCondition{}, invalidPolicy(faultSimple)
	}
	// S3 shows simple conditions in the other form (R-IS:boto/boto3#4514).
	return postCondition{
		operator: postEqual,
		field:    strings.ToLower(name),
		value:    value,
		text:     "[" + quoted("eq") + ", " + quoted("$"+name) + ", " + quoted(value) + "]",
	}, nil
}

func parseListCondition(raw json.RawMessage) (postCondition, error) {
	list, ok := readList(raw)
	if !ok {
		return postCondition{}, invalidPolicy(faultJSON)
	}
	if len(list) == 0 {
		return postCondition{}, invalidPolicy(faultOperation)
	}
	operation, ok := readString(list[0])
	if !ok {
		return postCondition{}, invalidPolicy(faultOperation)
	}
	parse, known := postOperations[strings.ToLower(operation)]
	if !known {
		return postCondition{}, invalidPolicy("Invalid Condition: unknown operation '" + operation + "'.")
	}
	if len(list) != 3 {
		return postCondition{}, invalidPolicy("Invalid " + operation + ": wrong number of arguments.")
	}
	c, ok := parse(list[1], list[2])
	if !ok {
		return postCondition{}, invalidPolicy(faultJSON)
	}
	c.text = "[" + quoted(operation) + ", " + shown(list[1]) + ", " + shown(list[2]) + "]"
	return c, nil
}

// postOperations are the operations of conditions in list form, in lower case, and what reads their operands.
var postOperations = map[string]func(first, second json.RawMessage) (postCondition, bool){
	"eq":                   matchOperands(postEqual),
	"starts-with":          matchOperands(postStartsWith),
	"content-length-range": rangeOperands,
}

// matchOperands reads "$field" and "value".
func matchOperands(operator postOperator) func(first, second json.RawMessage) (postCondition, bool) {
	return func(first, second json.RawMessage) (postCondition, bool) {
		field, okField := readString(first)
		value, okValue := readString(second)
		name, named := strings.CutPrefix(field, "$")
		if !named {
			return postCondition{operator: postNever}, okField && okValue
		}
		return postCondition{operator: operator, field: strings.ToLower(name), value: value}, okField && okValue
	}
}

// rangeOperands reads two sizes in bytes, each a number or a string of digits.
func rangeOperands(first, second json.RawMessage) (postCondition, bool) {
	smallest, okSmallest := readSize(first)
	largest, okLargest := readSize(second)
	if okSmallest && okLargest {
		return postCondition{operator: postLengthRange, min: smallest, max: largest}, true
	}
	// A string that is no number fails the form, anything else the document (R-LS; R-IS: a fraction).
	_, isText := readString(first)
	_, isTextToo := readString(second)
	return postCondition{operator: postNever}, (okSmallest || isText) && (okLargest || isTextToo)
}

func readSize(raw json.RawMessage) (int64, bool) {
	text, ok := readString(raw)
	if !ok {
		text = string(raw)
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}

// shown returns an operand as error messages show it.
func shown(raw json.RawMessage) string {
	if text, ok := readString(raw); ok {
		return quoted(text)
	}
	return string(raw)
}

// quoted writes s as S3 shows strings of conditions.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// jsonMember is a name and a value of a JSON object.
type jsonMember struct {
	name  string
	value json.RawMessage
}

// readMembers returns the members of the JSON object that document is, in their order. A name that comes twice is
// refused: readers differ in which of the values counts.
func readMembers(document []byte) ([]jsonMember, error) {
	d := json.NewDecoder(bytes.NewReader(document))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, invalidPolicy(faultJSON)
	}
	var members []jsonMember
	seen := make(map[string]bool)
	for d.More() {
		var m jsonMember
		token, err := d.Token()
		if err != nil {
			return nil, invalidPolicy(faultJSON)
		}
		m.name, _ = token.(string)
		if err := d.Decode(&m.value); err != nil || seen[m.name] || string(m.value) == "null" {
			return nil, invalidPolicy(faultJSON)
		}
		seen[m.name] = true
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, invalidPolicy(faultJSON)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalidPolicy(faultJSON)
	}
	return members, nil
}

// readList returns the elements of the JSON array raw.
func readList(raw json.RawMessage) ([]json.RawMessage, bool) {
	var list []json.RawMessage
	err := json.Unmarshal(raw, &list)
	return list, err == nil && raw[0] == '['
}

// readString returns the JSON string raw.
func readString(raw json.RawMessage) (string, bool) {
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil && raw[0] == '"'
}
