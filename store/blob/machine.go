package blob

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MemFS returns a new, empty file system in memory.
func MemFS() FS { return vfs.NewMem() }

// FreeSpace returns the bytes that are free for new files at path; ok is false
// where fs cannot tell.
func FreeSpace(fs FS, path string) (free uint64, ok bool, err error) {
	usage, err := fs.GetDiskUsage(path)
	if errors.Is(err, vfs.ErrUnsupported) {
		return 0, false, nil
	}
	return usage.AvailBytes, err == nil, err
}

// LockFile takes the lock at path for this process and returns what releases it.
func LockFile(fs FS, path string) (io.Closer, error) {
	c, err := fs.Lock(path)
	if err != nil {
		return nil, fmt.Errorf("blob: lock %s: %w", path, err)
	}
	return c, nil
}

// ReadOnlyFS returns fs for somebody who only reads. Where nothing can be written, as on
// a mounted snapshot, its locks are had for nothing: nobody can change what is there.
func ReadOnlyFS(fs FS) FS { return readOnlyFS{fs} }

type readOnlyFS struct{ FS }

// Lock implements FS.
func (r readOnlyFS) Lock(name string) (io.Closer, error) {
	c, err := r.FS.Lock(name)
	if errors.Is(err, syscall.EROFS) {
		return unlocked{}, nil
	}
	return c, err
}

// unlocked is a lock that nobody else can ask for.
type unlocked struct{}

// Close implements io.Closer.
func (unlocked) Close() error { return nil }

// Unwrap lets Pebble's tools find what is below.
func (r readOnlyFS) Unwrap() FS { return r.FS }

// MakeDir makes dir with all that lead to it, for their owner alone, and syncs the
// folders that got a new entry.
func MakeDir(fs FS, dir string) error {
	var missing []string
	for d := dir; ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil || fs.PathDir(d) == d || d == "" {
			break
		}
		missing = append(missing, d)
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range missing {
		if err := syncDir(fs, fs.PathDir(d)); err != nil {
			return err
		}
	}
	return nil
}
