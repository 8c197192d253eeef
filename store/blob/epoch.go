package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// epochs knows the epochs of this run. Invariants: the open one has the highest
// number; an epoch that has unsettled files is in unsettled.
type epochs struct {
	folder *Folder

	// opening is held while an epoch is made durable; taken before mu.
	opening sync.Mutex

	mu        sync.Mutex // guards the rest
	closed    bool       // the folder is
	open      uint32     // 0 before the first file
	files     int        // made in the open epoch
	opened    time.Time
	unsettled map[uint32]map[uint64]struct{}
}

// begin returns the epoch for a new file and counts the file as unsettled.
func (e *epochs) begin(number uint64) (Ref, error) {
	e.opening.Lock()
	defer e.opening.Unlock()
	if ref, ok, err := e.enter(number); ok || err != nil {
		return ref, err
	}
	epoch, err := e.folder.makeEpoch(e.openEpoch())
	if err != nil {
		return Ref{}, fmt.Errorf("blob: begin epoch: %w", err)
	}
	if last := e.replace(epoch); last != 0 {
		// An empty directory left behind does no harm, and is met again by the
		// next start: it is not worth failing a write.
		_ = e.folder.tidy(last)
	}
	ref, _, err := e.enter(number)
	return ref, err
}

// enter adds a file to the open epoch, unless that has to be followed by
// another one first.
func (e *epochs) enter(number uint64) (Ref, bool, error) {
	now := e.folder.options.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return Ref{}, false, errClosed
	}
	o := e.folder.options
	if e.open == 0 || e.files >= o.EpochFiles || e.files > 0 && now.Sub(e.opened) >= o.EpochAge {
		return Ref{}, false, nil
	}
	e.files++
	if e.unsettled[e.open] == nil {
		e.unsettled[e.open] = make(map[uint64]struct{})
	}
	e.unsettled[e.open][number] = struct{}{}
	return Ref{Epoch: e.open, Number: number}, true, nil
}

func (e *epochs) openEpoch() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

// replace makes epoch the open one and returns the one before.
func (e *epochs) replace(epoch uint32) uint32 {
	now := e.folder.options.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.open
	if e.unsettled == nil {
		e.unsettled = make(map[uint32]map[uint64]struct{})
	}
	e.open, e.files, e.opened = epoch, 0, now
	return last
}

func (e *epochs) settle(ref Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.unsettled[ref.Epoch], ref.Number)
	if len(e.unsettled[ref.Epoch]) == 0 {
		delete(e.unsettled, ref.Epoch)
	}
}

func (e *epochs) floor() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	lowest := e.open
	for epoch := range e.unsettled {
		lowest = min(lowest, epoch)
	}
	return lowest
}

// finished reports whether no file will be made in epoch any more.
func (e *epochs) finished(epoch uint32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.unsettled[epoch]) == 0 && (e.closed || epoch != e.open)
}

// close returns the epoch that was open.
func (e *epochs) close() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return e.open
}

// Settle says that the index row of ref is durable, so that its epoch may one
// day lie below the floor. Inline refs and refs settled before are passed over.
func (f *Folder) Settle(ref Ref) { f.epochs.settle(ref) }

// Floor returns the lowest epoch that may still hold files of this run without
// an index row. It never falls. It is 0 until the run has made its first file:
// then the floor of the run before still holds.
func (f *Folder) Floor() uint32 { return f.epochs.floor() }

// makeEpoch begins an epoch: number durable, then directory, then its entry
// synced. A number given out and not used is no harm.
func (f *Folder) makeEpoch(last uint32) (uint32, error) {
	if f.options.NewEpoch == nil {
		return 0, errors.New("no source of epoch numbers")
	}
	epoch, err := f.options.NewEpoch()
	if err != nil {
		return 0, err
	}
	if epoch <= last {
		return 0, fmt.Errorf("number %d does not follow %d", epoch, last)
	}
	dir := f.epochPath(epoch)
	// A directory that is there belongs to another history of this folder, as
	// after an index was restored alone; Create would replace its files.
	if _, err := f.fs.Stat(dir); err == nil {
		return 0, fmt.Errorf("directory %s: %w", dir, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if err := f.fs.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	return epoch, f.syncer.Sync(f.dir)
}

// tidy removes the directory of an epoch when it is empty and no file will be
// made in it. The removal is not synced: the directory may come back empty.
func (f *Folder) tidy(epoch uint32) error {
	if !f.epochs.finished(epoch) {
		return nil
	}
	err := f.fs.Remove(f.epochPath(epoch))
	// A directory that is not empty is an ErrExist (ENOTEMPTY).
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Settled reports whether every file that this run made is settled, so that a
// start after the folder is closed need not look at its epochs.
func (f *Folder) Settled() bool {
	f.epochs.mu.Lock()
	defer f.epochs.mu.Unlock()
	return len(f.epochs.unsettled) == 0
}
