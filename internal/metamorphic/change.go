package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// Apply makes the model do what a changing operation does; others do nothing.
func Apply(m *model.Store, op Op) {
	switch op.Verb {
	case "create":
		_ = m.CreateBucket(op.Args[0], op.text("lock") == "yes")
	case "enable", "suspend":
		_ = m.SetVersioning(op.Args[0], stateOf(op))
	case "delete-bucket":
		_ = m.DeleteBucket(op.Args[0])
	case "put":
		if op.text("body") == "" {
			_, _ = m.Put(modelPut(op))
		}
	case "lock", "hold":
		_, _ = m.ChangeLock(modelLock(op))
	case "default":
		_ = m.SetDefault(op.Args[0], model.Mode(op.text("mode")), op.number("days", 0))
	case "advance":
		// A clock that is set back does not take time back.
		if d, err := time.ParseDuration(op.Args[0]); err == nil && d > 0 {
			m.SetNow(m.Now() + d)
		}
	case "delete":
		_, _ = m.Delete(op.Args[0], modelDelete(op))
	case "delete-objects":
		for _, d := range modelDeletes(op) {
			_, _ = m.Delete(op.Args[0], d)
		}
	}
}

func stateOf(op Op) versioning.State {
	if op.Verb == "enable" {
		return versioning.Enabled
	}
	return versioning.Suspended
}

// condition reads the options if-match, which is * or the SIZE/SEED of a body, and
// if-none-match, which is *.
func condition(op Op) model.Condition {
	match := op.text("if-match")
	switch {
	case op.text("if-none-match") != "":
		return model.Condition{Kind: model.MustBeAbsent}
	case match == "*":
		return model.Condition{Kind: model.MustExist}
	case match != "":
		size, seed, _ := strings.Cut(match, "/")
		n, _ := strconv.Atoi(size)
		s, _ := strconv.Atoi(seed)
		return model.Condition{Kind: model.MustMatch, ETag: object(n, s).ETag}
	}
	return model.Condition{}
}

// header returns the condition as the headers If-Match and If-None-Match.
func header(c model.Condition) (match, noneMatch string) {
	switch c.Kind {
	case model.MustBeAbsent:
		return "", "*"
	case model.MustExist:
		return "*", ""
	case model.MustMatch:
		return `"` + c.ETag + `"`, ""
	}
	return "", ""
}

func modelPut(op Op) model.Put {
	o := object(op.number("size", 0), op.number("seed", 0))
	o.Lock = model.Lock{Mode: model.Mode(op.text("mode")), Until: until(op), Hold: model.Hold(op.text("hold"))}
	return model.Put{Bucket: op.Args[0], Key: op.Args[1], Name: op.text("as"), Condition: condition(op), Object: o}
}

func modelDelete(op Op) model.Delete {
	return model.Delete{
		Key: op.Args[1], ID: op.text("version"), Name: op.text("as"),
		Condition: condition(op), Bypass: op.text("bypass") == "yes",
	}
}

func modelDeletes(op Op) []model.Delete {
	ds := make([]model.Delete, len(op.Targets))
	for i, t := range op.Targets {
		ds[i] = model.Delete{
			Key: t.Key, ID: t.Version, Name: fmt.Sprintf("%s.%d", op.text("as"), i), Bypass: op.text("bypass") == "yes",
		}
	}
	return ds
}

func playCreate(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	spec := store.BucketSpec{Name: op.Args[0], Owner: owner, ObjectLock: op.text("lock") == "yes", Region: "eu-north-1"}
	b, err := c.Store.CreateBucket(ctx, spec)
	return func(refused string) error {
		if err := differ("create", refused, refusal(c.Model.CreateBucket(spec.Name, spec.ObjectLock))); err != nil || refused != "" {
			return err
		}
		return c.compareBucket(b)
	}, err
}

func playState(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	err := c.Store.SetVersioning(ctx, op.Args[0], store.VersioningChange{State: stateOf(op)})
	return func(refused string) error {
		return differ(op.Verb, refused, refusal(c.Model.SetVersioning(op.Args[0], stateOf(op))))
	}, err
}

func playDeleteBucket(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	err := c.Store.DeleteBucket(ctx, op.Args[0], store.Maker{})
	return func(refused string) error {
		return differ("delete-bucket", refused, refusal(c.Model.DeleteBucket(op.Args[0])))
	}, err
}

