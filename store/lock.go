package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// DefaultRetention is what a bucket locks new versions with that come without a
// mode (spec OL1.2-2). Days or Years is set, not both; zero means none.
type DefaultRetention struct {
	Mode        versioning.Mode
	Days, Years int
}

// IsZero reports whether there is none.
func (d DefaultRetention) IsZero() bool { return d == DefaultRetention{} }

// endOfTime is the last millisecond that can be written as a date.
var endOfTime = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)

// Until is the end of the retention of a version made at created. Years are those
// of the calendar; one from 29 February ends on 1 March where there is no such day.
// None ends after the year 9999.
func (d DefaultRetention) Until(created time.Time) time.Time {
	end := created.UTC().AddDate(d.Years, 0, d.Days)
	if end.After(endOfTime) {
		return endOfTime
	}
	return end
}

// The longest default retention (spec OL1.1-6).
const (
	MaxRetentionDays  = 36500
	MaxRetentionYears = 100
)

// valid reports whether d can be stored as a default.
func (d DefaultRetention) valid() bool {
	mode := d.Mode == versioning.Governance || d.Mode == versioning.Compliance
	return mode && d.Days >= 0 && d.Years >= 0 && (d.Days == 0) != (d.Years == 0) &&
		d.Days <= MaxRetentionDays && d.Years <= MaxRetentionYears
}

// RetentionRequest is a PutObjectRetention.
type RetentionRequest struct {
	Bucket, Key string
	ID          versioning.ID   // zero for the current entry
	Mode        versioning.Mode // NoRetention removes it
	Until       time.Time       // end of retention; unused for NoRetention
	Bypass      bool            // BypassGovernance of a DeleteRequest
	MayBypass   MayBypass
	Authorize   Authorize
	Made        Maker
}

// HoldRequest is a PutObjectLegalHold.
type HoldRequest struct {
	Bucket, Key string
	ID          versioning.ID   // zero for the current entry
	Hold        versioning.Hold // HoldOn or HoldOff
	Authorize   Authorize
	Made        Maker
}

// errRetention says that a default retention is none that can be stored.
var errRetention = errors.New("default retention needs a mode, and either days or years within the limits")

// SetRetention changes the retention of a version as far as the one in force
// allows (spec OL1.3), and returns the value of x-amz-version-id. The version
// stays what it is: its Last-Modified and ETag do not change (spec VD4-24). A
// delete marker is a [versioning.Refusal] that carries the marker, a bucket
// without Object Lock is [ErrNoObjectLock].
func (s *Store) SetRetention(ctx context.Context, r RetentionRequest) (versionHeader string, err error) {
	versionHeader, err = s.amend(ctx, s.retentionAmendment(&r))
	if err != nil {
		return "", &Error{Op: "set retention", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}

func (s *Store) retentionAmendment(r *RetentionRequest) *amendment {
	return &amendment{
		operation: versioning.PutObjectRetention, bucket: r.Bucket, key: r.Key, id: r.ID, authorize: r.Authorize, made: &r.Made,
		ofLock: true,
		change: func(h *history, rec *record) error {
			bypass, err := r.bypasses(h.factsOf(rec))
			if err == nil {
				err = versioning.ChangeRetention(rec.lock, r.Mode, r.Until, s.lockNow(), bypass)
			}
			if err != nil {
				return err
			}
			rec.lock.Mode, rec.lock.Until = r.Mode, time.Time{}
			if r.Mode != versioning.NoRetention {
				rec.lock.Until = r.Until.UTC()
			}
			return nil
		},
	}
}

// bypasses reports whether governance is bypassed for the version of the facts.
func (r *RetentionRequest) bypasses(f ObjectFacts) (bool, error) {
	if !r.Bypass || r.MayBypass == nil {
		return r.Bypass, nil
	}
	return r.MayBypass(f)
}

// SetLegalHold sets or lifts the legal hold of a version, which may be done at any
// time (spec OL1.3-8), and returns the value of x-amz-version-id. Refusals are
// those of SetRetention.
func (s *Store) SetLegalHold(ctx context.Context, r HoldRequest) (versionHeader string, err error) {
	versionHeader, err = s.amend(ctx, &amendment{
		operation: versioning.PutObjectLegalHold, bucket: r.Bucket, key: r.Key, id: r.ID, authorize: r.Authorize, made: &r.Made,
		ofLock: true,
		change: func(_ *history, rec *record) error {
			rec.lock.Hold = r.Hold
			return nil
		},
	})
	if err != nil {
		return "", &Error{Op: "set legal hold", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return versionHeader, nil
}

// SetObjectLock configures Object Lock for a bucket, for ever, and its default
// retention, zero for none (spec OL1.1-2, OL1.1-3). The bucket's versioning must be
// Enabled, else it is refused with [versioning.InvalidBucketState].
func (s *Store) SetObjectLock(ctx context.Context, bucket string, d DefaultRetention, made Maker) error {
	err := s.keepLockTime(ctx)
	if err == nil {
		err = s.changeBucket(ctx, bucket, made, func(row *bucketRow) error {
			if err := versioning.ConfigureLock(row.Versioning); err != nil {
				return err
			}
			if !d.IsZero() && !d.valid() {
				return errRetention
			}
			row.ObjectLock, row.Retention = true, d
			return nil
		})
	}
	if err != nil {
		return &Error{Op: "set object lock", Bucket: bucket, Err: err}
	}
	return nil
}

// checkLock refuses a lock that a request sets in a bucket without Object Lock.
func (b *bucketState) checkLock(l versioning.Lock) error {
	if !l.IsZero() && !b.row.Load().ObjectLock {
		return ErrNoObjectLock
	}
	return nil
}

// newLock is the lock of a version for which a request sets l: the bucket's default
// takes the place of a mode that is not set, and begins at start (spec OL1.2-2,
// OL1.2-3).
func (b *bucketState) newLock(l versioning.Lock, start time.Time) versioning.Lock {
	if d := b.row.Load().Retention; l.Mode == versioning.NoRetention && !d.IsZero() {
		l.Mode, l.Until = d.Mode, d.Until(start)
	}
	return l
}
