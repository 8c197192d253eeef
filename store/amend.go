package store

import (
	"context"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// amendment is a change of what an entry carries besides its data: its tags, its
// access control list or its lock.
type amendment struct {
	operation   versioning.Operation
	bucket, key string
	id          versioning.ID // zero for the current entry
	authorize   Authorize
	made        *Maker
	// ofLock says that the lock is changed. That needs a bucket with Object Lock, and
	// a lock time that is written down.
	ofLock bool
	// change changes the record, or refuses to and leaves it as it is. It may be
	// called more than once.
	change func(*history, *record) error
}

// amend carries out an amendment and returns the value of x-amz-version-id, empty if
// it is not sent.
func (s *Store) amend(ctx context.Context, a *amendment) (versionHeader string, err error) {
	if s.closed.Load() {
		return "", ErrClosed
	}
	b, err := s.bucket(a.bucket)
	if err != nil {
		return "", err
	}
	if err := checkKey(a.key); err != nil {
		return "", err
	}
	if a.ofLock {
		if err := s.keepLockTime(ctx); err != nil {
			return "", err
		}
	}
	e := a.edit(b)
	if err := s.change(ctx, b, []*edit{e}); err != nil {
		return "", err
	}
	return s.FormatVersionID(e.answer.VersionID), e.err
}

// edit makes the edit of the amendment. What the entry has now stands in its record,
// so the change is decided when that is amended.
func (a *amendment) edit(b *bucketState) *edit {
	rule := versioning.ReadRequest{Operation: a.operation, ID: a.id}
	var order versioning.Order // of the version, 0 if the rules refuse
	e := &edit{
		key: a.key, id: a.id, authorize: a.authorize, made: a.made,
		needs: func(versioning.State) versioning.Needs { return rule.Needs() },
		plan: func(state versioning.State, f versioning.Facts, _ versioning.Order) (versioning.Plan, error) {
			if a.ofLock && !b.row.Load().ObjectLock {
				return versioning.Plan{}, ErrNoObjectLock
			}
			v, answer, err := versioning.Read(state, f, &rule)
			if err != nil {
				return versioning.Plan{}, err
			}
			order = v.Order
			return versioning.Plan{Answer: answer}, nil
		},
	}
	e.amend = func(rd engine.Reader, h *history) (err error) {
		e.err, err = h.amend(rd, order, func(rec *record) error { return a.change(h, rec) })
		if e.err != nil {
			e.answer = versioning.Answer{}
		}
		return err
	}
	return e
}
