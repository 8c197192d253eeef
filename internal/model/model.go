package model

import (
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// Null is the name of the null entry of a key (spec VD2-3).
const Null = "null"

// Code is why a request is refused: S3's code where it has one.
type Code string

// The codes.
const (
	NoSuchBucket       Code = "NoSuchBucket"
	BucketExists       Code = "BucketAlreadyExists"
	BucketNotEmpty     Code = "BucketNotEmpty"
	InvalidBucketState Code = "InvalidBucketState"
	NoSuchKey          Code = "NoSuchKey"
	NoSuchVersion      Code = "NoSuchVersion"
	MethodNotAllowed   Code = "MethodNotAllowed"
	PreconditionFailed Code = "PreconditionFailed"
	NotImplemented     Code = "NotImplemented"
	ObjectLocked       Code = "AccessDenied"
	InvalidRequest     Code = "InvalidRequest" // no Object Lock
)

// Error returns the code.
func (c Code) Error() string { return string(c) }

// Object is what a put stores.
type Object struct {
	Size int64
	Seed int // what the harness makes the bytes from
	ETag string
	Lock Lock
}

// Entry is an object version or a delete marker of a key.
type Entry struct {
	Key          string
	Name         string
	DeleteMarker bool
	Object       Object
	// ID and Modified are for the harness, which learns version ids and
	// Last-Modified from the store and holds the store to them; zero until then.
	ID       string
	Modified time.Time
	// Place is the number of entries made in the store before and with this one:
	// no other entry ever has it.
	Place int
}

// Store is all buckets.
type Store struct {
	buckets map[string]*bucket
	made    int
	now     time.Duration  // lock time
	places  map[string]int // of every name that ever got an entry
}

type bucket struct {
	state versioning.State
	lock  bool
	mode  Mode                // of the default retention
	days  int                 // of it, 0: none
	keys  map[string][]*Entry // histories, newest first, never empty
}

// New returns a store without buckets.
func New() *Store {
	return &Store{buckets: make(map[string]*bucket), places: make(map[string]int)}
}

// Clone returns a copy that changes on its own.
func (s *Store) Clone() *Store {
	c := New()
	c.made, c.now = s.made, s.now
	for name, place := range s.places {
		c.places[name] = place
	}
	for name, b := range s.buckets {
		keys := make(map[string][]*Entry, len(b.keys))
		for key, history := range b.keys {
			for _, e := range history {
				e := *e
				keys[key] = append(keys[key], &e)
			}
		}
		c.buckets[name] = &bucket{state: b.state, lock: b.lock, mode: b.mode, days: b.days, keys: keys}
	}
	return c
}

// CreateBucket makes a bucket, versioned from the start if lock configures
// Object Lock (spec VD1-1, VD1-2).
func (s *Store) CreateBucket(name string, lock bool) error {
	if s.buckets[name] != nil {
		return BucketExists
	}
	b := &bucket{lock: lock, keys: make(map[string][]*Entry)}
	if lock {
		b.state = versioning.Enabled
	}
	s.buckets[name] = b
	return nil
}

// Bucket returns the state of a bucket.
func (s *Store) Bucket(name string) (state versioning.State, lock bool, err error) {
	b := s.buckets[name]
	if b == nil {
		return 0, false, NoSuchBucket
	}
	return b.state, b.lock, nil
}

// Buckets returns the names of all buckets in order.
func (s *Store) Buckets() []string {
	names := make([]string, 0, len(s.buckets))
	for name := range s.buckets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// SetVersioning changes the state of a bucket (spec VD1-4, VD1-5, VD1-18).
func (s *Store) SetVersioning(name string, state versioning.State) error {
	b := s.buckets[name]
	switch {
	case b == nil:
		return NoSuchBucket
	case b.lock && state == versioning.Suspended:
		return InvalidBucketState
	}
	b.state = state
	return nil
}

// DeleteBucket removes a bucket that has no entry (spec VD9-1, VD9-2, VD9-3).
func (s *Store) DeleteBucket(name string) error {
	b := s.buckets[name]
	switch {
	case b == nil:
		return NoSuchBucket
	case len(b.keys) > 0:
		return BucketNotEmpty
	}
	delete(s.buckets, name)
	return nil
}

// Keys returns the keys of a bucket that begin with prefix, in the order of
// their bytes (spec LS1-1), those under a delete marker included.
func (s *Store) Keys(bucket, prefix string) []string {
	b := s.buckets[bucket]
	if b == nil {
		return nil
	}
	var keys []string
	for key := range b.keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// History returns the entries of a key, newest first.
func (s *Store) History(bucket, key string) []*Entry {
	b := s.buckets[bucket]
	if b == nil {
		return nil
	}
	return b.keys[key]
}

// Statistics are the figures of a bucket, in entries and payload bytes.
type Statistics struct {
	Objects, ObjectBytes        int64
	Noncurrent, NoncurrentBytes int64
	DeleteMarkers               int64
	Locked                      int64 // versions with a lock setting
}

// Statistics counts the entries of a bucket.
func (s *Store) Statistics(name string) (Statistics, error) {
	b := s.buckets[name]
	if b == nil {
		return Statistics{}, NoSuchBucket
	}
	var sum Statistics
	for _, history := range b.keys {
		for i, e := range history {
			if !e.Object.Lock.IsZero() {
				sum.Locked++
			}
			switch {
			case e.DeleteMarker:
				sum.DeleteMarkers++
			case i == 0:
				sum.Objects++
				sum.ObjectBytes += e.Object.Size
			default:
				sum.Noncurrent++
				sum.NoncurrentBytes += e.Object.Size
			}
		}
	}
	return sum, nil
}
