package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/versioning"
)

var tagSets = []string{"team=a", "team=b", "team=a&keep=yes"}

// content draws bytes that were not there before: few, which are kept in the index, or more,
// which are a file.
func (g *generator) content() string {
	return g.unique("content ") + strings.Repeat(".", one(g, 0, 0, 300))
}

// making draws what a request says of an object.
func (g *generator) making(op *Op) {
	if op.Kind == "PutObject" || op.Kind == "PostObject" {
		op.Body = g.content()
		op.set("Content-Md5", contentMD5(op.Body))
	}
	if g.chance(20) {
		g.grants(op)
	}
	if g.chance(20) {
		op.set("X-Amz-Tagging", one(g, tagSets...))
	}
	if op.Kind == "CopyObject" {
		g.copying(op)
		op.set("X-Amz-Metadata-Directive", "REPLACE")
		if op.sends("X-Amz-Tagging") {
			op.set("X-Amz-Tagging-Directive", "REPLACE")
		}
	}
	likely := 5
	if b := g.state.Buckets[op.Bucket]; b != nil && b.ObjectLock {
		likely = 65
	}
	if g.chance(likely) {
		g.locking(op)
	}
}

// locking draws the headers of a lock.
func (g *generator) locking(op *Op) {
	if g.chance(75) {
		op.set("X-Amz-Object-Lock-Mode", one(g, "GOVERNANCE", "GOVERNANCE", "GOVERNANCE", "COMPLIANCE"))
		op.set("X-Amz-Object-Lock-Retain-Until-Date", g.until(versioning.Lock{}))
	}
	if g.chance(25) {
		op.set("X-Amz-Object-Lock-Legal-Hold", one(g, "ON", "ON", "OFF"))
	}
}

// copying draws a source.
func (g *generator) copying(op *Op) {
	s := &Source{Bucket: one(g, buckets...), Key: one(g, keys...)}
	e := g.entry(s.Bucket, s.Key, 50)
	s.Version, s.Versioned = e.Version, e.Versioned
	op.Source = s
	value := "/" + s.Bucket + "/" + s.Key
	if s.Versioned {
		value += "?versionId=" + s.Version
	}
	op.set("X-Amz-Copy-Source", value)
}

// uploading draws an upload, its part, and what is in that.
func (g *generator) uploading(op *Op) {
	var begun []string
	for _, name := range buckets {
		if b := g.state.Buckets[name]; b != nil && len(b.Uploads) > 0 {
			begun = append(begun, name)
		}
	}
	if len(begun) > 0 {
		op.Bucket = one(g, begun...)
	}
	b := g.state.Buckets[op.Bucket]
	op.Upload, op.Part = "none", 1+g.IntN(3)
	if b != nil && len(b.Uploads) > 0 {
		op.Upload = one(g, slices.Sorted(maps.Keys(b.Uploads))...)
		if g.chance(95) {
			op.Key = b.Uploads[op.Upload].Key
		}
	}
	switch op.Kind {
	case "UploadPart":
		op.Body = g.content()
	case "UploadPartCopy":
		g.copying(op)
	case "CompleteMultipartUpload":
		list := ""
		if b != nil && b.Uploads[op.Upload] != nil {
			parts := b.Uploads[op.Upload].Parts
			for _, number := range slices.Sorted(maps.Keys(parts)) {
				list += fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number, parts[number])
			}
		}
		op.Body = "<CompleteMultipartUpload>" + list + "</CompleteMultipartUpload>"
	}
}

// amending draws what a request changes of a version.
func (g *generator) amending(op *Op) {
	var lock versioning.Lock
	if b := g.state.Buckets[op.Bucket]; b != nil {
		if v := b.version(op.Key, op.Version, op.Versioned); v != nil {
			lock = v.Lock
		}
	}
	switch op.Kind {
	case "PutObjectRetention":
		op.Body = "<Retention/>"
		if g.chance(80) {
			op.Body = fmt.Sprintf("<Retention><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>",
				one(g, "GOVERNANCE", "GOVERNANCE", "COMPLIANCE"), g.until(lock))
		}
		if g.chance(40) {
			op.set("X-Amz-Bypass-Governance-Retention", one(g, "true", "true", "false"))
		}
	case "PutObjectLegalHold":
		op.Body = "<LegalHold><Status>" + one(g, "ON", "OFF", "OFF") + "</Status></LegalHold>"
	case "PutObjectAcl":
		g.grants(op)
	case "PutObjectTagging":
		pairs := strings.Split(one(g, tagSets...), "&")
		for i, pair := range pairs {
			key, value, _ := strings.Cut(pair, "=")
			pairs[i] = "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>"
		}
		op.Body = "<Tagging><TagSet>" + strings.Join(pairs, "") + "</TagSet></Tagging>"
	}
}

