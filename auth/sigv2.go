package auth

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithmV2    = "AWS"
	schemeV2       = algorithmV2 + " "
	messageExpired = "Request has expired"
)

// subresources are the query parameters that a signature of Version 2 covers (spec WI1.1-10).
var subresources = setOf(
	"acl", "accelerate", "cors", "defaultObjectAcl", "delete", "lifecycle", "location", "logging", "notification",
	"object-lock", "legal-hold", "retention", "partNumber", "policy", "publicAccessBlock", "requestPayment", "replication",
	"restore", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires",
)

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// requestV2 is a request as Signature Version 2 sees it.
type requestV2 struct {
	*http.Request
	hosted    string // the bucket in the host name, or ""
	query     signedQuery
	presigned bool    // the query authenticates
	hoisted   []Field // headers that then stand in the query
	date      string  // the line for it in the string to sign
}

// verifyHeaderV2 checks a request signed by Signature Version 2 in its Authorization header (spec WI1.1-4).
func (v *Verifier) verifyHeaderV2(r *http.Request, header, hosted string, now time.Time) (Session, error) {
	accessKey, provided, ok := parseAuthorizationV2(header)
	if !ok {
		return Session{}, invalidArgument("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", headerAuthorization, header)
	}
	request := requestV2{Request: r, hosted: hosted, query: parseSignedQuery(r), date: r.Header.Get(headerDate)}
	sent := request.date
	if values := r.Header[headerAmzDate]; len(values) > 0 {
		request.date, sent = "", strings.Join(values, ",")
	}
	date, ok := parseAnyDate(sent)
	if !ok {
		return Session{}, noDate()
	}
	if err := checkSkew(date, now); err != nil { // spec WI1.3-22
		return Session{}, err
	}
	return v.verifyV2(&request, accessKey, provided)
}

// parseAuthorizationV2 takes `AWS key:signature` apart.
func parseAuthorizationV2(header string) (accessKey, signature string, ok bool) {
	rest, ok := strings.CutPrefix(header, schemeV2)
	accessKey, signature, found := strings.Cut(rest, ":")
	return accessKey, signature, ok && found && accessKey != "" && signature != "" && !strings.ContainsAny(signature, " ,:")
}

// verifyQueryV2 checks a request signed by Signature Version 2 in its query (spec WI1.1-5).
func (v *Verifier) verifyQueryV2(r *http.Request, hosted string, now time.Time) (Session, error) {
	q := parseSignedQuery(r)
	if !q.has(argAccessKeyV2, argExpiresV2, argSignatureV2) {
		return Session{}, &Error{
			Reason:  AccessDenied,
			Message: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
		}
	}
	if fault := q.fault(); fault != "" {
		return Session{}, &Error{Reason: InvalidRequest, Message: fault}
	}
	expires, _ := q.lookup(argExpiresV2)
	if err := checkExpiresV2(expires, now); err != nil {
		return Session{}, err
	}
	accessKey, _ := q.lookup(argAccessKeyV2)
	provided, _ := q.lookup(argSignatureV2)
	request := requestV2{
		Request: r, hosted: hosted, query: q, presigned: true,
		hoisted: q.hoisted(r.Header, hoistableV2), date: expires,
	}
	return v.verifyV2(&request, accessKey, provided)
}

// hoistableV2 reports whether a parameter is signed as the header of its name: presigners of Version 2 move there
// whatever header they sign (botocore's HmacV1QueryAuth).
func hoistableV2(name string) bool {
	return isAmz(name) || strings.EqualFold(name, "content-type") || strings.EqualFold(name, "content-md5")
}

// checkExpiresV2 refuses a query after its time, which is in seconds since 1970 and has no upper bound (spec WI1.3-22).
func checkExpiresV2(text string, now time.Time) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return &Error{Reason: AccessDenied, Message: "Invalid date (should be seconds since epoch): " + text}
	}
	if now.Unix() <= seconds {
		return nil
	}
	return &Error{Reason: AccessDenied, Message: messageExpired, Fields: []Field{
		{"Expires", serverTime(time.Unix(seconds, 0))},
		{"ServerTime", serverTime(now)},
	}}
}

// verifyV2 is what header and query have in common.
func (v *Verifier) verifyV2(r *requestV2, accessKey, provided string) (Session, error) {
	payload, value, err := r.payload()
	if err != nil {
		return Session{}, err
	}
	tokens := r.Header[headerAmzToken]
	for _, f := range r.hoisted {
		if f.Name == headerAmzToken {
			tokens = append([]string{f.Value}, tokens...)
		}
	}
	credential, err := v.credential(accessKey, tokens)
	if err != nil {
		return Session{}, err
	}
	if name, found := r.unsigned(); found {
		return Session{}, &Error{
			Reason:  AccessDenied,
			Message: "There were query parameters present in the request which Signature Version 2 does not sign",
			Fields:  []Field{{"ParameterNotSigned", name}},
		}
	}
	if err := r.checkSignature(credential, provided); err != nil {
		return Session{}, err
	}
	placement := InHeader
	if r.presigned {
		placement = InQuery
	}
	return Session{
		Identity: Identity{AccessKey: credential.AccessKey, Placement: placement, Algorithm: algorithmV2},
		payload:  payload, payloadValue: value,
		hoisted: withoutChecksums(slices.DeleteFunc(slices.Clone(r.hoisted), func(f Field) bool { return authenticates(f.Name) })),
	}, nil
}

