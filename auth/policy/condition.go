package policy

// setMode is how the several values of one key count.
type setMode uint8

const (
	oneValue setMode = iota
	forAnyValue
	forAllValues
)

// condition is one key under one operator.
type condition struct {
	written  string // operator and key as in the policy
	key      keyName
	operands []operand
	set      setMode
	negated  bool // the operator says "not"
	ifExists bool
	null     bool // the operator is Null
}

// operand is one value of a condition. The answer about a value of the request
// is unknown if a variable of the operand has no value, or the request's is no
// number, date or address at all.
type operand interface {
	match(e *evaluation, value string) answer
}

// answer is whether a value matches.
type answer uint8

const (
	no answer = iota
	yes
	unknown
)

func answerOf(matches bool) answer {
	if matches {
		return yes
	}
	return no
}

// holds reports whether the condition is met, in a statement that denies or one
// that allows. An absent key meets what says "not", "if exists" or "for all",
// and nothing else (AP2-15).
func (c *condition) holds(e *evaluation, deny bool) bool {
	values, ok := e.lookup(&c.key)
	ok = ok && len(values) > 0
	all := c.set == forAllValues || c.set == oneValue && c.negated
	switch {
	case c.null:
		return c.nullHolds(ok)
	case !ok:
		return all || c.ifExists
	}
	for _, v := range values {
		if c.valueHolds(e, v, deny) != all {
			return !all
		}
	}
	return all
}

// nullHolds judges Null, whose operand "true" asks for the key to be absent.
func (c *condition) nullHolds(present bool) bool {
	for _, o := range c.operands {
		if o == booleanOperand(!present) {
			return true
		}
	}
	return false
}

// valueHolds reports whether one value of the request meets the condition. What
// "not" would make of a comparison with something unknown allows nothing.
func (c *condition) valueHolds(e *evaluation, value string, deny bool) bool {
	hit := false
	for _, o := range c.operands {
		switch o.match(e, value) {
		case yes:
			return !c.negated
		case unknown:
			hit = hit || c.negated && !deny
		}
	}
	return hit != c.negated
}
