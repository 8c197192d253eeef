package store

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

var writeFolder = flag.String("write-folder", "", "write a folder of this version into this empty directory, for testdata")

// fullRecord has every field that this version writes.
func fullRecord() *record {
	at := time.UnixMilli(1_700_000_000_000).UTC()
	return &record{
		order: 1, null: true, size: 2, place: placeFile, ref: blob.Ref{Epoch: 1, Number: 3}, storedSize: 4, blockSize: 5,
		origin: blob.Origin{Ref: blob.Ref{Epoch: 1, Number: 2}, Bucket: 4, Key: "o"},
		crc:    6, lastModified: at, realTime: at, etag: "e",
		checksums:    []checksum.Value{{Algorithm: checksum.CRC32, Sum: []byte{1, 2, 3, 4}}},
		checksumType: FullObject, class: "GLACIER", system: []Pair{{"Content-Type", "a/b"}}, user: []Pair{{"n", "v"}},
		tags: []Tag{{"tag", "value"}, {"empty", ""}}, acl: []byte{1, 2},
		owner: &Owner{Account: "000000000002"}, made: Maker{AccessKey: "k"},
		lock: versioning.Lock{Mode: versioning.Compliance, Until: at, Hold: versioning.HoldOn},
	}
}

// partsRecord is the record of an object that was uploaded in parts.
func partsRecord() *record {
	r := fullRecord()
	r.place, r.ref, r.origin = placeParts, blob.Ref{}, blob.Origin{}
	r.parts = PartMap{runs: []partRun{{first: 2, count: 2, size: 1}}}
	r.upload, r.initiated = 7, r.lastModified
	return r
}

// folderHistory is what the folders of testdata hold, as historyText shows it.
var folderHistory = map[string]string{
	"unversioned": "a/empty[v0] a/large[v0] a/middle[v0] a/small[v0]",
	"enabled":     "k[v] kD kv kv0 lone[D] ü/ 😀[v]",
	"suspended":   "k[D0] kv n[v0] nv",
}

// The bodies of testdata: one in a file, one that the index keeps apart from its
// keys.
var (
	largeBody  = strings.Repeat("large ", 1000)
	middleBody = strings.Repeat("middle ", 350)
)

// fillFolder makes what folderHistory says, but for its last put.
func fillFolder(t *testing.T, s *Store) {
	mustBucket(t, s, "unversioned", versioning.Unversioned)
	mustPut(t, s, "unversioned", "a/empty", "")
	mustPut(t, s, "unversioned", "a/large", largeBody)
	mustPut(t, s, "unversioned", "a/middle", middleBody)
	mustPut(t, s, "unversioned", "a/small", "small")
	mustBucket(t, s, "enabled", versioning.Unversioned)
	mustPut(t, s, "enabled", "k", "null")
	mustState(t, s, "enabled", versioning.Enabled)
	mustPut(t, s, "enabled", "k", largeBody)
	mustDelete(t, s, "enabled", "k", versioning.ID{})
	mustPut(t, s, "enabled", "k", "three")
	mustDelete(t, s, "enabled", "lone", versioning.ID{})
	mustPut(t, s, "enabled", "ü/ 😀", "utf-8")
	mustBucket(t, s, "suspended", versioning.Enabled)
	mustPut(t, s, "suspended", "k", "k")
	mustPut(t, s, "suspended", "n", "n")
	mustState(t, s, "suspended", versioning.Suspended)
	mustDelete(t, s, "suspended", "k", versioning.ID{})
}

// fillParts makes objects of parts, a copy that shares their files, and an upload
// in progress; folders from the second on have them.
func fillParts(t *testing.T, s *Store) {
	mustBucket(t, s, "parts", versioning.Enabled)
	mustUpload(t, s, "parts", "k", largeBody, middleBody, "tail")
	mustPut(t, s, "parts", "source", largeBody)
	name := mustCreate(t, s, UploadRequest{
		Bucket: "parts", Key: "copy", Algorithm: checksum.SHA256, ChecksumType: Composite, Tags: []Tag{{"t", "v"}},
	})
	part := func(key string, offset, length int64) PartCopyRequest {
		return PartCopyRequest{Upload: name, Source: CopySource{Bucket: "parts", Key: key, Offset: offset, Length: length}}
	}
	var parts []CompletedPart
	for i, r := range []PartCopyRequest{part("k", 0, -1), part("source", 10, 5000)} {
		r.Number = 2 * (i + 1)
		p, err := s.CopyPart(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, CompletedPart{Number: r.Number, ETag: p.ETag, Checksums: p.Checksums})
	}
	mustComplete(t, s, name, parts...)
	mustPart(t, s, mustCreate(t, s, UploadRequest{Bucket: "parts", Key: "u"}), 3, largeBody)
}

