package store

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// LedgerOptions are the choices about the ledger. The zero value keeps one for ever,
// with seals that no key signs.
type LedgerOptions struct {
	// Off keeps no ledger. One that was kept before stays, and says when it ended.
	Off bool
	// Key signs the seals; the zero key signs none. A key that cannot sign serves
	// [Store.VerifyLedger] alone.
	Key LedgerKey
	// OpenKey returns Key, if it is given. It is called once the folder is taken, so
	// that the key may be made and kept there, with the newest seal, zero if there is
	// none: a key that signed it is not to be replaced by a new one unseen.
	OpenKey func(newest Seal) (LedgerKey, error)
	// OldKeys signed seals before Key did. They verify these, and sign nothing.
	OldKeys []LedgerKey
	// Retention is for how long entries are kept at least; 0 means for ever. They go
	// in whole seals, whose hashes stay.
	Retention time.Duration

	manual bool // nothing seals by itself; for tests that count what the store does
}

// LedgerChange is what happened that an entry of the ledger tells of. The numbers
// are on disk.
type LedgerChange uint8

// The changes.
const (
	LedgerVersionRemoved    LedgerChange = iota + 1 // an object version, with all that it held
	LedgerMarkerRemoved                             // a delete marker
	LedgerMarkerAdded                               // a delete marker
	LedgerLockChanged                               // retention or legal hold of a version: set, changed or lifted
	LedgerTagsChanged                               // tags of a version
	LedgerGrantsChanged                             // access control list of a version
	LedgerVersioningChanged                         // versioning state or MFA Delete of a bucket
	LedgerObjectLockChanged                         // Object Lock configuration of a bucket
	LedgerConfigChanged                             // another configuration of a bucket, such as its policy
	LedgerBucketCreated
	LedgerBucketRemoved
	LedgerIdentityChanged // an account, user, key, policy or device
	LedgerClockStepped    // a step of the clock was accepted, and locks follow it
	LedgerStarted         // the ledger is kept from here on
	LedgerStopped         // the ledger is not kept from here on
	LedgerUploadAborted   // a multipart upload, with the parts that it had
)

// ledgerChangeNames are the changes as they are shown, by number.
var ledgerChangeNames = [...]string{
	LedgerVersionRemoved: "version-removed", LedgerMarkerRemoved: "marker-removed", LedgerMarkerAdded: "marker-added",
	LedgerLockChanged: "lock-changed", LedgerTagsChanged: "tags-changed", LedgerGrantsChanged: "grants-changed",
	LedgerVersioningChanged: "versioning-changed", LedgerObjectLockChanged: "object-lock-changed",
	LedgerConfigChanged: "config-changed", LedgerBucketCreated: "bucket-created", LedgerBucketRemoved: "bucket-removed",
	LedgerIdentityChanged: "identity-changed", LedgerClockStepped: "clock-stepped",
	LedgerStarted: "ledger-started", LedgerStopped: "ledger-stopped", LedgerUploadAborted: "upload-aborted",
}

// String returns the change in words joined by hyphens, such as "version-removed",
// and "unknown" for that of a later version.
func (c LedgerChange) String() string {
	if c != 0 && int(c) < len(ledgerChangeNames) {
		return ledgerChangeNames[c]
	}
	return "unknown"
}

// ledger is the record of what was removed, and of all that decides about it. Its
// rows are part of the batches whose changes they tell of, so neither is ever there
// without the other. They form no chain, which would make changes wait for each
// other: a sealer sums up finished ranges of them afterwards.
type ledger struct {
	store *Store
	key   LedgerKey
	keeps bool // rows are written

	newest atomic.Pointer[Seal] // nil if there is none

	mu       sync.Mutex                    // protects what follows; taken before that of orders
	underWay map[versioning.Order]struct{} // for each commit under way, the first order of its rows
	at       time.Time                     // object time of the newest row

	sealing sync.Mutex // held while a seal is made, protects what follows; taken before mu
	made    uint64     // highest number that a seal was made with
	kept    uint64     // number of the first seal whose time has not come, as far as was looked
	dueTo   uint64     // end of the last one before it that has rows

	// reading is held for reading while rows are read that retention must not take
	// away meanwhile.
	reading sync.RWMutex

	told    *Seal            // the last one that the log named; the sealer's
	dropped versioning.Order // below it this process has removed the rows; the sealer's

	wake   chan struct{} // holds at most one wish to seal
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// issue returns the order of a new row, and its object time, which never falls and
// is never after that of the order. first says that it is the first of its commit.
func (l *ledger) issue(first bool) (versioning.Order, time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.store.now()
	order, err := l.store.orders.next(0)
	if err != nil {
		return 0, now, err
	}
	if first {
		l.underWay[order] = struct{}{}
	}
	if now.Before(l.at) {
		now = l.at
	}
	if top := order.Time(); now.After(top) {
		now = top
	}
	l.at = now
	return order, now, nil
}

// reached says that there is a row of the object time at.
func (l *ledger) reached(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.After(l.at) {
		l.at = at
	}
}

// finish says that the commit whose rows begin at first is over, and whether it may
// have been applied.
func (l *ledger) finish(first versioning.Order, applied bool) {
	if first == 0 {
		return
	}
	l.mu.Lock()
	delete(l.underWay, first)
	l.mu.Unlock()
	if applied {
		l.look()
	}
}

// bound returns an order below which every row is there that ever will be.
func (l *ledger) bound() (versioning.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.underWay) == 0 {
		return l.store.orders.next(0)
	}
	least := ^versioning.Order(0)
	for first := range l.underWay {
		least = min(least, first)
	}
	return least, nil
}

