package policy

import (
	"errors"
	"fmt"
	"strings"
)

const (
	resourceMismatch   = "Action does not apply to any resource(s) in statement"
	unknownKey         = "Policy has an invalid condition key"
	conditionMismatch  = "Conditions do not apply to combination of actions and resources in statement"
	unknownOperator    = "Invalid Condition type : "
	invalidValue       = "Invalid value in Conditions"
	invalidAddress     = "Invalid IP address in Conditions"
	maxConditionValues = 1000
)

// condition reads the conditions.
func (p *parser) condition(s *statement, n *node) error {
	v := n.member("Condition")
	if v == nil {
		return nil
	}
	if v.kind != objectNode {
		return p.fail(v, badSyntax, "Condition is not an object")
	}
	for _, m := range v.members {
		if err := p.operator(s, m); err != nil {
			return err
		}
	}
	return nil
}

// operator reads the keys and values of one operator.
func (p *parser) operator(s *statement, m member) error {
	o, set, ifExists, ok := parseOperator(m.name)
	if !ok {
		return p.failAt(m.offset, unknownOperator+m.name, "")
	}
	if m.value.kind != objectNode {
		return p.fail(m.value, badSyntax, m.name+" is not an object")
	}
	seen := make(map[string]bool)
	for _, k := range m.value.members {
		c := condition{
			written: m.name + " " + k.name, key: newKeyName(k.name),
			set: set, negated: o.negated, ifExists: ifExists, null: o.name == nullOperator,
		}
		if seen[c.key.name] {
			return p.failAt(k.offset, invalidJSON, fmt.Sprintf("%q occurs twice", k.name))
		}
		seen[c.key.name] = true
		if err := p.checkKey(k); err != nil {
			return err
		}
		if err := p.operands(&c, o, k.value); err != nil {
			return err
		}
		p.document.keys[c.key.name] = true
		s.conditions = append(s.conditions, c)
	}
	return nil
}

// checkKey refuses a condition key that S3 does not have. In a policy of a user
// the keys of other services pass.
func (p *parser) checkKey(k member) error {
	name := strings.ToLower(k.name)
	if _, ok := knownKey(name); ok {
		return nil
	}
	service, rest, ok := strings.Cut(name, ":")
	if p.kind == Identity && ok && rest != "" && !ownService(service) {
		return nil
	}
	return p.failAt(k.offset, unknownKey, k.name)
}

// operands reads the values of a condition.
func (p *parser) operands(c *condition, o operator, v *node) error {
	list := v.items
	if v.kind != listNode {
		list = []*node{v}
	}
	if len(list) == 0 || len(list) > maxConditionValues {
		return p.fail(v, invalidValue, fmt.Sprintf("%d values", len(list)))
	}
	for _, item := range list {
		if item.kind != stringNode && item.kind != scalarNode {
			return p.fail(item, badSyntax, "a string, number or boolean is expected")
		}
		operand, err := o.compile(item.text, p.variables)
		switch {
		case errors.Is(err, errAddress):
			return p.fail(item, invalidAddress, item.text)
		case err != nil:
			return p.fail(item, invalidValue, fmt.Sprintf("%s: %v", o.name, err))
		}
		p.noteOperand(operand)
		c.operands = append(c.operands, operand)
	}
	return nil
}

// noteOperand notes the keys of variables.
func (p *parser) noteOperand(o operand) {
	switch o := o.(type) {
	case equalOperand:
		p.note(&o.text)
	case foldOperand:
		p.note(&o.text)
	case likeOperand:
		p.note(&o.text)
	case *arnOperand:
		for i := range o {
			p.note(&o[i])
		}
	}
}

// check holds a statement of a bucket policy to what S3 admits: its resources
// belong to the bucket, its conditions to its actions, and its actions to its
// resources, in this order.
func (p *parser) check(s *statement, n *node) error {
	if p.kind != Bucket {
		return nil
	}
	if p.bucket != "" {
		for _, r := range s.resources {
			if !within(r.pattern, p.bucket) {
				return p.failAt(r.offset, invalidResource, r.written)
			}
		}
	}
	if err := p.checkConditions(s, n); err != nil {
		return err
	}
	return p.checkActions(s, n)
}

// within reports whether a resource is the bucket or begins with its name.
func within(pattern text, bucket string) bool {
	rest, ok := strings.CutPrefix(pattern.fixed, bucket)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == anyRun)
}

// checkConditions holds each key to the actions that have it: every action that
// the statement names has to, of a pattern one of those that it stands for.
func (p *parser) checkConditions(s *statement, n *node) error {
	for _, c := range s.conditions {
		set, _ := knownKey(c.key.name)
		if set.empty() {
			continue
		}
		for _, pattern := range namedSets(s) {
			if !pattern.meets(&set) {
				return p.fail(n.member("Condition"), conditionMismatch, c.written)
			}
		}
	}
	return nil
}

// checkActions holds each action to the kinds of resource that the statement
// names.
func (p *parser) checkActions(s *statement, n *node) error {
	if s.notAction || s.notResource {
		return nil
	}
	var fit actionSet
	for i := range s.resources {
		bucket, object := kinds(&s.resources[i].pattern)
		if bucket {
			fit.merge(levels[BucketLevel])
		}
		if object {
			fit.merge(levels[ObjectLevel])
		}
	}
	for i, pattern := range namedSets(s) {
		if !pattern.meets(&fit) {
			v := n.member("Action")
			if v.kind == listNode {
				v = v.items[i]
			}
			return p.fail(v, resourceMismatch, v.text)
		}
	}
	return nil
}

// namedSets returns what each pattern of Action stands for; of NotAction, all
// that it leaves.
func namedSets(s *statement) []actionSet {
	if s.notAction {
		return []actionSet{s.actions}
	}
	var sets []actionSet
	for _, pattern := range s.patterns {
		sets = append(sets, matching(pattern))
	}
	return sets
}

// kinds reports whether a resource can be a bucket and whether it can be an
// object.
func kinds(t *text) (bucket, object bool) {
	slash := strings.Contains(t.fixed, "/")
	return !slash, slash || strings.IndexByte(t.fixed, anyRun) >= 0
}
