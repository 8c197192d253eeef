package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
)

// checkText is what the row kindSecrets holds, sealed: it tells a wrong key from a damaged row.
const checkText = "tombstone identities"

func newSeal(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealed returns secret as row keeps it: a random nonce and the secret sealed under the row's name.
func (r *Registry) sealed(row, secret string) ([]byte, error) {
	nonce := make([]byte, r.seal.NonceSize(), r.seal.NonceSize()+len(secret)+r.seal.Overhead())
	if _, err := io.ReadFull(r.rand, nonce); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	return r.seal.Seal(nonce, nonce, []byte(secret), []byte(row)), nil
}

// unsealed is the inverse of sealed. What it cannot open was sealed with another key, for another row, or is damaged.
func (r *Registry) unsealed(row string, sealed []byte) (string, error) {
	n := r.seal.NonceSize()
	if len(sealed) < n {
		return "", errRecord
	}
	secret, err := r.seal.Open(nil, sealed[:n], sealed[n:], []byte(row))
	if err != nil {
		return "", fmt.Errorf("secret cannot be opened: %w", errRecord)
	}
	return string(secret), nil
}
