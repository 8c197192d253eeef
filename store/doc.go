// Package store keeps buckets, versions and their bytes. It is the only package
// that touches the disk, and the only one that destroys a version.
//
// # How a change happens
//
// A change of a key goes through one path ([Store.Put], [Store.Delete] and
// [Store.DeleteObjects] are the ways in): it takes a counted hold of its bucket's
// state and the locks of its keys, reads of each key's history what the rule says
// it needs and never more, asks package versioning for a plan, and commits all
// plans as one atomic batch under guards on the rows that every change of these
// keys writes. Plans are turned into rows in apply.go and nowhere else: it is the
// only place where a version, head, live or blob row is removed.
//
// # Work that nobody waits for
//
// Rules and jobs judge entries in a view of [Store.History] and have them removed
// afterwards, a batch at a time, by [Store.Remove]. That is the path of every delete,
// with one question more: a removal names the head of its key as the view showed it, and
// nothing is done unless the head is that one in the commit too. Orders only rise, so
// the same newest entry and the same number of entries are the same entries; and a count
// of what was changed of those that stayed tells whether they are as they were.
// Where such work has come to it keeps as a document ([Store.KeepJob]).
//
// # Uploads in parts
//
// A part is stored under a guard on the row of its upload, which no part writes, so
// parts are stored side by side; what ends an upload removes the row. Completing
// one takes the path of a put besides: the version that it makes is a map of the
// parts, whose rows stay where they are. What an end leaves over, and the parts
// of a version that is destroyed, are one reclaim row however many they are.
// Parts that are copied share files by hard links: each name has one owner, so
// nothing counts references.
//
// # Invariants
//
//   - An answer that rests on a change is given after the change is durable (in
//     [Relaxed]: within a second). The locks are held until then, so a request
//     that changes nothing rests on durable rows too.
//
//   - A version row never names bytes that a crash can take away: a file is
//     durable before its row, and inline bytes are in the row's own batch.
//
//   - Bytes are released in the batch that destroys their version: inline bytes go
//     with it, a file goes after it, by a reclaim row written in it.
//
//   - Correctness rests on guards. Locks and holds only keep changes of one
//     process from failing each other's guards.
//
//   - Listings, and reads of the current or a named entry, cost the same however
//     many entries a key has.
//
//   - A change that the ledger tells of and the row that does are one batch. Rows
//     form no chain; a sealer sums up finished ranges of them within a second.
//
// # Lock order
//
// The hold of a bucket before the locks of its keys, those in the order of their
// names, then Store.mu, or the mutex of the ledger and after it that of orders, which
// is held by nobody who takes another.
//
// What is on disk is described in docs/format.md.
package store
