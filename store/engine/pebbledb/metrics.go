package pebbledb

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
	dto "github.com/prometheus/client_model/go"
)

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
	// LiveLogBytes is what logs hold that is in no table yet: a flush, or the next Open,
	// writes about as much once more before a log can go.
	LiveLogBytes uint64
	// MemTableBytes is what the tables in memory take, those being flushed included.
	MemTableBytes uint64
	// CompactionDebt is what compactions still have to write before the tables
	// are in order, bytes, estimated.
	CompactionDebt uint64
	// CacheHits and CacheMisses count reads of blocks since Open.
	CacheHits, CacheMisses int64
	// LogSyncs counts the syncs of the log since Open, and LogSyncSeconds is how
	// long they took in all.
	LogSyncs       uint64
	LogSyncSeconds float64
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
	syncs, seconds := logSyncs(p)
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
		LiveLogBytes:   p.WAL.Size,
		MemTableBytes:  p.MemTable.Size,
		CompactionDebt: p.Compact.EstimatedDebt,
		CacheHits:      p.BlockCache.Hits,
		CacheMisses:    p.BlockCache.Misses,
		LogSyncs:       syncs,
		LogSyncSeconds: seconds,
	}
}

// logSyncs returns the number of syncs of the log and the seconds they took.
// Pebble keeps them, in nanoseconds, in a histogram that tells them in no other way.
func logSyncs(p *pebble.Metrics) (count uint64, seconds float64) {
	var m dto.Metric
	if p.LogWriter.FsyncLatency == nil || p.LogWriter.FsyncLatency.Write(&m) != nil {
		return 0, 0
	}
	return m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum() / float64(time.Second)
}
