package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// LedgerReport is what [Store.VerifyLedger] saw.
type LedgerReport struct {
	Seals    uint64
	Signed   uint64 // of them, those that the key or an old one signed
	Foreign  uint64 // of them, those that another key signed: each is a problem, unless no key is given
	Rows     uint64 // under a seal, and compared with it
	Entries  uint64 // in these rows
	Unsealed uint64 // rows that no seal covers yet
	Dropped  uint64 // seals whose rows were removed by retention
	Leftover uint64 // rows whose removal by retention goes on
	Newest   Seal   // zero if there is none
	// Gaps are when no ledger was kept, oldest first, as far as its entries go back.
	Gaps     []LedgerGap
	Problems []LedgerProblem
	// Truncated says that more problems or gaps were found than are listed.
	Truncated bool
}

// LedgerProblem is something that does not agree with a seal.
type LedgerProblem struct {
	Seal   uint64 // number of the seal, 0 if it is about none
	Row    uint64 // order of the row, 0 if it is about none or about a range
	Detail string
}

// String returns the problem as one line.
func (p LedgerProblem) String() string {
	s := ""
	if p.Seal != 0 {
		s = fmt.Sprintf("seal %d: ", p.Seal)
	}
	if p.Row != 0 {
		s += fmt.Sprintf("row %016x: ", p.Row)
	}
	return s + p.Detail
}

// VerifyLedger reads the whole ledger and compares it with its seals. It finds rows
// in sealed ranges that were changed, dropped, put in or moved, seals that were
// changed or are missing, and with a key those that neither it nor an old one signed. What is cut off
// behind the last seal that is known elsewhere it cannot find: so keep numbers and
// hashes of seals, see [Store.NewestSeal]. Memory does not grow with the ledger.
//
// What it finds are no errors, but the problems of the report.
func (s *Store) VerifyLedger(ctx context.Context) (LedgerReport, error) {
	v := &ledgerVerifier{store: s, keys: s.options.Ledger.keys(), next: 1}
	if s.ledger != nil {
		s.ledger.reading.RLock()
		defer s.ledger.reading.RUnlock()
	}
	if err := v.run(ctx); err != nil {
		return v.report, &Error{Op: "verify ledger", Err: err}
	}
	return v.report, nil
}

// ledgerVerifier is one run of VerifyLedger.
type ledgerVerifier struct {
	store  *Store
	keys   []LedgerKey
	report LedgerReport

	last    uint64 // number of the newest seal when it began
	dropped uint64 // rows below that order are removed
	next    uint64 // number that the next seal must have
	to      uint64 // where the seal before ends
	lost    bool   // the seal before could not be read, so nothing is known of its end
	hash    [sha256.Size]byte
	foreign foreignSeals
}

func (v *ledgerVerifier) problem(seal, row uint64, format string, args ...any) {
	if len(v.report.Problems) >= maxProblems {
		v.report.Truncated = true
		return
	}
	v.report.Problems = append(v.report.Problems, LedgerProblem{seal, row, fmt.Sprintf(format, args...)})
}

