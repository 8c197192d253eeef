package pebbledb

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Format is the on-disk format of a folder. It is the newest of Pebble v2.1 and
// the first with values in files of their own; a later one is a step in
// docs/format.md, never a side effect of a new Pebble.
const Format = pebble.FormatValueSeparation

const (
	defaultCacheSize    = 32 << 20
	defaultMemTableSize = 32 << 20

	// separateFrom is the size from which a value lives in a blob file, bytes.
	// Records of the index are smaller and stay with their keys; inline bodies
	// are larger and are not copied by every compaction.
	separateFrom = 512
)

// Blocks of tables, bytes. An index of one level is read once and stays cached;
// the default of 4 KiB makes two levels of it in every table.
const (
	blockSize      = 8 << 10
	indexBlockSize = 128 << 10
)

// Options are the choices of [Open]. The zero value is a durable engine on the
// operating system's file system.
type Options struct {
	// FS holds the files; nil means vfs.Default.
	FS vfs.FS
	// NoSync makes a change durable within a second instead of before its
	// call returns. After a crash the last changes may be missing, but a
	// change is never there in part or without an earlier one.
	NoSync bool
	// ReadOnly opens without changing anything on disk; commits fail.
	ReadOnly bool
	// CacheSize bounds the cache of blocks, bytes; 0 means 32 MiB. With two
	// memtables it makes the engine's memory: 96 MiB by default. Without cgo
	// all of it lives on the Go heap.
	CacheSize int64
	// MemTableSize is the size of a memtable, bytes; 0 means 32 MiB. A
	// transaction of more than half of it becomes a flush of its own.
	MemTableSize int64
	// Logger takes Pebble's own messages; nil means none.
	Logger *slog.Logger
	// OnFatal is called once when the engine can not go on (see [Failure]),
	// and should end the process; nil means that the failure is only logged.
	// If it returns, calls return the Failure, but Pebble itself may end the
	// process with a panic that can not be caught, for example when it was
	// about to begin a new log.
	OnFatal func(message string)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheSize == 0 {
		o.CacheSize = defaultCacheSize
	}
	if o.MemTableSize == 0 {
		o.MemTableSize = defaultMemTableSize
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnFatal == nil {
		log := o.Logger
		o.OnFatal = func(message string) { log.Error("engine failed", "message", message) }
	}
	return o
}

// pebbleOptions translates o. The sizes are for 2 cores and an index of some
// gigabytes; what is not named is Pebble's default.
func (db *DB) pebbleOptions(o Options) *pebble.Options {
	log := &logger{slog: o.Logger, failures: db.failures}
	p := &pebble.Options{
		FS:                 o.FS,
		ReadOnly:           o.ReadOnly,
		Comparer:           pebble.DefaultComparer,
		Merger:             sumMerger(),
		FormatMajorVersion: Format,
		Logger:             log,
		// Pebble takes the memtables, and one kept for reuse, out of its cache.
		CacheSize:    o.CacheSize + 2*o.MemTableSize,
		MemTableSize: uint64(o.MemTableSize),
		// Pebble keeps one log more than this for reuse, each as large as a
		// memtable.
		MemTableStopWritesThreshold: 2,
		WALBytesPerSync:             512 << 10,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { log.Errorf("background error: %v", err) },
			// The read that found it returns the error as well. Ending the
			// process would only make one damaged block everybody's.
			DataCorruption: func(i pebble.DataCorruptionInfo) { log.Errorf("%s is damaged: %v", i.Path, i.Details) },
		},
	}
	if _, inMemory := o.FS.(*vfs.MemFS); !inMemory { // where a sync costs nothing
		p.WALMinSyncInterval = db.crowd.pause
	}
	p.Levels[0].BlockSize = blockSize
	p.Levels[0].IndexBlockSize = indexBlockSize
	// The base comparer has no prefixes: the filter is over whole keys.
	p.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	p.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	p.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled:               true,
			MinimumSize:           separateFrom,
			MaxBlobReferenceDepth: 10,
			RewriteMinimumAge:     0,
			TargetGarbageRatio:    db.garbageTarget(),
		}
	}
	return p
}
