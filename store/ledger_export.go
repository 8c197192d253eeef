package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// exportedSeal is a line of an export: a seal, after the rows that it covers.
type exportedSeal struct {
	Type      string    `json:"type"` // "seal"
	Number    uint64    `json:"number"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	Rows      uint64    `json:"rows"`
	Entries   uint64    `json:"entries"`
	Root      string    `json:"root"`
	Previous  string    `json:"previous"`
	At        time.Time `json:"at"`
	Dropped   string    `json:"dropped,omitempty"`
	Signature string    `json:"signature,omitempty"` // its kind
	KeyID     string    `json:"keyId,omitempty"`
	Hash      string    `json:"hash"`
	// Message is what is signed, MAC the signature; Stored is the seal as it is
	// stored, of which Hash is the SHA-256 after the 9 bytes of its key.
	Message []byte `json:"message"`
	MAC     []byte `json:"mac,omitempty"`
	Stored  []byte `json:"stored"`
}

// exportedRow is a line of an export: a row with the entries that were asked for, or
// of one that has none of these only the leaf, so that the root over all of them can
// be computed.
type exportedRow struct {
	Type    string        `json:"type"`             // "row" or "leaf"
	Seal    uint64        `json:"seal,omitempty"`   // absent: no seal covers it yet
	Key     string        `json:"key"`              // of the row, 9 bytes
	Leaf    string        `json:"leaf"`             // SHA-256 of a zero byte, key and stored row
	Stored  []byte        `json:"stored,omitempty"` // the row as it is stored
	Entries []LedgerEntry `json:"entries,omitempty"`
}

// MarshalJSON writes the entry with names in words, leaving out what it does not
// have.
func (e LedgerEntry) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Time       time.Time `json:"time"`
		RealTime   time.Time `json:"realTime"`
		Change     string    `json:"change"`
		Bucket     string    `json:"bucket,omitempty"`
		Key        string    `json:"key,omitempty"`
		VersionID  string    `json:"versionId,omitempty"`
		UploadID   string    `json:"uploadId,omitempty"`
		Size       int64     `json:"size,omitempty"`
		Lock       string    `json:"lock,omitempty"`
		LockBefore string    `json:"lockBefore,omitempty"`
		Config     string    `json:"configuration,omitempty"`
		Digest     string    `json:"sha256,omitempty"`
		Before     string    `json:"before,omitempty"`
		After      string    `json:"after,omitempty"`
		Principal  string    `json:"principal,omitempty"`
		AccessKey  string    `json:"accessKey,omitempty"`
		Source     string    `json:"source,omitempty"`
		RequestID  string    `json:"requestId,omitempty"`
		Operation  string    `json:"operation,omitempty"`
		Cause      string    `json:"cause"`
		CauseID    string    `json:"causeId,omitempty"`
		Row        string    `json:"row"`
		Place      int       `json:"place"`
		Sealed     bool      `json:"sealed"`
	}{
		e.Time, e.RealTime, e.Change.String(), e.Bucket, e.Key, e.VersionID, e.UploadID, e.Size,
		describeLock(e.Lock), describeLock(e.LockBefore), e.Config.name(), hex.EncodeToString(e.Digest), e.Before, e.After,
		e.Made.Principal, e.Made.AccessKey, e.Made.Source, e.Made.RequestID, e.Made.Operation,
		e.Made.Cause.String(), e.Made.CauseID, hexOrder(e.Row), e.Place, e.Sealed,
	})
}

func hexOrder(o uint64) string { return fmt.Sprintf("%016x", o) }

// holdNames are the legal holds as they are shown.
var holdNames = [...]string{versioning.HoldNever: "", versioning.HoldOn: "legal hold ON", versioning.HoldOff: "legal hold OFF"}

// describeLock shows a lock, empty if nothing was ever set.
func describeLock(l versioning.Lock) (s string) {
	if l.Mode != versioning.NoRetention {
		s = fmt.Sprintf("%v until %s", l.Mode, l.Until.UTC().Format(time.RFC3339))
	}
	if l.Hold != versioning.HoldNever && s != "" {
		s += ", "
	}
	return s + holdNames[l.Hold]
}

// ExportLedger writes the ledger as JSON lines: the rows with the entries that q
// selects, and after those that it covers each seal. Of other rows under the same
// seals stands the leaf, so that whoever has the export alone can compute the root
// of each seal, follow the chain, and with the key verify the signatures. Seals are
// whole: the first and the last may cover entries outside the time of q. Limit and
// Newest mean nothing here.
func (s *Store) ExportLedger(ctx context.Context, q LedgerQuery, w io.Writer) error {
	if s.ledger == nil {
		return &Error{Op: "export ledger", Err: ErrClosed}
	}
	s.ledger.reading.RLock()
	defer s.ledger.reading.RUnlock()
	x := &ledgerExport{store: s, query: q, json: json.NewEncoder(w)}
	x.json.SetEscapeHTML(false)
	if newest, ok := s.NewestSeal(); ok {
		x.newest = newest
	}
	if err := x.run(ctx); err != nil {
		return &Error{Op: "export ledger", Err: err}
	}
	return nil
}

type ledgerExport struct {
	store  *Store
	query  LedgerQuery
	json   *json.Encoder
	newest Seal
}

func (x *ledgerExport) run(ctx context.Context) error {
	v := &ledgerVerifier{store: x.store, last: x.newest.Number}
	var bad error
	err := v.eachSeal(ctx, func(k, value []byte) bool {
		seal, err := decodeSeal(k, value)
		if err == nil && x.wants(seal) {
			err = x.seal(ctx, seal)
		}
		bad = err
		return err == nil
	})
	if err := errors.Join(err, bad); err != nil || x.query.Sealed {
		return err
	}
	return x.rows(ctx, 0, ledgerKey(versioning.Order(x.newest.To)), prefixEnd([]byte{byte(ledgerTable)}))
}

// wants reports whether a seal may cover a row of the time in question. The orders
// of its rows are below that of its making, and never before their time.
func (x *ledgerExport) wants(seal *Seal) bool {
	switch {
	case seal.To <= x.newest.Dropped:
		return false // its rows were removed
	case !x.query.From.IsZero() && versioning.Order(seal.To).Time().Before(x.query.From):
		return false
	}
	return x.query.To.IsZero() || seal.Rows == 0 || seal.Number == 1 || x.query.To.After(x.begins(seal))
}

// begins is a time that no row under the seal is before: rows come with a lead of the
// order over the time, which a start may leave.
func (x *ledgerExport) begins(seal *Seal) time.Time {
	return versioning.Order(seal.From).Time().Add(-exportLead)
}

// exportLead is how far the order of a row may be ahead of its object time, as far as
// an export looks: many starts, one after the other.
const exportLead = time.Hour

func (x *ledgerExport) seal(ctx context.Context, s *Seal) error {
	start, end := ledgerKey(versioning.Order(s.From)), ledgerKey(versioning.Order(s.To))
	if err := x.rows(ctx, s.Number, start, end); err != nil {
		return err
	}
	line := exportedSeal{
		Type: "seal", Number: s.Number, From: hexOrder(s.From), To: hexOrder(s.To), Rows: s.Rows, Entries: s.Entries,
		Root: hexSum(s.Root), Previous: hexSum(s.Previous), At: s.At, KeyID: s.KeyID, Hash: hexSum(s.hash),
		Message: s.message(), MAC: s.mac, Stored: s.encode(s.mac),
	}
	if s.Dropped > 0 {
		line.Dropped = hexOrder(s.Dropped)
	}
	if s.Kind != Unsigned {
		line.Signature = s.Kind.String()
	}
	return x.json.Encode(line)
}

// rows writes the rows from start to end. A page is gathered first, so that a slow
// reader holds no view.
func (x *ledgerExport) rows(ctx context.Context, seal uint64, start, end []byte) error {
	type row struct{ key, value []byte }
	for bytes.Compare(start, end) < 0 {
		var page []row
		err := x.store.view(ctx, func(r engine.Reader) error {
			_, err := r.Scan(engine.Range{Start: start, End: end, Limit: ledgerPage}, func(k, v []byte) bool {
				page = append(page, row{bytes.Clone(k), bytes.Clone(v)})
				return true
			})
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := x.row(seal, r.key, r.value); err != nil {
				return err
			}
		}
		if len(page) < ledgerPage {
			return nil
		}
		start = append(page[len(page)-1].key, 0)
	}
	return nil
}

func (x *ledgerExport) row(seal uint64, key, value []byte) error {
	row, err := decodeLedgerRow(key, value)
	if err != nil {
		return err
	}
	line := exportedRow{Type: "leaf", Seal: seal, Key: hex.EncodeToString(key), Leaf: hexSum(LedgerLeaf(key, value))}
	c := ledgerCursor{query: x.query}
	if fits, _ := c.fits(row); fits {
		for place := range row.entries {
			if x.query.selects(row, &row.entries[place]) {
				line.Entries = append(line.Entries, x.store.ledgerEntry(row, place, x.newest.To))
			}
		}
	}
	if len(line.Entries) > 0 {
		line.Type, line.Stored = "row", value
	} else if seal == 0 {
		return nil
	}
	return x.json.Encode(line)
}
