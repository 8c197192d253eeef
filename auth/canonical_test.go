package auth

import (
	"net/http"
	"testing"
)

// TestCanonicalPath decodes once and encodes again, and normalises nothing.
//
// spec: WI1.1-9
func TestCanonicalPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "/",
		"/":                     "/",
		"/bucket//a/./b/../c//": "/bucket//a/./b/../c//",
		"/a%20b":                "/a%20b",
		"/a+b":                  "/a%2Bb",
		"/a%2Bb":                "/a%2Bb",
		"/a%2bb":                "/a%2Bb",
		"/a%2Fb":                "/a/b",
		"/a%252Fb":              "/a%252Fb",
		"/-._~*!'()":            "/-._~%2A%21%27%28%29",
		"/%7E%2A":               "/~%2A",
		"/$&,:;=@":              "/%24%26%2C%3A%3B%3D%40",
		"/%F0%9F%98%80\u00e9":   "/%F0%9F%98%80%C3%A9",
		"/%0A%00%FF":            "/%0A%00%FF",
		"/100%":                 "/100%25",
		"/%zz%4":                "/%25zz%254",
	} {
		if got := string(appendCanonicalPath(nil, in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestCanonicalQuery sorts by encoded name, then by value.
//
// spec: WI1.1-9
func TestCanonicalQuery(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"delete":                  "delete=",
		"delete=":                 "delete=",
		"&&delete&":               "delete=",
		"versionId=null&acl":      "acl=&versionId=null",
		"a=2&a=1&A=3":             "A=3&a=1&a=2",
		"a-b=1&a=2":               "a=2&a-b=1", // by name, not by the whole text: '-' sorts before '='
		"prefix=a+b":              "prefix=a%20b",
		"prefix=a%20b":            "prefix=a%20b",
		"prefix=a%2Bb":            "prefix=a%2Bb",
		"prefix=a/b":              "prefix=a%2Fb",
		"prefix=a=b":              "prefix=a%3Db",
		"prefix=\u00e9":           "prefix=%C3%A9",
		"k%65y=%7E*":              "key=~%2A",
		"prefix=100%&marker=%zz":  "marker=%25zz&prefix=100%25",
		"list-type=2&prefix=;&b;": "b%3B=&list-type=2&prefix=%3B",
	} {
		if got := string(appendCanonicalQuery(nil, in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestCanonicalHeaders takes values from where net/http puts them.
//
// spec: WI1.1-9
func TestCanonicalHeaders(t *testing.T) {
	r := &http.Request{
		Host:             "bucket.localhost:9000",
		ContentLength:    5,
		TransferEncoding: []string{"chunked"},
		Header: http.Header{
			"X-Amz-Meta-A": {"  two   spaces ", "a\t \tb"},
			"Date":         {""},
		},
	}
	for name, want := range map[string]string{
		"host":              "bucket.localhost:9000",
		"content-length":    "5",
		"transfer-encoding": "chunked",
		"x-amz-meta-a":      "two spaces,a b",
		"date":              "",
		"expires":           "",
	} {
		if got := string(appendHeader(nil, r, name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// The server of HTTP/2 keeps the Expect header to itself, which some clients sign.
//
// spec: WI1.1-9
func TestCanonicalExpect(t *testing.T) {
	for proto, want := range map[int]string{1: "", 2: "100-continue"} {
		if got := string(appendHeader(nil, &http.Request{ProtoMajor: proto}, "expect")); got != want {
			t.Errorf("HTTP/%d: %q, want %q", proto, got, want)
		}
	}
}

// TestWireTarget prefers the request line, which no handler rewrites.
func TestWireTarget(t *testing.T) {
	proxied := parseRequest(t, "GET http://localhost/a%2Fb?c HTTP/1.1\nHost: other\n\n")
	plain := parseRequest(t, "GET /a%2Fb?c HTTP/1.1\nHost: localhost\n\n")
	plain.URL.Path = "/bucket/a/b"
	plain.URL.RawPath = ""
	for name, r := range map[string]*http.Request{"proxied": proxied, "rewritten": plain} {
		if path, query := wireTarget(r); path != "/a%2Fb" || query != "c" {
			t.Errorf("%s: %q, %q", name, path, query)
		}
	}
}
