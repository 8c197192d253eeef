package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// specimen is a store with something of every kind, for spoiling.
type specimen struct {
	t      *testing.T
	s      *Store
	bucket bucketID
	file   *record // version of "k" in a file
	inline *record // null version of "k", inline
	newest *record // current version of "k"
}

func newSpecimen(t *testing.T) *specimen {
	t.Helper()
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", "inline")
	mustState(t, s, "b", versioning.Enabled)
	file := mustID(t, s, mustPut(t, s, "b", "k", string(pattern(200))).VersionHeader)
	mustPut(t, s, "b", "k", "newest")
	mustPut(t, s, "b", "hidden", "x")
	mustDelete(t, s, "b", "hidden", versioning.ID{})
	if err := s.SetObjectLock(t.Context(), "b", DefaultRetention{}, Maker{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "locked", Body: strings.NewReader(""), Size: 0,
		Lock: versioning.Lock{Hold: versioning.HoldOn}})
	if err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "u", versioning.Unversioned)
	mustPut(t, s, "u", "k", "x")
	mustClean(t, s)
	return &specimen{
		t: t, s: s, bucket: mustBucketID(t, s),
		file:   recordOf(t, s, "b", "k", file),
		inline: recordOf(t, s, "b", "k", versioning.Null),
		newest: recordOf(t, s, "b", "k", versioning.ID{}),
	}
}

// rewrite changes a version record.
func (x *specimen) rewrite(rec *record, change func(*record)) engine.Mutation {
	changed := *rec
	change(&changed)
	return engine.Set(versionKey(x.bucket, "k", rec.order), changed.encode())
}

// head changes the head row of "k".
func (x *specimen) head(change func(*versioning.Head)) engine.Mutation {
	key := headKey(x.bucket, "k")
	h, err := decodeHead(rowOf(x.t, x.s, key))
	if err != nil {
		x.t.Fatal(err)
	}
	change(&h)
	return engine.Set(key, encodeHead(h))
}

// lockRow is the key of the lock row of "locked".
func lockRow(x *specimen) []byte {
	rec := recordOf(x.t, x.s, "b", "locked", versioning.ID{})
	return lockKeys(x.bucket, "locked", rec.order, rec.lock)[0]
}

// live changes the live row of "k".
func (x *specimen) live(change func(*live)) engine.Mutation {
	l := liveOf(x.newest)
	change(l)
	return engine.Set(liveKey(x.bucket, "k"), l.encode())
}

// blobRow changes the blob row of the file.
func (x *specimen) blobRow(change func(*blobRow)) engine.Mutation {
	row := blobRow{bucket: x.bucket, key: "k", order: x.file.order, stored: x.file.storedSize}
	change(&row)
	return engine.Set(blobKey(x.file.ref), row.encode())
}

