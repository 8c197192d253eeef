package api

import (
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/store"
)

// metaPrefix begins the names of user metadata headers, in canonical form.
const metaPrefix = "X-Amz-Meta-"

const (
	maxUserMetadata = 2 << 10 // bytes (spec WI3-6)
	maxPutHeaders   = 8 << 10 // bytes (spec WI3-7)
)

// defaultContentType is shown for an object without one (spec WI2-3).
const defaultContentType = "binary/octet-stream"

// systemHeaders are the headers that are kept with an object and returned as they
// came: the name in requests, and as S3 sends it.
var systemHeaders = []struct{ canonical, name string }{
	{"Content-Type", "Content-Type"},
	{"Cache-Control", "Cache-Control"},
	{"Content-Disposition", "Content-Disposition"},
	{"Content-Encoding", "Content-Encoding"},
	{"Content-Language", "Content-Language"},
	{"Expires", "Expires"},
	{"X-Amz-Website-Redirect-Location", websiteRedirect},
}

// redirectPrefixes begin the places that a website may redirect to.
var redirectPrefixes = []string{"/", "http://", "https://"}

// systemMetadata returns the system headers of a request. A redirect to where no
// website can send a browser is refused.
func systemMetadata(h http.Header) ([]store.Pair, error) {
	var pairs []store.Pair
	for _, s := range systemHeaders {
		value := strings.Join(h[s.canonical], ",")
		if s.canonical == "Content-Encoding" {
			value = auth.StripAWSChunked(value)
		}
		if value == "" {
			continue
		}
		leads := func(prefix string) bool { return strings.HasPrefix(value, prefix) }
		if s.name == websiteRedirect && !slices.ContainsFunc(redirectPrefixes, leads) {
			return nil, refuse("InvalidRedirectLocation")
		}
		pairs = append(pairs, store.Pair{Name: s.name, Value: value})
	}
	return pairs, nil
}

// userMetadata returns the user metadata of a request in the order of names. Names
// are kept in lower case, values decoded (spec WI2-9).
func userMetadata(h http.Header) ([]store.Pair, error) {
	var pairs []store.Pair
	size := 0
	for name, values := range h {
		suffix, ok := strings.CutPrefix(name, metaPrefix)
		if !ok {
			continue
		}
		p := store.Pair{Name: strings.ToLower(suffix), Value: decodeMetadata(strings.Join(values, ","))}
		size += len(p.Name) + len(p.Value)
		pairs = append(pairs, p)
	}
	if size > maxUserMetadata {
		return nil, refuse("MetadataTooLarge", "Size", strconv.Itoa(size), "MaxSizeAllowed", strconv.Itoa(maxUserMetadata))
	}
	slices.SortFunc(pairs, func(a, b store.Pair) int { return strings.Compare(a.Name, b.Name) })
	return pairs, nil
}

// decodeMetadata returns the text that a header value stands for: RFC 2047 words
// decoded, bytes that are not UTF-8 taken for Latin-1. What cannot be decoded is
// kept as it is.
func decodeMetadata(value string) string {
	if !utf8.ValidString(value) {
		runes := make([]rune, 0, len(value))
		for i := range len(value) {
			runes = append(runes, rune(value[i]))
		}
		return string(runes)
	}
	if !strings.Contains(value, "=?") {
		return value
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(value)
	if err != nil || !utf8.ValidString(decoded) {
		return value
	}
	return decoded
}

// encodeMetadata writes text as a header value: as an RFC 2047 word unless all of
// it is printable ASCII. So no decoded value can break out of its header.
func encodeMetadata(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
		}
	}
	return text
}

// checkHeaderSize is spec WI3-7.
func checkHeaderSize(h http.Header) error {
	size := 0
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if size > maxPutHeaders {
		return refuse("RequestHeaderSectionTooLarge", "MaxSizeAllowed", strconv.Itoa(maxPutHeaders))
	}
	return nil
}
