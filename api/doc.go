// Package api is the S3 protocol over HTTP: it finds out what a request asks
// for, who asks, whether they may, hands it to the store and writes the answer.
//
// # Life of a request
//
//   - [Handler] gives it an id and routes it by level: service, bucket or object.
//     Bucket and key come from the raw path, split at its first slash and decoded
//     once, so that a key is what was sent, byte for byte (spec WI2-1).
//   - The table in operations.go names the operation by method, level,
//     sub-resource and, for some, a parameter or header. What the table names and
//     this version cannot do is answered 501 with its name. A sub-resource is
//     never passed over, so DELETE /b/k?acl deletes no object.
//   - The checks of docs/spec/auth-and-policy.md §3.1 follow in their order
//     (checks.go). The operation's prepare function stands among them: it reads
//     parameters, headers and small bodies and returns a task, which runs only
//     once policy and the checks after it have let it through.
//   - The task asks the store and answers.
//
// # Invariants
//
//   - The package holds no rule about versions: every answer about them is the
//     store's.
//   - A header or parameter that changes what is stored or destroyed is honoured
//     or refused, never passed over.
//   - An error becomes an S3 code in one place (translate.go), and a code its
//     status in one table (errors.go). What happened inside is logged, once, with
//     the request id, and never told to a client.
//   - Memory for a request is bounded: objects stream, documents that are read are
//     capped, documents that are written leave in pieces.
package api
