package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// preparePutBucketPolicy replaces the policy of a bucket (spec AP3-10, WI3-11). Its text
// is kept as it is. Whoever is allowed to and is not of the owner's account is told so first.
func preparePutBucketPolicy(x *exchange) (task, error) {
	if err := x.checkPolicyOwner(); err != nil {
		return task{}, err
	}
	data, err := x.readConfig()
	if err != nil {
		return task{}, err
	}
	document, err := policy.ParseBucket(x.bucket, data)
	if err != nil {
		return task{}, malformedPolicy(err)
	}
	return task{run: func() error { return x.putBucketPolicy(document) }}, nil
}

// malformedPolicy answers why a document is no policy, and where (spec AP3-10).
func malformedPolicy(err error) error {
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	f := refuseWith("MalformedPolicy", syntax.Message)
	if syntax.Detail != "" {
		f.elements = append(f.elements, pair{"Detail", syntax.Detail})
	}
	if syntax.Line > 0 {
		f.elements = append(f.elements,
			pair{"Line", strconv.Itoa(syntax.Line)}, pair{"Column", strconv.Itoa(syntax.Column)})
	}
	return f
}

func (x *exchange) putBucketPolicy(document *policy.Document) error {
	block, err := x.accessBlock(x.bucket)
	if err != nil {
		return err
	}
	if block.blockPolicy && document.Public() {
		return x.publicBlocked("public policies are prevented by the BlockPublicPolicy setting")
	}
	if err := x.checkSelfAccess(document); err != nil {
		return err
	}
	return x.setBucketPolicy(document.JSON())
}

// checkPolicyOwner refuses those who are allowed to but do not belong to the account
// that owns the bucket: its policy is nobody else's.
func (x *exchange) checkPolicyOwner() error {
	if x.ownsBucket(&x.found) {
		return nil
	}
	return refuse("MethodNotAllowed", "ResourceType", "BUCKETPOLICY")
}

// checkSelfAccess refuses a policy that would take from the caller the permission to
// replace it, unless that is confirmed. The root of the owner keeps it whatever a policy
// says (spec AP3-9).
func (x *exchange) checkSelfAccess(document *policy.Document) error {
	if x.header("X-Amz-Confirm-Remove-Self-Bucket-Access") == "true" {
		return nil
	}
	q := x.asks(x.op.action)
	side, err := x.side(&q)
	if err != nil {
		return err
	}
	after := *side
	after.Policy = document
	d := policy.Evaluate(&policy.Request{
		Principal: &x.caller.Principal, Identity: x.caller.Policies,
		Action: q.action, Bucket: x.bucket, Values: &q,
	}, &after)
	if !d.Allowed {
		return refuseWith("MalformedPolicy", "The new policy would not allow you to change it again. "+
			"Send x-amz-confirm-remove-self-bucket-access: true if that is meant.")
	}
	return nil
}

// setBucketPolicy keeps a policy, nil for none.
func (x *exchange) setBucketPolicy(document []byte) error {
	if err := x.h.store.SetConfig(x.Context(), x.bucket, store.ConfigPolicy, document, x.maker()); err != nil {
		return err
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// prepareGetBucketPolicy shows the policy of a bucket, as it was put.
func prepareGetBucketPolicy(x *exchange) (task, error) {
	return task{run: func() error {
		if err := x.checkPolicyOwner(); err != nil {
			return err
		}
		data, err := x.h.store.Config(x.Context(), x.bucket, store.ConfigPolicy)
		switch {
		case err != nil:
			return err
		case data == nil:
			return refuse("NoSuchBucketPolicy")
		}
		x.set("Content-Type", "application/json")
		x.WriteHeader(http.StatusOK)
		_, err = x.Write(data)
		return err
	}}, nil
}

// prepareDeleteBucketPolicy removes the policy of a bucket; that there is none is no
// error (spec AP3-10).
func prepareDeleteBucketPolicy(x *exchange) (task, error) {
	return task{run: func() error {
		x.ignoreBody()
		if err := x.checkPolicyOwner(); err != nil {
			return err
		}
		return x.setBucketPolicy(nil)
	}}, nil
}

// prepareGetBucketPolicyStatus shows whether the policy of a bucket is public.
func prepareGetBucketPolicyStatus(x *exchange) (task, error) {
	return task{run: func() error {
		document, err := store.Parsed(x.Context(), x.h.store, x.bucket, store.ConfigPolicy, parseBucketPolicy)
		switch {
		case err != nil:
			return err
		case document == nil:
			return refuse("NoSuchBucketPolicy")
		}
		d := x.beginDocument(http.StatusOK, "PolicyStatus", false)
		d.flag("IsPublic", document.Public())
		return d.end("PolicyStatus")
	}}, nil
}
