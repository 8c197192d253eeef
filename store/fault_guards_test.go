package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// twin returns a store that shares everything with s but the locks of keys, as a
// store of another process on the same engine would.
func twin(s *Store) *Store {
	c := &Store{
		options: s.options, fs: s.fs, dir: s.dir, engine: s.engine, blobs: s.blobs, ids: s.ids, orders: s.orders,
		space: s.space, reclaim: s.reclaim, buckets: s.buckets, keyLocks: newKeyLocks(),
	}
	c.clock = s.clock
	c.clockFloor.Store(s.clockFloor.Load())
	c.lockTime.start(s.options.Clock, s.lockNow())
	return c
}

// TestGuardsAlone changes the same keys through two stores at once. All that was
// answered holds, and what is stored is clean.
//
// spec: VD8-2
func TestGuardsAlone(t *testing.T) {
	const seed, workers, rounds = 1, 8, 300
	o := Options{FS: blob.MemFS(), MinFree: -1, InlineLimit: 5}
	s, err := Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	makeContested(t, s)
	stores := []*Store{s, twin(s)}
	var mu sync.Mutex // guards made and firsts
	made := make(map[string]bool)
	firsts := make(map[string]int)
	var working sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			c := &contender{
				t: t, ctx: t.Context(), store: stores[w%2], rng: rand.New(rand.NewPCG(seed, uint64(w))),
				made:  func(id string, there bool) { mu.Lock(); defer mu.Unlock(); made[id] = there },
				first: func(key string) { mu.Lock(); defer mu.Unlock(); firsts[key]++ },
			}
			for n := range rounds {
				c.round(n)
			}
		})
	}
	working.Wait()
	for key, n := range firsts {
		if n != 1 {
			t.Errorf("seed %d: %d puts found %s absent", seed, n, key)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lookAfterwards(t, o, made)
}

// contested are the buckets whose keys are contended for.
var contested = []struct {
	name  string
	state versioning.State
}{
	{"unversioned", versioning.Unversioned},
	{"enabled", versioning.Enabled},
	{"suspended", versioning.Suspended},
}

func makeContested(t *testing.T, s *Store) {
	t.Helper()
	for _, b := range contested {
		_, err := s.CreateBucket(t.Context(), BucketSpec{Name: b.name})
		if err == nil && b.state != versioning.Unversioned {
			err = s.SetVersioning(t.Context(), b.name, VersioningChange{State: b.state})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// contender makes random changes through one of the stores.
type contender struct {
	t     *testing.T
	ctx   context.Context
	store *Store
	rng   *rand.Rand
	made  func(id string, there bool) // a version of the enabled bucket
	first func(key string)            // a put that found its key absent
	own   []string                    // versions made
}

// round makes one change in each bucket, and races for a key that is absent.
func (c *contender) round(n int) {
	for _, b := range contested {
		bucket := b.name
		key := fmt.Sprint("key-", c.rng.IntN(3))
		switch c.rng.IntN(4) {
		case 0, 1:
			c.put(bucket, key, versioning.Condition{})
		case 2:
			_, err := c.store.Delete(c.ctx, bucket, DeleteRequest{Key: key})
			c.accept(err)
		case 3:
			_, err := c.store.Delete(c.ctx, bucket, DeleteRequest{Key: key, ID: versioning.Null})
			c.accept(err)
		}
	}
	absent, err := versioning.WriteCondition("", "*")
	c.accept(err)
	key := fmt.Sprint("once-", n)
	if c.put("enabled", key, absent) {
		c.first(key)
	}
	if len(c.own) > 5 {
		c.destroy()
	}
}

// put puts an object and reports whether it did.
func (c *contender) put(bucket, key string, condition versioning.Condition) bool {
	body := bucket[:1+c.rng.IntN(len(bucket))] // inline or a file
	res, err := c.store.Put(c.ctx, PutRequest{
		Bucket: bucket, Key: key, Body: strings.NewReader(body), Size: int64(len(body)), Condition: condition,
	})
	c.accept(err)
	if err == nil && bucket == "enabled" {
		c.made(res.VersionHeader, true)
		if condition.IsZero() {
			c.own = append(c.own, key+"@"+res.VersionHeader)
		}
	}
	return err == nil
}

// destroy deletes the oldest version that the contender has.
func (c *contender) destroy() {
	key, text, _ := strings.Cut(c.own[0], "@")
	id, err := c.store.ParseVersionID(text)
	c.accept(err)
	if _, err := c.store.Delete(c.ctx, "enabled", DeleteRequest{Key: key, ID: id}); err != nil {
		c.accept(err)
		return
	}
	c.own = c.own[1:]
	c.made(text, false)
}

// accept takes what may happen to a contender.
func (c *contender) accept(err error) {
	if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, versioning.PreconditionFailed) {
		c.t.Error(err)
	}
}

// lookAfterwards opens the first store again, checks it and looks for the versions
// that were made.
func lookAfterwards(t *testing.T, o Options, made map[string]bool) {
	t.Helper()
	s, err := Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Error(p)
	}
	there := make(map[string]bool)
	r := VersionsRequest{Bucket: "enabled", Limit: 1000}
	for more := true; more; {
		page, err := s.ListObjectVersions(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			there[e.VersionID] = true
		}
		r.KeyMarker, more = page.NextKeyMarker, page.Truncated
		if id := page.NextVersionIDMarker; id != "" {
			if r.IDMarker, err = s.ParseVersionID(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id, want := range made {
		if there[id] != want {
			t.Errorf("version %s: there: %v, answered: %v", id, there[id], want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
