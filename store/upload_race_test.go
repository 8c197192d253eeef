package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
	"github.com/seed61737384/tombstone/versioning"
)

// uploadRace is one upload that several clients write, complete and abort at once.
type uploadRace struct {
	t      *testing.T
	stores []*Store
	name   UploadName

	mu        sync.Mutex        // guards the rest
	bodies    map[string]string // by ETag
	completed []CompleteResult
	lists     map[string]bool // of those
	aborted   int
}

// client stores some parts, and then ends the upload or not.
func (u *uploadRace) client(n int, rng *rand.Rand) {
	s := u.stores[n%len(u.stores)]
	mine := make(map[int]CompletedPart)
	for range 4 {
		number := 1 + rng.IntN(3)
		body := strings.Repeat(string(rune('a'+rng.IntN(26))), 20+rng.IntN(180))
		part, err := s.PutPart(u.t.Context(), PartRequest{Upload: u.name, Number: number, Body: strings.NewReader(body), Size: -1})
		switch {
		case err == nil:
			u.mu.Lock()
			u.bodies[part.ETag] = body
			u.mu.Unlock()
			mine[number] = CompletedPart{Number: number, ETag: part.ETag}
		case !errors.Is(err, ErrNoSuchUpload) && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrUnknown):
			u.t.Error("put part:", err)
		}
	}
	switch {
	case rng.IntN(6) == 0:
		u.abort(s)
	case n%4 != 0:
		u.complete(s, mine)
	}
}

func (u *uploadRace) abort(s *Store) {
	err := s.AbortUpload(u.t.Context(), u.name, Maker{})
	switch {
	case err == nil:
		u.mu.Lock()
		defer u.mu.Unlock()
		u.aborted++
	case !errors.Is(err, ErrNoSuchUpload) && !errors.Is(err, ErrBusy):
		u.t.Error("abort:", err)
	}
}

func (u *uploadRace) complete(s *Store, mine map[int]CompletedPart) {
	var parts []CompletedPart
	for number := 1; number <= 3; number++ {
		if p, ok := mine[number]; ok {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return
	}
	res, err := s.CompleteUpload(u.t.Context(), CompleteRequest{Upload: u.name, Parts: parts, Size: -1})
	var bad *PartError
	switch {
	case err == nil:
		u.mu.Lock()
		defer u.mu.Unlock()
		u.completed = append(u.completed, res)
		u.lists[fmt.Sprint(parts)] = true
		u.bodies["whole"] = ""
		for _, p := range parts {
			u.bodies["whole"] += u.bodies[p.ETag]
		}
	case errors.As(err, &bad) && bad.Reason == PartInvalid: // another client's part is there
	case !errors.Is(err, ErrNoSuchUpload) && !errors.Is(err, ErrBusy):
		u.t.Error("complete:", err)
	}
}

// run lets clients at the upload, and holds what they were told against what is.
func (u *uploadRace) run(clients int, seed uint64) {
	u.bodies, u.lists = make(map[string]string), make(map[string]bool)
	var working sync.WaitGroup
	for n := range clients {
		working.Go(func() { u.client(n, rand.New(rand.NewPCG(seed, uint64(n)))) })
	}
	working.Wait()
	s := u.stores[0]
	if u.aborted > 1 || u.aborted == 1 && len(u.completed) > 0 || len(u.lists) > 1 {
		u.t.Errorf("seed %d: %d aborts, completed as %v", seed, u.aborted, u.lists)
	}
	_, err := s.Upload(u.t.Context(), u.name)
	ended := u.aborted > 0 || len(u.completed) > 0
	if ended != errors.Is(err, ErrNoSuchUpload) {
		u.t.Errorf("seed %d: %d aborts, %d completes, then %v", seed, u.aborted, len(u.completed), err)
	}
	for _, res := range u.completed {
		if fmt.Sprint(res) != fmt.Sprint(u.completed[0]) {
			u.t.Errorf("seed %d: answers differ: %+v, %+v", seed, res, u.completed[0])
		}
	}
	if len(u.completed) > 0 {
		mustRead(u.t, s, u.name.Bucket, u.name.Key, versioning.ID{}, u.bodies["whole"])
		return
	}
	if _, err := s.Head(u.t.Context(), ReadRequest{Bucket: u.name.Bucket, Key: u.name.Key}); !errors.Is(err, versioning.NoSuchKey) {
		u.t.Errorf("seed %d: nobody completed it, but %v", seed, err)
	}
}

// TestUploadRaces lets parts, Completes and Aborts of one upload meet: on an engine
// that conflicts and forgets, and through two stores whose locks know nothing of
// each other. One end of an upload wins, and nothing of the losers is left.
func TestUploadRaces(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		twins  bool
		leaves bool // files after unknown outcomes
		rounds uint64
	}{
		{"locks", nil, false, false, 40},
		{"guards", nil, true, false, 40},
		{"spoiled", func(o *Options) { p := &probe{}; p.under(o); p.spoilUploads(30) }, false, true, 40},
		{"far", func(o *Options) {
			o.InlineLimit = 1000 // nothing is to be reclaimed but rows
			o.WrapEngine = func(e engine.Engine) engine.Engine {
				return enginefault.New(e, enginefault.Options{Seed: rand.Uint64(), Conflict: 0.1, Lost: 0.05, Applied: 0.05})
			}
		}, false, true, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // reclaim may wait for its second try
			s := openTest(t, nil, c.change)
			stores := []*Store{s}
			if c.twins {
				stores = append(stores, twin(s))
			}
			mustBucket(t, s, "b", versioning.Enabled)
			seed := rand.Uint64()
			for n := range c.rounds {
				key := fmt.Sprint("k", n)
				up, err := s.CreateUpload(t.Context(), UploadRequest{Bucket: "b", Key: key})
				if err != nil {
					t.Fatal(err)
				}
				u := &uploadRace{t: t, stores: stores, name: UploadName{"b", key, up.ID}}
				u.run(6, seed+n)
			}
			// Of what the twin changed only the row knows.
			b, err := s.bucket("b")
			if err != nil {
				t.Fatal(err)
			}
			b.totals.forget()
			mustReclaimed(t, s)
			report := mustClean(t, s)
			if files := blobFiles(t, s.fs); int64(len(files)) != report.Files && !c.leaves {
				t.Errorf("%d files, %d belong to something", len(files), report.Files)
			}
			mustAbortAll(t, s, "b")
			mustReclaimed(t, s)
			if got := mustStatistics(t, s, "b"); got.Uploads != 0 || got.UploadBytes != 0 || got.Reclaim != 0 {
				t.Errorf("%+v", got)
			}
			mustClean(t, s)
		})
	}
}

// spoilUploads is spoil, but for the reclaimer's commits, which are tried again a
// second later.
func (p *probe) spoilUploads(share int) {
	p.spoil(share)
	spoiled := *p.onCommit.Load()
	hook := func(mutations []engine.Mutation, apply func() error) error {
		for _, m := range mutations {
			if m.Kind == engine.KindDelete && (m.Key[0] == byte(partTable) || m.Key[0] == byte(reclaimTable)) {
				return apply()
			}
		}
		return spoiled(mutations, apply)
	}
	p.onCommit.Store(&hook)
}
