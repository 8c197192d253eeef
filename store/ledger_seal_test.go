package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// testKeys are a key of each kind.
func testKeys(t *testing.T) map[string]LedgerKey {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]LedgerKey{"none": {}}
	for name, file := range map[string][]byte{
		"HMAC-SHA256": []byte(strings.Repeat("5a", 32) + "\n"),
		"Ed25519":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	} {
		if keys[name], err = ParseLedgerKey(file); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// sealedStore has a ledger of some seals, with rows of several entries.
func sealedStore(t *testing.T, fs blob.FS, key LedgerKey) *Store {
	t.Helper()
	s := openTest(t, fs, func(o *Options) { o.Ledger = LedgerOptions{Key: key, manual: true} })
	mustBucket(t, s, "b", versioning.Enabled)
	for n := range 4 {
		for i := range n {
			var rs []DeleteRequest
			for _, key := range []string{"x", "y"} {
				rs = append(rs, DeleteRequest{Key: fmt.Sprint(key, i), Made: Maker{RequestID: fmt.Sprint(n, i)}})
			}
			if _, err := s.DeleteObjects(t.Context(), "b", rs); err != nil {
				t.Fatal(err)
			}
		}
		mustSeal(t, s)
	}
	return s
}

// ledgerRows returns the rows of the ledger and its seals.
func ledgerRows(t *testing.T, s *Store) (rows []engine.Mutation) {
	t.Helper()
	err := s.view(t.Context(), func(r engine.Reader) error {
		for _, table := range []table{ledgerTable, sealTable} {
			rg := engine.Range{Start: []byte{byte(table)}, End: prefixEnd([]byte{byte(table)})}
			_, err := r.Scan(rg, func(k, v []byte) bool {
				rows = append(rows, engine.Set(bytes.Clone(k), bytes.Clone(v)))
				return true
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// mustFind expects verification to find what is wrong after a change, and nothing
// once it is undone.
func mustFind(t *testing.T, s *Store, what string, change, undo []engine.Mutation) {
	t.Helper()
	mustWrite(t, s, change...)
	r, err := s.VerifyLedger(t.Context())
	if err != nil || len(r.Problems) == 0 {
		t.Errorf("%s: not found: %+v, %v", what, r, err)
	}
	mustWrite(t, s, undo...)
}

// Whatever byte of a sealed row or of a seal is changed, verification finds it, with
// a key and without; and a row or seal that is dropped, put in, moved or swapped.
func TestVerifyFindsTampering(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	apart := 1 // every byte
	if testing.Short() {
		apart = 20
	}
	for name, key := range testKeys(t) {
		t.Run(name, func(t *testing.T) {
			s := sealedStore(t, nil, key)
			rows := ledgerRows(t, s)
			for i, row := range rows {
				for n := 1; n < len(row.Key)+len(row.Value); n += 1 + rng.IntN(apart) { // the first byte is the table
					changed := engine.Set(bytes.Clone(row.Key), bytes.Clone(row.Value))
					if bit := byte(1) << rng.IntN(8); n < len(row.Key) {
						changed.Key[n] ^= bit
					} else {
						changed.Value[n-len(row.Key)] ^= bit
					}
					mustFind(t, s, fmt.Sprintf("byte %d of row %d", n, i),
						[]engine.Mutation{engine.Delete(row.Key), changed}, append([]engine.Mutation{engine.Delete(changed.Key)}, rows...))
				}
				mustFind(t, s, fmt.Sprintf("row %d dropped", i), []engine.Mutation{engine.Delete(row.Key)}, []engine.Mutation{row})
				mustFind(t, s, fmt.Sprintf("row %d twice", i),
					[]engine.Mutation{engine.Set(append(bytes.Clone(row.Key), 0), row.Value)},
					[]engine.Mutation{engine.Delete(append(bytes.Clone(row.Key), 0))})
				other := rows[(i+1+rng.IntN(len(rows)-1))%len(rows)]
				mustFind(t, s, fmt.Sprintf("row %d swapped", i),
					[]engine.Mutation{engine.Set(row.Key, other.Value), engine.Set(other.Key, row.Value)}, []engine.Mutation{row, other})
			}
			if r := mustVerify(t, s); r.Unsealed != 0 || r.Rows < 7 || r.Seals < 4 || key.signs() && r.Signed != r.Seals {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Rows and seals that are cut off at either end show too.
func TestVerifyFindsTruncation(t *testing.T) {
	s := sealedStore(t, nil, LedgerKey{})
	rows := ledgerRows(t, s)
	isSeal := func(m engine.Mutation) bool { return m.Key[0] == byte(sealTable) }
	first := slices.IndexFunc(rows, isSeal)
	for n := 1; n < len(rows)-first; n++ {
		var begin, end []engine.Mutation
		for _, row := range rows[first:][:n] {
			begin = append(begin, engine.Delete(row.Key))
		}
		for _, row := range rows[len(rows)-n:] {
			end = append(end, engine.Delete(row.Key))
		}
		mustFind(t, s, fmt.Sprintf("the first %d seals dropped", n), begin, rows)
		mustFind(t, s, fmt.Sprintf("the last %d seals dropped", n), end, rows)
	}
	note := engine.Set(metaKey(metaSeal), rowOf(t, s, metaKey(metaSeal)))
	mustFind(t, s, "the note dropped", []engine.Mutation{engine.Delete(note.Key)}, []engine.Mutation{note})
	// Who cuts off the last seal and changes the note to the one before is found by
	// who knows number and hash of what was the newest.
	newest, _ := s.NewestSeal()
	got, found, err := s.Seal(t.Context(), newest.Number)
	if err != nil || !found || got.Hash() != newest.Hash() {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
	if _, found, err = s.Seal(t.Context(), newest.Number+1); err != nil || found {
		t.Errorf("%v, %v", found, err)
	}
	mustVerify(t, s)
}

// Seals that were cut off are not made anew: who cuts them off, and changes what they
// covered, is found after the next seals too, for ever.
func TestCutOffSealsAreNotReplaced(t *testing.T) {
	note := metaKey(metaSeal)
	for name, ofNote := range map[string][]engine.Mutation{
		"kept": nil, "damaged": {engine.Set(note, []byte{1})}, "dropped": {engine.Delete(note)},
	} {
		for n := 1; n <= 5; n++ {
			if name == "dropped" && n == 5 {
				continue // then nothing tells that there ever was a seal
			}
			fs := blob.MemFS()
			s := sealedStore(t, fs, LedgerKey{})
			rows := ledgerRows(t, s)
			first := slices.IndexFunc(rows, func(m engine.Mutation) bool { return m.Key[0] == byte(sealTable) })
			if len(rows)-first != 5 {
				t.Fatalf("%d seals", len(rows)-first)
			}
			cut := append([]engine.Mutation{engine.Delete(rows[first-1].Key)}, ofNote...) // the last row of the ledger, too
			for _, row := range rows[len(rows)-n:] {
				cut = append(cut, engine.Delete(row.Key))
			}
			mustWrite(t, s, cut...)
			for run := range 3 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openTest(t, fs, func(o *Options) { o.Ledger.manual = true })
				mustDelete(t, s, "b", "another", versioning.ID{})
				mustSeal(t, s)
				r, err := s.VerifyLedger(t.Context())
				if err != nil || len(r.Problems) == 0 {
					t.Errorf("%d cut off, note %s, run %d: %+v, %v", n, name, run, r, err)
				}
			}
		}
	}
}

// forge drops the first row and makes all seals anew, with another key.
func forge(t *testing.T, s *Store, key LedgerKey) {
	t.Helper()
	rows := ledgerRows(t, s)
	mustWrite(t, s, engine.Delete(rows[0].Key))
	previous := &Seal{}
	for _, row := range rows {
		if row.Key[0] != byte(sealTable) {
			continue
		}
		seal, err := decodeSeal(row.Key, row.Value)
		if err != nil {
			t.Fatal(err)
		}
		seal.Previous, seal.Kind, seal.KeyID, seal.mac, seal.Entries = previous.hash, Unsigned, "", nil, 0
		if err := s.ledger.sum(t.Context(), seal); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, engine.Set(row.Key, seal.signBy(key)), newestSealRow(seal))
		previous = seal
	}
}

// Who changes the ledger and makes all seals anew is found with the key, which he
// does not have. Without a key, and without a hash that is kept elsewhere, he is not.
func TestVerifyFindsForgedSeals(t *testing.T) {
	for name, key := range testKeys(t) {
		for _, forger := range []LedgerKey{{}, {secret: bytes.Repeat([]byte{1}, 32)}} {
			s := sealedStore(t, nil, key)
			newest, _ := s.NewestSeal()
			forge(t, s, forger)
			r, err := s.VerifyLedger(t.Context())
			if err != nil || (len(r.Problems) > 0) != key.signs() {
				t.Errorf("with %s: %+v, %v", name, r, err)
			}
			if is, found, err := s.Seal(t.Context(), newest.Number); err != nil || !found || is.Hash() == newest.Hash() {
				t.Errorf("with %s: the hash is the same: %+v, %v", name, is, err)
			}
		}
	}
}

// A ledger whose key changes goes on: seals of the new key follow, and each key
// verifies its own.
func TestLedgerKeyChanges(t *testing.T) {
	fs, keys := blob.MemFS(), testKeys(t)
	var old []LedgerKey
	for _, name := range []string{"HMAC-SHA256", "Ed25519"} {
		s := openTest(t, fs, func(o *Options) { o.Ledger.Key, o.Ledger.OldKeys = keys[name], old })
		old = append(old, keys[name])
		if newest, _ := s.NewestSeal(); newest.Kind.String() != name || newest.KeyID != keys[name].ID() {
			t.Errorf("with %s the newest seal is %+v", name, newest)
		}
		mustVerify(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	public := LedgerKey{public: keys["Ed25519"].public}
	_, err := Open("/data", Options{FS: fs, Ledger: LedgerOptions{Key: public}})
	if !errors.Is(err, errKeyCannotSign) {
		t.Errorf("a public key signs: %v", err)
	}
	s := openTest(t, fs, func(o *Options) { o.ReadOnly, o.Ledger.Key, o.Ledger.OldKeys = true, public, old[:1] })
	if r := mustVerify(t, s); r.Signed == 0 || r.Signed != r.Seals || r.Foreign != 0 {
		t.Errorf("%+v", r)
	}
	// One that signed nothing is told.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, func(o *Options) { o.ReadOnly, o.Ledger.Key = true, LedgerKey{secret: bytes.Repeat([]byte{1}, 32)} })
	if r, err := s.VerifyLedger(t.Context()); err != nil || len(r.Problems) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Key files are hex, base64 or PEM, and a key shows no more than its id.
func TestParseLedgerKey(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("5a", 31), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseLedgerKey([]byte(text)); !errors.Is(err, ErrLedgerKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for name, key := range testKeys(t) {
		shown := fmt.Sprintf("%v %+v %#v %s", key, key, key, key)
		if want := strings.Repeat("ledger key "+key.ID()+" ", 4); shown+" " != want {
			t.Errorf("%s shows %q", name, shown)
		}
		if sum := key.sign([]byte("m")); key.kind() != Unsigned && (!key.verifies([]byte("m"), sum) || key.verifies([]byte("n"), sum)) {
			t.Errorf("%s does not tell messages apart", name)
		}
	}
	base64 := "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
	if key, err := ParseLedgerKey([]byte(base64)); err != nil || key.ID() != testKeys(t)["HMAC-SHA256"].ID() {
		t.Errorf("%v, %v", key, err)
	}
}

// The tree is that of RFC 6962, for which the roots over the first leaves of the
// usual test vectors are known.
func TestLedgerTree(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var tree LedgerTree
	for n, want := range roots {
		if got := tree.Root(); hexSum(got) != want || tree.Leaves() != uint64(n) {
			t.Errorf("%d leaves: root %x, want %s", n, got, want)
		}
		if n < len(inputs) {
			data, err := hex.DecodeString(inputs[n])
			if err != nil {
				t.Fatal(err)
			}
			tree.Add(LedgerLeaf(nil, data))
		}
	}
}

// A row is sealed only when no row below it can still appear.
func TestSealWaitsForCommits(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustSeal(t, s)
	entered, leave := make(chan struct{}), make(chan struct{})
	hook := func(_ []engine.Mutation, apply func() error) error {
		p.onCommit.Store(nil)
		close(entered)
		<-leave
		return apply()
	}
	p.onCommit.Store(&hook)
	done := make(chan error, 1)
	go func() {
		_, err := s.Delete(context.Background(), "b", DeleteRequest{Key: "slow"})
		done <- err
	}()
	<-entered
	mustDelete(t, s, "b", "fast", versioning.ID{})
	before := mustSeal(t, s)
	if r := mustVerify(t, s); r.Unsealed != 1 {
		t.Errorf("%+v", r)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if after := mustSeal(t, s); after.Number != before.Number+1 || after.Rows != 2 {
		t.Errorf("%+v after %+v", after, before)
	}
	mustVerify(t, s)
}

// A seal is as it was written, or damaged; nothing makes reading one panic.
func FuzzSeal(f *testing.F) {
	full := &Seal{
		Number: 3, From: 1, To: 2, Rows: 1, Entries: 1, Root: sha256.Sum256(nil), Previous: sha256.Sum256([]byte{1}), Dropped: 1,
	}
	f.Add(sealRowKey(3), full.signBy(LedgerKey{secret: bytes.Repeat([]byte{1}, 32)}))
	f.Add([]byte("Z"), []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if s, err := decodeSeal(key, value); err == nil && !bytes.Equal(s.encode(s.mac), value) {
			t.Errorf("%x is read as %+v", value, s)
		}
		if row, err := decodeLedgerRow(key, value); err == nil && uint64(len(row.entries)) != countLedgerEntries(value) {
			t.Errorf("%x has %d entries, counted %d", value, len(row.entries), countLedgerEntries(value))
		}
	})
}
