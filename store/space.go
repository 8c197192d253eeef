package store

import (
	"fmt"
	"sync/atomic"

	"github.com/seed61737384/tombstone/store/blob"
)

const (
	// spaceShare is the part of the space above the low-water mark that may be
	// used before the disk is asked again: others use the disk too.
	spaceShare = 16
	// spaceGrant bounds what may be used before the disk is asked again, bytes.
	spaceGrant = 64 << 20
	// spaceOverhead is what a body takes besides its bytes, bytes, roughly.
	spaceOverhead = 4 << 10
)

// space watches the free space of the disk.
type space struct {
	fs  blob.FS
	dir string
	min int64 // bytes; negative: do not look

	// granted is what may be stored before the disk is asked again, bytes.
	granted atomic.Int64
}

// check returns ErrDiskFull if less than the low-water mark is free. size is the
// length of the body that is to be stored, negative if it is not known.
func (w *space) check(size int64) error {
	if w.min < 0 || size >= 0 && size <= spaceGrant && w.granted.Add(-size-spaceOverhead) >= 0 {
		return nil
	}
	free, known, err := blob.FreeSpace(w.fs, w.dir)
	if err != nil || !known {
		return err
	}
	if free < uint64(w.min) {
		return fmt.Errorf("%w: %d of %d bytes", ErrDiskFull, free, w.min)
	}
	w.granted.Store(min((int64(free)-w.min)/spaceShare, spaceGrant))
	return nil
}
