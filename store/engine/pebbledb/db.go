package pebbledb

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// Limits of one transaction. Pebble itself could take batches of gigabytes; the
// bound keeps one request from filling the memory.
const (
	maxBytes     = 64 << 20
	maxKeySize   = 1500
	maxValueSize = 1 << 20
)

// DB is an [engine.Engine] in one folder, which it owns alone.
type DB struct {
	pebble   *pebble.DB
	noSync   bool
	readOnly bool
	gate     *gate
	latches  *latches
	failures *failures
	watch    watch
	crowd    crowd
	unsynced atomic.Bool // NoSync: there are changes after the last sync

	releases releases
	tender   tender
	quiet    atomic.Bool // releases pause, so garbage may be collected

	stop       context.CancelFunc // ends the goroutines
	background sync.WaitGroup
}

var _ engine.Engine = (*DB)(nil)

// Open opens the engine in dir, which is made if it is missing.
func Open(dir string, o Options) (*DB, error) {
	o = o.withDefaults()
	db := newDB(o)
	if err := db.open(dir, db.pebbleOptions(o)); err != nil {
		return nil, fmt.Errorf("pebbledb: open %s: %w", dir, err)
	}
	if db.readOnly {
		return db, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	db.stop = cancel
	db.background.Go(func() { db.tendLoop(ctx) })
	if db.noSync {
		db.background.Go(func() { db.syncLoop(ctx) })
	}
	return db, nil
}

func newDB(o Options) *DB {
	db := &DB{
		noSync:   o.NoSync,
		readOnly: o.ReadOnly,
		gate:     newGate(),
		latches:  &latches{seed: maphash.MakeSeed()},
		failures: &failures{onFatal: o.OnFatal},
		stop:     func() {},
		tender:   tender{log: o.Logger},
		releases: releases{spans: everywhere()},
	}
	db.watch.alarm = func(path string, err error) { db.failures.fail(path + ": " + err.Error()) }
	return db
}

// open opens Pebble and starts no goroutine of the engine's own. Pebble panics
// when it cannot sync its folder; as long as it is not open that is an error.
func (db *DB) open(dir string, p *pebble.Options) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic of Pebble: %v", r)
			if cause, ok := r.(error); ok {
				err = fmt.Errorf("panic of Pebble: %w", cause)
			}
		}
	}()
	_, inMemory := p.FS.(*vfs.MemFS)
	p.FS = &watchedFS{FS: p.FS, watch: &db.watch, ahead: !inMemory}
	if db.pebble, err = pebble.Open(dir, p); err != nil {
		return err
	}
	if err := db.checkPresence(p.FS, dir); err != nil {
		return errors.Join(err, db.pebble.Close())
	}
	db.watch.armed.Store(true)
	return nil
}

// garbageTarget is the share of garbage that blob files may hold now.
func (db *DB) garbageTarget() float64 {
	if db.quiet.Load() {
		return idleGarbage
	}
	return busyGarbage
}

// Limits implements [engine.Engine].
func (db *DB) Limits() engine.Limits {
	return engine.Limits{Bytes: maxBytes, KeySize: maxKeySize, ValueSize: maxValueSize}
}

// enter lets a call in unless the engine is closed or has failed.
func (db *DB) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if failure := db.failures.first.Load(); failure != nil {
		return failure
	}
	if !db.gate.enter() {
		return engine.ErrClosed
	}
	return nil
}

// Close implements [engine.Engine]. After a failure it leaves Pebble as it is,
// like a crash would, and returns the failure.
func (db *DB) Close() error {
	left, first := db.gate.close()
	if !first {
		return engine.ErrClosed
	}
	db.stop()
	if failure := db.failures.first.Load(); failure != nil {
		return failure
	}
	<-left
	db.background.Wait()
	err := db.syncLog()
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		return failure
	}
	db.watch.armed.Store(false)
	return errors.Join(err, db.pebble.Close())
}
