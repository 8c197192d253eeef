package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
)

// Fault says which of the operations on files fails.
type Fault struct {
	Seed       uint64 // of the workload
	Operations int    // of the workload
	At         int    // number of the operation on files that fails, from 0
	// Lasting makes all later ones below the folder of blobs fail as well, as on a
	// disk that went bad under them.
	Lasting bool
}

// FaultResult is what [Inject] found.
type FaultResult struct {
	Injected  string // the operation that failed, empty if there were too few
	Fatal     bool   // the store gave up, as it has to when its log fails
	Violation error
}

// faulty is a store whose disk fails.
type faulty struct {
	fault  Fault
	fs     *crashfs.FS
	clock  *clock.Manual
	store  *store.Store
	client *metamorphic.Client
	scope  metamorphic.Scope
	fatal  chan struct{} // closed when the store gives up
	shut   bool          // the store was closed cleanly

	mu    sync.Mutex // of client.Model and of the fields below
	count int
	what  string
	dead  bool
}

// Inject plays a fixed workload of one client on a disk that fails at one
// operation. Then the store is opened anew on a disk that is well: after a clean
// close, or else after a crash.
func Inject(ctx context.Context, fault Fault) FaultResult {
	f := &faulty{fault: fault, fs: crashfs.New(crashfs.Watch{}), clock: clock.NewManual(start), fatal: make(chan struct{})}
	f.scope = metamorphic.Scope{Buckets: []string{"alpha", "beta"}}
	err := f.open()
	if err == nil && f.store != nil {
		err = errors.Join(f.work(ctx), f.close())
	}
	f.mu.Lock()
	res := FaultResult{Injected: f.what, Fatal: f.dead}
	f.mu.Unlock()
	res.Violation = errors.Join(err, f.verify(ctx))
	return res
}

// errPanic says that the store panicked instead of giving up.
var errPanic = errors.New("panic")

// attempt calls fn, and returns before it if the store gives up. A panic is an
// error: the store has to give up instead.
func (f *faulty) attempt(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("%w: %v\n%s", errPanic, r, debug.Stack())
			}
		}()
		done <- fn()
	}()
	select {
	case err := <-done:
		return err
	case <-f.fatal:
		return nil
	}
}

func (f *faulty) gaveUp() bool {
	select {
	case <-f.fatal:
		return true
	default:
		return false
	}
}

func (f *faulty) options() store.Options {
	return store.Options{
		FS: f.fs, Clock: f.clock, InlineLimit: 100, BlockSize: 64, MinFree: -1, MemTableSize: 64 << 10, CacheSize: 1 << 20,
	}
}

// open opens the store, again if the first attempt met the failing operation. A
// store that cannot be opened because of it leaves store nil.
func (f *faulty) open() error {
	o := f.options()
	o.FS = errorfs.Wrap(f.fs, errorfs.InjectorFunc(f.inject))
	o.OnFatal = f.giveUp
	f.client = metamorphic.NewClient(nil, model.New())
	f.client.Scope, f.client.Lock, f.client.Tolerant = f.scope, &f.mu, true
	for range 2 {
		err := f.attempt(func() error {
			s, err := store.Open(folder, o)
			if err == nil {
				f.store, f.client.Store = s, s
			}
			return err
		})
		if err == nil || f.gaveUp() {
			return nil
		}
		if errors.Is(err, errPanic) || !errors.Is(err, errorfs.ErrInjected) && !errors.Is(err, store.ErrLocked) {
			return err
		}
	}
	return nil
}

// giveUp stands for the end of the process: it does not return, and no other
// goroutine of the store gets through to the disk any more.
func (f *faulty) giveUp(string) {
	f.mu.Lock()
	if !f.dead {
		f.dead = true
		close(f.fatal)
	}
	f.mu.Unlock()
	select {}
}

// inject decides about one operation on files.
func (f *faulty) inject(op errorfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		f.mu.Unlock()
		select {} // there is no process any more
	}
	f.count++
	again := f.fault.Lasting && f.what != "" && strings.Contains(op.Path, "blobs")
	if f.count != f.fault.At+1 && !again {
		return nil
	}
	if f.what == "" {
		f.what = fmt.Sprintf("%s %s", opNames[op.Kind], op.Path)
	}
	return errorfs.ErrInjected
}

