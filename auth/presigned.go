package auth

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxExpires is the longest life of a presigned query of Signature Version 4, in seconds: a week.
const maxExpires = 604800

// Texts of AuthorizationQueryParametersError (T-VGW; docs/spec/wire.md §1.3).
const (
	messageQueryIncomplete = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
		"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	messageAlgorithms      = `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`
	messageQueryDate       = `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`
	messageExpiresNumber   = "X-Amz-Expires should be a number"
	messageExpiresNegative = "X-Amz-Expires must be non-negative"
	messageExpiresWeek     = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
)

// presigned is what a query says about its signature of Version 4.
type presigned struct {
	authorization
	date    requestDate
	expires int64 // seconds after date
}

// verifyQuery checks a request signed by Signature Version 4 in its query (spec WI1.1-2).
func (v *Verifier) verifyQuery(r *http.Request, now time.Time) (Session, error) {
	q := parseSignedQuery(r)
	p, err := parsePresigned(q)
	if err != nil {
		return Session{}, err
	}
	if err := p.checkTime(now); err != nil {
		return Session{}, err
	}
	if fault := v.checkScope(p.scope, p.date.basic[:len(scopeDate)]); fault != nil {
		return Session{}, fault.inQuery()
	}
	payload, payloadValue, err := parseQueryPayload(r.Header, q)
	if err != nil {
		return Session{}, err
	}
	tokens := r.Header[headerAmzToken]
	if token, sent := q.lookup(argToken); sent {
		tokens = append([]string{token}, tokens...)
	}
	credential, err := v.credential(p.scope.accessKey, tokens)
	if err != nil {
		return Session{}, err
	}
	names, twice := parseSignedHeaders(p.signedHeaders)
	if twice != "" {
		return Session{}, malformedQuery(messageTwice(twice))
	}
	if err := checkSignedHeaders(r, names); err != nil {
		return Session{}, err
	}
	s := Session{payload: payload, payloadValue: payloadValue, Identity: Identity{
		AccessKey:     credential.AccessKey,
		Placement:     InQuery,
		Algorithm:     algorithmV4,
		SignedAt:      p.date.time,
		Region:        p.scope.region,
		SignedHeaders: names,
	}}
	s.hoisted = withoutChecksums(q.hoisted(r.Header, hoistable))
	s.chain, err = v.checkSignature(r, p.authorization, p.date, credential, s)
	return s, err
}

// parsePresigned takes the parameters of a presigned query apart.
func parsePresigned(q signedQuery) (presigned, error) {
	if !q.has(argAlgorithm, argCredential, argDate, argExpires, argSignedHeaders, argSignature) {
		return presigned{}, malformedQuery(messageQueryIncomplete)
	}
	if fault := q.fault(); fault != "" {
		return presigned{}, malformedQuery(fault)
	}
	switch algorithm, _ := q.lookup(argAlgorithm); algorithm {
	case algorithmV4:
	case algorithmV4A:
		return presigned{}, notImplemented(argAlgorithm, algorithmV4A)
	default:
		return presigned{}, malformedQuery(messageAlgorithms)
	}
	var p presigned
	var err error
	if p.date, p.expires, err = parseLife(q); err != nil {
		return presigned{}, err
	}
	credential, _ := q.lookup(argCredential)
	var fault *scopeFault
	if p.scope, fault = parseCredential(credential); fault != nil {
		return presigned{}, fault.inQuery()
	}
	list, _ := q.lookup(argSignedHeaders)
	p.signedHeaders = strings.ToLower(list)
	p.signature, _ = q.lookup(argSignature)
	return p, nil
}

// parseLife reads from when and for how long, in seconds, a presigned query is good.
func parseLife(q signedQuery) (requestDate, int64, error) {
	value, _ := q.lookup(argDate)
	t, ok := parseBasicISO(value)
	if !ok {
		return requestDate{}, 0, malformedQuery(messageQueryDate)
	}
	text, _ := q.lookup(argExpires)
	expires, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return requestDate{}, 0, malformedQuery(messageExpiresNumber)
	case expires < 0:
		return requestDate{}, 0, malformedQuery(messageExpiresNegative)
	case expires > maxExpires:
		return requestDate{}, 0, malformedQuery(messageExpiresWeek)
	}
	return requestDate{time: t, sent: value, basic: value}, expires, nil
}

// checkTime refuses a query before its time and after it (spec WI1.3-5). It may come early by as much as clocks may
// differ.
func (p *presigned) checkTime(now time.Time) error {
	end := p.date.time.Add(time.Duration(p.expires) * time.Second)
	switch {
	case p.date.time.Sub(now) > maxSkew:
		return &Error{Reason: AccessDenied, Message: "Request is not yet valid", Fields: []Field{
			{argDate, strconv.FormatInt(p.date.time.UnixMilli(), 10)},
			{"Expires", serverTime(end)},
			{"ServerTime", serverTime(now)},
		}}
	case now.After(end):
		return &Error{Reason: AccessDenied, Message: messageExpired, Fields: []Field{
			{argExpires, strconv.FormatInt(p.expires, 10)},
			{"Expires", serverTime(end)},
			{"ServerTime", serverTime(now)},
		}}
	}
	return nil
}

// parseQueryPayload is parsePayload for a presigned request: the value may stand in the query or in the header, and
// without one the body is not verified (spec WI1.1-2).
func parseQueryPayload(h http.Header, q signedQuery) (Payload, string, error) {
	if value, sent := q.lookup(argSHA256); sent {
		return parsePayloadValue(value)
	}
	if len(h[headerAmzSHA256]) > 0 {
		return parsePayload(h)
	}
	return PayloadUnsigned, valueUnsigned, nil
}
