package blob

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// syncKind names what a sync makes durable.
func syncKind(name string) string {
	switch name = path.Clean(name); {
	case name == "/data":
		return "parent"
	case name == testDir:
		return "folder"
	case strings.Count(name, "/") == strings.Count(testDir, "/")+1:
		return "epoch"
	default:
		return "file"
	}
}

// crashFolder opens a folder on a crashable file system that leaves out the syncs
// of the kind that without says at the time, "" for none.
func crashFolder(t *testing.T, without *string, o Options) (*Folder, *vfs.MemFS) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	if err := errors.Join(mem.MkdirAll("/data", 0o777), syncDir(mem, "/")); err != nil {
		t.Fatal(err)
	}
	f := newTestFolder(t, hookFS{mem, func(name string) error {
		if syncKind(name) == *without {
			return errNoSync
		}
		return nil
	}}, o)
	return f, mem
}

// recovered opens the folder as a crash would leave it that keeps the given part
// of what was not synced.
func recovered(t *testing.T, mem *vfs.MemFS, percent int, seed uint64) *Folder {
	t.Helper()
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, 0))}
	return newTestFolder(t, mem.CrashClone(cfg), Options{})
}

// TestCrashAfterWrite crashes after each Write. Every blob written before must
// verify; and if one kind of sync is left out, this test must be able to see it.
func TestCrashAfterWrite(t *testing.T) {
	for _, without := range []string{"", "file", "epoch", "folder", "parent"} {
		f, mem := crashFolder(t, &without, Options{BlockSize: 1000, EpochFiles: 2})
		var lost error
		var written []Stored
		for n, size := range []int{70_000, 600_000, 66_000, 2_000_000, 65_537} {
			written = append(written, mustWrite(t, f, uint64(n+1), payload(size)))
			for _, s := range written {
				err := recovered(t, mem, 0, 0).Verify(context.Background(), headerOf(s), s.Size, s.CRC)
				lost = errors.Join(lost, err)
			}
		}
		if without == "" && lost != nil {
			t.Errorf("lost: %v", lost)
		}
		if without != "" && lost == nil {
			t.Errorf("a missing %s sync goes unnoticed", without)
		}
	}
}

// TestCrashWithLeftovers crashes with a random part of the unsynced data kept,
// in the middle of things: each file that is found either verifies or was not
// acknowledged, and all those lie at or above the floor.
func TestCrashWithLeftovers(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		f, mem := crashFolder(t, new(string), Options{BlockSize: 1000, InlineLimit: -1, EpochFiles: 3})
		rows := make(map[Ref]Stored)
		for n := range uint64(12) {
			r := testRequest(n+1, payload(random.IntN(3000)))
			broken := random.IntN(3) == 0
			if broken {
				r.Size++
			}
			s, err := f.Write(context.Background(), r)
			if broken != (err != nil) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err == nil && random.IntN(2) == 0 {
				rows[s.Ref] = s
				f.Settle(s.Ref)
			}
		}
		floor := f.Floor()
		after := recovered(t, mem, 50, seed)
		for _, s := range rows {
			if err := after.Verify(context.Background(), headerOf(s), s.Size, s.CRC); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
		for _, ref := range files(t, after) {
			if _, ok := rows[ref]; !ok && ref.Epoch < floor {
				t.Errorf("seed %d: %v has no row and lies below the floor %d", seed, ref, floor)
			}
		}
	}
}

// TestCrashAfterRemove crashes after Remove and Discard: the files must not come
// back, which they do when the directory sync is left out.
func TestCrashAfterRemove(t *testing.T) {
	for _, leaveOut := range []string{"", "epoch"} {
		without := ""
		f, mem := crashFolder(t, &without, Options{InlineLimit: -1, EpochFiles: 2})
		var refs []Ref
		for n := range uint64(5) {
			refs = append(refs, mustWrite(t, f, n+1, nil).Ref)
		}
		without = leaveOut
		for _, ref := range refs[1:4] {
			f.Settle(ref)
		}
		if err := errors.Join(f.Remove(refs[1:4]...), f.Discard(refs[0])); err != nil {
			t.Fatal(err)
		}
		back := files(t, recovered(t, mem, 0, 0))
		if gone := len(back) == 1; gone != (leaveOut == "") {
			t.Errorf("sync left out: %q, files %v", leaveOut, back)
		}
	}
}

// TestRemoveBesideRemove takes an epoch's directory away between another
// Remove's last unlink and its sync: what it removed must still stay away.
func TestRemoveBesideRemove(t *testing.T) {
	f, mem := crashFolder(t, new(string), Options{InlineLimit: -1})
	s := mustWrite(t, f, 1, nil)
	if err := errors.Join(f.unlink(s.Ref), mem.Remove(f.epochPath(s.Ref.Epoch))); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat(f.path(s.Ref)); err != nil {
		t.Fatalf("the test needs the file to come back after a crash now: %v", err)
	}
	if err := f.Remove(s.Ref); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat(f.path(s.Ref)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a crash: %v", err)
	}
}
