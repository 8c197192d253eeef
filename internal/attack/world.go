package attack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/store"
)

// The key of the account that the server belongs to.
const (
	rootKey    = "AKIAROOT"
	rootSecret = "secret-of-AKIAROOT"
)

// The accounts that an episode begins with. The first is that of the server.
var accounts = []string{"100000000001", "200000000002", "300000000003"}

func canonicalOf(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])
}

// rows keeps the registry in the store, as the server does.
type rows struct {
	*store.Store
	world *World
}

// SaveIdentities sets and removes rows.
func (r rows) SaveIdentities(ctx context.Context, changed map[string][]byte, by identity.By) error {
	return r.Store.SaveIdentities(ctx, changed, store.Maker{
		AccessKey: by.AccessKey, RequestID: by.RequestID, Principal: by.Principal, Source: by.Source, Operation: by.Operation,
	})
}

// AdvanceMFA spends a code, and notes which.
func (r rows) AdvanceMFA(ctx context.Context, serial string, step uint64) (bool, error) {
	ok, err := r.Store.AdvanceMFA(ctx, serial, step)
	if ok {
		r.world.steps[serial] = step
	}
	return ok, err
}

// World is a server in memory, what is remembered of what it told, and the time.
type World struct {
	clock    *clock.Manual
	store    *store.Store
	registry *identity.Registry
	handler  http.Handler
	files    *crashfs.FS
	rand     *rand.ChaCha8

	steps   map[string]uint64  // last accepted step of each device
	secrets map[string]string  // of access keys
	seeds   map[string]string  // secrets of devices
	uploads map[string]*upload // by id
	bodies  map[string]string  // content by its digest

	locks  lockClock
	wrong  map[string][]time.Time // when wrong codes were sent, at most
	serial int                    // the last of the numbers that make names and contents new
}

// upload is what is remembered of an upload: what its object will be.
type upload struct {
	making
	parts map[int]string // contents
}

// lockClock is the oracle's own idea of the time that locks go by: not before passed, by what
// went by and the steps that were accepted, and not after latest.
type lockClock struct {
	passed, most time.Time // they differ by what a restart may have forgotten
	latest       time.Time // the most that may have been told so far
	farthest     time.Time // the latest that any clock ever showed
}

// advance lets d go by.
func (l *lockClock) advance(d time.Duration) { l.passed, l.most = l.passed.Add(d), l.most.Add(d) }

// observe notes what the wall clock shows: locks follow it by a minute at most.
func (l *lockClock) observe(wall time.Time) {
	l.latest = later(l.latest, l.most)
	if bound := l.most.Add(time.Minute); wall.Before(bound) {
		l.latest = later(l.latest, wall)
	} else {
		l.latest = later(l.latest, bound)
	}
	l.farthest = later(later(l.farthest, l.latest), wall)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// accept makes locks follow the wall clock if that is ahead by more than a minute.
func (l *lockClock) accept(wall time.Time) {
	if wall.Sub(l.passed) > time.Minute {
		if wall.Sub(l.most) > time.Minute {
			l.passed = wall
		}
		l.most = later(l.most, wall)
	}
}

// forgotten is how much of lock time may not have been written down when the server stops.
const forgotten = 10 * time.Second

// restart is what a new start knows: the wall clock, and how far locks were before.
func (l *lockClock) restart(wall time.Time) {
	l.passed, l.most = later(wall, l.passed.Add(-forgotten)), later(wall, l.latest)
}

var began = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// newWorld starts a server that has accounts with their roots, and nothing else.
func newWorld(ctx context.Context, seed uint64) (*World, error) {
	w := &World{
		clock: clock.NewManual(began), steps: map[string]uint64{}, secrets: map[string]string{rootKey: rootSecret},
		seeds: map[string]string{}, uploads: map[string]*upload{}, bodies: map[string]string{},
		locks: lockClock{began, began, began, began}, wrong: map[string][]time.Time{},
		files: crashfs.New(crashfs.Watch{}), rand: rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1}),
	}
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	for i, id := range accounts[1:] {
		spec := identity.AccountSpec{ID: id, CanonicalID: canonicalOf(id), DisplayName: fmt.Sprintf("account%d", i+1)}
		_, made, err := w.registry.CreateAccount(ctx, identity.By{}, spec)
		if err != nil {
			return nil, err
		}
		w.secrets[made.AccessKey] = made.Secret.Reveal()
	}
	return w, nil
}

// start starts the server on the files that there are.
func (w *World) start(ctx context.Context) (err error) {
	w.store, err = store.Open("data", store.Options{
		FS: w.files, Clock: w.clock, MinPartSize: 1, MinFree: -1, CacheSize: 1 << 20, MemTableSize: 1 << 20,
		InlineLimit: 64, Rand: w.rand,
	})
	if err != nil {
		return err
	}
	server := policy.Principal{Account: accounts[0], CanonicalID: canonicalOf(accounts[0]), DisplayName: "server"}
	w.registry, err = identity.Open(ctx, identity.Options{
		Rows: rows{w.store, w}, SecretsKey: [32]byte{1}, Now: w.clock.Now, Rand: w.rand,
		Root: identity.RootCredential{Account: server, AccessKey: rootKey, Secret: rootSecret},
	})
	if err != nil {
		return err
	}
	w.handler, err = api.New(api.Options{
		Store: w.store, Verifier: &auth.Verifier{Keys: w.registry}, Identities: w.registry, Clock: w.clock,
		Owner: store.Owner{Account: server.Account, CanonicalID: server.CanonicalID, DisplayName: server.DisplayName},
		Rand:  w.rand,
	})
	return err
}

func (w *World) close(ctx context.Context) error {
	return errors.Join(w.registry.Close(ctx), w.store.Close())
}

// restart stops the server and starts it anew. Locks go by the wall clock then, but not by less
// than before.
func (w *World) restart(ctx context.Context) error {
	if err := w.close(ctx); err != nil {
		return err
	}
	w.locks.restart(w.clock.Now())
	return w.start(ctx)
}

// keep remembers a content and returns its digest.
func (w *World) keep(content string) string {
	d := digestOf(content)
	w.bodies[d] = content
	return d
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:8])
}