// readParts looks at what fillParts made, and goes on with it.
func readParts(t *testing.T, s *Store) {
	mustRead(t, s, "parts", "k", versioning.ID{}, largeBody+middleBody+"tail")
	mustRead(t, s, "parts", "copy", versioning.ID{}, largeBody+middleBody+"tail"+largeBody[10:5010])
	page, err := s.ListUploads(t.Context(), UploadsRequest{Bucket: "parts", Limit: 10})
	if err != nil || len(page.Uploads) != 1 {
		t.Fatal(page, err)
	}
	name := UploadName{"parts", "u", page.Uploads[0].ID}
	list, err := s.ListParts(t.Context(), PartsRequest{Upload: name, Limit: 10})
	if err != nil || len(list.Parts) != 1 {
		t.Fatal(list, err)
	}
	mustComplete(t, s, name, CompletedPart{Number: 3, ETag: list.Parts[0].ETag})
	mustRead(t, s, "parts", "u", versioning.ID{}, largeBody)
}

// keptUntil is the end of the retention in testdata.
var keptUntil = time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)

// fillProtection makes locks, a default retention, documents that protect, rows of
// identities and what the ledger tells of all that; folders from the third on have it.
func fillProtection(t *testing.T, s *Store) {
	ctx := t.Context()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.CreateBucket(ctx, BucketSpec{Name: "locked", Owner: testOwner, ObjectLock: true})
	fail(err)
	mustPut(t, s, "locked", "gone", "gone")
	id := mustID(t, s, mustPut(t, s, "locked", "kept", "kept").VersionHeader)
	_, err = s.SetRetention(ctx, RetentionRequest{Bucket: "locked", Key: "kept", ID: id, Mode: versioning.Compliance, Until: keptUntil})
	fail(err)
	held := mustID(t, s, mustPut(t, s, "locked", "held", "held").VersionHeader)
	_, err = s.SetLegalHold(ctx, HoldRequest{Bucket: "locked", Key: "held", ID: held, Hold: versioning.HoldOn})
	fail(err)
	_, err = s.SetACL(ctx, ACLRequest{Bucket: "locked", Key: "held", ID: held, Build: listed([]byte("grants"))})
	fail(err)
	fail(s.SetObjectLock(ctx, "locked", DefaultRetention{Mode: versioning.Governance, Years: 100}, Maker{AccessKey: "k"}))
	mustPut(t, s, "locked", "default", "default")
	fail(s.SetConfig(ctx, "locked", ConfigPolicy, []byte("policy"), Maker{}))
	fail(s.SaveIdentities(ctx, map[string][]byte{"account/1": []byte("account")}, Maker{}))
	_, err = s.AdvanceMFA(ctx, "serial", 7)
	fail(err)
	mustDelete(t, s, "locked", "gone", versioning.ID{})
}

// readProtection looks at what fillProtection made.
func readProtection(t *testing.T, s *Store) {
	ctx := t.Context()
	page, err := s.LockedVersions(ctx, LockedRequest{Bucket: "locked"})
	if err != nil || len(page.Versions) != 3 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, v := range page.Versions {
		_, err := s.Delete(ctx, "locked", DeleteRequest{Key: v.Key, ID: mustID(t, s, v.VersionID)})
		if !errors.Is(err, versioning.ObjectLocked) {
			t.Errorf("%s: %v", v.Key, err)
		}
	}
	if policy, err := s.Config(ctx, "locked", ConfigPolicy); err != nil || string(policy) != "policy" {
		t.Errorf("%q, %v", policy, err)
	}
	rows := map[string]string{}
	err = s.LoadIdentities(ctx, func(name string, value []byte) error { rows[name] = string(value); return nil })
	if err != nil || rows["account/1"] != "account" {
		t.Errorf("%q, %v", rows, err)
	}
	if advanced, err := s.AdvanceMFA(ctx, "serial", 7); err != nil || advanced {
		t.Errorf("a step counts twice: %v", err)
	}
	if got := mustLedger(t, s, LedgerQuery{Bucket: "locked", Key: "gone"}); len(got) != 1 || got[0].Change != LedgerMarkerAdded {
		t.Errorf("%+v", got)
	}
	mustVerify(t, s)
}

