// Package crashtest shows that a store loses nothing that it acknowledged.
//
// Several goroutines play random operations against one store on a file system
// that can be cut (package crashfs): puts inline and in files, deletes of all
// kinds, buckets made, changed and removed, while reclaim runs. At many of the
// syncs that happen meanwhile the file system is cut three times, with none, half
// and all of what was not synced kept. Each cut is opened as a store of its own,
// which must hold exactly what was acknowledged at that moment, and of each
// operation under way all, nothing, or, where that is allowed, some of its keys.
//
// [Run] returns what it found, so that a test can also show the opposite: with any
// one sync left out, something is lost.
package crashtest
