package api

import (
	"log/slog"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// question is what policy is asked: whether the caller may do what action names. It
// holds the condition keys of the request too, each read when a policy asks for it.
type question struct {
	x      *exchange
	action string
	bucket *store.Bucket // nil for an action on the service
	key    string        // empty for an action on the bucket
	named  versionName
	prefix string             // of the keys that are told of, if the request is no listing of S3's
	facts  *store.ObjectFacts // of the object, nil while they are not known
	etag   string             // that an entry of a DeleteObjects has to have
}

// versionName is the version that a request names, as it was sent.
type versionName struct {
	text string
	sent bool // be it empty
}

// asks returns the question whether the caller may do what action names on what the
// request is about.
func (x *exchange) asks(action string) question {
	q := question{x: x, action: action, key: x.key}
	if x.level != service {
		q.bucket = &x.found
	}
	q.named.text, q.named.sent = x.query.lookup("versionId")
	return q
}

// posed is a question in the form in which policy takes it.
type posed struct {
	question question
	request  policy.Request
}

// decide is evaluate that tells the log of a denial.
func (x *exchange) decide(q *question) (policy.Decision, error) {
	d, err := x.evaluate(q)
	if err == nil && !d.Allowed {
		x.logDenial(q, d)
	}
	return d, err
}

// evaluate puts a question to the policies that apply: those of the caller, and what the
// bucket's side says (spec AP3-2).
func (x *exchange) evaluate(q *question) (policy.Decision, error) {
	side, err := x.side(q)
	if err != nil {
		return policy.Decision{}, err
	}
	a := &x.posed // one place for all that are asked one after the other
	if q.facts != nil {
		a = &posed{}
	}
	a.question = *q
	a.request = policy.Request{
		Principal: &x.caller.Principal, Identity: x.caller.Policies,
		Action: q.action, Key: q.key, Values: &a.question,
	}
	if q.bucket != nil {
		a.request.Bucket = q.bucketName()
	}
	return policy.Evaluate(&a.request, side), nil
}

// logDenial tells the operator what the client is not told: which statement decided.
func (x *exchange) logDenial(q *question, d policy.Decision) {
	if !x.h.log.Enabled(x.Context(), slog.LevelDebug) {
		return
	}
	x.h.log.LogAttrs(x.Context(), slog.LevelDebug, "not allowed", append(x.attributes(),
		slog.String("principal", x.principal),
		slog.String("action", q.action),
		slog.String("resource", q.resource()),
		slog.String("decision", d.String()))...)
}

// side returns what the bucket's side says about q, nil if there is none. What does not
// depend on the object is found out once in a request, before the store is asked: so
// nothing is read when the store asks.
func (x *exchange) side(q *question) (*policy.Resource, error) {
	if q.bucket == nil || x.creates() {
		return nil, nil
	}
	side := &x.sideOfBucket
	if q.bucket != &x.found {
		side = &x.source.side
	}
	if *side == nil {
		says, err := x.resourceOf(q.bucket, nil)
		if err != nil {
			return nil, err
		}
		*side = says
	}
	if q.facts == nil || (*side).ACLsDisabled {
		return *side, nil
	}
	r := **side
	return &r, addObject(&r, q.facts)
}

// ask answers with the refusal of a question, nil if the caller may.
func (x *exchange) ask(q *question) error {
	d, err := x.decide(q)
	if err != nil {
		return err
	}
	if !d.Allowed {
		return x.denial(q, d)
	}
	return nil
}

// authorize asks for each action that the request takes (spec AP1, AP3.1-8). Where the
// answer depends on the object, the store asks, with the facts that it acts upon; and
// where another check comes before that, this does too, with those of now.
func (x *exchange) authorize(t *task) error {
	x.task = t
	if x.source != nil {
		if err := x.authorizeSource(); err != nil {
			return err
		}
	}
	if x.found.Name != "" { // not for what needs no bucket
		side, err := x.side(&question{x: x, bucket: &x.found})
		if err != nil {
			return err
		}
		x.restsOnState = x.mentions(side, policy.VersioningKey)
	}
	if judgedInStore[x.op.name] {
		var err error
		if x.deferred, err = x.dependsOnObject(&x.found); err != nil {
			return err
		}
	}
	switch {
	case t.perEntry || x.deferred && !x.mayFail(t):
		return nil
	case x.deferred:
		return x.askStored()
	}
	return x.askAll(nil)
}

// mayFail reports whether the checks between policy and the store, all of which the
// request and its bucket decide, have something to say on the request.
func (x *exchange) mayFail(t *task) bool {
	return t.ofLock && !x.found.ObjectLock || t.bypass && x.checkBypass() != nil ||
		t.mfa && (t.token || x.sent(mfaHeader))
}

// askStored is askAll for the object as it is stored.
func (x *exchange) askStored() error {
	facts, err := x.h.store.Facts(x.Context(), x.bucket, x.key, x.version)
	if err != nil {
		return err
	}
	return x.askAll(&facts)
}

// guard returns what the store asks before it acts on the object that the request is
// about, nil if permission was given already.
func (x *exchange) guard() store.Authorize {
	if x.deferred {
		return func(facts store.ObjectFacts) error { return x.askAll(&facts) }
	}
	if !x.restsOnState {
		return nil
	}
	return x.guardState(x.askAll)
}

// guardState returns what the store asks again before it changes something, nil if
// permission does not rest on whether versions are kept. That may have changed since,
// as while a body was on its way, and an object would take the place of another one.
func (x *exchange) guardState(ask func(*store.ObjectFacts) error) store.Authorize {
	if !x.restsOnState {
		return nil
	}
	return func(facts store.ObjectFacts) error {
		if facts.Versioning == x.found.Versioning {
			return nil
		}
		return ask(&store.ObjectFacts{Versioning: facts.Versioning})
	}
}

// askAll asks for each action that the request takes, for the object of the facts.
func (x *exchange) askAll(facts *store.ObjectFacts) error {
	var list [maxActions]string
	for _, action := range x.actions(list[:0]) {
		q := x.asks(action)
		q.facts = facts
		if err := x.ask(&q); err != nil {
			return err
		}
	}
	if x.op.name == "DeleteObject" {
		q := x.asks("")
		q.facts = facts
		return x.askOtherDelete(&q)
	}
	return nil
}

// askOtherDelete refuses to destroy the object of a bucket that never had versions, by its
// key or as the version null, if the action that this does not take is denied expressly
// (spec AP1-31).
func (x *exchange) askOtherDelete(of *question) error {
	if x.found.Versioning != versioning.Unversioned {
		return nil
	}
	q := *of
	if q.action = deleteVersion; of.named.sent {
		q.action = deleteObject
	}
	return x.askDenied(&q)
}

// askDenied refuses what is denied expressly, for what nothing else needs to allow.
func (x *exchange) askDenied(q *question) error {
	d, err := x.decide(q)
	if err == nil && !d.Allowed && d.Reason == policy.ExplicitDeny {
		err = x.denial(q, d)
	}
	return err
}

// dependsOnObject reports whether the policies that apply in a bucket look at objects:
// at their tags, or at their ACLs and owners.
func (x *exchange) dependsOnObject(b *store.Bucket) (bool, error) {
	side, err := x.side(&question{x: x, bucket: b})
	if err != nil || side == nil {
		return false, err
	}
	return !side.ACLsDisabled || x.mentions(side, existingTagKey), nil
}

// mentions reports whether a policy that applies has a condition on a key that begins
// so.
func (x *exchange) mentions(side *policy.Resource, key string) bool {
	if side.Policy != nil && side.Policy.Mentions(key) {
		return true
	}
	for i := range x.caller.Policies {
		if x.caller.Policies[i].Document.Mentions(key) {
			return true
		}
	}
	return false
}
