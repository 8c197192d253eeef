package pebbledb

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// logHeld is how much a log holds back until its next sync, bytes.
	logHeld = 64 << 10
	// logAhead is by how much a log grows at a time, bytes.
	logAhead = 512 << 10
)

// zeros is what a log grows by.
var zeros [logAhead]byte

// logFile is a log of Pebble, which makes its syncs cheap. Pebble writes each commit as it
// comes, while the next sync waits for company (see crowd): here they are held, and are one
// write before it. And a sync of a file that has become longer writes the file's
// length as well, and waits for that: so a log grows by a piece of zeros at a time, in which
// records come to lie. A log that Pebble uses again is long enough from its beginning. Pebble
// reads zeros behind the last record as the end of a log, as it does what is left there of a
// log that was used before.
//
// What is held is lost with the process, and not only with the machine. It was not durable in
// either case: nobody has been told that it is.
type logFile struct {
	watchedFile
	held   []byte
	length int64 // of what was written, held or not
	grown  int64 // length of the file
	ahead  bool  // whether the file grows ahead
}

// log returns the log in f, which may be longer than what is going to be written.
func (fs *watchedFS) log(name string, f vfs.File) (vfs.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fs.watch.see(name, err), f.Close())
	}
	file := watchedFile{File: f, name: name, watch: fs.watch}
	return &logFile{watchedFile: file, grown: info.Size(), ahead: fs.ahead}, nil
}

// Write implements vfs.File. Its errors may be those of what was written before.
func (f *logFile) Write(p []byte) (int, error) {
	if len(f.held)+len(p) > logHeld {
		if err := f.release(); err != nil {
			return 0, err
		}
	}
	f.length += int64(len(p))
	if len(p) < logHeld {
		f.held = append(f.held, p...)
		return len(p), nil
	}
	if err := f.grow(); err != nil {
		return 0, err
	}
	return f.watchedFile.Write(p)
}

// release writes what is held.
func (f *logFile) release() error {
	if len(f.held) == 0 {
		return nil
	}
	err := f.grow()
	if err == nil {
		_, err = f.watchedFile.Write(f.held)
	}
	f.held = f.held[:0]
	return err
}

// grow makes the file longer than what is about to be written, unless it is. For that there
// may be no space, and enough for what is written.
func (f *logFile) grow() error {
	for f.ahead && f.length > f.grown {
		n, err := f.File.WriteAt(zeros[:], f.grown)
		f.grown += int64(n)
		if vfs.IsNoSpaceError(err) {
			f.ahead = false
		} else if err != nil {
			return f.watch.see(f.name, err)
		}
	}
	return nil
}

// Sync implements vfs.File.
func (f *logFile) Sync() error {
	if err := f.release(); err != nil {
		return err
	}
	return f.watchedFile.Sync()
}

// SyncData implements vfs.File.
func (f *logFile) SyncData() error {
	if err := f.release(); err != nil {
		return err
	}
	return f.watchedFile.SyncData()
}

// SyncTo implements vfs.File.
func (f *logFile) SyncTo(length int64) (bool, error) {
	if err := f.release(); err != nil {
		return false, err
	}
	return f.watchedFile.SyncTo(length)
}

// Close implements vfs.File.
func (f *logFile) Close() error {
	return errors.Join(f.release(), f.File.Close())
}
