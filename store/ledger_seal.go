package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Fields of a seal.
const (
	sealFrom     = 1 // least order of its range; that of the range before ends there
	sealTo       = 2 // order above its range
	sealRows     = 3
	sealEntries  = 4
	sealRoot     = 5 // of the tree of hashes over the rows
	sealPrevious = 6 // hash of the seal before
	sealAt       = 7 // object time
	sealRealTime = 8
	sealDropped  = 9 // rows below that order were removed, for their time had come
	sealKind     = 10
	sealKeyID    = 11
	sealMAC      = 12 // over all before it; always last
)

// sealDomain stands before what is signed, so that it is nothing else that the same
// key may sign.
const sealDomain = "tombstone ledger seal 1\n"

// Seal sums up a range of the ledger's rows, and all seals before it by the hash of
// the last one. Whoever knows number and hash of a seal knows whether anything
// before it was changed.
type Seal struct {
	Number   uint64            // from 1, without gaps unless seals were taken away
	From, To uint64            // orders of rows: from From, below To
	Rows     uint64            // in the range
	Entries  uint64            // in these rows
	Root     [sha256.Size]byte // of the tree over the rows, see [LedgerTree]
	Previous [sha256.Size]byte // hash of the seal before; zero for the first
	At       time.Time         // object time when it was made
	RealTime time.Time
	Dropped  uint64   // rows below that order were removed by retention, their seals stay
	Kind     SealKind // how it is signed
	KeyID    string   // of the key, see [LedgerKey.ID]; empty if it is not signed

	mac  []byte
	hash [sha256.Size]byte
}

// Hash returns the SHA-256 of the seal with its signature, which the next seal holds.
func (s *Seal) Hash() [sha256.Size]byte { return s.hash }

// String returns number and hash, as a log keeps them.
func (s *Seal) String() string { return fmt.Sprintf("%d:%x", s.Number, s.hash) }

func sealRowKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(sealTable)}, number)
}

// encode returns the row of s. The fields before the signature are what is signed.
func (s *Seal) encode(mac []byte) []byte {
	var f fields
	f.uint(sealFrom, s.From)
	f.uint(sealTo, s.To)
	f.uint(sealRows, s.Rows)
	f.uint(sealEntries, s.Entries)
	f.bytes(sealRoot, s.Root[:])
	f.bytes(sealPrevious, s.Previous[:])
	f.time(sealAt, s.At)
	f.time(sealRealTime, s.RealTime)
	f.uint(sealDropped, s.Dropped)
	f.uint(sealKind, uint64(s.Kind))
	f.text(sealKeyID, s.KeyID)
	f.bytes(sealMAC, mac)
	return f
}

// message is what is signed.
func (s *Seal) message() []byte {
	m := append([]byte(sealDomain), sealRowKey(s.Number)...)
	return append(m, s.encode(nil)...)
}

// signBy signs s, if the key can, and returns its row.
func (s *Seal) signBy(key LedgerKey) []byte {
	if key.signs() {
		s.Kind, s.KeyID = key.kind(), key.ID()
		s.mac = key.sign(s.message())
	}
	row := s.encode(s.mac)
	s.hash = sealHash(s.Number, row)
	return row
}

// sealHash is the hash of a seal's row.
func sealHash(number uint64, row []byte) [sha256.Size]byte {
	return sha256.Sum256(append(sealRowKey(number), row...))
}

// decodeSeal reads a row of the seal table. There is one way to write a seal: what
// is written otherwise is damaged.
func decodeSeal(key, value []byte) (*Seal, error) {
	if len(key) != 1+orderBytes {
		return nil, fmt.Errorf("seal with a malformed key %x: %w", key, errRecord)
	}
	s, ok := &Seal{Number: binary.BigEndian.Uint64(key[1:])}, true
	sum := func(p []byte, to *[sha256.Size]byte) { ok = ok && copy(to[:], p) == len(p) && len(p) == sha256.Size }
	_, err := readFields(value, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case sealRoot:
			sum(p, &s.Root)
		case sealPrevious:
			sum(p, &s.Previous)
		case sealAt:
			s.At = readTime(p, &ok)
		case sealRealTime:
			s.RealTime = readTime(p, &ok)
		case sealKind:
			s.Kind = SealKind(readUint(p, &ok))
		case sealKeyID:
			s.KeyID = string(p)
		case sealMAC:
			s.mac = bytes.Clone(p)
		default:
			return s.number(tag, p, &ok), nil
		}
		return true, nil
	})
	if err == nil && (!ok || s.Number == 0 || !bytes.Equal(value, s.encode(s.mac))) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("seal %d: %w", s.Number, err)
	}
	s.hash = sealHash(s.Number, value)
	return s, nil
}

// number reads a field that is a number.
func (s *Seal) number(tag uint64, p []byte, ok *bool) bool {
	to := map[uint64]*uint64{
		sealFrom: &s.From, sealTo: &s.To, sealRows: &s.Rows, sealEntries: &s.Entries, sealDropped: &s.Dropped,
	}[tag]
	if to == nil {
		return false
	}
	*to = readUint(p, ok)
	return true
}

// metaSeal is number and hash of the newest seal: it tells that seals are missing at
// the end.
const metaSeal = "ledger-seal"