// inconsistencies are what Check has to find: how to spoil a specimen, and the
// begin of the problem that tells.
var inconsistencies = []struct {
	name  string
	spoil func(*specimen) engine.Mutation
	want  string
}{
	{"head is gone", func(x *specimen) engine.Mutation { return engine.Delete(headKey(x.bucket, "k")) }, `b/"k": head says`},
	{"head names another newest", func(x *specimen) engine.Mutation {
		return x.head(func(h *versioning.Head) { h.Newest-- })
	}, `b/"k": head says`},
	{"head counts wrongly", func(x *specimen) engine.Mutation {
		return x.head(func(h *versioning.Head) { h.Entries++ })
	}, `b/"k": head says`},
	{"head knows no null", func(x *specimen) engine.Mutation {
		return x.head(func(h *versioning.Head) { h.Null = 0 })
	}, `b/"k": head says`},
	{"head says marker", func(x *specimen) engine.Mutation {
		return x.head(func(h *versioning.Head) { h.Marker = true })
	}, `b/"k": stored data is damaged: head and live row disagree`},
	{"head of no key", func(x *specimen) engine.Mutation {
		return engine.Set(headKey(x.bucket, "ghost"), encodeHead(versioning.Head{Newest: 1, Entries: 1, Marker: true}))
	}, `b/"ghost": row of table H without a history`},
	{"head in Unversioned", func(x *specimen) engine.Mutation {
		u := x.s.buckets["u"]
		order := recordOf(x.t, x.s, "u", "k", versioning.ID{}).order
		return engine.Set(headKey(u.id, "k"), encodeHead(versioning.Head{Newest: order, Null: order, Entries: 1}))
	}, `u/"k": has a head row in a bucket that was never versioned`},
	{"live is gone", func(x *specimen) engine.Mutation { return engine.Delete(liveKey(x.bucket, "k")) },
		`b/"k": stored data is damaged: head and live row disagree`},
	{"live shows another size", func(x *specimen) engine.Mutation {
		return x.live(func(l *live) { l.size++ })
	}, `b/"k": live row is not that of the current entry`},
	{"live of a hidden key", func(x *specimen) engine.Mutation {
		return engine.Set(liveKey(x.bucket, "hidden"), liveOf(x.newest).encode())
	}, `b/"hidden": stored data is damaged: head and live row disagree`},
	{"live of no key", func(x *specimen) engine.Mutation {
		return engine.Set(liveKey(x.bucket, "ghost"), liveOf(x.newest).encode())
	}, `b/"ghost": row of table L without a history`},
	{"version is gone", func(x *specimen) engine.Mutation {
		return engine.Delete(versionKey(x.bucket, "k", x.newest.order))
	}, `b/"k": head says`},
	{"version under another order", func(x *specimen) engine.Mutation {
		return engine.Set(versionKey(x.bucket, "k", x.newest.order-1), x.newest.encode())
	}, `b/"k" version`},
	{"version is garbage", func(x *specimen) engine.Mutation {
		return engine.Set(versionKey(x.bucket, "k", x.newest.order), []byte("garbage"))
	}, `b/"k" version`},
	{"two nulls", func(x *specimen) engine.Mutation {
		return x.rewrite(x.newest, func(r *record) { r.null = true })
	}, `b/"k": has two null entries`},
	{"bytes of no place", func(x *specimen) engine.Mutation {
		return x.rewrite(x.inline, func(r *record) { r.place = placeNone })
	}, `b/"k" version null: has 6 bytes and names none`},
	{"size", func(x *specimen) engine.Mutation {
		return x.rewrite(x.inline, func(r *record) { r.size++ })
	}, `b/"k" version null: bytes:`},
	{"sum of the whole", func(x *specimen) engine.Mutation {
		return x.rewrite(x.inline, func(r *record) { r.crc++ })
	}, `b/"k" version null: bytes:`},
	{"data is gone", func(x *specimen) engine.Mutation {
		return engine.Delete(dataKey(x.bucket, x.inline.ref))
	}, `b/"k" version null: bytes:`},
	{"data of no version", func(x *specimen) engine.Mutation {
		return engine.Set(dataKey(x.bucket, blob.Ref{Number: 1}), []byte("x"))
	}, `b: has 4 data rows, versions name 3`},
	{"blob row is gone", func(x *specimen) engine.Mutation { return engine.Delete(blobKey(x.file.ref)) },
		`b/"k" version `},
	{"blob row of another version", func(x *specimen) engine.Mutation {
		return x.blobRow(func(r *blobRow) { r.order++ })
	}, `b/"k" version `},
	{"blob row of another size", func(x *specimen) engine.Mutation {
		return x.blobRow(func(r *blobRow) { r.stored++ })
	}, `b/"k" version `},
	{"blob row of no version", func(x *specimen) engine.Mutation {
		return engine.Set(blobKey(blob.Ref{Epoch: 1, Number: 1}), blobRow{bucket: x.bucket, key: "k", order: 1}.encode())
	}, `there are 2 blob rows, versions name 1`},
	{"lock row is gone", func(x *specimen) engine.Mutation {
		return engine.Delete(lockRow(x))
	}, `b: has 0 lock rows, versions imply 1`},
	{"lock row of no version", func(x *specimen) engine.Mutation {
		return engine.Set(lockKey(x.bucket, 5, "k", x.newest.order), nil)
	}, `b: has 2 lock rows, versions imply 1`},
	{"counters", func(x *specimen) engine.Mutation { return engine.Add(statsKey(x.bucket), 1) }, `b: counters say`},
	{"reclaim is not counted", func(x *specimen) engine.Mutation {
		row := reclaimRow{ref: blob.Ref{Epoch: 1, Number: 1}, bucket: x.bucket, stored: 5}
		return engine.Set(reclaimKey(1, row.ref), row.encode())
	}, `b: counters say`},
	{"reclaim row is garbage", func(*specimen) engine.Mutation {
		return engine.Set(reclaimKey(1, blob.Ref{Epoch: 1, Number: 1}), []byte("garbage"))
	}, `reclaim row`},
	{"bucket row is garbage", func(*specimen) engine.Mutation {
		return engine.Set(bucketKey("u"), []byte("garbage"))
	}, `bucket "u"`},
}

