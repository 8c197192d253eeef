// Package policy decides who may do what: it reads identity policies and bucket
// policies, and answers for one request which statement allows or refuses it.
//
// Everything here is pure. A [Document] is immutable once parsed and may be
// shared; [Evaluate] takes the policies that apply, the request and what the
// bucket's side says, and returns a [Decision] that names what decided. The
// caller supplies time, addresses, tags and all other condition keys as [Values].
//
// Vocabulary is Amazon's. An identity policy belongs to a user, a bucket policy
// to a bucket; a statement has an effect and elements for principal, action,
// resource and condition, and applies when all of them match. A Deny that
// applies wins over everything (AP3-3); what nothing allows is refused (AP3-7).
//
// What always holds, and is tested as a property: another Deny never allows
// more, another Allow never refuses more, and neither the order of statements
// nor that of policies counts. What cannot be judged counts against the
// request: a statement whose variable has no value allows nothing.
package policy
