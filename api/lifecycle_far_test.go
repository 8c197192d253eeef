package api

import (
	"strings"
	"testing"
)

// Rules may wait for longer than there are years with four digits: the answers that tell
// when they are due stay ones that clients can read.
//
// spec: LC5-1, LC5-2
func TestRulesInTheFarFuture(t *testing.T) {
	s := newSettlingServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.rule("bucket", "<Expiration><Days>2147483647</Days></Expiration>"+
		"<AbortIncompleteMultipartUpload><DaysAfterInitiation>2147483647</DaysAfterInitiation></AbortIncompleteMultipartUpload>")
	const last = "Fri, 31 Dec 9999 00:00:00 GMT"
	if h := s.must("PUT", "/bucket/key", "x").header.Get("x-amz-expiration"); !strings.Contains(h, last) {
		t.Error(h)
	}
	if h := s.must("POST", "/bucket/key?uploads", "").header.Get("x-amz-abort-date"); h != last {
		t.Error(h)
	}
	s.must("POST", AdminPath+"/buckets/bucket/lifecycle/run", "{}")
	for _, path := range []string{"lifecycle", "lifecycle/preview", "lifecycle/preview?at=9999-12-31", "explain", "explain?key=key"} {
		if a := s.must("GET", AdminPath+"/buckets/bucket/"+path, ""); !strings.Contains(string(a.body), "9999-12-31") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for _, at := range []string{"9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00%2B23:59"} {
		if a := s.do("GET", AdminPath+"/buckets/bucket/lifecycle/preview?at="+at, ""); a.status != 400 {
			t.Errorf("%s: %d %s", at, a.status, a.body)
		}
	}
}
