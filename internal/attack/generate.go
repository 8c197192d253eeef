package attack

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// generator draws one operation.
type generator struct {
	*rand.Rand
	world *World
	state *State
}

// generate draws the operation with a number, in the state that it meets.
func (w *World) generate(seed uint64, number int, s *State) *Op {
	g := &generator{rand.New(rand.NewPCG(seed, uint64(number))), w, s}
	w.serial = number * 1000
	op := &Op{Number: number, Headers: map[string]string{}, How: "header", Secure: true, IP: "10.0.0.1"}
	if number < len(preparations) {
		preparations[number](g, op)
		op.By = g.rootOf(op)
	} else {
		g.attack(op)
	}
	return op
}

// fresh returns a number that was not there before.
func (g *generator) fresh() int {
	g.world.serial++
	return g.world.serial
}

// unique returns a name that was not there before.
func (g *generator) unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, g.fresh()) }

// one returns one of a list.
func one[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// chance is true in so many of 100 cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

var buckets = []string{"bucket-a", "bucket-b", "bucket-c", "bucket-d"}

var keys = []string{"k1", "k2", "u1/k"}

// rootOf returns a key of the root that an operation belongs to.
func (g *generator) rootOf(op *Op) string {
	account := op.Account
	if b := g.state.Buckets[op.Bucket]; b != nil {
		account = b.Owner.Account
	}
	return g.keyOf(account, "")
}

// keyOf returns an active key, empty if there is none.
func (g *generator) keyOf(account, user string) string {
	for _, id := range slices.Sorted(maps.Keys(g.state.Keys)) {
		k := g.state.Keys[id]
		if k.Account == account && k.User == user && k.Active {
			return id
		}
	}
	return ""
}

// weights say how often each operation is drawn.
var weights = []struct {
	kind   string
	weight int
}{
	{"PutObject", 60}, {"CopyObject", 40}, {"PostObject", 15}, {"GetObject", 15}, {"DeleteObject", 140}, {"DeleteObjects", 70},
	{"CreateMultipartUpload", 20}, {"UploadPart", 25}, {"UploadPartCopy", 8}, {"CompleteMultipartUpload", 25}, {"AbortMultipartUpload", 6},
	{"PutObjectRetention", 50}, {"PutObjectLegalHold", 35}, {"PutObjectAcl", 20}, {"PutObjectTagging", 20}, {"DeleteObjectTagging", 10},
	{"CreateBucket", 10}, {"DeleteBucket", 10}, {"PutBucketVersioning", 35}, {"PutObjectLockConfiguration", 15},
	{"PutBucketPolicy", 20}, {"DeleteBucketPolicy", 5}, {"PutBucketAcl", 15}, {"PutPublicAccessBlock", 8}, {"DeletePublicAccessBlock", 4},
	{"PutBucketOwnershipControls", 10}, {"DeleteBucketOwnershipControls", 3}, {"PutBucketTagging", 4}, {"DeleteBucketTagging", 2},
	{"PutBucketRequestPayment", 5}, {"PutBucketLifecycleConfiguration", 6}, {"DeleteBucketLifecycle", 2},
	{"CreateAccount", 2}, {"DeleteAccount", 3}, {"CreateUser", 4}, {"DeleteUser", 3}, {"CreateAccessKey", 12}, {"UpdateAccessKey", 8},
	{"DeleteAccessKey", 4}, {"EnrollMFADevice", 5}, {"RemoveMFADevice", 3}, {"PutPolicy", 6}, {"DeletePolicy", 3}, {"PutUserPolicy", 20},
	{"DeleteUserPolicy", 5}, {"AttachUserPolicy", 8}, {"DetachUserPolicy", 5}, {"AcceptClockStep", 12},
	{"ExplainPolicy", 2}, {"ListAccounts", 1}, {"ListAccessKeys", 1}, {"ListUsers", 1}, {"ListMFADevices", 1}, {"ListPolicies", 1},
	{"GetPolicy", 1}, {"ListUserPolicies", 1}, {"ListLocks", 1}, {"VerifyLocks", 1}, {"ReadLedger", 1}, {"ExportLedger", 1},
	{"VerifyLedger", 1}, {"GetClock", 1},
	{"Advance", 25}, {"SetClock", 12}, {"Restart", 6},
}

func (g *generator) drawKind() string {
	sum := 0
	for _, w := range weights {
		sum += w.weight
	}
	n := g.IntN(sum)
	for _, w := range weights {
		if n -= w.weight; n < 0 {
			return w.kind
		}
	}
	return ""
}

// attack draws anything.
func (g *generator) attack(op *Op) {
	op.Kind = g.drawKind()
	op.Secure, op.IP = g.chance(85), one(g, "10.0.0.1", "10.0.0.1", "192.0.2.7", "203.0.113.9")
	switch {
	case op.Kind == "Advance":
		op.Move = one(g, time.Second, 30*time.Second, 61*time.Second, time.Hour, 25*time.Hour, 11*24*time.Hour)
		return
	case op.Kind == "SetClock":
		op.Move = one(g, -10*time.Second, 10*time.Second, -time.Hour, 2*time.Minute, 5*24*time.Hour, 400*24*time.Hour)
		if g.chance(50) {
			op.Move = g.world.locks.passed.Sub(g.world.clock.Now())
		}
		return
	case op.isEvent():
		return
	}
	if shapes[op.Kind].own != "" {
		g.endpoint(op)
	} else {
		g.fill(op)
	}
	g.signer(op)
	switch op.Kind {
	case "DeleteObject", "DeleteObjects", "PutBucketVersioning":
		g.token(op)
	case "EnrollMFADevice", "RemoveMFADevice", "AcceptClockStep":
		if op.Kind == "AcceptClockStep" {
			op.Account = accounts[0]
			op.By = one(g, op.By, rootKey)
		}
		if a := g.state.Accounts[op.Account]; a != nil && len(a.Devices) > 0 && g.chance(75) {
			g.code(op, one(g, a.Devices...), one(g, 0, 0, 0, 0, 1, 2))
		}
	}
}

// signer draws who sends the request, and how it is signed.
func (g *generator) signer(op *Op) {
	all := slices.Sorted(maps.Keys(g.state.Keys))
	users := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return g.state.Keys[id].User == "" })
	account := op.Account
	if b := g.state.Buckets[op.Bucket]; b != nil && shapes[op.Kind].own == "" {
		account = b.Owner.Account
	}
	foreign := func(id string) bool { return g.state.Keys[id].Account != account }
	if near := slices.DeleteFunc(slices.Clone(users), foreign); len(near) > 0 && g.chance(65) {
		users = near
	}
	switch n := g.IntN(100); {
	case n < 30:
		op.By = g.rootOf(op)
	case n < 84 && len(users) > 0:
		op.By = one(g, users...)
	case n < 94:
		op.By = one(g, all...)
	}
	if shapes[op.Kind].own == "" {
		switch n := g.IntN(100); {
		case op.Kind == "PostObject":
			op.How = "form"
		case n < 12:
			op.How = "query"
		}
	}
	if g.chance(2) {
		op.How = "forged"
	}
	if op.Kind == "PostObject" && op.How == "forged" && op.By == "" {
		op.How = "form"
	}
	if op.Kind == "DeleteObject" && op.By != "" && g.chance(4) {
		op.How = "tampered"
		delete(op.Headers, "X-Amz-Bypass-Governance-Retention")
	}
	if g.chance(3) && shapes[op.Kind].own == "" {
		op.set("X-Amz-Expected-Bucket-Owner", one(g, accounts...))
	}
	if g.chance(50) {
		op.set("X-Amz-Request-Payer", "requester")
	}
}