// TestCheckFinds holds that Check tells each kind of inconsistency, and changes
// nothing.
func TestCheckFinds(t *testing.T) {
	for _, c := range inconsistencies {
		x := newSpecimen(t)
		mustWrite(t, x.s, c.spoil(x))
		before := strings.Join(allRows(t, x.s), " ")
		report, err := x.s.Check(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		tells := func(p Problem) bool { return strings.HasPrefix(p.String(), c.want) }
		if !slices.ContainsFunc(report.Problems, tells) {
			t.Errorf("%s: problems %v, none begins %q", c.name, report.Problems, c.want)
		}
		if after := strings.Join(allRows(t, x.s), " "); after != before {
			t.Errorf("%s: Check changed rows", c.name)
		}
	}
}

// A file that is gone or changed is a problem of its version alone; what a report
// counts is what is there.
func TestCheckReport(t *testing.T) {
	x := newSpecimen(t)
	report := mustClean(t, x.s)
	want := Report{Buckets: 2, Keys: 4, Versions: 6, DeleteMarkers: 1, Files: 1, Bytes: 6 + 200 + 6 + 1 + 1}
	if report.Buckets != want.Buckets || report.Keys != want.Keys || report.Versions != want.Versions ||
		report.DeleteMarkers != want.DeleteMarkers || report.Files != want.Files || report.Bytes != want.Bytes || report.Truncated {
		t.Errorf("%+v, want %+v", report, want)
	}
	if err := x.s.fs.Remove(blobPath(x.file)); err != nil {
		t.Fatal(err)
	}
	report, err := x.s.Check(t.Context())
	if err != nil || len(report.Problems) != 1 || report.Problems[0].VersionID != x.s.FormatVersionID(versioning.IDOf(x.file.order)) {
		t.Errorf("%v %v", report.Problems, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A report names at most 1,000 problems and says that there are more.
func TestCheckReportIsBounded(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var rows []engine.Mutation
	for _, key := range numbered("ghost", maxProblems+1) {
		rows = append(rows, engine.Set(headKey(mustBucketID(t, s), key), encodeHead(versioning.Head{Newest: 1, Entries: 1, Marker: true})))
	}
	mustWrite(t, s, rows...)
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) != maxProblems || !report.Truncated {
		t.Errorf("%d problems, truncated %v, %v", len(report.Problems), report.Truncated, err)
	}
}

// A block of the index that cannot be read, or a file of it, is told like other damage: what
// it holds is named, and all the rest is looked at.
func TestCheckDamagedIndex(t *testing.T) {
	for name, damage := range map[string]func([]byte){
		"a block": func(b []byte) { b[50] ^= 1 },
		"a file":  func(b []byte) { b[len(b)-20] ^= 1 },
	} {
		dir := t.TempDir()
		open := func(readOnly bool) *Store {
			s, err := Open(dir, Options{ReadOnly: readOnly, MinFree: -1, Ledger: LedgerOptions{Off: true}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open(false)
		mustBucket(t, s, "b", versioning.Enabled)
		for i := range 50 {
			mustPut(t, s, "b", fmt.Sprintf("k%02d", i), strings.Repeat("x", 3000))
		}
		big := mustPut(t, s, "b", "big", strings.Repeat("y", 300_000))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := open(false).Close(); err != nil { // the log becomes tables
			t.Fatal(err)
		}
		spoil := func(pattern string, damage func([]byte)) {
			files, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v", files, err)
			}
			content, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			damage(content)
			if err := os.WriteFile(files[0], content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		spoil("index/*.blob", damage)
		spoil("blobs/*/*", func(b []byte) { b[100] ^= 1 })
		s = open(true)
		r, err := s.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, p := range r.Problems {
			found[p.Key]++
			if p.Key == "big" && p.VersionID != big.VersionHeader || strings.Contains(p.Detail, "counters") {
				t.Errorf("%s: %v", name, p)
			}
		}
		damaged := len(found) - 1 // the table of inline bytes itself is one
		if found["big"] != 1 || found["k00"] != 1 || name == "a block" && damaged > 10 || r.Versions != 51 {
			t.Errorf("%s: %+v", name, r)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