// jobDocument needs two rows.
var jobDocument = strings.Repeat("go on ", documentChunk/5)

// fillJobs makes what long work keeps, and what it leaves in the ledger; folders from
// the fourth on have it.
func fillJobs(t *testing.T, s *Store) {
	mustKeep(t, s, "job/1", []byte(jobDocument))
	mustKeep(t, s, "lifecycle/1", []byte("here"))
	mustBucket(t, s, "aged", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "aged", Key: "u"})
	mustPart(t, s, name, 1, "part")
	if err := s.AbortUpload(t.Context(), name, byRule); err != nil {
		t.Fatal(err)
	}
	mustReclaimed(t, s)
}

// readJobs looks at what fillJobs made, and goes on with it.
func readJobs(t *testing.T, s *Store) {
	want := map[string]string{"job/1": jobDocument, "lifecycle/1": "here"}
	if got := mustJobs(t, s, ""); !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
	mustKeep(t, s, "job/1", []byte("shorter"))
	got := mustLedger(t, s, LedgerQuery{Bucket: "aged", Key: "u"})
	if len(got) != 1 || got[0].Change != LedgerUploadAborted || got[0].Size != 4 || got[0].Made != byRule {
		t.Errorf("%+v", got)
	}
}

// TestWriteFolder writes a folder for testdata when it is asked to.
func TestWriteFolder(t *testing.T) {
	if *writeFolder == "" {
		t.Skip("writes testdata; run with -write-folder DIR")
	}
	// The second start writes tables of what the first left in the log, so that
	// the folder has both.
	steps := []func(s *Store){
		func(s *Store) { fillFolder(t, s); fillParts(t, s); fillProtection(t, s); fillJobs(t, s) },
		func(s *Store) { mustPut(t, s, "suspended", "n", "n null") },
	}
	for _, step := range steps {
		s, err := Open(*writeFolder, Options{InlineLimit: 3000, BlockSize: 512, MinPartSize: 1, MinFree: -1,
			Clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))})
		if err != nil {
			t.Fatal(err)
		}
		step(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{ballastName, lockName} {
		if err := os.Remove(filepath.Join(*writeFolder, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// TestOldFoldersOpen opens a copy of every folder that an earlier version left in
// testdata, reads all of it, and changes it.
func TestOldFoldersOpen(t *testing.T) {
	folders, err := filepath.Glob("testdata/folder-*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no folders in testdata", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, Options{MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			for bucket, want := range folderHistory {
				if got := historyText(t, s, bucket); got != want {
					t.Errorf("bucket %s: history %q, want %q", bucket, got, want)
				}
			}
			mustRead(t, s, "unversioned", "a/large", versioning.ID{}, largeBody)
			mustRead(t, s, "unversioned", "a/middle", versioning.ID{}, middleBody)
			mustRead(t, s, "enabled", "k", versioning.Null, "null")
			mustClean(t, s)
			if filepath.Base(folder) != "folder-1" {
				readParts(t, s)
			}
			if name := filepath.Base(folder); name != "folder-1" && name != "folder-2" {
				readProtection(t, s)
			}
			if name := filepath.Base(folder); name > "folder-3" {
				readJobs(t, s)
			}
			mustPut(t, s, "enabled", "k", string(bytes.Repeat([]byte("x"), 1<<17)))
			mustDelete(t, s, "enabled", "k", versioning.Null)
			mustPut(t, s, "suspended", "k", "again")
			mustClean(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
