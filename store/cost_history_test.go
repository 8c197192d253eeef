package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// deep is a bucket with one key that has a null version below many others.
type deep struct {
	t      testing.TB
	s      *Store
	bucket string
	oldest versioning.ID // of the versions above the null one
	middle versioning.ID // deleted by some operation
	marker versioning.ID // of the delete marker on top, once there is one
}

const deepKey = "deep"

// seedDeep makes a bucket for a deep key, and leaves it Enabled.
func seedDeep(t testing.TB, s *Store, bucket string, versions int) *deep {
	t.Helper()
	d := &deep{t: t, s: s, bucket: bucket}
	d.do("create", func() error {
		_, err := s.CreateBucket(t.Context(), BucketSpec{Name: bucket, Owner: testOwner})
		return err
	})
	d.put()
	d.state(versioning.Enabled)
	d.oldest = d.put()
	d.middle = d.put()
	seed(t, s, bucket, versions-2, false, deepKey)
	return d
}

func (d *deep) do(what string, fn func() error) {
	d.t.Helper()
	if err := fn(); err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
}

func (d *deep) state(state versioning.State) {
	d.t.Helper()
	d.do("state", func() error { return d.s.SetVersioning(d.t.Context(), d.bucket, VersioningChange{State: state}) })
}

func (d *deep) put() versioning.ID {
	d.t.Helper()
	res, err := d.s.Put(d.t.Context(), PutRequest{Bucket: d.bucket, Key: deepKey, Body: strings.NewReader("body"), Size: 4})
	if err != nil {
		d.t.Fatal(err)
	}
	if res.VersionHeader == "" {
		return versioning.Null
	}
	id, err := d.s.ParseVersionID(res.VersionHeader)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *deep) get(id versioning.ID) {
	d.t.Helper()
	o, err := d.s.Get(d.t.Context(), ReadRequest{Bucket: d.bucket, Key: deepKey, ID: id})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deep) delete(id versioning.ID) DeleteResult {
	d.t.Helper()
	res, err := d.s.Delete(d.t.Context(), d.bucket, DeleteRequest{Key: deepKey, ID: id})
	if err != nil {
		d.t.Fatal(err)
	}
	return res
}

// operations on a deep key, in an order in which each finds what it needs. rows
// is the most that an operation may read, however deep the key is.
var deepOperations = []struct {
	name string
	rows int
	do   func(*deep)
}{
	{"GET current", 3, func(d *deep) { d.get(versioning.ID{}) }},
	{"GET by id", 2, func(d *deep) { d.get(d.oldest) }},
	{"GET null", 4, func(d *deep) { d.get(versioning.Null) }},
	{"HEAD current", 2, func(d *deep) {
		d.do("head", func() error {
			_, err := d.s.Head(d.t.Context(), ReadRequest{Bucket: d.bucket, Key: deepKey})
			return err
		})
	}},
	{"list versions behind a version", 13, func(d *deep) { d.list(d.middle, 10) }},
	{"list versions behind null", 2, func(d *deep) { d.list(versioning.Null, 10) }},
	{"PUT in Enabled", 2, func(d *deep) { d.put() }},
	{"DELETE by id", 2, func(d *deep) { d.delete(d.middle) }},
	{"DELETE of an id that is gone", 2, func(d *deep) { d.delete(d.middle) }},
	{"DELETE in Enabled", 2, func(d *deep) {
		id, err := d.s.ParseVersionID(d.delete(versioning.ID{}).VersionHeader)
		if err != nil {
			d.t.Fatal(err)
		}
		d.marker = id
	}},
	{"GET of a hidden key", 3, func(d *deep) {
		_, err := d.s.Get(d.t.Context(), ReadRequest{Bucket: d.bucket, Key: deepKey})
		if !errors.Is(err, versioning.NoSuchKey) {
			d.t.Fatal(err)
		}
	}},
	{"DELETE of the marker on top", 5, func(d *deep) { d.delete(d.marker) }},
	{"suspend", 0, func(d *deep) { d.state(versioning.Suspended) }},
	{"PUT in Suspended", 3, func(d *deep) { d.put() }},
	{"DELETE in Suspended", 3, func(d *deep) { d.delete(versioning.ID{}) }},
	{"DELETE of null", 5, func(d *deep) { d.delete(versioning.Null) }},
	{"DELETE of a null that is gone", 2, func(d *deep) { d.delete(versioning.Null) }},
}

