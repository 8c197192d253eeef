package attack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// bucketJudges are the judges of requests on buckets.
var bucketJudges = map[string]func(*oracle, *Bucket) outcome{
	"DeleteBucket": (*oracle).deleteBucket, "PutBucketVersioning": (*oracle).putVersioning,
	"PutObjectLockConfiguration": (*oracle).putLockConfiguration,
	"PutBucketPolicy":            (*oracle).putPolicy, "DeleteBucketPolicy": (*oracle).putPolicy,
	"PutBucketAcl":                    (*oracle).putBucketACL,
	"PutPublicAccessBlock":            setting(store.ConfigPublicAccessBlock, "s3:PutBucketPublicAccessBlock", ""),
	"DeletePublicAccessBlock":         setting(store.ConfigPublicAccessBlock, "s3:PutBucketPublicAccessBlock", "none"),
	"PutBucketOwnershipControls":      (*oracle).putOwnership,
	"DeleteBucketOwnershipControls":   setting(store.ConfigOwnershipControls, "s3:PutBucketOwnershipControls", "none"),
	"PutBucketTagging":                setting(store.ConfigTagging, "s3:PutBucketTagging", ""),
	"DeleteBucketTagging":             setting(store.ConfigTagging, "s3:PutBucketTagging", "gone"),
	"PutBucketRequestPayment":         setting(store.ConfigRequestPayment, "s3:PutBucketRequestPayment", ""),
	"PutBucketLifecycleConfiguration": (*oracle).putLifecycle,
	"DeleteBucketLifecycle":           setting(store.ConfigLifecycle, "s3:PutLifecycleConfiguration", "gone"),
}

// setting judges a configuration that is kept as it was sent. To remove it makes it "none",
// which is kept too, or "gone".
func setting(kind store.ConfigKind, action, removal string) func(*oracle, *Bucket) outcome {
	return func(o *oracle, b *Bucket) outcome {
		if !o.may(action, o.target()) {
			return refuse("%s is not allowed", action)
		}
		e := effect{name: configName(b.Name, kind), value: configFact(kind, o.op.Body), removed: removal == "gone"}
		if removal == "none" {
			e.value = ""
		}
		return outcome{effects: []effect{e}}
	}
}

func (o *oracle) createBucket() outcome {
	op := o.op
	if !o.mayCreate() {
		return refuse("s3:CreateBucket is not allowed")
	}
	if want, sent := op.Headers["X-Amz-Expected-Bucket-Owner"]; sent && want != o.who.Account {
		return refuse("the bucket would be somebody else's than expected")
	}
	if b := o.state.Buckets[op.Bucket]; b != nil {
		return outcome{open: true} // the answer may be that nothing has to be done
	}
	made := store.Bucket{Owner: store.Owner{Account: o.who.Account}, ObjectLock: op.sends("X-Amz-Bucket-Object-Lock-Enabled")}
	if made.ObjectLock {
		made.Versioning = versioning.Enabled
	}
	effects := []effect{{name: "bucket " + op.Bucket, value: bucketFact(&made)}}
	if owned := op.header("X-Amz-Object-Ownership"); owned != "" {
		effects = append(effects, effect{
			name: configName(op.Bucket, store.ConfigOwnershipControls), value: ownershipDocument(owned),
		})
	}
	return outcome{effects: effects}
}

// mayCreate asks the caller's own policies about a bucket that is not there yet.
func (o *oracle) mayCreate() bool {
	a := &ask{who: o.who, action: "s3:CreateBucket", arn: o.op.Bucket, values: o.values(about{})}
	var own verdict
	for _, text := range o.own {
		own.judge(a, o.policy(text), false)
	}
	root := o.who.Account != "" && o.who.User == ""
	return root || own.allowed && !own.denied
}

func ownershipDocument(owned string) string {
	return "<OwnershipControls><Rule><ObjectOwnership>" + owned + "</ObjectOwnership></Rule></OwnershipControls>"
}

// deleteBucket removes a bucket without entries with all that belongs to it (spec VD9).
func (o *oracle) deleteBucket(b *Bucket) outcome {
	if !o.may("s3:DeleteBucket", o.target()) {
		return refuse("s3:DeleteBucket is not allowed")
	}
	if len(b.Keys) > 0 {
		return refuse("the bucket is not empty")
	}
	var effects []effect
	for name := range o.state.facts() {
		if parts := strings.SplitN(name, " ", 3); slices.Contains(bucketFacts, parts[0]) && parts[1] == b.Name {
			effects = append(effects, effect{name: name, removed: true})
		}
	}
	return outcome{effects: effects}
}

// bucketFacts are the kinds of facts that belong to a bucket.
var bucketFacts = []string{"bucket", "config", "upload", "part"}