// token draws a code: mostly none, else mostly the right one.
func (g *generator) token(op *Op) {
	b := g.state.Buckets[op.Bucket]
	likely := 8
	if b != nil && b.MFADelete == store.MFADeleteEnabled || strings.Contains(op.Body, "<MfaDelete>Enabled") {
		likely = 75
	}
	if b == nil || !g.chance(likely) {
		return
	}
	devices := slices.Clone(g.state.Accounts[b.Owner.Account].Devices)
	switch n := g.IntN(100); {
	case n < 60:
		op.By = g.rootOf(op)
	case n < 75: // the root of another account, with a device of its own
		account := one(g, accounts...)
		if a := g.state.Accounts[account]; a != nil {
			op.By, devices = g.keyOf(account, ""), slices.Clone(a.Devices)
		}
	case n < 80:
		devices = slices.Sorted(maps.Keys(g.world.seeds))
	}
	if len(devices) == 0 {
		return
	}
	g.code(op, one(g, devices...), one(g, 0, 0, 0, 0, 0, 0, -1, 1, -2, 2))
	if g.chance(5) {
		op.Token.Wrong, op.Token.Code = true, "000000"
		op.set("X-Amz-Mfa", op.Token.Serial+" 000000")
	}
}

// code puts in a code of a device, some steps from now.
func (g *generator) code(op *Op, serial string, away int) {
	t := &Token{Serial: serial, Step: uint64(g.world.clock.Now().Unix()/30 + int64(away))}
	code, err := auth.MFACode(g.world.seeds[serial], t.Step)
	if err != nil {
		return
	}
	t.Code, op.Token = code, t
	op.set("X-Amz-Mfa", serial+" "+code)
}

