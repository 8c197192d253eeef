package blob

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// reserveChunk is how much of the file of a reserve is written at once, bytes.
const reserveChunk = 1 << 20

// Reserve keeps a part of the disk back for the index: a file that is removed when
// a write of the index meets a full disk, which is then tried again. So deletes,
// which need a little space to make much, go on. Bodies never get that space: while
// the file is gone, [Reserve.Bodies] is full. The zero Reserve keeps nothing back.
type Reserve struct {
	fs   FS
	path string
	size int64
	none bool // fs does not know its space, as one in memory: there is nothing to keep back

	making sync.Mutex  // held while the file is made or removed
	gone   atomic.Bool // given up, and not there again; set with making held
	// exhausted is called when the disk is full and nothing was left to give up.
	exhausted func()
}

// NewReserve makes the file at path, of size bytes, if it is not there and the disk
// has more than twice its size to spare. A disk that is full, and has nothing to give
// up, calls exhausted.
func NewReserve(fs FS, path string, size int64, exhausted func()) (*Reserve, error) {
	r := &Reserve{fs: fs, path: path, size: size, exhausted: exhausted}
	_, err := r.build()
	if errors.Is(err, vfs.ErrUnsupported) {
		r.none, err = true, nil
	}
	return r, err
}

// Index is the file system with the reserve behind it.
func (r *Reserve) Index() FS {
	if r.none {
		return r.fs
	}
	return vfs.OnDiskFull(r.fs, r.giveUp)
}

// Bodies is the file system without it: a full disk is an error that
// [IsDiskFull] knows.
func (r *Reserve) Bodies() FS {
	if r.none {
		return r.fs
	}
	return bodiesFS{FS: r.fs, reserve: r}
}

// Gone reports whether the file was given up and is not there again.
func (r *Reserve) Gone() bool { return r.gone.Load() }

// Restore makes the file again if it was given up and there is room for it, and
// reports whether it is not missed any more.
func (r *Reserve) Restore() (bool, error) {
	if !r.gone.Load() {
		return true, nil
	}
	return r.build()
}

// build writes the file where there is room, and reports whether it is there then.
func (r *Reserve) build() (bool, error) {
	r.making.Lock()
	defer r.making.Unlock()
	usage, err := r.fs.GetDiskUsage(r.fs.PathDir(r.path))
	if err != nil {
		return false, fmt.Errorf("blob: disk usage: %w", err)
	}
	// One that a power cut left half written is made anew.
	if info, err := r.fs.Stat(r.path); err == nil && info.Size() >= r.size {
		r.gone.Store(false)
		return true, nil
	}
	if usage.AvailBytes <= uint64(2*r.size) {
		return false, nil
	}
	if err := r.fill(); err != nil {
		return false, errors.Join(fmt.Errorf("blob: reserve: %w", err), r.fs.Remove(r.path))
	}
	r.gone.Store(false)
	return true, nil
}

func (r *Reserve) fill() error {
	file, err := r.fs.Create(r.path, diskCategory)
	if err != nil {
		return err
	}
	chunk := make([]byte, reserveChunk)
	for left := r.size; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = file.Write(chunk[:min(left, int64(len(chunk)))])
	}
	return errors.Join(err, file.Close())
}

// giveUp removes the file. One that cannot be removed leaves the disk as full as it
// was, which the write that failed reports.
func (r *Reserve) giveUp() {
	r.making.Lock()
	defer r.making.Unlock()
	r.gone.Store(true) // before there is room
	if r.fs.Remove(r.path) != nil {
		r.exhausted()
	}
}

// IsDiskFull reports whether err is that a disk, or what one user may have of it,
// is full.
func IsDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// bodiesFS is full as long as the reserve is gone.
type bodiesFS struct {
	FS
	reserve *Reserve
}

// Create implements FS.
func (b bodiesFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := b.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	return bodyFile{File: file, reserve: b.reserve}, nil
}

// Unwrap lets Pebble's tools find what is below.
func (b bodiesFS) Unwrap() FS { return b.FS }

type bodyFile struct {
	vfs.File
	reserve *Reserve
}

// Write implements vfs.File.
func (f bodyFile) Write(p []byte) (int, error) {
	if f.reserve.gone.Load() {
		return 0, fmt.Errorf("blob: what is left of the disk is for the index: %w", syscall.ENOSPC)
	}
	return f.File.Write(p)
}
