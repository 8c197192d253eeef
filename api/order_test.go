package api

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// The steps of spec AP3.1 that a request can fail at.
type orderStep int

const (
	stepSyntax orderStep = iota
	stepSignature
	stepBucket
	stepOwner
	stepPayer
	stepHeaders
	stepPolicy
	stepBypass
	stepMFA
	stepLookup
	stepLock
	orderSteps
)

var orderRows = [orderSteps]string{
	"AP3.1-2", "AP3.1-3", "AP3.1-4", "AP3.1-5", "AP3.1-6", "AP3.1-7",
	"AP3.1-8", "AP3.1-9", "AP3.1-10", "AP3.1-11", "AP3.1-12",
}

// orderFlags say how a bucket is, of those in which the requests are sent.
type orderFlags struct {
	requesterPays, mfaDelete, noLock bool
}

// orderMode is what permission depends on in a bucket.
type orderMode struct {
	name string
	acls bool // ACLs count in it
	// allowed and denied are policies of users, who may everything but for what is
	// denied.
	allowed, denied string
}

const orderAllow = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`

func orderPolicy(denials ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(append([]string{orderAllow}, denials...), ",") + `]}`
}

// orderDeny denies all on objects for which condition holds.
func orderDeny(condition string) string {
	return `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":` + condition + `}`
}

// A policy that looks at tags is about every object: those that have the tag, and what
// has none.
var orderModes = []orderMode{
	{"plain", false, orderPolicy(), orderPolicy(orderDeny(`{"Bool":{"aws:SecureTransport":"true"}}`))},
	{"tags", false, orderPolicy(orderDeny(`{"StringEquals":{"s3:ExistingObjectTag/keep":"never"}}`)), orderPolicy(
		orderDeny(`{"StringEquals":{"s3:ExistingObjectTag/keep":"yes"}}`), orderDeny(`{"Null":{"s3:ExistingObjectTag/keep":"true"}}`))},
	{"acls", true, orderPolicy(), orderPolicy(orderDeny(`{"Bool":{"aws:SecureTransport":"true"}}`))},
}

// orderWorld is a server with a bucket for each mode and set of flags, and two users of
// another account for each mode.
type orderWorld struct {
	*testServer
	versions map[string]string // ids, by bucket and key
}

// orderTags are those of every object.
var orderTags = []store.Tag{{Key: "keep", Value: "yes"}}

func newOrderWorld(t *testing.T) *orderWorld {
	t.Helper()
	s, who := newPrincipalsServer(t)
	who.account("other", "111122223333")
	w := &orderWorld{s, map[string]string{}}
	for _, mode := range orderModes {
		who.user("111122223333", mode.name+"allowed", mode.allowed)
		who.user("111122223333", mode.name+"denied", mode.denied)
		for n := range 8 {
			w.lay(&mode, orderFlags{n&1 > 0, n&2 > 0, n&4 > 0})
		}
	}
	return w
}

func orderBucket(mode *orderMode, f orderFlags) string {
	return strings.ToLower(fmt.Sprintf("%s-%t-%t-%t", mode.name, f.requesterPays, f.mfaDelete, f.noLock))
}

