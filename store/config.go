package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/seed61737384/tombstone/store/engine"
)

// ConfigKind is a kind of configuration document of a bucket. The numbers are on
// disk.
type ConfigKind uint8

// The kinds.
const (
	ConfigTagging ConfigKind = iota + 1
	ConfigCORS
	ConfigRequestPayment
	ConfigOwnershipControls
	ConfigPublicAccessBlock
	ConfigEncryption
	ConfigAccelerate
	ConfigPolicy    // the bucket policy
	ConfigBucketACL // the access control list of the bucket
	ConfigLifecycle

	configKinds // how many numbers are taken, 0 too
)

// configNames are the kinds as the ledger shows them, by number.
var configNames = [...]string{
	ConfigTagging: "tagging", ConfigCORS: "cors", ConfigRequestPayment: "request-payment",
	ConfigOwnershipControls: "ownership-controls", ConfigPublicAccessBlock: "public-access-block",
	ConfigEncryption: "encryption", ConfigAccelerate: "accelerate", ConfigPolicy: "policy",
	ConfigBucketACL: "acl", ConfigLifecycle: "lifecycle",
}

// name returns the kind as the ledger shows it, empty if there is none.
func (k ConfigKind) name() string {
	if int(k) < len(configNames) {
		return configNames[k]
	}
	return "unknown"
}

// protects reports whether a server that does not know documents of the kind would
// allow what they forbid.
func (k ConfigKind) protects() bool {
	switch k {
	case ConfigOwnershipControls, ConfigPublicAccessBlock, ConfigPolicy, ConfigBucketACL:
		return true
	}
	return false
}

// configChunk is the length at which a document is cut, bytes: an engine may bound
// the values it takes.
const configChunk = 32 << 10

// maxConfigBytes bounds a document, bytes: the number of a chunk has 16 bits, and
// a document is changed in one transaction.
const maxConfigBytes = 4 << 20

// ErrConfigTooLarge says that a configuration document is longer than the store
// keeps.
var ErrConfigTooLarge = errors.New("configuration document is too large")

// configKey is the key of a chunk of a document.
func configKey(b bucketID, kind ConfigKind, chunk int) []byte {
	k := append(within(configTable, b, 3), byte(kind))
	return binary.BigEndian.AppendUint16(k, uint16(chunk))
}

// Config returns a configuration document of a bucket, nil if there is none.
func (s *Store) Config(ctx context.Context, bucket string, kind ConfigKind) ([]byte, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, &Error{Op: "read configuration", Bucket: bucket, Err: err}
	}
	var document []byte
	err = s.view(ctx, func(r engine.Reader) error {
		chunks, err := readConfig(r, b.id, kind)
		for n, chunk := range chunks {
			if n == 0 {
				document = []byte{}
			}
			document = append(document, chunk...)
		}
		return err
	})
	if err != nil {
		return nil, &Error{Op: "read configuration", Bucket: bucket, Err: err}
	}
	return document, nil
}

// readConfig reads the chunks of a document. All but the last have configChunk
// bytes; a document that is a multiple of that long ends with a full one.
func readConfig(r engine.Reader, b bucketID, kind ConfigKind) (chunks [][]byte, err error) {
	for {
		chunk, found, err := r.Get(configKey(b, kind, len(chunks)))
		if err != nil || !found {
			return chunks, err
		}
		if chunks = append(chunks, append([]byte{}, chunk...)); len(chunk) < configChunk {
			return chunks, nil
		}
	}
}

// SetConfig replaces a configuration document of a bucket; nil removes it. The
// document is durable when it returns, and no change of a key or of the bucket
// commits meanwhile. A document of more than 4 MiB is [ErrConfigTooLarge].
func (s *Store) SetConfig(ctx context.Context, bucket string, kind ConfigKind, document []byte, made Maker) error {
	if err := s.setConfig(ctx, bucket, kind, document, made); err != nil {
		return &Error{Op: "set configuration", Bucket: bucket, Err: err}
	}
	return nil
}

func (s *Store) setConfig(ctx context.Context, bucket string, kind ConfigKind, document []byte, made Maker) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if len(document) > maxConfigBytes {
		return ErrConfigTooLarge
	}
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	if document != nil && kind.protects() {
		if err := s.useFeature(ctx, featureProtection); err != nil {
			return err
		}
	}
	b.hold.Lock()
	defer b.hold.Unlock()
	switch {
	case b.gone.Load():
		return ErrNoSuchBucket
	case b.row.Load().deleting:
		return ErrBucketBusy
	}
	var was [][]byte
	err = s.view(ctx, func(r engine.Reader) error {
		was, err = readConfig(r, b.id, kind)
		return err
	})
	if err != nil {
		return err
	}
	guards, mutations := configRows(b.id, kind, was, cutConfig(document))
	if len(mutations) == 0 {
		return nil // it is durable already
	}
	// A deletion of the bucket by another process must not leave rows behind.
	guards = append(guards, engine.Guard{Key: bucketKey(b.name), Value: b.row.Load().encode()})
	// Also after a failure, whose outcome may be unknown.
	defer b.parsed.forget(kind)
	return s.commitNoted(ctx, guards, mutations, b.place(), made, configEntry(kind, document))
}

// cutConfig cuts a document into its chunks; nil has none, and the empty document
// has an empty one.
func cutConfig(document []byte) (chunks [][]byte) {
	if document == nil {
		return nil
	}
	chunks = [][]byte{document[:min(len(document), configChunk)]}
	for rest := document[len(chunks[0]):]; len(rest) > 0; {
		n := min(len(rest), configChunk)
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	return chunks
}

// configRows returns the rows that differ between two documents, each guarded by
// what it was.
func configRows(b bucketID, kind ConfigKind, was, is [][]byte) (guards []engine.Guard, mutations []engine.Mutation) {
	for n := range max(len(was), len(is)) {
		key := configKey(b, kind, n)
		var before, after []byte
		if n < len(was) {
			before = was[n]
		}
		if n < len(is) {
			after = is[n]
		}
		if bytes.Equal(before, after) && (before == nil) == (after == nil) {
			continue
		}
		guards = append(guards, engine.Guard{Key: key, Value: before})
		if after == nil {
			mutations = append(mutations, engine.Delete(configKey(b, kind, n)))
		} else {
			mutations = append(mutations, engine.Set(key, after))
		}
	}
	return guards, mutations
}
