package store

import (
	"slices"
	"time"
)

// keys returns the keys that verify seals, the one that signs first.
func (o LedgerOptions) keys() []LedgerKey {
	all := append([]LedgerKey{o.Key}, o.OldKeys...)
	return slices.DeleteFunc(all, func(k LedgerKey) bool { return k.kind() == Unsigned })
}

// gives reports whether the key that a seal names is given.
func (o LedgerOptions) gives(seal *Seal) bool { return slices.ContainsFunc(o.keys(), seal.names) }

// names reports whether s says that k signed it.
func (s *Seal) names(k LedgerKey) bool { return s.Kind == k.kind() && s.KeyID == k.ID() }

// foreignSeals are seals in a row that one key signed which is not given, or none if key
// is empty.
type foreignSeals struct {
	key         string
	first, last uint64
}

// signature verifies how a seal is signed. Without a key, that is nothing. With one, a
// seal that is not signed is a problem wherever it stands: whoever has no key could have
// made all seals anew without, and a start signs what comes after them.
func (v *ledgerVerifier) signature(seal *Seal) {
	if len(v.keys) == 0 {
		return
	}
	at := slices.IndexFunc(v.keys, seal.names)
	switch {
	case at < 0:
		v.foreigner(seal)
	case !v.keys[at].verifies(seal.message(), seal.mac):
		v.problem(seal.Number, 0, "its signature is wrong")
	default:
		v.report.Signed++
	}
}

// foreigner counts a seal of a key that is not given. All that one key signed in a row
// are one problem, for a lost key may have signed many.
func (v *ledgerVerifier) foreigner(seal *Seal) {
	if seal.Kind != Unsigned {
		v.report.Foreign++
	}
	f := &v.foreign
	if f.first != 0 && f.key == seal.KeyID && f.last+1 == seal.Number {
		f.last = seal.Number
		return
	}
	v.endForeign()
	v.foreign = foreignSeals{seal.KeyID, seal.Number, seal.Number}
}

// endForeign tells of the seals that foreigner counted last.
func (v *ledgerVerifier) endForeign() {
	switch f := v.foreign; {
	case f.first == 0:
	case f.key == "":
		v.problem(f.first, 0, "from here to seal %d they are not signed", f.last)
	default:
		v.problem(f.first, 0, "from here to seal %d they are signed by a key that is not given, %s", f.last, f.key)
	}
	v.foreign = foreignSeals{}
}

// LedgerGap is a span in which no ledger was kept, by the real time of its server.
type LedgerGap struct {
	From time.Time // zero: before the oldest entry
	To   time.Time // zero: it goes on
}

// gap looks for where a gap begins or ends in a row.
func (v *ledgerVerifier) gap(row *ledgerRow) {
	gaps := &v.report.Gaps
	for _, e := range row.entries {
		open := len(*gaps) > 0 && (*gaps)[len(*gaps)-1].To.IsZero()
		switch {
		case e.change == LedgerStarted && open:
			(*gaps)[len(*gaps)-1].To = row.real
		case e.change == LedgerStarted && v.dropped > 0 && len(*gaps) == 0:
			v.addGap(LedgerGap{To: row.real}) // its beginning is among the rows that retention took
		case e.change == LedgerStopped && !open:
			v.addGap(LedgerGap{From: row.real})
		}
	}
}

func (v *ledgerVerifier) addGap(g LedgerGap) {
	if len(v.report.Gaps) >= maxProblems {
		v.report.Truncated = true
		return
	}
	v.report.Gaps = append(v.report.Gaps, g)
}
