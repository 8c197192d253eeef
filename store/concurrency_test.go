package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

const (
	clients = 8
	// loadKeys are few, so that clients meet.
	loadKeys = 3
)

// load is what clients did to bucket b, as far as they know.
type load struct {
	t *testing.T

	mu      sync.Mutex // protects the rest
	bodies  map[string]string
	keys    map[string]string // of ids that were given out
	ids     []string          // in no order
	deleted map[string]bool   // ids whose delete was asked for; true if it was acknowledged
	refused int
}

func newLoad(t *testing.T) *load {
	return &load{t: t, bodies: make(map[string]string), keys: make(map[string]string), deleted: make(map[string]bool)}
}

// added notes an entry that was acknowledged. Null ones are not followed.
func (l *load) added(key, id, body string) {
	if id == "" || id == "null" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys[id] != "" {
		l.t.Errorf("the id %s was given out twice", id)
	}
	l.keys[id], l.bodies[id] = key, body
	l.ids = append(l.ids, id)
}

// pick returns an id that was given out and notes that it is to be deleted.
func (l *load) pick(rng *rand.Rand) (key, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ids) == 0 {
		return "", ""
	}
	id = l.ids[rng.IntN(len(l.ids))]
	l.deleted[id] = l.deleted[id] || false
	return l.keys[id], id
}

func (l *load) gone(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted[id] = true
}

// failed notes an error, which may only be one that a change of another client
// explains.
func (l *load) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	if !errors.Is(err, ErrBusy) {
		l.t.Error(err)
	}
}

// client makes steps random changes.
func (l *load) client(s *Store, rng *rand.Rand, steps int, flips bool) {
	for range steps {
		key := fmt.Sprint("k", rng.IntN(loadKeys))
		switch rng.IntN(12) {
		case 0, 1, 2, 3:
			l.put(s, key, rng)
		case 4, 5:
			res, err := s.Delete(l.t.Context(), "b", DeleteRequest{Key: key})
			if err != nil {
				l.failed(err)
				continue
			}
			l.added(key, res.VersionHeader, "")
		case 6, 7:
			l.deleteVersion(s, rng)
		case 8:
			l.deleteMany(s, rng)
		case 9:
			if _, err := s.Delete(l.t.Context(), "b", DeleteRequest{Key: key, ID: versioning.Null}); err != nil {
				l.failed(err)
			}
		case 10:
			l.look(s, key)
		default:
			if flips && rng.IntN(10) == 0 {
				state := versioning.Enabled + versioning.State(rng.IntN(2))
				if err := s.SetVersioning(l.t.Context(), "b", VersioningChange{State: state}); err != nil {
					l.failed(err)
				}
			}
		}
	}
}

func (l *load) put(s *Store, key string, rng *rand.Rand) {
	body := strings.Repeat(fmt.Sprint(rng.Uint64()), rng.IntN(8)) // some inline, some in files
	res, err := s.Put(l.t.Context(), PutRequest{Bucket: "b", Key: key, Body: strings.NewReader(body), Size: int64(len(body))})
	if err != nil {
		l.failed(err)
		return
	}
	l.added(key, res.VersionHeader, body)
}

func (l *load) deleteVersion(s *Store, rng *rand.Rand) {
	key, id := l.pick(rng)
	if id == "" {
		return
	}
	parsed, err := s.ParseVersionID(id)
	if err != nil {
		l.t.Error(err)
		return
	}
	if _, err := s.Delete(l.t.Context(), "b", DeleteRequest{Key: key, ID: parsed}); err != nil {
		l.failed(err)
		return
	}
	l.gone(id)
}

func (l *load) deleteMany(s *Store, rng *rand.Rand) {
	rs := []DeleteRequest{{Key: "k0"}, {Key: "k1", ID: versioning.Null}}
	ids := []string{"", ""}
	for range 4 {
		key, id := l.pick(rng)
		if id == "" {
			continue
		}
		rs, ids = append(rs, DeleteRequest{Key: key, ID: mustID(l.t, s, id)}), append(ids, id)
	}
	results, err := s.DeleteObjects(l.t.Context(), "b", rs)
	if err != nil {
		l.failed(err)
		return
	}
	for i, r := range results {
		switch {
		case r.Err != nil:
			l.failed(r.Err)
		case ids[i] != "":
			l.gone(ids[i])
		default:
			l.added(rs[i].Key, r.VersionHeader, "")
		}
	}
}

// look reads what is current, and a page of each listing.
func (l *load) look(s *Store, key string) {
	_, err := read(l.t, s, "b", key, versioning.ID{})
	if err != nil && !errors.Is(err, versioning.NoSuchKey) {
		l.t.Error(err)
	}
	if _, err := s.ListObjects(l.t.Context(), ListRequest{Bucket: "b", Limit: 10}); err != nil {
		l.t.Error(err)
	}
	page, err := s.ListObjectVersions(l.t.Context(), VersionsRequest{Bucket: "b", Limit: maxPage})
	if err != nil {
		l.t.Error(err)
	}
	latest, nulls := make(map[string]int), make(map[string]int)
	for _, e := range page.Entries {
		if e.Latest {
			latest[e.Key]++
		}
		if e.VersionID == "null" {
			nulls[e.Key]++
		}
		if latest[e.Key] != 1 || nulls[e.Key] > 1 {
			l.t.Errorf("%s has %d current and %d null entries", e.Key, latest[e.Key], nulls[e.Key])
		}
	}
}

