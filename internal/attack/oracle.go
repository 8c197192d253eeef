package attack

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// oracle says what a request may do, in the state that it meets.
type oracle struct {
	world *World
	state *State
	op    *Op
	who   policy.Principal
	own   map[string]string // the caller's policies, by name
	read  map[string]*document
}

// outcome is what a request may and has to do.
type outcome struct {
	refused string // why nothing may be done; empty: it has to be done
	open    bool   // the rules leave open whether it is done
	effects []effect
	spends  []effect // codes that are spent also if it is refused
}

// refuse is an outcome.
func refuse(format string, args ...any) outcome {
	return outcome{refused: fmt.Sprintf(format, args...)}
}

// judge says what becomes of an operation.
func (w *World) judge(s *State, op *Op, read map[string]*document) outcome {
	o := &oracle{world: w, state: s, op: op, read: read}
	if op.isEvent() {
		return outcome{}
	}
	if reason := o.identify(); reason != "" {
		return refuse("%s", reason)
	}
	if shapes[op.Kind].own != "" {
		return o.admin()
	}
	return o.request()
}

// identify finds out who asks.
func (o *oracle) identify() string {
	if o.op.By == "" {
		return ""
	}
	k, known := o.state.Keys[o.op.By]
	if !known || !k.Active || o.op.How == "forged" || o.op.How == "tampered" {
		return "the signature is not good"
	}
	a := o.state.Accounts[k.Account]
	o.who = policy.Principal{Account: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName, User: k.User}
	if k.User == "" {
		return ""
	}
	u := a.Users[k.User]
	o.who.Path, o.who.UserID = u.Path, u.ID
	o.own = map[string]string{}
	for name, text := range u.Inline {
		o.own["inline "+name] = text
	}
	for _, name := range u.Attached {
		if d, managed := policy.Managed(name); managed {
			o.own[name] = string(d.JSON())
		} else {
			o.own[name] = a.Policies[name]
		}
	}
	return ""
}

func (o *oracle) policy(text string) *document {
	d := o.read[text]
	if d == nil {
		d = readPolicy(text)
		o.read[text] = d
	}
	return d
}

// about is what an action is asked about.
type about struct {
	bucket  *Bucket // nil for the service
	key     string  // empty for the bucket
	version string  // as it is named
	named   bool
	object  *Version // whose tags, owner and ACL count; nil if they do not
	tags    []store.Tag
	lock    versioning.Lock
}

// target is what the request itself is about, its tags and lock included.
func (o *oracle) target() about {
	a := about{
		bucket: o.state.Buckets[o.op.Bucket], version: o.op.Version, named: o.op.Versioned, tags: o.op.tags(), lock: o.op.lock(),
	}
	if shapes[o.op.Kind].object || o.op.Kind == "PostObject" {
		a.key = o.op.Key
	}
	return a
}

// may reports whether the caller may do what an action names.
func (o *oracle) may(action string, of about) bool {
	allowed, _ := o.decide(action, of)
	return allowed
}

// decide is docs/spec/auth-and-policy.md §3.
func (o *oracle) decide(action string, of about) (allowed, denied bool) {
	b := of.bucket
	a := &ask{who: o.who, action: action, arn: "*"}
	if b != nil {
		if a.arn = b.Name; of.key != "" {
			a.arn += "/" + of.key
		}
	}
	a.values = o.values(of)
	root := o.who.Account != "" && o.who.User == ""
	if b != nil && root && o.who.Account == b.Owner.Account && strings.HasSuffix(action, "BucketPolicy") {
		return true, false // AP3-9
	}
	var own, theirs verdict
	if root {
		own.allowed = true
	}
	for _, text := range o.own {
		own.judge(a, o.policy(text), false)
	}
	if b == nil {
		return own.allowed && !own.denied, own.denied
	}
	theirs.judge(a, o.policy(b.Config[store.ConfigPolicy]), true)
	if own.denied || theirs.denied { // AP3-3
		return false, true
	}
	return o.weigh(action, of, own, theirs), false
}

// weigh decides where nothing is denied.
func (o *oracle) weigh(action string, of about, own, theirs verdict) bool {
	b, anonymous := of.bucket, o.who.Account == ""
	if owner := o.foreign(of, action); owner != "" { // AP3-6
		if o.who.Account == owner {
			return own.allowed || o.granted(action, of, false)
		}
		return o.granted(action, of, true) && (anonymous || own.allowed)
	}
	if o.who.Account == b.Owner.Account { // AP3-4
		return own.allowed || theirs.allowed || o.granted(action, of, false)
	}
	bucket := theirs.allowed || theirs.delegated // AP3-5
	if b.block().restrict && o.policy(b.Config[store.ConfigPolicy]).isPublic() {
		bucket = false
	}
	return (bucket || o.granted(action, of, true)) && (anonymous || own.allowed)
}

