package policy

import (
	"net/netip"
	"strings"
)

// publicStatements reports whether a bucket policy is public.
func publicStatements(statements []statement) bool {
	for i := range statements {
		s := &statements[i]
		if !s.deny && s.principals.everyone && !s.confined() {
			return true
		}
	}
	return false
}

// confined reports whether a condition holds the statement to fixed values.
func (s *statement) confined() bool {
	for i := range s.conditions {
		if s.conditions[i].confines() {
			return true
		}
	}
	return false
}

// confiningKeys are the keys whose fixed values make a policy not public.
var confiningKeys = fieldSet(`
	aws:PrincipalAccount aws:PrincipalArn aws:PrincipalOrgID aws:SourceAccount aws:SourceArn aws:SourceOwner
	aws:SourceVpc aws:SourceVpce aws:userid s3:DataAccessPointAccount s3:DataAccessPointArn
	s3:x-amz-server-side-encryption-aws-kms-key-id`)

// confines reports whether the condition is met for fixed values only. One that
// an absent key meets confines nothing.
func (c *condition) confines() bool {
	if c.negated || c.null || c.ifExists || c.set == forAllValues {
		return false
	}
	for _, o := range c.operands {
		if !fixes(c.key.name, o) {
			return false
		}
	}
	return true
}

// fixes reports whether an operand stands for one value of a confining key, or
// for a range of addresses that is not broad.
func fixes(key string, o operand) bool {
	if a, ok := o.(addressOperand); ok {
		return key == "aws:sourceip" && narrow(netip.Prefix(a))
	}
	if !confiningKeys[key] {
		return false
	}
	switch o := o.(type) {
	case equalOperand:
		return fixed(&o.text)
	case foldOperand:
		return fixed(&o.text)
	case likeOperand:
		return fixed(&o.text)
	case *arnOperand:
		return fixedARN(key, o)
	}
	return false
}

// fixed reports whether a text has neither wildcard nor variable.
func fixed(t *text) bool {
	return !t.variable() && !strings.ContainsAny(t.fixed, "*?") &&
		strings.IndexByte(t.fixed, anyRun) < 0 && strings.IndexByte(t.fixed, anyOne) < 0
}

// fixedARN reports whether all parts of an ARN are fixed; of an access point
// its account is enough.
func fixedARN(key string, o *arnOperand) bool {
	const account = 4
	if key == "s3:dataaccesspointarn" {
		return fixed(&o[account]) && o[account].fixed != ""
	}
	for i := range o {
		if !fixed(&o[i]) {
			return false
		}
	}
	return true
}

// The broadest ranges that are not public, as lengths of their prefix.
const (
	narrowIPv4 = 8
	narrowIPv6 = 32
)

// narrow reports whether a range is not public: it is short, or of private
// addresses only.
func narrow(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() >= narrowIPv4
	}
	return p.Bits() >= narrowIPv6 || p.Addr().IsPrivate() && p.Bits() >= 7
}
