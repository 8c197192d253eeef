package store

import (
	"crypto/rand"
	"io"
	"log/slog"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

// Durability says when a change may be answered.
type Durability uint8

// The durabilities.
const (
	// Sync answers once the change is on disk.
	Sync Durability = iota
	// Relaxed answers at once and is on disk within a second. Files of larger
	// objects are synced all the same.
	Relaxed
)

// DefaultMinFree is the low-water mark of free disk space, bytes.
const DefaultMinFree = 256 << 20

// Options are the choices of [Open]. The zero value is a durable store on the
// operating system's file system.
type Options struct {
	// FS holds index and blobs; nil means the operating system's.
	FS blob.FS
	// Memory keeps everything in memory, through the same code; FS is ignored.
	Memory bool
	// ReadOnly opens for [Store.Check] and reads: nothing on disk is changed.
	ReadOnly bool
	// TestFolder marks a new folder for ever as one whose clock may be set. No other
	// folder opens with it ([ErrNoTestClock]), and no such folder without it, but
	// ReadOnly ([ErrTestFolder]).
	TestFolder bool

	Durability Durability
	// Clock tells real time, which is object time but in a test folder; nil means the
	// wall clock.
	Clock clock.Clock
	// InlineLimit is the size up to which bytes are kept in the index, bytes;
	// 0 means 64 KiB.
	InlineLimit int
	// BlockSize is the size of a checksummed block, bytes; 0 means 64 KiB.
	BlockSize int
	// MinPartSize is the size of the smallest part but the last, bytes; 0 means
	// [MinPartBytes]. For tests.
	MinPartSize int64
	// MinFree is the free disk space below which bodies are refused, bytes;
	// 0 means [DefaultMinFree], negative that what fits is stored. What the index
	// needs to write out its log stays free in any case.
	MinFree int64
	// CacheSize bounds the cache of the index, bytes; 0 means 32 MiB.
	CacheSize int64
	// MemTableSize is the size of a memtable of the index, bytes; 0 means 32 MiB.
	MemTableSize int64

	// Ledger says how the ledger is kept.
	Ledger LedgerOptions

	// Logger takes what no caller can be told; nil means none.
	Logger *slog.Logger
	// OnFatal is called when the disk failed under the index and the process
	// has to end; nil means that it is logged only.
	OnFatal func(message string)
	// WrapEngine, if set, stands between the store and its engine. For tests.
	WrapEngine func(engine.Engine) engine.Engine
	// Rand is the source of secrets and ids; nil means crypto/rand.
	Rand io.Reader
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.MinPartSize == 0 {
		o.MinPartSize = MinPartBytes
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}
