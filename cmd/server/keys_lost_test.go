package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// startOnce opens the folder of c as a start does, has fn use what is open, and ends it.
func startOnce(t *testing.T, c config, fn func(*store.Store, *identity.Registry)) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	st, err := openStore(c, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := openIdentities(c, st, log, defaultKeys)
	if err != nil {
		t.Fatal(err)
	}
	fn(st, reg)
	if err := errors.Join(reg.Close(t.Context()), st.Close()); err != nil {
		t.Fatal(err)
	}
}

// usedFolder returns a folder whose key files have sealed and signed something.
func usedFolder(t *testing.T) config {
	t.Helper()
	c := config{data: filepath.Join(t.TempDir(), "data")}
	startOnce(t, c, func(_ *store.Store, reg *identity.Registry) {
		_, err := reg.CreateUser(t.Context(), identity.By{}, identity.UserSpec{Account: account, Name: "restic"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reg.CreateKey(t.Context(), identity.By{}, identity.KeySpec{Account: account, User: "restic"}); err != nil {
			t.Fatal(err)
		}
	})
	return c
}

// A key file that is missing where it has sealed or signed something is not made anew: the
// start is refused in one line that names it.
func TestLostKeysAreNotReplaced(t *testing.T) {
	for _, name := range []string{secretsKeyFile, ledgerKeyFile} {
		c := usedFolder(t)
		path := filepath.Join(c.data, name)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var stderr bytes.Buffer
			p := given("serve --log-level error --address 127.0.0.1:0 --data " + c.data)
			p.stdout, p.stderr = &stderr, &stderr
			code, told := run(p), stderr.String()
			if code != exitRefused || strings.Count(told, "\n") != 1 || !strings.Contains(told, path+" is missing") {
				t.Errorf("%s: exit code %d, %q", name, code, told)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: made anew: %v", name, err)
			}
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		startOnce(t, c, func(st *store.Store, reg *identity.Registry) {
			r, err := st.VerifyLedger(t.Context())
			if keys, _ := reg.Keys(account, "restic"); err != nil || len(keys) != 1 || len(r.Problems) > 0 {
				t.Errorf("%s put back: keys %v, %+v, %v", name, keys, r, err)
			}
		})
	}
}

// Without its secrets key a folder starts if its secrets are to be forgotten: users stay,
// and the next start needs no such word.
func TestForgetSecretsSetting(t *testing.T) {
	c := usedFolder(t)
	if err := os.Remove(filepath.Join(c.data, secretsKeyFile)); err != nil {
		t.Fatal(err)
	}
	for _, forget := range []bool{true, true, false} {
		c.forgetSecrets = forget
		startOnce(t, c, func(st *store.Store, reg *identity.Registry) {
			keys, err := reg.Keys(account, "restic")
			if err != nil || len(keys) != 0 {
				t.Errorf("keys %v, %v", keys, err)
			}
			noted := 0
			err = errors.Join(err, st.Ledger(t.Context(), store.LedgerQuery{}, func(e store.LedgerEntry) error {
				if e.Made.Operation == "ForgetSecrets" {
					noted++
				}
				return nil
			}))
			if err != nil || noted == 0 {
				t.Errorf("%d entries of the ledger tell of it, %v", noted, err)
			}
		})
	}
}

// A ledger key is changed by moving the old one away and naming it: seals of both are
// verified. Without it those that it signed are a problem.
func TestLedgerKeyRotation(t *testing.T) {
	c := usedFolder(t)
	old := filepath.Join(t.TempDir(), "old.key")
	if err := os.Rename(filepath.Join(c.data, ledgerKeyFile), old); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		old   []string
		sound bool
	}{{[]string{old}, true}, {nil, false}, {[]string{old}, true}} {
		c.ledgerOldKeys = test.old
		startOnce(t, c, func(st *store.Store, _ *identity.Registry) {
			r, err := st.VerifyLedger(t.Context())
			if err != nil || (len(r.Problems) == 0) != test.sound || (r.Foreign == 0) != test.sound {
				t.Errorf("old keys %v: %+v, %v", test.old, r, err)
			}
		})
	}
	c.ledgerOldKeys = []string{old + ".none"}
	if _, err := openStore(c, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "--ledger-old-keys: ") {
		t.Errorf("an old key that is not there: %v", err)
	}
}

// What no ledger was kept for is told in lines of its own.
func TestPrintGaps(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	printGaps(&out, []api.AdminLedgerGap{{To: &at}, {From: &at}})
	if out.String() != "not kept: from before the oldest entry to 2026-01-02T03:04:05Z\nnot kept: from 2026-01-02T03:04:05Z to now\n" {
		t.Errorf("%q", out.String())
	}
}