// look makes the sealer look for rows.
func (l *ledger) look() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// metaLedger is 1 in a folder whose ledger is kept, 2 where it was and is not.
const (
	metaLedger    = "ledger"
	ledgerKept    = 1
	ledgerNotKept = 2
)

// startLedger reads where the ledger stands. Unless the folder is only read, it
// notes a change of whether one is kept, and starts the sealer.
func (s *Store) startLedger(ctx context.Context, state uint64) error {
	o := s.options.Ledger
	l := &ledger{
		store: s, keeps: !o.Off && !s.options.ReadOnly,
		underWay: make(map[versioning.Order]struct{}), wake: make(chan struct{}, 1),
	}
	if err := l.load(ctx); err != nil {
		return err
	}
	if o.OpenKey != nil {
		var newest Seal
		if at := l.newest.Load(); at != nil {
			newest = *at
		}
		key, err := o.OpenKey(newest)
		if err != nil {
			return err
		}
		o.Key = key
		s.options.Ledger.Key = key
	}
	l.key, s.ledger = o.Key, l
	if s.options.ReadOnly || o.Off && state == 0 {
		return nil
	}
	if !o.Off && o.Key.kind() != 0 && !o.Key.signs() {
		return errKeyCannotSign
	}
	if err := l.noteState(ctx, state); err != nil {
		return err
	}
	newest := l.newest.Load()
	if newest != nil && newest.Kind != Unsigned && !o.gives(newest) {
		s.options.Logger.Warn("the newest seal of the ledger is signed by a key that is not given", "seal", newest.String(), "key", newest.KeyID)
	}
	if l.keeps && (newest == nil || newest.KeyID != l.key.ID()) {
		if _, err := l.seal(ctx, true); err != nil {
			return err
		}
	}
	if l.keeps && !o.manual {
		l.start()
	}
	return nil
}

// load reads the newest seal, what was noted of it, and the time of the newest row.
func (l *ledger) load(ctx context.Context) error {
	return l.store.view(ctx, func(r engine.Reader) error {
		note, found, err := r.Get(metaKey(metaSeal))
		if err != nil {
			return err
		}
		var bad error
		last := func(t table, fn func(k, v []byte) error) error {
			rg := engine.Range{Start: []byte{byte(t)}, End: prefixEnd([]byte{byte(t)}), Limit: 1, Reverse: true}
			_, err := r.Scan(rg, func(k, v []byte) bool { bad = fn(k, v); return false })
			return errors.Join(err, bad)
		}
		err = last(sealTable, func(k, v []byte) error {
			seal, err := decodeSeal(k, v)
			if err != nil && len(k) == 1+orderBytes {
				// Verification will tell. Until then nobody is kept from starting, and
				// what it covered is sealed once more.
				l.store.options.Logger.Error("the newest seal of the ledger is damaged", "error", err)
				number := binary.BigEndian.Uint64(k[1:])
				seal, err = &Seal{Number: number, hash: sealHash(number, v)}, nil
			}
			if err == nil {
				l.newest.Store(seal)
			}
			return err
		})
		if err != nil {
			return err
		}
		l.made = l.sealsMade(note, found)
		return last(ledgerTable, func(k, v []byte) error {
			row, err := decodeLedgerRow(k, v)
			if err == nil {
				l.reached(row.at)
			}
			return nil //nolint:nilerr // a damaged row is told by verification, and keeps nobody from starting
		})
	})
}

// noteState writes down that the ledger is kept from here on, or no more.
func (l *ledger) noteState(ctx context.Context, was uint64) error {
	is, entry := uint64(ledgerKept), ledgerEntry{change: LedgerStarted}
	if !l.keeps {
		is, entry.change = ledgerNotKept, LedgerStopped
	}
	if is == was {
		return nil
	}
	s := l.store
	if err := s.useFeature(ctx, featureLedger); err != nil {
		return err
	}
	w := &ledgerWriter{ledger: l}
	err := w.request(ledgerPlace{}, &Maker{Operation: "start"})
	if err == nil {
		err = w.add(&entry)
	}
	if err != nil {
		return err
	}
	err = s.commit(ctx, nil, append(w.end(), numberRow(metaLedger, is)))
	l.finish(w.first, false)
	if err == nil && !l.keeps {
		_, err = l.seal(ctx, true)
	}
	return err
}

// commitNoted is commit of mutations that made made, with a row of the ledger that
// tells of them.
func (s *Store) commitNoted(
	ctx context.Context, guards []engine.Guard, mutations []engine.Mutation,
	at ledgerPlace, made Maker, entries ...ledgerEntry,
) error {
	l := s.ledger
	if l == nil || !l.keeps || len(entries) == 0 {
		return s.commit(ctx, guards, mutations)
	}
	w := &ledgerWriter{ledger: l}
	err := w.request(at, &made)
	for i := range entries {
		if err == nil {
			err = w.add(&entries[i])
		}
	}
	if err == nil {
		all := append(append([]engine.Mutation(nil), mutations...), w.end()...)
		err = s.commit(ctx, guards, all)
	}
	l.finish(w.first, err == nil || errors.Is(err, ErrUnknown))
	return err
}