func newestSealRow(s *Seal) engine.Mutation {
	return engine.Set(metaKey(metaSeal), append(binary.AppendUvarint(nil, s.Number), s.hash[:]...))
}

// readNewestSeal reads what newestSealRow wrote.
func readNewestSeal(note []byte) (number uint64, hash []byte, ok bool) {
	number, n := binary.Uvarint(note)
	if n <= 0 || len(note) != n+sha256.Size {
		return 0, nil, false
	}
	return number, note[n:], true
}

// sealsMade returns the highest number that a seal was ever made with, by the newest
// seal and the note of it. Where these do not agree, seals were taken away.
func (l *ledger) sealsMade(note []byte, found bool) uint64 {
	there := uint64(0)
	if newest := l.newest.Load(); newest != nil {
		there = newest.Number
	}
	noted, _, ok := readNewestSeal(note)
	if !ok && (found || there > 0) {
		noted = there + 1 // nobody knows, but one may have been
	}
	if noted > there {
		l.store.options.Logger.Error("seals of the ledger are missing; their numbers are not used again, so verification will tell",
			"newest", there, "made", noted)
	}
	return max(noted, there)
}

// NewestSeal returns the newest seal, and whether there is one. Its number and hash
// are worth keeping elsewhere: from then on nobody can cut anything off that it
// covers without its showing.
func (s *Store) NewestSeal() (Seal, bool) {
	if s.ledger == nil {
		return Seal{}, false
	}
	newest := s.ledger.newest.Load()
	if newest == nil {
		return Seal{}, false
	}
	return *newest, true
}

// SealLedger seals what is finished now, and returns the newest seal: zero if there
// is none, because nothing was ever noted. Without a call the same happens within a
// second after each change.
func (s *Store) SealLedger(ctx context.Context) (Seal, error) {
	if s.closed.Load() {
		return Seal{}, &Error{Op: "seal ledger", Err: ErrClosed}
	}
	if l := s.ledger; l != nil && l.keeps {
		if _, err := l.seal(ctx, false); err != nil {
			return Seal{}, &Error{Op: "seal ledger", Err: err}
		}
	}
	newest, _ := s.NewestSeal()
	return newest, nil
}

// ledgerPage is how many rows are looked at in one view: of a length of 16 KiB, 2 MiB.
const ledgerPage = 128

// seal appends a seal over the rows that are finished. Without any it appends none,
// unless it must.
func (l *ledger) seal(ctx context.Context, must bool) (s *Seal, err error) {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	err = ErrBusy
	for n := 0; n < maxAttempts && (errors.Is(err, ErrBusy) || errors.Is(err, ErrUnknown)); n++ {
		if n > 0 {
			// Somebody else sealed, or this one may have: what is there is the one to
			// go on from.
			if err := l.load(ctx); err != nil {
				return nil, err
			}
		}
		s, err = l.sealNext(ctx, must)
	}
	return s, err
}

func (l *ledger) sealNext(ctx context.Context, must bool) (*Seal, error) {
	previous := l.newest.Load()
	next := &Seal{Number: l.made + 1}
	if previous != nil {
		next.From, next.Previous, next.Dropped = previous.To, previous.hash, previous.Dropped
	}
	bound, err := l.bound()
	if err != nil {
		return nil, err
	}
	next.To = uint64(bound)
	dropped, err := l.due(ctx, next.Dropped)
	if err != nil {
		return nil, err
	}
	if err := l.sum(ctx, next); err != nil {
		return nil, err
	}
	if next.Rows == 0 && dropped == next.Dropped && !must || next.To < next.From {
		return previous, nil
	}
	next.Dropped, next.At = dropped, l.store.now()
	next.RealTime = l.store.options.Clock.Now().Truncate(time.Millisecond)
	key, row := sealRowKey(next.Number), next.signBy(l.key)
	err = l.store.commit(ctx, []engine.Guard{{Key: key}}, []engine.Mutation{engine.Set(key, row), newestSealRow(next)})
	if err != nil {
		return nil, err
	}
	l.newest.Store(next)
	l.made = next.Number
	return next, nil
}

// sum computes what s says of the rows in its range.
func (l *ledger) sum(ctx context.Context, s *Seal) error {
	var tree LedgerTree
	err := l.store.scanLedger(ctx, ledgerKey(versioning.Order(s.From)), ledgerKey(versioning.Order(s.To)), func(k, v []byte) {
		tree.Add(LedgerLeaf(k, v))
		s.Entries += countLedgerEntries(v)
	})
	s.Rows, s.Root = tree.Leaves(), tree.Root()
	return err
}

// scanLedger calls fn for the rows from start to end, in pages. fn must not keep
// what it is given.
func (s *Store) scanLedger(ctx context.Context, start, end []byte, fn func(k, v []byte)) error {
	for bytes.Compare(start, end) < 0 {
		n := 0
		err := s.view(ctx, func(r engine.Reader) error {
			n = 0
			var last []byte
			_, err := r.Scan(engine.Range{Start: start, End: end, Limit: ledgerPage}, func(k, v []byte) bool {
				fn(k, v)
				n++
				last = append(last[:0], k...)
				return true
			})
			start = append(last, 0)
			return err
		})
		if err != nil || n < ledgerPage {
			return err
		}
	}
	return nil
}

// hexSum shows a hash.
func hexSum(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:]) }