// place draws a bucket, rather one with Object Lock, and a key.
func (g *generator) place(op *Op) {
	op.Bucket, op.Key = one(g, buckets...), one(g, keys...)
	if b := g.state.Buckets[op.Bucket]; b == nil || !b.ObjectLock && g.chance(40) {
		op.Bucket = one(g, buckets...)
	}
}

// entry draws a version of a key: one that is there, another one's, or none.
func (g *generator) entry(bucket, key string, named int) Entry {
	e := Entry{Key: key, Versioned: g.chance(named)}
	b := g.state.Buckets[bucket]
	if !e.Versioned || b == nil {
		e.Versioned = false
		return e
	}
	e.Version = "null"
	list := b.Keys[key]
	locked := slices.DeleteFunc(slices.Clone(list), func(v *Version) bool { return v.Lock.IsZero() })
	if len(locked) > 0 && g.chance(70) {
		list = locked
	}
	if len(list) > 0 && g.chance(95) {
		e.Version = one(g, list...).VersionID
	}
	return e
}

// fill draws a request of the S3 API.
func (g *generator) fill(op *Op) {
	g.place(op)
	switch op.Kind {
	case "PutObject", "PostObject", "CopyObject", "CreateMultipartUpload":
		g.making(op)
	case "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload":
		g.uploading(op)
	case "DeleteObject", "DeleteObjects":
		g.deleting(op)
	case "GetObject", "PutObjectRetention", "PutObjectLegalHold", "PutObjectAcl", "PutObjectTagging", "DeleteObjectTagging":
		e := g.entry(op.Bucket, op.Key, 60)
		op.Version, op.Versioned = e.Version, e.Versioned
		g.amending(op)
	default:
		op.Key = ""
		g.configuring(op)
	}
}

// deleting draws what is deleted, and whether governance is to be bypassed.
func (g *generator) deleting(op *Op) {
	e := g.entry(op.Bucket, op.Key, 75)
	op.Version, op.Versioned = e.Version, e.Versioned
	b := g.state.Buckets[op.Bucket]
	locks := b != nil && b.ObjectLock
	if locks && g.chance(60) || g.chance(4) {
		op.set("X-Amz-Bypass-Governance-Retention", one(g, "true", "true", "true", "True", "false"))
	}
	if op.Kind == "DeleteObject" {
		if !op.Versioned && g.chance(15) {
			op.set("If-Match", one(g, "*", `"`+etagOf("?")+`"`))
			if v := g.current(op); v != nil && !v.DeleteMarker && g.chance(60) {
				op.set("If-Match", `"`+v.ETag+`"`)
			}
		}
		return
	}
	op.Key, op.Version, op.Versioned = "", "", false
	body := ""
	for _, key := range keys {
		e := g.entry(op.Bucket, key, 75)
		if op.Entries != nil && g.chance(30) {
			continue
		}
		op.Entries = append(op.Entries, e)
		body += "<Object><Key>" + e.Key + "</Key>"
		if e.Versioned {
			body += "<VersionId>" + e.Version + "</VersionId>"
		}
		body += "</Object>"
	}
	op.Body = "<Delete>" + body + "</Delete>"
	op.set("Content-Md5", contentMD5(op.Body))
}

// current returns the current entry of the key that op is about.
func (g *generator) current(op *Op) *Version {
	if b := g.state.Buckets[op.Bucket]; b != nil {
		return b.version(op.Key, "", false)
	}
	return nil
}

// until draws the end of a retention.
func (g *generator) until(current versioning.Lock) string {
	t := g.world.clock.Now().Add(one(g, time.Hour, 24*time.Hour, 10*24*time.Hour, 100*24*time.Hour))
	if current.Mode != versioning.NoRetention && g.chance(60) {
		t = current.Until.Add(one(g, 0, time.Hour, -time.Hour, 24*time.Hour))
	}
	if g.chance(3) {
		t = g.world.clock.Now().Add(-time.Hour)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

var canned = []string{"private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control"}

// grants draws an ACL.
func (g *generator) grants(op *Op) {
	if g.chance(60) {
		op.set("X-Amz-Acl", one(g, canned...))
		return
	}
	name := one(g, slices.Sorted(maps.Keys(grantHeaders))...)
	who := one(g, `id="`+canonicalOf(one(g, accounts...))+`"`, `uri="http://acs.amazonaws.com/groups/global/AuthenticatedUsers"`)
	op.Headers[http.CanonicalHeaderKey(name)] = who
}
