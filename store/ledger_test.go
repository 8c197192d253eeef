package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// maker returns a maker that can be told from others.
func maker(request string) Maker {
	return Maker{
		AccessKey: "AKIDEXAMPLE", RequestID: request, Principal: "arn:aws:iam::123456789012:user/u",
		Source: "192.0.2.1", Operation: "Test",
	}
}

// mustLedger returns what the ledger says to a query.
func mustLedger(t *testing.T, s *Store, q LedgerQuery) (entries []LedgerEntry) {
	t.Helper()
	err := s.Ledger(t.Context(), q, func(e LedgerEntry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// ledgerText shows entries, one a line: the request, the change, what it is about.
func ledgerText(entries []LedgerEntry) (lines []string) {
	for _, e := range entries {
		line := []string{e.Made.RequestID, e.Change.String()}
		for _, s := range []string{e.Bucket, e.Key, e.VersionID, e.Config.name(), e.Before, e.After} {
			if s != "" {
				line = append(line, s)
			}
		}
		if e.Size > 0 {
			line = append(line, fmt.Sprint(e.Size))
		}
		for _, l := range []versioning.Lock{e.LockBefore, e.Lock} {
			if l != (versioning.Lock{}) {
				line = append(line, "["+describeLock(l)+"]")
			}
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return lines
}

// mustSeal seals what is finished.
func mustSeal(t *testing.T, s *Store) Seal {
	t.Helper()
	seal, err := s.SealLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seal
}

// mustVerify verifies the ledger, which must be found whole.
func mustVerify(t *testing.T, s *Store) LedgerReport {
	t.Helper()
	r, err := s.VerifyLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error(p)
	}
	return r
}

// do calls fn, which must not fail.
func do(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	if err := fn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Each change that the ledger is about stands in it, in the order of changes, with
// who made it and why.
func TestLedgerTellsOfChanges(t *testing.T) {
	s := openTest(t, nil, nil)
	do(t, func(ctx context.Context) error {
		_, err := s.CreateBucket(ctx, BucketSpec{Name: "b", Owner: testOwner, Made: maker("r1")})
		return err
	})
	do(t, func(ctx context.Context) error {
		return s.SetVersioning(ctx, "b", VersioningChange{State: versioning.Enabled, Made: maker("r2")})
	})
	first := mustPut(t, s, "b", "k", "hello").VersionHeader
	hide, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", Made: maker("r3")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.DeleteObjects(t.Context(), "b", []DeleteRequest{
		{Key: "k", ID: mustID(t, s, hide.VersionHeader), Made: maker("r4")},
		{Key: "none", ID: mustID(t, s, hide.VersionHeader), Made: maker("r4")}, // changes nothing
		{Key: "k", ID: mustID(t, s, first), Made: maker("r4")},
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, func(ctx context.Context) error { return s.SetConfig(ctx, "b", ConfigPolicy, []byte("{}"), maker("r5")) })
	do(t, func(ctx context.Context) error {
		return s.SetConfig(ctx, "b", ConfigPolicy, []byte("{}"), maker("again"))
	})
	do(t, func(ctx context.Context) error { return s.SetConfig(ctx, "b", ConfigPolicy, nil, maker("r6")) })
	mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	do(t, func(ctx context.Context) error { return s.DeleteBucket(ctx, "b", maker("r7")) })

	entries := mustLedger(t, s, LedgerQuery{})
	want := []string{
		" ledger-started",
		"r1 bucket-created b Unversioned, Object Lock Disabled",
		"r2 versioning-changed b Unversioned Enabled",
		"r3 marker-added b k " + hide.VersionHeader,
		"r4 marker-removed b k " + hide.VersionHeader,
		"r4 version-removed b k " + first + " 5",
		"r5 config-changed b policy set 2",
		"r6 config-changed b policy removed",
		"r7 bucket-removed b 2 uploads under way",
	}
	if got := ledgerText(entries); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	removed := entries[5]
	if removed.Made != maker("r4") || removed.Place != 1 || removed.Row != entries[4].Row ||
		!removed.Time.Equal(s.now()) || !removed.RealTime.Equal(s.now()) {
		t.Errorf("%+v", removed)
	}
	mustVerify(t, s)
}

// What replaces a null version destroys it, and the ledger tells that like any other
// destruction; what adds a version does not stand in it.
func TestLedgerTellsOfReplacedVersions(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Suspended)
	put := func(key, request string) {
		do(t, func(ctx context.Context) error {
			_, err := s.Put(ctx, PutRequest{
				Bucket: "b", Key: key, Body: strings.NewReader("12345"), Size: 5, Owner: testOwner, Made: maker(request),
			})
			return err
		})
	}
	put("k", "r1")
	put("k", "r2")
	do(t, func(ctx context.Context) error {
		_, err := s.Delete(ctx, "b", DeleteRequest{Key: "k", Made: maker("r3")})
		return err
	})
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	part := mustPart(t, s, name, 1, strings.Repeat("x", 20))
	do(t, func(ctx context.Context) error {
		_, err := s.CompleteUpload(ctx, CompleteRequest{Upload: name, Parts: []CompletedPart{part}, Size: -1, Made: maker("r4")})
		return err
	})
	r := copyOf("k", versioning.ID{}, "k")
	r.Made = maker("r5")
	mustCopy(t, s, r)
	want := []string{
		"r2 version-removed b k null 5",
		"r3 version-removed b k null 5",
		"r3 marker-added b k null",
		"r4 marker-removed b k null",
		"r5 version-removed b k null 20",
	}
	if got := ledgerText(mustLedger(t, s, LedgerQuery{Bucket: "b", Key: "k"})); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Locks that change stand in the ledger with what they were, tags and grants too;
// and a version that had a lock is told of with it when it goes.
func TestLedgerTellsOfLocks(t *testing.T) {
	s := openTest(t, nil, nil)
	do(t, func(ctx context.Context) error {
		_, err := s.CreateBucket(ctx, BucketSpec{Name: "b", Owner: testOwner, ObjectLock: true})
		return err
	})
	id := mustID(t, s, mustPut(t, s, "b", "k", "1").VersionHeader)
	until := s.now().Add(time.Hour)
	grants := func(Owner) ([]byte, error) { return []byte("acl"), nil }
	do(t, func(ctx context.Context) error {
		_, err := s.SetRetention(ctx, RetentionRequest{
			Bucket: "b", Key: "k", ID: id, Mode: versioning.Governance, Until: until, Made: maker("r1"),
		})
		return err
	})
	for _, hold := range []versioning.Hold{versioning.HoldOn, versioning.HoldOff, versioning.HoldOff} {
		do(t, func(ctx context.Context) error {
			_, err := s.SetLegalHold(ctx, HoldRequest{Bucket: "b", Key: "k", ID: id, Hold: hold, Made: maker("r2")})
			return err
		})
	}
	do(t, func(ctx context.Context) error {
		_, err := s.SetTags(ctx, TagRequest{Bucket: "b", Key: "k", ID: id, Tags: []Tag{{"a", "b"}}, Made: maker("r3")})
		return err
	})
	do(t, func(ctx context.Context) error {
		_, err := s.SetACL(ctx, ACLRequest{Bucket: "b", Key: "k", ID: id, Build: grants, Made: maker("r4")})
		return err
	})
	do(t, func(ctx context.Context) error {
		_, err := s.Delete(ctx, "b", DeleteRequest{Key: "k", ID: id, BypassGovernance: true, Made: maker("r5")})
		return err
	})
	do(t, func(ctx context.Context) error {
		return s.SetObjectLock(ctx, "b", DefaultRetention{Mode: versioning.Compliance, Days: 3}, maker("r6"))
	})
	name := s.FormatVersionID(id)
	held := "[GOVERNANCE until 2026-01-02T04:04:05Z"
	want := []string{
		"r1 lock-changed b k " + name + " 1 " + held + "]",
		"r2 lock-changed b k " + name + " 1 " + held + "] " + held + ", legal hold ON]",
		"r2 lock-changed b k " + name + " 1 " + held + ", legal hold ON] " + held + ", legal hold OFF]",
		"r3 tags-changed b k " + name + " 1 " + held + ", legal hold OFF]",
		"r4 grants-changed b k " + name + " 1 " + held + ", legal hold OFF]",
		"r5 version-removed b k " + name + " 1 " + held + ", legal hold OFF]",
		"r6 object-lock-changed b Enabled Enabled, COMPLIANCE for 3 days and 0 years",
	}
	got := ledgerText(mustLedger(t, s, LedgerQuery{Bucket: "b"}))
	if got = got[1:]; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	mustVerify(t, s)
}

// A refused entry and one whose key cannot be read leave no trace; the others of the
// same request do.
func TestLedgerKeepsToWhatHappened(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var rs []DeleteRequest
	for _, key := range []string{"bad", "good", "locked"} {
		rs = append(rs, DeleteRequest{Key: key, ID: mustID(t, s, mustPut(t, s, "b", key, "1").VersionHeader), Made: maker("r")})
	}
	id := mustBucketID(t, s)
	head := headKey(id, "bad")
	mustWrite(t, s, engine.Set(head, []byte{1}))
	results, err := s.DeleteObjects(t.Context(), "b", rs)
	if err != nil || results[0].Err == nil || results[1].Err != nil {
		t.Fatalf("%v, %+v", err, results)
	}
	got := ledgerText(mustLedger(t, s, LedgerQuery{Key: "bad", Bucket: "b"}))
	if len(got) != 0 {
		t.Errorf("told of what did not happen: %q", got)
	}
	if got := mustLedger(t, s, LedgerQuery{Key: "good", Bucket: "b"}); len(got) == 0 || got[0].Change != LedgerVersionRemoved {
		t.Errorf("%+v", got)
	}
}

// A request of many entries shares the header of a row, which is cut where it gets
// long; rows of one request follow each other, its entries by key.
func TestLedgerRowsAreCut(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var rs []DeleteRequest
	for n := range 1000 {
		rs = append(rs, DeleteRequest{Key: fmt.Sprintf("%0100d", 999-n), Made: maker("r")})
	}
	if _, err := s.DeleteObjects(t.Context(), "b", rs); err != nil {
		t.Fatal(err)
	}
	rows := map[uint64]int{}
	n := 0
	for _, e := range mustLedger(t, s, LedgerQuery{Bucket: "b"})[2:] {
		if e.Made != maker("r") || e.Key != rs[len(rs)-1-n].Key {
			t.Fatalf("entry %d is %+v", n, e)
		}
		rows[e.Row]++
		n++
	}
	if n != 1000 || len(rows) < 5 || len(rows) > 20 {
		t.Errorf("%d entries in %d rows", n, len(rows))
	}
	for order := range rows {
		if size := len(rowOf(t, s, ledgerKey(versioning.Order(order)))); size > ledgerRowBytes {
			t.Errorf("a row of %d bytes", size)
		}
	}
	mustSeal(t, s)
	if r := mustVerify(t, s); r.Entries < 1000 || r.Unsealed != 0 {
		t.Errorf("%+v", r)
	}
}

// Without a ledger nothing is written, and what was written before says when it
// ended.
func TestLedgerOff(t *testing.T) {
	fs := blob.MemFS()
	off := func(o *Options) { o.Ledger.Off = true }
	s := openTest(t, fs, off)
	mustBucket(t, s, "b", versioning.Enabled)
	if got := mustLedger(t, s, LedgerQuery{}); len(got) != 0 || s.features.Load()&featureLedger != 0 {
		t.Errorf("%+v", got)
	}
	if _, ok := s.NewestSeal(); ok {
		t.Error("it is sealed")
	}
	reopen := func(change func(*Options)) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, change)
		mustDelete(t, s, "b", "k", versioning.ID{})
	}
	reopen(nil)
	reopen(nil)
	reopen(off)
	reopen(off)
	reopen(nil)
	var got []string
	for _, e := range mustLedger(t, s, LedgerQuery{}) {
		got = append(got, e.Change.String())
	}
	want := []string{"ledger-started", "marker-added", "marker-added", "ledger-stopped", "ledger-started", "marker-added"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if mustVerify(t, s); s.features.Load()&featureLedger == 0 {
		t.Error("older versions may open the folder")
	}
}

// Entries are found by bucket, key, prefix and time, in both directions.
func TestLedgerQueries(t *testing.T) {
	now := clock.NewManual(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	start := now.Now()
	s := openTest(t, nil, func(o *Options) { o.Clock = now })
	for _, b := range []string{"b", "c"} {
		mustBucket(t, s, b, versioning.Enabled)
	}
	for n := range 300 { // more than a page of rows
		now.Advance(time.Minute)
		mustDelete(t, s, []string{"b", "c"}[n%2], fmt.Sprintf("k%03d", n), versioning.ID{})
	}
	keys := func(q LedgerQuery) (keys string) {
		for _, e := range mustLedger(t, s, q) {
			keys += e.Key + " "
		}
		return keys
	}
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	for _, test := range []struct {
		q    LedgerQuery
		want string
	}{
		{LedgerQuery{Key: "k007"}, "k007 "},
		{LedgerQuery{Key: "k007", Bucket: "b"}, ""},
		{LedgerQuery{Key: "k01", Prefix: true, Bucket: "b"}, "k010 k012 k014 k016 k018 "},
		{LedgerQuery{Key: "k", Prefix: true, From: minute(299)}, "k298 k299 "},
		{LedgerQuery{Key: "k", Prefix: true, To: minute(3)}, "k000 k001 "},
		{LedgerQuery{From: minute(200), To: minute(203)}, "k199 k200 k201 "},
		{LedgerQuery{From: minute(200), To: minute(203), Newest: true}, "k201 k200 k199 "},
		{LedgerQuery{Newest: true, Limit: 3}, "k299 k298 k297 "},
		{LedgerQuery{From: minute(400)}, ""},
		{LedgerQuery{From: minute(200), To: minute(203), Limit: 1}, "k199 "},
	} {
		if got := keys(test.q); got != test.want {
			t.Errorf("%+v: %q, want %q", test.q, got, test.want)
		}
	}
	forth, back := mustLedger(t, s, LedgerQuery{}), mustLedger(t, s, LedgerQuery{Newest: true})
	slices.Reverse(back)
	if !slices.Equal(ledgerText(forth), ledgerText(back)) {
		t.Error("the two directions differ")
	}
	mustSeal(t, s)
	mustDelete(t, s, "b", "later", versioning.ID{})
	if got := keys(LedgerQuery{Sealed: true, Newest: true, Limit: 1}); got != "k299 " {
		t.Errorf("the newest sealed one is %q", got)
	}
}
