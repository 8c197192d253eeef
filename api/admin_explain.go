package api

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// hypothesis is a request that nobody makes, of which is asked what would be decided.
// It holds the condition keys that the request would have: those that the question
// gives, and what is stored of bucket and object.
type hypothesis struct {
	given  map[string][]string // by key in lower case
	stored question
}

// Lookup returns the values of a key, in lower case.
func (h *hypothesis) Lookup(key string) ([]string, bool) {
	if values, ok := h.given[key]; ok {
		return values, true
	}
	if strings.HasPrefix(key, existingTagKey) || key == policy.VersioningKey || key == "s3:versionid" {
		return h.stored.Lookup(key)
	}
	return nil, false
}

// explainDecision says what would be decided about the root or a user of an account, or
// about somebody unknown, and what each statement has to do with it. What the bucket of
// another account says is that account's, and that of the server.
func explainDecision(x *exchange, v pathValues) (any, error) {
	var in AdminQuestion
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	if _, known := policy.LookupAction(in.Action); !known {
		return nil, refuseWith("ValidationError", "action: there is none called "+in.Action)
	}
	caller := &nobody
	if !in.Anonymous {
		var err error
		if caller, err = x.callerOf(v["account"], in.User); err != nil {
			return nil, err
		}
	}
	h := &hypothesis{given: make(map[string][]string, len(in.Conditions))}
	for key, values := range in.Conditions {
		h.given[strings.ToLower(key)] = values
	}
	h.stored = question{x: x, action: in.Action, key: in.Key, named: versionName{in.VersionID, in.VersionID != ""}}
	r := policy.Request{
		Principal: &caller.Principal, Identity: caller.Policies,
		Action: in.Action, Bucket: in.Bucket, Key: in.Key, Values: h,
	}
	if in.Bucket == "" || in.Action == "s3:CreateBucket" {
		return adminDecision(policy.Explain(&r, nil)), nil
	}
	side, err := x.assume(h, &in)
	if err != nil {
		return nil, err
	}
	out := adminDecision(policy.Explain(&r, side))
	if other := h.otherDelete(); other != "" && out.Allowed {
		r.Action = other
		if steps, d := policy.Explain(&r, side); d.Reason == policy.ExplicitDeny {
			out = adminDecision(steps, d)
			out.Notes = []string{"of a bucket that never had versions an object is kept where " + other + " is denied, too"}
		}
	}
	notes, err := x.beyondPolicy(h, caller)
	out.Notes = append(out.Notes, notes...)
	return out, err
}

// otherDelete is the other action that decides about a delete, where both do (spec
// AP1-31), else empty.
func (h *hypothesis) otherDelete() string {
	switch {
	case h.stored.key == "" || h.stored.bucket.Versioning != versioning.Unversioned:
		return ""
	case h.stored.action == deleteObject:
		return deleteVersion
	case h.stored.action == deleteVersion:
		return deleteObject
	}
	return ""
}

// assume finds what is stored of the bucket and the object that a hypothesis is about,
// and returns what they say.
func (x *exchange) assume(h *hypothesis, in *AdminQuestion) (*policy.Resource, error) {
	found, err := x.h.store.Bucket(x.Context(), in.Bucket)
	if p := &x.caller.Principal; p.Account != x.h.root.Principal.Account && found.Owner.Account != p.Account {
		return nil, refuse("AccessDenied")
	}
	if err != nil {
		return nil, err
	}
	h.stored.bucket = &found
	if in.Key != "" {
		if h.stored.facts, err = x.factsOf(in); err != nil {
			return nil, err
		}
	}
	return x.resourceOf(&found, h.stored.facts)
}

// factsOf returns what is stored of the object that a question is about.
func (x *exchange) factsOf(in *AdminQuestion) (*store.ObjectFacts, error) {
	var facts store.ObjectFacts
	r := store.ReadRequest{
		Bucket: in.Bucket, Key: in.Key, Operation: versioning.HeadObject,
		Authorize: func(f store.ObjectFacts) error { facts = f; return nil },
	}
	var err error
	if in.VersionID != "" {
		if r.ID, err = x.h.store.ParseVersionID(in.VersionID); err != nil {
			return nil, err
		}
	}
	_, err = x.h.store.Head(x.Context(), r)
	var refused *versioning.Refusal
	if errors.As(err, &refused) {
		err = nil // there is none, or a marker: policies may look at that too
	}
	return &facts, err
}

// beyondPolicy says what else would hold the request back, or may.
func (x *exchange) beyondPolicy(h *hypothesis, caller *identity.Caller) (notes []string, err error) {
	b, facts := h.stored.bucket, h.stored.facts
	if h.stored.action == deleteVersion && facts != nil && facts.Lock.Protects(x.h.store.LockTime(), false) {
		if facts.Lock.Hold == versioning.HoldOn {
			notes = append(notes, "a legal hold keeps this version")
		} else {
			notes = append(notes, fmt.Sprintf("%v keeps this version until %s", facts.Lock.Mode, facts.Lock.Until.UTC().Format(time.RFC3339)))
		}
	}
	if b.MFADelete == store.MFADeleteEnabled && (h.stored.action == deleteVersion || h.stored.action == "s3:PutBucketVersioning") {
		notes = append(notes, "MFA Delete asks the root of the bucket's account for a code, and refuses everybody else")
	}
	payer, err := store.Parsed(x.Context(), x.h.store, b.Name, store.ConfigRequestPayment, parseRequestPayment)
	if err == nil && payer != nil && *payer == requesterPays && caller.Principal.Account != b.Owner.Account {
		notes = append(notes, "the requester pays: the request has to say x-amz-request-payer: requester, and to be signed")
	}
	return notes, err
}

func adminDecision(steps []policy.Step, d policy.Decision) AdminDecision {
	out := AdminDecision{
		Allowed: d.Allowed, Decision: d.String(), Reason: d.Reason.String(),
		Policy: d.Policy, Sid: d.Sid, Line: d.Line, Steps: []AdminStep{},
	}
	for _, s := range steps {
		effect := "Allow"
		if s.Deny {
			effect = "Deny"
		}
		out.Steps = append(out.Steps, AdminStep{
			Policy: s.Policy, Statement: s.Statement, Sid: s.Sid, Line: s.Line,
			Effect: effect, Matched: s.Matched, Why: s.Why,
		})
	}
	return out
}
