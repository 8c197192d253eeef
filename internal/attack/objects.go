package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// request judges a request of the S3 API.
func (o *oracle) request() outcome {
	op := o.op
	if o.who.Account == "" && signedOnly[op.Kind] {
		return refuse("nobody does that without a name")
	}
	if op.Kind == "CreateBucket" {
		return o.createBucket()
	}
	b := o.state.Buckets[op.Bucket]
	if b == nil {
		return refuse("there is no such bucket")
	}
	if want, sent := op.Headers["X-Amz-Expected-Bucket-Owner"]; sent && want != b.Owner.Account {
		return refuse("the bucket is somebody else's than expected") // AP4-1
	}
	if !o.pays(b) {
		return refuse("the requester has to pay")
	}
	if judge := objectJudges[op.Kind]; judge != nil {
		return judge(o, b)
	}
	return bucketJudges[op.Kind](o, b)
}

// objectJudges are the judges of requests on objects.
var objectJudges = map[string]func(*oracle, *Bucket) outcome{
	"PutObject": (*oracle).putObject, "PostObject": (*oracle).putObject, "CopyObject": (*oracle).copyObject,
	"GetObject": (*oracle).getObject, "DeleteObject": (*oracle).deleteObject, "DeleteObjects": (*oracle).deleteObjects,
	"CreateMultipartUpload": (*oracle).createUpload, "UploadPart": (*oracle).uploadPart, "UploadPartCopy": (*oracle).uploadPart,
	"CompleteMultipartUpload": (*oracle).completeUpload, "AbortMultipartUpload": (*oracle).abortUpload,
	"PutObjectRetention": (*oracle).putRetention, "PutObjectLegalHold": (*oracle).putHold,
	"PutObjectAcl": (*oracle).putObjectACL, "PutObjectTagging": (*oracle).putTags, "DeleteObjectTagging": (*oracle).putTags,
}

// signedOnly are what Amazon lets nobody do without a signature, whatever policies say.
var signedOnly = map[string]bool{
	"CreateMultipartUpload": true, "CopyObject": true, "CreateBucket": true, "PutBucketAcl": true, "PutObjectAcl": true,
	"PutBucketOwnershipControls": true, "DeleteBucketOwnershipControls": true,
}

// pays is AP5-1.
func (o *oracle) pays(b *Bucket) bool {
	if !b.requesterPays() || o.who.Account == b.Owner.Account {
		return true
	}
	return o.who.Account != "" && o.op.header("X-Amz-Request-Payer") == "requester"
}

// making is what a request says of the object that it makes.
type making struct {
	owner store.Owner
	acl   string
	tags  []store.Tag
	lock  versioning.Lock
	// unsure says that the retention ends about now.
	unsure bool
}

// makes judges what an object may be made with (spec AP1-11, AP1-12, OL1.2).
func (o *oracle) makes(b *Bucket) (m making, refused string) {
	op, of := o.op, o.target()
	m = making{owner: o.writes(b), tags: op.tags(), lock: op.lock()}
	if m.acl, refused = o.acl(b, m.owner); refused != "" {
		return m, refused
	}
	actions := []string{"s3:PutObject"}
	for action, asked := range map[string]bool{
		"s3:PutObjectAcl": op.wantsACL(), "s3:PutObjectTagging": op.sends("X-Amz-Tagging"),
		"s3:PutObjectRetention": m.lock.Mode != versioning.NoRetention, "s3:PutObjectLegalHold": m.lock.Hold != versioning.HoldNever,
	} {
		if asked {
			actions = append(actions, action)
		}
	}
	for _, action := range actions {
		if !o.may(action, of) {
			return m, action + " is not allowed"
		}
	}
	switch {
	case m.lock.IsZero():
	case !b.ObjectLock:
		return m, "the bucket has no Object Lock"
	case o.who.Account == "":
		return m, "locks have to be signed for"
	case m.lock.Mode != versioning.NoRetention && o.force(m.lock) == ended: // OL1.2-10
		return m, "the retention ends in the past"
	}
	m.unsure = o.force(m.lock) == unsure
	return m, ""
}

