package auth

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// PostPolicy is the policy document of a POST form: until when the form may be used, and what its fields and its
// file must be (docs/spec/wire.md §1.4). It never changes.
type PostPolicy struct {
	expiration time.Time
	conditions []postCondition
}

// postOperator is how a condition compares.
type postOperator int

const (
	// postNever is true of no form: a condition whose operands name no field or no numbers. S3 takes it into the
	// document and fails it there (R-LS:test_presigned_post_with_eq, test_post_object_policy_conditions_validation_size).
	postNever postOperator = iota
	postEqual
	postStartsWith
	postLengthRange
)

// postCondition is one condition of a policy.
type postCondition struct {
	operator postOperator
	field    string // in lower case and without $
	value    string // what the field must be or begin with
	min, max int64  // of postLengthRange, in bytes, both allowed
	text     string // the condition as error messages show it
}

// Check holds the fields of a form, before its file, against the conditions. Values have to be what will be acted
// upon: what [Form.Lookup] returns, with ${filename} in key replaced before. bucket is the one that the request names;
// it has to satisfy a condition like a field, so that a form serves no other bucket than the one it was made for.
// The size is for [PostPolicy.CheckLength].
//
// A false condition is AccessDenied (spec WI1.4-4), as is a field that no condition is about (spec WI1.4-5).
func (p *PostPolicy) Check(form Form, bucket string) error {
	for i := range p.conditions {
		if !p.conditions[i].holds(form, bucket) {
			return byPolicy("Policy Condition failed: " + p.conditions[i].text)
		}
	}
	for _, f := range form {
		if !p.covers(f.Name) {
			return byPolicy("Extra input fields: " + f.Name)
		}
	}
	if !p.covers(fieldBucket) {
		return byPolicy("Extra input fields: " + fieldBucket)
	}
	return nil
}

// LengthRange returns the smallest and the largest size of the file in bytes, both allowed; without a
// content-length-range they are 0 and [math.MaxInt64]. Of several ranges all hold.
func (p *PostPolicy) LengthRange() (smallest, largest int64) {
	largest = math.MaxInt64
	for _, c := range p.conditions {
		if c.operator == postLengthRange {
			smallest, largest = max(smallest, c.min), min(largest, c.max)
		}
	}
	return smallest, largest
}

// CheckLength returns EntityTooLarge or EntityTooSmall unless a file of size bytes is allowed (spec WI1.4-7).
func (p *PostPolicy) CheckLength(size int64) error {
	smallest, largest := p.LengthRange()
	proposed := Field{"ProposedSize", strconv.FormatInt(size, 10)}
	switch {
	case size > largest:
		return &Error{
			Reason:  EntityTooLarge,
			Message: "Your proposed upload exceeds the maximum allowed size",
			Fields:  []Field{proposed, {"MaxSizeAllowed", strconv.FormatInt(largest, 10)}},
		}
	case size < smallest:
		return &Error{
			Reason:  EntityTooSmall,
			Message: "Your proposed upload is smaller than the minimum allowed size",
			Fields:  []Field{proposed, {"MinSizeAllowed", strconv.FormatInt(smallest, 10)}},
		}
	}
	return nil
}

// checkExpiration returns AccessDenied once the policy has expired (spec WI1.4-3).
func (p *PostPolicy) checkExpiration(now time.Time) error {
	if now.After(p.expiration) {
		return byPolicy("Policy expired.")
	}
	return nil
}

// byPolicy is the answer to a form that its policy does not allow.
func byPolicy(detail string) *Error {
	return &Error{Reason: AccessDenied, Message: "Invalid according to Policy: " + detail}
}

// holds reports whether the condition is true of a form for bucket. A field that is not there satisfies no condition,
// not even that it begin with nothing (R-IS:waynehoover/s3_direct_upload#29).
func (c *postCondition) holds(form Form, bucket string) bool {
	if c.operator == postLengthRange {
		return true // when the size is known
	}
	value, sent := bucket, true
	if c.field != fieldBucket {
		value, sent = form.Lookup(c.field)
	}
	switch {
	case !sent:
		return false
	case c.operator == postEqual:
		return value == c.value
	case c.operator == postStartsWith && c.field == "content-type":
		return eachStartsWith(value, c.value)
	case c.operator == postStartsWith:
		return strings.HasPrefix(value, c.value)
	}
	return false
}

// eachStartsWith reports whether every element of a list of types begins with prefix; of all fields Content-Type alone
// is read as a list, with or without blanks (A-API:sigv4-HTTPPOSTConstructPolicy).
func eachStartsWith(list, prefix string) bool {
	for value := range strings.SplitSeq(list, ",") {
		if !strings.HasPrefix(strings.TrimLeft(value, " "), prefix) {
			return false
		}
	}
	return true
}

// uncovered are the fields that need no condition (spec WI1.4-1), besides x-ignore-*.
var uncovered = map[string]bool{
	fieldSignatureV4: true, fieldSignatureV2: true, fieldAccessKeyV2: true, fieldPolicy: true, "file": true,
}

// covers reports whether a condition is about the field, or none needs to be.
func (p *PostPolicy) covers(field string) bool {
	field = strings.ToLower(field)
	if uncovered[field] || strings.HasPrefix(field, "x-ignore-") {
		return true
	}
	for i := range p.conditions {
		if p.conditions[i].field == field {
			return true
		}
	}
	return false
}
