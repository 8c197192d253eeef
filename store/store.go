package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/pebbledb"
	"github.com/seed61737384/tombstone/versioning"
)

// Names within a data folder.
const (
	lockName    = "lock"
	indexName   = "index"
	blobsName   = "blobs"
	ballastName = "ballast"
)

// ballastSize is the reserve that is given up when the disk is full, bytes.
const ballastSize = 16 << 20

// Store is an open data folder. Its methods may be called from many goroutines.
type Store struct {
	options  Options
	fs       blob.FS
	dir      string
	lockFile io.Closer
	engine   engine.Engine
	blobs    *blob.Folder
	ids      *versioning.IDCodec
	orders   *orders
	space    *space
	keyLocks *keyLocks
	pins     pins
	reclaim  *reclaimer

	clock       clock.Clock  // object time
	clockFloor  atomic.Int64 // real time is never taken for less, milliseconds
	testClock   *clock.Test  // clock in a test folder, else nil
	testSetting atomic.Pointer[TestClock]
	lockTime    lockTime

	ledger   *ledger
	features atomic.Uint64 // incompatible-feature bits that are durable
	opened   atomic.Bool
	closed   atomic.Bool

	epochs sync.Mutex // protects epoch; taken before nothing
	epoch  uint32     // the newest one that is durable

	creating sync.Mutex   // held while a bucket is made, or a feature begun; before mu
	mu       sync.RWMutex // protects buckets
	buckets  map[string]*bucketState
}

// Open opens the data folder dir, and makes it if it is not there. It fails with
// [ErrLocked] if another process has it open and with [ErrFormat] if it is none
// that this version can read. What a crash left over is put right before Open
// returns: files that belong to no version are removed, and nothing else.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{options: o, fs: o.FS, dir: filepath.Clean(dir), keyLocks: newKeyLocks(), buckets: make(map[string]*bucketState)}
	if o.Memory {
		s.fs = blob.MemFS()
	}
	if s.fs == nil {
		s.fs = blob.DiskFS()
	}
	if err := s.open(); err != nil {
		return nil, &Error{Op: "open " + strconv.Quote(dir), Err: errors.Join(err, s.release())}
	}
	return s, nil
}

// open does the work of Open. What it has opened when it fails is in s.
func (s *Store) open() error {
	if err := s.openFolder(); err != nil {
		return err
	}
	if err := s.openIndex(); err != nil {
		return err
	}
	ctx := context.Background()
	m, err := s.loadMeta(ctx)
	if err != nil {
		return err
	}
	if s.ids, err = versioning.NewIDCodec(m.idKeys); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	s.epoch = m.epoch
	if err := s.startClock(m); err != nil {
		return err
	}
	s.features.Store(m.features)
	s.orders = &orders{now: s.now, raise: s.raiseCeiling, last: m.ceiling, ceiling: m.ceiling}
	if s.blobs, err = s.openBlobs(); err != nil {
		return err
	}
	if err := s.loadBuckets(ctx); err != nil {
		return err
	}
	if err := s.startLedger(ctx, m.ledger); err != nil {
		return err
	}
	s.opened.Store(true)
	if s.options.ReadOnly {
		return nil
	}
	if err := s.repairLeaks(ctx, m.epochFloor); err != nil {
		return err
	}
	s.reclaim = startReclaimer(s)
	return nil
}

