package pebbledb

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

const benchKeys = 100_000

func benchKey(i int) []byte { return fmt.Appendf(nil, "obucket/some/prefix/%08d", i%benchKeys) }

// openBench opens an engine on disk that holds benchKeys entries of 200 bytes,
// in tables and not in a memtable.
func openBench(b *testing.B, o Options) *DB {
	b.Helper()
	o.FS = vfs.Default
	db, err := Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	value := make([]byte, 200)
	for i := 0; i < benchKeys; i += 1000 {
		var m []engine.Mutation
		for j := i; j < i+1000; j++ {
			m = append(m, engine.Set(benchKey(j), value))
		}
		if err := db.Commit(context.Background(), nil, m); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.pebble.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return db
}

func BenchmarkViewGetGet(b *testing.B) {
	db := openBench(b, Options{})
	b.ReportAllocs()
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(7919))
			err := db.View(context.Background(), func(r engine.Reader) error {
				if _, _, err := r.Get(benchKey(i)); err != nil {
					return err
				}
				_, _, err := r.Get(benchKey(i + 1))
				return err
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkScan1000(b *testing.B) {
	db := openBench(b, Options{})
	b.ReportAllocs()
	for i := range b.N {
		n := 0
		err := db.View(context.Background(), func(r engine.Reader) error {
			_, err := r.Scan(engine.Range{Start: benchKey(i * 7919), Limit: 1000}, func(_, _ []byte) bool {
				n++
				return true
			})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanSeeks is a listing by delimiter: many scans of one entry.
func BenchmarkScanSeeks(b *testing.B) {
	db := openBench(b, Options{})
	b.ReportAllocs()
	end := []byte("p")
	for range b.N {
		err := db.View(context.Background(), func(r engine.Reader) error {
			for i := range 1000 {
				_, err := r.Scan(engine.Range{Start: benchKey(i * 90), End: end, Limit: 1}, func(_, _ []byte) bool {
					return true
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkCommit(b *testing.B, o Options) {
	db := openBench(b, o)
	b.ReportAllocs()
	b.SetParallelism(8) // 16 goroutines on 2 cores
	value := make([]byte, 200)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := fmt.Appendf(nil, "onew/%012d", n.Add(1))
			err := db.Commit(context.Background(), []engine.Guard{{Key: key}},
				[]engine.Mutation{engine.Set(key, value), engine.Add([]byte("cbucket"), 1, 200)})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkCommitSync(b *testing.B)   { benchmarkCommit(b, Options{}) }
func BenchmarkCommitNoSync(b *testing.B) { benchmarkCommit(b, Options{NoSync: true}) }
