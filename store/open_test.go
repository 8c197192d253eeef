package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// tryOpen opens /data on fs and expects an error.
func tryOpen(t *testing.T, fs blob.FS, o Options, want error) string {
	t.Helper()
	o.FS, o.MinFree = fs, -1
	s, err := Open("/data", o)
	if err == nil {
		t.Fatal("opened", s.Close())
	}
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
	return err.Error()
}

// content is every file on fs below dir, with its bytes.
func content(t *testing.T, fs blob.FS, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			all[path] = "directory"
			maps.Copy(all, content(t, fs, path))
			continue
		}
		all[path] = string(readFile(t, fs, path))
	}
	return all
}

// A store that is open for reading only serves what is there and changes nothing:
// not a leak, not a mark, not a byte.
func TestReadOnly(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	body := string(pattern(300))
	mustPut(t, s, "b", "k", body)
	gone := mustID(t, s, mustPut(t, s, "b", "k", body).VersionHeader)
	o := mustGet(t, s, "k")
	mustDelete(t, s, "b", "k", gone) // leaves a file to reclaim
	mustReclaimed(t, s)
	mark := func(row *bucketRow) error { row.deleting = true; return nil }
	if err := s.changeBucket(t.Context(), "b", Maker{}, mark); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Close()
	writeFile(t, fs, "/data/"+blobsName+"/00000001/"+fmt.Sprintf("%016x", 1), []byte("leak"))
	before := content(t, fs, "/data")

	s = openTest(t, fs, func(o *Options) { o.ReadOnly = true })
	mustRead(t, s, "b", "k", versioning.ID{}, body)
	if got, want := historyText(t, s, "b"), "k[v]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if stats := mustStatistics(t, s, "b"); stats.Reclaim != 1 || stats.Objects != 1 {
		t.Errorf("%+v", stats)
	}
	mustClean(t, s)
	mustReclaimed(t, s)
	_, put := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(""), Size: 0})
	_, remove := s.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
	_, create := s.CreateBucket(t.Context(), BucketSpec{Name: "c"})
	state := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended})
	for what, err := range map[string]error{"put": put, "delete": remove, "create": create, "state": state} {
		if err == nil {
			t.Errorf("%s is possible", what)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := content(t, fs, "/data"); !maps.Equal(after, before) {
		t.Errorf("files were %v and are %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}

// Opening for reading only makes no folder.
func TestReadOnlyNeedsAFolder(t *testing.T) {
	fs := blob.MemFS()
	tryOpen(t, fs, Options{ReadOnly: true}, os.ErrNotExist)
	if err := fs.MkdirAll("/data", 0o755); err != nil {
		t.Fatal(err)
	}
	tryOpen(t, fs, Options{ReadOnly: true}, ErrFormat)
	if names, err := fs.List("/data"); err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
}

// A folder belongs to one process.
func TestFolderLock(t *testing.T) {
	for name, fs := range map[string]blob.FS{"memory": blob.MemFS(), "disk": nil} {
		dir := "/data"
		if fs == nil {
			fs, dir = blob.DiskFS(), t.TempDir()
		}
		o := Options{FS: fs, MinFree: -1}
		s, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			o.ReadOnly = readOnly
			if _, err := Open(dir, o); !errors.Is(err, ErrLocked) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b"}); err != nil {
			t.Errorf("%s: the first one is hurt: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(dir, o); err != nil {
			t.Fatal(name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: closed twice: %v", name, err)
		}
	}
}

// Of a folder that a newer version wrote the store says what it cannot read, and
// touches nothing.
func TestNewerFolder(t *testing.T) {
	number := func(n uint64) []byte { return binary.AppendUvarint(nil, n) }
	for _, c := range []struct {
		name string
		row  engine.Mutation
		want error
		text string
	}{
		{"format", engine.Set(metaKey(metaFormat), number(FolderFormat+1)), ErrFormat, "format 2"},
		{"feature", engine.Set(metaKey(metaIncompatible), number(1<<5)), ErrFormat, "bits 0x20"},
		{"no format", engine.Delete(metaKey(metaFormat)), ErrDamaged, "meta table"},
		{"no ceiling", engine.Delete(metaKey(metaCeiling)), ErrDamaged, "meta table"},
		{"no id key", engine.Delete(metaKey(metaIDKey + "\x01")), ErrDamaged, "meta table"},
		{"malformed number", engine.Set(metaKey(metaEpoch), []byte{0x80}), ErrDamaged, "meta table"},
		{"short id key", engine.Set(metaKey(metaIDKey+"\x01"), []byte("short")), ErrDamaged, ""},
	} {
		fs := blob.MemFS()
		s := openTest(t, fs, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		mustWrite(t, s, c.row)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if text := tryOpen(t, fs, Options{}, c.want); !strings.Contains(text, c.text) {
			t.Errorf("%s: %q does not say %q", c.name, text, c.text)
		}
	}
}

// Meta rows and optional bits of later versions are left alone.
func TestUnknownMetaRowStays(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustWrite(t, s, engine.Set(metaKey("later"), []byte("x")))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	if got := rowOf(t, s, metaKey("later")); !bytes.Equal(got, []byte("x")) {
		t.Errorf("%q", got)
	}
}

// A folder with something else in it is refused, and not touched. What systems
// and operators leave in an empty one does no harm.
func TestForeignFolder(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"photo.jpg", false}, {"index.html", false}, {".DS_Store", true}, {"lost+found", true},
		{"credentials", true}, {lockName, true}, {ballastName, true},
	} {
		fs := blob.MemFS()
		if err := fs.MkdirAll("/data", 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, fs, "/data/"+c.name, []byte("mine"))
		if c.ok {
			openTest(t, fs, nil)
			continue
		}
		before := content(t, fs, "/data")
		if text := tryOpen(t, fs, Options{}, ErrFormat); !strings.Contains(text, c.name) {
			t.Errorf("%q does not name %s", text, c.name)
		}
		if after := content(t, fs, "/data"); !maps.Equal(after, before) {
			t.Errorf("%s: files were %v and are %v", c.name, before, after)
		}
	}
}

// In memory everything works and nothing is written anywhere.
func TestMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	s, err := Open(dir, Options{Memory: true, FS: blob.DiskFS(), Durability: Relaxed})
	if err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", string(pattern(1<<17)))
	mustRead(t, s, "b", "k", versioning.ID{}, string(pattern(1<<17)))
	mustClean(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("a store in memory made its folder:", err)
	}
}

// After Close every call fails, and Health says so.
func TestClosed(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	if err := s.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, get := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
	_, put := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(""), Size: 0})
	_, putFile := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: bytes.NewReader(pattern(500)), Size: 500})
	_, list := s.ListObjects(t.Context(), ListRequest{Bucket: "b", Limit: 1})
	for what, err := range map[string]error{"get": get, "put": put, "put a file": putFile, "list": list, "health": s.Health(t.Context())} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestOpenUncleanPath opens a folder by a path with parts that lead nowhere.
func TestOpenUncleanPath(t *testing.T) {
	s, err := Open("./x/../data", Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
