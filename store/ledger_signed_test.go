package store

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// Seals that a key signed which is not given are a problem wherever they stand, also
// before the first one of the key that is; with it among the old keys they are none.
func TestSealsOfKeysNotGiven(t *testing.T) {
	fs, keys := blob.MemFS(), testKeys(t)
	lost, now := keys["Ed25519"], keys["HMAC-SHA256"]
	open := func(key LedgerKey, old ...LedgerKey) *Store {
		t.Helper()
		return openTest(t, fs, func(o *Options) { o.Ledger = LedgerOptions{Key: key, OldKeys: old, manual: true} })
	}
	change := func(s *Store, bucket string) {
		t.Helper()
		mustBucket(t, s, bucket, versioning.Enabled)
		mustSeal(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	change(open(LedgerKey{}), "unsigned")
	change(open(lost), "one")
	s := open(now)
	mustBucket(t, s, "two", versioning.Enabled)
	mustSeal(t, s)
	r, err := s.VerifyLedger(t.Context())
	if err != nil || len(r.Problems) != 2 || r.Foreign != 2 || r.Signed != 2 ||
		!strings.Contains(r.Problems[0].Detail, "not signed") || !strings.Contains(r.Problems[1].Detail, lost.ID()) {
		t.Errorf("without the lost key: %+v, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(now, LedgerKey{public: lost.public})
	if r, err = s.VerifyLedger(t.Context()); err != nil || len(r.Problems) != 1 || r.Foreign != 0 || r.Signed != 4 || r.Seals <= r.Signed {
		t.Errorf("with the old key: %+v, %v", r, err)
	}
	// One who makes a seal of the old key anew, without having it, is found.
	forge(t, s, LedgerKey{secret: bytes.Repeat([]byte{1}, 32)})
	if r, err := s.VerifyLedger(t.Context()); err != nil || len(r.Problems) == 0 || r.Foreign == 0 {
		t.Errorf("forged: %+v, %v", r, err)
	}
}

// Whoever makes all seals anew without a key is found, also after a start has signed what
// comes after them.
func TestUnsignedForgeryIsFoundLater(t *testing.T) {
	fs, key := blob.MemFS(), testKeys(t)["HMAC-SHA256"]
	open := func() *Store {
		return openTest(t, fs, func(o *Options) { o.Ledger = LedgerOptions{Key: key, manual: true} })
	}
	s := open()
	mustBucket(t, s, "b", versioning.Enabled)
	mustSeal(t, s)
	forge(t, s, LedgerKey{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	mustBucket(t, s, "later", versioning.Enabled)
	mustSeal(t, s)
	if r, err := s.VerifyLedger(t.Context()); err != nil || r.Signed == 0 || len(r.Problems) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Who opens the key is told of the newest seal, and can refuse.
func TestOpenKeyKnowsNewestSeal(t *testing.T) {
	fs, key := blob.MemFS(), testKeys(t)["HMAC-SHA256"]
	var told []Seal
	s := openTest(t, fs, func(o *Options) {
		o.Ledger.OpenKey = func(newest Seal) (LedgerKey, error) { told = append(told, newest); return key, nil }
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("refused")
	_, err := Open("/data", Options{FS: fs, Ledger: LedgerOptions{OpenKey: func(newest Seal) (LedgerKey, error) {
		told = append(told, newest)
		return LedgerKey{}, refusal
	}}})
	if !errors.Is(err, refusal) || len(told) != 2 || told[0].Number != 0 || told[1].KeyID != key.ID() {
		t.Errorf("%v, told %+v", err, told)
	}
}

// When no ledger was kept is told, and is no problem.
func TestLedgerGaps(t *testing.T) {
	fs := blob.MemFS()
	for i, off := range []bool{false, true, true, false, false, true} {
		s := openTest(t, fs, func(o *Options) { o.Ledger = LedgerOptions{Off: off, manual: true} })
		gaps := mustVerify(t, s).Gaps
		if want := []int{0, 1, 1, 1, 1, 2}[i]; len(gaps) != want {
			t.Fatalf("start %d: %+v", i, gaps)
		}
		for n, g := range gaps {
			if open := off && n == len(gaps)-1; g.From.IsZero() || g.To.IsZero() != open || !open && g.To.Before(g.From) {
				t.Errorf("start %d: gap %+v", i, g)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
