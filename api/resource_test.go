package api

import (
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// exchangeOn is an exchange about a bucket that exists.
func exchangeOn(s *testServer, name string) *exchange {
	s.t.Helper()
	found, err := s.store.Bucket(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	r := s.request("GET", "/"+name, nil)
	return &exchange{h: s.handler, r: r, target: target{level: bucket, bucket: name}, found: found}
}

// What the bucket's side says is what was put, from the moment on that the answer came.
//
// spec: AP3-2, AP3-8
func TestResource(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	x := exchangeOn(s, "bucket")
	writer := store.Owner{Account: "111111111111", CanonicalID: "w"}
	public, _ := policy.Canned("public-read", granteeOf(writer), granteeOf(testOwner))
	facts := &store.ObjectFacts{Exists: true, Owner: writer, ACL: public.Encode()}
	ask := func() *policy.Resource {
		t.Helper()
		r, err := x.resourceOf(&x.found, facts)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	all := policy.PublicAccessBlock{BlockACLs: true, IgnoreACLs: true, BlockPolicy: true, RestrictBuckets: true}
	if r := ask(); r.Owner != testOwner.Account || r.ObjectOwner != testOwner.Account || !r.ACLsDisabled ||
		r.ObjectACL != nil || r.BucketACL != nil || r.Policy != nil || r.Block != all {
		t.Errorf("a new bucket is %+v", r)
	}
	s.must("PUT", "/bucket?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>")
	s.must("PUT", "/bucket?publicAccessBlock", "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>")
	s.must("PUT", "/bucket?acl", "", "x-amz-acl", "public-read")
	s.must("PUT", "/bucket?policy", bucketStatement("Allow", `"*"`, "s3:ListBucket", "bucket"))
	if r := ask(); r.ACLsDisabled || r.ObjectOwner != writer.Account || !r.ObjectACL.Public() || !r.BucketACL.Public() ||
		r.Policy == nil || !r.Policy.Public() || r.Block != (policy.PublicAccessBlock{RestrictBuckets: true}) {
		t.Errorf("an open bucket is %+v", r)
	}
	s.must("DELETE", "/bucket?ownershipControls", "")
	s.must("DELETE", "/bucket?publicAccessBlock", "")
	s.must("DELETE", "/bucket?policy", "")
	s.must("PUT", "/bucket?acl", "", "x-amz-acl", "private")
	if r := ask(); r.ACLsDisabled || r.BucketACL != nil || r.Policy != nil || r.Block != (policy.PublicAccessBlock{}) {
		t.Errorf("a bucket without any is %+v", r)
	}
	for _, none := range []*store.ObjectFacts{nil, {}, {Exists: true, Marker: true, Owner: writer}} {
		if r, err := x.resourceOf(&x.found, none); err != nil || r.ObjectOwner != "" || r.ObjectACL != nil {
			t.Errorf("%+v is %+v, %v", none, r, err)
		}
	}
	facts.ACL = []byte("?")
	if r, err := x.resourceOf(&x.found, facts); err == nil {
		t.Errorf("a damaged ACL is %+v", r)
	}
}

// Nothing is read of a bucket that has none of these, and little is allocated.
func TestResourceCosts(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	x := exchangeOn(s, "bucket")
	const most = 1 // the result
	if n := testing.AllocsPerRun(100, func() {
		if _, err := x.resourceOf(&x.found, nil); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("%v allocations", n)
	}
}
