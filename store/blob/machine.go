package blob

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MemFS returns a new, empty file system in memory.
func MemFS() FS { return vfs.NewMem() }

// ballastChunk is how much of a ballast file is written at once, bytes.
const ballastChunk = 1 << 20

// WithBallast returns fs with a reserve against a full disk: a file of size bytes
// at path, which is removed when a write meets ENOSPC; the write is then tried
// again. So deletes, which need a little space to make much, go on. The file is
// made if it is not there and the disk has at least twice its size to spare.
func WithBallast(fs FS, path string, size int64) (FS, error) {
	usage, err := fs.GetDiskUsage(fs.PathDir(path))
	if errors.Is(err, vfs.ErrUnsupported) {
		return fs, nil
	}
	if err != nil {
		return nil, fmt.Errorf("blob: disk usage: %w", err)
	}
	if _, err := fs.Stat(path); err != nil && usage.AvailBytes > uint64(2*size) {
		if err := writeBallast(fs, path, size); err != nil {
			return nil, errors.Join(err, fs.Remove(path))
		}
	}
	var once sync.Once
	// A ballast that cannot be removed leaves the disk as full as it was, which
	// the write that failed reports.
	return vfs.OnDiskFull(fs, func() { once.Do(func() { _ = fs.Remove(path) }) }), nil
}

func writeBallast(fs FS, path string, size int64) error {
	file, err := fs.Create(path, diskCategory)
	if err != nil {
		return fmt.Errorf("blob: ballast: %w", err)
	}
	chunk := make([]byte, ballastChunk)
	for left := size; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = file.Write(chunk[:min(left, int64(len(chunk)))])
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("blob: ballast: %w", err)
	}
	return nil
}

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
