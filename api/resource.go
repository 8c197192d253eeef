package api

import (
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// resourceOf returns what the side of bucket b says about a request on it: its policy, its
// ACL and that of the object whose facts are given, and what it blocks (spec AP3-2). Of an
// object that is not there, or not looked at, facts are nil. What was said once is kept by
// the store as it was parsed: nothing is read here.
func (x *exchange) resourceOf(b *store.Bucket, facts *store.ObjectFacts) (*policy.Resource, error) {
	document, err := store.Parsed(x.Context(), x.h.store, b.Name, store.ConfigPolicy, parseBucketPolicy)
	if err != nil {
		return nil, err
	}
	block, err := x.accessBlock(b.Name)
	if err != nil {
		return nil, err
	}
	owned, err := x.ownership(b.Name)
	if err != nil {
		return nil, err
	}
	r := &policy.Resource{
		Owner: b.Owner.Account, Policy: document, Block: block.settings(), ACLsDisabled: owned == bucketOwnerEnforced,
	}
	if r.ACLsDisabled {
		r.ObjectOwner = b.Owner.Account // of all of them (spec AP3-8)
		return r, nil
	}
	if r.BucketACL, err = x.bucketACL(b.Name); err != nil {
		return nil, err
	}
	return r, addObject(r, facts)
}

// addObject adds what is known of the object to r. One of an anonymous writer has an
// owner without an account.
func addObject(r *policy.Resource, facts *store.ObjectFacts) (err error) {
	if facts == nil || !facts.Exists || facts.Marker {
		return nil
	}
	r.ObjectOwner = facts.Owner.Account
	if len(facts.ACL) > 0 {
		r.ObjectACL, err = policy.DecodeACL(facts.ACL)
	}
	return err
}

// parseBucketPolicy reads a bucket policy that was found good when it was put.
func parseBucketPolicy(document []byte) (*policy.Document, error) {
	return policy.Parse(policy.Bucket, document)
}

// bucketACL returns the ACL of a bucket, nil for the private one.
func (x *exchange) bucketACL(name string) (*policy.ACL, error) {
	return store.Parsed(x.Context(), x.h.store, name, store.ConfigBucketACL, policy.DecodeACL)
}

// ownership returns who owns the objects of a bucket.
func (x *exchange) ownership(name string) (ownership, error) {
	o, err := store.Parsed(x.Context(), x.h.store, name, store.ConfigOwnershipControls, parseOwnership)
	if err != nil || o == nil {
		return bucketOwnerEnforced, err
	}
	return *o, nil
}

// parseOwnership reads a document that was kept. The empty one says that the controls
// were removed: then ACLs count, as in buckets that are older than the controls.
func parseOwnership(document []byte) (*ownership, error) {
	o := objectWriter
	if len(document) == 0 {
		return &o, nil
	}
	c, err := parseConfig(document, "OwnershipControls", readOwnership)
	if err == nil {
		o = c.(ownership)
	}
	return &o, err
}

// accessBlock returns what of public access a bucket blocks.
func (x *exchange) accessBlock(name string) (publicAccessBlock, error) {
	b, err := store.Parsed(x.Context(), x.h.store, name, store.ConfigPublicAccessBlock, parseAccessBlock)
	if err != nil || b == nil {
		return blockAll, err
	}
	return *b, nil
}

// parseAccessBlock reads a document that was kept. The empty one says that the block
// was removed.
func parseAccessBlock(document []byte) (*publicAccessBlock, error) {
	if len(document) == 0 {
		return &publicAccessBlock{}, nil
	}
	c, err := parseConfig(document, "PublicAccessBlockConfiguration", readPublicAccessBlock)
	if err != nil {
		return nil, err
	}
	b := c.(publicAccessBlock)
	return &b, nil
}

// publicBlocked refuses what would open a bucket to the public whose block of public
// access holds, and tells those who belong to its owner why, as Amazon does.
func (x *exchange) publicBlocked(why string) error {
	if !x.ownsBucket(&x.found) {
		return refuse("AccessDenied")
	}
	q := x.asks(x.op.action)
	return x.notAuthorized(&q, "because "+why+" in S3 Block Public Access")
}
