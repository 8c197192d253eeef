package pebbledb

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// TestSeenGuardIsNotReadAgain gives guards a value that is not there: with the mark
// of a snapshot after which nothing wrote the key they are believed, which shows
// that the mark spares the read, and at no other time.
func TestSeenGuardIsNotReadAgain(t *testing.T) {
	db := openMem(t, Options{FS: vfs.NewMem()})
	key, other := []byte("key"), []byte("other")
	for db.latches.group(other) == db.latches.group(key) {
		other = append(other, '+')
	}
	mark := func() (m engine.Mark) {
		err := db.View(context.Background(), func(r engine.Reader) error {
			m = r.Mark()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	commit := func(guards ...engine.Guard) error { return db.Commit(context.Background(), guards, nil) }
	commitAll(t, db, []engine.Mutation{engine.Set(key, []byte("1"))})
	old := mark()
	for _, c := range []struct {
		name     string
		write    []byte // nil for nothing
		seen     func() engine.Mark
		believed bool
	}{
		{"never seen", nil, func() engine.Mark { return 0 }, false},
		{"as it is", nil, func() engine.Mark { return old }, true},
		{"another key was written", other, func() engine.Mark { return old }, true},
		{"written since", key, func() engine.Mark { return old }, false},
		{"seen after that", nil, mark, true},
	} {
		if c.write != nil {
			commitAll(t, db, []engine.Mutation{engine.Set(c.write, []byte("1"))})
		}
		err := commit(engine.Guard{Key: key, Value: []byte("not there"), Seen: c.seen()})
		if (err == nil) != c.believed || err != nil && !errors.Is(err, engine.ErrConflict) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := commit(engine.Guard{Key: key, Value: []byte("1"), Seen: c.seen()}); err != nil {
			t.Errorf("%s: a guard that holds: %v", c.name, err)
		}
	}
}

// TestAscending orders keys of several tables, empty and equal ones too.
func TestAscending(t *testing.T) {
	keys := []string{"Vb", "Ha", "", "Va", "Hb", "Vb", "\xff", "Va", ""}
	want := []int{2, 8, 1, 4, 3, 7, 0, 5, 6}
	got := ascending(len(keys), func(i int) []byte { return []byte(keys[i]) })
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
}