// stores is what storing an object does (spec VD3).
func (o *oracle) stores(b *Bucket, digest string, m making) []effect {
	fact := objectFact(digest, m.owner, m.tags, m.acl)
	lock := effect{value: lockFact(m.lock)}
	if d := b.Retention; m.lock.Mode == versioning.NoRetention && !d.IsZero() { // OL1.2-2
		lock.value = fmt.Sprintf("by default %s/%d/%d %s", d.Mode, d.Days, d.Years, m.lock.Hold)
		lock.check = o.byDefault(d, m.lock.Hold)
	}
	if b.Versioning == versioning.Enabled {
		prefix := entryName("version", b.Name, o.op.Key, "")
		lock.name, lock.made = entryName("lock", b.Name, o.op.Key, ""), true
		return []effect{{name: prefix, value: fact, made: true}, lock}
	}
	lock.name = entryName("lock", b.Name, o.op.Key, "null")
	return []effect{{name: entryName("version", b.Name, o.op.Key, "null"), value: fact}, lock}
}

// byDefault checks a retention that a bucket gave: not shorter than its period from now, by
// any of the clocks.
func (o *oracle) byDefault(d store.DefaultRetention, hold versioning.Hold) func(string) bool {
	earliest := o.world.locks.passed.Add(-time.Minute)
	if now := o.world.clock.Now(); now.After(earliest) {
		earliest = now
	}
	latest := o.world.locks.farthest.Add(time.Minute)
	return func(fact string) bool {
		fields := strings.Split(fact, " ")
		if len(fields) != 3 || fields[0] != d.Mode.String() || fields[2] != hold.String() {
			return false
		}
		until, err := time.Parse(time.RFC3339Nano, fields[1])
		return err == nil && !until.Before(earliest.AddDate(d.Years, 0, d.Days)) && !until.After(latest.AddDate(d.Years, 0, d.Days))
	}
}

func (o *oracle) putObject(b *Bucket) outcome {
	m, refused := o.makes(b)
	if refused != "" {
		return refuse("%s", refused)
	}
	return outcome{open: m.unsure, effects: o.stores(b, o.world.keep(o.op.Body), m)}
}

// source judges the reading of what is copied (spec AP1-13).
func (o *oracle) source() (v *Version, of about, refused string) {
	s := o.op.Source
	b := o.state.Buckets[s.Bucket]
	if b == nil || !o.pays(b) {
		return nil, of, "there is no such source, or it is to be paid for"
	}
	v = b.version(s.Key, s.Version, s.Versioned)
	of = about{bucket: b, key: s.Key, version: s.Version, named: s.Versioned, object: v, tags: o.op.tags(), lock: o.op.lock()}
	action := "s3:GetObject"
	if s.Versioned {
		action = "s3:GetObjectVersion"
	}
	switch {
	case !o.may(action, of):
		return nil, of, action + " of the source is not allowed"
	case v == nil, v.DeleteMarker:
		return nil, of, "there is nothing to copy"
	}
	return v, of, ""
}

func (o *oracle) copyObject(b *Bucket) outcome {
	m, refused := o.makes(b)
	if refused != "" {
		return refuse("%s", refused)
	}
	v, of, refused := o.source()
	if refused != "" {
		return refuse("%s", refused)
	}
	if o.op.header("X-Amz-Tagging-Directive") != "REPLACE" {
		if m.tags = v.Tags; len(m.tags) > 0 {
			action := "s3:GetObjectTagging"
			if of.named {
				action = "s3:GetObjectVersionTagging"
			}
			if !o.may(action, of) || !o.may("s3:PutObjectTagging", o.target()) {
				return refuse("the tags may not be copied")
			}
		}
	}
	return outcome{open: m.unsure, effects: o.stores(b, v.Digest, m)}
}

// found judges a request on an object that has to be there, by the action without and with a
// version.
func (o *oracle) found(b *Bucket, action, versioned string) (v *Version, of about, refused string) {
	v = b.version(o.op.Key, o.op.Version, o.op.Versioned)
	of = o.target()
	of.object = v
	if o.op.Versioned {
		action = versioned
	}
	switch {
	case !o.may(action, of):
		return v, of, action + " is not allowed"
	case v == nil, v.DeleteMarker:
		return v, of, "there is no such object"
	}
	return v, of, ""
}

