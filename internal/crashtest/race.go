package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// raceBucket holds the keys that racers race for.
const raceBucket = "race"

// race is a row of contests, one for each key: all racers put the key on the
// condition that it is not there, then for every other key all of them delete the
// version that won. So the answers of some rest on changes of others, which must
// be durable as well.
type race struct {
	run      *run
	contests []contest // guarded by run.mu
}

// contest is what any racer was told about a key.
type contest struct {
	exists   bool // put, or refused because it is there
	deleting bool // the deletes have begun
	deleted  bool
}

func (x *race) setUp(ctx context.Context) error {
	if _, err := x.run.store.CreateBucket(ctx, store.BucketSpec{Name: raceBucket}); err != nil {
		return err
	}
	return x.run.store.SetVersioning(ctx, raceBucket, store.VersioningChange{State: versioning.Enabled})
}

func raceKey(n int) string { return fmt.Sprintf("key-%06d", n) }

// raceBody is inline for some keys and a file for others.
func raceBody(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 40+n%100) }

func (x *race) play(ctx context.Context) error {
	for ctx.Err() == nil {
		n := len(x.contests)
		ctx := context.WithoutCancel(ctx)
		x.run.locked(func() { x.contests = append(x.contests, contest{}) })
		ids := make([]versioning.ID, x.run.plan.Racers)
		err := x.all(func(i int) (err error) {
			ids[i], err = x.put(ctx, n)
			return err
		})
		won := slices.DeleteFunc(ids, versioning.ID.IsZero)
		if err == nil && len(won) != 1 {
			err = fmt.Errorf("%d puts found %s absent", len(won), raceKey(n))
		}
		if err == nil && n%2 == 1 {
			x.run.locked(func() { x.contests[n].deleting = true })
			err = x.all(func(int) error { return x.delete(ctx, n, won[0]) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// all lets all racers go at once.
func (x *race) all(fn func(i int) error) error {
	errs := make([]error, x.run.plan.Racers)
	var racing sync.WaitGroup
	for i := range errs {
		racing.Go(func() { errs[i] = fn(i) })
	}
	racing.Wait()
	return errors.Join(errs...)
}

// put returns the id of the version that it made, the zero ID if it came too late.
func (x *race) put(ctx context.Context, n int) (id versioning.ID, err error) {
	absent, err := versioning.WriteCondition("", "*")
	if err != nil {
		return id, err
	}
	b := raceBody(n)
	res, err := x.run.store.Put(ctx, store.PutRequest{
		Bucket: raceBucket, Key: raceKey(n), Body: bytes.NewReader(b), Size: int64(len(b)), Condition: absent,
	})
	switch {
	case err == nil:
		id, err = x.run.store.ParseVersionID(res.VersionHeader)
	case errors.Is(err, versioning.PreconditionFailed):
		err = nil
	}
	if err == nil {
		x.run.locked(func() { x.contests[n].exists = true })
	}
	return id, err
}

func (x *race) delete(ctx context.Context, n int, id versioning.ID) error {
	_, err := x.run.store.Delete(ctx, raceBucket, store.DeleteRequest{Key: raceKey(n), ID: id})
	if err == nil {
		x.run.locked(func() { x.contests[n].deleted = true })
	}
	return err
}

// verifyRace compares the keys of s with what racers had been told.
func verifyRace(ctx context.Context, s *store.Store, contests []contest) error {
	versions := make(map[string]int)
	r := store.VersionsRequest{Bucket: raceBucket, Limit: 1000}
	for more := true; more; {
		page, err := s.ListObjectVersions(ctx, r)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			versions[e.Key]++
		}
		r.KeyMarker, more = page.NextKeyMarker, page.Truncated
	}
	var errs []error
	for n, c := range contests {
		got := versions[raceKey(n)]
		switch {
		case got > 1,
			c.deleted && got > 0,
			c.exists && !c.deleting && got == 0:
			errs = append(errs, fmt.Errorf("%s has %d versions: %+v", raceKey(n), got, c))
		}
	}
	return errors.Join(errs...)
}
