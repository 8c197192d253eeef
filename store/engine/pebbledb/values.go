package pebbledb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// isValues reports whether path is one of the files that hold large values.
func isValues(path string) bool { return filepath.Ext(path) == ".blob" }

// Open implements vfs.FS. Where a file of values is missing, or says no more where its
// blocks are, Pebble panics, in the middle of a compaction too (findOrCreateBlob in its
// file_cache.go). So it is told here that the file cannot be opened, which it takes for an
// error of whoever reads a value in it; all other values can still be read.
func (fs *watchedFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, opts...)
	if !isValues(name) {
		return f, err
	}
	if err == nil {
		err = checkValues(f)
	}
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		// Not wrapped: a missing or damaged file is what Pebble must not see in it.
		return nil, fmt.Errorf("pebbledb: values in %s cannot be read: %v", name, err) //nolint:errorlint // see above
	}
	return f, nil
}

// checkValues reads the end of a file of values, as Pebble will.
func checkValues(f vfs.File) error {
	r, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return err
	}
	_, err = blob.NewFileReader(context.Background(), r, blob.FileReaderOptions{})
	return err
}

// checkPresence returns an error if files of values in dir are missing, which Pebble does not
// look for when it opens.
func (db *DB) checkPresence(fs vfs.FS, dir string) error {
	const attempts = 3 // a compaction may put files in the place of others in between
	for range attempts {
		live := db.pebble.Metrics().BlobFiles.LiveCount
		names, err := fs.List(dir)
		if err != nil {
			return err
		}
		there := uint64(0)
		for _, name := range names {
			if isValues(name) {
				there++
			}
		}
		switch {
		case there >= live:
			return nil
		case db.pebble.Metrics().BlobFiles.LiveCount == live:
			return fmt.Errorf("%d of %d files of values (*.blob) are missing", live-there, live)
		}
	}
	return nil
}
