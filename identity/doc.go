// Package identity keeps who may sign requests: accounts, their users, access keys, policies and MFA devices.
//
// # Vocabulary
//
// An account has an id of 12 digits, a canonical id of 64 hex digits and a display name. Its root is the account itself:
// access keys without a user. A user belongs to one account and has access keys, inline policies, and attached policies,
// which are built in (policy.Managed) or kept by the account. An MFA device belongs to the root of an account. Everything
// of one of these kinds is one row, named as docs/format.md lists them; the rows are kept by a store ([Rows]).
//
// The default account and its root credential come from the configuration at each start and are never stored. So there
// is always one root, and it can neither be deleted nor disabled here. Every other account keeps at least one root key.
//
// # Two ways to manage, one implementation
//
// [Registry.ApplyFile] takes a whole declaration in YAML, the other methods one change each. A row remembers whether the
// file made it, and that never changes by listing it. What the file lists has the file's content again after each start,
// whoever made it. What the file made and no longer lists is removed when the file is applied. What others made never is:
// a user who has something of that kind outlives its place in the file with it, and is theirs from then on.
//
// # Invariants
//
//   - The request path, [Registry.Credential], [Registry.Caller] and [Registry.Used], takes no lock, does no I/O and
//     allocates nothing, whatever the number of users. It reads one immutable snapshot, which every change replaces.
//   - A change is durable before the snapshot shows it. A change that fails leaves the snapshot as it was. One whose outcome
//     is unknown may be durable all the same: it shows at the next start, and repeating it does no harm.
//   - A snapshot is whole: each key has its account and user, each attached policy its document. Rows that do not make one
//     are an error of [Open], never passed over: a lost row may have been a Deny.
//   - Secrets are sealed with AES-256-GCM before they are handed to Rows, under the name of their row, so that rows cannot
//     be swapped. No secret is part of an error, a log or what fmt prints of any type here; see [Secret].
//   - An MFA code is accepted once per device: its step is durable before [Registry.VerifyMFA] returns nil.
//   - When a key was last used is kept in memory, and written at most once a minute per key and by [Registry.Close]. A crash
//     loses up to a minute of it.
package identity
