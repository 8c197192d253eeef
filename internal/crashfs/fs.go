// Package crashfs is a file system in memory that can be cut: a cut is what a
// machine would find on its disk if its power had failed at that moment.
//
// What was synced is there. Of all else (written bytes, new names, removed names)
// a chosen share is: none, all, or each with a chance. That a name which was
// removed and not synced may be gone as well as back is what this package adds to
// the crash simulation of Pebble's vfs.
//
// Every sync can be observed, and can be made to do nothing, so that a test can
// show that it is needed.
package crashfs

import (
	"io/fs"
	"math/rand/v2"
	"path"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a file system that can be cut. Its methods may be called concurrently.
type FS struct {
	*vfs.MemFS
	watch Watch

	// names is held shared while a name changes or a directory is synced, and
	// alone during a cut.
	names sync.RWMutex

	mu      sync.Mutex // guards removed; taken after names
	removed map[string]struct{}
}

// Watch observes the syncs of a file system. The zero Watch lets all happen.
type Watch struct {
	// Drop tells whether a sync is to do nothing; nil: none is.
	Drop func(Sync) bool
	// Synced is called after each sync, dropped or not, before the caller of the
	// sync goes on. It may cut. Nil: not called.
	Synced func(Sync)
}

// Sync is one sync of a file or directory.
type Sync struct {
	Path string
	// Site is the function that asked for the sync; see [siteOf].
	Site string
}

var _ vfs.FS = (*FS)(nil)

// New returns an empty file system.
func New(w Watch) *FS { return wrap(vfs.NewCrashableMem(), w) }

func wrap(mem *vfs.MemFS, w Watch) *FS {
	return &FS{MemFS: mem, watch: w, removed: make(map[string]struct{})}
}

// Cut returns what is left after a crash at this moment: all that was synced, and
// each other change with a chance of keep percent.
func (f *FS) Cut(keep int, rng *rand.Rand, w Watch) (*FS, error) {
	f.names.Lock()
	defer f.names.Unlock()
	left := f.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rng})
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.removed {
		if keep == 0 || rng.IntN(100) >= keep {
			continue
		}
		if err := forget(left, name); err != nil {
			return nil, err
		}
	}
	return wrap(left, w), nil
}

// forget removes a name, and all below it, for good.
func forget(left *vfs.MemFS, name string) error {
	if _, err := left.Stat(name); err != nil {
		return nil //nolint:nilerr // not there, as it should be
	}
	if err := left.RemoveAll(name); err != nil {
		return err
	}
	dir, err := left.OpenDir(path.Dir(name))
	if err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	return dir.Close()
}

// change makes a change of names.
func (f *FS) change(fn func() error) error {
	f.names.RLock()
	defer f.names.RUnlock()
	return fn()
}

// note remembers that a name is gone, or is there again.
func (f *FS) note(name string, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gone {
		f.removed[path.Clean(name)] = struct{}{}
	} else {
		delete(f.removed, path.Clean(name))
	}
}

// synced forgets the names that were removed from a directory before it was synced.
func (f *FS) synced(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.removed {
		if path.Dir(name) == path.Clean(dir) {
			delete(f.removed, name)
		}
	}
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	return f.change(func() error {
		err := f.MemFS.Remove(name)
		if err == nil {
			f.note(name, true)
		}
		return err
	})
}

// RemoveAll implements vfs.FS.
func (f *FS) RemoveAll(name string) error {
	return f.change(func() error {
		_, missing := f.MemFS.Stat(name)
		err := f.MemFS.RemoveAll(name)
		if err == nil && missing == nil {
			f.note(name, true)
		}
		return err
	})
}

// Create implements vfs.FS.
func (f *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opening(name, func() (vfs.File, error) { return f.MemFS.Create(name, c) })
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.opening(name, func() (vfs.File, error) { return f.MemFS.OpenReadWrite(name, c, o...) })
}

// ReuseForWrite implements vfs.FS.
func (f *FS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opening(to, func() (vfs.File, error) { return f.MemFS.ReuseForWrite(from, to, c) })
}

// OpenDir implements vfs.FS.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	dir, err := f.MemFS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &file{File: dir, fs: f, path: name, dir: true}, nil
}

// Link implements vfs.FS.
func (f *FS) Link(from, to string) error {
	return f.appearing(to, func() error { return f.MemFS.Link(from, to) })
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	return f.appearing(to, func() error { return f.MemFS.Rename(from, to) })
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(dir string, perm fs.FileMode) error {
	return f.appearing(dir, func() error { return f.MemFS.MkdirAll(dir, perm) })
}

func (f *FS) appearing(name string, fn func() error) error {
	return f.change(func() error {
		err := fn()
		if err == nil {
			f.note(name, false)
		}
		return err
	})
}

func (f *FS) opening(name string, open func() (vfs.File, error)) (vfs.File, error) {
	var opened vfs.File
	err := f.appearing(name, func() (err error) {
		opened, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &file{File: opened, fs: f, path: name}, nil
}

// Unwrap implements vfs.FS.
func (f *FS) Unwrap() vfs.FS { return f.MemFS }

// file is an open file or directory.
type file struct {
	vfs.File
	fs   *FS
	path string
	dir  bool
}

// Sync implements vfs.File.
func (f *file) Sync() error { return f.sync(f.File.Sync) }

// SyncData implements vfs.File.
func (f *file) SyncData() error { return f.sync(f.File.SyncData) }

func (f *file) sync(do func() error) error {
	w := f.fs.watch
	if w.Drop == nil && w.Synced == nil {
		return f.plainSync(do)
	}
	s := Sync{Path: path.Clean(f.path), Site: siteOf()}
	if w.Drop == nil || !w.Drop(s) {
		if err := f.plainSync(do); err != nil {
			return err
		}
	}
	if w.Synced != nil {
		w.Synced(s)
	}
	return nil
}

func (f *file) plainSync(do func() error) error {
	if !f.dir {
		return do()
	}
	return f.fs.change(func() error {
		err := do()
		if err == nil {
			f.fs.synced(f.path)
		}
		return err
	})
}
