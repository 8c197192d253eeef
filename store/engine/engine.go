package engine

import (
	"context"
	"errors"
)

// ErrConflict says that a transaction was not applied, because a key it wrote
// or guarded was not as the transaction had seen it. Nothing was changed; the
// caller reads again and decides anew.
var ErrConflict = errors.New("engine: conflict")

// ErrCommitUnknown says that a transaction may or may not have been applied.
// The caller finds out by reading, and never repeats it blindly.
var ErrCommitUnknown = errors.New("engine: outcome of commit unknown")

// ErrClosed says that the engine is closed, or closing.
var ErrClosed = errors.New("engine: closed")

// ErrTooLarge says that a transaction, a key or a value is over [Limits].
var ErrTooLarge = errors.New("engine: over the engine's limits")

// Engine is an ordered map from byte keys to byte values with atomic,
// durable changes. All methods may be called from many goroutines.
type Engine interface {
	// View calls fn with one consistent snapshot, which ends when fn
	// returns. It is meant to be short: long jobs open one view a page.
	View(ctx context.Context, fn func(Reader) error) error

	// Update calls fn with a snapshot and applies what fn wrote, all or
	// nothing. It returns ErrConflict if a written or guarded key was
	// changed or appeared since the snapshot; it never retries by itself.
	// fn must have no effect but through Txn. When Update returns nil the
	// change is durable.
	Update(ctx context.Context, fn func(Txn) error) error

	// Commit applies mutations, in their order and all or nothing, if every
	// guard holds, else it returns ErrConflict. Keys without a guard are
	// written blindly. When Commit returns nil the change is durable.
	Commit(ctx context.Context, guards []Guard, mutations []Mutation) error

	// Sync returns when every change that a View could see before the call is
	// durable, also one whose Commit has not returned yet, or was told to
	// return earlier.
	Sync(ctx context.Context) error

	// Limits says what one transaction may hold.
	Limits() Limits

	// Close ends the engine. Calls under way finish, later ones return
	// ErrClosed.
	Close() error
}

// Reader reads one snapshot. It is used by one goroutine at a time.
type Reader interface {
	// Get returns a copy of the value of key; found tells an absent key from
	// an empty value.
	Get(key []byte) (value []byte, found bool, err error)

	// GetMulti is Get for many keys: the values stand in the order of keys,
	// nil for an absent key (a present empty value is empty, not nil).
	GetMulti(keys [][]byte) (values [][]byte, err error)

	// Scan calls fn for the entries of r in order until fn returns false or
	// r.Limit entries were given. The slices are valid only within the call
	// and must not be changed. more tells whether an entry within the bounds
	// may be left over after the last one given.
	Scan(r Range, fn func(key, value []byte) bool) (more bool, err error)

	// Mark names the snapshot, for guards on what was read from it.
	Mark() Mark
}

// Mark names a snapshot of one engine while that is open. Zero names none, and is
// what an engine returns that has no use for marks.
type Mark uint64

// Txn is a Reader whose writes are applied together when the function given
// to [Engine.Update] returns nil. Reads do not see the transaction's own writes.
type Txn interface {
	Reader
	// Write adds mutations to the transaction.
	Write(mutations ...Mutation)
	// Guard makes the transaction conflict if key changes before it commits.
	Guard(key []byte)
}

// Range bounds a scan: keys in [Start, End), at most Limit of them (0 means
// no limit), in descending order if Reverse. A nil End means no upper bound.
type Range struct {
	Start, End []byte
	Limit      int
	Reverse    bool
}

// Guard is the condition that a key holds Value, or is absent if Value is nil.
type Guard struct {
	Key   []byte
	Value []byte // nil: absent
	// Seen is the mark of a snapshot in which Key held Value, 0 if none is known.
	// It changes no outcome: it lets an engine that knows that the key was not
	// written since do without reading it again.
	Seen Mark
}

// Kind tells what a Mutation does.
type Kind uint8

// The kinds of mutation.
const (
	KindSet Kind = iota + 1
	KindDelete
	KindAdd
)

// Mutation is one change. It is built by [Set], [Delete], [DeleteSized] and [Add]
// and keeps the slices it was built from, which the caller must not change until
// the transaction has returned.
type Mutation struct {
	Kind   Kind
	Key    []byte
	Value  []byte  // KindSet
	Size   int     // KindDelete: size of the value that goes, bytes; 0 if not known
	Deltas []int64 // KindAdd
}

// Set makes key hold value.
func Set(key, value []byte) Mutation { return Mutation{Kind: KindSet, Key: key, Value: value} }

// Delete makes key absent.
func Delete(key []byte) Mutation { return Mutation{Kind: KindDelete, Key: key} }

// DeleteSized is Delete of a key whose value has about size bytes, so that the
// engine can weigh what it may reclaim.
func DeleteSized(key []byte, size int) Mutation {
	return Mutation{Kind: KindDelete, Key: key, Size: size}
}

// Add adds deltas to the list of counters that key holds ([Counters]), element
// by element; a missing key or element counts as zero. Adds commute: they never
// conflict with one another, and a key that is added to is never guarded, set or
// read within a transaction that changes anything.
func Add(key []byte, deltas ...int64) Mutation {
	return Mutation{Kind: KindAdd, Key: key, Deltas: deltas}
}

// Limits says what one transaction may hold. Zero means no limit.
type Limits struct {
	Mutations int // number of mutations
	Bytes     int // sum of key and value bytes
	KeySize   int // bytes of one key
	ValueSize int // bytes of one value
}