func (o *oracle) getObject(b *Bucket) outcome {
	_, _, refused := o.found(b, "s3:GetObject", "s3:GetObjectVersion")
	return outcome{refused: refused}
}

func (o *oracle) putTags(b *Bucket) outcome {
	base := strings.TrimSuffix("s3:"+o.op.Kind, "Tagging")
	v, _, refused := o.found(b, base+"Tagging", base+"VersionTagging")
	if refused != "" {
		return refuse("%s", refused)
	}
	fact := objectFact(v.Digest, v.Owner, o.op.tags(), aclFact(v.ACL))
	return outcome{effects: []effect{{name: entryName("version", b.Name, v.Key, v.VersionID), value: fact}}}
}

func (o *oracle) putObjectACL(b *Bucket) outcome {
	v, _, refused := o.found(b, "s3:PutObjectAcl", "s3:PutObjectVersionAcl")
	if refused != "" {
		return refuse("%s", refused)
	}
	fact, refused := o.acl(b, v.Owner)
	if refused != "" {
		return refuse("%s", refused)
	}
	if b.ownership() == enforced {
		return outcome{}
	}
	return outcome{effects: []effect{{
		name: entryName("version", b.Name, v.Key, v.VersionID), value: objectFact(v.Digest, v.Owner, v.Tags, fact),
	}}}
}

func (o *oracle) createUpload(b *Bucket) outcome {
	m, refused := o.makes(b)
	if refused != "" {
		return refuse("%s", refused)
	}
	return outcome{open: m.unsure, effects: []effect{{name: entryName("upload", b.Name, o.op.Key, ""), made: true}}}
}

func (o *oracle) uploadPart(b *Bucket) outcome {
	u := b.Uploads[o.op.Upload]
	content, refused := o.op.Body, ""
	if o.op.Source != nil {
		var v *Version
		if v, _, refused = o.source(); v != nil {
			content = o.world.bodies[v.Digest]
		}
	}
	switch {
	case refused != "":
		return refuse("%s", refused)
	case !o.may("s3:PutObject", o.target()):
		return refuse("s3:PutObject is not allowed")
	case u == nil || u.Key != o.op.Key:
		return refuse("there is no such upload")
	}
	name := fmt.Sprintf("%s %d", entryName("part", b.Name, o.op.Key, o.op.Upload), o.op.Part)
	return outcome{effects: []effect{{name: name, value: etagOf(content)}}}
}

// ends is what the end of an upload removes.
func (o *oracle) ends(b *Bucket, u *Upload) []effect {
	effects := []effect{{name: entryName("upload", b.Name, u.Key, o.op.Upload), removed: true}}
	for number := range u.Parts {
		name := fmt.Sprintf("%s %d", entryName("part", b.Name, u.Key, o.op.Upload), number)
		effects = append(effects, effect{name: name, removed: true})
	}
	return effects
}

func (o *oracle) completeUpload(b *Bucket) outcome {
	if !o.may("s3:PutObject", o.target()) {
		return refuse("s3:PutObject is not allowed")
	}
	u, known := b.Uploads[o.op.Upload], o.world.uploads[o.op.Upload]
	if u == nil || u.Key != o.op.Key || known == nil {
		return outcome{open: true} // the answer may be that of the first time
	}
	if len(known.parts) == 0 {
		return refuse("the upload has no parts")
	}
	content := ""
	for _, number := range slices.Sorted(maps.Keys(known.parts)) {
		content += known.parts[number]
	}
	return outcome{effects: append(o.ends(b, u), o.stores(b, o.world.keep(content), known.making)...)}
}

func (o *oracle) abortUpload(b *Bucket) outcome {
	u := b.Uploads[o.op.Upload]
	switch {
	case !o.may("s3:AbortMultipartUpload", o.target()):
		return refuse("s3:AbortMultipartUpload is not allowed")
	case u == nil || u.Key != o.op.Key:
		return refuse("there is no such upload")
	}
	return outcome{effects: o.ends(b, u)}
}
