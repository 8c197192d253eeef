package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// hookFS calls onSync before each sync of a file or directory; an error is the
// result of a sync that did not take place.
type hookFS struct {
	vfs.FS
	onSync func(path string) error
}

// errNoSync makes a hookFS pretend that it synced.
var errNoSync = errors.New("sync left out")

func (h hookFS) Unwrap() vfs.FS { return h.FS }

func (h hookFS) OpenDir(name string) (vfs.File, error) {
	f, err := h.FS.OpenDir(name)
	return hookFile{f, name, h.onSync}, err
}

func (h hookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := h.FS.Create(name, c)
	return hookFile{f, name, h.onSync}, err
}

type hookFile struct {
	vfs.File
	name   string
	onSync func(path string) error
}

func (f hookFile) Sync() error {
	err := f.onSync(f.name)
	if errors.Is(err, errNoSync) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.File.Sync()
}

// SyncData is not used by the package; a test that meets it has to be told.
func (f hookFile) SyncData() error { return errors.ErrUnsupported }

// TestSyncInRounds holds one sync back while others ask for one: they must not
// be satisfied by it, and must share the next.
func TestSyncInRounds(t *testing.T) {
	const late = 20
	started, release := make(chan struct{}), make(chan struct{})
	var syncs atomic.Int32
	failure := errors.New("second round")
	s := newDirSyncer(hookFS{vfs.NewMem(), func(string) error {
		if syncs.Add(1) == 1 {
			close(started)
			<-release
			return nil
		}
		return failure
	}})
	first := make(chan error, 1)
	go func() { first <- s.Sync("/") }()
	<-started
	results := make(chan error, late)
	for range late {
		go func() { results <- s.Sync("/") }()
	}
	for s.users("/") != late+1 {
		runtime.Gosched()
	}
	if n := syncs.Load(); n != 1 {
		t.Fatalf("%d syncs while the first one runs", n)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("first round: %v", err)
	}
	for range late {
		if err := <-results; !errors.Is(err, failure) {
			t.Errorf("late caller got %v", err)
		}
	}
	if n := syncs.Load(); n != 2 {
		t.Errorf("%d syncs for two rounds", n)
	}
	if len(s.dirs) != 0 {
		t.Errorf("%d directories kept", len(s.dirs))
	}
}

func (s *dirSyncer) users(dir string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs[dir] == nil {
		return 0
	}
	return s.dirs[dir].users
}

// TestSyncKeepsEntries creates files in two directories from many goroutines
// and crashes after each Sync: the file has to be there.
func TestSyncKeepsEntries(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var syncs atomic.Int64
	s := newDirSyncer(hookFS{mem, func(string) error {
		syncs.Add(1)
		runtime.Gosched()
		return nil
	}})
	for _, dir := range []string{"/a", "/b"} {
		if err := errors.Join(mem.MkdirAll(dir, 0o777), s.Sync("/")); err != nil {
			t.Fatal(err)
		}
	}
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			for n := range 50 {
				dir := []string{"/a", "/b"}[n%2]
				path := fmt.Sprintf("%s/%d-%d", dir, worker, n)
				f, err := mem.Create(path, diskCategory)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(f.Close(), s.Sync(dir)); err != nil {
					t.Error(err)
				}
				if _, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat(path); err != nil {
					t.Errorf("after a crash: %v", err)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d syncs for %d files", syncs.Load(), 16*50)
}

func TestSyncOfMissing(t *testing.T) {
	s := newDirSyncer(vfs.NewMem())
	if err := s.Sync("/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Sync: %v", err)
	}
}
