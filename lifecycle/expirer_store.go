package lifecycle

import (
	"context"
	"errors"

	"github.com/seed61737384/tombstone/versioning"
)

// What a store tells the expirer, and the expirer its callers. They are compared with
// errors.Is.
var (
	// ErrChanged says that a key or an upload is not what it was when it was judged,
	// so that nothing was done.
	ErrChanged = errors.New("it is not what it was when it was judged")
	// ErrNoBucket says that the bucket is gone or being deleted.
	ErrNoBucket = errors.New("bucket does not exist")
	// ErrMFADelete says that MFA Delete is Enabled, where rules do nothing (spec LC6-2).
	ErrMFADelete = errors.New("bucket has MFA Delete enabled")
	// ErrFuture refuses a run, other than a dry one, at a time that has not come.
	ErrFuture = errors.New("only a dry run can be at a later time")
	// ErrRulesChanged says that the rules changed, or object time was set back, while
	// they were run. What was done until then was right.
	ErrRulesChanged = errors.New("lifecycle rules changed while they were run")
	// ErrClosed says that the expirer was closed.
	ErrClosed = errors.New("expirer is closed")
)

// Bucket is a bucket that may have rules.
type Bucket struct {
	Name string
	ID   uint64 // never used again for another one
}

// Place is a place between entries: behind that of Key with Order, or behind all of
// Key if Order is 0. The zero value is before all.
type Place struct {
	Key   string
	Order versioning.Order
}

// before is the place before the entries of key.
func before(key string) Place { return Place{key, ^versioning.Order(0)} }

// PageRequest asks for a page of the entries of the keys that begin with Prefix.
type PageRequest struct {
	Bucket string
	Prefix string
	After  Place
	Limit  int
}

// Page is a page of entries, keys in order and newest first within a key.
type Page struct {
	State     versioning.State
	MFADelete bool // MFA Delete is Enabled
	Entries   []Entry
	// Damaged are the keys with an entry on the page that cannot be read; these
	// entries are left out.
	Damaged []string
	Next    Place // where the next page begins
	More    bool  // there is at least one more entry
	// Heads returns the summaries of keys, which are sorted, as of the snapshot that
	// the page was read in.
	Heads func(keys []string) ([]versioning.Head, error)
}

// Removal is what is to be done to a key that was judged.
type Removal struct {
	Key   string
	ID    versioning.ID    // entry to destroy; zero: the key is deleted as DeleteObject does
	Order versioning.Order // of the entry that was judged; 0: a marker that an earlier removal adds
	Seen  versioning.Head  // of the key, before any removal of the same call
	Rule  string           // ID of the rule
}

// UploadsRequest asks for a page of the uploads of the keys that begin with Prefix,
// behind the one of AfterKey with AfterID.
type UploadsRequest struct {
	Bucket, Prefix    string
	AfterKey, AfterID string
}

// Store is what the expirer reads entries and uploads by, and changes them.
type Store interface {
	// History reads a page and calls fn with it, once, within the snapshot. The page is
	// good until fn returns.
	History(ctx context.Context, r PageRequest, fn func(*Page) error) error
	// Remove does what was judged, each only if its key is as it was seen: else its
	// error is [ErrChanged]. One of an entry that is locked by now is
	// [versioning.ObjectLocked]. The removals of a key stand in the order in which they
	// were judged. The call fails with [ErrNoBucket] and [ErrMFADelete], and with
	// [ErrRulesChanged] if at that moment the bucket has other rules than c: once rules are
	// replaced or removed nothing goes by them any more.
	Remove(ctx context.Context, bucket string, c *Config, rs []Removal) ([]error, error)
	// Uploads reads a page of uploads, and tells whether there are more.
	Uploads(ctx context.Context, r UploadsRequest) (page []Upload, more bool, err error)
	// UploadSize returns the bytes of the parts of an upload, 0 if it is over.
	UploadSize(ctx context.Context, bucket string, u *Upload) (int64, error)
	// Abort aborts uploads by a rule of c, as Remove removes. The error of one that is over
	// is [ErrChanged].
	Abort(ctx context.Context, bucket string, c *Config, rule string, us []Upload) ([]error, error)
}

// Buckets are the buckets and their rules.
type Buckets interface {
	// Buckets returns the buckets behind the name after in order, and tells whether
	// there are more.
	Buckets(ctx context.Context, after string) (page []Bucket, more bool, err error)
	// Bucket returns one bucket; [ErrNoBucket] if there is none.
	Bucket(ctx context.Context, name string) (Bucket, error)
	// Config returns the rules of a bucket, nil if it has none. It is called often, and
	// returns the same pointer until they change.
	Config(ctx context.Context, bucket string) (*Config, error)
}

// Progress keeps how far passes are, over a restart, as documents with names.
type Progress interface {
	// Keep keeps a document in the place of what has the name.
	Keep(ctx context.Context, name string, document []byte) error
	// Drop removes a document.
	Drop(ctx context.Context, name string) error
	// Kept returns all documents by their names.
	Kept(ctx context.Context) (map[string][]byte, error)
}
