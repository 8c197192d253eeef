package api

import (
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// maxGrants is how many grants an ACL may have, as on Amazon.
const maxGrants = 100

// wantedACL is the ACL that a request asks for: a canned one, or grants.
type wantedACL struct {
	canned string // name, empty if grants are asked for
	// document says that it came as a document, whose Owner has the canonical id owner.
	document bool
	owner    string
	wanted   []wantedGrant

	// What resolve finds out.
	grants  []policy.Grant
	blocked error // refuses a public one, nil where it may be
}

// wantedGrant is a grant as it was sent.
type wantedGrant struct {
	kind       granteeKind
	value      string
	permission policy.Permission
}

// granteeKind is how a grantee is named.
type granteeKind uint8

// The kinds.
const (
	granteeID granteeKind = iota + 1
	granteeGroup
	granteeEmail
)

// withoutEffect are the canned ACLs that say no more of an object of the bucket's owner
// than holds while ACLs are disabled. The guide names the last one only; Amazon was
// seen to accept all three.
var withoutEffect = []string{"private", "bucket-owner-read", "bucket-owner-full-control"}

// holds reports whether w says what holds while ACLs are disabled, of what belongs to
// owner (spec AP3-8).
func (w *wantedACL) holds(owner store.Owner) bool {
	if w.canned != "" {
		return isOneOf(w.canned, withoutEffect)
	}
	return len(w.wanted) == 1 && w.wanted[0] == wantedGrant{granteeID, owner.CanonicalID, policy.FullControl}
}

// resolve finds the accounts that w names, and whether it may be public.
func (x *exchange) resolve(w *wantedACL) error {
	block, err := x.accessBlock(x.bucket)
	if err != nil {
		return err
	}
	if block.blockACLs {
		w.blocked = x.publicBlocked("public access control lists (ACLs) are prevented by the BlockPublicAcls setting")
	}
	return x.resolveGrants(w)
}

// resolveGrants finds the accounts that w names.
func (x *exchange) resolveGrants(w *wantedACL) error {
	idName, groupName := "id", "uri" // as the recorded errors call them
	if w.document {
		idName, groupName = "CanonicalUser/ID", "Group/URI"
		if _, ok := x.accountOf(w.owner); !ok {
			return invalidArgument("Invalid id", idName, w.owner)
		}
	}
	for _, g := range w.wanted {
		var to policy.Grantee
		switch g.kind {
		case granteeID:
			owner, ok := x.accountOf(g.value)
			if !ok {
				return invalidArgument("Invalid id", idName, g.value)
			}
			to = granteeOf(owner)
		case granteeGroup:
			if !isOneOf(g.value, grantedGroups) {
				return invalidArgument("Invalid group uri", groupName, g.value)
			}
			to.Group = g.value
		default: // accounts have no addresses here
			return refuse("UnresolvableGrantByEmailAddress")
		}
		w.grants = append(w.grants, policy.Grant{Grantee: to, Permission: g.permission})
	}
	return nil
}

// grantedGroups are the groups that can be granted something.
var grantedGroups = []string{policy.AllUsers, policy.AuthenticatedUsers, policy.LogDelivery}

// accountOf returns the account with a canonical id.
func (x *exchange) accountOf(canonicalID string) (store.Owner, bool) {
	if x.h.identities == nil {
		known := ownerOf(&x.h.root.Principal)
		return known, canonicalID != "" && canonicalID == known.CanonicalID
	}
	a, ok := x.h.identities.AccountByCanonicalID(canonicalID)
	return store.Owner{Account: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName}, ok
}

// acl returns what w, which was resolved, is for a bucket, or an object, of owner. The
// owner that a document names has to be that one: nothing changes hands.
func (w *wantedACL) acl(owner, bucketOwner store.Owner) (policy.ACL, error) {
	if w.canned != "" {
		acl, _ := policy.Canned(w.canned, granteeOf(owner), granteeOf(bucketOwner))
		return acl, nil
	}
	if w.document && w.owner != owner.CanonicalID {
		return policy.ACL{}, refuse("AccessDenied")
	}
	return policy.ACL{Owner: granteeOf(owner), Grants: w.grants}, nil
}

// build returns the ACL as it is kept, nil for the private one. A public one is refused
// where BlockPublicAcls is set.
func (w *wantedACL) build(owner, bucketOwner store.Owner) ([]byte, error) {
	acl, err := w.acl(owner, bucketOwner)
	switch {
	case err != nil:
		return nil, err
	case w.blocked != nil && acl.Public():
		return nil, w.blocked
	}
	return encodeACL(&acl), nil
}

// encodeACL returns an ACL as it is kept, nil for the private one.
func encodeACL(acl *policy.ACL) []byte {
	if isPrivate(acl) {
		return nil
	}
	return acl.Encode()
}

// isPrivate reports whether acl is the private one: its owner may everything, and
// nobody else anything.
func isPrivate(acl *policy.ACL) bool {
	return len(acl.Grants) == 1 && acl.Grants[0] == policy.Grant{Grantee: acl.Owner, Permission: policy.FullControl}
}

// grantsOwnerOnly reports whether acl grants nobody anything but its owner.
func grantsOwnerOnly(acl *policy.ACL) bool {
	for _, g := range acl.Grants {
		if g.Grantee.CanonicalID != acl.Owner.CanonicalID {
			return false
		}
	}
	return true
}

// objectACL reads the ACL that the headers of a request ask for that makes an object, and
// returns it as it is kept. While ACLs are disabled any but what holds anyway is refused
// (spec AP3-8).
func (x *exchange) objectACL() ([]byte, error) {
	wanted, err := x.headerACL()
	if err != nil || wanted == nil {
		return nil, err
	}
	owned, err := x.ownership(x.bucket)
	switch {
	case err != nil:
		return nil, err
	case owned == bucketOwnerEnforced && wanted.holds(x.found.Owner):
		return nil, nil
	case owned == bucketOwnerEnforced:
		return nil, refuse("AccessControlListNotSupported")
	}
	if err := x.resolve(wanted); err != nil {
		return nil, err
	}
	owner := x.objectOwner()
	if owner == (store.Owner{}) {
		owner = x.found.Owner
	}
	return wanted.build(owner, x.found.Owner)
}
