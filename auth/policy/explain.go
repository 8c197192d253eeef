package policy

import "fmt"

// Step is one statement that was looked at, or one grant of an ACL.
type Step struct {
	Policy    string // as in Decision
	Statement int    // its number, from 1; of a grant in an ACL
	Sid       string // of a statement
	Line      int    // of a statement
	Deny      bool   // its effect
	Matched   bool   // it applies to the request
	Why       string // the first thing that did not match; what a match is worth if that is not plain; or ""
}

// String returns the step in one line, as
// `backup-writer, statement 2 "NoDestroy", line 14: Deny does not apply: another action`.
func (s Step) String() string {
	d := Decision{Policy: s.Policy, Statement: s.Statement, Sid: s.Sid, Line: s.Line}
	effect, verb := "Allow", "does not apply"
	if s.Deny {
		effect = "Deny"
	}
	if s.Matched {
		verb = "applies"
	}
	line := fmt.Sprintf("%s: %s %s", d.place(), effect, verb)
	if s.Why != "" {
		line += ": " + s.Why
	}
	return line
}

// Explain evaluates as [Evaluate] does. It returns besides what each statement
// of each policy did and each grant of the ACL that could grant the action, in
// this order: the caller's own policies, the bucket policy, the ACL.
func Explain(r *Request, b *Resource) ([]Step, Decision) {
	var e evaluation
	e.start(r, b)
	var steps []Step
	if p := r.Principal; !p.Anonymous() && !p.Root() {
		for _, n := range r.Identity {
			steps = e.explain(steps, n.Name, n.Document)
		}
	}
	if b != nil {
		steps = e.explain(steps, BucketPolicyName, b.Policy)
	}
	return e.explainACL(steps), e.decide()
}

// explain adds the statements of a policy.
func (e *evaluation) explain(steps []Step, name string, d *Document) []Step {
	if d == nil {
		return steps
	}
	for i := range d.statements {
		s := &d.statements[i]
		missed, condition, r := s.judge(e)
		step := Step{Policy: name, Statement: i + 1, Sid: s.sid, Line: s.line, Deny: s.deny, Matched: missed == applies}
		switch missed {
		case principalElement:
			step.Why = "another principal"
		case actionElement:
			step.Why = "another action"
		case resourceElement:
			step.Why = "another resource"
		case conditionElement:
			step.Why = "condition not met: " + s.conditions[condition].written
		case applies:
			step.Why = e.worth(s, r)
		}
		steps = append(steps, step)
	}
	return steps
}

// worth says why an Allow that applies may allow nothing all the same.
func (e *evaluation) worth(s *statement, r reach) string {
	p := e.request.Principal
	switch {
	case s.deny || e.bucket == nil:
		return ""
	case r == asAccount && p.Account == e.bucket.Owner:
		return "it names the account, whose own policies decide about its users"
	case e.ownerDecides():
		return "the object belongs to another account, and its ACL decides"
	}
	return ""
}

// explainACL adds the grants of the ACL that could grant the action.
func (e *evaluation) explainACL(steps []Step) []Step {
	name, acl := e.acl()
	if acl == nil {
		return steps
	}
	for i := range acl.Grants {
		missed := e.granted(&acl.Grants[i], toAnyone)
		step := Step{Policy: name, Statement: i + 1, Matched: missed == applies}
		switch {
		case missed == actionElement:
			step.Why = "another permission"
		case missed == principalElement && acl.Grants[i].Grantee.public() && e.bucket.Block.IgnoreACLs:
			step.Why = "public ACLs are ignored"
		case missed == principalElement:
			step.Why = "another grantee"
		}
		steps = append(steps, step)
	}
	return steps
}