// configuring draws a configuration of a bucket.
func (g *generator) configuring(op *Op) {
	switch op.Kind {
	case "CreateBucket":
		g.creating(op)
	case "PutBucketVersioning":
		g.versioning(op, one(g, "Enabled", "Enabled", "Suspended"), one(g, "", "", "", "Enabled", "Disabled"))
	case "PutObjectLockConfiguration":
		op.Body = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>" +
			one(g, "", rule("GOVERNANCE", "<Days>3</Days>"), rule("COMPLIANCE", "<Days>1</Days>"), rule("GOVERNANCE", "<Years>1</Years>")) +
			"</ObjectLockConfiguration>"
	case "PutBucketPolicy":
		op.Body = g.bucketPolicy(op.Bucket)
		if g.chance(50) {
			op.set("X-Amz-Confirm-Remove-Self-Bucket-Access", "true")
		}
	case "PutBucketAcl":
		g.grants(op)
	case "PutPublicAccessBlock":
		flag := func(name string) string { return fmt.Sprintf("<%s>%v</%s>", name, g.chance(30), name) }
		op.Body = "<PublicAccessBlockConfiguration>" + flag("BlockPublicAcls") + flag("IgnorePublicAcls") +
			flag("BlockPublicPolicy") + flag("RestrictPublicBuckets") + "</PublicAccessBlockConfiguration>"
	case "PutBucketOwnershipControls":
		op.Body = ownershipDocument(one(g, enforced, preferred, writer))
	case "PutBucketTagging":
		op.Body = "<Tagging><TagSet><Tag><Key>team</Key><Value>" + one(g, "a", "b") + "</Value></Tag></TagSet></Tagging>"
	case "PutBucketLifecycleConfiguration":
		op.Body = "<LifecycleConfiguration><Rule><ID>r</ID><Filter/><Status>Enabled</Status><Expiration><Days>" +
			one(g, "1", "30") + "</Days></Expiration></Rule></LifecycleConfiguration>"
		op.set("Content-Md5", contentMD5(op.Body))
	case "PutBucketRequestPayment":
		op.Body = "<RequestPaymentConfiguration><Payer>" + one(g, "Requester", "BucketOwner") + "</Payer></RequestPaymentConfiguration>"
	}
}

