package metamorphic

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
)

// Scope is the part of a store that one client alone changes.
type Scope struct {
	Buckets []string // whole buckets, whether they exist or not
	Shared  []string // buckets of several clients, each with keys of its own
	Prefix  string   // of the client's keys in shared buckets
}

// errUnreadable says that the store could not be compared with the model.
var errUnreadable = errors.New("store cannot be read")

// Verify compares all that s holds in scope with m, and what it does not know of m
// it fills in. With bytes, every object version is read as well.
func Verify(ctx context.Context, s *store.Store, m *model.Store, scope Scope, bytes bool) error {
	return newVerifier(s, m, scope).verify(ctx, scope, bytes)
}

// newVerifier returns a client that knows the ids of all entries of m.
func newVerifier(s *store.Store, m *model.Store, scope Scope) *Client {
	c := NewClient(s, m)
	for _, b := range append(append([]string(nil), scope.Buckets...), scope.Shared...) {
		for _, key := range m.Keys(b, "") {
			c.remember(m.History(b, key))
		}
	}
	return c
}

// remember notes the ids of entries.
func (c *Client) remember(history []*model.Entry) {
	for _, e := range history {
		if e.ID != "" && e.Name != model.Null {
			c.ids[e.Name], c.used[e.ID] = e.ID, struct{}{}
		}
	}
}

func (c *Client) verify(ctx context.Context, scope Scope, bytes bool) error {
	var errs []error
	for _, b := range scope.Buckets {
		errs = append(errs, c.verifyAll(ctx, model.List{Bucket: b, Limit: maxPage}, true, bytes))
	}
	for _, b := range scope.Shared {
		errs = append(errs, c.verifyAll(ctx, model.List{Bucket: b, Prefix: scope.Prefix, Limit: maxPage}, false, bytes))
	}
	return errors.Join(errs...)
}

// verifyAll compares the entries that r lists; whole says that they are all of the
// bucket's.
func (c *Client) verifyAll(ctx context.Context, r model.List, whole, bytes bool) error {
	ops := []Op{
		{Verb: "bucket", Args: []string{r.Bucket}},
		Op{Verb: "walk", Args: []string{r.Bucket}}.with("prefix", r.Prefix),
	}
	if whole {
		ops = append(ops, Op{Verb: "stats", Args: []string{r.Bucket}})
	}
	for _, key := range c.Model.Keys(r.Bucket, r.Prefix) {
		if !bytes {
			break
		}
		get := Op{Verb: "get", Args: []string{r.Bucket, key}}
		ops = append(ops, get)
		for _, e := range c.Model.History(r.Bucket, key) {
			ops = append(ops, get.with("version", e.Name))
		}
	}
	for _, op := range ops {
		if err := c.compare(ctx, op); err != nil {
			return fmt.Errorf("%v: %w", op, err)
		}
	}
	return nil
}

// compare plays an operation that changes nothing.
func (c *Client) compare(ctx context.Context, op Op) error {
	answer, err := plays[op.Verb](ctx, c, op)
	if err != nil && codeOf(err) == "" {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return answer(code(err))
}

// unlisted are the operations that change what no listing shows.
var unlisted = map[string]bool{"lock": true, "hold": true}

// resolve finds out what became of an operation whose outcome is unknown, by
// comparing the store with what it would be in each case.
func (c *Client) resolve(ctx context.Context, op Op) error {
	var errs []error
	for _, done := range outcomes(op) {
		m := c.Model.Clone()
		Apply(m, done)
		probe := newVerifier(c.Store, m, c.Scope)
		err := probe.verify(ctx, c.Scope, unlisted[op.Verb])
		if errors.Is(err, errUnreadable) {
			return fmt.Errorf("%w: %w", ErrPending, err)
		}
		if err == nil {
			c.locked(func() {
				c.Model, c.playing = m, nil
				for name, id := range probe.ids {
					c.ids[name], c.used[id] = id, struct{}{}
				}
			})
			return nil
		}
		errs = append(errs, fmt.Errorf("after %v: %w", done, err))
	}
	return fmt.Errorf("store is in no state that %v can leave: %w", op, errors.Join(errs...))
}

// outcomes returns what may have happened of an operation of unknown outcome: all
// of it first, nothing of it last. Only delete-objects can be done in part.
func outcomes(op Op) []Op {
	all := []Op{op}
	for n := len(op.Targets) - 1; n > 0; n-- {
		part := op
		part.Targets = op.Targets[:n]
		all = append(all, part)
	}
	return append(all, Op{Verb: "check"})
}

// VerifyAfterCrash compares s with what a client knew at the moment of the crash:
// its model, and the operation that was under way, if there was one, which may
// have happened in whole, not at all, or for some of its keys.
func VerifyAfterCrash(ctx context.Context, s *store.Store, m *model.Store, playing *Op, scope Scope) error {
	if playing == nil {
		return Verify(ctx, s, m, scope, true)
	}
	var errs []error
	for _, done := range outcomes(*playing) {
		after := m.Clone()
		Apply(after, done)
		err := Verify(ctx, s, after, scope, true)
		if err == nil || errors.Is(err, errUnreadable) {
			return err
		}
		errs = append(errs, fmt.Errorf("after %v: %w", done, err))
	}
	return errors.Join(errs...)
}
