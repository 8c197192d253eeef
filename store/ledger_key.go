package store

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
)

// ErrLedgerKey says that a ledger key cannot be read.
var ErrLedgerKey = errors.New(
	"a ledger key is at least 32 bytes in hex or base64, or an Ed25519 key in PEM (PKCS #8, or PKIX to verify)")

var errKeyCannotSign = errors.New("the ledger key is a public one, which verifies seals and cannot sign them")

// minSecretBytes is the length of the shortest secret for HMAC-SHA256, bytes.
const minSecretBytes = 32

// LedgerKey signs the seals of the ledger: a secret for HMAC-SHA256, or an Ed25519
// key, of which the public half verifies. The zero key does neither. It shows
// nothing of itself when it is printed but its id.
type LedgerKey struct {
	secret  []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

// ParseLedgerKey reads a key file: PEM with an Ed25519 private or public key, or at
// least 32 bytes in hex or base64. Anything else is [ErrLedgerKey].
func ParseLedgerKey(data []byte) (LedgerKey, error) {
	if block, _ := pem.Decode(data); block != nil {
		return parsePEMKey(block)
	}
	text := strings.TrimSpace(string(data))
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		if secret, err := decode(text); err == nil && len(secret) >= minSecretBytes {
			return LedgerKey{secret: secret}, nil
		}
	}
	return LedgerKey{}, ErrLedgerKey
}

func parsePEMKey(block *pem.Block) (LedgerKey, error) {
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if private, ok := parsed.(ed25519.PrivateKey); err == nil && ok {
			public, _ := private.Public().(ed25519.PublicKey)
			return LedgerKey{private: private, public: public}, nil
		}
	case "PUBLIC KEY":
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if public, ok := parsed.(ed25519.PublicKey); err == nil && ok {
			return LedgerKey{public: public}, nil
		}
	}
	return LedgerKey{}, ErrLedgerKey
}

// SealKind is how a seal is signed. The numbers are on disk.
type SealKind uint8

// The kinds.
const (
	Unsigned SealKind = iota
	HMACSHA256
	Ed25519
)

// String returns "none", "HMAC-SHA256" or "Ed25519".
func (k SealKind) String() string {
	switch k {
	case HMACSHA256:
		return "HMAC-SHA256"
	case Ed25519:
		return "Ed25519"
	}
	return "none"
}

func (k LedgerKey) kind() SealKind {
	switch {
	case k.secret != nil:
		return HMACSHA256
	case k.public != nil:
		return Ed25519
	}
	return Unsigned
}

// signs reports whether the key can sign.
func (k LedgerKey) signs() bool { return k.secret != nil || k.private != nil }

// ID names the key, in 16 hex digits, without giving it away; it is empty for the
// zero key.
func (k LedgerKey) ID() string {
	var sum [sha256.Size]byte
	switch k.kind() {
	case Unsigned:
		return ""
	case HMACSHA256:
		sum = sha256.Sum256(append([]byte("tombstone ledger key\n"), k.secret...))
	case Ed25519:
		sum = sha256.Sum256(k.public)
	}
	return hex.EncodeToString(sum[:8])
}

// String returns the id, never the key.
func (k LedgerKey) String() string { return "ledger key " + k.ID() }

// GoString returns the id, never the key.
func (k LedgerKey) GoString() string { return k.String() }

// sign returns the MAC or signature of message, nil if the key cannot sign.
func (k LedgerKey) sign(message []byte) []byte {
	switch {
	case k.secret != nil:
		mac := hmac.New(sha256.New, k.secret)
		mac.Write(message)
		return mac.Sum(nil)
	case k.private != nil:
		return ed25519.Sign(k.private, message)
	}
	return nil
}

// verifies reports whether mac is that of message by this key.
func (k LedgerKey) verifies(message, mac []byte) bool {
	switch k.kind() {
	case HMACSHA256:
		return hmac.Equal(mac, k.sign(message))
	case Ed25519:
		return ed25519.Verify(k.public, message, mac)
	}
	return false
}
