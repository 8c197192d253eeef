// Package engine is the seam between the store and an ordered key-value engine.
//
// The contract is the strongest that an embedded engine and a distributed one
// both give cheaply: snapshot reads, write-write conflict, and explicit guards.
//
//   - A View sees one snapshot. A scan of it is never validated later.
//   - An Update conflicts when a key that it wrote or guarded changed, or
//     appeared, since its snapshot. Keys it only read may change freely.
//   - A Commit is a transaction without a snapshot: guards name the values its
//     keys must have, and everything is checked and applied in one round trip. A
//     guard may say which snapshot its value was read in; that decides nothing.
//   - An Add is commutative and never conflicts.
//   - A commit that returned nil survives a crash; one that returned ErrConflict
//     left no trace; after ErrCommitUnknown either may be the case. A change may
//     be visible to readers before it is durable, but what was committed after
//     reading it is never durable without it.
//   - There is no removal of ranges: what removes much does it in pages.
//
// Keys are 1 to 1,500 bytes. They are ordered by their bytes. Package
// enginetest is the conformance suite every implementation passes.
package engine
