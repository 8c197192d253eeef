package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth"
)

// spec: WI2-1
func TestLocate(t *testing.T) {
	domains := []string{"example.org", "s3.example.com", "s3.example.org"}
	tests := []struct {
		host, path string
		want       target
	}{
		{"h", "/", target{level: service}},
		{"h", "/b", target{bucket, "b", ""}},
		{"h", "/b/", target{bucket, "b", ""}},
		{"h", "/b/k", target{object, "b", "k"}},
		{"h", "/b//", target{object, "b", "/"}},
		{"h", "/b/a/../k/", target{object, "b", "a/../k/"}},
		{"h", "/b/a%2Fb", target{object, "b", "a/b"}},
		{"h", "/b%2Fa/b", target{object, "b/a", "b"}},
		{"h", "/b%2Fa", target{bucket, "b/a", ""}},
		{"h", "/%62/a%2Fb", target{object, "b", "a/b"}},
		{"h", "/b/a%20b", target{object, "b", "a b"}},
		{"h", "/b/a+b", target{object, "b", "a+b"}},
		{"h", "//k", target{}},
		{"h", "*", target{}},
		{"b.s3.example.com", "/", target{bucket, "b", ""}},
		{"B.S3.Example.Com:9000", "/k", target{object, "b", "k"}},
		{"a.b.s3.example.com", "//k%2F", target{object, "a.b", "/k/"}},
		{"b.s3.example.com.:9000", "/k", target{object, "b", "k"}},
		{"s3.example.com", "/b/k", target{object, "b", "k"}},
		{"s3.example.com.", "/b/k", target{object, "b", "k"}},
		{"s3.example.org", "/b/k", target{object, "b", "k"}},
		{"b.s3.example.org", "/k", target{object, "b", "k"}},
		{"b.example.org", "/k", target{object, "b", "k"}},
		{"[::1]:9000", "/b/k", target{object, "b", "k"}},
		{"s3.example.com.evil", "/b/k", target{object, "b", "k"}},
	}
	for _, test := range tests {
		u := &url.URL{Path: test.path}
		if test.path != "*" {
			var err error
			if u, err = url.ParseRequestURI(test.path); err != nil {
				t.Fatal(err)
			}
		}
		if got := locate(test.host, u, domains); got != test.want {
			t.Errorf("%s%s: %+v, want %+v", test.host, test.path, got, test.want)
		}
	}
}

