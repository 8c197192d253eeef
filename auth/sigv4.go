package auth

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithmV4  = "AWS4-HMAC-SHA256"
	algorithmV4A = "AWS4-ECDSA-P256-SHA256"
	basicISO     = "20060102T150405Z" // of x-amz-date
	scopeDate    = "20060102"
)

const detailComponents = "the authorization header requires three components: Credential, SignedHeaders, and Signature."

// authorization is what a request says about its signature of Version 4, in its header or in its query.
type authorization struct {
	scope         credentialScope
	signedHeaders string // the list as sent, in lower case
	signature     string
}

// verifyHeader checks a request signed by Signature Version 4 in its Authorization header.
func (v *Verifier) verifyHeader(r *http.Request, header string, now time.Time) (Session, error) {
	a, err := parseAuthorization(header)
	if err != nil {
		return Session{}, err
	}
	date, err := parseRequestDate(r.Header)
	if err != nil {
		return Session{}, err
	}
	if fault := v.checkScope(a.scope, date.basic[:len(scopeDate)]); fault != nil {
		return Session{}, fault.inHeader()
	}
	payload, payloadValue, err := parsePayload(r.Header)
	if err != nil {
		return Session{}, err
	}
	credential, err := v.credential(a.scope.accessKey, r.Header[headerAmzToken])
	if err != nil {
		return Session{}, err
	}
	if err := checkSkew(date, now); err != nil {
		return Session{}, err
	}
	names, twice := parseSignedHeaders(a.signedHeaders)
	if twice != "" {
		return Session{}, malformedHeader(messageTwice(twice))
	}
	if err := checkSignedHeaders(r, names); err != nil {
		return Session{}, err
	}
	s := Session{payload: payload, payloadValue: payloadValue, Identity: Identity{
		AccessKey:     credential.AccessKey,
		Placement:     InHeader,
		Algorithm:     algorithmV4,
		Region:        a.scope.region,
		SignedHeaders: names,
	}}
	s.chain, err = v.checkSignature(r, a, date, credential, s)
	return s, err
}

// parseAuthorization takes an Authorization header apart. Components may come in any order, with or
// without space after the commas.
func parseAuthorization(header string) (authorization, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	switch scheme {
	case algorithmV4:
	case algorithmV4A:
		return authorization{}, notImplemented(headerAuthorization, algorithmV4A)
	default:
		return authorization{}, &Error{Reason: InvalidRequest, Message: messageMechanism}
	}
	var a authorization
	var credential string
	for component := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(component), "=")
		var target *string
		switch name {
		case "Credential":
			target = &credential
		case "SignedHeaders":
			target = &a.signedHeaders
		case "Signature":
			target = &a.signature
		}
		if target == nil || *target != "" {
			return authorization{}, malformedHeader(detailComponents)
		}
		*target = value
	}
	if credential == "" || a.signedHeaders == "" || a.signature == "" {
		return authorization{}, malformedHeader(detailComponents)
	}
	a.signedHeaders = strings.ToLower(a.signedHeaders)
	var fault *scopeFault
	if a.scope, fault = parseCredential(credential); fault != nil {
		return authorization{}, fault.inHeader()
	}
	return a, nil
}

// requestDate is the time a request says it was signed at.
type requestDate struct {
	time  time.Time
	sent  string // as the client wrote it
	basic string // as it stands in the string to sign
}

// parseRequestDate returns the request's date: x-amz-date, which must be in basic ISO 8601, or else Date,
// which may also be an HTTP date.
func parseRequestDate(h http.Header) (requestDate, error) {
	if values := h[headerAmzDate]; len(values) > 0 {
		value := strings.Join(values, ",")
		if t, ok := parseBasicISO(value); ok {
			return requestDate{time: t, sent: value, basic: value}, nil
		}
	} else if date, ok := parseAnyDate(h.Get(headerDate)); ok {
		return date, nil
	}
	return requestDate{}, noDate()
}

// parseBasicISO reads a time as x-amz-date holds it. Go would take a fraction of a second too.
func parseBasicISO(value string) (time.Time, bool) {
	t, err := time.Parse(basicISO, value)
	return t, err == nil && len(value) == len(basicISO)
}

// parseAnyDate reads a time in one of the forms that HTTP and S3 know.
func parseAnyDate(value string) (requestDate, bool) {
	for _, layout := range []string{http.TimeFormat, time.RFC1123Z, basicISO, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, value); err == nil {
			return requestDate{time: t, sent: value, basic: t.UTC().Format(basicISO)}, true
		}
	}
	return requestDate{}, false
}