// foreign returns the account that alone decides about an object, empty if the bucket's does.
func (o *oracle) foreign(of about, action string) string {
	if of.object == nil || of.object.DeleteMarker || of.bucket.ownership() == enforced || objectGrants[action] == 0 {
		return ""
	}
	if owner := of.object.Owner.Account; owner != of.bucket.Owner.Account {
		return owner
	}
	return ""
}

// What a grant on an object, and on a bucket, allows.
var objectGrants = map[string]policy.Permission{
	"s3:GetObject": policy.Read, "s3:GetObjectVersion": policy.Read,
	"s3:GetObjectAcl": policy.ReadACP, "s3:GetObjectVersionAcl": policy.ReadACP,
	"s3:PutObjectAcl": policy.WriteACP, "s3:PutObjectVersionAcl": policy.WriteACP,
}

var bucketGrants = map[string]policy.Permission{
	"s3:ListBucket": policy.Read, "s3:ListBucketVersions": policy.Read, "s3:ListBucketMultipartUploads": policy.Read,
	"s3:PutObject": policy.Write, "s3:DeleteObject": policy.Write,
	"s3:GetBucketAcl": policy.ReadACP, "s3:PutBucketAcl": policy.WriteACP,
}

// granted reports whether an ACL grants the action to the caller; to their account only if
// accounts count.
func (o *oracle) granted(action string, of about, accountsCount bool) bool {
	if of.bucket.ownership() == enforced {
		return false
	}
	needed, stored := bucketGrants[action], []byte(of.bucket.Config[store.ConfigBucketACL])
	if p := objectGrants[action]; p != 0 {
		needed, stored = p, nil
		if of.object != nil {
			stored = of.object.ACL
		}
	}
	if needed == 0 || len(stored) == 0 {
		return false
	}
	acl, err := policy.DecodeACL(stored)
	if err != nil {
		return false
	}
	for _, g := range acl.Grants {
		if (g.Permission == needed || g.Permission == policy.FullControl) && o.isGrantee(of.bucket, g.Grantee, accountsCount) {
			return true
		}
	}
	return false
}

func (o *oracle) isGrantee(b *Bucket, g policy.Grantee, accountsCount bool) bool {
	switch {
	case g.Group == "":
		return accountsCount && o.who.Account != "" && g.CanonicalID == o.who.CanonicalID
	case b.block().ignoreACLs:
		return false
	case g.Group == policy.AllUsers:
		return true
	}
	return g.Group == policy.AuthenticatedUsers && o.who.Account != ""
}

// values are the condition keys of a request.
func (o *oracle) values(of about) map[string][]string {
	op, v := o.op, map[string][]string{}
	set := func(name string, value string, there bool) {
		if there {
			v[name] = []string{value}
		}
	}
	now := o.world.clock.Now()
	set("aws:sourceip", op.IP, true)
	set("aws:securetransport", fmt.Sprint(op.Secure), true)
	set("aws:currenttime", now.Format(time.RFC3339), true)
	set("aws:username", o.who.User, o.who.User != "")
	set("aws:principalarn", o.who.ARN(), o.who.Account != "")
	set("aws:principalaccount", o.who.Account, o.who.Account != "")
	if o.who.Account == "" {
		set("aws:principalaccount", "anonymous", true)
		set("aws:principalarn", o.who.ARN(), o.who.ARN() != "")
	} else {
		set("s3:authtype", map[string]string{"query": "REST-QUERY-STRING", "form": "POST"}[op.How], true)
		if op.How == "header" {
			set("s3:authtype", "REST-HEADER", true)
		}
	}
	set("s3:versionid", of.version, of.named)
	set("s3:if-match", op.header("If-Match"), op.sends("If-Match"))
	set("s3:x-amz-acl", op.header("X-Amz-Acl"), op.sends("X-Amz-Acl"))
	if of.bucket != nil {
		set("s3:resourceaccount", of.bucket.Owner.Account, true)
		state := map[versioning.State]string{versioning.Enabled: "Enabled", versioning.Suspended: "Suspended"}[of.bucket.Versioning]
		set("tombstone:versioning", state, state != "")
		set("tombstone:versioning", "Unversioned", state == "")
	}
	for _, t := range of.tags {
		set("s3:requestobjecttag/"+t.Key, t.Value, true)
		v["s3:requestobjecttagkeys"] = append(v["s3:requestobjecttagkeys"], t.Key)
	}
	if of.object != nil {
		for _, t := range of.object.Tags {
			set("s3:existingobjecttag/"+t.Key, t.Value, true)
		}
	}
	if l := of.lock; l.Mode != versioning.NoRetention {
		set("s3:object-lock-mode", l.Mode.String(), true)
		days := (l.Until.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour)
		set("s3:object-lock-remaining-retention-days", fmt.Sprint(int64(days)), true)
	}
	set("s3:object-lock-legal-hold", of.lock.Hold.String(), of.lock.Hold != versioning.HoldNever)
	return v
}
