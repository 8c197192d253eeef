package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// ErrPending says that the outcome of an operation is unknown and could not be
// found out. The client cannot go on.
var ErrPending = errors.New("outcome of the operation is unknown")

// Client plays operations on buckets against a store and the model, and compares
// what they answer. Its methods are called by one goroutine; a client that has a
// Lock can be looked at by others who hold it.
type Client struct {
	Store *store.Store
	Model *model.Store
	// Lock, if set, is held while Model changes, never during a call of Store.
	Lock sync.Locker
	// Scope is what the client changes.
	Scope Scope
	// Tolerant accepts failures of the disk: such an operation must leave no
	// trace.
	Tolerant bool
	// Unknowns counts the operations whose outcome had to be found out.
	Unknowns int
	// Busy counts the operations that were given up because of conflicts.
	Busy int
	// Answers counts the answers by operation and code, as in "get NoSuchKey".
	Answers map[string]int

	playing *Op                 // between the beginning of an operation and its answer
	ids     map[string]string   // version ids by name
	used    map[string]struct{} // version ids that were ever issued
	opened  map[string]*reading
}

// reading is an object that is open across operations, and the entry that it was
// when it was opened.
type reading struct {
	*store.Opened
	bucket string
	entry  model.Entry
}

// NewClient returns a client of s, of which m knows all that the client will meet.
func NewClient(s *store.Store, m *model.Store) *Client {
	return &Client{
		Store: s, Model: m, ids: make(map[string]string), used: make(map[string]struct{}),
		opened: make(map[string]*reading), Answers: make(map[string]int),
	}
}

// Play plays one operation. It returns an error if store and model disagree, and
// [ErrPending] if that cannot be told.
func (c *Client) Play(ctx context.Context, op Op) error {
	play, known := plays[op.Verb]
	if !known {
		return fmt.Errorf("%s is not for a client", op.Verb)
	}
	c.locked(func() { c.playing = &op })
	answer, err := play(ctx, c, op)
	switch {
	case errors.Is(err, store.ErrUnknown):
		c.Unknowns++
		return c.resolve(ctx, op)
	case errors.Is(err, store.ErrBusy):
		c.Busy++
		c.locked(func() { c.playing = nil })
		return nil
	case err != nil && c.Tolerant && codeOf(err) == "":
		c.locked(func() { c.playing = nil })
		return nil
	}
	c.locked(func() {
		c.playing = nil
		c.Answers[strings.TrimSpace(op.Verb+" "+code(err))]++
		err = answer(code(err))
	})
	return err
}

// A play calls the store and returns its error, and a function that compares the
// answer, or the code of the refusal, with the model.
type play func(ctx context.Context, c *Client, op Op) (answer func(refused string) error, err error)

// plays has an entry for each verb of a client.
var plays = map[string]play{
	"create":         playCreate,
	"enable":         playState,
	"suspend":        playState,
	"delete-bucket":  playDeleteBucket,
	"bucket":         playBucket,
	"buckets":        playBuckets,
	"put":            playPut,
	"delete":         playDelete,
	"delete-objects": playDeleteObjects,
	"lock":           playLock,
	"hold":           playHold,
	"default":        playDefault,
	"get":            playGet,
	"head":           playHead,
	"open":           playOpen,
	"read":           playRead,
	"close":          playClose,
	"list":           playList,
	"versions":       playVersions,
	"walk":           playWalk,
	"stats":          playStatistics,
}

func (c *Client) locked(fn func()) {
	if c.Lock != nil {
		c.Lock.Lock()
		defer c.Lock.Unlock()
	}
	fn()
}

// Look returns a copy of the model, and the operation that was begun and is not
// answered yet, if there is one. The caller holds Lock.
func (c *Client) Look() (m *model.Store, playing *Op) { return c.Model.Clone(), c.playing }

