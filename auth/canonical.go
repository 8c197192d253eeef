package auth

import (
	"cmp"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// Names of headers as net/http writes them.
const (
	headerAuthorization = "Authorization"
	headerDate          = "Date"
	headerAmzDate       = "X-Amz-Date"
	headerAmzSHA256     = "X-Amz-Content-Sha256"
	headerAmzToken      = "X-Amz-Security-Token"
	headerAmzDecodedLen = "X-Amz-Decoded-Content-Length"
	headerAmzTrailer    = "X-Amz-Trailer"
)

// appendCanonicalRequest appends the canonical request (docs/spec/wire.md §1.1). signedHeaders is the
// list in the client's order and in lower case, payload the value that stands for the body.
func appendCanonicalRequest(dst []byte, r *http.Request, signedHeaders, payload string) []byte {
	path, query := wireTarget(r)
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst = appendCanonicalPath(dst, path)
	dst = append(dst, '\n')
	dst = appendCanonicalQuery(dst, query)
	dst = append(dst, '\n')
	for name := range strings.SplitSeq(signedHeaders, ";") {
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = appendHeader(dst, r, name)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, payload...)
}

// wireTarget returns path and query as the client sent them, still encoded. The request line comes first
// because handlers rewrite URL.Path (virtual-hosted buckets, prefixes); it is absent in requests that
// did not come through a server, and of another shape with proxies (`GET http://host/path`).
func wireTarget(r *http.Request) (path, query string) {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, query, _ = strings.Cut(r.RequestURI, "?")
		return path, query
	}
	return r.URL.EscapedPath(), r.URL.RawQuery
}

// appendCanonicalPath appends path decoded once and encoded again, so that every way of writing the same
// key gives the same text: clients differ in `!`, `*`, `~`, `(`, in `%2F` and in the case of hex digits.
// `.`, `..` and `//` stay. A raw `+` is a plus, because the key it names is one with a plus
// (docs/spec/wire.md §2: keys are the decoded path); clients send `%2B`.
func appendCanonicalPath(dst []byte, path string) []byte {
	if path == "" {
		return append(dst, '/')
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		if v, ok := unhexEscape(path[i:]); ok {
			c = v
			i += 2
		}
		if c == '/' {
			dst = append(dst, c)
			continue
		}
		dst = appendEscaped(dst, c)
	}
	return dst
}

// queryPair is a name and a value of a query in canonical encoding.
type queryPair struct{ name, value string }

// appendCanonicalQuery appends the query sorted by encoded name, then value; a name without `=` has an
// empty value. The signature of a presigned query is left out: it cannot cover itself.
func appendCanonicalQuery(dst []byte, query string) []byte {
	if query == "" {
		return dst
	}
	pairs := make([]queryPair, 0, 8)
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if name = canonicalQueryText(name); name != argSignature {
			pairs = append(pairs, queryPair{name, canonicalQueryText(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b queryPair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return dst
}

// canonicalQueryText decodes s once and encodes it again. A raw `+` is a space: net/url decodes it so,
// hence the server acts on a space; S3 reads it so too (mhart/aws4fetch#83), and signers of form-encoded
// queries sign `%20` for it.
func canonicalQueryText(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c > 0x7f || !unreserved(byte(c)) }) {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if v, ok := unhexEscape(s[i:]); ok {
			c = v
			i += 2
		} else if c == '+' {
			c = ' '
		}
		out = appendEscaped(out, c)
	}
	return string(out)
}

// appendHeader appends the canonical value of the header called name (lower case): its values joined by
// commas. A header that is signed but absent counts as empty (as S3 does: versity/versitygw#458).
func appendHeader(dst []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		return appendTrimmed(dst, r.Host)
	case "transfer-encoding": // net/http takes it out of the header
		return append(dst, strings.Join(r.TransferEncoding, ",")...)
	}
	values := r.Header[textproto.CanonicalMIMEHeaderKey(name)]
	if len(values) == 0 && name == "expect" && r.ProtoMajor >= 2 { // net/http takes the one that it knows out of the header
		return append(dst, "100-continue"...)
	}
	if len(values) == 0 && name == "content-length" && r.ContentLength > 0 { // not through a server
		return strconv.AppendInt(dst, r.ContentLength, 10)
	}
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTrimmed(dst, value)
	}
	return dst
}

// appendTrimmed appends value without white space at its ends and with each run of it inside as one space.
// Most signers treat a tab as such; those that keep it (aws-sdk-go-v2) are refused for values with tabs.
func appendTrimmed(dst []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	blank := false
	for i := range len(value) {
		c := value[i]
		if c == ' ' || c == '\t' {
			blank = true
			continue
		}
		if blank {
			dst = append(dst, ' ')
			blank = false
		}
		dst = append(dst, c)
	}
	return dst
}

// appendEscaped appends c as Signature Version 4 encodes it: unreserved characters as they are, all
// others as %XX in upper case.
func appendEscaped(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	if unreserved(c) {
		return append(dst, c)
	}
	return append(dst, '%', digits[c>>4], digits[c&15])
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// unhexEscape returns the byte that an escape at the start of s stands for, and false if s does not
// begin with one: a lone `%` is then itself.
func unhexEscape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, okHigh := unhex(s[1])
	low, okLow := unhex(s[2])
	return high<<4 | low, okHigh && okLow
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
