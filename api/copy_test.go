package api

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
)

func TestCopySources(t *testing.T) {
	long := strings.Repeat("k", store.MaxKeyBytes)
	tests := []struct {
		value string
		want  copySource
		err   string // part of the message
	}{
		{"bucket/key", copySource{"bucket", "key", "", false}, ""},
		{"/bucket/key", copySource{"bucket", "key", "", false}, ""},
		{"/bucket//a/../b", copySource{"bucket", "/a/../b", "", false}, ""},
		{"bucket/key?versionId=null", copySource{"bucket", "key", "null", true}, ""},
		{"bucket/key?versionId=", copySource{"bucket", "key", "", true}, ""},
		{"bucket/key?versionId", copySource{"bucket", "key", "", true}, ""},
		{"bucket/key?versionId=a%2Fb", copySource{"bucket", "key", "a/b", true}, ""},
		{"bucket/key?versionId=a&x=y", copySource{"bucket", "key", "a&x=y", true}, ""},
		{"bucket/key?versionIdea", copySource{"bucket", "key?versionIdea", "", false}, ""},
		{"bucket/key%3FversionId=a", copySource{"bucket", "key?versionId=a", "", false}, ""},
		{"bucket/a?versionId=b?versionId=c", copySource{"bucket", "a?versionId=b", "c", true}, ""},
		{"bucket/key?x=y", copySource{"bucket", "key?x=y", "", false}, ""},
		{"bucket%2Fa+b%20c%2B", copySource{"bucket", "a b c+", "", false}, ""},
		{"%2Fbucket%2Fkey", copySource{"bucket", "key", "", false}, ""},
		{"bucket/gr%C3%BCn", copySource{"bucket", "grün", "", false}, ""},
		{"bucket/" + long, copySource{"bucket", long, "", false}, ""},
		{"bucket/" + long + "k", copySource{}, "object key"},
		{"bucket/%FF", copySource{}, "encoding"},
		{"bucket/a%00", copySource{}, "encoding"},
		{"bucket/key?versionId=%", copySource{}, "encoding"},
		{"bucket/", copySource{}, "object key"},
		{"bucket?versionId=a", copySource{}, "object key"},
		{"//bucket/key", copySource{}, "bucket name"},
		{"/%2Fbucket/key", copySource{}, "bucket name"},
		{"arn:aws:s3:::bucket/key", copySource{}, "bucket name"},
		{"", copySource{}, "bucket name"},
	}
	for _, test := range tests {
		got, err := parseCopySource(test.value)
		switch {
		case test.err == "" && (err != nil || got != test.want):
			t.Errorf("%q: %+v, %v", test.value, got, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%q: %+v, %v; want an error about the %s", test.value, got, err, test.err)
		}
	}
}

func FuzzCopySource(f *testing.F) {
	for _, s := range []string{"/bucket/key?versionId=null", "bucket/a%20b+c", "bucket/a?versionId", "bucket/%zz", "/", "?versionId="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		s, err := parseCopySource(value)
		if err != nil {
			return
		}
		if !validBucketName(s.bucket) || s.key == "" || len(s.key) > store.MaxKeyBytes || !utf8.ValidString(s.key) ||
			strings.Contains(s.key, "\x00") || !s.versioned && s.version != "" {
			t.Fatalf("%q: %+v", value, s)
		}
	})
}

// What is larger than one request can copy is refused before anything of it is.
//
// spec: WI3-2
func TestCopySourceTooLarge(t *testing.T) {
	d := copyDescription{}
	if _, err := d.describe(store.Object{Size: maxCopySource}); err != nil {
		t.Error(err)
	}
	_, err := d.describe(store.Object{Size: maxCopySource + 1})
	var f *failure
	if !errors.As(err, &f) || f.code != "InvalidRequest" || !strings.HasSuffix(f.text(), "for a copy source: 5368709120") {
		t.Error(err)
	}
}

// A copy whose place others change too often is a condition that could not be judged.
//
// spec: VD7-14, WI2.2-10
func TestCopyConflicts(t *testing.T) {
	s, moody, _ := newMoodyServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	conflict := engine.ErrConflict
	moody.fail.Store(&conflict)
	a := s.do("PUT", "/bucket/key", "", "x-amz-copy-source", "bucket/key", "x-amz-metadata-directive", "REPLACE",
		"If-Match", "9dd4e461268c8034f5c8564e155c67a6")
	root, err := parseAnswer(a.body)
	if err != nil || a.status != 409 || root.child("Code") != "ConditionalRequestConflict" ||
		root.child("Condition") != "If-Match" || root.child("Key") != "key" {
		t.Errorf("%d %s, %v", a.status, a.body, err)
	}
	if a := s.do("PUT", "/bucket/to", "", "x-amz-copy-source", "bucket/key"); a.status != 503 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Headers that decide what is copied are taken once.
func TestCopyRepeatedHeaders(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	for _, name := range []string{
		"X-Amz-Copy-Source", "X-Amz-Copy-Source-If-Match", "X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive", "X-Amz-Tagging",
	} {
		a := s.do("PUT", "/bucket/to", "", "X-Amz-Copy-Source", "bucket/key", name, "a=b", name, "c=d")
		if a.status != 400 || !strings.Contains(string(a.body), "only once") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// Copies onto each other's sources, each of which is one of the bodies whole.
//
// spec: VD8-2
func TestCopiesCross(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/a", strings.Repeat("a", 100_000))
	s.must("PUT", "/bucket/b", strings.Repeat("b", 70_000))
	var working sync.WaitGroup
	for n := range 4 {
		from, to := "ab"[n%2:n%2+1], "ba"[n%2:n%2+1]
		working.Go(func() {
			for range 20 {
				a := s.do("PUT", "/bucket/"+to, "", "x-amz-copy-source", "bucket/"+from)
				if a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	working.Wait()
	for _, key := range []string{"a", "b"} {
		body := string(s.must("GET", "/bucket/"+key, "").body)
		if len(body) != 100_000 && len(body) != 70_000 || strings.Trim(body, body[:1]) != "" {
			t.Errorf("%s has %d bytes", key, len(body))
		}
	}
}

// A condition on the source has a value that says something.
//
// spec: WI6-5
func TestSourceConditions(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name, value string
		ok          bool
	}{
		{"If-Match", "*", true},
		{"If-Match", "", false},
		{"If-None-Match", `"e"`, true},
		{"If-None-Match", "", false},
		{"If-Modified-Since", httpTime(now), true},
		{"If-Modified-Since", "0", false},
		{"If-Unmodified-Since", httpTime(now.Add(time.Hour)), true},
		{"If-Unmodified-Since", "", false},
	} {
		h := http.Header{copySourcePrefix + test.name: {test.value}}
		if _, err := parseSourceConditions(h, now); (err == nil) != test.ok {
			t.Errorf("%s: %q: %v", test.name, test.value, err)
		}
	}
}

// spec: WI4-4, WI4-10
func TestCopyChecksum(t *testing.T) {
	for value, want := range map[string]checksum.Algorithm{"SHA1": checksum.SHA1, "crc32c": checksum.CRC32C} {
		if got, err := copyChecksum(http.Header{"X-Amz-Checksum-Algorithm": {value}}); got != want || err != nil {
			t.Errorf("%s: %v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "MD4", "SHA512"} {
		if got, err := copyChecksum(http.Header{"X-Amz-Checksum-Algorithm": {value}}); err == nil {
			t.Errorf("%q: %v", value, got)
		}
	}
}
