package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key is made once, for its owner alone, and read again; in memory it is new each
// time; a given file must hold one.
func TestFolderKey(t *testing.T) {
	c := config{data: t.TempDir()}
	first, err := folderKey(c, "", secretsKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.data, secretsKeyFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := folderKey(c, "", secretsKeyFile); err != nil || again != first {
		t.Errorf("another key at the second start, %v", err)
	}
	if given, err := folderKey(config{data: t.TempDir()}, path, secretsKeyFile); err != nil || given != first {
		t.Errorf("another key than the file's, %v", err)
	}
	memory := config{memory: true, data: t.TempDir()}
	a, errA := folderKey(memory, "", secretsKeyFile)
	b, errB := folderKey(memory, "", secretsKeyFile)
	if names, err := os.ReadDir(memory.data); a == b || errA != nil || errB != nil || err != nil || len(names) > 0 {
		t.Errorf("in memory: %v, %v, %v, files %v", errA, errB, err, names)
	}
	for name, text := range map[string]string{"short": "abc", "no hex": strings.Repeat("zz", 32), "empty": ""} {
		bad := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := folderKey(c, bad, secretsKeyFile); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := folderKey(c, filepath.Join(c.data, "none"), secretsKeyFile); err == nil {
		t.Error("a given file that is not there is made up")
	}
}
