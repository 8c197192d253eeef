package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetObjectRetention shows until when a version is kept (spec OL1.2-16).
func prepareGetObjectRetention(x *exchange) (task, error) {
	return task{ofLock: true, run: func() error {
		o, err := x.lookAt(versioning.GetObjectRetention)
		if err != nil {
			return err
		}
		if o.Lock.Mode == versioning.NoRetention {
			return refuse("NoSuchObjectLockConfiguration")
		}
		d := x.beginDocument(http.StatusOK, "Retention", false)
		d.text("Mode", o.Lock.Mode.String())
		d.text("RetainUntilDate", formatRetainUntil(o.Lock.Until))
		return d.end("Retention")
	}}, nil
}

// prepareGetObjectLegalHold shows whether a version is held (spec OL1.2-16).
func prepareGetObjectLegalHold(x *exchange) (task, error) {
	return task{ofLock: true, run: func() error {
		o, err := x.lookAt(versioning.GetObjectLegalHold)
		if err != nil {
			return err
		}
		if o.Lock.Hold == versioning.HoldNever {
			return refuse("NoSuchObjectLockConfiguration")
		}
		d := x.beginDocument(http.StatusOK, "LegalHold", false)
		d.text("Status", o.Lock.Hold.String())
		return d.end("LegalHold")
	}}, nil
}

// preparePutObjectRetention changes the retention of a version, as far as the one it
// has allows (spec OL1.3).
func preparePutObjectRetention(x *exchange) (task, error) {
	data, err := x.readConfig()
	if err != nil {
		return task{}, err
	}
	r := store.RetentionRequest{Bucket: x.bucket, Key: x.key, ID: x.version, Made: x.maker()}
	if r.Mode, r.Until, err = parseRetention(data, x.h.store.LockTime()); err != nil {
		return task{}, err
	}
	return task{ofLock: true, lock: versioning.Lock{Mode: r.Mode, Until: r.Until}, run: func() error {
		var err error
		if r.Bypass, err = x.bypass(x.asks(bypassLock)); err != nil {
			return err
		}
		r.MayBypass, r.Authorize = x.mayBypass(x.asks(bypassLock)), x.guard()
		version, err := x.h.store.SetRetention(x.Context(), r)
		return x.answerLock(version, err)
	}}, nil
}

// preparePutObjectLegalHold sets or lifts the legal hold of a version. Bypassing
// governance has nothing to do with it (spec OL1.3-8).
func preparePutObjectLegalHold(x *exchange) (task, error) {
	data, err := x.readConfig()
	if err != nil {
		return task{}, err
	}
	r := store.HoldRequest{Bucket: x.bucket, Key: x.key, ID: x.version, Made: x.maker()}
	if r.Hold, err = parseLegalHold(data); err != nil {
		return task{}, err
	}
	return task{ofLock: true, lock: versioning.Lock{Hold: r.Hold}, run: func() error {
		r.Authorize = x.guard()
		version, err := x.h.store.SetLegalHold(x.Context(), r)
		return x.answerLock(version, err)
	}}, nil
}

// answerLock says that the lock of a version was changed.
func (x *exchange) answerLock(version string, err error) error {
	if err != nil {
		return err
	}
	x.setNonEmpty("x-amz-version-id", version)
	x.WriteHeader(http.StatusOK)
	return nil
}

// checkLockBucket refuses requests about locks in a bucket without Object Lock (spec
// OL1.2-14).
func (x *exchange) checkLockBucket() error {
	if !x.found.ObjectLock {
		return refuseWith("InvalidRequest", "Bucket is missing Object Lock Configuration")
	}
	return nil
}