// credential looks the access key up. No key here is temporary, so a security token cannot be right, whatever it says.
func (v *Verifier) credential(accessKey string, tokens []string) (Credential, error) {
	credential, ok := v.Keys.Credential(accessKey)
	if !ok {
		return Credential{}, &Error{
			Reason:  InvalidAccessKeyId,
			Message: "The AWS Access Key Id you provided does not exist in our records.",
			Fields:  []Field{{"AWSAccessKeyId", accessKey}},
		}
	}
	if len(tokens) > 0 {
		return Credential{}, &Error{
			Reason:  InvalidToken,
			Message: "The provided token is malformed or otherwise invalid.",
			Fields:  []Field{{"Token-0", strings.Join(tokens, ",")}},
		}
	}
	return credential, nil
}

// checkSkew compares the clocks of client and server.
func checkSkew(date requestDate, now time.Time) error {
	if now.Sub(date.time).Abs() <= maxSkew {
		return nil
	}
	return &Error{
		Reason:  RequestTimeTooSkewed,
		Message: "The difference between the request time and the server's time is too large.",
		Fields: []Field{
			{"RequestTime", date.sent},
			{"ServerTime", serverTime(now)},
			{"MaxAllowedSkewMilliseconds", "900000"},
		},
	}
}

// parseSignedHeaders returns the names of a SignedHeaders list, sorted, and the name that comes twice, or "". None
// must: its value would stand in the canonical request as often, which then could be made as large as one likes.
func parseSignedHeaders(list string) (names []string, twice string) {
	names = strings.Split(list, ";")
	slices.Sort(names) // clients send them sorted
	for i, name := range names[1:] {
		if name == names[i] {
			return nil, name
		}
	}
	return names, ""
}

// checkSignedHeaders makes sure that nobody could add or change a header that S3 acts upon: host and every
// x-amz-* header must be among names, which are sorted. x-amz-content-sha256 may be left out, as with S3,
// because its value is in the canonical request anyway.
func checkSignedHeaders(r *http.Request, names []string) error {
	var missing []string
	if _, signed := slices.BinarySearch(names, "host"); !signed {
		missing = append(missing, "host")
	}
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") || name == headerAmzSHA256 {
			continue
		}
		if _, signed := slices.BinarySearchFunc(names, name, compareLower); !signed {
			missing = append(missing, strings.ToLower(name))
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return &Error{
		Reason:  AccessDenied,
		Message: "There were headers present in the request which were not signed",
		Fields:  []Field{{"HeadersNotSigned", strings.Join(missing, ", ")}},
	}
}

// compareLower compares lower with the lower case of name, byte by byte and without making it.
func compareLower(lower, name string) int {
	for i := range min(len(lower), len(name)) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if lower[i] != c {
			return cmp.Compare(lower[i], c)
		}
	}
	return cmp.Compare(len(lower), len(name))
}

// checkSignature computes the signature of r and compares it with the one it carries. For signed chunks it
// returns the chain that begins with it.
func (v *Verifier) checkSignature(r *http.Request, a authorization, date requestDate, credential Credential, s Session) (chain, error) {
	canonical := appendCanonicalRequest(make([]byte, 0, 1024), r, a.signedHeaders, s.payloadValue)
	scope := a.scope.String()
	toSign := appendStringToSign(make([]byte, 0, 192), date.basic, scope, sha256.Sum256(canonical))
	id := signingKeyID{secret: credential.Secret, date: a.scope.date, region: a.scope.region}
	key := v.cache.key(id)
	computed := key.sign(toSign)
	if !computed.equalHex(a.signature) {
		return chain{}, mismatch(credential.AccessKey, string(toSign), a.signature, string(canonical))
	}
	v.cache.remember(id, key)
	if !s.payload.signedChunks() {
		return chain{}, nil
	}
	return chain{
		key: key, date: date.basic, scope: scope, previous: computed,
		accessKey: credential.AccessKey, canonical: string(canonical),
	}, nil
}

// appendStringToSign appends the string to sign of a request.
func appendStringToSign(dst []byte, date, scope string, canonical [sha256.Size]byte) []byte {
	for _, line := range []string{algorithmV4, date, scope} {
		dst = append(dst, line...)
		dst = append(dst, '\n')
	}
	return hex.AppendEncode(dst, canonical[:])
}

// equalHex reports whether text is s in hex digits, in constant time for texts of the right shape.
func (s signature) equalHex(text string) bool {
	if !isSHA256Hex(text) {
		return false
	}
	var provided signature
	if _, err := hex.Decode(provided[:], []byte(text)); err != nil {
		return false
	}
	return hmac.Equal(s[:], provided[:])
}
