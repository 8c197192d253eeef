package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed61737384/tombstone/store"
)

// Files of the data folder that hold a key each, made at the first start. They are
// no part of the store's format, and a copy of the folder without them keeps its
// secrets to itself.
const (
	secretsKeyFile = "secrets.key" // seals the secrets of access keys and MFA devices
	ledgerKeyFile  = "ledger.key"  // signs the seals of the deletion ledger
)

// keyBytes is the length of a key, bytes.
const keyBytes = 32

// folderKey returns the key that a file holds: the one that was given, which must be
// there, else the one of that name in the data folder, which is made if there is
// none. In memory a key lives as long as what it protects.
func folderKey(c config, given, name string) (key [keyBytes]byte, err error) {
	if given != "" {
		return readKeyFile(given)
	}
	fresh := func() error {
		_, err := rand.Read(key[:])
		return err
	}
	if c.memory {
		return key, fresh()
	}
	path := filepath.Join(c.data, name)
	key, err = readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := fresh(); err != nil {
		return key, err
	}
	return key, writeSecret(path, append(hex.AppendEncode(nil, key[:]), '\n'))
}

// openLedgerKey returns the key that signs the seals of the ledger.
func (c config) openLedgerKey() (store.LedgerKey, error) {
	key, err := c.readLedgerKey()
	if err != nil {
		return key, fmt.Errorf("--ledger-key: %w", err)
	}
	return key, nil
}

func (c config) readLedgerKey() (store.LedgerKey, error) {
	if c.ledgerKey == "" {
		key, err := folderKey(c, "", ledgerKeyFile)
		if err != nil {
			return store.LedgerKey{}, err
		}
		return store.ParseLedgerKey(hex.AppendEncode(nil, key[:]))
	}
	text, err := os.ReadFile(c.ledgerKey)
	if err != nil {
		return store.LedgerKey{}, err
	}
	return store.ParseLedgerKey(text)
}

// readKeyFile reads a file of 64 hex digits.
func readKeyFile(path string) (key [keyBytes]byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return key, err
	}
	text = bytes.TrimSpace(text)
	if len(text) != hex.EncodedLen(keyBytes) {
		return key, fmt.Errorf("%s: a key has %d hex digits", path, hex.EncodedLen(keyBytes))
	}
	if _, err := hex.Decode(key[:], text); err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// writeSecret writes a file that only its owner may read. It appears whole or not at
// all, so that a start that is cut short does not leave a folder without usable keys.
func writeSecret(path string, text []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
