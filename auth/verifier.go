package auth

import (
	"net/http"
	"strings"
	"time"
)

// maxSkew is how far the client's clock may be from the server's (docs/spec/wire.md §1.3).
const maxSkew = 15 * time.Minute

// Verifier checks the signatures of requests. Its fields must not change once it is in use; its methods
// may be called concurrently.
type Verifier struct {
	// Keys finds the credentials.
	Keys Keys
	// Region is the only region a scope may name; "" accepts any.
	Region string

	cache signingKeys
}

// Identity is who signed a request and how.
type Identity struct {
	// AccessKey is the access key id of the signer, "" for an anonymous request.
	AccessKey string
	// Anonymous is true when nothing was signed.
	Anonymous bool
	// Region is the region of the credential scope, "" where there is none: Signature Version 2.
	Region string
	// Placement says where the signature stands, 0 for an anonymous request.
	Placement Placement
	// Algorithm is what the request is signed with, as policies write it: AWS4-HMAC-SHA256, AWS for Signature
	// Version 2, "" for an anonymous request (spec AP2-10).
	Algorithm string
	// SignedAt is the time from which a query signed by Version 4 counts, zero for anything else.
	SignedAt time.Time
	// SignedHeaders are the names of the signed headers, in lower case and sorted; nil for forms and Signature
	// Version 2, which signs every x-amz-* header.
	SignedHeaders []string
}

// Placement is where the signature of a request stands.
type Placement uint8

// The placements.
const (
	InHeader Placement = iota + 1 // the Authorization header
	InQuery                       // the query, as presigned URLs have it
	InForm                        // the fields of a POST form
)

// String returns the placement as policies write it, "" for none (spec AP2-10).
func (p Placement) String() string {
	return [...]string{InHeader: "REST-HEADER", InQuery: "REST-QUERY-STRING", InForm: "POST"}[p]
}

// Session is the outcome of verifying a request's head: who signed it, and what its body must be.
type Session struct {
	Identity

	payload      Payload
	payloadValue string // of x-amz-content-sha256
	chain        chain  // set for signed chunks only
	hoisted      []Field
}

// Verify checks who signed r, at wall clock time now. hosted is the bucket that the host name of r names, or "" where
// the path does: Signature Version 2 signs it as part of the path. A request that carries no authentication at all
// gives an anonymous session and no error; what it may do is a matter of policy. Every error is an
// [*Error]. The body is not read.
func (v *Verifier) Verify(r *http.Request, hosted string, now time.Time) (Session, error) {
	header := strings.Join(r.Header[headerAuthorization], ",")
	query := queryMechanism(r)
	switch {
	case len(r.Header[headerAuthorization]) > 1, header != "" && query != mechanismNone:
		return Session{}, invalidArgument(messageOneMechanism, headerAuthorization, header)
	case strings.HasPrefix(header, schemeV2):
		return v.verifyHeaderV2(r, header, hosted, now)
	case header != "":
		return v.verifyHeader(r, header, now)
	case query == mechanismV4:
		return v.verifyQuery(r, now)
	case query == mechanismV2:
		return v.verifyQueryV2(r, hosted, now)
	case query != mechanismNone:
		return Session{}, &Error{Reason: InvalidArgument, Message: messageOneMechanism, Fields: []Field{
			{"ArgumentName", headerAuthorization},
		}}
	}
	return anonymous(r)
}

// anonymous returns the session of a request that nobody signed.
func anonymous(r *http.Request) (Session, error) {
	payload, value, err := parseAnonymousPayload(r.Header)
	if err != nil {
		return Session{}, err
	}
	return Session{Identity: Identity{Anonymous: true}, payload: payload, payloadValue: value}, nil
}

// Hoisted returns the headers that a signed query carries as parameters, under their canonical names: presigners move
// x-amz-* there so that whoever uses the link need not send them. The signature covers them, so they have to be obeyed
// or refused like headers, never passed over. Checksums are not among them, since S3 ignores those in a query.
func (s *Session) Hoisted() []Field { return s.hoisted }

// Payload reports how the body is protected.
func (s *Session) Payload() Payload { return s.payload }

// PayloadValue returns what the signature says of the body: the value of x-amz-content-sha256 in a header or a query, or
// UNSIGNED-PAYLOAD for a query of Version 4 without one. It is "" where nothing is said.
func (s *Session) PayloadValue() string { return s.payloadValue }

// ContentLength returns the number of payload bytes that r announces: x-amz-decoded-content-length for
// the aws-chunked forms, Content-Length otherwise. An absent or unreadable length is MissingContentLength.
func (s *Session) ContentLength(r *http.Request) (int64, error) {
	return payloadLength(r, s.payload)
}
