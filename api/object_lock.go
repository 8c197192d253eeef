package api

import (
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetObjectLockConfiguration shows that Object Lock is on where it is, and the
// default retention if there is one (spec OL1.1-3, OL1.1-8).
func prepareGetObjectLockConfiguration(x *exchange) (task, error) {
	return task{run: func() error {
		if !x.found.ObjectLock {
			return refuse("ObjectLockConfigurationNotFoundError")
		}
		d := x.beginDocument(http.StatusOK, "ObjectLockConfiguration", false)
		d.text("ObjectLockEnabled", "Enabled")
		if !x.found.Retention.IsZero() {
			d.defaultRetention(x.found.Retention)
		}
		return d.end("ObjectLockConfiguration")
	}}, nil
}

// defaultRetention writes the rule of a bucket's default retention.
func (d *document) defaultRetention(r store.DefaultRetention) {
	d.open("Rule")
	d.open("DefaultRetention")
	d.text("Mode", r.Mode.String())
	if r.Days > 0 {
		d.number("Days", int64(r.Days))
	} else {
		d.number("Years", int64(r.Years))
	}
	d.close("DefaultRetention")
	d.close("Rule")
}

// preparePutObjectLockConfiguration enables Object Lock, for ever, and sets or removes
// the default retention. A token was needed for that once and is passed over (spec
// OL1.1-2).
func preparePutObjectLockConfiguration(x *exchange) (task, error) {
	data, err := x.readConfig()
	if err != nil {
		return task{}, err
	}
	retention, err := parseLockConfiguration(data)
	if err != nil {
		return task{}, err
	}
	return task{run: func() error {
		err := x.h.store.SetObjectLock(x.Context(), x.bucket, retention, x.maker())
		if errors.Is(err, versioning.InvalidBucketState) {
			return refuseWith("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		if err != nil {
			return err
		}
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}
