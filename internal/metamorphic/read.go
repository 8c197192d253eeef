package metamorphic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

func (c *Client) readRequest(op Op, as versioning.Operation) (store.ReadRequest, error) {
	id, _, err := c.id(op.text("version"))
	return store.ReadRequest{Bucket: op.Args[0], Key: op.Args[1], ID: id, Operation: as}, err
}

func playHead(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	r, err := c.readRequest(op, versioning.HeadObject)
	if err != nil {
		return broken(err)
	}
	o, err := c.Store.Head(ctx, r)
	return func(refused string) error { return c.compareRead(op, o, refused, err) }, err
}

func playGet(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	opened, err := c.open(ctx, op)
	if err != nil {
		return func(refused string) error { return c.compareRead(op, store.Object{}, refused, err) }, err
	}
	b, first, err := readRange(ctx, opened, op)
	if err = errors.Join(err, opened.Close()); err != nil {
		return broken(err)
	}
	return func(refused string) error {
		e, _, _ := c.Model.Read(op.Args[0], op.Args[1], op.text("version"))
		if err := c.compareRead(op, opened.Object, refused, nil); err != nil {
			return err
		}
		return compareBytes(b, first, int(e.Object.Size), e.Object.Seed)
	}, nil
}

func (c *Client) open(ctx context.Context, op Op) (*store.Opened, error) {
	r, err := c.readRequest(op, versioning.GetObject)
	if err != nil {
		return nil, err
	}
	return c.Store.Get(ctx, r)
}

// compareRead compares what a read says of an entry, or the marker that it met,
// with the model (spec VD4).
func (c *Client) compareRead(op Op, o store.Object, refused string, err error) error {
	e, header, want := c.Model.Read(op.Args[0], op.Args[1], op.text("version"))
	if err := differ(op.Verb, refused, refusal(want)); err != nil {
		return err
	}
	if want == nil {
		if err := c.learn(e, o); err != nil {
			return err
		}
		expect := expectedRead(e)
		if header != "" {
			expect.VersionHeader = e.ID
		}
		return differ(op.Verb, describe(o), describe(expect))
	}
	return c.compareMarker(e, err)
}

// compareMarker compares the marker that a refusal shows with the one that the
// model met.
func (c *Client) compareMarker(e *model.Entry, err error) error {
	var met store.Object
	if r := (*versioning.Refusal)(nil); errors.As(err, &r) && r.Marker != nil {
		met = store.Object{VersionID: c.Store.FormatVersionID(r.Marker.ID()), LastModified: r.Marker.LastModified}
	}
	if e == nil {
		return differ("marker met", met.VersionID, "")
	}
	if err := c.learn(e, met); err != nil {
		return err
	}
	return differ("marker met", fmt.Sprint(met.VersionID, met.LastModified), fmt.Sprint(e.ID, e.Modified))
}

// readRange reads the bytes FROM-TO, without TO, of the option range, or all of
// them, and returns the number of the first.
func readRange(ctx context.Context, opened *store.Opened, op Op) (b []byte, first int, err error) {
	size := int(opened.Object.Size)
	first, last := 0, size
	if from, to, ok := strings.Cut(op.text("range"), "-"); ok {
		first, _ = strconv.Atoi(from)
		last, _ = strconv.Atoi(to)
		first, last = min(first, size), min(last, size)
		first = min(first, last)
	}
	r, err := opened.Reader(ctx, int64(first), int64(last-first))
	if err != nil {
		return nil, 0, err
	}
	b, err = io.ReadAll(r)
	return b, first, errors.Join(err, r.Close())
}

// compareBytes compares bytes of an object, from first on, with those that were
// put. All of them if the range was all of them.
func compareBytes(b []byte, first, size, seed int) error {
	want := body(size, seed)
	if first+len(b) > len(want) || !bytes.Equal(b, want[first:first+len(b)]) {
		return fmt.Errorf("%d bytes from %d on are not those that were put: size=%d seed=%d", len(b), first, size, seed)
	}
	return nil
}

func playOpen(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	opened, err := c.open(ctx, op)
	return func(refused string) error {
		if err != nil {
			return c.compareRead(op, store.Object{}, refused, err)
		}
		if err := c.compareRead(op, opened.Object, refused, nil); err != nil {
			return errors.Join(err, opened.Close())
		}
		name := op.text("as")
		if last := c.opened[name]; last != nil {
			err = last.Close()
		}
		e, _, _ := c.Model.Read(op.Args[0], op.Args[1], op.text("version"))
		c.opened[name] = &reading{Opened: opened, bucket: op.Args[0], entry: *e}
		return err
	}, err
}

// playRead reads an object that is open, whose version may be gone long since.
func playRead(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	r := c.opened[op.Args[0]]
	if r == nil {
		return func(string) error { return nil }, nil
	}
	b, first, err := readRange(ctx, r.Opened, op)
	return func(refused string) error {
		if refused != "" {
			return errors.New(refused)
		}
		return compareBytes(b, first, int(r.entry.Object.Size), r.entry.Object.Seed)
	}, err
}

func playClose(_ context.Context, c *Client, op Op) (func(string) error, error) {
	var err error
	if r := c.opened[op.Args[0]]; r != nil {
		delete(c.opened, op.Args[0])
		err = r.Close()
	}
	return func(refused string) error { return differ("close", refused, "") }, err
}
