package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// What [Store] and [Work] answer besides the refusals of package versioning, of which
// ObjectLocked says that a lock keeps an entry.
var (
	// ErrNoSuchBucket says that there is no bucket of a name, or another one by now.
	ErrNoSuchBucket = errors.New("the bucket is not there any more")
	// ErrBucketNotEmpty says that a bucket cannot be deleted for what is in it.
	ErrBucketNotEmpty = errors.New("the bucket is not empty")
	// ErrDamaged says that something of a key cannot be read.
	ErrDamaged = errors.New("the key has an entry that cannot be read")
	// ErrChanged says that a key is not what it was when it was looked at: nothing was
	// done.
	ErrChanged = errors.New("the key changed meanwhile")
)

// Bucket is what a job has to know of a bucket when it starts.
type Bucket struct {
	ID      uint64 // never used again
	Account string // that owns it
	// Boundary is above the order of all that is there, below that of all to come.
	Boundary versioning.Order
	// Total is how many versions, markers and uploads there are.
	Total int64
}

// Store is the folder as jobs see it.
type Store interface {
	// Bucket returns a bucket, or ErrNoSuchBucket.
	Bucket(ctx context.Context, name string) (Bucket, error)
	// Open returns the bucket of a job as its starter may use it at this moment. It is
	// asked anew before each batch. An error ends the job: the starter is nobody any
	// more, or the bucket is gone or another one ([ErrNoSuchBucket]).
	Open(ctx context.Context, j *Job) (Work, error)
}

// Work is a bucket, used with the rights of a job's starter. Where the job is a dry
// run, nothing is done, and everything answered as if.
type Work interface {
	// Page reads a page of history.
	Page(ctx context.Context, r PageRequest) (Page, error)
	// Remove removes entries, as one commit where that is possible. The errors are
	// those of the entries, in their order: nil, ErrChanged, versioning.ObjectLocked,
	// or else why the starter may not.
	Remove(ctx context.Context, rs []Removal) ([]error, error)
	// Uploads returns uploads behind a place by key and id, and where the next ones are
	// looked for, the zero place if there are none.
	Uploads(ctx context.Context, prefix string, after UploadPlace, limit int) ([]Upload, UploadPlace, error)
	// Abort aborts uploads. The errors are as those of Remove; one that is gone is nil.
	Abort(ctx context.Context, us []Upload) ([]error, error)
	// DeleteBucket deletes the bucket, or answers ErrBucketNotEmpty.
	DeleteBucket(ctx context.Context) error
	// FormatVersionID returns a version id as answers show it.
	FormatVersionID(id versioning.ID) string
}

// Documents keeps documents by name, across restarts.
type Documents interface {
	// Keep keeps a document in the place of the one of its name.
	Keep(ctx context.Context, name string, document []byte) error
	// Drop removes a document, if there is one.
	Drop(ctx context.Context, name string) error
	// Kept returns the documents whose names begin with a prefix.
	Kept(ctx context.Context, prefix string) ([][]byte, error)
}

// Budget makes background work yield to requests.
type Budget interface {
	// Rest is called after n entries took worked, and waits for as long as requests
	// need.
	Rest(ctx context.Context, worked time.Duration, n int) error
}

// Entry is an entry of a key: a version or a delete marker.
type Entry struct {
	Key          string           `json:"key"`
	Order        versioning.Order `json:"order"`
	Null         bool             `json:"null,omitempty"`
	Marker       bool             `json:"marker,omitempty"`
	Size         int64            `json:"size,omitempty"`
	LastModified time.Time        `json:"lastModified"`
	Lock         versioning.Lock  `json:"lock"`
}

// ID returns the version id of e.
func (e *Entry) ID() versioning.ID {
	if e.Null {
		return versioning.Null
	}
	return versioning.IDOf(e.Order)
}

// Place is a place in the history of a bucket: behind the entry of a key with an order.
// Order 0 is behind all of the key, the zero place before everything.
type Place struct {
	Key   string           `json:"key,omitempty"`
	Order versioning.Order `json:"order,omitempty"`
}

// PageRequest says which entries a page is to have: those behind After whose keys begin
// with Prefix, at most Limit.
type PageRequest struct {
	Prefix string
	After  Place
	Limit  int
	// MarkersOnly leaves out the heads of keys of which the page has no marker.
	MarkersOnly bool
	// Head is a key not after the others whose head is asked for too, empty for none.
	Head string
}

// Page is a page of history: keys in order, newest first within a key.
type Page struct {
	Entries []Entry
	Heads   map[string]versioning.Head // of the keys of Entries, as they were then
	More    bool                       // there is at least one more entry
	Next    Place                      // where the next page is
	// Damaged are the keys with an entry that cannot be read, which is not among Entries.
	Damaged []string
}

// Removal asks for the end of an entry.
type Removal struct {
	Entry Entry
	Seen  versioning.Head // of its key when it was read
	// Apart says that the entry goes whatever becomes of the others of its key; else
	// only if all that stand before it are done.
	Apart bool

	last bool // it is the newest of its key
}

// UploadPlace is a place among uploads: behind the one that it names.
type UploadPlace struct {
	Key string `json:"key,omitempty"`
	ID  string `json:"id,omitempty"`
}

// Upload is an upload in progress.
type Upload struct {
	Key, ID string
	Order   versioning.Order // of its beginning, to be held against the boundary
}
