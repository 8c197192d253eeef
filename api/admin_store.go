package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/seed61737384/tombstone/store"
)

// storeEndpoints show what holds versions, and what became of those that are gone.
var storeEndpoints = []endpoint{
	{http.MethodGet, "/buckets/{bucket}/locks?after", "ListLocks", "tombstone:ListLocks", listLocks},
	{http.MethodGet, "/buckets/{bucket}/locks/verify", "VerifyLocks", "tombstone:VerifyLocks", verifyLocks},
	{http.MethodGet, "/ledger?bucket&key&prefix&from&to&newest&sealed&limit", "ReadLedger", "tombstone:ReadLedger", readLedger},
	{http.MethodGet, "/ledger/export?bucket&key&prefix&from&to&newest&sealed&limit", "ExportLedger", "tombstone:ReadLedger", exportLedger},
	{http.MethodGet, "/ledger/verify", "VerifyLedger", "tombstone:VerifyLedger", verifyLedger},
}

// AdminLock is a version with a lock setting.
type AdminLock struct {
	Key       string     `json:"key"`
	VersionID string     `json:"versionId"`
	Mode      string     `json:"mode,omitempty"` // GOVERNANCE or COMPLIANCE
	Until     *time.Time `json:"until,omitempty"`
	LegalHold string     `json:"legalHold,omitempty"` // ON or OFF
}

// AdminLocks is a page of locked versions.
type AdminLocks struct {
	Locks []AdminLock `json:"locks"`
	Next  string      `json:"next,omitempty"` // to ask for the next page with, as ?after=
}

// AdminLockProof is what the ways of destroying a locked version came to, none of which was
// gone to its end.
type AdminLockProof struct {
	AdminLock
	At     time.Time        `json:"at"` // lock time of the trial
	Sound  bool             `json:"sound"`
	Trials []AdminLockTrial `json:"trials"`
	Damage []string         `json:"damage,omitempty"`
}

// AdminLockTrial is one way to destroy a version.
type AdminLockTrial struct {
	Path string `json:"path"`
	Held bool   `json:"held"` // the version would still be there
	Want bool   `json:"want"` // its lock demands that
	Why  string `json:"why"`
}

// AdminLedgerReport is what became of verifying the ledger.
type AdminLedgerReport struct {
	Sound      bool     `json:"sound"`
	Seals      uint64   `json:"seals"`
	Signed     uint64   `json:"signed"`  // of these, by the key of the server or an old one
	Foreign    uint64   `json:"foreign"` // of these, by a key that the server was not given
	Rows       uint64   `json:"rows"`
	Entries    uint64   `json:"entries"`
	Unsealed   uint64   `json:"unsealedRows"`
	Dropped    uint64   `json:"droppedSeals"` // whose rows retention has removed
	NewestSeal uint64   `json:"newestSeal,omitempty"`
	NewestHash string   `json:"newestHash,omitempty"` // to be kept elsewhere
	Problems   []string `json:"problems"`
	// Gaps are when no ledger was kept, oldest first: no problem by themselves.
	Gaps      []AdminLedgerGap `json:"gaps"`
	Truncated bool             `json:"truncated,omitempty"` // there are more problems or gaps
}

// AdminLedgerGap is a span in which no ledger was kept, by the real time of the server.
type AdminLedgerGap struct {
	From *time.Time `json:"from,omitempty"` // absent: before the oldest entry
	To   *time.Time `json:"to,omitempty"`   // absent: it goes on
}

func adminLock(key, id, mode, hold string, until time.Time) AdminLock {
	l := AdminLock{Key: key, VersionID: id, Mode: mode, LegalHold: hold}
	if mode != "" {
		l.Until = moment(until)
	}
	return l
}

func listLocks(x *exchange, v pathValues) (any, error) {
	page, err := x.h.store.LockedVersions(x.Context(), store.LockedRequest{Bucket: v["bucket"], After: x.query.value("after")})
	out := AdminLocks{Locks: []AdminLock{}, Next: page.Next}
	for _, l := range page.Versions {
		out.Locks = append(out.Locks, adminLock(l.Key, l.VersionID, l.Lock.Mode.String(), l.Lock.Hold.String(), l.Lock.Until))
	}
	return out, err
}

