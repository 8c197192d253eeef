package attack

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// The settings of who owns objects.
const (
	enforced  = "BucketOwnerEnforced"
	preferred = "BucketOwnerPreferred"
	writer    = "ObjectWriter"
)

// ownership is that of a bucket: ACLs are off until it is said otherwise (spec AP3-8).
func (b *Bucket) ownership() string {
	text, there := b.Config[store.ConfigOwnershipControls]
	if !there {
		return enforced
	}
	for _, setting := range []string{enforced, preferred} {
		if strings.Contains(text, setting) {
			return setting
		}
	}
	return writer
}

// block is what of public access is blocked: all of it until it is said otherwise.
type block struct{ blockACLs, ignoreACLs, blockPolicy, restrict bool }

func (b *Bucket) block() block {
	text, there := b.Config[store.ConfigPublicAccessBlock]
	says := func(name string) bool { return !there || strings.Contains(text, "<"+name+">true<") }
	return block{says("BlockPublicAcls"), says("IgnorePublicAcls"), says("BlockPublicPolicy"), says("RestrictPublicBuckets")}
}

// requesterPays reports whether others than the owner have to say that they pay.
func (b *Bucket) requesterPays() bool {
	return strings.Contains(b.Config[store.ConfigRequestPayment], "<Payer>Requester<")
}

// tags are those that a request sends.
func (op *Op) tags() []store.Tag {
	var tags []store.Tag
	for _, pair := range strings.Split(op.header("X-Amz-Tagging"), "&") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			tags = append(tags, store.Tag{Key: key, Value: value})
		}
	}
	if op.Kind != "PutObjectTagging" {
		return tags
	}
	for _, m := range tagElement.FindAllStringSubmatch(op.Body, -1) {
		tags = append(tags, store.Tag{Key: m[1], Value: m[2]})
	}
	return tags
}

var tagElement = regexp.MustCompile(`<Tag><Key>([^<]*)</Key><Value>([^<]*)</Value></Tag>`)

var modes = map[string]versioning.Mode{"GOVERNANCE": versioning.Governance, "COMPLIANCE": versioning.Compliance}

var holds = map[string]versioning.Hold{"ON": versioning.HoldOn, "OFF": versioning.HoldOff}

// lock is what a request sets of a lock.
func (op *Op) lock() versioning.Lock {
	l := versioning.Lock{
		Mode: modes[op.header("X-Amz-Object-Lock-Mode")], Hold: holds[op.header("X-Amz-Object-Lock-Legal-Hold")],
	}
	until := op.header("X-Amz-Object-Lock-Retain-Until-Date")
	switch op.Kind {
	case "PutObjectLegalHold":
		l.Hold = holds[between(op.Body, "<Status>", "</Status>")]
	case "PutObjectRetention":
		l.Mode, until = modes[between(op.Body, "<Mode>", "</Mode>")], between(op.Body, "<RetainUntilDate>", "</RetainUntilDate>")
	}
	l.Until, _ = time.Parse(time.RFC3339, until)
	return l
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, found := strings.Cut(s, after)
	if !found {
		return ""
	}
	return s
}

// grantHeaders are the permissions that headers grant.
var grantHeaders = map[string]policy.Permission{
	"X-Amz-Grant-Full-Control": policy.FullControl, "X-Amz-Grant-Read": policy.Read,
	"X-Amz-Grant-Write": policy.Write, "X-Amz-Grant-Write-Acp": policy.WriteACP,
}

// wantsACL reports whether a request says who gets access.
func (op *Op) wantsACL() bool {
	if op.sends("X-Amz-Acl") {
		return true
	}
	for name := range op.Headers {
		if strings.HasPrefix(name, http.CanonicalHeaderKey("X-Amz-Grant-")) {
			return true
		}
	}
	return false
}

// grants are what a request asks for, of what belongs to owner.
func (op *Op) grants(owner, bucketOwner store.Owner) []policy.Grant {
	account := func(o store.Owner) policy.Grantee { return policy.Grantee{CanonicalID: o.CanonicalID} }
	if !op.sends("X-Amz-Acl") {
		return op.headerGrants()
	}
	list := []policy.Grant{{Grantee: account(owner), Permission: policy.FullControl}}
	add := func(g policy.Grantee, p policy.Permission) {
		list = append(list, policy.Grant{Grantee: g, Permission: p})
	}
	other := owner.CanonicalID != bucketOwner.CanonicalID
	switch name := op.header("X-Amz-Acl"); {
	case name == "public-read":
		add(policy.Grantee{Group: policy.AllUsers}, policy.Read)
	case name == "public-read-write":
		add(policy.Grantee{Group: policy.AllUsers}, policy.Read)
		add(policy.Grantee{Group: policy.AllUsers}, policy.Write)
	case name == "authenticated-read":
		add(policy.Grantee{Group: policy.AuthenticatedUsers}, policy.Read)
	case name == "bucket-owner-read" && other:
		add(account(bucketOwner), policy.Read)
	case name == "bucket-owner-full-control" && other:
		add(account(bucketOwner), policy.FullControl)
	}
	return list
}

func (op *Op) headerGrants() []policy.Grant {
	var list []policy.Grant
	for name, p := range grantHeaders {
		value := op.header(name)
		kind, who, _ := strings.Cut(strings.ReplaceAll(value, `"`, ""), "=")
		switch {
		case value == "":
		case kind == "id":
			list = append(list, policy.Grant{Grantee: policy.Grantee{CanonicalID: who}, Permission: p})
		default:
			list = append(list, policy.Grant{Grantee: policy.Grantee{Group: who}, Permission: p})
		}
	}
	return list
}

// acl says what a request makes of an ACL of owner's, as a fact, or why it may not.
func (o *oracle) acl(b *Bucket, owner store.Owner) (fact, refused string) {
	op := o.op
	if !op.wantsACL() {
		return "", ""
	}
	list := op.grants(owner, b.Owner)
	private := grantsFact(list) == owner.CanonicalID+":FULL_CONTROL"
	if b.ownership() == enforced { // AP3-8
		name := op.header("X-Amz-Acl")
		if name == "private" || strings.HasPrefix(name, "bucket-owner-") || name == "" && grantsFact(list) == b.Owner.CanonicalID+":FULL_CONTROL" {
			return "", ""
		}
		return "", "ACLs are disabled"
	}
	for _, g := range list {
		public := g.Grantee.Group == policy.AllUsers || g.Grantee.Group == policy.AuthenticatedUsers
		if public && b.block().blockACLs {
			return "", "public ACLs are blocked"
		}
	}
	if private {
		return "", ""
	}
	return grantsFact(list), ""
}

// anonymousID owns what nobody known wrote.
const anonymousID = "65a011a29cdf8ec533ec3d1ccaae921c"

// writes returns who owns what the request stores.
func (o *oracle) writes(b *Bucket) store.Owner {
	setting := b.ownership()
	given := setting == preferred && o.op.header("X-Amz-Acl") == "bucket-owner-full-control"
	switch {
	case o.who.Account == b.Owner.Account, setting == enforced, given:
		return b.Owner
	case o.who.Account == "":
		return store.Owner{CanonicalID: anonymousID}
	}
	return store.Owner{Account: o.who.Account, CanonicalID: o.who.CanonicalID}
}
