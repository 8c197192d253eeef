package blob

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const testReserve = 3 << 20

// newReserve returns a reserve on a disk with free bytes, and that disk.
func newReserve(t *testing.T, free uint64) (*Reserve, *vfs.MemFS) {
	t.Helper()
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 40})
	r, err := NewReserve(mem, "/reserve", testReserve, func() { t.Error("exhausted") })
	if err != nil {
		t.Fatal(err)
	}
	return r, mem
}

func TestReserveIsMadeWhereThereIsRoom(t *testing.T) {
	for free, want := range map[uint64]bool{0: false, 2 * testReserve: false, 2*testReserve + 1: true} {
		r, mem := newReserve(t, free)
		info, err := mem.Stat("/reserve")
		if made := err == nil && info.Size() == testReserve; made != want {
			t.Errorf("%d bytes free: %v", free, made)
		}
		if r.Gone() {
			t.Errorf("%d bytes free: a reserve that was never there is missed", free)
		}
	}
}

// A power cut while the reserve is written leaves less than is to be kept back.
func TestReserveHalfWrittenIsMadeAnew(t *testing.T) {
	_, mem := newReserve(t, 1<<30)
	file, err := mem.Create("/reserve", vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = file.Write(make([]byte, testReserve-1))
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReserve(mem, "/reserve", testReserve, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := mem.Stat("/reserve"); err != nil || info.Size() != testReserve {
		t.Errorf("%v, %v", info, err)
	}
}

// While the reserve is gone, bodies find the disk full and the index does not.
func TestReserveIsForTheIndex(t *testing.T) {
	r, mem := newReserve(t, 1<<30)
	write := func(f FS) error {
		file, err := f.Create("/file", vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = file.Write([]byte("x"))
			err = errors.Join(err, file.Close())
		}
		return err
	}
	r.giveUp()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: testReserve, TotalBytes: 1 << 40})
	if err := write(r.Bodies()); !IsDiskFull(err) {
		t.Error("bodies:", err)
	}
	if err := write(r.Index()); err != nil {
		t.Error("index:", err)
	}
	if back, err := r.Restore(); back || err != nil || !r.Gone() {
		t.Error("restored without room:", back, err)
	}
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 40})
	if back, err := r.Restore(); !back || err != nil || r.Gone() {
		t.Error("not restored:", back, err)
	}
	if err := write(r.Bodies()); err != nil {
		t.Error("bodies:", err)
	}
}

// lockedFS is a disk on which no file can be made.
type lockedFS struct {
	vfs.FS
	err error
}

func (l lockedFS) Lock(name string) (io.Closer, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: l.err}
}

// Who only reads needs no lock where nobody can write, and else does.
func TestReadOnlyFSLocks(t *testing.T) {
	c, err := ReadOnlyFS(lockedFS{vfs.NewMem(), syscall.EROFS}).Lock("/lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := ReadOnlyFS(lockedFS{vfs.NewMem(), syscall.EACCES}).Lock("/lock"); !errors.Is(err, fs.ErrPermission) {
		t.Error("no permission:", err)
	}
	mem := vfs.NewMem()
	if _, err := mem.Lock("/lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadOnlyFS(mem).Lock("/lock"); err == nil {
		t.Error("a lock that another holds was had")
	}
}
