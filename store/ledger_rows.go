package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// ledgerRowBytes is the length from which a row is followed by another one, bytes:
// an engine may bound the values it takes.
const ledgerRowBytes = 16 << 10

// Fields of a ledger row: what its entries share, then the entries.
const (
	ledgerAt        = 1 // object time
	ledgerRealTime  = 2
	ledgerBucketID  = 3
	ledgerBucket    = 4
	ledgerMade      = 5
	ledgerSource    = 6
	ledgerOperation = 7
	ledgerEntryTag  = 8 // repeated
)

// Fields of an entry of a ledger row.
const (
	entryChange     = 1
	entryKey        = 2 // of the object, or the name of what was changed
	entryOrder      = 3 // of the version
	entryNull       = 4
	entrySize       = 5
	entryLock       = 6 // that the version has, or had when it was removed
	entryLockBefore = 7
	entryConfig     = 8 // kind of the document
	entryDigest     = 9 // SHA-256 of the document
	entryBefore     = 10
	entryAfter      = 11
)

// ledgerKey is the key of a ledger row.
func ledgerKey(o versioning.Order) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(ledgerTable)}, uint64(o))
}

// splitLedgerKey takes the order out of a row's key.
func splitLedgerKey(key []byte) (o versioning.Order, ok bool) {
	if len(key) != 1+orderBytes {
		return 0, false
	}
	return versioning.Order(binary.BigEndian.Uint64(key[1:])), true
}

// ledgerPlace is the bucket that entries are about; zero if they are about none.
type ledgerPlace struct {
	id   bucketID
	name string
}

func (b *bucketState) place() ledgerPlace { return ledgerPlace{b.id, b.name} }

// ledgerEntry is one change, as a row holds it.
type ledgerEntry struct {
	change           LedgerChange
	key              string
	order            versioning.Order
	null             bool
	size             int64
	lock, lockBefore versioning.Lock
	config           ConfigKind
	digest           []byte
	before, after    string
}

// append adds the entry to f, without another allocation unless it has locks.
func (e *ledgerEntry) append(f *fields) {
	f.uint(entryChange, uint64(e.change))
	f.text(entryKey, e.key)
	f.uint(entryOrder, uint64(e.order))
	f.flag(entryNull, e.null)
	f.uint(entrySize, uint64(e.size))
	if e.lock != (versioning.Lock{}) {
		f.bytes(entryLock, encodeLock(e.lock))
	}
	if e.lockBefore != (versioning.Lock{}) {
		f.bytes(entryLockBefore, encodeLock(e.lockBefore))
	}
	f.uint(entryConfig, uint64(e.config))
	f.bytes(entryDigest, e.digest)
	f.text(entryBefore, e.before)
	f.text(entryAfter, e.after)
}

func decodeLedgerEntry(b []byte) (e ledgerEntry, err error) {
	ok := true
	_, err = readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case entryChange:
			e.change = LedgerChange(readUint(p, &ok))
		case entryKey:
			e.key = string(p)
		case entryOrder:
			e.order = versioning.Order(readUint(p, &ok))
		case entryNull:
			e.null = readUint(p, &ok) == 1
		case entrySize:
			e.size = int64(readUint(p, &ok))
		case entryLock:
			e.lock = decodeLock(p, &ok)
		case entryLockBefore:
			e.lockBefore = decodeLock(p, &ok)
		case entryConfig:
			e.config = ConfigKind(readUint(p, &ok))
		case entryDigest:
			e.digest = append([]byte(nil), p...)
		case entryBefore:
			e.before = string(p)
		case entryAfter:
			e.after = string(p)
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && (!ok || e.change == 0) {
		err = errRecord
	}
	return e, err
}

// ledgerRow is a row as it was read.
type ledgerRow struct {
	order    versioning.Order
	at, real time.Time
	place    ledgerPlace
	made     Maker
	entries  []ledgerEntry
}

