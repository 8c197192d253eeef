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
	"slices"

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

// ledgerKeys are the choices of keys for the ledger.
func (c config) ledgerKeys() (store.LedgerOptions, error) {
	var o store.LedgerOptions
	for _, name := range c.ledgerOldKeys {
		key, err := readLedgerKey(name)
		if err != nil {
			return o, fmt.Errorf("--ledger-old-keys: %w", err)
		}
		o.OldKeys = append(o.OldKeys, key)
	}
	o.OpenKey = func(newest store.Seal) (store.LedgerKey, error) {
		key, err := c.openLedgerKey(newest, o.OldKeys)
		if err != nil {
			return key, fmt.Errorf("--ledger-key: %w", err)
		}
		return key, nil
	}
	return o, nil
}

// openLedgerKey returns the key that signs the seals of the ledger. A missing one is
// made where the key that signed the newest seal is an old one, or none did.
func (c config) openLedgerKey(newest store.Seal, old []store.LedgerKey) (store.LedgerKey, error) {
	if c.ledgerKey != "" {
		return readLedgerKey(c.ledgerKey)
	}
	known := func(k store.LedgerKey) bool { return k.ID() == newest.KeyID }
	if !c.memory && newest.Kind != store.Unsigned && !slices.ContainsFunc(old, known) {
		path := filepath.Join(c.data, ledgerKeyFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return store.LedgerKey{}, fmt.Errorf("%s is missing, and a key signed the ledger in this folder; put it back, or name another one", path)
		}
	}
	key, err := folderKey(c, "", ledgerKeyFile)
	if err != nil {
		return store.LedgerKey{}, err
	}
	return store.ParseLedgerKey(hex.AppendEncode(nil, key[:]))
}

func readLedgerKey(name string) (store.LedgerKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return store.LedgerKey{}, err
	}
	key, err := store.ParseLedgerKey(text)
	if err != nil {
		return key, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
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
