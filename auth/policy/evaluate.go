package policy

import "strings"

// Named is an identity policy under the name that decisions give it.
type Named struct {
	Name     string
	Document *Document
}

// Values holds the condition keys of a request.
type Values interface {
	// Lookup returns the values of a key, given in lower case as
	// "s3:existingobjecttag/project", and false when the request has none.
	// What follows the slash of a tag key is in lower case too: it is compared
	// without regard to case, as IAM compares all names of keys. It is not asked
	// for the keys about principal and owner: aws:username, aws:userid,
	// aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType,
	// aws:ResourceAccount, s3:ResourceAccount, aws:PrincipalIsAWSService and
	// aws:ViaAWSService follow from Request and Resource.
	Lookup(key string) (values []string, ok bool)
}

// Request is what is to be decided.
type Request struct {
	Principal *Principal // nil: anonymous
	Identity  []Named    // the caller's own policies; not looked at for a root
	Action    string     // as "s3:DeleteObjectVersion"
	Bucket    string     // "" for an action on the service, whose resource is "*"
	Key       string     // "" for an action on a bucket
	Values    Values     // nil: none
}

// PublicAccessBlock is the bucket's block of public access, all off by default.
type PublicAccessBlock struct {
	BlockACLs       bool // BlockPublicAcls; looked at when an ACL is set, not here
	IgnoreACLs      bool // IgnorePublicAcls: grants to groups do not count
	BlockPolicy     bool // BlockPublicPolicy; looked at when a policy is set, not here
	RestrictBuckets bool // RestrictPublicBuckets: a public policy allows nobody outside the owner's account
}

// Resource is what the bucket's side says about a request.
type Resource struct {
	Owner        string    // id of the account that owns the bucket
	Policy       *Document // nil: none
	ACLsDisabled bool      // BucketOwnerEnforced: ACLs do not count, and all objects are the bucket owner's (AP3-8)
	BucketACL    *ACL      // nil: private
	ObjectACL    *ACL      // nil: private
	ObjectOwner  string    // id of the account that owns the object; "" if unknown or there is none
	Block        PublicAccessBlock
}

// evaluation is one request being judged.
type evaluation struct {
	request  *Request
	bucket   *Resource // nil: none
	action   int       // index in actions; -1 if not known
	lower    string    // the action in lower case, if not known
	resource string    // what follows s3ARN
	server   bool      // the action is one of the server's own, which no ARN names
	own      [1]string // the value of an own key
}

// start fills e for a request.
func (e *evaluation) start(r *Request, b *Resource) {
	e.request, e.bucket = r, b
	i, ok := actionIndex[r.Action]
	e.action = i
	if !ok {
		e.action, e.lower = -1, strings.ToLower(r.Action)
	}
	e.server = r.Bucket == "" && strings.HasPrefix(r.Action, ownPrefix)
}

// name returns what follows s3ARN in the name of the resource.
func (e *evaluation) name() string {
	r := e.request
	switch {
	case r.Bucket == "":
		return "*"
	case r.Key == "":
		return r.Bucket
	case e.resource == "":
		e.resource = r.Bucket + "/" + r.Key
	}
	return e.resource
}

// lookup returns the values of a condition key.
func (e *evaluation) lookup(k *keyName) ([]string, bool) {
	if k.own != 0 {
		e.own[0] = k.own.value(e)
		return e.own[:], e.own[0] != ""
	}
	if e.request.Values == nil {
		return nil, false
	}
	return e.request.Values.Lookup(k.name)
}

// element is a part of a statement that can keep it from applying.
type element uint8

const (
	applies element = iota
	principalElement
	actionElement
	resourceElement
	conditionElement
)

// judge returns the first element of a statement that does not match, of a
// condition its index as well, and how the statement names the caller.
func (s *statement) judge(e *evaluation) (missed element, index int, r reach) {
	if r = s.reach(e.request.Principal); r == notNamed {
		return principalElement, 0, r
	}
	if !s.hasAction(e) {
		return actionElement, 0, r
	}
	if !s.hasResource(e) {
		return resourceElement, 0, r
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e, s.deny) {
			return conditionElement, i, r
		}
	}
	return applies, 0, r
}

func (s *statement) reach(p *Principal) reach {
	if !s.notPrincipal {
		return s.principals.match(p)
	}
	if s.principals.exempts(p) {
		return notNamed
	}
	return asSelf
}

func (s *statement) hasAction(e *evaluation) bool {
	if e.action >= 0 {
		return s.actions.has(e.action)
	}
	for _, p := range s.patterns {
		if match(p, e.lower) {
			return !s.notAction
		}
	}
	return s.notAction
}

// hasResource reports whether the resource matches. NotResource with a variable
// that has no value matches nothing in an Allow and everything in a Deny. What is said
// of all that is S3's, or has an ARN, says nothing of the server, its users and keys.
func (s *statement) hasResource(e *evaluation) bool {
	for i := range s.resources {
		r := &s.resources[i]
		if e.server && r.written != "*" {
			continue
		}
		name := e.name()
		if r.full {
			name = s3ARN + name
		}
		switch r.pattern.matches(e, name) {
		case yes:
			return !s.notResource
		case unknown:
			if s.notResource && !s.deny {
				return false
			}
		}
	}
	return s.notResource
}

// place is a statement of a policy.
type place struct {
	policy string
	number int // from 1; 0: none
	*statement
}

// found is what a search through policies came upon first.
type found struct {
	deny, allow, delegated place
}

// search looks for the first Deny that applies, and up to it the first Allow and
// the first one that leaves it to the caller's account.
func (f *found) search(e *evaluation, name string, d *Document) {
	if d == nil || f.deny.number > 0 {
		return
	}
	for i := range d.statements {
		s := &d.statements[i]
		if f.settled(s) {
			continue
		}
		missed, _, r := s.judge(e)
		if missed != applies {
			continue
		}
		at := place{name, i + 1, s}
		switch {
		case s.deny:
			f.deny = at
			return
		case r == asSelf:
			f.allow = at
		case f.delegated.number == 0:
			f.delegated = at
		}
	}
}

// settled reports whether s can add nothing to what was found.
func (f *found) settled(s *statement) bool { return !s.deny && f.allow.number > 0 }
