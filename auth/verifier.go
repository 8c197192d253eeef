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
	// Region is the region of the credential scope.
	Region string
	// SignedHeaders are the names of the signed headers, in lower case and sorted.
	SignedHeaders []string
}

// Session is the outcome of verifying a request's head: who signed it, and what its body must be.
type Session struct {
	Identity

	payload      Payload
	payloadValue string // of x-amz-content-sha256
	chain        chain  // set for signed chunks only
}

// Verify checks who signed r, at wall clock time now. A request that carries no authentication at all
// gives an anonymous session and no error; what it may do is a matter of policy. Every error is an
// [*Error]. The body is not read.
func (v *Verifier) Verify(r *http.Request, now time.Time) (Session, error) {
	header := strings.Join(r.Header[headerAuthorization], ",")
	query := queryMechanism(r)
	switch {
	case len(r.Header[headerAuthorization]) > 1, header != "" && query != mechanismNone:
		return Session{}, &Error{Reason: InvalidArgument, Message: messageOneMechanism, Fields: []Field{
			{"ArgumentName", headerAuthorization},
			{"ArgumentValue", header},
		}}
	case header != "":
		return v.verifyHeader(r, header, now)
	case query == mechanismV4:
		return Session{}, &Error{Reason: NotImplemented, Message: messageUnimplemented, Fields: []Field{
			{"Header", "X-Amz-Algorithm"},
			{"additionalMessage", "Presigned requests are not supported."},
		}}
	case query == mechanismV2:
		return Session{}, &Error{Reason: InvalidRequest, Message: messageMechanism}
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

// mechanism is a way of authenticating by query parameters.
type mechanism int

const (
	mechanismNone mechanism = iota
	mechanismV4
	mechanismV2
)

// queryMechanisms are the parameters that no unauthenticated request carries.
var queryMechanisms = []struct {
	name      string
	mechanism mechanism
}{
	{"X-Amz-Algorithm", mechanismV4},
	{"X-Amz-Credential", mechanismV4},
	{"X-Amz-Signature", mechanismV4},
	{"AWSAccessKeyId", mechanismV2},
	{"Signature", mechanismV2},
}

// queryMechanism looks for authentication in the query of r.
func queryMechanism(r *http.Request) mechanism {
	_, query := wireTarget(r)
	if query == "" {
		return mechanismNone
	}
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		name = canonicalQueryText(name)
		for _, m := range queryMechanisms {
			if strings.EqualFold(name, m.name) {
				return m.mechanism
			}
		}
	}
	return mechanismNone
}

// Payload reports how the body is protected.
func (s *Session) Payload() Payload { return s.payload }

// ContentLength returns the number of payload bytes that r announces: x-amz-decoded-content-length for
// the aws-chunked forms, Content-Length otherwise. An absent or unreadable length is MissingContentLength.
func (s *Session) ContentLength(r *http.Request) (int64, error) {
	return payloadLength(r, s.payload)
}
