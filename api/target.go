package api

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// level is what kind of resource a request is about.
type level uint8

const (
	nowhere level = iota // a path that names nothing
	service
	bucket
	object
)

// String returns the level as MethodNotAllowed shows it.
func (l level) String() string {
	return [...]string{"", "SERVICE", "BUCKET", "OBJECT"}[l]
}

// target is what a request is about.
type target struct {
	level       level
	bucket, key string
}

// locate finds out what host and path name. Domains are those under which a
// bucket can be part of the host name (spec WI2-1).
func locate(host string, u *url.URL, domains []string) target {
	if name := hostBucket(host, domains); name != "" {
		key, ok := strings.CutPrefix(u.Path, "/")
		if !ok && u.Path != "" {
			return target{}
		}
		return within(name, key)
	}
	if !strings.HasPrefix(u.Path, "/") {
		return target{}
	}
	if u.Path == "/" {
		return target{level: service}
	}
	name, key, ok := splitPath(u)
	if !ok || name == "" {
		return target{}
	}
	return within(name, key)
}

func within(bucketName, key string) target {
	if key == "" {
		return target{level: bucket, bucket: bucketName}
	}
	return target{level: object, bucket: bucketName, key: key}
}

// splitPath splits the path at its first slash after the bucket as it was sent,
// so that an escaped one belongs to the name it stands in. What is decoded is
// not cleaned: "//", "." and ".." are part of a key.
func splitPath(u *url.URL) (name, key string, ok bool) {
	name, key, _ = strings.Cut(u.Path[1:], "/")
	if u.RawPath == "" || !strings.HasPrefix(u.RawPath, "/") {
		return name, key, true
	}
	raw, _, _ := strings.Cut(u.RawPath[1:], "/")
	name, err := url.PathUnescape(raw)
	if err != nil || !strings.HasPrefix(u.Path[1:], name) {
		return "", "", false
	}
	return name, strings.TrimPrefix(u.Path[1+len(name):], "/"), true
}

// hostBucket returns the bucket that host names under one of domains, or "". A host that
// is a domain itself names none, even if it is under another one.
func hostBucket(host string, domains []string) string {
	if len(domains) == 0 {
		return ""
	}
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".") // as a resolver takes it for complete
	under := ""                                           // the longest domain that it is under
	for _, domain := range domains {
		switch {
		case host == domain:
			return ""
		case len(domain) > len(under) && strings.HasSuffix(host, "."+domain):
			under = domain
		}
	}
	if under == "" {
		return ""
	}
	return strings.TrimSuffix(host, "."+under)
}

// query is the query of a request: names and values in their order, decoded once.
type query []pair

// parseQuery decodes a query. Unlike net/url it refuses what it cannot decode,
// for a versionId that is passed over would make another request of it.
func parseQuery(raw string) (query, bool) {
	if raw == "" {
		return nil, true
	}
	q := make(query, 0, 4)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, false
		}
		value, err = url.QueryUnescape(value)
		if err != nil || !utf8.ValidString(value) {
			return nil, false
		}
		q = append(q, pair{name, value})
	}
	return q, true
}

// lookup returns the value of a parameter, and whether it was sent.
func (q query) lookup(name string) (string, bool) {
	for _, p := range q {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// value returns the value of a parameter, empty if it was not sent.
func (q query) value(name string) string {
	v, _ := q.lookup(name)
	return v
}

// repeated returns the name of a parameter among names that was sent twice.
func (q query) repeated(names map[string]bool) (string, bool) {
	for i, p := range q {
		if !names[p.name] {
			continue
		}
		if _, again := q[i+1:].lookup(p.name); again {
			return p.name, true
		}
	}
	return "", false
}

// repeatedHeader returns the name of a header that was sent several times although its value
// decides what is done. Repeating is allowed for what is a list or describes only
// (user metadata, whose values are joined).
func repeatedHeader(h http.Header) (string, bool) {
	for name, values := range h {
		if len(values) > 1 && decides(name) {
			return name, true
		}
	}
	return "", false
}

func decides(name string) bool {
	switch {
	case strings.HasPrefix(name, metaPrefix), strings.HasSuffix(name, "-Attributes"), name == "X-Amz-Trailer":
		return false
	case strings.HasPrefix(name, "X-Amz-"), strings.HasPrefix(name, "If-"):
		return true
	}
	return name == "Range" || name == "Content-Md5" || name == "Content-Type"
}
