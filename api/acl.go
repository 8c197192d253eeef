package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetBucketACL shows the ACL of a bucket: while ACLs are disabled, that its
// owner may everything.
func prepareGetBucketACL(x *exchange) (task, error) {
	return task{run: func() error {
		owned, err := x.ownership(x.bucket)
		if err != nil {
			return err
		}
		var acl *policy.ACL
		if owned != bucketOwnerEnforced {
			acl, err = x.bucketACL(x.bucket)
		}
		if err != nil {
			return err
		}
		return x.showACL(x.found.Owner, acl)
	}}, nil
}

// prepareGetObjectACL shows the ACL of a version (spec VD4-3): while ACLs are
// disabled, that the owner of the bucket, whose all objects are, may everything.
func prepareGetObjectACL(x *exchange) (task, error) {
	return task{run: func() error {
		o, err := x.lookAt(versioning.GetObjectACL)
		if err != nil {
			return err
		}
		owned, err := x.ownership(x.bucket)
		if err != nil {
			return err
		}
		if owned == bucketOwnerEnforced {
			return x.showACL(x.found.Owner, nil)
		}
		var acl *policy.ACL
		if len(o.ACL) > 0 {
			acl, err = policy.DecodeACL(o.ACL)
		}
		if err != nil {
			return err
		}
		return x.showACL(o.Owner, acl)
	}}, nil
}

// lookAt finds the entry that a request on one is about, and names it in the answer.
func (x *exchange) lookAt(op versioning.Operation) (store.Object, error) {
	o, err := x.h.store.Head(x.Context(), x.readRequest(op))
	if err == nil {
		x.setNonEmpty("x-amz-version-id", o.VersionHeader)
	}
	return o, err
}

// granteeOf returns an account as ACLs name it.
func granteeOf(o store.Owner) policy.Grantee {
	return policy.Grantee{CanonicalID: o.CanonicalID, DisplayName: o.DisplayName}
}

// preparePutBucketACL replaces the ACL of a bucket. While ACLs are disabled, only what
// says the same as that is accepted (spec AP3-8).
func preparePutBucketACL(x *exchange) (task, error) {
	wanted, disabled, err := x.readACL()
	if err != nil {
		return task{}, err
	}
	if disabled {
		return x.accept(), nil
	}
	return task{run: func() error {
		acl, err := wanted.build(x.found.Owner, x.found.Owner)
		if err != nil {
			return err
		}
		if err := x.h.store.SetConfig(x.Context(), x.bucket, store.ConfigBucketACL, acl, x.maker()); err != nil {
			return err
		}
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

// preparePutObjectACL replaces the ACL of a version, which stays what it is (spec VD4-4,
// VD4-24). While ACLs are disabled, see preparePutBucketACL.
func preparePutObjectACL(x *exchange) (task, error) {
	wanted, disabled, err := x.readACL()
	if err != nil {
		return task{}, err
	}
	return task{run: func() (err error) {
		if disabled {
			_, err = x.lookAt(versioning.PutObjectACL)
		} else {
			err = x.setObjectACL(wanted)
		}
		if err == nil {
			x.WriteHeader(http.StatusOK)
		}
		return err
	}}, nil
}

func (x *exchange) setObjectACL(wanted *wantedACL) error {
	header, err := x.h.store.SetACL(x.Context(), store.ACLRequest{
		Bucket: x.bucket, Key: x.key, ID: x.version, Authorize: x.guard(), Made: x.maker(),
		Build: func(owner store.Owner) ([]byte, error) { return wanted.build(owner, x.found.Owner) },
	})
	if err == nil {
		x.setNonEmpty("x-amz-version-id", header)
	}
	return err
}

// readACL reads the ACL that a request sets, by header or by document, one of them.
// While ACLs are disabled any but what holds anyway is refused.
func (x *exchange) readACL() (wanted *wantedACL, disabled bool, err error) {
	if wanted, err = x.headerACL(); err != nil {
		return nil, false, err
	}
	owned, err := x.ownership(x.bucket)
	if err != nil {
		return nil, false, err
	}
	disabled = owned == bucketOwnerEnforced
	if disabled && wanted != nil && !wanted.holds(x.found.Owner) {
		return nil, true, refuse("AccessControlListNotSupported")
	}
	if wanted, err = x.orDocument(wanted); err != nil {
		return nil, disabled, err
	}
	if disabled && !wanted.holds(x.found.Owner) {
		return nil, true, refuse("AccessControlListNotSupported")
	}
	if !disabled {
		err = x.resolve(wanted)
	}
	return wanted, disabled, err
}

// orDocument reads the ACL that the body holds if the headers, which asked for wanted,
// ask for none.
func (x *exchange) orDocument(wanted *wantedACL) (*wantedACL, error) {
	data, err := x.readDocument(maxConfigDocument)
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0 && wanted == nil:
		return nil, refuse("MissingSecurityHeader", "MissingHeaderName", "x-amz-acl") // spec WI2.2-40
	case len(data) == 0:
		return wanted, nil
	case wanted != nil:
		return nil, refuse("UnexpectedContent") // spec WI2.2-56
	}
	if wanted, err = parseACL(data); err != nil {
		return nil, refuse("MalformedACLError") // spec WI2.2-33
	}
	return wanted, nil
}