// payload returns what the body must be. Signature Version 2 covers no chunks, so aws-chunked says nothing there, and
// its framing must not be taken for data.
func (r *requestV2) payload() (Payload, string, error) {
	encoding := r.header("Content-Encoding")
	if StripAWSChunked(encoding) != strings.TrimSpace(encoding) || r.header(headerAmzDecodedLen) != "" {
		return 0, "", chunkedV2()
	}
	value := r.header(headerAmzSHA256)
	if value == "" {
		return PayloadUnsigned, "", nil
	}
	payload, value, err := parsePayloadValue(value)
	if err == nil && payload.Streaming() {
		err = chunkedV2()
	}
	return payload, value, err
}

func chunkedV2() *Error {
	return &Error{Reason: InvalidRequest, Message: "aws-chunked bodies are not supported with Signature Version 2. Please use AWS4-HMAC-SHA256."}
}

// unsigned returns the name of a parameter that the signature does not hold fast: in any request one whose value could be
// read as a value and another parameter, and in a request that may change something one that is not covered at all.
// Version 2 leaves parameters out that choose the operation today (?ownershipControls, ?encryption): without this, a
// signature to delete one of those would delete the bucket.
func (r *requestV2) unsigned() (name string, found bool) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	for _, p := range r.query {
		covered := subresources[p.name] || r.presigned && (authenticates(p.name) || hoistableV2(p.name))
		if !covered && !reads || subresources[p.name] && ambiguous(p.value) {
			return p.name, true
		}
	}
	return "", false
}

// ambiguous reports whether a value looks like more than one parameter in a string to sign, which holds values as they
// are: ?uploadId=1&versionId=2 and ?uploadId=1%26versionId%3D2 have one signature.
func ambiguous(value string) bool {
	_, rest, _ := strings.Cut(value, "&")
	for part := range strings.SplitSeq(rest, "&") {
		if name, _, _ := strings.Cut(part, "="); subresources[name] {
			return true
		}
	}
	return false
}

// checkSignature computes the signature and compares it with the one provided.
func (r *requestV2) checkSignature(credential Credential, provided string) error {
	paths := r.paths()
	for _, path := range paths {
		if equalBase64(signV2(credential.Secret, r.stringToSign(path)), provided) {
			return nil
		}
	}
	return mismatchText(credential.AccessKey, r.stringToSign(paths[0]), provided)
}

// paths returns the ways to write the path of the resource: as it was sent, which is what S3 signs; encoded as
// Version 4 has it (minio-go); and, for a bucket, with the slash that botocore signs and does not send. All of them
// name the same resource.
func (r *requestV2) paths() []string {
	sent, _ := wireTarget(r.Request)
	if sent == "" {
		sent = "/"
	}
	if r.hosted != "" {
		sent = "/" + r.hosted + sent
	}
	paths := []string{sent}
	if canonical := string(appendCanonicalPath(nil, sent)); canonical != sent {
		paths = append(paths, canonical)
	}
	if len(sent) > 1 && strings.Count(sent, "/") == 1 {
		paths = append(paths, sent+"/")
	}
	return paths
}

// stringToSign returns what is signed (spec WI1.1-10).
func (r *requestV2) stringToSign(path string) string {
	var b strings.Builder
	for _, line := range []string{r.Method, r.header("Content-Md5"), r.header("Content-Type"), r.date} {
		b.WriteString(line + "\n")
	}
	for _, h := range r.amzHeaders() {
		b.WriteString(h.name + ":" + h.value + "\n")
	}
	b.WriteString(path)
	separator := "?"
	for _, p := range r.subresources() {
		b.WriteString(separator + p.name)
		if p.value != "" {
			b.WriteString("=" + p.value)
		}
		separator = "&"
	}
	return b.String()
}

// header returns the value of a header, or of the parameter that stands for it.
func (r *requestV2) header(name string) string {
	if values := r.Header[name]; len(values) > 0 {
		return strings.Join(values, ",")
	}
	for _, f := range r.hoisted {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// amzHeaders returns the x-amz-* headers in lower case and sorted, several values of one name joined by commas.
func (r *requestV2) amzHeaders() []queryPair {
	var headers []queryPair
	for name, values := range r.Header {
		if isAmz(name) {
			headers = append(headers, queryPair{strings.ToLower(name), strings.Join(values, ",")})
		}
	}
	for _, f := range r.hoisted {
		if isAmz(f.Name) {
			headers = append(headers, queryPair{strings.ToLower(f.Name), f.Value})
		}
	}
	slices.SortStableFunc(headers, func(a, b queryPair) int { return cmp.Compare(a.name, b.name) })
	return headers
}

// subresources returns the parameters that belong to the resource, sorted, with their values decoded.
func (r *requestV2) subresources() []queryPair {
	var out []queryPair
	for _, p := range r.query {
		if subresources[p.name] {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b queryPair) int { return cmp.Compare(a.name, b.name) })
	return out
}

// signV2 returns the HMAC-SHA1 of text in Base64.
func signV2(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// equalBase64 compares two signatures in constant time.
func equalBase64(computed, provided string) bool {
	return hmac.Equal([]byte(computed), []byte(provided))
}
