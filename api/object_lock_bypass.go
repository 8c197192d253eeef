package api

import (
	"errors"
	"strings"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// bypassHeader asks to bypass governance, in canonical form.
const bypassHeader = "X-Amz-Bypass-Governance-Retention"

// checkBypass is spec OL1.6-1: the header means something only where Object Lock
// is, whatever its value.
func (x *exchange) checkBypass() error {
	if x.sent(bypassHeader) && !x.found.ObjectLock {
		return invalidArgument("x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
			"x-amz-bypass-governance-retention", x.header(bypassHeader))
	}
	return nil
}

// bypasses reports whether the request asks to bypass governance: by "true" and nothing
// else. AWS CLI 2.9, as Debian has it, writes "True".
func (x *exchange) bypasses() bool {
	return strings.EqualFold(x.header(bypassHeader), "true") && x.found.ObjectLock
}

// bypass is the question whether governance may be bypassed for what of is about. It
// is put only if that was asked for (spec AP1-9, OL1.4-3, OL1.4-4); where the answer
// depends on the object it is yes, and mayBypass has to be asked.
func (x *exchange) bypass(of question) (bool, error) {
	if !x.bypasses() || x.deferred {
		return x.bypasses(), nil
	}
	of.action = bypassLock
	d, err := x.decide(&of)
	return err == nil && d.Allowed, err
}

// mayBypass returns what the store asks before it bypasses governance, where the answer
// depends on the object; nil if bypass knows. Whoever may not is not refused by that: the
// rule book refuses where there is something to be bypassed, and only there (spec
// OL1.3-2, OL1.4-2).
func (x *exchange) mayBypass(of question) store.MayBypass {
	if !x.bypasses() || !x.deferred {
		return nil
	}
	return func(facts store.ObjectFacts) (bool, error) {
		if facts.Lock.Mode != versioning.Governance {
			return false, nil
		}
		q := of
		q.action, q.facts = bypassLock, &facts
		d, err := x.decide(&q)
		return err == nil && d.Allowed, err
	}
}

// unprotected answers what the store refuses because the bucket is not, or no longer,
// set up as the request found it, nil if err is something else.
func unprotected(err error) *failure {
	switch {
	case errors.Is(err, store.ErrNoObjectLock):
		return refuseWith("InvalidRequest", textNoLock)
	case errors.Is(err, store.ErrMFARequired):
		return refuseWith("AccessDenied", textTokenNeeded)
	case errors.Is(err, store.ErrLifecycle): // spec LC6-2, OL2-18
		return refuseWith("InvalidBucketState", "Mfa Authentication is not supported on a bucket with lifecycle configuration. "+
			"Delete lifecycle configuration before enabling Mfa Authentication.")
	case errors.Is(err, store.ErrMFADelete):
		return refuseWith("InvalidBucketState", "Lifecycle configuration is not supported on a bucket with Mfa Authentication. "+
			"Disable Mfa Authentication before adding lifecycle configuration.")
	}
	return nil
}
