package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// askWhatHolds asks what holds something in the bucket of that name.
func askWhatHolds(t *testing.T, s *testServer, query string) AdminHolds {
	t.Helper()
	return decoded[AdminHolds](t, s.do("GET", AdminPath+"/buckets/bucket/explain"+query, ""))
}

// saysSo reports whether a summary has a sentence with all the parts.
func saysSo(h *AdminHolds, parts ...string) bool {
	for _, sentence := range h.Summary {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(sentence, part)
		}
		if found {
			return true
		}
	}
	return false
}

// Of a key with a long history the newest entries are listed, all are counted, and each
// can be asked for.
func TestExplainLongHistory(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	first := s.must("PUT", "/bucket/key", "oldest").header.Get("X-Amz-Version-Id")
	for i := range 1100 {
		r := store.PutRequest{Bucket: "bucket", Key: "key", Body: strings.NewReader("x"), Size: 1}
		if _, err := s.store.Put(t.Context(), r); err != nil {
			t.Fatal(i, err)
		}
	}
	s.must("PUT", "/bucket/key2", "other")
	h := askWhatHolds(t, s, "?key=key")
	if h.Entries != 1101 || h.Keys != 1 || len(h.Versions) != maxHeldVersions || h.Versions[0].What != "current-object" {
		t.Errorf("%d entries of %d keys, %d listed", h.Entries, h.Keys, len(h.Versions))
	}
	h = askWhatHolds(t, s, "?key=key&versionId="+first)
	if len(h.Versions) != 1 || h.Versions[0].Size != 6 || h.Versions[0].Successor == "" {
		t.Errorf("%+v", h.Versions)
	}
	h = askWhatHolds(t, s, "?prefix=key")
	if h.Entries != 1102 || h.Keys != 2 || h.Versions != nil {
		t.Errorf("%d entries of %d keys, %d listed", h.Entries, h.Keys, len(h.Versions))
	}
}

// A server that carries no rules out says so; who was told by a rule is said as well.
// What was removed and is not freed yet is counted.
func TestExplainWithoutExpirer(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	if err := s.store.SetConfig(t.Context(), "bucket", store.ConfigLifecycle, expiringConfig().Encode(), store.Maker{}); err != nil {
		t.Fatal(err)
	}
	s.must("PUT", "/bucket/key", "x")
	if h := askWhatHolds(t, s, ""); !saysSo(&h, "told to carry out no lifecycle rules") {
		t.Errorf("%q", h.Summary)
	}
	made := store.Maker{Operation: "Lifecycle", Cause: store.CauseRule, CauseID: "all"}
	if _, err := s.store.Delete(t.Context(), "bucket", store.DeleteRequest{Key: "key", Made: made}); err != nil {
		t.Fatal(err)
	}
	if h := askWhatHolds(t, s, "?key=key"); !saysSo(&h, `by rule "all"`) || h.Removal == nil || h.Removal.Cause != "rule" || h.Removal.CauseID != "all" {
		t.Errorf("%q, %+v", h.Summary, h.Removal)
	}
}

// expiringConfig is a configuration that expires everything after a day.
func expiringConfig() *lifecycle.Config {
	return &lifecycle.Config{Rules: []lifecycle.Rule{{ID: "all", Enabled: true, Expiration: &lifecycle.Expiration{Days: 1}}}}
}

// What a policy says about a prefix is asked about the key too, whatever it holds.
func TestExplainOddKeys(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	for i, key := range []string{"a?versionId=b", "a*", "ä /", "a\x01", strings.Repeat("k", 1024)} {
		s.must("PUT", "/bucket/"+url.PathEscape(key), "x")
		h := askWhatHolds(t, s, "?key="+url.QueryEscape(key))
		if h.Key != key || len(h.Versions) != 1 || h.Versions[0].VersionID != "null" || h.Entries != 1 {
			t.Errorf("%q: %+v", key, h)
		}
		if h = askWhatHolds(t, s, ""); h.Entries != int64(i+1) {
			t.Errorf("%q: %d entries", key, h.Entries)
		}
	}
	if h := askWhatHolds(t, s, "?key=%00"); h.Entries != 0 {
		t.Errorf("%+v", h)
	}
}

// What waits to be freed is told of a whole bucket, and what cannot be read, wherever.
func TestExplainReclaimAndDamage(t *testing.T) {
	h := &holds{
		bucket: &store.Bucket{}, scope: &holdScope{bucket: "bucket"}, found: &lifecycle.Explanation{},
		statistics: store.Statistics{Reclaim: 12, ReclaimBytes: 3 << 20},
	}
	for _, page := range [][]string{{"a", "b"}, {"b", "c"}} {
		h.addDamaged(page)
	}
	out := h.document()
	if !saysSo(out, "12 files (3.0 MiB)") || out.Reclaim == nil || *out.Reclaim != (AdminReclaim{12, 3 << 20}) {
		t.Errorf("%q, %+v", out.Summary, out.Reclaim)
	}
	if !saysSo(out, "cannot be read", "3, such as \"a\"") || len(out.Damaged) != 3 {
		t.Errorf("%q, %q", out.Summary, out.Damaged)
	}
}

func TestSizeInWords(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 1 << 62: "4.0 EiB",
	} {
		if got := SizeInWords(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// The names that answers have for shapes and holds are there for all of them.
func TestExplainNames(t *testing.T) {
	for s := lifecycle.CurrentObject; s <= lifecycle.OpenUpload; s++ {
		for b := lifecycle.HeldByLegalHold; b <= lifecycle.HeldByNothing; b++ {
			total := &lifecycle.Total{Shape: s, Hold: b, Kind: lifecycle.AbortUpload, Rule: &lifecycle.Rule{ID: "r"}}
			out := adminHold(total)
			if text, err := json.Marshal(out); err != nil || out.What == "" || out.By == "" || out.Why == "" || strings.Contains(out.Why, "%!") {
				t.Error(fmt.Sprint(s, b), string(text), err)
			}
		}
	}
}
