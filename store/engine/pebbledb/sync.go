package pebbledb

import (
	"context"
	"time"
)

// syncEvery is for how long a NoSync engine leaves changes in memory.
const syncEvery = time.Second

// Sync implements [engine.Engine]. It syncs the log even of an engine that syncs
// each commit: what a view sees may be the work of one that is still about to.
func (db *DB) Sync(ctx context.Context) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.gate.leave()
	if db.readOnly {
		return nil
	}
	return db.forceLog()
}

// syncLoop makes the changes of a NoSync engine durable each second.
func (db *DB) syncLoop(ctx context.Context) {
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if db.syncLog() != nil {
				return // failed, and OnFatal knows
			}
		}
	}
}

// syncLog makes durable what NoSync left behind, if there is anything.
func (db *DB) syncLog() error {
	if !db.unsynced.Swap(false) {
		return nil
	}
	return db.forceLog()
}

// forceLog makes durable all that was applied before. An empty batch would not
// reach the log, so it carries a record without effect.
func (db *DB) forceLog() error {
	batch := db.pebble.NewBatch()
	if err := batch.LogData(nil, nil); err != nil {
		return err
	}
	if err := db.apply(batch, true); err != nil {
		return err
	}
	return db.wait(batch)
}
