package api

import (
	"net/http"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// The headers that lock what a request stores, in canonical form, and as errors
// call them.
const (
	lockModeHeader  = "X-Amz-Object-Lock-Mode"
	lockUntilHeader = "X-Amz-Object-Lock-Retain-Until-Date"
	lockHoldHeader  = "X-Amz-Object-Lock-Legal-Hold"

	lockModeName  = "x-amz-object-lock-mode"
	lockUntilName = "x-amz-object-lock-retain-until-date"
	lockHoldName  = "x-amz-object-lock-legal-hold"
)

// Messages that are said in more than one place.
const (
	textNoLock   = "Bucket is missing ObjectLockConfiguration"
	textPastDate = "The retain until date must be in the future!"
	textTwoLocks = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
)

// parseLock reads the lock that the headers of a request ask for: a mode with a date
// after now, a legal hold, both, or nothing (spec OL1.2-2, OL1.2-8 to OL1.2-12).
func parseLock(h http.Header, now time.Time) (versioning.Lock, error) {
	var l versioning.Lock
	mode, date, hold := h[lockModeHeader], h[lockUntilHeader], h[lockHoldHeader]
	switch {
	case len(date) == 0 && len(mode) > 0:
		return l, invalidArgument(textTwoLocks, lockUntilName, "")
	case len(mode) == 0 && len(date) > 0:
		return l, invalidArgument(textTwoLocks, lockModeName, "")
	}
	if len(mode) > 0 {
		var ok bool
		if l.Mode, ok = lockModes[mode[0]]; !ok {
			return l, invalidArgument("Unknown wormMode directive.", lockModeName, mode[0])
		}
		if l.Until, ok = parseRetainUntil(date[0]); !ok {
			return l, invalidArgument("The retain until date must be provided in ISO 8601 format", lockUntilName, date[0])
		}
		if !l.Until.After(now) {
			return l, invalidArgument(textPastDate, lockUntilName, date[0])
		}
	}
	if len(hold) > 0 {
		var ok bool
		if l.Hold, ok = legalHolds[hold[0]]; !ok {
			return l, invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", lockHoldName, hold[0])
		}
	}
	return l, nil
}

var lockModes = map[string]versioning.Mode{"GOVERNANCE": versioning.Governance, "COMPLIANCE": versioning.Compliance}

var legalHolds = map[string]versioning.Hold{"ON": versioning.HoldOn, "OFF": versioning.HoldOff}

// retainUntilForms are the forms of ISO 8601 in which the end of a retention is
// understood: with or without fractions of a second, in UTC or with an offset, as the
// SDKs write it and in the basic form.
var retainUntilForms = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "20060102T150405Z0700"}

// parseRetainUntil reads the end of a retention. It is kept in milliseconds; what is
// finer is rounded up, for nothing is released early. After the year 9999 ISO 8601 has
// no form that clients read.
func parseRetainUntil(text string) (time.Time, bool) {
	for _, form := range retainUntilForms {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		whole := t.UTC().Truncate(time.Millisecond)
		if whole.Before(t) {
			whole = whole.Add(time.Millisecond)
		}
		return whole, writable(whole)
	}
	return time.Time{}, false
}

// formatRetainUntil writes the end of a retention (spec OL1.2-7). Unlike the times of
// objects it keeps its milliseconds: sent back, it must not be earlier.
func formatRetainUntil(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// asksForLock reports whether the request has a header of a lock.
func (x *exchange) asksForLock() bool {
	return x.sent(lockModeHeader) || x.sent(lockUntilHeader) || x.sent(lockHoldHeader)
}

// requestLock reads the lock that the headers ask for. It has to come from somebody:
// Amazon takes it with a signature of version 4 only.
func (x *exchange) requestLock() (versioning.Lock, error) {
	if !x.asksForLock() {
		return versioning.Lock{}, nil
	}
	if x.session.Anonymous {
		return versioning.Lock{}, invalidArgument(
			"Put Object requests with Object Lock parameters require AWS Signature Version 4", "Authorization", "")
	}
	return parseLock(x.r.Header, x.h.store.LockTime())
}

// checkLockable refuses a lock where the bucket has no Object Lock (spec OL1.2-13).
func (x *exchange) checkLockable() error {
	if x.asksForLock() && !x.found.ObjectLock {
		return refuseWith("InvalidRequest", textNoLock)
	}
	return nil
}

// checkLockDigest demands that something protects the body of an object that will be
// locked, by its headers or by the bucket's default (spec OL1.2-5).
func (x *exchange) checkLockDigest(d *digests) error {
	locks := x.asksForLock() || x.found.Retention.Mode != versioning.NoRetention
	if !locks || d.sent() || x.session.Payload() != auth.PayloadUnsigned {
		return nil
	}
	return refuseWith("InvalidRequest",
		"Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
}

// setLock sets the headers of an object's lock, as far as the caller may know of it
// (spec OL1.2-6).
func (x *exchange) setLock(o *store.Object) error {
	if o.Lock.Mode != versioning.NoRetention {
		known, err := x.mayKnow("s3:GetObjectRetention", o)
		if err != nil {
			return err
		}
		if known {
			x.set(lockModeName, o.Lock.Mode.String())
			x.set(lockUntilName, formatRetainUntil(o.Lock.Until))
		}
	}
	if o.Lock.Hold == versioning.HoldNever {
		return nil
	}
	known, err := x.mayKnow("s3:GetObjectLegalHold", o)
	if known {
		x.set(lockHoldName, o.Lock.Hold.String())
	}
	return err
}

// mayKnow reports whether the caller may do what action names with an object that was
// read.
func (x *exchange) mayKnow(action string, o *store.Object) (bool, error) {
	q := x.asks(action)
	if x.deferred {
		q.facts = &store.ObjectFacts{Versioning: x.found.Versioning, Exists: true, Tags: o.Tags, Lock: o.Lock, Owner: o.Owner}
	}
	d, err := x.decide(&q)
	return err == nil && d.Allowed, err
}
