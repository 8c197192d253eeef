package pebbledb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// openLog returns a log on fs, new or made of an old one.
func openLog(t *testing.T, fs vfs.FS, old string) vfs.File {
	t.Helper()
	watched := &watchedFS{FS: fs, watch: new(watch), ahead: true}
	create := func() (vfs.File, error) { return watched.Create("1.log", vfs.WriteCategoryUnspecified) }
	if old != "" {
		create = func() (vfs.File, error) { return watched.ReuseForWrite(old, "1.log", vfs.WriteCategoryUnspecified) }
	}
	f, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func writeAll(t *testing.T, f vfs.File, pieces ...[]byte) {
	t.Helper()
	for _, p := range pieces {
		if n, err := f.Write(bytes.Clone(p)); n != len(p) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
}

// content returns what is in the log.
func content(t *testing.T, fs vfs.FS) []byte {
	t.Helper()
	f, err := fs.Open("1.log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkContent looks that the log is what was written, and then zeros up to size.
func checkContent(t *testing.T, fs vfs.FS, written []byte, size int) {
	t.Helper()
	got := content(t, fs)
	if len(got) != size || !bytes.Equal(got[:min(len(written), len(got))], written) {
		t.Fatalf("the log has %d bytes, want %d beginning with the %d that were written", len(got), size, len(written))
	}
	if len(bytes.TrimRight(got[len(written):], "\x00")) > 0 {
		t.Error("there is something behind what was written")
	}
}

// What is written is there after the next sync, in whatever pieces it came, and the file is
// longer by whole pieces.
func TestLogSync(t *testing.T) {
	fs, rng := vfs.NewMem(), rand.New(rand.NewPCG(1, 2))
	f := openLog(t, fs, "")
	var written []byte
	for range 200 {
		p := bytes.Repeat([]byte{byte(1 + rng.IntN(255))}, []int{1, 1500, logHeld - 1, logHeld, 3 * logHeld}[rng.IntN(5)])
		writeAll(t, f, p)
		written = append(written, p...)
		if rng.IntN(2) == 0 {
			continue
		}
		if err := f.SyncData(); err != nil {
			t.Fatal(err)
		}
		checkContent(t, fs, written, (len(written)+logAhead-1)/logAhead*logAhead)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	checkContent(t, fs, written, (len(written)+logAhead-1)/logAhead*logAhead)
}

// A log that is used again keeps its length, and grows beyond it.
func TestLogReused(t *testing.T) {
	fs := vfs.NewMem()
	old, err := fs.Create("0.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, old, make([]byte, 10_000))
	f := openLog(t, fs, "0.log")
	first := bytes.Repeat([]byte("a"), 9_000)
	writeAll(t, f, first)
	if err := f.SyncData(); err != nil {
		t.Fatal(err)
	}
	checkContent(t, fs, first, 10_000)
	writeAll(t, f, first)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	checkContent(t, fs, append(first, first...), 10_000+logAhead)
}

// Where there is no space to grow, what is written may still find some.
func TestLogNoSpace(t *testing.T) {
	full := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWriteAt {
			return syscall.ENOSPC
		}
		return nil
	})
	fs := vfs.NewMem()
	f := openLog(t, errorfs.Wrap(fs, full), "")
	writeAll(t, f, []byte("some"))
	if err := f.SyncData(); err != nil {
		t.Fatal(err)
	}
	checkContent(t, fs, []byte("some"), 4)
}

// Whatever was held when the process ended is lost as a whole.
func TestLogProcessEnds(t *testing.T) {
	fs := vfs.NewMem()
	f := openLog(t, fs, "")
	writeAll(t, f, []byte("synced"))
	if _, err := f.SyncTo(6); err != nil {
		t.Fatal(err)
	}
	writeAll(t, f, []byte("held"))
	checkContent(t, fs, []byte("synced"), logAhead)
}

// A log that grew ahead is read to the last record, however often the engine opens it anew.
func TestLogReopened(t *testing.T) {
	var fs vfs.FS = vfs.NewCrashableMem()
	for n := range 5 {
		// Behind a name of its own, for logs in memory do not grow.
		db := openMem(t, Options{FS: errorfs.Wrap(fs, errorfs.InjectorFunc(func(errorfs.Op) error { return nil }))})
		err := db.View(context.Background(), func(r engine.Reader) error {
			for i := range n {
				if _, found, err := r.Get(fmt.Appendf(nil, "key-%d", i)); !found || err != nil {
					t.Errorf("after %d openings key %d is missing (%v)", n, i, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		commitAll(t, db, []engine.Mutation{engine.Set(fmt.Appendf(nil, "key-%d", n), make([]byte, n*30_000))})
		fs = fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
	}
}