// destroyed returns the open objects of a bucket whose entries are gone.
func (c *Client) destroyed(bucket string) map[int]model.Entry {
	gone := make(map[int]model.Entry)
	for _, r := range c.opened {
		there := slices.ContainsFunc(c.Model.History(r.bucket, r.entry.Key), func(e *model.Entry) bool {
			return e.Place == r.entry.Place
		})
		if r.bucket == bucket && !there {
			gone[r.entry.Place] = r.entry
		}
	}
	return gone
}

// CloseOpened closes the objects that are open.
func (c *Client) CloseOpened() error {
	var errs []error
	for _, r := range c.opened {
		errs = append(errs, r.Close())
	}
	clear(c.opened)
	return errors.Join(errs...)
}

// codes are the refusals of the store, in the words of the model where it has one.
var codes = []struct {
	err  error
	code string
}{
	{store.ErrNoSuchBucket, string(model.NoSuchBucket)},
	{store.ErrBucketExists, string(model.BucketExists)},
	{store.ErrBucketNotEmpty, string(model.BucketNotEmpty)},
	{versioning.InvalidBucketState, string(model.InvalidBucketState)},
	{versioning.NoSuchKey, string(model.NoSuchKey)},
	{versioning.NoSuchVersion, string(model.NoSuchVersion)},
	{versioning.MethodNotAllowed, string(model.MethodNotAllowed)},
	{versioning.PreconditionFailed, string(model.PreconditionFailed)},
	{versioning.NotImplemented, string(model.NotImplemented)},
	{versioning.ObjectLocked, string(model.ObjectLocked)},
	{store.ErrNoObjectLock, string(model.InvalidRequest)},
	{store.ErrInvalidKey, "InvalidKey"},
	{store.ErrKeyTooLong, "KeyTooLong"},
	{store.ErrShortBody, "ShortBody"},
	{store.ErrLongBody, "LongBody"},
	{errBody, "BodyFails"},
	{errRefused, "Refused"},
}

// codeOf returns the code of a refusal, empty if err is none.
func codeOf(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return ""
}

// code is codeOf for comparing: what is no refusal is shown as it is.
func code(err error) string {
	switch c := codeOf(err); {
	case err == nil:
		return ""
	case c != "":
		return c
	}
	return "error: " + err.Error()
}

// broken is the outcome of an operation that could not be asked for.
func broken(err error) (func(string) error, error) {
	return func(refused string) error { return errors.New(refused) }, err
}

// differ returns an error unless the store said what the model says.
func differ(what string, store, model any) error {
	s, m := fmt.Sprint(store), fmt.Sprint(model)
	if s == m {
		return nil
	}
	return fmt.Errorf("%s\n  store: %s\n  model: %s", what, s, m)
}

// refusal returns how the model refuses, empty if it does not.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// id returns the version id that name stands for. A name that got no entry stands
// for an id that the store can have made and never did.
func (c *Client) id(name string) (versioning.ID, string, error) {
	if name == "" {
		return versioning.ID{}, "", nil
	}
	text := c.ids[name]
	switch {
	case name == model.Null:
		text = model.Null
	case text == "":
		// Orders begin at a time, so small numbers are never issued.
		text = c.Store.FormatVersionID(versioning.IDOf(versioning.Order(len(c.ids) + 1)))
		c.ids[name] = text
	}
	id, err := c.Store.ParseVersionID(text)
	return id, text, err
}

// made notes the id that an answer gave to a new entry: it was never issued before
// (spec VD2-1, VD2-2, VD2-4).
func (c *Client) made(e *model.Entry, id string) error {
	if _, used := c.used[id]; used || len(id) != 32 {
		return fmt.Errorf("%q was issued before or is no version id", id)
	}
	c.used[id] = struct{}{}
	c.ids[e.Name], e.ID = id, id
	return nil
}

// learn fills in what only the store knows of an entry when it is seen first.
func (c *Client) learn(e *model.Entry, o store.Object) error {
	if e.Modified.IsZero() {
		e.Modified = o.LastModified
		settle(e)
	}
	if e.ID == "" {
		return c.made(e, o.VersionID)
	}
	return nil
}