func (v *ledgerVerifier) run(ctx context.Context) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	if err := v.leftovers(ctx); err != nil {
		return err
	}
	var bad error
	err := v.eachSeal(ctx, func(k, value []byte) bool {
		bad = v.seal(ctx, k, value)
		return bad == nil
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	if v.next <= v.last {
		v.problem(v.next, 0, "seals up to %d are missing", v.last)
	}
	v.endForeign()
	if len(v.keys) > 0 && v.report.Seals > 0 && v.report.Signed == 0 {
		v.problem(0, 0, "no seal is signed by %v", v.keys[0])
	}
	return v.tail(ctx)
}

// begin finds out where the ledger ended when the run began, from the note of the
// newest seal and from the seals themselves.
func (v *ledgerVerifier) begin(ctx context.Context) error {
	made, sealed := v.store.NewestSeal() // before the view, which then has it
	return v.store.view(ctx, func(r engine.Reader) error {
		note, found, err := r.Get(metaKey(metaSeal))
		if err != nil {
			return err
		}
		number, noted, ok := readNewestSeal(note)
		if found && !ok {
			v.problem(0, 0, "the note of the newest seal is damaged")
		}
		table := []byte{byte(sealTable)}
		rg := engine.Range{Start: table, End: prefixEnd(table), Limit: 1, Reverse: true}
		_, err = r.Scan(rg, func(k, value []byte) bool {
			if len(k) == 1+orderBytes {
				v.last = binary.BigEndian.Uint64(k[1:])
			}
			hash := sealHash(v.last, value)
			if v.last == number && noted != nil && !bytes.Equal(hash[:], noted) {
				v.problem(v.last, 0, "it is not the one that was noted as the newest")
			}
			if seal, err := decodeSeal(k, value); err == nil {
				v.dropped = seal.Dropped
			}
			return false
		})
		if v.last != number {
			v.problem(0, 0, "the newest seal is %d, noted is %d", v.last, number)
		}
		if sealed && made.Number > v.last {
			v.problem(0, 0, "the newest seal is %d, %d was made", v.last, made.Number)
		}
		return err
	})
}

// eachSeal calls fn for the seals there were when the run began. fn may read.
func (v *ledgerVerifier) eachSeal(ctx context.Context, fn func(k, value []byte) bool) error {
	type row struct{ key, value []byte }
	start, end := []byte{byte(sealTable)}, append(sealRowKey(v.last), 0)
	for start != nil {
		var rows []row
		err := v.store.view(ctx, func(r engine.Reader) error {
			_, err := r.Scan(engine.Range{Start: start, End: end, Limit: maxPage}, func(k, value []byte) bool {
				rows = append(rows, row{bytes.Clone(k), bytes.Clone(value)})
				return true
			})
			return err
		})
		if err != nil {
			return err
		}
		start = nil
		if len(rows) == maxPage {
			start = append(bytes.Clone(rows[maxPage-1].key), 0)
		}
		for _, r := range rows {
			if !fn(r.key, r.value) {
				return nil
			}
		}
	}
	return nil
}

// seal verifies a seal and the rows under it.
func (v *ledgerVerifier) seal(ctx context.Context, k, value []byte) error {
	if len(k) != 1+orderBytes {
		v.problem(0, 0, "seal with a malformed key %x", k)
		return nil
	}
	number := binary.BigEndian.Uint64(k[1:])
	if number != v.next {
		v.problem(v.next, 0, "seals from here to %d are missing", number-1)
	}
	v.report.Seals++
	defer func() { v.next, v.hash = number+1, sealHash(number, value) }()
	seal, err := decodeSeal(k, value)
	if err != nil {
		v.problem(number, 0, "%v", err)
		v.lost = true
		return nil
	}
	v.chain(seal)
	v.signature(seal)
	v.report.Newest = *seal
	v.to, v.lost = seal.To, false
	if seal.To <= v.dropped {
		v.report.Dropped++
		return nil
	}
	return v.rows(ctx, seal)
}

// chain compares a seal with the one before.
func (v *ledgerVerifier) chain(seal *Seal) {
	if seal.Previous != v.hash {
		v.problem(seal.Number, 0, "the seal before is not the one that it was made after")
	}
	if seal.From != v.to && !v.lost || seal.To < seal.From {
		v.problem(seal.Number, 0, "its range from %016x to %016x does not follow the one before, which ends at %016x",
			seal.From, seal.To, v.to)
	}
}

// rows compares the rows in the range of a seal with it.
func (v *ledgerVerifier) rows(ctx context.Context, seal *Seal) error {
	start, end := ledgerKey(versioning.Order(seal.From)), ledgerKey(versioning.Order(seal.To))
	var tree LedgerTree
	entries := uint64(0)
	err := v.store.scanLedger(ctx, start, end, func(k, value []byte) {
		tree.Add(LedgerLeaf(k, value))
		entries += v.row(seal.Number, k, value)
	})
	if err != nil {
		return err
	}
	v.report.Rows += tree.Leaves()
	v.report.Entries += entries
	switch {
	case tree.Leaves() != seal.Rows:
		v.problem(seal.Number, 0, "there are %d rows from %016x to %016x, %d were sealed", tree.Leaves(), seal.From, seal.To, seal.Rows)
	case tree.Root() != seal.Root:
		v.problem(seal.Number, 0, "of the %d rows from %016x to %016x not all are as they were sealed", seal.Rows, seal.From, seal.To)
	case entries != seal.Entries:
		v.problem(seal.Number, 0, "its rows have %d entries, %d were sealed", entries, seal.Entries)
	}
	return nil
}

// row looks at a row, and returns how many entries it has.
func (v *ledgerVerifier) row(seal uint64, k, value []byte) uint64 {
	row, err := decodeLedgerRow(k, value)
	if err != nil {
		order, _ := splitLedgerKey(k)
		v.problem(seal, uint64(order), "%v", err)
	} else {
		v.gap(row)
	}
	return countLedgerEntries(value)
}

// leftovers counts the rows that retention has not come to yet, and looks for what
// is no row at all.
func (v *ledgerVerifier) leftovers(ctx context.Context) error {
	return v.store.scanLedger(ctx, []byte{byte(ledgerTable)}, ledgerKey(versioning.Order(v.dropped)), func(k, _ []byte) {
		if _, ok := splitLedgerKey(k); !ok {
			v.problem(0, 0, "ledger row with a malformed key %x", k)
		}
		v.report.Leftover++
	})
}

// tail looks at the rows behind the last seal.
func (v *ledgerVerifier) tail(ctx context.Context) error {
	start, end := ledgerKey(versioning.Order(v.to)), prefixEnd([]byte{byte(ledgerTable)})
	return v.store.scanLedger(ctx, start, end, func(k, value []byte) {
		v.report.Unsealed++
		v.row(0, k, value)
	})
}

// Seal returns a seal by its number, and whether there is one: who kept the hash of
// one elsewhere compares it with that of the seal.
func (s *Store) Seal(ctx context.Context, number uint64) (seal Seal, found bool, err error) {
	key := sealRowKey(number)
	err = s.view(ctx, func(r engine.Reader) error {
		row, has, err := r.Get(key)
		if err != nil || !has {
			return err
		}
		decoded, err := decodeSeal(key, row)
		if err == nil {
			seal, found = *decoded, true
		}
		return err
	})
	if err != nil {
		return Seal{}, false, &Error{Op: "read seal", Err: err}
	}
	return seal, found, nil
}
