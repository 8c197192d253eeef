package store

import (
	"encoding/binary"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine/pebbledb"
)

// Metrics is a reading of the state of the store's index and disk. Counters count
// since Open, sizes are bytes. What cannot be read is zero.
type Metrics struct {
	MemTableBytes                uint64
	Flushes, Compactions         int64
	CompactionDebt               uint64 // estimated
	Tombstones                   uint64 // deletes of the engine that still wait to be carried out
	PendingDeletes, PendingBytes int64  // deleted, and not free before a flush
	CacheHits, CacheMisses       int64
	LogSyncs                     uint64
	LogSyncSeconds               float64 // that all syncs took together
	IndexBytes, LogBytes         uint64  // on disk; the log is part of the index
	ValueBytes, GarbageBytes     uint64  // of values kept apart, and what of it nothing refers to
	DiskFree                     uint64
	DiskFreeKnown                bool // false in memory, and where the system does not tell
	MinFree                      int64
	Seals                        uint64 // number of the newest seal of the ledger, 0 without one
	// SealHash is the first 48 bits of the hash of that seal, as a number, which a
	// float64 holds: two readings of one seal that differ tell of a changed ledger.
	SealHash uint64
	// ClockStep is how far the wall clock has leapt ahead of lock time: see
	// [Store.ClockStep].
	ClockStep time.Duration
}

// meter is an engine that can be read.
type meter interface{ Metrics() pebbledb.Metrics }

// Metrics reads the state of the index and of the disk. It costs about as much as
// a read of one object, and may be called while the store is closing.
func (s *Store) Metrics() Metrics {
	m := Metrics{MinFree: max(s.options.MinFree, 0), ClockStep: s.ClockStep()}
	if e, ok := s.engine.(meter); ok {
		r := e.Metrics()
		m.MemTableBytes, m.Flushes, m.Compactions = r.MemTableBytes, r.Flushes, r.Compactions
		m.CompactionDebt, m.Tombstones = r.CompactionDebt, r.Tombstones
		m.PendingDeletes, m.PendingBytes = int64(r.PendingDeletes), r.PendingBytes
		m.CacheHits, m.CacheMisses = r.CacheHits, r.CacheMisses
		m.LogSyncs, m.LogSyncSeconds = r.LogSyncs, r.LogSyncSeconds
		m.IndexBytes, m.LogBytes = r.DiskBytes, r.LogBytes
		m.ValueBytes, m.GarbageBytes = r.ValueBytes, r.GarbageBytes
	}
	if newest, ok := s.NewestSeal(); ok {
		const bits = 48
		m.Seals, m.SealHash = newest.Number, binary.BigEndian.Uint64(newest.hash[:])>>(64-bits)
	}
	if free, known, err := blob.FreeSpace(s.fs, s.dir); err == nil && known {
		m.DiskFree, m.DiskFreeKnown = free, true
	}
	return m
}
