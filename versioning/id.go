package versioning

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// nullID is how the null entry is named in requests and answers.
const nullID = "null"

// idAlphabet makes ids look like those of S3: letters, digits, dot, underscore
// (spec VD2). Its order is part of the on-disk format, for ids are kept by clients.
const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"

const (
	idBytes  = 24 // decoded: key number, sealed block, tag
	tagBytes = idBytes - 1 - aes.BlockSize
	// IDSecretBytes is the length of the secret of an id key.
	IDSecretBytes = 32
)

var idEncoding = base64.NewEncoding(idAlphabet).WithPadding(base64.NoPadding).Strict()

// IDCodec turns orders into version ids and back.
//
// An id is 24 bytes as 32 characters: one byte key number, one AES block with the
// order and eight zero bytes, and seven bytes of a second AES encryption of that
// block. So an id hides its order, leads straight to it, and any changed
// character is recognised. Neither bucket nor key enters: the id of another key
// is well-formed and names nothing (spec VD2). Ids of old keys stay readable.
type IDCodec struct {
	newest byte
	keys   [256]*idKey
}

type idKey struct{ block, tag cipher.Block }

// NewIDCodec returns a codec that reads ids of all keys and writes those of the
// highest number. Each secret has [IDSecretBytes] bytes; at least one is needed.
func NewIDCodec(secrets map[byte][]byte) (*IDCodec, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("version id codec: no keys")
	}
	c := &IDCodec{}
	for number, secret := range secrets {
		if len(secret) != IDSecretBytes {
			return nil, fmt.Errorf("version id codec: key %d has %d bytes, not %d", number, len(secret), IDSecretBytes)
		}
		block, err := aes.NewCipher(secret[:IDSecretBytes/2])
		if err != nil {
			return nil, fmt.Errorf("version id codec: key %d: %w", number, err)
		}
		tag, err := aes.NewCipher(secret[IDSecretBytes/2:])
		if err != nil {
			return nil, fmt.Errorf("version id codec: key %d: %w", number, err)
		}
		c.keys[number] = &idKey{block: block, tag: tag}
		c.newest = max(c.newest, number)
	}
	return c, nil
}

// Format returns the version id of id as answers show it: null for [Null], the
// empty string for the zero ID.
func (c *IDCodec) Format(id ID) string {
	switch {
	case id.IsZero():
		return ""
	case id.IsNull():
		return nullID
	}
	var plain, sealed, tag [aes.BlockSize]byte
	binary.BigEndian.PutUint64(plain[:], uint64(id.order))
	key := c.keys[c.newest]
	key.block.Encrypt(sealed[:], plain[:])
	key.tag.Encrypt(tag[:], sealed[:])
	var raw [idBytes]byte
	raw[0] = c.newest
	copy(raw[1:], sealed[:])
	copy(raw[1+aes.BlockSize:], tag[:tagBytes])
	var text [idBytes * 4 / 3]byte
	idEncoding.Encode(text[:], raw[:])
	return string(text[:])
}

// Parse reads a version id that a request sent. It refuses with EmptyVersionID
// and MalformedVersionID (spec VD3.3, VD4).
func (c *IDCodec) Parse(text string) (ID, error) {
	switch {
	case text == "":
		return ID{}, &Refusal{Reason: EmptyVersionID}
	case text == nullID:
		return Null, nil
	case len(text) != idBytes*4/3:
		return ID{}, &Refusal{Reason: MalformedVersionID}
	}
	var raw [idBytes]byte
	// The decoder skips line ends, so an id with one inside decodes to too little.
	if n, err := idEncoding.Decode(raw[:], []byte(text)); err != nil || n != idBytes {
		return ID{}, &Refusal{Reason: MalformedVersionID}
	}
	order, ok := c.open(raw)
	if !ok {
		return ID{}, &Refusal{Reason: MalformedVersionID}
	}
	return IDOf(order), nil
}

// open recovers the order of a decoded id, if the id is one that Format made.
func (c *IDCodec) open(raw [idBytes]byte) (Order, bool) {
	key := c.keys[raw[0]]
	if key == nil {
		return 0, false
	}
	sealed := raw[1 : 1+aes.BlockSize]
	var tag, plain [aes.BlockSize]byte
	key.tag.Encrypt(tag[:], sealed)
	if subtle.ConstantTimeCompare(tag[:tagBytes], raw[1+aes.BlockSize:]) != 1 {
		return 0, false
	}
	key.block.Decrypt(plain[:], sealed)
	order := Order(binary.BigEndian.Uint64(plain[:]))
	return order, order != 0 && binary.BigEndian.Uint64(plain[8:]) == 0
}
