package store

import (
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/versioning"
)

// Below the low-water mark bodies are refused unread, and deletes go on.
func TestLowWaterMark(t *testing.T) {
	fs := vfs.NewMem()
	s := openTest(t, fs, func(o *Options) { o.MinFree = 1 << 20 })
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "the file system cannot tell its space")
	free := func(n uint64) { fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 1 << 40}) }
	refused := func(size int64) {
		t.Helper()
		body := &duringBody{Reader: strings.NewReader(""), do: func() { t.Errorf("size %d: the body is read", size) }}
		_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: body, Size: size})
		if !errors.Is(err, ErrDiskFull) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	free(1<<20 - 1)
	for _, size := range []int64{-1, 0, 1, 1 << 30, 5 << 40, math.MaxInt64} {
		refused(size)
	}
	marker := mustDelete(t, s, "b", "k", versioning.ID{})
	mustDelete(t, s, "b", "k", mustID(t, s, marker.VersionHeader))
	mustState(t, s, "b", versioning.Suspended)
	mustBucket(t, s, "another", versioning.Unversioned)

	left := "exactly the mark is left"
	free(1<<20 + uint64(len(left)) - 1)
	refused(int64(len(left)))
	free(1<<20 + uint64(len(left)))
	mustPut(t, s, "b", "k", left)
	free(16 << 30)
	mustPut(t, s, "b", "k", "plenty")
	free(0)
	refused(-1)
	refused(spaceGrant) // more than may be used before the disk is asked again
	refused(0)
	mustRead(t, s, "b", "k", versioning.ID{}, "plenty")
	mustClean(t, s)
}

// tightFS is a disk that is full as long as the ballast is there.
type tightFS struct {
	vfs.FS
	mem    *vfs.MemFS
	armed  atomic.Bool
	always bool
	// blobsAlways makes it full for blobs for ever.
	blobsAlways atomic.Bool
}

func (f *tightFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	return &tightFile{File: file, fs: f, name: name}, nil
}

func (f *tightFS) full(name string) bool {
	if f.blobsAlways.Load() && strings.Contains(name, blobsName) {
		return true
	}
	_, err := f.Stat("/data/" + ballastName)
	return f.always || f.armed.Load() && err == nil
}

type tightFile struct {
	vfs.File
	fs   *tightFS
	name string
}

func (f *tightFile) Write(p []byte) (int, error) {
	if f.fs.full(f.name) {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(p)
}

// openTight opens a store on a disk that has a ballast to give up.
func openTight(t *testing.T) (*Store, *tightFS) {
	t.Helper()
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 40})
	fs := &tightFS{FS: mem, mem: mem}
	s := openTest(t, fs, nil)
	if info, err := mem.Stat("/data/" + ballastName); err != nil || info.Size() != ballastSize {
		t.Fatal("no ballast:", err)
	}
	mustBucket(t, s, "b", versioning.Enabled)
	return s, fs
}

// A disk that is full makes the store give up its ballast to the index, and the change
// that met it succeeds.
func TestFullDiskDropsBallast(t *testing.T) {
	for name, change := range map[string]func(*Store){
		"delete": func(s *Store) { mustDelete(t, s, "b", "k", versioning.ID{}) },
		"inline": func(s *Store) { mustPut(t, s, "b", "k", "small") },
	} {
		s, fs := openTight(t)
		mustPut(t, s, "b", "k", "before")
		fs.armed.Store(true)
		change(s)
		if _, err := fs.Stat("/data/" + ballastName); err == nil {
			t.Errorf("%s: the ballast is still there", name)
		}
		fs.armed.Store(false)
		mustPut(t, s, "b", "k", "after")
		mustClean(t, s)
	}
}

// The ballast is never for bodies: one that meets the full disk is refused, and while
// the ballast is gone all are, large and small. It is there again when there is room.
func TestBallastIsNotForBodies(t *testing.T) {
	s, fs := openTight(t)
	mustPut(t, s, "b", "k", "before")
	put := func(body string) error {
		_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(body), Size: int64(len(body))})
		return err
	}
	large := string(pattern(1000))
	fs.blobsAlways.Store(true)
	if err := put(large); !errors.Is(err, ErrDiskFull) {
		t.Error("met by a body:", err)
	}
	if _, err := fs.Stat("/data/" + ballastName); err != nil {
		t.Fatal("the ballast went for a body:", err)
	}
	fs.blobsAlways.Store(false)
	fs.armed.Store(true)
	fs.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 2 * ballastSize, TotalBytes: 1 << 40})
	mustDelete(t, s, "b", "k", versioning.ID{})
	for _, body := range []string{"", "small", large} {
		if err := put(body); !errors.Is(err, ErrDiskFull) {
			t.Errorf("%d bytes while the ballast is gone: %v", len(body), err)
		}
	}
	mustDelete(t, s, "b", "k", versioning.ID{})
	fs.armed.Store(false)
	fs.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 40})
	if err := put(large); err != nil {
		t.Error("when there is room again:", err)
	}
	if _, err := fs.Stat("/data/" + ballastName); err != nil {
		t.Error("the ballast was not made again:", err)
	}
	mustClean(t, s)
}

// What fits by the mark is refused still if the index could not write what it holds
// in memory: it would not open again.
func TestIndexKeepsRoomToFlush(t *testing.T) {
	s, fs := openTight(t)
	mustPut(t, s, "b", "k", "before")
	s.space.min = 0
	s.space.pending = func() int64 { return 5000 }
	fs.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 5099, TotalBytes: 1 << 40})
	s.space.granted.Store(0)
	for size, want := range map[int64]error{100: ErrDiskFull, 99: nil} {
		if err := s.space.check(size); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// A start that has to write to a full disk ends with a word, for the index would try
// for ever.
func TestStartOnFullDisk(t *testing.T) {
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 0, TotalBytes: 1 << 40})
	var said []string
	s := &Store{fs: &tightFS{FS: mem, mem: mem, always: true}, dir: "/data", options: Options{OnFatal: func(m string) { said = append(said, m) }}}
	if err := mem.MkdirAll("/data", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.watchSpace(); err != nil {
		t.Fatal(err)
	}
	file, err := s.fs.Create("/data/index.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) || len(said) != 1 {
		t.Error(err, said)
	}
	s.opened.Store(true)
	if _, err := file.Write([]byte("x")); !errors.Is(err, syscall.ENOSPC) || len(said) != 1 {
		t.Error("later on:", err, said)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// A body for which there is no room leaves nothing, and deletes go on.
func TestFullDiskRefusesBody(t *testing.T) {
	s, fs := openTight(t)
	mustPut(t, s, "b", "k", string(pattern(1000)))
	fs.blobsAlways.Store(true)
	_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(strings.Repeat("x", 1000)), Size: 1000})
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if files := blobFiles(t, fs); len(files) != 1 {
		t.Error("files:", files)
	}
	id := mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: 1}).Entries[0].VersionID
	mustDelete(t, s, "b", "k", mustID(t, s, id))
	mustReclaimed(t, s)
	if files := blobFiles(t, fs); len(files) != 0 {
		t.Error("files:", files)
	}
	mustClean(t, s)
}
