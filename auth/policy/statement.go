package policy

import (
	"fmt"
	"strings"
)

// statement is one statement, compiled.
type statement struct {
	sid          string
	line         int
	deny         bool
	principals   principals // of a bucket policy
	notPrincipal bool
	actions      actionSet // the known actions that it names, or those that NotAction leaves
	patterns     []string  // as written, for actions that are not known
	notAction    bool
	resources    []resource
	notResource  bool
	conditions   []condition
}

// resource is the pattern of an ARN.
type resource struct {
	pattern text
	full    bool // it is matched with the whole ARN; if not, with what follows s3ARN
	written string
	offset  int // where it stands in the policy
}

const s3ARN = "arn:aws:s3:::"

// elements are those of a statement, with the one that excludes each.
var elements = map[string]string{
	"Sid": "", "Effect": "", "Condition": "",
	"Principal": "NotPrincipal", "NotPrincipal": "Principal",
	"Action": "NotAction", "NotAction": "Action",
	"Resource": "NotResource", "NotResource": "Resource",
}

// statement reads a statement and adds it to the document.
func (p *parser) statement(n *node) error {
	if n.kind != objectNode {
		return p.fail(n, badSyntax, "a statement is not an object")
	}
	for _, m := range n.members {
		other, known := elements[m.name]
		if !known {
			return p.failAt(m.offset, badSyntax, fmt.Sprintf("unknown element %q", m.name))
		}
		if other != "" && n.member(other) != nil {
			return p.failAt(m.offset, badSyntax, fmt.Sprintf("%s and %s exclude each other", m.name, other))
		}
	}
	s := statement{}
	s.line, _ = position(p.text, n.offset)
	for _, read := range []func(*statement, *node) error{p.sid, p.effect, p.principal, p.action, p.resource, p.condition} {
		if err := read(&s, n); err != nil {
			return err
		}
	}
	if err := p.check(&s, n); err != nil {
		return err
	}
	p.document.statements = append(p.document.statements, s)
	return nil
}

func (p *parser) sid(s *statement, n *node) error {
	v := n.member("Sid")
	if v == nil {
		return nil
	}
	if v.kind != stringNode {
		return p.fail(v, badSyntax, "Sid is not a string")
	}
	if v.text != "" && p.sids[v.text] {
		return p.fail(v, "Statement IDs (SID) in a single policy must be unique.", v.text)
	}
	p.sids[v.text] = true
	s.sid = v.text
	return nil
}

func (p *parser) effect(s *statement, n *node) error {
	v := n.member("Effect")
	switch {
	case v == nil:
		return p.fail(n, "Missing required field Effect", "")
	case v.kind != stringNode:
		return p.fail(v, badSyntax, "Effect is not a string")
	case v.text != "Allow" && v.text != "Deny":
		return p.fail(v, "Invalid effect: "+v.text, "")
	}
	s.deny = v.text == "Deny"
	return nil
}

func (p *parser) action(s *statement, n *node) error {
	list, not, err := p.either(n, "Action", "NotAction")
	if err != nil {
		return err
	}
	for _, v := range list {
		service, name, ok := strings.Cut(v.text, ":")
		if v.text != "*" && (!ok || service == "" || name == "") {
			return p.fail(v, invalidAction, v.text)
		}
		set := actionsOf(v.text)
		if set.empty() && (p.kind == Bucket || ownService(service)) {
			return p.fail(v, invalidAction, v.text)
		}
		s.actions.merge(set)
		s.patterns = append(s.patterns, lowerPattern(v.text))
	}
	if s.notAction = not; not {
		for i := range s.actions {
			s.actions[i] = ^s.actions[i]
		}
	}
	return nil
}

const invalidAction = "Policy has invalid action"

// ownService reports whether all actions of a service are known, so that another
// one is a mistake that would go unnoticed in a Deny.
func ownService(service string) bool {
	service = strings.ToLower(service)
	return service == "s3" || service == "tombstone"
}

func (p *parser) resource(s *statement, n *node) error {
	list, not, err := p.either(n, "Resource", "NotResource")
	if err != nil {
		return err
	}
	s.notResource = not
	for _, v := range list {
		rest, ok := strings.CutPrefix(v.text, s3ARN)
		switch {
		case ok && rest == "":
			return p.fail(v, invalidResource, v.text)
		case !ok && p.kind == Bucket:
			return p.fail(v, invalidResource, v.text)
		case !ok && v.text != "*" && !strings.HasPrefix(v.text, "arn:"):
			return p.fail(v, invalidResource, v.text)
		}
		if !ok {
			rest = v.text
		}
		t, err := p.compile(v, rest, true)
		if err != nil {
			return err
		}
		s.resources = append(s.resources, resource{pattern: t, full: !ok && v.text != "*", written: v.text, offset: v.offset})
	}
	return nil
}

const invalidResource = "Policy has invalid resource"

// compile reads a text in which variables may stand, and notes their keys.
func (p *parser) compile(n *node, s string, wild bool) (text, error) {
	t, err := compileText(s, wild, p.variables)
	if err != nil {
		return text{}, p.fail(n, badSyntax, err.Error())
	}
	p.note(&t)
	return t, nil
}

func (p *parser) note(t *text) {
	for i := range t.parts {
		if name := t.parts[i].variable.name; name != "" {
			p.document.keys[name] = true
		}
	}
}

// either returns the strings of an element that occurs in one of two forms, and
// whether it is the second.
func (p *parser) either(n *node, name, notName string) (list []*node, not bool, err error) {
	v := n.member(name)
	if v == nil {
		v, not = n.member(notName), true
	}
	if v == nil {
		return nil, false, p.fail(n, "Missing required field "+name, "")
	}
	list, err = p.strings(v)
	if err == nil && len(list) == 0 {
		err = p.fail(v, "Missing required field "+name, "the list is empty")
	}
	return list, not, err
}

// strings returns the items of a list of strings, or of one string.
func (p *parser) strings(v *node) ([]*node, error) {
	list := v.items
	if v.kind != listNode {
		list = []*node{v}
	}
	for _, item := range list {
		if item.kind != stringNode {
			return nil, p.fail(item, badSyntax, "a string is expected")
		}
	}
	return list, nil
}
