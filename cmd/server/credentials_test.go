package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChooseKeys(t *testing.T) {
	own := keyPair{"mine", "my-secret"}
	tests := []struct {
		name     string
		keys     keyPair
		loopback bool
		want     keyPair
		origin   keyOrigin
	}{
		{"given", own, false, own, keysGiven},
		{"given on loopback", own, true, own, keysGiven},
		{"default on loopback", keyPair{}, true, defaultKeys, keysDefault},
		{"the default pair spelt out on loopback", defaultKeys, true, defaultKeys, keysGiven},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config{data: t.TempDir(), keys: test.keys}
			keys, origin, err := chooseKeys(c, test.loopback)
			if err != nil || keys != test.want || origin != test.origin {
				t.Errorf("got %v, %d, %v", keys, origin, err)
			}
		})
	}
}

func TestDefaultKeysStayOnLoopback(t *testing.T) {
	_, _, err := chooseKeys(config{data: t.TempDir(), address: ":9000", keys: defaultKeys}, false)
	if err == nil || !strings.Contains(err.Error(), "--address :9000") {
		t.Errorf("error %v, want a refusal that names the address", err)
	}
}

// A pair made once stays the folder's, on loopback too: whoever has it expects it
// to work.
func TestMadeKeysAreKept(t *testing.T) {
	c := config{data: t.TempDir()}
	made, origin, err := chooseKeys(c, false)
	if err != nil || origin != keysMade {
		t.Fatalf("got origin %d, %v", origin, err)
	}
	if len(made.Access) < 16 || len(made.Secret) < 32 || made == defaultKeys {
		t.Errorf("made %+v", made)
	}
	info, err := os.Stat(filepath.Join(c.data, keysFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	for _, loopback := range []bool{false, true} {
		kept, origin, err := chooseKeys(c, loopback)
		if err != nil || kept != made || origin != keysKept {
			t.Errorf("loopback %v: got %v, %d, %v, want the pair made first", loopback, kept, origin, err)
		}
	}
	other, _, err := chooseKeys(config{data: t.TempDir()}, false)
	if err != nil || other.Secret == made.Secret || other.Access == made.Access {
		t.Errorf("another folder got %v, %v", other, err)
	}
}

func TestMemoryKeepsNoKeys(t *testing.T) {
	c := config{data: filepath.Join(t.TempDir(), "absent"), memory: true}
	first, origin, err := chooseKeys(c, false)
	if err != nil || origin != keysMade {
		t.Fatalf("got origin %d, %v", origin, err)
	}
	if second, _, _ := chooseKeys(c, false); second == first {
		t.Error("the same pair was made twice")
	}
	if _, err := os.Stat(c.data); err == nil {
		t.Error("the folder was made")
	}
}

func TestDamagedKeysFileIsRefused(t *testing.T) {
	c := config{data: t.TempDir()}
	for _, text := range []string{"", "{}", `{"access_key":"a"}`, "junk"} {
		if err := os.WriteFile(filepath.Join(c.data, keysFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := chooseKeys(c, true); err == nil || !strings.Contains(err.Error(), keysFile) {
			t.Errorf("%q: error %v, want one that names the file", text, err)
		}
	}
}
