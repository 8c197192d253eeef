// Package pebbledb is the embedded engine: one Pebble folder in one process.
//
// # Transactions
//
// A commit takes the latches of its keys, looks whether its guards hold, hands
// its batch to Pebble, lets the latches go, and only then waits for the log to be
// on disk. So two commits on one key wait for each other's place in the log, not
// for each other's disk, and Pebble syncs many at once. Keys that are only added
// to take no latch: their order does not matter.
//
// An Update reads its snapshot and becomes a commit whose guards are the values
// that the snapshot holds of what it wrote or guarded. A key that changed and
// changed back counts as unchanged.
//
// Whether a guard holds is mostly known without a read. Keys belong to groups by
// their hash; each group remembers the number of the last commit that wrote to it,
// under the latch that such a commit holds. A guard carries the number of commits
// that its snapshot is sure to contain, and only if its group was written after
// that is the key read again and compared.
//
// # Durability
//
// The log has one order. What is visible is in the log, perhaps not yet on disk;
// what a later commit rests on comes before it. After a crash the log ends
// somewhere, and a batch is there whole or not at all. With Options.NoSync the
// log reaches the disk each second and at Close, and Sync does not wait for that.
//
// When the log can not be written the engine stops for good ([Failure]): Pebble
// would go on with changes in memory that a restart will not find.
//
// # Deletes
//
// A delete is a record like any other. It frees nothing while it is in the
// memtable, then nothing until it meets what it deletes in the last level of the
// tree, and then, if the value lives in a blob file, nothing until that file is
// rewritten. Until then a scan goes over it. Pebble does these steps when it
// needs the room; here they are done when deletes pause (decide.go), a piece at a
// time: flush, compact the spans in which deletes are many for what lies below
// them, rewrite blob files down to one twentieth of garbage.
package pebbledb
