package api

import (
	"strings"
	"testing"
)

// What the ledger tells of a bucket that had the name before is not told, not even when
// the clock was set back in between: it may have been another account's.
func TestExplainTellsNothingOfFormerBuckets(t *testing.T) {
	s := newClockServer(t, nil)
	removeKey := func() {
		s.must("PUT", "/bucket", "")
		s.must("PUT", "/bucket/key", "x", "User-Agent", "former")
		s.must("DELETE", "/bucket/key", "")
	}
	moved(t, s, `{"advance":"1d"}`)
	removeKey()
	if h := askWhatHolds(t, s, "?key=key"); h.Removal == nil {
		t.Fatalf("%+v", h)
	}
	s.must("DELETE", "/bucket", "")
	moved(t, s, `{"advance":"-2d"}`)
	s.must("PUT", "/bucket", "")
	for _, query := range []string{"?key=key", "?key=key&versionId=null"} {
		h := askWhatHolds(t, s, query)
		if h.Removal != nil || !strings.Contains(strings.Join(h.Summary, " "), "does not tell") {
			t.Errorf("%s: %+v", query, h)
		}
	}
}
