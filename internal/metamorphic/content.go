package metamorphic

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// owner owns all buckets, stranger some objects.
var (
	owner    = store.Owner{Account: "111122223333", CanonicalID: strings.Repeat("0a", 32), DisplayName: "owner"}
	stranger = store.Owner{Account: "444455556666", CanonicalID: strings.Repeat("0b", 32)}
)

// body returns size bytes that no other seed has.
func body(size, seed int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	b := make([]byte, size)
	// Read of ChaCha8 never fails.
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

func etag(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// object returns what the model keeps of a body.
func object(size, seed int) model.Object {
	return model.Object{Size: int64(size), Seed: seed, ETag: etag(body(size, seed))}
}

// algorithms, system, user, class and ownedBy make the rest of an object from its
// seed, each with values that some objects lack.
func algorithms(seed int) []checksum.Algorithm {
	switch seed % 4 {
	case 0:
		return []checksum.Algorithm{checksum.CRC32C}
	case 1:
		return []checksum.Algorithm{checksum.SHA256, checksum.CRC64NVME}
	}
	return nil
}

func system(seed int) []store.Pair {
	pairs := []store.Pair{{Name: "Content-Type", Value: fmt.Sprintf("application/x-%d", seed)}}
	if seed%3 == 0 {
		pairs = append(pairs, store.Pair{Name: "Cache-Control", Value: "no-cache"})
	}
	return pairs
}

func user(seed int) []store.Pair {
	if seed%2 == 0 {
		return nil
	}
	return []store.Pair{{Name: "seed", Value: fmt.Sprint(seed)}, {Name: "empty"}, {Name: "text", Value: "grüße ☃"}}
}

func class(seed int) string {
	if seed%5 == 0 {
		return "STANDARD_IA"
	}
	return ""
}

func ownedBy(seed int) store.Owner {
	if seed%7 == 0 {
		return stranger
	}
	return owner
}

// What a put refuses when its script says that its body is bad.
var (
	errBody    = errors.New("body fails")
	errRefused = errors.New("verification fails")
)

// bodies are the values of the option body: how a body comes that is not what it
// should be, and what the put is refused with.
var bodies = map[string]struct {
	code    string
	request func(r *store.PutRequest, b []byte)
}{
	"short": {"ShortBody", func(r *store.PutRequest, b []byte) { r.Size = int64(len(b)) + 1 }},
	"long":  {"LongBody", func(r *store.PutRequest, b []byte) { r.Body = bytes.NewReader(append(b, 1)); r.Size = int64(len(b)) }},
	"fails": {"BodyFails", func(r *store.PutRequest, b []byte) {
		r.Body = io.MultiReader(r.Body, failing{})
		r.Size = int64(len(b)) + 1
	}},
	"refused": {"Refused", func(r *store.PutRequest, _ []byte) {
		r.Verify = func(store.Digests) error { return errRefused }
	}},
}

// failing is a reader of a body whose sender went away.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBody }

// putRequest returns the request that stores the body of an operation.
func putRequest(op Op) store.PutRequest {
	size, seed := op.number("size", 0), op.number("seed", 0)
	b := body(size, seed)
	r := store.PutRequest{
		Bucket: op.Args[0], Key: op.Args[1], Body: bytes.NewReader(b), Size: int64(size),
		Algorithms: algorithms(seed), System: system(seed), User: user(seed), StorageClass: class(seed),
		Lock: lockOf(modelPut(op).Object.Lock),
		Made: store.Maker{AccessKey: "AKIDEXAMPLE", RequestID: op.text("as")},
	}
	if seed%6 == 0 {
		r.Size = -1
	}
	if o := ownedBy(seed); o != owner {
		r.Owner = o
	}
	if bad, ok := bodies[op.text("body")]; ok {
		bad.request(&r, b)
	}
	return r
}

// expected returns what a listing shows of e.
func expected(e *model.Entry) store.Object {
	o := store.Object{
		Key: e.Key, VersionID: e.ID, DeleteMarker: e.DeleteMarker, LastModified: e.Modified, Owner: owner,
	}
	if e.DeleteMarker {
		return o
	}
	seed := e.Object.Seed
	o.Size, o.ETag, o.StorageClass, o.Owner = e.Object.Size, e.Object.ETag, class(seed), ownedBy(seed)
	for _, a := range algorithms(seed) {
		o.Checksums = append(o.Checksums, checksum.Value{Algorithm: a})
		o.ChecksumType = store.FullObject
	}
	return o
}

// expectedRead returns what a read shows of an object version.
func expectedRead(e *model.Entry) store.Object {
	settle(e)
	o := expected(e)
	o.System, o.User, o.Lock = system(e.Object.Seed), user(e.Object.Seed), lockOf(e.Object.Lock)
	b := body(int(e.Object.Size), e.Object.Seed)
	for i, c := range o.Checksums {
		o.Checksums[i] = checksum.Of(c.Algorithm, b)
	}
	return o
}

// describe returns all that is known of an object as text.
func describe(o store.Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s id=%s", escape(o.Key), o.VersionID)
	if o.DeleteMarker {
		b.WriteString(" delete-marker")
	}
	if o.Latest {
		b.WriteString(" latest")
	}
	fmt.Fprintf(&b, " size=%d etag=%s modified=%d class=%s owner=%s type=%v",
		o.Size, o.ETag, o.LastModified.UnixNano(), o.StorageClass, o.Owner.Account, o.ChecksumType)
	for _, c := range o.Checksums {
		fmt.Fprintf(&b, " %d:%x", c.Algorithm, c.Sum)
	}
	for _, p := range append(append([]store.Pair(nil), o.System...), o.User...) {
		fmt.Fprintf(&b, " %s:%q", p.Name, p.Value)
	}
	if o.Lock != (versioning.Lock{}) {
		fmt.Fprintf(&b, " lock=%v/%d/%v", o.Lock.Mode, o.Lock.Until.Unix(), o.Lock.Hold)
	}
	if o.VersionHeader != "" {
		b.WriteString(" header=" + o.VersionHeader)
	}
	return b.String()
}

// listed returns what a listing shows of o.
func listed(o store.Object) store.Object {
	o.System, o.User, o.Lock = nil, nil, versioning.Lock{}
	var kinds []checksum.Value
	for _, c := range o.Checksums {
		kinds = append(kinds, checksum.Value{Algorithm: c.Algorithm})
	}
	o.Checksums = kinds
	return o
}
