package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// Rows go in whole seals once their time has come, their seals stay, and
// verification knows where the ledger begins now.
func TestLedgerRetention(t *testing.T) {
	fs, now := blob.MemFS(), clock.NewManual(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	options := func(o *Options) {
		o.Clock, o.Ledger = now, LedgerOptions{Retention: 24 * time.Hour, manual: true}
	}
	s := openTest(t, fs, options)
	mustBucket(t, s, "b", versioning.Enabled)
	for day := range 5 {
		for n := range 3 {
			mustDelete(t, s, "b", fmt.Sprintf("day%d-%d", day, n), versioning.ID{})
		}
		mustSeal(t, s)
		now.Advance(12 * time.Hour)
	}
	turn := func() {
		t.Helper()
		if err := s.ledger.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	oldest := mustLedger(t, s, LedgerQuery{})[0]
	if want := "day3-0"; oldest.Key != want {
		t.Errorf("the oldest entry is %+v, want %s", oldest, want)
	}
	before := mustVerify(t, s)
	if before.Dropped == 0 || before.Leftover != 0 || before.Seals != before.Newest.Number {
		t.Errorf("%+v", before)
	}
	turn()
	if after := mustVerify(t, s); after.Seals != before.Seals {
		t.Errorf("nothing was to be done: %+v, then %+v", before, after)
	}
	// A crash after the seal said so, and before the rows went.
	now.Advance(12 * time.Hour)
	mustSeal(t, s)
	if r := mustVerify(t, s); r.Leftover != 3 {
		t.Errorf("%+v", r)
	}
	if got := mustLedger(t, s, LedgerQuery{})[0].Key; got != "day4-0" {
		t.Errorf("the oldest entry is %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, options)
	turn()
	now.Advance(1000 * time.Hour)
	turn()
	if r := mustVerify(t, s); r.Leftover != 0 || r.Rows != 0 {
		t.Errorf("%+v", r)
	}
	turn()
	seals := mustVerify(t, s).Seals
	now.Advance(1000 * time.Hour)
	turn()
	if r := mustVerify(t, s); r.Seals != seals {
		t.Errorf("seals without rows make seals: %d, then %d", seals, r.Seals)
	}
}

// The sealer goes on by itself while many change the store, and what it seals stays
// true.
func TestSealerBesideChanges(t *testing.T) {
	s := openTest(t, nil, func(o *Options) { o.Clock = clock.Wall{} })
	mustBucket(t, s, "b", versioning.Enabled)
	ctx, cancel := context.WithCancel(t.Context())
	var changing sync.WaitGroup
	var deletes atomic.Int64
	for worker := range 4 {
		changing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				rs := []DeleteRequest{{Key: fmt.Sprint("k", n%3)}, {Key: fmt.Sprint("own", worker)}}
				for i := range rs {
					rs[i].Made = maker(fmt.Sprint(worker, "-", n))
				}
				if _, err := s.DeleteObjects(context.Background(), "b", rs); err != nil {
					t.Error(err)
				}
				deletes.Add(int64(len(rs)))
			}
		})
	}
	first, _ := s.NewestSeal()
	for { // the sealer's own seals are waited for
		if newest, ok := s.NewestSeal(); ok && newest.Number >= first.Number+2 {
			break
		}
		if _, err := s.VerifyLedger(ctx); err != nil {
			t.Error(err)
			break
		}
		mustVerify(t, s)
	}
	cancel()
	changing.Wait()
	mustSeal(t, s)
	if r := mustVerify(t, s); r.Unsealed != 0 {
		t.Errorf("%+v", r)
	}
	// Joined or not, the entries of a request stand together, under its name.
	var entries int64
	last, seen := "", map[string]int{}
	for _, e := range mustLedger(t, s, LedgerQuery{Key: "", Bucket: "b"}) {
		if e.Change != LedgerMarkerAdded {
			continue
		}
		if entries++; e.Made.RequestID != last {
			last = e.Made.RequestID
			seen[last]++
		}
	}
	if entries != deletes.Load() {
		t.Errorf("%d entries of %d deletes", entries, deletes.Load())
	}
	for request, times := range seen {
		if times != 1 {
			t.Errorf("request %s stands in %d places", request, times)
		}
	}
}

// exportedLine is a line of an export as another program reads it.
type exportedLine struct {
	Type                                   string
	Number, Seal, Rows                     uint64
	Key, Leaf, Root, Previous, Hash, KeyID string
	Stored, Message, MAC                   []byte
	Entries                                json.RawMessage
}

// An export can be verified without the store: by the leaves of its rows, the roots
// and hashes of seals, and their signatures.
func TestExportIsVerifiable(t *testing.T) {
	key := testKeys(t)["HMAC-SHA256"]
	s := sealedStore(t, nil, key)
	mustDelete(t, s, "b", "unsealed", versioning.ID{})
	for _, q := range []LedgerQuery{{}, {Key: "x0"}, {Sealed: true}, {Key: "none"}} {
		var out bytes.Buffer
		if err := s.ExportLedger(t.Context(), q, &out); err != nil {
			t.Fatal(err)
		}
		var tree LedgerTree
		var previous string
		seals, rows, unsealed := 0, 0, 0
		for lines := bufio.NewScanner(&out); lines.Scan(); {
			var line exportedLine
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			raw, _ := hex.DecodeString(line.Key)
			leaf, _ := hex.DecodeString(line.Leaf)
			switch line.Type {
			case "row":
				rows++
				if sum := LedgerLeaf(raw, line.Stored); !bytes.Equal(sum[:], leaf) || len(line.Entries) == 0 {
					t.Errorf("leaf of %s", lines.Bytes())
				}
				fallthrough
			case "leaf":
				if line.Seal == 0 {
					unsealed++
					continue
				}
				tree.Add([sha256.Size]byte(leaf))
			case "seal":
				seals++
				root, hash := tree.Root(), sealHash(line.Number, line.Stored)
				if hex.EncodeToString(root[:]) != line.Root || hex.EncodeToString(hash[:]) != line.Hash ||
					previous != "" && previous != line.Previous || !key.verifies(line.Message, line.MAC) ||
					!bytes.HasPrefix(line.Message[len(sealDomain)+9:], line.Stored[:20]) {
					t.Errorf("%s", lines.Bytes())
				}
				tree, previous = LedgerTree{}, line.Hash
			}
		}
		all := mustLedger(t, s, q)
		if seals != int(mustVerify(t, s).Seals) || (rows == 0) != (len(all) == 0) || (unsealed > 0) != (q == LedgerQuery{}) {
			t.Errorf("%+v: %d seals, %d rows, %d unsealed", q, seals, rows, unsealed)
		}
	}
}

// What a caller's function says ends the reading of the ledger.
func TestLedgerStops(t *testing.T) {
	s := sealedStore(t, nil, LedgerKey{})
	enough := errors.New("enough")
	n := 0
	err := s.Ledger(t.Context(), LedgerQuery{}, func(LedgerEntry) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}
