package pebbledb

import (
	"path/filepath"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// watch tells of the first error in writing Pebble's log. Pebble panics on some
// of them while it holds its locks, which ends the process with a dump of every
// goroutine and no word of the cause; this speaks first.
type watch struct {
	armed atomic.Bool // between Open, which returns errors, and Close, which too
	alarm func(path string, err error)
}

func (w *watch) see(path string, err error) error {
	if err != nil && w.armed.Load() {
		w.alarm(path, err)
	}
	return err
}

// watchedFS is a file system whose logs are watched.
type watchedFS struct {
	vfs.FS
	watch *watch
	ahead bool // whether logs grow ahead of what is in them
}

func isLog(path string) bool { return filepath.Ext(path) == ".log" }

// Unwrap implements vfs.FS.
func (fs *watchedFS) Unwrap() vfs.FS { return fs.FS }

// Create implements vfs.FS.
func (fs *watchedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	return fs.opened(name, f, err)
}

// ReuseForWrite implements vfs.FS: an old log becomes a new one.
func (fs *watchedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(oldname, newname, category)
	return fs.opened(newname, f, err)
}

func (fs *watchedFS) opened(name string, f vfs.File, err error) (vfs.File, error) {
	if !isLog(name) {
		return f, err
	}
	if err != nil {
		return nil, fs.watch.see(name, err)
	}
	return fs.log(name, f)
}

// OpenDir implements vfs.FS. The folder is synced after a log was made.
func (fs *watchedFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &watchedFile{File: f, name: name, watch: fs.watch}, nil
}

// watchedFile is a log, or the folder of logs.
type watchedFile struct {
	vfs.File
	name  string
	watch *watch
}

func (f *watchedFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.watch.see(f.name, err)
}

func (f *watchedFile) Sync() error { return f.watch.see(f.name, f.File.Sync()) }

func (f *watchedFile) SyncData() error { return f.watch.see(f.name, f.File.SyncData()) }

func (f *watchedFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.watch.see(f.name, err)
}
