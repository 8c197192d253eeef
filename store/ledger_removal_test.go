package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// What a rule or a job removes stands in the ledger with it: a row for each that has a
// hand in a call.
func TestLedgerTellsOfRemovals(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	put("k", "k", "l", "l")(t, s)
	k, l := mustJudge(t, s, "k"), mustJudge(t, s, "l")
	rule := Maker{Operation: "Lifecycle", Cause: CauseRule, CauseID: "keep one"}
	job := Maker{Operation: "EmptyBucket", Principal: "arn:aws:iam::000000000001:user/janitor", Cause: CauseJob, CauseID: "j1"}
	same := rule
	rs := []Removal{k.remove(1), l.remove(1), k.hide(), l.hide(), l.remove(0)}
	for i, made := range []*Maker{&rule, &job, &rule, &same, nil} {
		rs[i].Made = made
	}
	if got := mustRemove(t, s, rs...); got != "done done done done done" {
		t.Fatal(got)
	}
	marker := func(key string) string { return s.FormatVersionID(mustJudge(t, s, key).entries[0].ID) }
	old := func(h judgedHistory, n int) string { return s.FormatVersionID(h.entries[n].ID) }
	type told struct {
		text string
		made Maker
	}
	want := []told{
		{"version-removed k " + old(k, 1), rule}, {"marker-added k " + marker("k"), rule}, {"marker-added l " + marker("l"), rule},
		{"version-removed l " + old(l, 1), job}, {"version-removed l " + old(l, 0), Maker{}},
	}
	rows := map[uint64]bool{}
	var got []told
	for _, e := range mustLedger(t, s, LedgerQuery{Bucket: "b"}) {
		if e.Key != "" {
			got = append(got, told{fmt.Sprint(e.Change, " ", e.Key, " ", e.VersionID), e.Made})
			rows[e.Row] = true
		}
	}
	if !slices.Equal(got, want) || len(rows) != 3 {
		t.Errorf("in %d rows\n%+v\nwant\n%+v", len(rows), got, want)
	}
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := decodeRecord(rowOf(t, s, versionKey(b.id, "k", mustJudge(t, s, "k").head.Newest)))
	if err != nil || rec.made.Cause != CauseRule || rec.made.CauseID != "keep one" {
		t.Errorf("the marker knows %+v, %v", rec, err)
	}
	mustVerify(t, s)
}