func (d *deep) list(behind versioning.ID, limit int) {
	d.t.Helper()
	_, err := d.s.ListObjectVersions(d.t.Context(), VersionsRequest{
		Bucket: d.bucket, KeyMarker: deepKey, IDMarker: behind, Limit: limit,
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestDepthCostsNothing holds that every operation on a key reads and writes the
// same rows with 10 and with 100,000 versions above its null version.
//
// spec: VD8-3
func TestDepthCostsNothing(t *testing.T) {
	depths := []int{10, 100_000}
	if testing.Short() {
		depths = []int{10, 5_000}
	}
	costs := make([][]counts, len(depths))
	for i, depth := range depths {
		s, p := openProbed(t, nil)
		d := seedDeep(t, s, "b", depth)
		for _, op := range deepOperations {
			costs[i] = append(costs[i], p.cost(func() { op.do(d) }))
		}
		if stats := mustStatistics(t, s, "b"); stats.Objects != 1 || stats.Noncurrent != int64(depth)-1 {
			t.Errorf("%d versions: %+v", depth, stats)
		}
	}
	for n, op := range deepOperations {
		shallow, deep := costs[0][n], costs[1][n]
		// The bytes of numbers differ with their size.
		shallow.Bytes, deep.Bytes = 0, 0
		if shallow != deep {
			t.Errorf("%s: with %d versions %v, with %d %v", op.name, depths[0], shallow, depths[1], deep)
		}
		if deep.rows() > op.rows {
			t.Errorf("%s reads %d rows, more than %d: %v", op.name, deep.rows(), op.rows, deep)
		}
	}
}

// When the current entry is destroyed the next one is sought from its place on, not
// from the begin of the key: an engine may still keep much of what was destroyed
// there before.
func TestNextEntryIsSoughtBehindTheLast(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var ids []versioning.ID
	for range 5 {
		ids = append(ids, mustID(t, s, mustPut(t, s, "b", "k", "x").VersionHeader))
	}
	scans := 0
	for i := len(ids) - 1; i > 0; i-- {
		hook := func(r engine.Range) {
			scans++
			if _, order, ok := splitVersionKey(r.Start); !ok || order != ids[i].Order() {
				t.Errorf("entry %d goes and the next is sought from %x on", i, r.Start)
			}
		}
		p.onScan.Store(&hook)
		mustDelete(t, s, "b", "k", ids[i])
		p.onScan.Store(nil)
		mustRead(t, s, "b", "k", ids[i-1], "x")
	}
	if scans != len(ids)-1 {
		t.Errorf("%d scans", scans)
	}
	mustClean(t, s)
}

func mustStatistics(t testing.TB, s *Store, bucket string) Statistics {
	t.Helper()
	stats, err := s.Statistics(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// BenchmarkDepth prints what operations on a key take with 10 and with 1,000,000
// versions above its null version, both in one store on disk. Read the two side
// by side.
func BenchmarkDepth(b *testing.B) {
	s, err := Open(b.TempDir(), Options{MinFree: -1, Durability: Relaxed})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	depths := []int{10, 1_000_000}
	if testing.Short() {
		depths = []int{10, 100_000}
	}
	keys := make(map[int]*deep)
	for _, depth := range depths {
		keys[depth] = seedDeep(b, s, fmt.Sprint("versions-", depth), depth)
	}
	for _, op := range []struct {
		name  string
		state versioning.State
		do    func(*deep)
	}{
		{"GET null", versioning.Enabled, func(d *deep) { d.get(versioning.Null) }},
		{"GET current", versioning.Enabled, func(d *deep) { d.get(versioning.ID{}) }},
		{"GET by id", versioning.Enabled, func(d *deep) { d.get(d.oldest) }},
		{"list 10 from the middle", versioning.Enabled, func(d *deep) { d.list(d.middle, 10) }},
		{"PUT and DELETE by id", versioning.Enabled, func(d *deep) { d.delete(d.put()) }},
		{"PUT of null", versioning.Suspended, func(d *deep) { d.put() }},
	} {
		for _, depth := range depths {
			d := keys[depth]
			d.state(op.state)
			b.Run(fmt.Sprintf("%s/versions=%d", op.name, depth), func(b *testing.B) {
				for b.Loop() {
					op.do(d)
				}
			})
		}
	}
}
