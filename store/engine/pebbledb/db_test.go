package pebbledb

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginetest"
)

// openMem opens an engine in memory and fails the test if it can not.
func openMem(t testing.TB, o Options) *DB {
	t.Helper()
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	db, err := Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestConformance(t *testing.T) {
	for name, o := range map[string]Options{"sync": {}, "relaxed": {NoSync: true}} {
		t.Run(name, func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T) engine.Engine { return openMem(t, o) })
		})
	}
}