// work plays the workload until it is done, or the store gives up, or nobody can
// tell what an operation did.
func (f *faulty) work(ctx context.Context) error {
	space := metamorphic.Space{
		Buckets: f.scope.Buckets, Keys: []string{"a", "a/b", "b", "ü"}, Sizes: []int{0, 10, 101, 300, 5000}, Entries: 15,
	}
	for _, op := range reread(metamorphic.Generate(f.fault.Seed, f.fault.Operations, space), space) {
		if f.gaveUp() {
			return nil
		}
		err := f.attempt(func() error { return f.client.Play(ctx, op) })
		switch {
		case f.gaveUp() || errors.Is(err, metamorphic.ErrPending):
			return nil
		case err != nil:
			return fmt.Errorf("%v: %w", op, err)
		}
	}
	return nil
}

// rereadEvery is how many operations lie between two readings of all keys.
const rereadEvery = 25

// reread returns ops with a GET of each key behind each few of them: of the reads of a
// random workload so few meet a file that the disk would hardly ever fail one.
func reread(ops []metamorphic.Op, space metamorphic.Space) (all []metamorphic.Op) {
	for part := range slices.Chunk(ops, rereadEvery) {
		all = append(all, part...)
		for _, bucket := range space.Buckets {
			for _, key := range space.Keys {
				all = append(all, metamorphic.Op{Verb: "get", Args: []string{bucket, key}})
			}
		}
	}
	return all
}

// close closes the store, which may fail as well.
func (f *faulty) close() error {
	if f.gaveUp() {
		return nil
	}
	err := f.attempt(func() error { return errors.Join(f.client.CloseOpened(), f.store.Close()) })
	f.shut = err == nil && !f.gaveUp()
	if errors.Is(err, errorfs.ErrInjected) {
		return nil
	}
	return err
}

// verify opens what is on the disk: as it is after a clean close, else as a crash
// leaves it.
func (f *faulty) verify(ctx context.Context) error {
	f.mu.Lock()
	m, playing := f.client.Look()
	f.mu.Unlock()
	disks := []*crashfs.FS{f.fs}
	if !f.shut {
		disks = nil
		rng := rand.New(rand.NewPCG(f.fault.Seed, 3))
		for _, keep := range kept {
			left, err := f.fs.Cut(keep, rng, crashfs.Watch{})
			if err != nil {
				return err
			}
			disks = append(disks, left)
		}
	}
	var errs []error
	for _, disk := range disks {
		o := f.options()
		o.FS = disk
		s, err := store.Open(folder, o)
		if err != nil {
			return err
		}
		errs = append(errs, metamorphic.VerifyAfterCrash(ctx, s, m.Clone(), playing, f.scope), checkClean(ctx, s, disk), s.Close())
	}
	return errors.Join(errs...)
}

// opNames name the operations on files in messages.
var opNames = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpLink: "link", errorfs.OpOpen: "open", errorfs.OpOpenDir: "open dir",
	errorfs.OpRemove: "remove", errorfs.OpRemoveAll: "remove all", errorfs.OpRename: "rename",
	errorfs.OpReuseForWrite: "reuse", errorfs.OpMkdirAll: "mkdir", errorfs.OpLock: "lock", errorfs.OpList: "list",
	errorfs.OpFilePreallocate: "preallocate", errorfs.OpStat: "stat", errorfs.OpGetDiskUsage: "disk usage",
	errorfs.OpFileClose: "close", errorfs.OpFileRead: "read", errorfs.OpFileReadAt: "read at",
	errorfs.OpFileWrite: "write", errorfs.OpFileWriteAt: "write at", errorfs.OpFileStat: "file stat",
	errorfs.OpFileSync: "sync", errorfs.OpFileSyncData: "sync data", errorfs.OpFileSyncTo: "sync to",
	errorfs.OpFileFlush: "flush",
}
