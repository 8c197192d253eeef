package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0", "bytes=5-", "bytes=-5", "bytes=1-2,3-4", "bytes=99999999999999999999-", "bytes= 1-2"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, value string, size int64) {
		if size < 0 {
			return
		}
		part, kind := parseRange(value, size)
		inside := part.offset >= 0 && part.length > 0 && part.length <= size && part.offset <= size-part.length
		if (kind == partOfObject) != inside {
			t.Fatalf("%q of %d: %+v, %v", value, size, part, kind)
		}
	})
}

func FuzzListParameters(f *testing.F) {
	for _, s := range []string{
		"", "prefix=a&delimiter=/&max-keys=1000&encoding-type=url", "max-keys=-1", "max-keys=99999999999", "max-keys=+5",
		"continuation-token=ZN5pymRpci8", "continuation-token=", "encoding-type", "a=%zz", "a;b=c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, ok := parseQuery(raw)
		want, err := url.ParseQuery(raw)
		if ok && !strings.Contains(raw, ";") {
			if err != nil {
				t.Fatalf("%q was accepted; net/url says %v", raw, err)
			}
			for _, p := range q {
				if value, _ := q.lookup(p.name); want.Get(p.name) != value {
					t.Fatalf("%q: %s is %q, net/url says %q", raw, p.name, value, want.Get(p.name))
				}
			}
		}
		if p, err := parseListParameters(q); err == nil && (p.maxKeys < 0 || p.maxKeys > maxListed) {
			t.Fatalf("%q: %d keys", raw, p.maxKeys)
		}
		if after, sent, err := continuation(q); err == nil && sent && formatToken(after) != q.value("continuation-token") {
			t.Fatalf("%q: %q is read from another token", raw, after)
		}
	})
}

// spec: LS4-3, LS4-5
func FuzzToken(f *testing.F) {
	for _, s := range []string{"k", "dir/", "\x00", "grün", "ZN5pymRpci8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s != "" && utf8.ValidString(s) {
			if got, ok := parseToken(formatToken(s)); !ok || got != s {
				t.Fatalf("%q came back as %q, %v", s, got, ok)
			}
		}
		if last, ok := parseToken(s); ok && formatToken(last) != s {
			t.Fatalf("%q was accepted; the token of %q is another", s, last)
		}
	})
}

// FuzzLocate checks that every key can be named, and that nothing of a path is lost.
func FuzzLocate(f *testing.F) {
	for _, s := range []string{"/", "/b", "/b/k", "/b//k", "/b/%2F", "/%62%2Fc/%25", "//", "/b/a+b?c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		got := locate("host", u, nil)
		switch got.level {
		case object:
			if "/"+got.bucket+"/"+got.key != u.Path || got.bucket == "" {
				t.Fatalf("%q is %+v", target, got)
			}
		case bucket:
			if strings.TrimSuffix(u.Path, "/") != "/"+strings.TrimSuffix(got.bucket, "/") || got.bucket == "" {
				t.Fatalf("%q is %+v", target, got)
			}
		}
	})
}

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"plain", "=?UTF-8?B?Z3LDvG4=?=", "=?UTF-8?Q?a=0Ab?=", "\xff", "=?x?q?y?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		kept := decodeMetadata(value)
		if !utf8.ValidString(kept) {
			t.Fatalf("%q is kept as %q", value, kept)
		}
		returned := encodeMetadata(kept)
		for i := range len(returned) {
			if returned[i] < ' ' || returned[i] > '~' {
				t.Fatalf("%q is returned as %q", value, returned)
			}
		}
	})
}

// FuzzDigests checks that no header makes the digests fail in another way than by a
// refusal.
func FuzzDigests(f *testing.F) {
	f.Add("Content-Md5", "XUFAKrxLKna5cZ2REBfFkg==", "")
	f.Add("X-Amz-Checksum-Crc32", "NhCmhg==", "x-amz-checksum-sha1")
	f.Add("X-Amz-Checksum-", "x", "x-amz-checksum-")
	f.Add("X-Amz-Sdk-Checksum-Algorithm", "CRC32", "x-amz-checksum-crc32")
	f.Fuzz(func(t *testing.T, name, value, trailer string) {
		if trailer != "" && !strings.HasPrefix(trailer, "x-amz-checksum-") {
			return // package auth lets no other through
		}
		h := http.Header{}
		h.Set(name, value)
		d, err := parseDigests(h, trailer)
		if err != nil && translate(err, place{}).status() == http.StatusInternalServerError {
			t.Fatalf("%q: %q: %v", name, value, err)
		}
		if err == nil && d.trailer && !d.algorithm.Valid() {
			t.Fatalf("%q is a trailer of no algorithm", trailer)
		}
	})
}
