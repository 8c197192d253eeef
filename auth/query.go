package auth

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"unicode"
)

// Parameters that authenticate a query, spelled as S3 has them.
const (
	argAlgorithm     = "X-Amz-Algorithm"
	argCredential    = "X-Amz-Credential"
	argDate          = "X-Amz-Date"
	argExpires       = "X-Amz-Expires"
	argSignedHeaders = "X-Amz-SignedHeaders"
	argSignature     = "X-Amz-Signature"
	argToken         = headerAmzToken
	argSHA256        = headerAmzSHA256
	argAccessKeyV2   = "AWSAccessKeyId"
	argExpiresV2     = "Expires"
	argSignatureV2   = "Signature"
)

// mechanism is a set of ways to authenticate by query parameters, or by the fields of a form.
type mechanism int

const (
	mechanismNone mechanism = 0
	mechanismV4   mechanism = 1
	mechanismV2   mechanism = 2
)

// queryMechanisms are the parameters that no unauthenticated request carries.
var queryMechanisms = []struct {
	name      string
	mechanism mechanism
}{
	{argAlgorithm, mechanismV4},
	{argCredential, mechanismV4},
	{argDate, mechanismV4},
	{argExpires, mechanismV4},
	{argSignedHeaders, mechanismV4},
	{argSignature, mechanismV4},
	{argAccessKeyV2, mechanismV2},
	{argSignatureV2, mechanismV2},
}

// queryMechanism looks for authentication in the query of r, in whatever case: what only looks like it is refused by
// the check of that mechanism, and not taken for anonymous.
func queryMechanism(r *http.Request) mechanism {
	_, query := wireTarget(r)
	if query == "" {
		return mechanismNone
	}
	found := mechanismNone
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		name = canonicalQueryText(name)
		for _, m := range queryMechanisms {
			if strings.EqualFold(name, m.name) {
				found |= m.mechanism
			}
		}
	}
	return found
}

// signedQuery is the decoded parameters of a query that carries a signature, in their order.
type signedQuery []queryPair

// parseSignedQuery decodes the query of r as the server acts upon it.
func parseSignedQuery(r *http.Request) signedQuery {
	_, query := wireTarget(r)
	var q signedQuery
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		q = append(q, queryPair{decodeQueryText(name), decodeQueryText(value)})
	}
	return q
}

// decodeQueryText decodes s once, as canonicalQueryText does.
func decodeQueryText(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if v, ok := unhexEscape(s[i:]); ok {
			c = v
			i += 2
		} else if c == '+' {
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}

// lookup returns the value of a parameter, and whether it was sent.
func (q signedQuery) lookup(name string) (string, bool) {
	for _, p := range q {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// has reports whether all parameters were sent.
func (q signedQuery) has(names ...string) bool {
	for _, name := range names {
		if _, sent := q.lookup(name); !sent {
			return false
		}
	}
	return true
}

// fault says what is wrong with the parameters that authenticate or stand for headers, or "". Each must come once,
// for readers differ in which of two values counts; and a header has no line breaks, which in a string to sign of
// Version 2 would make one header look like two.
func (q signedQuery) fault() string {
	seen := make(map[string]bool)
	for _, p := range q {
		if !authenticates(p.name) && !hoistableV2(p.name) {
			continue
		}
		if strings.ContainsFunc(p.name, notInHeaderName) || strings.ContainsFunc(p.value, unicode.IsControl) {
			return "The query parameter " + strconv.Quote(p.name) + " is no header."
		}
		lower := strings.ToLower(p.name)
		if seen[lower] {
			return "The query parameter " + p.name + " may be sent only once."
		}
		seen[lower] = true
	}
	return ""
}

func notInHeaderName(c rune) bool {
	return c > 0x7f || !unreserved(byte(c))
}

// authenticates reports whether the parameter is part of the authentication itself.
func authenticates(name string) bool {
	for _, m := range queryMechanisms {
		if strings.EqualFold(name, m.name) {
			return true
		}
	}
	return name == argExpiresV2 || strings.EqualFold(name, argToken) || strings.EqualFold(name, argSHA256)
}

// isAmz reports whether a parameter would be one of S3's headers, x-amz-*.
func isAmz(name string) bool {
	const prefix = "x-amz-"
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// hoistable reports whether a signed parameter stands for the header of its name.
func hoistable(name string) bool { return isAmz(name) && !authenticates(name) }

// hoisted returns the headers among the parameters that take says are some, under their canonical names. Those
// that the request repeats as a header with the same value are not reported again, nor is an empty Content-Type, which
// Version 2 cannot tell from none.
func (q signedQuery) hoisted(h http.Header, take func(name string) bool) []Field {
	var fields []Field
	for _, p := range q {
		if !take(p.name) || p.value == "" && !isAmz(p.name) {
			continue
		}
		name := textproto.CanonicalMIMEHeaderKey(p.name)
		if values := h[name]; len(values) != 1 || values[0] != p.value {
			fields = append(fields, Field{name, p.value})
		}
	}
	return fields
}

// withoutChecksums leaves out what S3 does not read in a query: the checksums that presigners compute over a
// body they do not have (R-IS:aws/aws-sdk-go-v2#2610, R-IS:localstack/localstack#12169).
func withoutChecksums(fields []Field) []Field {
	var kept []Field
	for _, f := range fields {
		if !strings.HasPrefix(f.Name, "X-Amz-Checksum-") && f.Name != "X-Amz-Sdk-Checksum-Algorithm" {
			kept = append(kept, f)
		}
	}
	return kept
}