// putVersioning is spec OL1.1-9, OL2-4 and OL2-10.
func (o *oracle) putVersioning(b *Bucket) outcome {
	row := b.Bucket
	needed := row.MFADelete == store.MFADeleteEnabled
	switch between(o.op.Body, "<MfaDelete>", "</MfaDelete>") {
	case "Enabled":
		row.MFADelete, needed = store.MFADeleteEnabled, true
	case "Disabled":
		row.MFADelete = store.MFADeleteDisabled
	}
	row.Versioning = versioning.Enabled
	if strings.Contains(o.op.Body, "Suspended") {
		row.Versioning = versioning.Suspended
	}
	out := outcome{effects: []effect{{name: "bucket " + b.Name, value: bucketFact(&row)}}}
	switch {
	case !o.may("s3:PutBucketVersioning", o.target()):
		out = refuse("s3:PutBucketVersioning is not allowed")
	case row.ObjectLock && row.Versioning == versioning.Suspended:
		out = refuse("versions of a bucket with Object Lock are kept")
	case strings.Contains(o.op.Body, "<MfaDelete>Enabled") && b.Config[store.ConfigLifecycle] != "":
		out = refuse("the bucket has lifecycle rules")
	}
	return o.withToken(b, needed, out)
}

// putLifecycle is spec AP1-24 and LC6-2.
func (o *oracle) putLifecycle(b *Bucket) outcome {
	if b.MFADelete == store.MFADeleteEnabled {
		return refuse("MFA Delete is enabled")
	}
	return setting(store.ConfigLifecycle, "s3:PutLifecycleConfiguration", "")(o, b)
}

// putLockConfiguration is spec OL1.1-2 and OL1.1-3.
func (o *oracle) putLockConfiguration(b *Bucket) outcome {
	switch {
	case !o.may("s3:PutBucketObjectLockConfiguration", o.target()):
		return refuse("s3:PutBucketObjectLockConfiguration is not allowed")
	case b.Versioning != versioning.Enabled:
		return refuse("versions are not kept")
	}
	row := b.Bucket
	row.ObjectLock = true
	row.Retention = store.DefaultRetention{Mode: modes[between(o.op.Body, "<Mode>", "</Mode>")]}
	row.Retention.Days, _ = strconv.Atoi(between(o.op.Body, "<Days>", "</Days>"))
	row.Retention.Years, _ = strconv.Atoi(between(o.op.Body, "<Years>", "</Years>"))
	return outcome{effects: []effect{{name: "bucket " + b.Name, value: bucketFact(&row)}}}
}

// putPolicy judges PutBucketPolicy and DeleteBucketPolicy: the policy is that of the account
// that owns the bucket.
func (o *oracle) putPolicy(b *Bucket) outcome {
	action := "s3:" + o.op.Kind
	e := effect{name: configName(b.Name, store.ConfigPolicy), value: o.op.Body, removed: o.op.Kind == "DeleteBucketPolicy"}
	switch {
	case !o.may(action, o.target()):
		return refuse("%s is not allowed", action)
	case o.who.Account != b.Owner.Account:
		return refuse("the policy is that of the owner's account")
	case e.removed:
		return outcome{effects: []effect{e}}
	case b.block().blockPolicy && o.policy(o.op.Body).isPublic():
		return refuse("public policies are blocked")
	}
	after := *b
	after.Config = map[store.ConfigKind]string{}
	for kind, text := range b.Config {
		after.Config[kind] = text
	}
	after.Config[store.ConfigPolicy] = o.op.Body
	of := o.target()
	of.bucket = &after
	if !o.op.sends("X-Amz-Confirm-Remove-Self-Bucket-Access") && !o.may(action, of) {
		return refuse("the caller would lock itself out")
	}
	return outcome{effects: []effect{e}}
}

func (o *oracle) putBucketACL(b *Bucket) outcome {
	if !o.may("s3:PutBucketAcl", o.target()) {
		return refuse("s3:PutBucketAcl is not allowed")
	}
	fact, refused := o.acl(b, b.Owner)
	switch {
	case refused != "":
		return refuse("%s", refused)
	case b.ownership() == enforced:
		return outcome{}
	}
	return outcome{effects: []effect{{
		name: configName(b.Name, store.ConfigBucketACL), value: fact, removed: fact == "",
	}}}
}

// putOwnership refuses to switch ACLs off while that of the bucket grants something to others.
func (o *oracle) putOwnership(b *Bucket) outcome {
	out := setting(store.ConfigOwnershipControls, "s3:PutBucketOwnershipControls", "")(o, b)
	if out.refused == "" && strings.Contains(o.op.Body, enforced) {
		for _, grant := range strings.Split(aclFact([]byte(b.Config[store.ConfigBucketACL])), ",") {
			if grant != "" && !strings.HasPrefix(grant, b.Owner.CanonicalID+":") {
				return refuse("the ACL of the bucket grants %s", grant)
			}
		}
	}
	return out
}

// String shows an outcome.
func (out outcome) String() string {
	switch {
	case out.open:
		return "open " + out.refused
	case out.refused != "":
		return "refused: " + out.refused
	}
	return fmt.Sprintf("done, %d effects", len(out.effects))
}