// decodeLedgerRow reads a row of the ledger.
func decodeLedgerRow(key, value []byte) (*ledgerRow, error) {
	order, ok := splitLedgerKey(key)
	if !ok {
		return nil, fmt.Errorf("ledger row with a malformed key %x: %w", key, errRecord)
	}
	r := &ledgerRow{order: order}
	var source, operation string
	_, err := readFields(value, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case ledgerAt:
			r.at = readTime(p, &ok)
		case ledgerRealTime:
			r.real = readTime(p, &ok)
		case ledgerBucketID:
			r.place.id = bucketID(readUint(p, &ok))
		case ledgerBucket:
			r.place.name = string(p)
		case ledgerMade:
			r.made = decodeMaker(p, &ok)
		case ledgerSource:
			source = string(p)
		case ledgerOperation:
			operation = string(p)
		case ledgerEntryTag:
			e, err := decodeLedgerEntry(p)
			r.entries = append(r.entries, e)
			return true, err
		default:
			return false, nil
		}
		return true, nil
	})
	r.made.Source, r.made.Operation = source, operation
	if err == nil && (!ok || len(r.entries) == 0) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("ledger row: %w", err)
	}
	return r, nil
}

// countLedgerEntries returns how many entries a row has, as far as it can be read.
func countLedgerEntries(value []byte) (n uint64) {
	// What cannot be read is counted as far as it can, alike by whoever seals and
	// whoever verifies.
	_, _ = readFields(value, func(tag uint64, _ []byte) (bool, error) {
		if tag == ledgerEntryTag {
			n++
		}
		return true, nil
	})
	return n
}

// ledgerWriter makes the rows of one commit: a row for each request, cut where it
// gets long. Each row is given its order when it is begun.
type ledgerWriter struct {
	ledger *ledger
	first  versioning.Order // of the first row; the caller has to finish it

	room    int // bytes that entries are expected to need, all together
	rows    []engine.Mutation
	order   versioning.Order // of the row that is open, 0 if none is
	row     fields
	head    int // length of what the entries share
	shared  fields
	scratch fields
}

// request begins the entries of a request.
func (w *ledgerWriter) request(at ledgerPlace, made *Maker) error {
	w.close()
	f := w.shared[:0]
	f.time(ledgerRealTime, w.ledger.store.options.Clock.Now())
	f.uint(ledgerBucketID, uint64(at.id))
	f.text(ledgerBucket, at.name)
	f.bytes(ledgerMade, encodeMaker(*made))
	f.text(ledgerSource, made.Source)
	f.text(ledgerOperation, made.Operation)
	w.shared = f
	return w.open()
}

// open begins a row with what entries share.
func (w *ledgerWriter) open() error {
	order, at, err := w.ledger.issue(w.first == 0)
	if err != nil {
		return err
	}
	if w.first == 0 {
		w.first = order
	}
	const usual = 64
	f := make(fields, 0, len(w.shared)+usual+min(max(w.room, 0), ledgerRowBytes))
	f.time(ledgerAt, at)
	w.row = append(f, w.shared...)
	w.order, w.head = order, len(w.row)
	return nil
}

// add adds an entry.
func (w *ledgerWriter) add(e *ledgerEntry) error {
	w.scratch = w.scratch[:0]
	e.append(&w.scratch)
	if len(w.row) > w.head && len(w.row)+len(w.scratch) > ledgerRowBytes {
		w.close()
		if err := w.open(); err != nil {
			return err
		}
	}
	w.room -= len(w.scratch)
	w.row.bytes(ledgerEntryTag, w.scratch)
	return nil
}

// close ends the row that is open.
func (w *ledgerWriter) close() {
	if w.order != 0 && len(w.row) > w.head {
		w.rows = append(w.rows, engine.Set(ledgerKey(w.order), w.row))
	}
	w.order = 0
}

// end returns the rows.
func (w *ledgerWriter) end() []engine.Mutation {
	w.close()
	return w.rows
}
