package pebbledb

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// withValues makes a folder with a file of values for "large", and returns it with the path
// of that file. "small" has a value that stands elsewhere.
func withValues(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	db, err := Open(dir, Options{FS: vfs.Default})
	if err != nil {
		t.Fatal(err)
	}
	commitAll(t, db, []engine.Mutation{
		engine.Set([]byte("large"), bytes.Repeat([]byte("x"), 2*separateFrom)), engine.Set([]byte("small"), []byte("y")),
	})
	if err := db.pebble.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.blob"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	return dir, files[0]
}

// A damaged file of values costs what is in it, and nothing else: neither reads nor
// compactions end the process.
func TestDamagedValues(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"its end":   func(b []byte) []byte { b[len(b)-20] ^= 4; return b },
		"a block":   func(b []byte) []byte { b[10] ^= 1; return b },
		"cut":       func(b []byte) []byte { return b[:len(b)-1] },
		"empty":     func([]byte) []byte { return nil },
		"something": func(b []byte) []byte { return bytes.Repeat([]byte{'z'}, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := withValues(t)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(dir, Options{FS: vfs.Default})
			if err != nil {
				t.Fatal(err)
			}
			err = db.View(context.Background(), func(r engine.Reader) error {
				if v, found, err := r.Get([]byte("small")); err != nil || !found || string(v) != "y" {
					t.Errorf("small: %q, %v, %v", v, found, err)
				}
				_, _, err := r.Get([]byte("large"))
				return err
			})
			if err == nil {
				t.Error("the damage was not noticed")
			}
			commitAll(t, db, []engine.Mutation{engine.Set([]byte("larger"), bytes.Repeat([]byte("x"), 2*separateFrom))})
			if err := db.pebble.Compact(context.Background(), []byte("a"), []byte("z"), false); err != nil {
				t.Logf("compaction: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMissingValues(t *testing.T) {
	dir, file := withValues(t)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := Open(dir, Options{FS: vfs.Default, ReadOnly: readOnly}); err == nil || !strings.Contains(err.Error(), "1 of 1 files of values") {
			t.Errorf("%v", err)
		}
	}
}