// run lets clients work on stores, which share bucket b, and checks what is left.
func (l *load) run(steps int, flips bool, stores ...*Store) {
	seed := rand.Uint64()
	l.t.Logf("seed %d", seed)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() { l.client(stores[c%len(stores)], rand.New(rand.NewPCG(seed, uint64(c))), steps, flips) })
	}
	all.Wait()
	l.check(stores[0])
}

// check holds that every acknowledged change is there, and nothing else.
func (l *load) check(s *Store) {
	l.t.Helper()
	there := make(map[string]bool)
	r := VersionsRequest{Bucket: "b", Limit: maxPage}
	for more := true; more; {
		page := mustVersions(l.t, s, r)
		for _, e := range page.Entries {
			there[e.VersionID] = true
			if e.VersionID != "null" && l.keys[e.VersionID] != e.Key {
				l.t.Errorf("%s %s was never acknowledged", e.Key, e.VersionID)
			}
			if e.VersionID != "null" && !e.DeleteMarker {
				mustRead(l.t, s, "b", e.Key, mustID(l.t, s, e.VersionID), l.bodies[e.VersionID])
			}
		}
		r.KeyMarker, more = page.NextKeyMarker, page.Truncated
		if more {
			r.IDMarker = mustID(l.t, s, page.NextVersionIDMarker)
		}
	}
	for _, id := range l.ids {
		acknowledged, asked := l.deleted[id]
		if !asked && !there[id] || acknowledged && there[id] {
			l.t.Errorf("%s %s: there %v, its delete asked for %v, acknowledged %v", l.keys[id], id, there[id], asked, acknowledged)
		}
	}
	mustReclaimed(l.t, s)
	mustClean(l.t, s)
}

// TestConcurrentLoad lets eight clients change a few keys in each state, and with
// the state changing under them.
//
// spec: VD8-1, VD8-2
func TestConcurrentLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		state versioning.State
		flips bool
	}{
		{"Unversioned", versioning.Unversioned, false}, {"Enabled", versioning.Enabled, false},
		{"Suspended", versioning.Suspended, false}, {"changing", versioning.Enabled, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, nil, nil)
			mustBucket(t, s, "b", c.state)
			newLoad(t).run(200, c.flips, s)
			if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if files, stats := blobFiles(t, s.fs), mustClean(t, s); int64(len(files)) != stats.Files {
				t.Errorf("%d files on disk, %d of versions", len(files), stats.Files)
			}
		})
	}
}

// Concurrent PUTs of one key store all in Enabled; elsewhere one null entry is
// left, whole.
//
// spec: VD8-2
func TestConcurrentPuts(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", state)
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				for range 10 {
					mustPut(t, s, "b", "k", strings.Repeat(fmt.Sprint(c), 50+100*(c%2)))
				}
			})
		}
		all.Wait()
		entries := mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: maxPage}).Entries
		want := 1
		if state == versioning.Enabled {
			want = clients * 10
		}
		if len(entries) != want {
			t.Errorf("%v: %d entries, want %d", state, len(entries), want)
		}
		body, err := read(t, s, "b", "k", versioning.ID{})
		if err != nil || body != strings.Repeat(body[:1], len(body)) {
			t.Errorf("%v: %q, %v", state, body, err)
		}
		mustReclaimed(t, s)
		if files := blobFiles(t, s.fs); state != versioning.Enabled && len(files) > 1 {
			t.Errorf("%v: files %v", state, files)
		}
		mustClean(t, s)
	}
}

// Deletes of one version by many clients all succeed, and destroy it once.
//
// spec: VD8-1, VD3.3-7
func TestConcurrentDeletesOfOneVersion(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	for range 20 {
		mustPut(t, s, "b", "k", "below")
		id := mustID(t, s, mustPut(t, s, "b", "k", string(pattern(200))).VersionHeader)
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				rs, err := s.DeleteObjects(t.Context(), "b", []DeleteRequest{{Key: "k", ID: id}, {Key: fmt.Sprint("other", c), ID: id}})
				if err != nil || rs[0].Err != nil || rs[0].VersionHeader != s.FormatVersionID(id) {
					t.Error(rs, err)
				}
				mustDelete(t, s, "b", "k", id)
			})
		}
		all.Wait()
		mustRead(t, s, "b", "k", versioning.ID{}, "below")
	}
	if got, want := settled(t, s, "b"), (Statistics{Objects: 1, ObjectBytes: 5, Noncurrent: 19, NoncurrentBytes: 95}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	mustClean(t, s)
}