// lay makes a bucket with an object "k", and where locks are "held" and "governed", too.
func (w *orderWorld) lay(mode *orderMode, f orderFlags) {
	w.t.Helper()
	name := orderBucket(mode, f)
	headers := []string{"X-Amz-Object-Ownership", "BucketOwnerEnforced"}
	if mode.acls {
		headers[1] = "ObjectWriter"
	}
	if !f.noLock {
		headers = append(headers, "X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	w.must("PUT", "/"+name, "", headers...)
	w.must("PUT", "/"+name+"?policy", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*",`+
		`"Resource":["arn:aws:s3:::`+name+`","arn:aws:s3:::`+name+`/*"]}}`)
	if f.requesterPays {
		w.must("PUT", "/"+name+"?requestPayment", "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>")
	}
	change := store.VersioningChange{State: versioning.Enabled, MFA: true}
	if f.mfaDelete {
		change.MFADelete = store.MFADeleteEnabled
	}
	if err := w.store.SetVersioning(w.t.Context(), name, change); err != nil {
		w.t.Fatal(err)
	}
	until := w.clock.Now().Add(24 * time.Hour)
	locks := map[string]versioning.Lock{"k": {}}
	if !f.noLock {
		locks["held"] = versioning.Lock{Hold: versioning.HoldOn}
		locks["governed"] = versioning.Lock{Mode: versioning.Governance, Until: until}
	}
	for key, lock := range locks {
		r := store.PutRequest{Bucket: name, Key: key, Body: strings.NewReader("x"), Size: 1, Tags: orderTags, Lock: lock}
		result, err := w.store.Put(w.t.Context(), r)
		if err != nil {
			w.t.Fatal(err)
		}
		w.versions[name+"/"+key] = result.VersionHeader
	}
}

// orderRequest is a request that is made to fail.
type orderRequest struct {
	flags          orderFlags
	absent, denied bool
	forged         bool
	key            string
	version        string // replaces that of the key
	query, body    string // as in orderOperation
	headers        []string
}

// send sends what r came to in a bucket of the mode and flags.
func (w *orderWorld) send(mode *orderMode, op *orderOperation, r *orderRequest) answer {
	w.t.Helper()
	name := orderBucket(mode, r.flags)
	version := r.version
	if version == "" {
		version = w.versions[name+"/"+r.key]
	}
	fill := strings.NewReplacer("{key}", r.key, "{version}", version)
	target := "/" + name
	if r.absent {
		target = "/absent"
	}
	if !op.ofBucket {
		target += "/" + r.key
	}
	body := []byte(fill.Replace(r.body))
	request := w.request(op.method, target+fill.Replace(r.query), body)
	for i := 0; i < len(r.headers); i += 2 {
		request.Header.Set(r.headers[i], r.headers[i+1])
	}
	if op.perEntry {
		sum := md5.Sum(body)
		request.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	user := mode.name + "allowed"
	if r.denied {
		user = mode.name + "denied"
	}
	w.signAs(user, request, body)
	if r.forged {
		request.Header.Set("Authorization", strings.Replace(request.Header.Get("Authorization"), "Signature=", "Signature=0", 1))
	}
	return w.direct(request, body)
}

// outcome is the code of an answer and its message up to what differs, of the first entry
// where there are some.
func (w *orderWorld) outcome(a answer) string {
	w.t.Helper()
	if a.status < 300 && len(a.body) == 0 {
		return ""
	}
	if a.status == 200 && !strings.Contains(string(a.body), "<Error>") {
		return ""
	}
	root, err := parseAnswer(a.body)
	if err != nil {
		w.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	if root.XMLName.Local == "DeleteResult" {
		root = &root.Children[0]
	}
	return root.child("Code") + ": " + root.child("Message")
}

// orderAnswers are what is answered at each step, where its operation says nothing else.
var orderAnswers = [orderSteps]string{
	stepSyntax:    "InvalidURI: Couldn't parse",
	stepSignature: "SignatureDoesNotMatch: ",
	stepBucket:    "NoSuchBucket: ",
	stepOwner:     "InvalidBucketOwnerAWSAccountID: ",
	stepPayer:     "AccessDenied: Access Denied",
	stepHeaders:   "InvalidRequest: The query parameter prefix may be sent only once.",
	stepPolicy:    "AccessDenied: Access Denied",
	stepBypass:    "InvalidArgument: x-amz-bypass-governance-retention is only applicable",
	stepMFA:       "AccessDenied: Mfa Authentication must be used for this request",
	stepLookup:    "PreconditionFailed: ",
	stepLock:      "AccessDenied: Access Denied because object protected by object lock.",
}

// orderFailures make a request fail at the steps at which all fail alike.
var orderFailures = [orderSteps]func(*orderRequest){
	stepSyntax:    func(r *orderRequest) { r.query += "&x=%zz" },
	stepSignature: func(r *orderRequest) { r.forged = true },
	stepBucket:    func(r *orderRequest) { r.absent = true },
	stepOwner:     func(r *orderRequest) { r.headers = append(r.headers, "X-Amz-Expected-Bucket-Owner", "nobody") },
	stepPayer:     func(r *orderRequest) { r.flags.requesterPays = true },
	stepHeaders:   func(r *orderRequest) { r.query += "&prefix=a&prefix=b" },
	stepPolicy:    func(r *orderRequest) { r.denied = true },
}

// TestOrderOfChecks makes requests fail at two steps at once, each pair of them: the
// answer is that of the earlier one, whatever permission depends on.
//
// spec: AP3.1-2, AP3.1-3, AP3.1-4, AP3.1-5, AP3.1-6, AP3.1-7, AP3.1-8, AP3.1-9, AP3.1-10, AP3.1-11, AP3.1-12, AP3.1-14
func TestOrderOfChecks(t *testing.T) {
	w := newOrderWorld(t)
	for m := range orderModes {
		for o := range orderOperations {
			op := &orderOperations[o]
			order := op.order()
			for i, first := range order {
				w.fails(&orderModes[m], op, first, first)
				for _, second := range order[i+1:] {
					w.fails(&orderModes[m], op, first, second)
				}
			}
		}
	}
}

// fails sends a request that fails at two steps, and looks for the answer of the first.
func (w *orderWorld) fails(mode *orderMode, op *orderOperation, first, second orderStep) {
	w.t.Helper()
	r := &orderRequest{key: "k", query: op.query, body: op.body, headers: append([]string(nil), op.headers...)}
	if op.impossible(first, second) {
		return
	}
	op.failures(second)(r)
	if first != second {
		op.failures(first)(r)
	}
	if got, want := w.outcome(w.send(mode, op, r)), op.answer(first); !strings.HasPrefix(got, want) || got == "" {
		w.t.Errorf("%s, %s, failing at %s and %s: %q, want %q", mode.name, op.name, orderRows[first], orderRows[second], got, want)
	}
}

// TestReadsFactsOnlyIfNeeded says for which requests an object is read before the store
// asks about it: those that could be refused in between.
//
// spec: AP3.1-8, AP3.1-9, AP3.1-10
func TestReadsFactsOnlyIfNeeded(t *testing.T) {
	plain, lock := store.Bucket{}, store.Bucket{ObjectLock: true}
	remove, versioned := task{bypass: true, mfa: true}, task{bypass: true, mfa: true, token: true}
	for _, c := range []struct {
		name    string
		bucket  *store.Bucket
		task    task
		headers []string
		want    bool
	}{
		{"GET", &plain, task{}, nil, false},
		{"GET with headers that mean nothing there", &plain, task{}, []string{bypassHeader, "true", mfaHeader, "x"}, false},
		{"DELETE", &plain, remove, nil, false},
		{"DELETE with the header", &plain, remove, []string{bypassHeader, "false"}, true},
		{"DELETE with the header where locks are", &lock, remove, []string{bypassHeader, "true"}, false},
		{"DELETE with a code", &lock, remove, []string{mfaHeader, "x"}, true},
		{"DELETE that needs a code", &lock, versioned, nil, true},
		{"retention", &lock, task{ofLock: true}, nil, false},
		{"retention where no locks are", &plain, task{ofLock: true}, nil, true},
	} {
		x := &exchange{r: &http.Request{Header: http.Header{}}, found: *c.bucket}
		for i := 0; i < len(c.headers); i += 2 {
			x.r.Header.Set(c.headers[i], c.headers[i+1])
		}
		if got := x.mayFail(&c.task); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
