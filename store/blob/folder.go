package blob

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is the file system a Folder lies on, the same seam the index engine uses,
// so that one fault injector or crash simulation covers both.
type FS = vfs.FS

// DiskFS returns the file system of the machine.
func DiskFS() FS { return vfs.Default }

// diskCategory names the writes of this package in the statistics of an FS.
const diskCategory vfs.DiskWriteCategory = "blob"

// The defaults of Options.
const (
	DefaultInlineLimit = 64 << 10
	DefaultBlockSize   = 64 << 10
	DefaultEpochFiles  = 65536
	DefaultEpochAge    = 10 * time.Minute
)

// Options are the settings of a Folder.
type Options struct {
	// FS is the file system; nil is DiskFS.
	FS FS
	// InlineLimit is the largest payload, in bytes, that Write returns encoded
	// instead of writing a file. 0 is DefaultInlineLimit; below 0 every blob
	// becomes a file.
	InlineLimit int
	// BlockSize is the payload of a block in bytes, for new blobs; 0 is
	// DefaultBlockSize, 1 MiB the most.
	BlockSize int
	// NewEpoch makes a number above all it ever returned durable and returns
	// it. Without it the folder takes inline blobs only.
	NewEpoch func() (uint32, error)
	// EpochFiles is the number of files after which a new epoch begins;
	// 0 is DefaultEpochFiles.
	EpochFiles int
	// EpochAge is the age at which the next file begins a new epoch; 0 is
	// DefaultEpochAge.
	EpochAge time.Duration
	// Now tells the time for EpochAge; nil: epochs do not age.
	Now func() time.Time
	// Foreign is told the path, relative to the folder, of each name met by
	// Epochs or List that this package did not make. nil: they are passed over.
	Foreign func(path string)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = DiskFS()
	}
	if o.InlineLimit == 0 {
		o.InlineLimit = DefaultInlineLimit
	}
	if o.BlockSize == 0 {
		o.BlockSize = DefaultBlockSize
	}
	if o.EpochFiles == 0 {
		o.EpochFiles = DefaultEpochFiles
	}
	if o.EpochAge == 0 {
		o.EpochAge = DefaultEpochAge
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	if o.Foreign == nil {
		o.Foreign = func(string) {}
	}
	return o
}

// Folder is a directory of blobs. Its methods may be called concurrently.
type Folder struct {
	dir     string
	options Options
	fs      FS
	syncer  *dirSyncer
	epochs  epochs

	flushStep int64 // the constant, but in tests

	heads  bufferPool // for bodies that may be inline
	chunks bufferPool // for bodies that become files
	blocks bufferPool // for reading files
}

// Open makes dir if it is not there and syncs it and its parent. The parent
// must exist durably.
func Open(dir string, o Options) (*Folder, error) {
	o = o.withDefaults()
	if err := (Header{BlockSize: o.BlockSize}).check(); err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, options: o, fs: o.FS, syncer: newDirSyncer(o.FS), flushStep: flushStep}
	f.epochs.folder = f
	if o.InlineLimit > 0 {
		f.heads.size = o.InlineLimit + 1 // the byte that tells a longer body
	}
	f.chunks.size = blocksPer(chunkSize, o.BlockSize) * (o.BlockSize + sumSize)
	f.blocks.size = o.BlockSize + sumSize
	if err := f.fs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("blob: open folder: %w", err)
	}
	for _, d := range []string{dir, f.fs.PathDir(dir)} {
		if err := f.syncer.Sync(d); err != nil {
			return nil, fmt.Errorf("blob: open folder: %w", err)
		}
	}
	return f, nil
}

// Close ends the folder, after every Write has returned. Later writes fail;
// blobs that are open stay readable.
func (f *Folder) Close() error {
	epoch := f.epochs.close()
	if epoch == 0 {
		return nil
	}
	return f.tidy(epoch)
}

// Inline reports whether Write returns a payload of size bytes encoded.
func (f *Folder) Inline(size int64) bool { return size <= int64(f.options.InlineLimit) }

func (f *Folder) epochPath(epoch uint32) string { return f.fs.PathJoin(f.dir, epochName(epoch)) }

func (f *Folder) path(ref Ref) string {
	return f.fs.PathJoin(f.dir, epochName(ref.Epoch), fileName(ref.Number))
}

// blocksPer returns how many blocks a buffer of about size bytes holds.
func blocksPer(size, blockSize int) int { return max(1, size/blockSize) }

// bufferPool keeps buffers of one size, and of more when more is asked for.
type bufferPool struct {
	size int
	pool sync.Pool
}

// get returns a buffer of at least need bytes.
func (p *bufferPool) get(need int) []byte {
	if b, ok := p.pool.Get().(*[]byte); ok && len(*b) >= need {
		return *b
	}
	return make([]byte, max(p.size, need))
}

func (p *bufferPool) put(b []byte) { p.pool.Put(&b) }
