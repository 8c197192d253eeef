package api

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store"
)

// checks are what every request passes before its operation is prepared, in the
// order of spec AP3.1.
var checks = []func(*exchange) error{
	(*exchange).checkSyntax,        // AP3.1-2
	(*exchange).allowOrigin,        // so that a page can read refusals too
	(*exchange).checkAuthenticity,  // AP3.1-3
	(*exchange).checkForm,          // AP3.1-2 and -3, of a form
	(*exchange).checkBucket,        // AP3.1-4
	(*exchange).checkRegion,        // the bucket is served elsewhere (spec WI2.2-49)
	(*exchange).checkExpectedOwner, // AP3.1-5
	(*exchange).checkPayer,         // AP3.1-6
	(*exchange).checkImplemented,   // what is not there needs no permission
	(*exchange).checkRepetition,    // AP3.1-7, with what prepare refuses
	(*exchange).checkKeyLength,
	(*exchange).checkVersionID,
	(*exchange).checkEarly, // AP3.1-8, with what permit refuses
}

// serve takes a request through the checks to its answer.
func (x *exchange) serve() error {
	for _, check := range checks {
		if err := check(x); err != nil {
			return err
		}
	}
	t, err := x.op.prepare(x)
	if err != nil {
		return err
	}
	if err := x.permit(&t); err != nil {
		return err
	}
	x.goOn()
	return x.conceal(t.run(), &x.found)
}

// permit is what stands between a prepared task and its doing: policy, whether the bucket
// has the Object Lock that the request is about, the bypass header, and MFA, in this order
// (spec AP3.1-8, AP3.1-9, AP3.1-10).
func (x *exchange) permit(t *task) error {
	if err := x.renew(); err != nil {
		return err
	}
	if err := x.checkSigned(); err != nil {
		return err
	}
	if err := x.authorize(t); err != nil {
		return err
	}
	if t.ofLock {
		if err := x.checkLockBucket(); err != nil {
			return err
		}
	}
	if t.bypass {
		if err := x.checkBypass(); err != nil {
			return err
		}
	}
	if t.mfa {
		return x.checkMFA(t.token)
	}
	return nil
}

// renew looks again at who asks, and at the bucket: its document may have kept a request
// waiting for as long as its client liked. A key that was disabled meanwhile allows
// nothing, and a bucket of that name that was made meanwhile is another one.
func (x *exchange) renew() error {
	was := x.found
	if err := x.checkBucket(); err != nil {
		return err
	}
	if !x.found.Created.Equal(was.Created) || x.found.Owner != was.Owner {
		return &store.Error{Op: "read bucket", Bucket: x.bucket, Err: store.ErrNoSuchBucket}
	}
	x.sideOfBucket = nil // its policy may be another one too
	return x.identify()
}

// checkSyntax finds out which operation is asked for, and on what.
func (x *exchange) checkSyntax() error {
	q, ok := parseQuery(x.r.URL.RawQuery)
	if !ok || x.level == nowhere || !utf8.ValidString(x.bucket) ||
		!utf8.ValidString(x.key) || strings.IndexByte(x.key, 0) >= 0 {
		return refuse("InvalidURI", "URI", x.r.RequestURI)
	}
	x.query = q
	op, err := x.h.table.find(x.r, x.level, q)
	x.op = op
	return err
}

func (x *exchange) checkAuthenticity() error {
	if x.preflights() {
		x.session.Anonymous = true // what is signed is the request to come
		return x.identify()
	}
	session, err := x.h.verifier.Verify(x.r, hostBucket(x.r.Host, x.h.domains), x.h.clock.Now())
	x.session = session
	if err == nil {
		err = x.identify()
	}
	if err != nil || len(session.Hoisted()) == 0 {
		return err
	}
	return x.takeHoisted()
}

// takeHoisted puts the headers that a signed query carries where headers are, so that whatever looks at them
// sees them, and looks again which operation is asked for.
func (x *exchange) takeHoisted() error {
	for _, f := range x.session.Hoisted() {
		x.r.Header[f.Name] = append(x.r.Header[f.Name], f.Value)
	}
	op, err := x.h.table.find(x.r, x.level, x.query)
	x.op = op
	return err
}

// checkBucket finds the bucket, without which nothing else is looked at (spec
// VD3.3-11).
func (x *exchange) checkBucket() error {
	if x.level == service || x.creates() || x.preflights() {
		return nil
	}
	found, err := x.h.store.Bucket(x.Context(), x.bucket)
	x.found = found
	return err
}

// creates reports whether the operation makes its bucket.
func (x *exchange) creates() bool { return x.op != nil && x.op.name == "CreateBucket" }

// checkExpectedOwner holds x-amz-expected-bucket-owner against the owner of the
// bucket, or who would own it (spec AP4-1, AP4-3).
func (x *exchange) checkExpectedOwner() error {
	if x.level == service {
		return nil
	}
	owner := x.found.Owner.Account
	if x.creates() {
		owner = x.caller.Principal.Account
	}
	return x.checkOwner("X-Amz-Expected-Bucket-Owner", owner)
}

// checkOwner holds the account that a header names against the owner of a bucket.
func (x *exchange) checkOwner(name, owner string) error {
	if !x.sent(name) {
		return nil
	}
	want := x.header(name)
	if !isAccount(want) {
		return refuseWith("InvalidBucketOwnerAWSAccountID",
			"The value of the expected bucket owner parameter must be an AWS Account ID... ["+want+"]")
	}
	if want != owner {
		return refuse("AccessDenied")
	}
	return nil
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func (x *exchange) checkImplemented() error {
	if x.op.prepare == nil {
		return refuseWith("NotImplemented", x.op.name+" is not implemented.")
	}
	return nil
}

// checkRepetition refuses two values where one decides, for a client that sent
// them meant one of them.
func (x *exchange) checkRepetition() error {
	if name, ok := repeatedHeader(x.r.Header); ok {
		return refuseWith("InvalidRequest", "The header "+strings.ToLower(name)+" may be sent only once.")
	}
	if name, ok := x.query.repeated(x.h.table.decides); ok {
		return refuseWith("InvalidRequest", "The query parameter "+name+" may be sent only once.")
	}
	return nil
}

// checkKeyLength is spec WI3-1.
func (x *exchange) checkKeyLength() error {
	if len(x.key) > store.MaxKeyBytes {
		return refuse("KeyTooLongError", "Size", strconv.Itoa(len(x.key)), "MaxSizeAllowed", strconv.Itoa(store.MaxKeyBytes))
	}
	return nil
}

// checkVersionID reads versionId where the operation takes one (spec VD3.3-8,
// VD3.3-9, VD4-18, VD4-19), and refuses it elsewhere (spec VD4-21).
func (x *exchange) checkVersionID() error {
	text, sent := x.query.lookup("versionId")
	if !sent {
		return nil
	}
	if x.op.versioned == "" {
		return invalidArgument("This operation does not accept a version-id.", "versionId", text)
	}
	id, err := x.h.store.ParseVersionID(text)
	x.version = id
	return err
}