// verifyLocks answers a JSON line for each locked version. An error on the way cuts the
// connection, so that what came cannot be taken for the whole.
func verifyLocks(x *exchange, v pathValues) (any, error) {
	lines := x.beginLines()
	err := x.h.store.VerifyLocks(x.Context(), v["bucket"], func(p store.LockProof) error {
		out := AdminLockProof{
			AdminLock: adminLock(p.Key, p.VersionID, p.Lock.Mode.String(), p.Lock.Hold.String(), p.Lock.Until),
			At:        p.At, Sound: p.Sound(), Trials: []AdminLockTrial{}, Damage: p.Damage,
		}
		for _, t := range p.Trials {
			out.Trials = append(out.Trials, AdminLockTrial{t.Path, t.Held, t.Want, t.Why})
		}
		return lines.Encode(out)
	})
	return nil, err
}

// beginLines begins an answer of JSON lines. It is to be called when nothing can be
// refused any more.
func (x *exchange) beginLines() *json.Encoder {
	x.set("Content-Type", "application/x-ndjson")
	x.WriteHeader(http.StatusOK)
	e := json.NewEncoder(x)
	e.SetEscapeHTML(false)
	return e
}

// ledgerQuery reads which entries of the ledger a request is about.
func (x *exchange) ledgerQuery() (q store.LedgerQuery, err error) {
	q.Bucket, q.Key = x.query.value("bucket"), x.query.value("key")
	if prefix, sent := x.query.lookup("prefix"); sent {
		q.Key, q.Prefix = prefix, true
	}
	for name, into := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := x.query.value(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return q, invalidArgument("A time is written as 2006-01-02T15:04:05Z.", name, text)
			}
		}
	}
	for name, into := range map[string]*bool{"newest": &q.Newest, "sealed": &q.Sealed} {
		if text := x.query.value(name); text != "" {
			if *into, err = strconv.ParseBool(text); err != nil {
				return q, invalidArgument("Neither true nor false.", name, text)
			}
		}
	}
	if text := x.query.value("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 0 {
			return q, invalidArgument("Not a number of entries.", "limit", text)
		}
	}
	return q, nil
}

// readLedger answers a JSON line for each entry.
func readLedger(x *exchange, _ pathValues) (any, error) {
	q, err := x.ledgerQuery()
	if err != nil {
		return nil, err
	}
	lines := x.beginLines()
	return nil, x.h.store.Ledger(x.Context(), q, func(e store.LedgerEntry) error { return lines.Encode(e) })
}

func exportLedger(x *exchange, _ pathValues) (any, error) {
	q, err := x.ledgerQuery()
	if err != nil {
		return nil, err
	}
	x.beginLines()
	return nil, x.h.store.ExportLedger(x.Context(), q, x)
}

func verifyLedger(x *exchange, _ pathValues) (any, error) {
	r, err := x.h.store.VerifyLedger(x.Context())
	return LedgerReport(&r), err
}

// LedgerReport returns a report as it is shown.
func LedgerReport(r *store.LedgerReport) AdminLedgerReport {
	out := AdminLedgerReport{
		Sound: len(r.Problems) == 0, Seals: r.Seals, Signed: r.Signed, Foreign: r.Foreign, Rows: r.Rows, Entries: r.Entries,
		Unsealed: r.Unsealed, Dropped: r.Dropped, NewestSeal: r.Newest.Number, Problems: []string{}, Gaps: []AdminLedgerGap{}, Truncated: r.Truncated,
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, AdminLedgerGap{moment(g.From), moment(g.To)})
	}
	if r.Newest.Number != 0 {
		hash := r.Newest.Hash()
		out.NewestHash = hex.EncodeToString(hash[:])
	}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, p.String())
	}
	return out
}
