package policy

// Evaluate decides a request (AP3-1 to AP3-7, AP3-9). b is nil when there is no
// bucket to ask: for an action on the service, and a bucket that is yet to be
// made; the caller's own policies then decide alone.
func Evaluate(r *Request, b *Resource) Decision {
	var e evaluation
	e.start(r, b)
	return e.decide()
}

func (e *evaluation) decide() Decision {
	p := e.request.Principal
	if e.keepsPolicy() {
		return Decision{Allowed: true, Reason: AllowedAsRoot}
	}
	var identity, bucket found
	if !p.Anonymous() && !p.Root() {
		for i := range e.request.Identity {
			identity.search(e, e.request.Identity[i].Name, e.request.Identity[i].Document)
		}
	}
	if e.bucket != nil {
		bucket.search(e, BucketPolicyName, e.bucket.Policy)
	}
	if identity.deny.number > 0 {
		return decided(ExplicitDeny, identity.deny)
	}
	if bucket.deny.number > 0 {
		return decided(ExplicitDeny, bucket.deny)
	}
	own := decided(AllowedByIdentity, identity.allow)
	if p.Root() {
		own = Decision{Allowed: true, Reason: AllowedAsRoot}
	}
	switch {
	case e.bucket == nil:
		return own
	case e.ownerDecides():
		return e.asOwner(own)
	case !p.Anonymous() && p.Account == e.bucket.Owner:
		return e.sameAccount(own, &bucket)
	}
	return e.otherAccount(own, &bucket)
}

// decided is the decision of a statement; refused for want of one if there is
// none.
func decided(reason Reason, at place) Decision {
	if at.number == 0 {
		return Decision{}
	}
	return Decision{
		Allowed: reason >= AllowedByIdentity, Reason: reason,
		Policy: at.policy, Statement: at.number, Sid: at.sid, Line: at.line,
	}
}

// keepsPolicy reports whether the root of the bucket owner's account asks for
// what it can never lose: to read, replace and remove the policy (AP3-9).
func (e *evaluation) keepsPolicy() bool {
	if e.bucket == nil || !e.request.Principal.Root() || e.request.Principal.Account != e.bucket.Owner {
		return false
	}
	switch e.request.Action {
	case "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy":
		return true
	}
	return false
}

// sameAccount decides for a caller of the account that owns the bucket: its own
// policies or the bucket's side suffice (AP3-4). What the bucket's side gives to
// the account as a whole is the account's to hand on, and gives a user nothing.
func (e *evaluation) sameAccount(own Decision, bucket *found) Decision {
	if own.Allowed {
		return own
	}
	if bucket.allow.number > 0 {
		return decided(AllowedByBucket, bucket.allow)
	}
	return e.byACL(toGroups)
}

// otherAccount decides for everybody else: the bucket's side has to allow, and
// for whoever is known so have their own policies (AP3-5).
func (e *evaluation) otherAccount(own Decision, bucket *found) Decision {
	theirs := decided(AllowedByBucket, bucket.allow)
	if !theirs.Allowed {
		theirs = decided(AllowedByBucket, bucket.delegated)
	}
	restricted := theirs.Allowed && e.bucket.Block.RestrictBuckets && e.bucket.Policy.Public()
	if !theirs.Allowed || restricted {
		theirs = e.byACL(toAnyone)
	}
	switch {
	case !theirs.Allowed && restricted:
		return Decision{Reason: RestrictedBucket}
	case e.request.Principal.Anonymous():
		return theirs
	case !theirs.Allowed:
		return Decision{Reason: NoResourceAllow}
	case !own.Allowed:
		return Decision{Reason: NoIdentityAllow}
	}
	return theirs
}

// ownerDecides reports whether the object is another account's than the bucket
// and the action one of those that only its ACL governs (AP3-6): to read it, and
// to read and change its ACL. To hide, remove or replace it is the bucket's side.
func (e *evaluation) ownerDecides() bool {
	b := e.bucket
	return !b.ACLsDisabled && b.ObjectOwner != "" && b.ObjectOwner != b.Owner &&
		e.action >= 0 && actions[e.action].list == objectList
}

// asOwner decides about an object of another account: its owner's own policies
// suffice, everybody else needs a grant in its ACL and, if known, their own
// policies. The bucket policy could only deny.
func (e *evaluation) asOwner(own Decision) Decision {
	p := e.request.Principal
	if !p.Anonymous() && p.Account == e.bucket.ObjectOwner {
		if own.Allowed {
			return own
		}
		return e.byACL(toGroups)
	}
	granted := e.byACL(toAnyone)
	switch {
	case !granted.Allowed:
		return Decision{Reason: NoObjectOwnerAllow}
	case !p.Anonymous() && !own.Allowed:
		return Decision{Reason: NoIdentityAllow}
	}
	return granted
}

// grantees is whose grants count.
type grantees uint8

const (
	toAnyone grantees = iota // accounts and groups
	toGroups                 // groups alone
)

// byACL looks for a grant of the action to the caller.
func (e *evaluation) byACL(who grantees) Decision {
	name, acl := e.acl()
	if acl == nil {
		return Decision{}
	}
	for i := range acl.Grants {
		if e.granted(&acl.Grants[i], who) == applies {
			return Decision{Allowed: true, Reason: AllowedByACL, Policy: name, Statement: i + 1}
		}
	}
	return Decision{}
}

// acl returns the ACL that can grant the action, and nil if none can.
func (e *evaluation) acl() (name string, acl *ACL) {
	if e.bucket == nil || e.bucket.ACLsDisabled || e.action < 0 {
		return "", nil
	}
	switch actions[e.action].list {
	case bucketList:
		return BucketACLName, e.bucket.BucketACL
	case objectList:
		return ObjectACLName, e.bucket.ObjectACL
	}
	return "", nil
}

// granted returns what keeps a grant from allowing the request.
func (e *evaluation) granted(g *Grant, who grantees) element {
	if !e.grantee(&g.Grantee, who) {
		return principalElement
	}
	if g.Permission != FullControl && g.Permission != actions[e.action].grant {
		return actionElement
	}
	return applies
}

// grantee reports whether a grant is to the caller. Groups do not count where
// the bucket ignores public ACLs.
func (e *evaluation) grantee(g *Grantee, who grantees) bool {
	p := e.request.Principal
	switch {
	case g.Group == "":
		return who == toAnyone && !p.Anonymous() && g.CanonicalID == p.CanonicalID
	case e.bucket.Block.IgnoreACLs:
		return false
	case g.Group == AllUsers:
		return true
	}
	return g.Group == AuthenticatedUsers && !p.Anonymous()
}
