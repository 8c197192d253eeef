package store

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
	"github.com/seed61737384/tombstone/versioning"
)

// spoil makes some commits conflict and of others nobody know the outcome, in
// equal parts of share percent: not applied, not applied and unknown, applied and
// unknown. It leaves alone what only says: forget these reclaim rows, for that is
// tried again after a second.
func (p *probe) spoil(share int) {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	hook := func(mutations []engine.Mutation, apply func() error) error {
		mu.Lock()
		n := rng.IntN(100)
		mu.Unlock()
		switch {
		case mutations[0].Key[0] == byte(reclaimTable):
		case n < share/3:
			return engine.ErrConflict
		case n < 2*share/3:
			return engine.ErrCommitUnknown
		case n < share:
			if err := apply(); err != nil {
				return err
			}
			return engine.ErrCommitUnknown
		}
		return apply()
	}
	p.onCommit.Store(&hook)
}

// TestSpoiledCommits lets clients work on engines that conflict and forget: every
// answer tells the truth, and nothing is counted twice.
func TestSpoiledCommits(t *testing.T) {
	far := func(o *Options) {
		// Nothing is to be reclaimed: that waits a second before it tries again.
		o.InlineLimit = 1000
		o.WrapEngine = func(e engine.Engine) engine.Engine {
			return enginefault.New(e, enginefault.Options{Seed: rand.Uint64(), Conflict: 0.15, Lost: 0.15, Applied: 0.15})
		}
	}
	near := func(o *Options) {
		p := &probe{}
		p.under(o)
		p.spoil(45)
	}
	for _, c := range []struct {
		name   string
		change func(*Options)
		state  versioning.State
		flips  bool
	}{
		{"Unversioned", near, versioning.Unversioned, false}, {"Enabled", near, versioning.Enabled, false},
		{"changing", near, versioning.Suspended, true}, {"far", far, versioning.Enabled, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, nil, c.change)
			mustBucket(t, s, "b", c.state)
			l := newLoad(t)
			l.run(150, c.flips, s)
			if l.refused > 0 {
				t.Errorf("%d changes were refused", l.refused)
			}
			if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if files := blobFiles(t, s.fs); int64(len(files)) != mustClean(t, s).Files {
				t.Errorf("files %v", files)
			}
			emptyBucket(t, s, "b")
			if rows := countTable(t, s, statsTable) + countTable(t, s, versionTable) + countTable(t, s, bucketTable); rows != 0 {
				t.Errorf("%d rows are left", rows)
			}
		})
	}
}

// A reclaim whose outcome is unknown is done again, and counted once.
func TestSpoiledReclaim(t *testing.T) {
	t.Parallel() // it waits for the reclaimer's second try
	for _, applied := range []bool{false, true} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Unversioned)
		mustPut(t, s, "b", "k", string(pattern(200)))
		hook := func(mutations []engine.Mutation, apply func() error) error {
			if mutations[0].Key[0] != byte(reclaimTable) {
				return apply()
			}
			p.onCommit.Store(nil)
			if applied {
				if err := apply(); err != nil {
					return err
				}
			}
			return engine.ErrCommitUnknown
		}
		p.onCommit.Store(&hook)
		mustDelete(t, s, "b", "k", versioning.ID{})
		if got := settled(t, s, "b"); got != (Statistics{}) || p.onCommit.Load() != nil {
			t.Errorf("%+v", got)
		}
		if files := blobFiles(t, s.fs); len(files) != 0 {
			t.Error("left:", files)
		}
		mustClean(t, s)
	}
}

// The counters are read anew when the outcome of a change stays unknown, and a
// file that it may need stays.
func TestUnknownOutcome(t *testing.T) {
	for _, applied := range []bool{false, true} {
		p := &probe{}
		blind := &blindEngine{probe: p}
		s := openTest(t, nil, func(o *Options) {
			o.WrapEngine = func(e engine.Engine) engine.Engine {
				p.Engine = e
				return blind
			}
		})
		mustBucket(t, s, "b", versioning.Unversioned)
		hook := func(mutations []engine.Mutation, apply func() error) error {
			if !inTable(versionTable, mutations) {
				return apply()
			}
			blind.shut.Store(true)
			if applied {
				if err := apply(); err != nil {
					return err
				}
			}
			return engine.ErrCommitUnknown
		}
		p.onCommit.Store(&hook)
		_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: bytes.NewReader(pattern(200)), Size: 200})
		if !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
		p.onCommit.Store(nil)
		blind.shut.Store(false)
		want := Statistics{}
		if applied {
			want = Statistics{Objects: 1, ObjectBytes: 200}
		}
		if got := mustStatistics(t, s, "b"); got != want {
			t.Errorf("applied %v: %+v, want %+v", applied, got, want)
		}
		if files := blobFiles(t, s.fs); len(files) != 1 {
			t.Errorf("applied %v: files %v", applied, files)
		}
		mustClean(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, s.fs, nil)
		if files := blobFiles(t, s.fs); int64(len(files)) != want.Objects {
			t.Errorf("applied %v: files %v after a restart", applied, files)
		}
		mustClean(t, s)
	}
}

// blindEngine cannot be read while it is shut.
type blindEngine struct {
	*probe
	shut atomic.Bool
}

func (e *blindEngine) View(ctx context.Context, fn func(engine.Reader) error) error {
	if e.shut.Load() {
		return engine.ErrClosed
	}
	return e.probe.View(ctx, fn)
}

// shared is an engine that another store owns. It counts conflicts.
type shared struct {
	engine.Engine
	conflicts *atomic.Int64
}

func (e shared) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	err := e.Engine.Commit(ctx, guards, mutations)
	if errors.Is(err, engine.ErrConflict) {
		e.conflicts.Add(1)
	}
	return err
}

func (shared) Close() error { return nil }

// TestGuards lets clients of two stores over one engine meet: the locks of one
// know nothing of the other, so only guards keep their changes apart.
func TestGuards(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		t.Run(state.String(), func(t *testing.T) {
			inline := func(o *Options) {
				o.InlineLimit = 1000   // each has its own folder of files
				o.Ledger.manual = true // a sealer knows of the rows under way in its own store
			}
			var conflicts atomic.Int64
			one := openTest(t, nil, inline)
			mustBucket(t, one, "b", state)
			two := openTest(t, nil, func(o *Options) {
				inline(o)
				o.WrapEngine = func(own engine.Engine) engine.Engine {
					t.Cleanup(func() { own.Close() })
					return shared{one.engine, &conflicts}
				}
			})
			two.orders = one.orders
			l := newLoad(t)
			l.run(150, false, one, two)
			t.Logf("%d commits met the other store, %d changes gave up", conflicts.Load(), l.refused)
			// Of what the other store changed only the row knows.
			b, err := one.bucket("b")
			if err != nil {
				t.Fatal(err)
			}
			b.totals.forget()
			if got, want := mustStatistics(t, one, "b"), recount(t, one, "b"); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}
