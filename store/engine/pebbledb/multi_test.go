package pebbledb

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
)

// TestGetMultiFindsWhatGetFinds reads rows that lie beside each other, and others,
// one by one and together: some are there, some never were, some were deleted in
// masses, some were written often, and some are asked for twice.
func TestGetMultiFindsWhatGetFinds(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	db := openMem(t, Options{NoSync: true, MemTableSize: 256 << 10})
	row := func() []byte {
		names := []string{"Va", "Vb", "Vlong name", "Ha", "H"}
		return binary.BigEndian.AppendUint64([]byte(names[rnd.IntN(len(names))]), uint64(rnd.IntN(400)))
	}
	for range 40 {
		var changes []engine.Mutation
		for range 300 {
			if key := row(); rnd.IntN(3) == 0 {
				changes = append(changes, engine.Delete(key))
			} else {
				changes = append(changes, engine.Set(key, binary.AppendUvarint(nil, rnd.Uint64())))
			}
		}
		if err := db.Commit(t.Context(), nil, changes); err != nil {
			t.Fatal(err)
		}
		keys := make([][]byte, rnd.IntN(500))
		for i := range keys {
			keys[i] = row()
		}
		compareReads(t.Context(), t, db, keys)
	}
}

func compareReads(ctx context.Context, t *testing.T, db *DB, keys [][]byte) {
	t.Helper()
	err := db.View(ctx, func(r engine.Reader) error {
		together, err := r.GetMulti(keys)
		if err != nil {
			return err
		}
		for i, key := range keys {
			alone, found, err := r.Get(key)
			if err != nil {
				return err
			}
			if found != (together[i] != nil) || !bytes.Equal(alone, together[i]) {
				t.Errorf("%q is %x, %v when read alone, and %x among %d", key, alone, found, together[i], len(keys))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNeighboursAreSteppedTo holds that rows beside each other are read by steps,
// which is one for each, and rows far from each other by seeking.
func TestNeighboursAreSteppedTo(t *testing.T) {
	db := openMem(t, Options{NoSync: true})
	var changes []engine.Mutation
	var near, far [][]byte
	for i := range uint64(1000) {
		key := binary.BigEndian.AppendUint64([]byte("Vkey"), i)
		changes = append(changes, engine.Set(key, []byte("row")))
		if i < 100 {
			near = append(near, key)
		}
		if i%100 == 0 {
			far = append(far, key)
		}
	}
	if err := db.Commit(t.Context(), nil, changes); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keys  [][]byte
		steps int // at most
		far   bool
	}{{near, len(near), false}, {far, dearSteps*len(far) + len(far), true}} {
		r, err := db.newReader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := multi{reader: r, keys: c.keys, values: make([][]byte, len(c.keys))}
		if err := m.readAll(); err != nil {
			t.Fatal(err)
		}
		if far := len(m.far) > 0; far != c.far || m.steps() > c.steps {
			t.Errorf("%d keys took %d steps, want up to %d; far: %v, want %v", len(c.keys), m.steps(), c.steps, far, c.far)
		}
		r.closeInto(&err)
		if err != nil {
			t.Fatal(err)
		}
	}
}
