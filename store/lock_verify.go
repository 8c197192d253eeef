package store

import (
	"context"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// LockProof is what [Store.VerifyLocks] found out about one version with a lock
// setting.
type LockProof struct {
	Key, VersionID string // VersionID is empty if a row names no version
	Lock           versioning.Lock
	At             time.Time   // lock time of the trial
	Trials         []LockTrial // every way in which the version can be destroyed
	// Damage says in what the record and the rows of locks disagree; empty if they
	// do not. A proof of damage alone has no trials.
	Damage []string
}

// LockTrial is one way to destroy a version, tried without doing it.
type LockTrial struct {
	Path string // as "DELETE versionId"
	// Held says that the version would be there afterwards as it was, Want that its
	// lock demands it.
	Held, Want bool
	Why        string // what held it, or frees it, in words
}

// Sound reports whether every trial ended as the lock demands, and nothing is
// damaged.
func (p *LockProof) Sound() bool {
	for _, t := range p.Trials {
		if t.Want && !t.Held {
			return false
		}
	}
	return len(p.Damage) == 0
}

// verifyPage is how many versions are looked at in one view.
const verifyPage = 256

// VerifyLocks tries every way of destroying a version on each version of a bucket
// that has a lock setting, without doing it, and calls fn with what came of it: it
// asks the rules and makes the plans that the requests themselves ask and make, and
// throws the plans away. Then it looks for rows of locks that no version has. An
// error of fn ends it. Memory does not grow with the bucket; while changes are made,
// each page of versions is seen as it is at its time.
func (s *Store) VerifyLocks(ctx context.Context, bucket string, fn func(LockProof) error) error {
	b, err := s.bucket(bucket)
	if err == nil {
		v := &lockVerifier{store: s, ctx: ctx, bucket: b}
		if err = v.pages(versionTable, v.version, fn); err == nil {
			err = v.pages(lockTable, v.row, fn)
		}
	}
	if err != nil {
		return &Error{Op: "verify locks", Bucket: bucket, Err: err}
	}
	return nil
}

// lockVerifier is one run of VerifyLocks.
type lockVerifier struct {
	store  *Store
	ctx    context.Context
	bucket *bucketState
}

// pages calls look for the rows of a table of the bucket, and fn for the proofs that
// it returns, nil for rows that need none.
func (v *lockVerifier) pages(t table, look func(r engine.Reader, k, row []byte) (*LockProof, error), fn func(LockProof) error) error {
	start := within(t, v.bucket.id, 0)
	for end := prefixEnd(start); start != nil; {
		var proofs []LockProof
		err := v.store.view(v.ctx, func(r engine.Reader) (err error) {
			proofs, start, err = v.page(r, engine.Range{Start: start, End: end, Limit: verifyPage}, look)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range proofs {
			if err := fn(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// page looks at the rows of rg, and returns where the next page starts, nil at the
// end.
func (v *lockVerifier) page(r engine.Reader, rg engine.Range, look func(r engine.Reader, k, row []byte) (*LockProof, error)) (proofs []LockProof, next []byte, err error) {
	type pair struct{ key, value []byte }
	var rows []pair
	if _, err := r.Scan(rg, func(k, row []byte) bool {
		rows = append(rows, pair{append([]byte(nil), k...), append([]byte(nil), row...)})
		return true
	}); err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		proof, err := look(r, row.key, row.value)
		if err != nil {
			return nil, nil, err
		}
		if proof != nil {
			proofs = append(proofs, *proof)
		}
	}
	if len(rows) == rg.Limit {
		next = append(rows[len(rows)-1].key, 0)
	}
	return proofs, next, nil
}

// version proves the lock of a version row.
func (v *lockVerifier) version(r engine.Reader, k, row []byte) (*LockProof, error) {
	key, order, ok := splitVersionKey(k)
	if !ok {
		return v.damaged("", "", "version row with a malformed key %x", k), nil
	}
	rec, err := decodeRecord(row)
	if err != nil {
		// What its lock is cannot be told.
		return v.damaged(string(key), v.store.FormatVersionID(versioning.IDOf(order)), "%v", err), nil
	}
	if !rec.locked() {
		return nil, nil
	}
	p := &LockProof{
		Key: string(key), VersionID: v.store.FormatVersionID(rec.version().ID()), Lock: rec.lock, At: v.store.lockNow(),
	}
	for _, key := range lockKeys(v.bucket.id, p.Key, rec.order, rec.lock) {
		_, found, err := r.Get(key)
		if err != nil {
			return nil, err
		}
		if !found {
			p.Damage = append(p.Damage, "lock has no row")
		}
	}
	return p, v.try(r, p, rec)
}

// row looks for the version of a row of the lock table.
func (v *lockVerifier) row(r engine.Reader, k, _ []byte) (*LockProof, error) {
	_, key, order, ok := splitLockKey(k)
	if !ok {
		return v.damaged("", "", "lock row with a malformed key %x", k), nil
	}
	id := v.store.FormatVersionID(versioning.IDOf(order))
	row, found, err := r.Get(versionKey(v.bucket.id, key, order))
	if err != nil {
		return nil, err
	}
	if !found {
		return v.damaged(key, id, "lock row without a version"), nil
	}
	rec, err := decodeRecord(row)
	if err != nil {
		return nil, nil //nolint:nilerr // its version row was told of
	}
	for _, want := range lockKeys(v.bucket.id, key, order, rec.lock) {
		if string(want) == string(k) {
			return nil, nil
		}
	}
	return v.damaged(key, v.store.FormatVersionID(rec.version().ID()), "lock row of a lock that the version has not"), nil
}

// damaged is the proof of damage alone.
func (v *lockVerifier) damaged(key, id, format string, args ...any) *LockProof {
	return &LockProof{Key: key, VersionID: id, At: v.store.lockNow(), Damage: []string{fmt.Sprintf(format, args...)}}
}
