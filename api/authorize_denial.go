package api

import (
	"errors"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// denial refuses what policy does not allow. Callers of the account that owns the bucket
// are told what was not allowed to whom and on what, and by which kind of policy, as
// Amazon does; others are told nothing (spec AP3.2-5). Which statement decided is for
// the log.
func (x *exchange) denial(q *question, d policy.Decision) error {
	if x.caller.Principal.Anonymous() || q.bucket != nil && !x.creates() && !x.ownsBucket(q.bucket) {
		return refuse("AccessDenied")
	}
	because := denialReasons[d.Reason]
	if d.Reason == policy.ExplicitDeny && d.Policy == policy.BucketPolicyName {
		because = "with an explicit deny in a resource-based policy"
	}
	switch because {
	case "":
		return refuse("AccessDenied")
	case nothingAllows:
		because += q.action + " action"
	}
	return x.notAuthorized(q, because)
}

// notAuthorized refuses q in the words of Amazon, which end in because.
func (x *exchange) notAuthorized(q *question, because string) error {
	on := ""
	if q.bucket != nil {
		on = ` on resource: "` + q.resource() + `"`
	}
	return refuseWith("AccessDenied", "User: "+x.principal+" is not authorized to perform: "+q.action+on+" "+because)
}

// nothingAllows goes on with the action.
const nothingAllows = "because no identity-based policy allows the "

// denialReasons are the texts of Amazon for the reasons that are told.
var denialReasons = map[policy.Reason]string{
	policy.NothingAllows:   nothingAllows,
	policy.NoIdentityAllow: nothingAllows,
	policy.ExplicitDeny:    "with an explicit deny in an identity-based policy",
}

// resource returns the name of what q is about, as policies write it (spec AP2-1).
func (q *question) resource() string {
	switch {
	case q.bucket == nil:
		return "*"
	case q.key == "":
		return "arn:aws:s3:::" + q.bucketName()
	}
	return "arn:aws:s3:::" + q.bucketName() + "/" + q.key
}

// bucketName returns the name of the bucket of q, which may have to be made yet.
func (q *question) bucketName() string {
	if q.x.creates() {
		return q.x.bucket
	}
	return q.bucket.Name
}

// conceal returns what is answered to an error about the object of a key: whoever may
// not list the keys of the bucket is not told that there is none (spec AP3.2-2,
// AP3.2-4).
func (x *exchange) conceal(err error, b *store.Bucket) error {
	if err == nil {
		return nil
	}
	var refusal *versioning.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	actions := []string{listBucket}
	switch refusal.Reason {
	case versioning.NoSuchKey:
	case versioning.NoSuchVersion:
		actions = append(actions, listVersions)
	default:
		return err
	}
	var denial error
	for _, action := range actions {
		q := question{x: x, action: action, bucket: b}
		refused := x.ask(&q)
		if refused == nil {
			return err
		}
		if denial == nil {
			denial = refused
		}
	}
	return denial
}
