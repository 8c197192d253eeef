package versioning_test

import (
	"crypto/aes"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// idAlphabet is that of spec VD2-2, in the order of its values.
const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes a new one")

// random returns a source whose seed is printed, to be given again with -seed.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func secretOf(number byte) []byte {
	secret := make([]byte, versioning.IDSecretBytes)
	for i := range secret {
		secret[i] = number + byte(i)*7
	}
	return secret
}

// newCodec returns a codec with a key of each number.
func newCodec(t testing.TB, numbers ...byte) *versioning.IDCodec {
	t.Helper()
	secrets := make(map[byte][]byte)
	for _, number := range numbers {
		secrets[number] = secretOf(number)
	}
	codec, err := versioning.NewIDCodec(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// orders returns orders of all sizes and n random ones.
func orders(t *testing.T, n int) []versioning.Order {
	t.Helper()
	all := []versioning.Order{1, 2, 255, 256, versioning.OrderAt(noon), 1<<63 - 1, 1 << 63, 1<<64 - 1}
	for r := random(t); n > 0; n-- {
		all = append(all, versioning.Order(r.Uint64()|1))
	}
	return all
}

// spec: VD2-1, VD2-2 32 characters that no URL escapes.
// spec: VD2-4 the place of an entry follows from its id; no two have the same.
func TestIDRoundTrip(t *testing.T) {
	codec := newCodec(t, 1)
	seen := map[string]versioning.Order{}
	for _, order := range orders(t, 10000) {
		text := codec.Format(versioning.IDOf(order))
		if len(text) != 32 || strings.Trim(text, idAlphabet) != "" {
			t.Fatalf("id of order %d is %q", order, text)
		}
		if other, twice := seen[text]; twice && other != order {
			t.Fatalf("orders %d and %d have the id %s", order, other, text)
		}
		seen[text] = order
		id, err := codec.Parse(text)
		if err != nil || id != versioning.IDOf(order) || id.Order() != order {
			t.Fatalf("id %s of order %d is read as %+v, %v", text, order, id, err)
		}
	}
}

// Neighbours in time do not look alike: a client cannot guess one from another.
func TestIDHidesOrder(t *testing.T) {
	codec := newCodec(t, 1)
	a, b := codec.Format(versioning.IDOf(1000)), codec.Format(versioning.IDOf(1001))
	alike := 0
	for i := 1; i < len(a); i++ {
		if a[i] == b[i] {
			alike++
		}
	}
	if alike > 8 {
		t.Errorf("%s and %s have %d characters in common", a, b, alike)
	}
}

// Ids are kept by clients for ever: these were formatted once and stay readable.
func TestIDFormatIsStable(t *testing.T) {
	codec := newCodec(t, 7)
	ids := map[versioning.Order]string{
		1:                        "1vmOZ1DvIsEffSkWbrYhjOZmRn.2Xau2",
		versioning.OrderAt(noon): "1ppIHde9FeiP22nVbgZqf4PUUJJoNlrh",
		1<<64 - 1:                "1vfQlJ5WylCnvAAJ4y0Lqx4rKNZOfWGl",
	}
	for order, text := range ids {
		if got := codec.Format(versioning.IDOf(order)); got != text {
			t.Errorf("id of order %d is %s, want %s", order, got, text)
		}
	}
}

// spec: VD2-3 the word null
func TestIDWords(t *testing.T) {
	codec := newCodec(t, 1)
	if got := codec.Format(versioning.Null); got != "null" {
		t.Errorf("null is written %q", got)
	}
	if id, err := codec.Parse("null"); id != versioning.Null || err != nil {
		t.Errorf("null is read as %+v, %v", id, err)
	}
	if got := codec.Format(versioning.ID{}); got != "" {
		t.Errorf("no id is written %q", got)
	}
}

// Every character counts, in every place.
//
// spec: VD2-6, VD3.3-8, VD4-18
func TestIDChangedCharacter(t *testing.T) {
	codec := newCodec(t, 0, 1, 2, 255)
	for _, order := range orders(t, 10) {
		text := []byte(codec.Format(versioning.IDOf(order)))
		for i, was := range text {
			for _, c := range []byte(idAlphabet) {
				if text[i] = c; c == was {
					continue
				}
				checkMalformed(t, codec, string(text))
			}
			text[i] = was
		}
	}
}

func checkMalformed(t *testing.T, codec *versioning.IDCodec, text string) {
	t.Helper()
	if id, err := codec.Parse(text); id != (versioning.ID{}) || !errors.Is(err, versioning.MalformedVersionID) {
		t.Errorf("%q is read as %+v, %v", text, id, err)
	}
}

// spec: VD3.3-8, VD4-18
func TestIDMalformed(t *testing.T) {
	codec := newCodec(t, 1)
	good := codec.Format(versioning.IDOf(versioning.OrderAt(noon)))
	texts := []string{
		"x", "Null", "NULL", "null ", " null", "nul", "0", "-", "?", good[:31], good + "0", good + good,
		" " + good, good + " ", good[1:] + " ", good[:31] + "+", good[:31] + "/", good[:31] + "-", good[:31] + "=",
		strings.Repeat("0", 32), strings.Repeat("_", 32), strings.Repeat("é", 16), strings.Repeat("\x00", 32),
		strings.ToLower(good), strings.Repeat("a", 1<<20),
	}
	for i := range 33 { // the decoder of the standard library skips line ends
		for _, end := range []string{"\n", "\r", "\r\n"} {
			texts = append(texts, good[:i]+end+good[i:])
			if i < 32 {
				texts = append(texts, good[:i]+end[:1]+good[i+1:])
			}
		}
	}
	for _, text := range texts {
		checkMalformed(t, codec, text)
	}
}

// An id that ends with a zero byte is not one without that byte, which a line end
// in place of a character would leave away.
//
// spec: VD2-6
func TestIDLineEndForZero(t *testing.T) {
	codec := newCodec(t, 1)
	for order := versioning.Order(1); ; order++ {
		text := codec.Format(versioning.IDOf(order))
		if text[31] != '0' || strings.IndexByte(idAlphabet, text[30])%4 != 0 {
			continue // about 255 of 256 ids
		}
		for i := range 32 {
			checkMalformed(t, codec, text[:i]+"\n"+text[i:31])
		}
		return
	}
}

// spec: VD3.3-9, VD4-19
func TestIDEmpty(t *testing.T) {
	id, err := newCodec(t, 1).Parse("")
	if id != (versioning.ID{}) || !errors.Is(err, versioning.EmptyVersionID) {
		t.Errorf("the empty id is read as %+v, %v", id, err)
	}
}

// New ids are written with the key of the highest number, those of the others
// stay readable, and those of no key or of a key with another secret are malformed.
func TestIDKeys(t *testing.T) {
	id := versioning.IDOf(versioning.OrderAt(noon))
	both := newCodec(t, 0, 3, 255)
	for range 20 { // keys come in any order
		if got, want := newCodec(t, 0, 3, 255).Format(id), newCodec(t, 255).Format(id); got != want {
			t.Errorf("id is %s with all keys and %s with the highest", got, want)
		}
	}
	for _, number := range []byte{0, 3, 255} {
		text := newCodec(t, number).Format(id)
		if got, err := both.Parse(text); got != id || err != nil {
			t.Errorf("id %s of key %d is read as %+v, %v", text, number, got, err)
		}
		if got := both.Format(id); (got == text) != (number == 255) {
			t.Errorf("id is %s with all keys and %s with key %d", got, text, number)
		}
		checkMalformed(t, newCodec(t, 1), text)
	}
	stranger, err := versioning.NewIDCodec(map[byte][]byte{3: secretOf(4)})
	if err != nil {
		t.Fatal(err)
	}
	checkMalformed(t, both, stranger.Format(id))
}

// The secret's halves are apart: one for the block, one for the tag.
func TestIDSecret(t *testing.T) {
	id := versioning.IDOf(versioning.OrderAt(noon))
	text := newCodec(t, 1).Format(id)
	for i := range versioning.IDSecretBytes {
		secret := secretOf(1)
		secret[i] ^= 1
		codec, err := versioning.NewIDCodec(map[byte][]byte{1: secret})
		if err != nil {
			t.Fatal(err)
		}
		checkMalformed(t, codec, text)
	}
}

func TestIDCodecKeys(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := versioning.NewIDCodec(map[byte][]byte{1: make([]byte, size)}); err == nil {
			t.Errorf("a secret of %d bytes is accepted", size)
		}
	}
	for _, secrets := range []map[byte][]byte{nil, {}, {1: secretOf(1), 2: nil}} {
		if _, err := versioning.NewIDCodec(secrets); err == nil {
			t.Errorf("%d keys are accepted: %v", len(secrets), secrets)
		}
	}
}

// seal makes an id from its 16 bytes of content in the way that the comment of
// IDCodec describes.
func seal(t *testing.T, number byte, plain [16]byte) string {
	t.Helper()
	secret := secretOf(number)
	block, err := aes.NewCipher(secret[:16])
	if err != nil {
		t.Fatal(err)
	}
	tag, err := aes.NewCipher(secret[16:])
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 33)
	raw[0] = number
	block.Encrypt(raw[1:], plain[:])
	tag.Encrypt(raw[17:], raw[1:17])
	var text []byte
	for triple := range slices.Chunk(raw[:24], 3) {
		bits := uint(triple[0])<<16 | uint(triple[1])<<8 | uint(triple[2])
		text = append(text, idAlphabet[bits>>18], idAlphabet[bits>>12&63], idAlphabet[bits>>6&63], idAlphabet[bits&63])
	}
	return string(text)
}

// Even one who knows the secret makes no id that Format would not.
func TestIDSealed(t *testing.T) {
	codec := newCodec(t, 9)
	id := versioning.IDOf(0x0102030405060708)
	content := [16]byte{1, 2, 3, 4, 5, 6, 7, 8}
	if got, want := codec.Format(id), seal(t, 9, content); got != want {
		t.Errorf("id is %s, want %s", got, want)
	}
	for i := range 8 {
		other := content
		other[8+i] = 1
		checkMalformed(t, codec, seal(t, 9, other))
	}
	checkMalformed(t, codec, seal(t, 9, [16]byte{}))
}
