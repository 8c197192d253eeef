// Package auth decides who signed a request and whether its body is the one that was signed.
//
// It is pure: no clock (the time is passed in), no network, no files. The only thing it reads is the
// request's body, and only when the caller reads the [Body] that [Session.Body] returns. The only state
// it keeps is a bounded cache of derived signing keys.
//
// # Vocabulary
//
// A request is signed or anonymous. A signed one carries a credential scope (date, region, service s3,
// aws4_request), the list of signed headers and a signature; in a presigned request the query carries
// them. The signature covers the string to sign, which holds the hash of the canonical request: method,
// path, query, signed headers and the payload value (x-amz-content-sha256). The key is derived from the
// secret and the scope: the signing key.
//
// An aws-chunked body is a chain. The request's signature is the seed; each chunk's signature covers the
// one before it and the hash of its data; the trailer's covers the last chunk's. So no chunk can be
// changed, dropped, repeated or moved.
//
// # Forms
//
// Signature Version 4 and Version 2, each in the Authorization header, in the query (presigned) and over the policy of
// a POST form, and anonymous requests. Version 4 takes every payload value of docs/spec/wire.md §1.2 but those of SigV4A,
// which answers [NotImplemented]; Version 2 has no aws-chunked. A security token on a static key is [InvalidToken].
// A request that only looks like one of these is never taken for anonymous.
//
// Presigners move x-amz-* headers into the query. [Session.Hoisted] returns them; they are signed, and whoever acts upon
// the request has to take them for headers.
//
// # Invariants
//
//   - [Body.Read] returns io.EOF only when everything announced was read and verified: length, chunk
//     signatures, trailer signature, SHA-256. Bytes are delivered earlier, while a chunk's signature can
//     still turn out wrong, so a caller commits nothing before io.EOF.
//   - What was signed is what is acted upon: the canonical path and query are derived from the bytes of
//     the request line by one decoding, the same that net/url applies, and every x-amz-* header is signed.
//     Version 4 covers the whole query. Version 2 covers its list of parameters; a request that may change
//     something and has another one is refused, and so is one whose values could be read in two ways.
//     A query that url.ParseQuery refuses can still be signed right: url.URL.Query drops the offending
//     parameters in silence, so a caller must refuse such a query instead of acting on the rest.
//   - Memory for a body is one buffer of 4 KiB and a line, whatever the sizes of its chunks and trailers.
//   - Comparisons of signatures take constant time. Secrets and keys never appear in an [Error].
//   - A policy of a form counts only signed, and is checked against what [Form.Lookup] returns.
//
// # Order of checks
//
// Header: its shape, date, scope, payload value, access key, token, skew, signed headers, signature. Query: its
// parameters, its life, then the same. Form: missing fields, access key, token, signature, policy, its end; the caller
// goes on with [PostPolicy.Check]. Everything before the access key needs no secret, and nothing after it tells more than
// S3 does.
package auth
