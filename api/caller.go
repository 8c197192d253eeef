package api

import (
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// nobody is who makes a request that nobody signed (spec AP3-1).
var nobody identity.Caller

// identify finds out who has signed the request. Asked again it costs little, unless it is
// somebody else by now.
func (x *exchange) identify() error {
	caller := &nobody
	switch {
	case x.session.Anonymous:
	case x.h.identities == nil:
		caller = &x.h.root
	default:
		var ok bool
		if caller, ok = x.h.identities.Caller(x.session.AccessKey); !ok { // it went since the signature was verified
			return refuse("InvalidAccessKeyId", "AWSAccessKeyId", x.session.AccessKey)
		}
	}
	if caller == x.caller {
		return nil
	}
	if caller != &nobody && x.h.identities != nil {
		x.h.identities.Used(x.session.AccessKey, x.started)
	}
	x.caller, x.principal = caller, caller.Principal.ARN()
	return nil
}

// owner returns the account of the caller, zero of an anonymous one.
func (x *exchange) owner() store.Owner {
	return ownerOf(&x.caller.Principal)
}

// ownerOf returns the account of a principal as the owner of what is its own.
func ownerOf(p *policy.Principal) store.Owner {
	return store.Owner{Account: p.Account, CanonicalID: p.CanonicalID, DisplayName: p.DisplayName}
}

// anonymousID is the canonical id that Amazon gives objects which nobody known wrote.
const anonymousID = "65a011a29cdf8ec533ec3d1ccaae921c"

// objectOwner returns who owns what the request stores, zero for the owner of the
// bucket: so it is with BucketOwnerEnforced, and with BucketOwnerPreferred if the
// request gives the bucket's owner full control. An ownership that cannot be read is
// an error when policy is asked.
func (x *exchange) objectOwner() store.Owner {
	if x.ownsBucket(&x.found) {
		return store.Owner{}
	}
	setting, err := x.ownership(x.bucket)
	given := setting == bucketOwnerPreferred && x.header(aclHeader) == "bucket-owner-full-control"
	switch {
	case err != nil, setting == bucketOwnerEnforced, given:
		return store.Owner{}
	case x.caller.Principal.Anonymous():
		return store.Owner{CanonicalID: anonymousID}
	}
	return x.owner()
}

// ownsBucket reports whether the caller belongs to the account that owns b.
func (x *exchange) ownsBucket(b *store.Bucket) bool {
	return !x.caller.Principal.Anonymous() && x.caller.Principal.Account == b.Owner.Account
}
