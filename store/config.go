package store

import (
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
		chunks, err := configPlace(b.id, kind).read(r)
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

// configPlace is where a document is kept.
func configPlace(b bucketID, kind ConfigKind) documentPlace {
	return documentPlace{
		key:    func(chunk int) []byte { return configKey(b, kind, chunk) },
		remove: func(chunk int) engine.Mutation { return engine.Delete(configKey(b, kind, chunk)) },
	}
}

// SetConfig replaces a configuration document of a bucket; nil removes it. The
// document is durable when it returns, and no change of a key or of the bucket
// commits meanwhile. A document of more than 4 MiB is [ErrConfigTooLarge], a lifecycle
// configuration where MFA Delete is Enabled [ErrMFADelete] (spec LC6-2).
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
	case kind == ConfigLifecycle && document != nil && b.row.Load().MFADelete == MFADeleteEnabled:
		return ErrMFADelete
	}
	place := configPlace(b.id, kind)
	var was [][]byte
	err = s.view(ctx, func(r engine.Reader) error {
		was, err = place.read(r)
		return err
	})
	if err != nil {
		return err
	}
	guards, mutations := place.replace(was, cutDocument(document))
	if len(mutations) == 0 {
		return nil // it is durable already
	}
	// A deletion of the bucket by another process must not leave rows behind, nor may
	// one enable MFA Delete.
	guards = append(guards, engine.Guard{Key: bucketKey(b.name), Value: b.row.Load().encode()})
	// Also after a failure, whose outcome may be unknown.
	defer b.parsed.change(kind)()
	return s.commitNoted(ctx, guards, mutations, b.place(), made, configEntry(kind, document))
}
