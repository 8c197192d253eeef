package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// byRule is the maker of what a lifecycle rule does.
var byRule = Maker{Operation: "Lifecycle", Cause: CauseRule, CauseID: "old uploads"}

// An upload that is aborted stands in the ledger with its bytes and who ended it.
func TestLedgerTellsOfAborts(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	mustPart(t, s, name, 1, strings.Repeat("x", 20))
	mustPart(t, s, name, 7, strings.Repeat("y", 300))
	if err := s.AbortUpload(t.Context(), name, byRule); err != nil {
		t.Fatal(err)
	}
	if err := s.AbortUpload(t.Context(), name, byRule); !errors.Is(err, ErrNoSuchUpload) {
		t.Error(err)
	}
	entries := mustLedger(t, s, LedgerQuery{Bucket: "b", Key: "k"})
	if len(entries) != 1 {
		t.Fatalf("%+v", entries)
	}
	e := entries[0]
	if e.Change != LedgerUploadAborted || e.UploadID != name.ID || e.VersionID != "" || e.Size != 320 || e.Made != byRule {
		t.Errorf("%+v", e)
	}
	line, err := e.MarshalJSON()
	if err != nil || !strings.Contains(string(line), `"change":"upload-aborted"`) || !strings.Contains(string(line), `"uploadId":"`+name.ID) {
		t.Errorf("%s, %v", line, err)
	}
	mustVerify(t, s)
	mustReclaimed(t, s)
	if got := mustStatistics(t, s, "b"); got != (Statistics{}) {
		t.Errorf("%+v", got)
	}
	mustClean(t, s)
}

// Many uploads are ended in one commit, each with its own outcome.
func TestAbortUploads(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustBucket(t, s, "other", versioning.Enabled)
	var names []UploadName
	for i := range 5 {
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: fmt.Sprint("k", i%3)})
		mustPart(t, s, name, 1, "body")
		names = append(names, name)
	}
	mustComplete(t, s, names[3], CompletedPart{Number: 1, ETag: mustPart(t, s, names[3], 1, "body").ETag})
	foreign := mustCreate(t, s, UploadRequest{Bucket: "other", Key: "k"})
	ask := append(slices.Clone(names), names[0], foreign, UploadName{"b", "k0", "none"}, UploadName{"b", "", names[0].ID})
	var commits atomic.Int32
	count := func(_ []engine.Mutation, apply func() error) error {
		if !byReclaimer() {
			commits.Add(1)
		}
		return apply()
	}
	p.onCommit.Store(&count)
	errs, err := s.AbortUploads(t.Context(), ask, byRule)
	p.onCommit.Store(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, nil, nil, ErrNoSuchUpload, nil, ErrNoSuchUpload, ErrNoSuchUpload, ErrNoSuchUpload, ErrInvalidKey} {
		if !errors.Is(errs[i], want) {
			t.Errorf("upload %d: %v, want %v", i, errs[i], want)
		}
	}
	if n := commits.Load(); n != 1 {
		t.Errorf("%d commits", n)
	}
	mustReclaimed(t, s)
	if got := mustStatistics(t, s, "b"); got.Uploads != 0 || got.UploadBytes != 0 || got.Objects != 1 {
		t.Errorf("%+v", got)
	}
	if got := mustStatistics(t, s, "other"); got.Uploads != 1 {
		t.Errorf("%+v", got)
	}
	rows := map[uint64]int{}
	for _, e := range mustLedger(t, s, LedgerQuery{Bucket: "b"}) {
		if e.Change == LedgerUploadAborted {
			rows[e.Row]++
		}
	}
	if len(rows) != 1 {
		t.Errorf("rows of the ledger with so many entries: %v", rows)
	}
	if errs, err := s.AbortUploads(t.Context(), nil, byRule); len(errs) != 0 || err != nil {
		t.Error(errs, err)
	}
	mustClean(t, s)
}

// A row that cannot be read keeps no other upload from being ended, and a part that
// cannot be read not its own.
func TestAbortDamagedUploads(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var names []UploadName
	for i := range 3 {
		names = append(names, mustCreate(t, s, UploadRequest{Bucket: "b", Key: fmt.Sprint("k", i)}))
	}
	b, order, err := s.uploadName(names[1])
	if err != nil {
		t.Fatal(err)
	}
	mustPart(t, s, names[2], 1, "body")
	_, other, err := s.uploadName(names[2])
	if err != nil {
		t.Fatal(err)
	}
	rows := []engine.Mutation{
		engine.Set(uploadKey(b.id, "k1", order), []byte{0xff}), engine.Set(partKey(b.id, "k2", other, 1), []byte{0xff}),
	}
	if err := s.engine.Commit(t.Context(), nil, rows); err != nil {
		t.Fatal(err)
	}
	errs, err := s.AbortUploads(t.Context(), names, Maker{})
	if err != nil || errs[0] != nil || !errors.Is(errs[1], ErrDamaged) || errs[2] != nil {
		t.Error(errs, err)
	}
}