func playPut(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	r, want := putRequest(op), modelPut(op)
	var err error
	r.Condition, err = versioning.WriteCondition(header(want.Condition))
	var res store.PutResult
	if err == nil {
		res, err = c.Store.Put(ctx, r)
	} else {
		err = c.orNoBucket(ctx, r.Bucket, err)
	}
	return func(refused string) error {
		if bad, ok := bodies[op.text("body")]; ok {
			expect := bad.code
			if err := c.Model.Admits(want); err != nil {
				expect = err.Error()
			}
			return differ("put", refused, expect)
		}
		a, err := c.Model.Put(want)
		if err := differ("put", refused, refusal(err)); err != nil || refused != "" {
			return err
		}
		return c.comparePut(res, a)
	}, err
}

// comparePut compares the answer to a put (spec VD3.1-9).
func (c *Client) comparePut(res store.PutResult, a model.Answer) error {
	a.Made.Modified = res.LastModified
	if a.VersionID != "" {
		if err := c.made(a.Made, res.VersionHeader); err != nil {
			return err
		}
		a.VersionID = a.Made.ID
	}
	want := expectedRead(a.Made)
	got := store.Object{
		Key: a.Made.Key, VersionID: a.Made.ID, Size: res.Size, LastModified: res.LastModified, ETag: res.ETag,
		Checksums: res.Checksums, ChecksumType: want.ChecksumType, StorageClass: want.StorageClass, Owner: want.Owner,
		System: want.System, User: want.User, Lock: want.Lock, VersionHeader: res.VersionHeader,
	}
	want.VersionHeader = a.VersionID
	return differ("put", describe(got), describe(want))
}

func playDelete(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	want := modelDelete(op)
	r, err := c.deleteRequest(want)
	var res store.DeleteResult
	if err == nil {
		res, err = c.Store.Delete(ctx, op.Args[0], r)
	} else {
		err = c.orNoBucket(ctx, op.Args[0], err)
	}
	return func(refused string) error { return c.compareDelete(op.Args[0], want, res, refused) }, err
}

// orNoBucket returns err, unless the bucket is missing, which is looked at before
// what a request says (spec VD3.3-11).
func (c *Client) orNoBucket(ctx context.Context, bucket string, err error) error {
	if _, missing := c.Store.Bucket(ctx, bucket); missing != nil {
		return missing
	}
	return err
}

func (c *Client) deleteRequest(d model.Delete) (store.DeleteRequest, error) {
	id, _, err := c.id(d.ID)
	if err != nil {
		return store.DeleteRequest{}, err
	}
	match, _ := header(d.Condition)
	condition, err := versioning.DeleteCondition(match, id)
	return store.DeleteRequest{Key: d.Key, ID: id, Condition: condition, BypassGovernance: d.Bypass}, err
}

// compareDelete compares the answer to one delete (spec VD3.2, VD3.3).
func (c *Client) compareDelete(bucket string, d model.Delete, res store.DeleteResult, refused string) error {
	a, err := c.Model.Delete(bucket, d)
	if err := differ("delete "+escape(d.Key), refused, refusal(err)); err != nil || refused != "" {
		return err
	}
	switch {
	case a.Made != nil && a.VersionID != model.Null:
		if err := c.made(a.Made, res.VersionHeader); err != nil {
			return err
		}
		a.VersionID = a.Made.ID
	case a.VersionID != "":
		_, a.VersionID, _ = c.id(a.VersionID)
	}
	return differ("delete "+escape(d.Key),
		fmt.Sprintf("id=%s delete-marker=%v", res.VersionHeader, res.DeleteMarker),
		fmt.Sprintf("id=%s delete-marker=%v", a.VersionID, a.DeleteMarker))
}

func playDeleteObjects(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	wants := modelDeletes(op)
	var rs []store.DeleteRequest
	for _, d := range wants {
		r, err := c.deleteRequest(d)
		if err != nil {
			return broken(err)
		}
		rs = append(rs, r)
	}
	results, err := c.Store.DeleteObjects(ctx, op.Args[0], rs)
	return func(refused string) error {
		if _, _, err := c.Model.Bucket(op.Args[0]); err != nil || refused != "" {
			return differ("delete-objects", refused, refusal(err))
		}
		if len(results) != len(wants) {
			return fmt.Errorf("%d results for %d entries", len(results), len(wants))
		}
		var errs []error
		for i, d := range wants {
			errs = append(errs, c.compareDelete(op.Args[0], d, results[i], code(results[i].Err)))
		}
		return errors.Join(errs...)
	}, err
}
