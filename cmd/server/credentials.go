package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyPair is the access key and secret key that requests are signed with.
type keyPair struct {
	Access string `json:"access_key"`
	Secret string `json:"secret_key"`
}

// defaultKeys is the pair of a server that only its own machine can reach. It is
// public, so it is refused anywhere else.
var defaultKeys = keyPair{Access: "tombstone", Secret: "tombstone-secret"}

// keysFile holds the pair made at the first start that needed one. It is not part
// of the store's format: a folder without it is whole.
const keysFile = "credentials"

// keyOrigin says where a pair came from, which decides whether the banner shows
// the secret.
type keyOrigin int

const (
	keysGiven   keyOrigin = iota // by flag or variable
	keysDefault                  // defaultKeys
	keysMade                     // at this start
	keysKept                     // at an earlier start
)

func setAccessKey(c *config, v string) error {
	if len(v) < 3 || len(v) > 128 {
		return errors.New("an access key has 3 to 128 characters")
	}
	// The rest would be cut apart where a signed request names its access key.
	if strings.IndexFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/,=", r) }) >= 0 {
		return errors.New("an access key has no spaces, no slashes, commas or equals signs, and ASCII only")
	}
	c.keys.Access = v
	return nil
}

func setSecretKey(c *config, v string) error {
	if len(v) < 8 {
		return errors.New("a secret key has at least 8 characters")
	}
	c.keys.Secret = v
	return nil
}

// complete refuses half a pair.
func (k keyPair) complete() error {
	switch {
	case k.Access != "" && k.Secret == "":
		return errors.New("--access-key is set and --secret-key is not; set both or none")
	case k.Access == "" && k.Secret != "":
		return errors.New("--secret-key is set and --access-key is not; set both or none")
	}
	return nil
}

// checkKeys refuses the pair that everybody knows where others than this machine can
// use it.
func checkKeys(c config, loopback bool) error {
	if c.keys == defaultKeys && !loopback {
		return fmt.Errorf("the default keys are public and --address %s is not a loopback address; set other keys, or none to have a pair made", c.address)
	}
	return nil
}

// chooseKeys returns the pair that requests are signed with: the one that was
// given, else the one kept in the data folder, else the default pair on loopback,
// else a new one, which is kept. The caller owns the data folder.
func chooseKeys(c config, loopback bool) (keyPair, keyOrigin, error) {
	if err := checkKeys(c, loopback); err != nil {
		return keyPair{}, 0, err
	}
	if c.keys != (keyPair{}) {
		return c.keys, keysGiven, nil
	}
	if !c.memory {
		kept, err := readKeys(c.data)
		if err == nil {
			return kept, keysKept, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return keyPair{}, 0, err
		}
	}
	if loopback {
		return defaultKeys, keysDefault, nil
	}
	made := keyPair{Access: "TS" + rand.Text()[:18], Secret: rand.Text() + rand.Text()[:14]}
	if c.memory {
		return made, keysMade, nil
	}
	return made, keysMade, writeKeys(c.data, made)
}

func readKeys(folder string) (keyPair, error) {
	name := filepath.Join(folder, keysFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return keyPair{}, err
	}
	var k keyPair
	if err := json.Unmarshal(text, &k); err != nil || k.Access == "" || k.Secret == "" {
		return keyPair{}, fmt.Errorf("%s holds no key pair; remove it to have a new one made", name)
	}
	return k, nil
}

// writeKeys keeps a pair.
func writeKeys(folder string, k keyPair) error {
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	return writeSecret(filepath.Join(folder, keysFile), append(text, '\n'))
}
