// Package lifecycle says what the rules of a bucket do with its entries, and does it.
//
// This file's half is pure: a configuration is parsed and held against the rules
// of S3 ([ParseXML]), and a fold over the entries of keys ([Fold]) returns what is
// to happen to each, when, and by which rule. No clock, no I/O and no context
// enter it: the time is a value ([Instant]).
//
// # Vocabulary
//
// A rule selects entries by a [Filter] and names actions. The entry of a key that
// is newest is current, all others are noncurrent, each since its successor, the
// next newer entry, was made. A [Verdict] says what becomes of an entry as things
// stand: which rule is the first that will act on it, and when it is due.
//
// # Invariants
//
//   - A fold judges as if one action after the other were done, newest entry first,
//     all at one instant. An entry that goes is gone for what is judged after it.
//     So a pass that is cut anywhere and begun anew comes to the same end, and a
//     second pass at the same instant does nothing.
//   - An entry whose lock protects it is never destroyed. It stays and counts.
//   - Nothing is written into objects: what was not due yet when a rule changed or
//     went is judged by what the configuration says now.
//   - Due times are midnights UTC, of a rule with a number of days never before the
//     days are over (spec LC4-1, LC4-3, LC4-4).
//
// The rules are those of docs/spec/lifecycle.md; each function names its rows.
package lifecycle