func (g *generator) creating(op *Op) {
	if g.chance(60) {
		op.set("X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	if g.chance(50) {
		op.set("X-Amz-Object-Ownership", one(g, enforced, preferred, writer))
	}
}

func rule(mode, period string) string {
	return "<Rule><DefaultRetention><Mode>" + mode + "</Mode>" + period + "</DefaultRetention></Rule>"
}

func (g *generator) versioning(op *Op, status, mfa string) {
	if mfa != "" {
		mfa = "<MfaDelete>" + mfa + "</MfaDelete>"
	}
	op.Body = "<VersioningConfiguration><Status>" + status + "</Status>" + mfa + "</VersioningConfiguration>"
}

// endpoint draws a request to one of the server's own endpoints.
func (g *generator) endpoint(op *Op) {
	known := slices.Sorted(maps.Keys(g.state.Accounts))
	op.Bucket, op.Account = one(g, buckets...), one(g, known...)
	if g.chance(50) {
		op.Account = one(g, accounts...)
	}
	a := g.state.Accounts[op.Account]
	if a == nil {
		a = &Account{}
	}
	op.User = one(g, append(slices.Sorted(maps.Keys(a.Users)), "nobody")...)
	switch op.Kind {
	case "CreateAccount":
		op.Name = fmt.Sprintf("%012d", 400000000000+g.fresh())
		op.Account = ""
		op.Body = fmt.Sprintf(`{"id":%q}`, op.Name)
	case "CreateUser":
		op.User = one(g, g.unique("u"), "u1")
		op.Body = fmt.Sprintf(`{"name":%q}`, op.User)
	case "CreateAccessKey":
		if g.chance(15) {
			op.User = ""
		}
		op.Name = g.unique("AKIA")
		op.Body = fmt.Sprintf(`{"user":%q,"accessKey":%q,"secretKey":"secret-of-%s"}`, op.User, op.Name, op.Name)
	case "UpdateAccessKey", "DeleteAccessKey":
		op.Name = one(g, slices.Sorted(maps.Keys(g.state.Keys))...)
		if g.chance(80) {
			op.Account = g.state.Keys[op.Name].Account
		}
		if op.Kind == "UpdateAccessKey" {
			op.Body = fmt.Sprintf(`{"active":%v}`, g.chance(70))
		}
	case "EnrollMFADevice":
		op.Name = g.unique("phone")
		op.Body = fmt.Sprintf(`{"name":%q}`, op.Name)
	case "RemoveMFADevice":
		op.Name = one(g, append(slices.Clone(a.Devices), "arn:aws:iam::1:mfa/none")...)
	case "ExplainPolicy":
		op.Body = fmt.Sprintf(`{"action":"s3:DeleteObject","bucket":%q,"key":"k1"}`, op.Bucket)
	default:
		g.policyEndpoint(op)
	}
}

// policyEndpoint draws a policy, or the name of one.
func (g *generator) policyEndpoint(op *Op) {
	switch op.Kind {
	case "PutPolicy", "DeletePolicy", "GetPolicy":
		op.Name = one(g, "p1", "p2", "backup-writer")
	case "PutUserPolicy", "DeleteUserPolicy":
		op.Name = one(g, "i1", "i2")
	case "AttachUserPolicy", "DetachUserPolicy":
		op.Name = one(g, "p1", "p2", "backup-writer", "backup-janitor", "full-access", "readonly", "auditor")
	}
	if op.Kind == "PutPolicy" || op.Kind == "PutUserPolicy" {
		op.Body = g.identityPolicy()
	}
}

// prepare is a step that an episode begins with: the root of who it belongs to asks for it.
type prepare func(*generator, *Op)

// preparations make buckets, users and versions to attack.
var preparations = slices.Concat(
	each(4, func(g *generator, op *Op, i int) {
		op.Kind, op.Bucket, op.Account = "CreateBucket", buckets[i], accounts[i%len(accounts)]
		g.creating(op)
	}),
	each(4, func(g *generator, op *Op, i int) {
		op.Kind, op.Bucket = "PutBucketVersioning", buckets[i]
		g.versioning(op, one(g, "Enabled", "Enabled", "Enabled", "Suspended"), "")
		if g.chance(35) { // left alone
			op.Kind, op.Body = "DeleteBucketLifecycle", ""
		}
	}),
	each(4, func(g *generator, op *Op, i int) {
		op.Kind, op.Bucket = one(g, "PutPublicAccessBlock", "DeletePublicAccessBlock", "PutObjectLockConfiguration"), buckets[i]
		g.configuring(op)
	}),
	each(2, func(_ *generator, op *Op, i int) {
		op.Kind, op.Account, op.Name = "EnrollMFADevice", accounts[i], fmt.Sprintf("phone%d", i)
		op.Body = fmt.Sprintf(`{"name":%q}`, op.Name)
	}),
	each(1, func(g *generator, op *Op, _ int) {
		op.Kind, op.Bucket = "PutBucketVersioning", one(g, buckets...)
		g.versioning(op, "Enabled", "Enabled")
		g.token(op)
	}),
	each(6, prepareUser), each(6, prepareKey), each(9, preparePolicy),
	each(4, func(g *generator, op *Op, i int) {
		op.Kind, op.Bucket = "PutBucketPolicy", buckets[i]
		op.Body = g.bucketPolicy(op.Bucket)
	}),
	each(30, func(g *generator, op *Op, _ int) {
		op.Kind = "PutObject"
		g.fill(op)
	}),
)

func each(n int, fn func(*generator, *Op, int)) []prepare {
	var list []prepare
	for i := range n {
		list = append(list, func(g *generator, op *Op) { fn(g, op, i) })
	}
	return list
}

func prepareUser(_ *generator, op *Op, i int) {
	op.Kind, op.Account, op.User = "CreateUser", accounts[i%len(accounts)], fmt.Sprintf("u%d", i)
	op.Body = fmt.Sprintf(`{"name":%q}`, op.User)
}

func prepareKey(_ *generator, op *Op, i int) {
	prepareUser(nil, op, i)
	op.Kind, op.Name = "CreateAccessKey", fmt.Sprintf("AKIAUSER%d", i)
	op.Body = fmt.Sprintf(`{"user":%q,"accessKey":%q,"secretKey":"secret-of-%s"}`, op.User, op.Name, op.Name)
}

func preparePolicy(g *generator, op *Op, i int) {
	prepareUser(nil, op, i%6)
	op.Kind, op.Name, op.Body = "PutUserPolicy", fmt.Sprintf("i%d", i/6), g.identityPolicy()
	if g.chance(25) {
		op.Kind, op.Name, op.Body = "AttachUserPolicy", one(g, "backup-writer", "backup-janitor", "full-access"), ""
	}
}
