package policy

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
)

// operator is one row of the table of condition operators.
type operator struct {
	name    string
	negated bool
	compile func(value string, variables bool) (operand, error)
}

// operators are those of the IAM reference, without "IfExists" and the set
// prefixes, which all but Null can have.
var operators = []operator{
	{"StringEquals", false, compileEqual},
	{"StringNotEquals", true, compileEqual},
	{"StringEqualsIgnoreCase", false, compileFold},
	{"StringNotEqualsIgnoreCase", true, compileFold},
	{"StringLike", false, compileLike},
	{"StringNotLike", true, compileLike},
	{"NumericEquals", false, compileNumber(equal)},
	{"NumericNotEquals", true, compileNumber(equal)},
	{"NumericLessThan", false, compileNumber(less)},
	{"NumericLessThanEquals", false, compileNumber(less | equal)},
	{"NumericGreaterThan", false, compileNumber(greater)},
	{"NumericGreaterThanEquals", false, compileNumber(greater | equal)},
	{"DateEquals", false, compileDate(equal)},
	{"DateNotEquals", true, compileDate(equal)},
	{"DateLessThan", false, compileDate(less)},
	{"DateLessThanEquals", false, compileDate(less | equal)},
	{"DateGreaterThan", false, compileDate(greater)},
	{"DateGreaterThanEquals", false, compileDate(greater | equal)},
	{"Bool", false, compileBoolean},
	{"BinaryEquals", false, compileBinary},
	{"IpAddress", false, compileAddress},
	{"NotIpAddress", true, compileAddress},
	{"ArnEquals", false, compileARN},
	{"ArnLike", false, compileARN},
	{"ArnNotEquals", true, compileARN},
	{"ArnNotLike", true, compileARN},
	{nullOperator, false, compileBoolean},
}

const nullOperator = "Null"

// parseOperator returns the operator of a name and what goes with it, and false
// if there is no such operator.
func parseOperator(name string) (o operator, set setMode, ifExists, ok bool) {
	rest := name
	if r, found := strings.CutPrefix(rest, "ForAnyValue:"); found {
		set, rest = forAnyValue, r
	} else if r, found := strings.CutPrefix(rest, "ForAllValues:"); found {
		set, rest = forAllValues, r
	}
	rest, ifExists = strings.CutSuffix(rest, "IfExists")
	for _, o := range operators {
		if o.name != rest {
			continue
		}
		plain := rest == name
		return o, set, ifExists, plain || rest != nullOperator
	}
	return operator{}, 0, false, false
}

// What is wrong with an operand.
var (
	errAddress = errors.New("the value is no IP address or range")
	errOperand = errors.New("the value does not fit the operator")
)

type (
	equalOperand   struct{ text text }
	foldOperand    struct{ text text }
	likeOperand    struct{ text text }
	booleanOperand bool
	binaryOperand  string
	addressOperand netip.Prefix
	arnOperand     [arnParts]text
)

func compileEqual(s string, variables bool) (operand, error) {
	t, err := compileText(s, false, variables)
	return equalOperand{t}, err
}

func (o equalOperand) match(e *evaluation, value string) answer {
	t, ok := o.text.expand(e)
	if !ok {
		return unknown
	}
	return answerOf(t == value)
}

func compileFold(s string, variables bool) (operand, error) {
	t, err := compileText(s, false, variables)
	return foldOperand{t}, err
}

func (o foldOperand) match(e *evaluation, value string) answer {
	t, ok := o.text.expand(e)
	if !ok {
		return unknown
	}
	return answerOf(strings.EqualFold(t, value))
}

func compileLike(s string, variables bool) (operand, error) {
	t, err := compileText(s, true, variables)
	return likeOperand{t}, err
}

func (o likeOperand) match(e *evaluation, value string) answer { return o.text.matches(e, value) }

func compileBoolean(s string, _ bool) (operand, error) {
	b, ok := boolean(s)
	if !ok {
		return nil, errOperand
	}
	return booleanOperand(b), nil
}

func boolean(s string) (value, ok bool) {
	return strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}

func (o booleanOperand) match(_ *evaluation, value string) answer {
	b, ok := boolean(value)
	return answerOf(ok && b == bool(o))
}

func compileBinary(s string, _ bool) (operand, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errOperand
	}
	return binaryOperand(b), nil
}

func (o binaryOperand) match(_ *evaluation, value string) answer {
	b, err := base64.StdEncoding.DecodeString(value)
	return answerOf(err == nil && string(b) == string(o))
}

func compileAddress(s string, _ bool) (operand, error) {
	p, ok := addressRange(s)
	if !ok {
		return nil, errAddress
	}
	return addressOperand(p), nil
}

// addressRange reads an address or a range in CIDR notation, of IPv4 or IPv6.
func addressRange(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func (o addressOperand) match(_ *evaluation, value string) answer {
	a, err := netip.ParseAddr(value)
	if err != nil {
		return unknown
	}
	return answerOf(netip.Prefix(o).Contains(a.Unmap()))
}

// arnParts is how many parts an ARN has, colons in the last one not counted.
const arnParts = 6

// compileARN reads an ARN, each part of which is a pattern of its own, so that a
// star does not match over a colon into the next part.
func compileARN(s string, variables bool) (operand, error) {
	parts, ok := splitARN(s)
	if !ok {
		return nil, errOperand
	}
	var o arnOperand
	for i, p := range parts {
		t, err := compileText(p, true, variables)
		if err != nil {
			return nil, err
		}
		o[i] = t
	}
	return &o, nil
}

// splitARN cuts at the first five colons that are not in a variable.
func splitARN(s string) (parts [arnParts]string, ok bool) {
	n, start, inside := 0, 0, false
	for i := 0; i < len(s) && n < arnParts-1; i++ {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			inside = true
		case s[i] == '}':
			inside = false
		case s[i] == ':' && !inside:
			parts[n], start = s[start:i], i+1
			n++
		}
	}
	parts[n] = s[start:]
	return parts, n == arnParts-1 && parts[0] == "arn"
}

func (o *arnOperand) match(e *evaluation, value string) answer {
	for i := range o {
		part := value
		if i < arnParts-1 {
			before, after, ok := strings.Cut(value, ":")
			if !ok {
				return no
			}
			part, value = before, after
		}
		if a := o[i].matches(e, part); a != yes {
			return a
		}
	}
	return yes
}
