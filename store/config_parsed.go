package store

import (
	"context"
	"sync/atomic"
)

// parsedConfigs are the configuration documents of a bucket as they were parsed, by
// kind, as far as they were asked for since they changed.
type parsedConfigs [configKinds]atomic.Pointer[parsedConfig]

// parsedConfig is a document that was parsed, or the absence of one. A place whose
// document changed holds one that is not known, which is another one after each
// change: so whoever parsed what was there before cannot put it into the place.
type parsedConfig struct {
	known    bool
	changing bool // nobody may put what was parsed in its place
	value    any  // a *T; nil if there is no document
}

// change makes the document of a kind unknown, and keeps it so until the function that
// it returns is called: a commit is seen before it is durable, so that of two readers
// side by side one may find the old document and one the new, and the old one must not
// be what is kept. The caller has the exclusive hold of the bucket.
func (p *parsedConfigs) change(kind ConfigKind) (changed func()) {
	if kind >= configKinds {
		return func() {}
	}
	p[kind].Store(&parsedConfig{changing: true})
	return func() { p[kind].Store(&parsedConfig{}) }
}

// Parsed returns what parse makes of a configuration document of a bucket, nil if
// there is none. The result is kept with the bucket until the document changes, so
// that a document which every request looks at is read and parsed once: a call that
// finds it does no I/O, takes no lock but the one that finds the bucket, and
// allocates nothing. It is shared and must not be changed. What has been set by a
// [Store.SetConfig] that returned is seen, and nothing older than an earlier call saw.
//
// Each kind is to be asked for as one type. An error of parse is returned within an
// [*Error], and nothing is kept.
func Parsed[T any](
	ctx context.Context, s *Store, bucket string, kind ConfigKind, parse func([]byte) (*T, error),
) (*T, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, &Error{Op: "read configuration", Bucket: bucket, Err: err}
	}
	if kind >= configKinds {
		return nil, &Error{Op: "read configuration", Bucket: bucket, Err: ErrFormat}
	}
	place := &b.parsed[kind]
	had := place.Load()
	if had != nil && had.known {
		if had.value == nil {
			return nil, nil
		}
		if value, ok := had.value.(*T); ok {
			return value, nil
		}
	}
	document, err := s.Config(ctx, bucket, kind)
	if err != nil {
		return nil, err
	}
	is := &parsedConfig{known: true}
	var value *T
	if document != nil {
		if value, err = parse(document); err != nil {
			return nil, &Error{Op: "parse configuration", Bucket: bucket, Err: err}
		}
		is.value = value
	}
	if had == nil || !had.changing {
		place.CompareAndSwap(had, is)
	}
	return value, nil
}
