package model

import (
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Mode is the mode of a retention as S3 writes it, empty for none.
type Mode string

// The modes.
const (
	NoRetention Mode = ""
	Governance  Mode = "GOVERNANCE"
	Compliance  Mode = "COMPLIANCE"
)

// Hold is a legal hold as S3 writes it, empty if there never was one.
type Hold string

// The values of a legal hold.
const (
	HoldNever Hold = ""
	HoldOn    Hold = "ON"
	HoldOff   Hold = "OFF"
)

// Lock is the lock setting of an object version. Times are measured from a moment
// that the harness chooses, which is that of a new model.
type Lock struct {
	Mode  Mode
	Until time.Duration
	Hold  Hold
	// Days is not 0 if the default of the bucket set the retention, at From. Until
	// may then be put right by the harness, which learns when the version was made.
	Days int
	From time.Duration
}

// IsZero reports whether there is no setting.
func (l Lock) IsZero() bool { return l.Mode == NoRetention && l.Hold == HoldNever }

const day = 24 * time.Hour

// Now returns the time that locks are held against.
func (s *Store) Now() time.Duration { return s.now }

// SetNow sets that time.
func (s *Store) SetNow(now time.Duration) { s.now = now }

// protects tells whether a version with the lock l may not be removed (spec OL1.4-2
// to OL1.4-6).
func (s *Store) protects(l Lock, bypass bool) bool {
	switch {
	case l.Hold == HoldOn:
		return true
	case l.Mode == NoRetention, l.Until <= s.now:
		return false
	}
	return l.Mode == Compliance || !bypass
}

// locked tells whether an entry is there that may not be removed.
func (s *Store) locked(b *bucket, key, name string, bypass bool) bool {
	for _, e := range b.keys[key] {
		if e.Name == name {
			return s.protects(e.Object.Lock, bypass)
		}
	}
	return false
}

// SetDefault turns Object Lock on, and sets the default retention of a bucket, none
// for no days (spec OL1.1-2, OL1.1-3).
func (s *Store) SetDefault(name string, mode Mode, days int) error {
	b := s.buckets[name]
	switch {
	case b == nil:
		return NoSuchBucket
	case b.state != versioning.Enabled:
		return InvalidBucketState
	}
	b.lock, b.mode, b.days = true, mode, days
	return nil
}

// withDefault is the lock of a new version for which a request sets l (spec OL1.2-2).
func (s *Store) withDefault(b *bucket, l Lock) Lock {
	if l.Mode == NoRetention && b.days > 0 {
		l.Mode, l.Days, l.From = b.mode, b.days, s.now
		l.Until = s.now + time.Duration(b.days)*day
	}
	return l
}

// LockChange changes the retention or the legal hold of a version.
type LockChange struct {
	Bucket, Key string
	ID          string
	Mode        Mode
	Until       time.Duration
	Bypass      bool
	Hold        Hold // not HoldNever: it is the legal hold that is changed
}

// ChangeLock changes a lock (spec OL1.3-1 to OL1.3-8, OL1.2-14, OL1.2-17).
func (s *Store) ChangeLock(r LockChange) (Answer, error) {
	b := s.buckets[r.Bucket]
	switch {
	case b == nil:
		return Answer{}, NoSuchBucket
	case !b.lock:
		return Answer{}, InvalidRequest
	}
	e, header, err := s.Read(r.Bucket, r.Key, r.ID)
	if e != nil && e.DeleteMarker {
		err = MethodNotAllowed
	}
	if err != nil {
		return Answer{}, err
	}
	l := &e.Object.Lock
	if r.Hold != HoldNever {
		l.Hold = r.Hold
		return Answer{VersionID: header, Made: e}, nil
	}
	inForce := l.Mode != NoRetention && l.Until > s.now
	longer := r.Mode == l.Mode && r.Until >= l.Until
	if inForce && !longer && (l.Mode == Compliance || !r.Bypass) {
		return Answer{}, ObjectLocked
	}
	*l = Lock{Mode: r.Mode, Until: r.Until, Hold: l.Hold}
	return Answer{VersionID: header, Made: e}, nil
}
