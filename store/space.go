package store

import (
	"fmt"
	"math"
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
	min int64 // bytes, the low-water mark; 0: what fits is stored
	// pending is what the index holds in memory and its log, and has to write once
	// more before the log goes, bytes. So much stays free whatever the mark is.
	pending func() int64
	reserve *blob.Reserve // what deletes go on with when the disk is full
	bodies  blob.FS       // what bodies are stored on

	// granted is what may be stored before the disk is asked again, bytes.
	granted atomic.Int64
}

// watchSpace begins to watch the disk that the folder lies on, and keeps a part of it
// back.
func (s *Store) watchSpace() error {
	s.space = &space{
		fs: s.fs, dir: s.dir, min: max(s.options.MinFree, 0), pending: s.unflushed, reserve: new(blob.Reserve), bodies: s.fs,
	}
	if s.options.ReadOnly {
		return nil
	}
	reserve, err := blob.NewReserve(s.fs, s.fs.PathJoin(s.dir, ballastName), ballastSize, s.diskExhausted)
	if err != nil {
		return err
	}
	s.space.reserve, s.space.bodies = reserve, reserve.Bodies()
	s.fs = reserve.Index()
	return nil
}

// diskExhausted ends a start that can not end: the index tries for ever to write what
// its log holds. Later on it serves what it can.
func (s *Store) diskExhausted() {
	if s.opened.Load() || s.options.OnFatal == nil {
		return
	}
	s.options.OnFatal("the disk is full, and the index has to write before it can be opened: make some room and start again")
}

// unflushed is what the index holds in memory and its log only, bytes.
func (s *Store) unflushed() int64 {
	if e, ok := s.engine.(meter); ok {
		return int64(e.Metrics().LiveLogBytes)
	}
	return 0
}

// check returns ErrDiskFull if a body of size bytes would leave less than the
// low-water mark, or the reserve has been given up. A negative size is not known.
func (w *space) check(size int64) error {
	if !w.reserve.Gone() && size >= 0 && size <= spaceGrant && w.granted.Add(-size-spaceOverhead) >= 0 {
		return nil
	}
	free, known, err := blob.FreeSpace(w.fs, w.dir)
	if err != nil || !known {
		return err
	}
	kept, err := w.reserve.Restore()
	if err != nil && !blob.IsDiskFull(err) {
		return err
	}
	if !kept {
		return fmt.Errorf("%w: the reserve of the index is used up", ErrDiskFull)
	}
	stay := max(w.min, w.pending())
	left := int64(min(free, math.MaxInt64)) - stay
	if left < max(size, 0) {
		return fmt.Errorf("%w: %d bytes are free, %d are to stay so", ErrDiskFull, free, stay)
	}
	w.granted.Store(min(left/spaceShare, spaceGrant))
	return nil
}
