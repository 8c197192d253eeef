package crashfs_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/internal/crashfs"
)

func write(t *testing.T, fs *crashfs.FS, name string, sync bool) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(name)); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func syncDir(t *testing.T, fs *crashfs.FS, name string) {
	t.Helper()
	d, err := fs.OpenDir(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// names returns what a cut left of the root.
func names(t *testing.T, fs *crashfs.FS, keep int) []string {
	t.Helper()
	left, err := fs.Cut(keep, rand.New(rand.NewPCG(1, 1)), crashfs.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := left.List("/")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// TestCut cuts after changes of names of all kinds, synced and not.
func TestCut(t *testing.T) {
	fs := crashfs.New(crashfs.Watch{})
	for _, name := range []string{"stays", "goes", "went", "back"} {
		write(t, fs, name, true)
	}
	syncDir(t, fs, "/")
	if err := fs.Remove("went"); err != nil {
		t.Fatal(err)
	}
	syncDir(t, fs, "/")
	for _, name := range []string{"goes", "back"} {
		if err := fs.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	write(t, fs, "back", true)
	write(t, fs, "new", true)
	for keep, want := range map[int][]string{
		0:   {"back", "goes", "stays"},
		100: {"back", "new", "stays"},
	} {
		if got := names(t, fs, keep); !slices.Equal(got, want) {
			t.Errorf("%d%% kept: %q, not %q", keep, got, want)
		}
	}
}

// TestWatch drops the syncs of one file, and is told of all.
func TestWatch(t *testing.T) {
	var told []string
	fs := crashfs.New(crashfs.Watch{
		Drop:   func(s crashfs.Sync) bool { return s.Path == "dropped" },
		Synced: func(s crashfs.Sync) { told = append(told, s.Path) },
	})
	write(t, fs, "kept", true)
	write(t, fs, "dropped", true)
	write(t, fs, "never", false)
	syncDir(t, fs, "/")
	if want := []string{"kept", "dropped", "/"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, not %q", told, want)
	}
	left, err := fs.Cut(0, nil, crashfs.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"kept": 4, "dropped": 0, "never": 0} {
		info, err := left.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() != size {
			t.Errorf("%s has %d bytes, not %d", name, info.Size(), size)
		}
	}
}
