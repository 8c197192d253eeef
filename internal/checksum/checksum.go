// Package checksum holds the object checksums that S3 clients send and ask
// for: their names, headers, hash functions and text form.
//
// A checksum value travels as the base64 of its big-endian digest
// (docs/spec/wire.md §4, WI4-5). The algorithms marked optional in WI4-4 are
// not known here; a header that names one is answered by the caller.
package checksum

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"strings"

	"github.com/minio/crc64nvme"
)

// Algorithm is one checksum algorithm. Its numbers are stored in version
// records, so they never change meaning.
type Algorithm uint8

// The algorithms of WI4-1 to WI4-3. None, the zero value, means that no
// checksum was asked for; it has no name, no header and no size.
const (
	None Algorithm = iota
	CRC32
	CRC32C
	CRC64NVME
	SHA1
	SHA256
)

// traits is what sets one algorithm apart from another.
type traits struct {
	name   string
	header string
	size   int
	hash   func() hash.Hash
}

var table = [...]traits{
	None:      {},
	CRC32:     {"CRC32", "x-amz-checksum-crc32", 4, func() hash.Hash { return crc32.NewIEEE() }},
	CRC32C:    {"CRC32C", "x-amz-checksum-crc32c", 4, func() hash.Hash { return crc32.New(castagnoli) }},
	CRC64NVME: {"CRC64NVME", "x-amz-checksum-crc64nvme", 8, func() hash.Hash { return crc64nvme.New() }},
	SHA1:      {"SHA1", "x-amz-checksum-sha1", 20, sha1.New},
	SHA256:    {"SHA256", "x-amz-checksum-sha256", 32, sha256.New},
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// All returns every algorithm but None, in the order of their numbers.
func All() []Algorithm {
	return []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256}
}

// Valid reports whether a is one of the algorithms that All returns.
func (a Algorithm) Valid() bool { return a != None && int(a) < len(table) }

// String returns the name S3 uses in documents and in
// x-amz-checksum-algorithm ("CRC32C"), and "" for None or an unknown number.
func (a Algorithm) String() string { return a.traits().name }

// Header returns the lower-case header that carries a value of a, in requests
// as in answers and trailers ("x-amz-checksum-crc32c"), and "" for None.
func (a Algorithm) Header() string { return a.traits().header }

// Size returns the length of a digest in bytes, 0 for None.
func (a Algorithm) Size() int { return a.traits().size }

// New returns a hash whose Sum appends the big-endian digest. It returns nil
// for None or an unknown number.
func (a Algorithm) New() hash.Hash {
	if !a.Valid() {
		return nil
	}
	return table[a].hash()
}

func (a Algorithm) traits() traits {
	if !a.Valid() {
		return traits{}
	}
	return table[a]
}

// Parse returns the algorithm of an S3 name such as "CRC32C", in any case of
// letters, and false when there is none (WI4-10).
func Parse(name string) (Algorithm, bool) {
	return find(name, Algorithm.String)
}

// FromHeader returns the algorithm whose value the named header carries, in any
// case of letters, and false when the header is not such a one.
func FromHeader(name string) (Algorithm, bool) {
	return find(name, Algorithm.Header)
}

func find(text string, of func(Algorithm) string) (Algorithm, bool) {
	for _, a := range All() {
		if strings.EqualFold(of(a), text) {
			return a, true
		}
	}
	return None, false
}
