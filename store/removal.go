package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// ErrChanged says that a key is not what it was when a removal was judged, so that
// nothing was done.
var ErrChanged = errors.New("key is not what it was when it was judged")

// Removal is one entry to be destroyed, or one key to be deleted, as it was judged
// in a view of [Store.History].
type Removal struct {
	Key string
	ID  versioning.ID // entry to destroy; zero: the key is deleted as DeleteObject does
	// Order is that of the entry that was judged: the one to be destroyed, or the
	// current one. 0 with the ID Null is the delete marker that an earlier removal of
	// this call adds.
	Order versioning.Order
	// Seen is what [HistoryView.Head] said of the key, before any removal of this call.
	Seen versioning.Head
	// Apart says that the removal does not rest on those before it of its key. Else it
	// is [ErrChanged] when any of them was not done: a delete marker must not go
	// because all below it was to go, and did not.
	Apart bool

	Bypass    bool // BypassGovernance of a DeleteRequest
	MayBypass MayBypass
	MFA       bool // as in a DeleteRequest
	// Authorize is asked about the entry that is named, or else the current one.
	Authorize Authorize
	// Made says who removes it, and why; nil if nobody is known. Removals that share it
	// share a row of the ledger.
	Made *Maker
}

// Remove does what was judged, those of one key in their order, as one commit where
// the engine takes it. A removal is done only if its key is in the commit what was
// Seen, and goes the way of a delete: what a lock protects is
// [versioning.ObjectLocked], an entry that is named without a token where MFA Delete is
// Enabled [ErrMFARequired], and Authorize refuses as it likes. The errors stand in
// the order of rs, nil where it was done; a removal that was not done does not hinder
// those of other keys.
//
// It never joins the changes of others, nor they it: in its commit is nothing that was not
// judged. It holds the locks of all its keys meanwhile, so a thousand removals at a time
// are enough. If it fails as a whole, some of them may be done; what is left of them a
// new view tells.
func (s *Store) Remove(ctx context.Context, bucket string, rs []Removal) ([]error, error) {
	return s.RemoveWhile(ctx, bucket, rs, func() error { return nil })
}

// RemoveWhile is Remove for removals that rest on settings of the bucket, too: it calls
// holds when none of these can change any more until the removals are done, and does
// nothing if that returns an error, which it returns.
func (s *Store) RemoveWhile(ctx context.Context, bucket string, rs []Removal, holds func() error) ([]error, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, &Error{Op: "remove", Bucket: bucket, Err: err}
	}
	errs := make([]error, len(rs))
	removals := make([]removal, len(rs))
	edits := make([]*edit, 0, len(rs))
	now := s.lockNow()
	for i := range rs {
		if errs[i] = checkKey(rs[i].Key); errs[i] == nil {
			edits = append(edits, removals[i].prepare(s, b, &rs[i], now))
		}
	}
	if err := s.remove(ctx, b, byKey(edits), holds); err != nil {
		return nil, &Error{Op: "remove", Bucket: bucket, Err: err}
	}
	for i := range rs {
		if errs[i] == nil {
			errs[i] = removals[i].deletion.edit.err
		}
	}
	return errs, nil
}

// remove makes the edits of removals, which are by key.
func (s *Store) remove(ctx context.Context, b *bucketState, edits []*edit, holds func() error) error {
	if err := holdBucket(b); err != nil {
		return err
	}
	defer b.hold.RUnlock()
	if err := holds(); err != nil {
		return err
	}
	relate(edits)
	defer s.keyLocks.lock(b.id, keysOf(edits))()
	return s.changeLocked(ctx, b, edits)
}

// removal is the edit of a Removal, and what it rests on.
type removal struct {
	deletion deletion
	request  DeleteRequest
	judged   judged
}

// prepare makes v the delete that r asks for, and returns its edit.
func (v *removal) prepare(s *Store, b *bucketState, r *Removal, now time.Time) *edit {
	v.request = DeleteRequest{
		Key: r.Key, ID: r.ID, BypassGovernance: r.Bypass, MayBypass: r.MayBypass, MFA: r.MFA, Authorize: r.Authorize,
	}
	if r.Made != nil {
		v.request.Made = *r.Made
	}
	e := v.deletion.prepare(s, b, &v.request, now)
	e.made = r.Made // the ledger knows those that share it
	v.judged.removal = r
	e.judged = &v.judged
	return e
}

// judged is what the edit of a removal rests on.
type judged struct {
	removal *Removal
	before  *edit      // the removal of the same key before it, nil if it is the first
	key     *judgedKey // which the removals of a key share
	own     judgedKey  // the place of key, in the first
}

// judgedKey is what the removals of a key expect of it.
type judgedKey struct {
	head    versioning.Head // that it has when they are planned as one batch
	history *history        // that it was compared with
	first   *edit           // of that batch
}

// relate tells removals, which are by key, of those of the same key.
func relate(edits []*edit) {
	for i, e := range edits {
		j := e.judged
		if i > 0 && edits[i-1].key == e.key {
			j.before, j.key = edits[i-1], edits[i-1].judged.key
			continue
		}
		j.own.head = j.removal.Seen
		j.key = &j.own
	}
}

// expected returns the head that the key of e has to have, as e's batch read it. It
// knows from the first edit of a batch whether the batch is planned anew, or is one
// behind that which came before it: what that left is what has to be there.
func (k *judgedKey) expected(e *edit) versioning.Head {
	if e.history != k.history {
		if k.first != nil && k.first != e {
			k.head = k.history.head
		}
		k.history, k.first = e.history, e
	}
	return k.head
}

// refuse returns why e is not done, given the entry that it names: nothing but what
// was judged is removed.
func (j *judged) refuse(e *edit, target *versioning.Version) error {
	r, h := j.removal, e.history
	if !r.ID.IsZero() && !r.MFA && h.bucket.row.Load().MFADelete == MFADeleteEnabled {
		return ErrMFARequired
	}
	if h.readHead != j.key.expected(e) || !r.Apart && j.stays() {
		return ErrChanged
	}
	want, is := r.Order, h.head.Newest
	if !r.ID.IsZero() {
		is = 0
		if target != nil {
			is = target.Order
		}
		if want == 0 && r.ID.IsNull() {
			want = j.added()
		}
	}
	if want == 0 || is != want {
		return ErrChanged
	}
	return nil
}

// stays reports whether a removal of the key before this one was not done.
func (j *judged) stays() bool {
	for e := j.before; e != nil; e = e.judged.before {
		if e.err != nil {
			return true
		}
		if !e.judged.removal.Apart {
			return false // it looked at those before it itself
		}
	}
	return false
}

// added returns the order of the entry that the nearest removal before this one has
// added to their key, 0 if none has.
func (j *judged) added() versioning.Order {
	for e := j.before; e != nil; e = e.judged.before {
		if e.inserted != nil {
			return e.inserted.order
		}
	}
	return 0
}
