package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// recordOf returns the record of an entry.
func recordOf(t *testing.T, s *Store, bucket, key string, id versioning.ID) *record {
	t.Helper()
	var rec *record
	err := s.read(t.Context(), &ReadRequest{Bucket: bucket, Key: key, ID: id}, func(f *found) error {
		rec = f.record
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// rowOf returns a row of the index, nil if it is not there.
func rowOf(t *testing.T, s *Store, key []byte) (row []byte) {
	t.Helper()
	err := s.view(t.Context(), func(r engine.Reader) (err error) {
		row, _, err = r.Get(key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// mustWrite changes rows of the index behind the store's back.
func mustWrite(t *testing.T, s *Store, mutations ...engine.Mutation) {
	t.Helper()
	if err := s.engine.Commit(t.Context(), nil, mutations); err != nil {
		t.Fatal(err)
	}
}

// readFile and writeFile are a file of fs as a whole.
func readFile(t *testing.T, fs blob.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, fs blob.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// tryRead reads an entry and tells which step failed, and how much came before.
func tryRead(t *testing.T, s *Store, id versioning.ID) (step string, n int64, err error) {
	t.Helper()
	o, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k", ID: id})
	if err != nil {
		return "get", 0, err
	}
	defer o.Close()
	r, err := o.Reader(t.Context(), 0, o.Object.Size)
	if err != nil {
		return "reader", 0, err
	}
	defer r.Close()
	n, err = io.Copy(io.Discard, r)
	return "stream", n, err
}

// isDamage tells damage: what readers say of a later block is not wrapped.
func isDamage(err error) bool { return errors.Is(err, ErrDamaged) || errors.Is(err, blob.ErrDamaged) }

// stored is where the encoded bytes of an entry lie, inline or in a file.
type stored struct {
	name string
	size int // payload
	load func(*testing.T, *Store, *record) []byte
	save func(*testing.T, *Store, *record, []byte) // nil removes
}

var storedKinds = []stored{
	{"inline", 100, func(t *testing.T, s *Store, rec *record) []byte {
		return rowOf(t, s, dataKey(mustBucketID(t, s), rec.ref))
	}, func(t *testing.T, s *Store, rec *record, b []byte) {
		mustWrite(t, s, setOrDelete(dataKey(mustBucketID(t, s), rec.ref), b))
	}},
	{"file", 200, func(t *testing.T, s *Store, rec *record) []byte {
		return readFile(t, s.fs, blobPath(rec))
	}, func(t *testing.T, s *Store, rec *record, b []byte) {
		if b == nil {
			if err := s.fs.Remove(blobPath(rec)); err != nil {
				t.Fatal(err)
			}
			return
		}
		writeFile(t, s.fs, blobPath(rec), b)
	}},
}

func blobPath(rec *record) string { return "/data/" + blobsName + "/" + rec.ref.String() }

func mustBucketID(t *testing.T, s *Store) bucketID {
	t.Helper()
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	return b.id
}

// TestDamagedBytes holds that no damaged byte is served: damage that is met before
// the first byte is an error of Get or Reader, later it ends the stream. Check
// finds the version, and no other.
func TestDamagedBytes(t *testing.T) {
	const blockSize = 64
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[(at+len(b))%len(b)] ^= 0x20
			return b
		}
	}
	header := blob.EncodedSize(blob.Header{Key: "k", BlockSize: blockSize}, 0)
	for _, kind := range storedKinds {
		for _, c := range []struct {
			name  string
			spoil func([]byte) []byte
			step  string
			bytes int64
		}{
			{"magic", flip(0), "get", 0},
			{"header", flip(int(header) - 5), "get", 0},
			{"first block", flip(int(header)), "reader", 0},
			{"sum of the first block", flip(int(header) + blockSize), "reader", 0},
			{"second block", flip(int(header) + blockSize + 4), "stream", blockSize},
			{"last sum", flip(-1), "stream", int64(kind.size / blockSize * blockSize)},
			{"cut", func(b []byte) []byte { return b[:len(b)-1] }, "get", 0},
			{"grown", func(b []byte) []byte { return append(b, 0) }, "get", 0},
			{"empty", func([]byte) []byte { return []byte{} }, "get", 0},
			{"missing", func([]byte) []byte { return nil }, "get", 0},
		} {
			s := openTest(t, nil, nil)
			mustBucket(t, s, "b", versioning.Enabled)
			body := string(pattern(kind.size))
			good := mustID(t, s, mustPut(t, s, "b", "k", body).VersionHeader)
			bad := mustID(t, s, mustPut(t, s, "b", "k", body).VersionHeader)
			rec := recordOf(t, s, "b", "k", bad)
			kind.save(t, s, rec, c.spoil(bytes.Clone(kind.load(t, s, rec))))

			step, n, err := tryRead(t, s, bad)
			if step != c.step || n != c.bytes || !isDamage(err) {
				t.Errorf("%s, %s: %s fails after %d bytes with %v; want %s after %d", kind.name, c.name, step, n, err, c.step, c.bytes)
			}
			mustRead(t, s, "b", "k", good, body)
			report, err := s.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkDamageReport(t, kind.name+", "+c.name, report.Problems, s.FormatVersionID(bad), c.name == "missing" && kind.name == "inline")
			mustDelete(t, s, "b", "k", bad) // what is damaged can be destroyed
			if err := s.WaitReclaimed(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustClean(t, s)
		}
	}
}

// checkDamageReport holds that a report has one problem, about the version. A
// data row that is missing is also missed in the count of them.
func checkDamageReport(t *testing.T, name string, problems []Problem, id string, counted bool) {
	t.Helper()
	want := 1
	if counted {
		want = 2
	}
	if len(problems) != want || problems[0].VersionID != id || problems[0].Key != "k" || !strings.HasPrefix(problems[0].Detail, "bytes: ") {
		t.Errorf("%s: Check finds %v", name, problems)
	}
	if counted && len(problems) == 2 && problems[1].Detail != "has 1 data rows, versions name 2" {
		t.Errorf("%s: Check finds %v", name, problems)
	}
}

// A block that is whole but in a wrong place is damage too.
func TestMisplacedBytes(t *testing.T) {
	for _, kind := range storedKinds {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		var recs [2]*record
		for i := range recs {
			body := strings.Repeat(fmt.Sprint(i), kind.size)
			recs[i] = recordOf(t, s, "b", "k", mustID(t, s, mustPut(t, s, "b", "k", body).VersionHeader))
		}
		one := bytes.Clone(kind.load(t, s, recs[0]))
		two := bytes.Clone(kind.load(t, s, recs[1]))
		for _, spoiled := range [][]byte{
			two,
			append(bytes.Clone(one[:len(one)-10]), two[len(two)-10:]...),
		} {
			kind.save(t, s, recs[0], spoiled)
			if _, _, err := tryRead(t, s, versioning.IDOf(recs[0].order)); !isDamage(err) {
				t.Errorf("%s: %v", kind.name, err)
			}
		}
		kind.save(t, s, recs[0], one)
		mustClean(t, s)
	}
}

// Rows that cannot be read are damage, and never a panic or a wrong answer.
func TestDamagedRows(t *testing.T) {
	garbage := []byte{1, 200, 3}
	for _, row := range []struct {
		name string
		key  func(b bucketID, o versioning.Order) []byte
		read bool // a read of the current entry meets it
	}{
		{"live", func(b bucketID, _ versioning.Order) []byte { return liveKey(b, "k") }, true},
		{"head", func(b bucketID, _ versioning.Order) []byte { return headKey(b, "k") }, false},
		{"version", func(b bucketID, o versioning.Order) []byte { return versionKey(b, "k", o) }, true},
	} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		id := mustID(t, s, mustPut(t, s, "b", "k", "x").VersionHeader)
		key := row.key(mustBucketID(t, s), id.Order())
		for what, mutation := range map[string]engine.Mutation{"garbage": engine.Set(key, garbage), "gone": engine.Delete(key)} {
			if what == "gone" && row.name != "version" {
				continue // means something else, which Check finds
			}
			mustWrite(t, s, mutation)
			_, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
			if row.read && !errors.Is(err, ErrDamaged) || !row.read && err != nil {
				t.Errorf("%s is %s: %v", row.name, what, err)
			}
		}
		mustWrite(t, s, engine.Set(key, garbage))
		if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: delete: %v", row.name, err)
		}
		if report, err := s.Check(t.Context()); err != nil || len(report.Problems) == 0 {
			t.Errorf("%s: Check finds nothing: %v", row.name, err)
		}
	}
}

// TestDamageOfOneKey deletes three keys, one of which has a version row that cannot
// be read: the others are deleted, and of the one nothing is changed.
//
// spec: VD5-22
func TestDamageOfOneKey(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	var rs []DeleteRequest
	for _, key := range []string{"a", "k", "z"} {
		rs = append(rs, DeleteRequest{Key: key, ID: mustID(t, s, mustPut(t, s, "b", key, key).VersionHeader)})
	}
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	row := versionKey(b.id, "k", rs[1].ID.Order())
	if err := s.engine.Commit(t.Context(), nil, []engine.Mutation{engine.Set(row, []byte("?"))}); err != nil {
		t.Fatal(err)
	}
	results, err := s.DeleteObjects(t.Context(), "b", rs)
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil || !errors.Is(results[1].Err, ErrDamaged) || results[2].Err != nil {
		t.Errorf("results %+v", results)
	}
	page, err := s.ListObjects(t.Context(), ListRequest{Bucket: "b", Limit: 10})
	if err != nil || len(page.Objects) != 1 || page.Objects[0].Key != "k" {
		t.Errorf("left are %+v, %v", page.Objects, err)
	}
	if _, err := s.Delete(t.Context(), "b", rs[1]); !errors.Is(err, ErrDamaged) {
		t.Errorf("delete: %v", err)
	}
}