// spec: WI3-9
func TestBucketNames(t *testing.T) {
	good := []string{"abc", "a.b", "my-bucket", "1ab", strings.Repeat("a", 63), "192.168.5", "1.2.3.4444", "a-.b", "x-s3"}
	bad := []string{
		"", "ab", strings.Repeat("a", 64), "Abc", "a_b", "-ab", "ab-", ".ab", "ab.", "a..b", "a b", "ü-bucket", "a/b",
		"192.168.5.4", "999.1.1.1", "xn--a", "sthree-a", "amzn-s3-demo-a", "a-s3alias", "a--ol-s3", "a.mrap", "a--x-s3", "a--table-s3",
	}
	for _, name := range good {
		if !validBucketName(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range bad {
		if validBucketName(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

// spec: WI6-6
func TestRanges(t *testing.T) {
	tests := []struct {
		value string
		size  int64
		want  span
		kind  rangeKind
	}{
		{"bytes=0-0", 10, span{0, 1}, partOfObject},
		{"bytes=2-5", 10, span{2, 4}, partOfObject},
		{"bytes=0-9", 10, span{0, 10}, partOfObject},
		{"bytes=5-", 10, span{5, 5}, partOfObject},
		{"bytes=5-99999999999999999999", 10, span{5, 5}, partOfObject},
		{"bytes=-3", 10, span{7, 3}, partOfObject},
		{"bytes=-99999999999999999999", 10, span{0, 10}, partOfObject},
		{"bytes=10-", 10, span{}, unsatisfiable},
		{"bytes=99999999999999999999-", 10, span{}, unsatisfiable},
		{"bytes=-0", 10, span{}, unsatisfiable},
		{"bytes=0-", 0, span{}, unsatisfiable},
		{"bytes=-1", 0, span{}, unsatisfiable},
		{"bytes=5-2", 10, span{}, wholeObject},
		{"bytes=1-2,4-5", 10, span{}, wholeObject},
		{"bytes=", 10, span{}, wholeObject},
		{"bytes=-", 10, span{}, wholeObject},
		{"bytes=a-b", 10, span{}, wholeObject},
		{"bytes=+1-2", 10, span{}, wholeObject},
		{"bytes=1--2", 10, span{}, wholeObject},
		{"bytes= -1", 10, span{}, wholeObject},
		{"bytes= 1-2", 10, span{}, wholeObject},
		{"octets=1-2", 10, span{}, wholeObject},
		{"", 10, span{}, wholeObject},
	}
	for _, test := range tests {
		if got, kind := parseRange(test.value, test.size); got != test.want || kind != test.kind {
			t.Errorf("%q of %d: %v %v, want %v %v", test.value, test.size, got, kind, test.want, test.kind)
		}
	}
}

// spec: WI6-1, WI6-2, WI6-3, WI6-4, WI6-5
func TestReadConditions(t *testing.T) {
	modified := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	now := modified.Add(time.Hour)
	before, same, future := httpTime(modified.Add(-time.Second)), httpTime(modified), httpTime(now.Add(time.Hour))
	tests := []struct {
		headers     []string
		failed      string
		notModified bool
	}{
		{[]string{}, "", false},
		{[]string{"If-Match", `"e"`}, "", false},
		{[]string{"If-Match", `"x", e`}, "", false},
		{[]string{"If-Match", `"x"`}, "If-Match", false},
		{[]string{"If-Match", ""}, "If-Match", false},
		{[]string{"If-Unmodified-Since", same}, "", false},
		{[]string{"If-Unmodified-Since", before}, "If-Unmodified-Since", false},
		{[]string{"If-Unmodified-Since", before, "If-Match", "e"}, "", false},
		{[]string{"If-Unmodified-Since", "nonsense"}, "", false},
		{[]string{"If-None-Match", "*"}, "If-None-Match", true},
		{[]string{"If-None-Match", `W/"e"`}, "If-None-Match", true},
		{[]string{"If-None-Match", "x"}, "", false},
		{[]string{"If-Modified-Since", same}, "If-Modified-Since", true},
		{[]string{"If-Modified-Since", before}, "", false},
		{[]string{"If-Modified-Since", future}, "", false},
		{[]string{"If-Modified-Since", same, "If-None-Match", "x"}, "", false},
		{[]string{"If-Match", "x", "If-None-Match", "e"}, "If-Match", false},
	}
	for _, test := range tests {
		h := http.Header{}
		for i := 0; i < len(test.headers); i += 2 {
			h.Add(test.headers[i], test.headers[i+1])
		}
		c := parseReadConditions(h, "", now)
		if failed, notModified := c.check("e", modified); failed != test.failed || notModified != test.notModified {
			t.Errorf("%q: %q %v, want %q %v", test.headers, failed, notModified, test.failed, test.notModified)
		}
	}
}

// spec: WI2-9
func TestMetadataText(t *testing.T) {
	tests := []struct{ sent, kept, returned string }{
		{"plain", "plain", "plain"},
		{"=?UTF-8?B?Z3LDvG4=?=", "grün", "=?UTF-8?B?Z3LDvG4=?="},
		{"=?ISO-8859-1?Q?gr=FCn?=", "grün", "=?UTF-8?B?Z3LDvG4=?="},
		{"grün", "grün", "=?UTF-8?B?Z3LDvG4=?="},
		{"gr\xfcn", "grün", "=?UTF-8?B?Z3LDvG4=?="},
		{"=?UTF-8?Q?a=0D=0Ab?=", "a\r\nb", "=?UTF-8?B?YQ0KYg==?="},
		{"=?unknown-charset?Q?a?=", "=?unknown-charset?Q?a?=", "=?unknown-charset?Q?a?="},
		{"", "", ""},
	}
	for _, test := range tests {
		kept := decodeMetadata(test.sent)
		if returned := encodeMetadata(kept); kept != test.kept || returned != test.returned {
			t.Errorf("%q is kept as %q and returned as %q; want %q, %q", test.sent, kept, returned, test.kept, test.returned)
		}
	}
}

// timeout is the error of a connection that nothing came through in time.
type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// A body that fails is to blame for what fails with it.
// spec: WI1.3-19, WI2.2-15, WI2.2-52
func TestBlame(t *testing.T) {
	other := errors.New("the disk is on fire")
	tests := []struct {
		body, err error
		code      Code
	}{
		{nil, other, "InternalError"},
		{&auth.Error{Reason: auth.XAmzContentSHA256Mismatch}, other, "XAmzContentSHA256Mismatch"},
		{timeout{other}, other, "RequestTimeout"},
		{io.ErrUnexpectedEOF, other, "IncompleteBody"},
		{io.ErrUnexpectedEOF, nil, ""},
	}
	for _, test := range tests {
		var code Code
		if err := (&body{err: test.body}).blame(test.err); err != nil {
			code = translate(err, place{}).code
		}
		if code != test.code {
			t.Errorf("body %v, %v: %q, want %q", test.body, test.err, code, test.code)
		}
	}
}
