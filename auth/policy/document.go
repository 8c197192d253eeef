package policy

import (
	"fmt"
	"strings"
)

// Kind is what a policy belongs to.
type Kind uint8

// The kinds of policy.
const (
	Identity Kind = iota + 1 // to a user: without Principal, at most MaxIdentitySize bytes
	Bucket                   // to a bucket: with Principal, at most MaxBucketSize bytes
)

// The largest policies, in bytes without the white space between their tokens:
// those of a managed policy of IAM and of a bucket policy.
const (
	MaxIdentitySize = 6144
	MaxBucketSize   = 20480
)

// SyntaxError is a policy that is not well formed, MalformedPolicy in S3 (AP3-10).
type SyntaxError struct {
	Line, Column int    // where, from 1; the column counts bytes
	Message      string // what Amazon answers
	Detail       string // what exactly is wrong there; may be empty
}

// Error returns position, message and detail.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Document is a policy, ready to be evaluated. It does not change.
type Document struct {
	json       []byte
	statements []statement
	keys       map[string]bool // condition keys that occur, in lower case
	public     bool
}

// Parse reads a policy of either kind. A bucket policy is checked as far as that
// can be done without the bucket's name; use [ParseBucket] for one that is being
// set. Errors are [*SyntaxError].
func Parse(kind Kind, data []byte) (*Document, error) { return parse(kind, "", data) }

// ParseBucket reads the policy that is to be set on a bucket: all resources have
// to be the bucket or in it. Errors are [*SyntaxError].
func ParseBucket(bucket string, data []byte) (*Document, error) {
	return parse(Bucket, bucket, data)
}

// JSON returns the text of the policy as it was given. It must not be changed.
func (d *Document) JSON() []byte { return d.json }

// Mentions reports whether a condition or a variable uses a key that begins with
// keyPrefix, which is in lower case, as "s3:existingobjecttag/". Who would have
// to fetch something for such a key asks this first.
func (d *Document) Mentions(keyPrefix string) bool {
	if d == nil {
		return false
	}
	for key := range d.keys {
		if strings.HasPrefix(key, keyPrefix) {
			return true
		}
	}
	return false
}

// Public reports whether S3 calls the bucket policy public: a statement allows
// everybody, and none of its conditions holds that to fixed values.
// (A-UG:access-control-block-public-access, "The meaning of public")
func (d *Document) Public() bool { return d != nil && d.public }

// The versions of the policy language. Only the second has variables; a policy
// that says none is of the first.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// parser turns the JSON of a policy into statements.
type parser struct {
	kind      Kind
	bucket    string // "" if unknown
	text      []byte
	variables bool
	sids      map[string]bool
	document  *Document
}

func parse(kind Kind, bucket string, data []byte) (*Document, error) {
	data = append([]byte(nil), data...)
	size := MaxIdentitySize
	if kind == Bucket {
		size = MaxBucketSize
	}
	root, err := readObject(data, size)
	if err != nil {
		return nil, err
	}
	p := &parser{
		kind: kind, bucket: bucket, text: data, sids: make(map[string]bool),
		document: &Document{json: data, keys: make(map[string]bool)},
	}
	if err := p.policy(root); err != nil {
		return nil, err
	}
	p.document.public = kind == Bucket && publicStatements(p.document.statements)
	return p.document, nil
}

// policy reads the elements of the policy itself.
func (p *parser) policy(root *node) error {
	for _, m := range root.members {
		switch m.name {
		case "Version":
			if m.value.kind != stringNode || m.value.text != version2008 && m.value.text != version2012 {
				return p.fail(m.value, "The policy must contain a valid version string", "")
			}
			p.variables = m.value.text == version2012
		case "Id":
			if m.value.kind != stringNode {
				return p.fail(m.value, badSyntax, "Id is not a string")
			}
		case "Statement":
		default:
			return p.failAt(m.offset, badSyntax, fmt.Sprintf("unknown element %q", m.name))
		}
	}
	list := root.member("Statement")
	switch {
	case list == nil:
		return p.fail(root, "Missing required field Statement", "")
	case list.kind == objectNode:
		return p.statement(list)
	case list.kind != listNode:
		return p.fail(list, badSyntax, "Statement is neither an object nor a list")
	case len(list.items) == 0:
		return p.fail(list, "Could not parse the policy: Statement is empty!", "")
	}
	for _, n := range list.items {
		if err := p.statement(n); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) fail(n *node, message, detail string) error {
	return p.failAt(n.offset, message, detail)
}

func (p *parser) failAt(offset int, message, detail string) error {
	return syntaxError(p.text, offset, message, detail)
}
