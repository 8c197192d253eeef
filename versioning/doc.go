// Package versioning is the rule book: what a PUT, a DELETE and a read mean in
// a bucket that was never versioned, is versioned, or has versioning suspended.
//
// It decides and does nothing. Each rule is a function of the bucket's [State],
// of what is known of the key ([Facts]) and of the request, and returns a [Plan]:
// which version to insert, which to remove, what to answer. The store reads the
// facts that the request says it needs ([Needs]), asks, and applies the plan as
// one atomic batch. No clock, no I/O and no context enter.
//
// # Vocabulary
//
// A key has a history: object versions and delete markers, newest first, each
// with an [Order] that no other entry of the store ever has. The newest one is
// current. At most one entry of a key is null: it was written while the bucket
// was Unversioned or Suspended, and its version id is the word null. All others
// have an opaque id made from their order ([IDCodec]). A key whose history is
// empty is absent, and nothing of it remains.
//
// # Invariants
//
//   - A plan removes at most one version, and never one whose [Lock] protects it
//     at the time of the request.
//   - A plan that inserts makes what it inserts current. A plan that removes the
//     current entry without inserting leaves the newest remaining one current,
//     be it an object or a delete marker.
//   - A refused request has no plan: refusals are errors of type [*Refusal].
//
// The rules are those of docs/spec/versioning-and-deletion.md and of section 1.4
// of docs/spec/object-lock-and-mfa.md; each function names its rows.
package versioning
