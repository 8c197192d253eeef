// Package attack looks for a way past the protections. Principals with random policies send
// random requests, to the S3 API and to the server's own endpoints, to buckets with random
// policies, ACLs, versioning states and locks, while the clock is moved to and fro.
//
// Before each request an oracle says what it may do. It is written from docs/spec/auth-and-policy.md
// and docs/spec/object-lock-and-mfa.md, slow and simple, and shares no code with what it judges but
// the types that state is read in: it has an evaluator of policies, a clock that locks go by and a
// notion of MFA codes of its own. After the request everything there is, read past the API, is held
// against that: each bucket and its configuration, each version with its bytes, tags, ACL and
// lock, uploads and parts, accounts, users, keys, policies, devices and their last codes. Whatever
// differs in another way than the oracle said is a failure, and so is a request that was to
// succeed and did not.
//
// The operation with number n is drawn from the seed, n and the state that it meets. So an
// episode is replayed from its seed, and shrunk by leaving operations out.
package attack
