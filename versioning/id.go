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
	idChars  = idBytes * 4 / 3
	tagBytes = idBytes - 1 - aes.BlockSize
	// IDSecretBytes is the length of the secret of an id key.
	IDSecretBytes = 32
)

var idEncoding = base64.NewEncoding(idAlphabet).WithPadding(base64.NoPadding).Strict()

// IDCodec turns orders into version ids and back.
//
// An id is 24 bytes as 32 characters: one byte key number, one AES block with the
// order and eight zero bytes (in an upload's id its place), and seven bytes of a second AES encryption of that
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
	return c.seal(id.order, 0)
}

// seal returns the id that hides order and place.
func (c *IDCodec) seal(order Order, place uint64) string {
	// One piece of memory: what a cipher is given goes to the heap.
	var m struct {
		plain [aes.BlockSize]byte
		raw   [1 + 2*aes.BlockSize]byte // the tag is cut
		text  [idChars]byte
	}
	binary.BigEndian.PutUint64(m.plain[:], uint64(order))
	binary.BigEndian.PutUint64(m.plain[8:], place)
	key := c.keys[c.newest]
	m.raw[0] = c.newest
	sealed, tag := m.raw[1:1+aes.BlockSize], m.raw[1+aes.BlockSize:]
	key.block.Encrypt(sealed, m.plain[:])
	key.tag.Encrypt(tag, sealed)
	idEncoding.Encode(m.text[:], m.raw[:idBytes])
	return string(m.text[:])
}

// Parse reads a version id that a request sent. It refuses with EmptyVersionID
// and MalformedVersionID (spec VD3.3, VD4).
func (c *IDCodec) Parse(text string) (ID, error) {
	switch {
	case text == "":
		return ID{}, &Refusal{Reason: EmptyVersionID}
	case text == nullID:
		return Null, nil
	}
	if raw, ok := decodeID(text); ok {
		if order, place, ok := c.open(raw); ok && place == 0 {
			return IDOf(order), nil
		}
	}
	return ID{}, &Refusal{Reason: MalformedVersionID}
}

// FormatUpload returns the id of a multipart upload: it has the form of a version
// id, and hides besides the order of the upload where it belongs. place is not 0,
// so that none is the id of a version.
func (c *IDCodec) FormatUpload(order Order, place uint64) string { return c.seal(order, place) }

// ParseUpload reads an upload id that a request sent, and false if this server
// never made it.
func (c *IDCodec) ParseUpload(text string) (order Order, place uint64, ok bool) {
	raw, ok := decodeID(text)
	if !ok {
		return 0, 0, false
	}
	order, place, ok = c.open(raw)
	return order, place, ok && place != 0
}

// decodeID takes an id out of its characters.
func decodeID(text string) (raw [idBytes]byte, ok bool) {
	if len(text) != idChars {
		return raw, false
	}
	var chars [idChars]byte
	copy(chars[:], text)
	// The decoder skips line ends, so an id with one inside decodes to too little.
	n, err := idEncoding.Decode(raw[:], chars[:])
	return raw, err == nil && n == idBytes
}

// open recovers what a decoded id hides, if the codec made it.
func (c *IDCodec) open(raw [idBytes]byte) (order Order, place uint64, ok bool) {
	key := c.keys[raw[0]]
	if key == nil {
		return 0, 0, false
	}
	var m struct{ sealed, tag, plain [aes.BlockSize]byte } // one piece of memory, as in seal
	copy(m.sealed[:], raw[1:])
	key.tag.Encrypt(m.tag[:], m.sealed[:])
	if subtle.ConstantTimeCompare(m.tag[:tagBytes], raw[1+aes.BlockSize:]) != 1 {
		return 0, 0, false
	}
	key.block.Decrypt(m.plain[:], m.sealed[:])
	order = Order(binary.BigEndian.Uint64(m.plain[:]))
	return order, binary.BigEndian.Uint64(m.plain[8:]), order != 0
}