// openFolder takes the folder for this process.
func (s *Store) openFolder() error {
	if s.options.ReadOnly {
		s.fs = blob.ReadOnlyFS(s.fs)
	} else if err := blob.MakeDir(s.fs, s.dir); err != nil {
		return err
	}
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	if err := s.recognise(names); err != nil {
		return err
	}
	s.lockFile, err = blob.LockFile(s.fs, s.fs.PathJoin(s.dir, lockName))
	switch {
	case errors.As(err, new(*fs.PathError)): // it could not be made
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return s.watchSpace()
}

// recognise refuses a folder that is full of something else.
func (s *Store) recognise(names []string) error {
	foreign := ""
	for _, name := range names {
		switch {
		case name == indexName:
			return nil
		case name[0] == '.' || name == "lost+found" || name == "credentials":
		case name != lockName && name != blobsName && name != ballastName:
			foreign = name
		}
	}
	switch {
	case foreign != "":
		return fmt.Errorf("%w: it has no index but holds %q", ErrFormat, foreign)
	case s.options.ReadOnly:
		return fmt.Errorf("%w: it has no index", ErrFormat)
	}
	return nil
}

func (s *Store) openIndex() error {
	db, err := pebbledb.Open(s.fs.PathJoin(s.dir, indexName), pebbledb.Options{
		FS: s.fs, NoSync: s.options.Durability == Relaxed && !s.options.Memory, ReadOnly: s.options.ReadOnly,
		CacheSize: s.options.CacheSize, MemTableSize: s.options.MemTableSize,
		Logger: s.options.Logger, OnFatal: s.options.OnFatal,
	})
	if err != nil {
		return err
	}
	s.engine = db
	if s.options.WrapEngine != nil {
		s.engine = s.options.WrapEngine(db)
	}
	return nil
}

func (s *Store) openBlobs() (*blob.Folder, error) {
	return blob.Open(s.fs.PathJoin(s.dir, blobsName), blob.Options{
		FS: s.space.bodies, InlineLimit: s.options.InlineLimit, BlockSize: s.options.BlockSize,
		NewEpoch: s.newEpoch, Now: s.options.Clock.Now,
		Foreign: func(path string) { s.options.Logger.Warn("file of another origin", "path", path) },
	})
}

// loadMeta reads the meta table, or makes it.
func (s *Store) loadMeta(ctx context.Context) (m *meta, err error) {
	found := false
	err = s.view(ctx, func(r engine.Reader) error {
		m, found, err = readMeta(r)
		return err
	})
	if err != nil || found {
		return m, err
	}
	if s.options.ReadOnly {
		return nil, fmt.Errorf("%w: its index is empty", ErrFormat)
	}
	return s.initialise(ctx)
}

// loadBuckets reads the buckets with their counters, and clears the marks of
// deletions that a crash interrupted.
func (s *Store) loadBuckets(ctx context.Context) error {
	var interrupted []*bucketState
	err := s.view(ctx, func(r engine.Reader) error {
		start, bad := bucketKey(""), error(nil)
		_, err := r.Scan(engine.Range{Start: start, End: prefixEnd(start)}, func(k, v []byte) bool {
			var row *bucketRow
			if row, bad = decodeBucket(string(k[1:]), v); bad != nil {
				return false
			}
			b := newBucketState(row)
			s.buckets[row.Name] = b
			if row.deleting {
				interrupted = append(interrupted, b)
			}
			return true
		})
		if err := errors.Join(err, bad); err != nil {
			return err
		}
		for _, b := range s.buckets {
			sums, err := readTotals(r, b.id)
			if err != nil {
				return err
			}
			b.totals.set(sums)
		}
		return nil
	})
	for _, b := range interrupted {
		if err == nil && !s.options.ReadOnly {
			err = s.writeRow(ctx, b, Maker{}, func(row *bucketRow) error { row.deleting = false; return nil })
		}
	}
	return err
}

// Close ends the store: requests that are still in it fail, and the folder can be
// opened anew.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return &Error{Op: "close", Err: ErrClosed}
	}
	if s.reclaim != nil {
		s.reclaim.close()
	}
	var err error
	if s.ledger != nil {
		err = s.ledger.close()
	}
	if !s.options.ReadOnly {
		err = errors.Join(err, s.raiseFloor(), s.keepLockTime(context.Background()))
	}
	if err = errors.Join(err, s.release()); err != nil {
		return &Error{Op: "close", Err: err}
	}
	return nil
}

// raiseFloor spares the next start from looking for files without a row.
func (s *Store) raiseFloor() error {
	s.epochs.Lock()
	defer s.epochs.Unlock()
	floor := s.blobs.Floor()
	if floor == 0 {
		return nil
	}
	if floor == s.epoch && s.blobs.Settled() {
		floor++
	}
	return s.commit(context.Background(), nil, []engine.Mutation{numberRow(metaEpochFloor, uint64(floor))})
}

// release closes what is open.
func (s *Store) release() error {
	var errs []error
	if s.blobs != nil {
		errs = append(errs, s.blobs.Close())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.lockFile != nil {
		errs = append(errs, s.lockFile.Close())
	}
	return errors.Join(errs...)
}

// Health says whether the store can serve: nil, or why not.
func (s *Store) Health(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.view(ctx, func(r engine.Reader) error {
		_, found, err := r.Get(metaKey(metaFormat))
		if err == nil && !found {
			err = ErrDamaged
		}
		return err
	})
}

// ParseVersionID reads a version id of a request. It refuses with
// [versioning.EmptyVersionID] and [versioning.MalformedVersionID].
func (s *Store) ParseVersionID(text string) (versioning.ID, error) { return s.ids.Parse(text) }

// FormatVersionID returns a version id as answers show it, the empty string for
// the zero ID.
func (s *Store) FormatVersionID(id versioning.ID) string { return s.ids.Format(id) }

// now is object time: the clock, but never below the durable floor, or what a test
// clock shows. It is cut to milliseconds, as it is stored.
func (s *Store) now() time.Time { return s.clock.Now().Truncate(time.Millisecond) }

// ObjectTime is the time that objects are made at, and that their age is told by. It
// is real time but in a test folder, where [Store.SetTestClock] sets it.
func (s *Store) ObjectTime() time.Time { return s.now() }

// view is engine.View with the store's errors.
func (s *Store) view(ctx context.Context, fn func(engine.Reader) error) error {
	return s.cause(s.engine.View(ctx, fn))
}

// cause makes the store's errors of the engine's.
func (s *Store) cause(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrConflict):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case errors.Is(err, engine.ErrCommitUnknown):
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	case errors.Is(err, engine.ErrClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case errors.Is(err, errRecord), errors.Is(err, engine.ErrCounters):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// quote shows a key in an error.
func quote(key string) string { return strconv.Quote(key) }
