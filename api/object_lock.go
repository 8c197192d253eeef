package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetObjectLockConfiguration shows that Object Lock is on where it is (spec
// OL1.1-8). No bucket has a default retention.
func prepareGetObjectLockConfiguration(x *exchange) (task, error) {
	return task{run: func() error {
		if !x.found.ObjectLock {
			return refuse("ObjectLockConfigurationNotFoundError")
		}
		d := x.beginDocument(http.StatusOK, "ObjectLockConfiguration", false)
		d.text("ObjectLockEnabled", "Enabled")
		return d.end("ObjectLockConfiguration")
	}}, nil
}

// prepareGetObjectRetention shows until when a version is kept (spec OL1.2-14, OL1.2-16).
func prepareGetObjectRetention(x *exchange) (task, error) {
	return task{run: func() error {
		o, err := x.locked(versioning.GetObjectRetention)
		if err != nil {
			return err
		}
		if o.Lock.Mode == versioning.NoRetention {
			return refuse("NoSuchObjectLockConfiguration")
		}
		d := x.beginDocument(http.StatusOK, "Retention", false)
		d.text("Mode", o.Lock.Mode.String())
		d.date("RetainUntilDate", o.Lock.Until)
		return d.end("Retention")
	}}, nil
}

// prepareGetObjectLegalHold shows whether a version is held (spec OL1.2-14, OL1.2-16).
func prepareGetObjectLegalHold(x *exchange) (task, error) {
	return task{run: func() error {
		o, err := x.locked(versioning.GetObjectLegalHold)
		if err != nil {
			return err
		}
		hold := o.Lock.Hold.String()
		if hold == "" {
			return refuse("NoSuchObjectLockConfiguration")
		}
		d := x.beginDocument(http.StatusOK, "LegalHold", false)
		d.text("Status", hold)
		return d.end("LegalHold")
	}}, nil
}

// locked returns the version that a request about its lock names.
func (x *exchange) locked(op versioning.Operation) (store.Object, error) {
	if !x.found.ObjectLock {
		return store.Object{}, refuseWith("InvalidRequest", "Bucket is missing Object Lock Configuration")
	}
	o, err := x.h.store.Head(x.Context(), x.readRequest(op))
	if err == nil {
		x.setNonEmpty("x-amz-version-id", o.VersionHeader)
	}
	return o, err
}
