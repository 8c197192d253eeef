package pebbledb

// Metrics is a reading of the engine's state.
type Metrics struct {
	Flushes, Compactions int64 // finished since Open
	// PendingDeletes and PendingBytes are what was deleted and waits for a
	// flush before it can free anything; bytes of keys and values.
	PendingDeletes int
	PendingBytes   int64
	// Tombstones is the number of deletes in tables, still to be carried down
	// to what they delete.
	Tombstones uint64
	// ValueBytes is what the values in blob files take, uncompressed, and
	// GarbageBytes the part of it that nothing refers to any more.
	ValueBytes, GarbageBytes uint64
	// DiskBytes is what the folder takes on disk, logs kept for reuse included.
	DiskBytes uint64
	// LogBytes is the part of it that logs take.
	LogBytes uint64
}

// Metrics reads the engine's state; it is zero when the engine is closed
// or has failed.
func (db *DB) Metrics() Metrics {
	if db.failures.first.Load() != nil || !db.gate.enter() {
		return Metrics{}
	}
	defer db.gate.leave()
	p := db.pebble.Metrics()
	r := db.releases.read()
	return Metrics{
		Flushes:        p.Flush.Count,
		Compactions:    p.Compact.Count,
		PendingDeletes: r.deletes,
		PendingBytes:   r.bytes,
		Tombstones:     p.Keys.TombstoneCount,
		ValueBytes:     p.BlobFiles.ValueSize,
		GarbageBytes:   p.BlobFiles.ValueSize - p.BlobFiles.ReferencedValueSize,
		DiskBytes:      p.DiskSpaceUsage(),
		LogBytes:       p.WAL.PhysicalSize + p.WAL.ObsoletePhysicalSize,
	}
}
