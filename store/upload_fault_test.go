package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// uploadSteps are one upload, step by step; each tells the parts that it leaves.
type uploadSteps struct {
	s     *Store
	t     *testing.T
	name  UploadName
	parts map[int]string // bodies, as far as they were acknowledged
	etags map[int]string
	ended string // body of the object, if it was completed
}

func (u *uploadSteps) put(number int, body string) error {
	p, err := u.s.PutPart(u.t.Context(), PartRequest{Upload: u.name, Number: number, Body: strings.NewReader(body), Size: int64(len(body))})
	if err == nil {
		u.parts[number], u.etags[number] = body, p.ETag
	}
	return err
}

func (u *uploadSteps) copy(number int, key, body string, offset, length int64) error {
	p, err := u.s.CopyPart(u.t.Context(), PartCopyRequest{
		Upload: u.name, Number: number, Source: CopySource{Bucket: "b", Key: key, Offset: offset, Length: length},
	})
	if err == nil {
		u.parts[number], u.etags[number] = body[offset:offset+length], p.ETag
	}
	return err
}

// complete completes what there is.
func (u *uploadSteps) complete() error {
	var list []CompletedPart
	whole := ""
	for number := 1; number <= 5; number++ {
		if body, ok := u.parts[number]; ok {
			list = append(list, CompletedPart{Number: number, ETag: u.etags[number]})
			whole += body
		}
	}
	_, err := u.s.CompleteUpload(u.t.Context(), CompleteRequest{Upload: u.name, Parts: list, Size: -1})
	if err == nil {
		u.ended = whole
	}
	return err
}

// lockedFaults is failing for operations of several goroutines.
type lockedFaults struct {
	mu sync.Mutex // guards failing
	failing
}

func (f *lockedFaults) MaybeError(op errorfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failing.MaybeError(op)
}

// begin makes the operation with number at fail, none below 0.
func (f *lockedFaults) begin(at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
}

// TestUploadFaults lets each operation on files fail in turn while an upload goes
// on. What was acknowledged is there after a start, and nothing else.
func TestUploadFaults(t *testing.T) {
	large := string(pattern(700))
	at := 0
	for faults := (&lockedFaults{}); faults.seen >= at; at++ {
		faults = &lockedFaults{failing: failing{at: -1}}
		memory := blob.MemFS()
		s := openTest(t, errorfs.Wrap(memory, faults), nil)
		mustBucket(t, s, "b", versioning.Unversioned)
		mustUpload(t, s, "b", "parts", large, "inline tail")
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
		u := &uploadSteps{s: s, t: t, name: name, parts: map[int]string{}, etags: map[int]string{}}
		steps := []func() error{
			func() error { return u.put(1, large) },
			func() error { return u.put(1, large[:500]) },
			func() error { return u.copy(2, "parts", large+"inline tail", 10, 695) },
			func() error { return u.put(3, "inline") },
		}
		faults.begin(at)
		failed := 0
		for _, step := range steps {
			if err := step(); err != nil {
				failed++
			}
		}
		faults.begin(-1)
		if failed > 1 {
			t.Errorf("operation %d failed, and so did %d steps", at, failed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, memory, nil)
		mustReclaimed(t, s) // the part that was replaced
		if files := blobFiles(t, memory); int64(len(files)) != mustClean(t, s).Files {
			t.Errorf("operation %d failed: files %v", at, files)
		}
		u.s = s
		if err := u.complete(); err != nil {
			t.Fatalf("operation %d failed: %v", at, err)
		}
		mustRead(t, s, "b", "k", versioning.ID{}, u.ended)
		mustReclaimed(t, s)
		mustClean(t, s)
	}
	t.Logf("%d operations", at-1)
	if at < 10 {
		t.Errorf("only %d operations", at-1)
	}
}

// Where files cannot be linked, and where pieces are too many, parts are copied.
func TestCopyPartWithoutLinks(t *testing.T) {
	for _, fs := range []blob.FS{unlinked{blob.MemFS()}, blob.MemFS()} {
		s := openTest(t, fs, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		bodies := make([]string, maxPiecesInline+5)
		for i := range bodies {
			bodies[i] = fmt.Sprintf("part %04d, inline", i)
		}
		bodies[3] = string(pattern(300))
		whole := strings.Join(bodies, "")
		mustUpload(t, s, "b", "source", bodies...)
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
		one := copyPart(t, s, name, 1, CopySource{Bucket: "b", Key: "source", Length: -1}, whole)
		two := copyPart(t, s, name, 2, CopySource{Bucket: "b", Key: "source", Offset: 60, Length: 250}, whole[60:310])
		mustComplete(t, s, name, one, two)
		mustRead(t, s, "b", "k", versioning.ID{}, whole+whole[60:310])
		mustClean(t, s)
	}
}

// A row of a part is bounded, whatever it is copied from.
func TestPartRowIsBounded(t *testing.T) {
	key := strings.Repeat("k", MaxKeyBytes)
	few, many := []piece{{}}, []piece(nil)
	for n := range 5000 {
		p := piece{
			place: placeFile, ref: blob.Ref{Epoch: 1 << 31, Number: 1 << 63}, offset: 1 << 40, length: 1 << 40, size: 1 << 41, stored: 1 << 41,
			blockSize: 1 << 20, origin: blob.Origin{Ref: blob.Ref{Epoch: 1 << 31, Number: 1 << 63}, Bucket: 1 << 63, Key: key[n/10:]},
		}
		if many = append(many, p); rowBytes(many) <= maxPartRow {
			few = many
		}
	}
	if n := len((&partRow{pieces: few}).encode()); n > maxPartRow || rowBytes(many) <= maxPartRow {
		t.Errorf("a row of %d pieces has %d bytes", len(few), n)
	}
	const pieces5GiB = MaxPartBytes/MinPartBytes + 1
	if rowBytes(make([]piece, pieces5GiB)) > maxPartRow {
		t.Error("the largest part cannot be shared from the smallest")
	}
}

// partSpecimen is a store with an object of two files and an upload with a file.
type partSpecimen struct {
	t      *testing.T
	s      *Store
	object partSet
	upload partSet
}

func newPartSpecimen(t *testing.T) *partSpecimen {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustUpload(t, s, "b", "k", string(pattern(200)), string(pattern(300)), "inline")
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "u"})
	mustPart(t, s, name, 1, string(pattern(400)))
	mustReclaimed(t, s)
	mustClean(t, s)
	_, upload, err := s.uploadName(name)
	if err != nil {
		t.Fatal(err)
	}
	b := mustBucketID(t, s)
	return &partSpecimen{
		t: t, s: s, object: recordOf(t, s, "b", "k", versioning.ID{}).partsOf(b, "k"),
		upload: partSet{bucket: b, key: "u", upload: upload},
	}
}

// rewrite changes a part row.
func (x *partSpecimen) rewrite(set partSet, number int, change func(*partRow)) engine.Mutation {
	p := x.part(set, number)
	change(p)
	return engine.Set(set.row(number), p.encode())
}

func (x *partSpecimen) part(set partSet, number int) *partRow {
	x.t.Helper()
	p, err := decodePart(rowOf(x.t, x.s, set.row(number)))
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

// damageFile changes the last byte of a part's file.
func (x *partSpecimen) damageFile(set partSet, number int) {
	path := "/data/" + blobsName + "/" + x.part(set, number).pieces[0].ref.String()
	b := readFile(x.t, x.s.fs, path)
	b[len(b)-1] ^= 1
	writeFile(x.t, x.s.fs, path, b)
}

// TestCheckFindsParts spoils what belongs to parts, of which Check has to tell, and
// a reader as well if it gets there.
func TestCheckFindsParts(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*partSpecimen)
		want  string // begin of a problem
		reads bool   // the object can still be read
	}{
		{"part is gone", func(x *partSpecimen) { mustWrite(t, x.s, engine.Delete(x.object.row(2))) },
			"b: has 2 rows of parts of versions, versions name 3", false},
		{"part is garbage", func(x *partSpecimen) { mustWrite(t, x.s, engine.Set(x.object.row(2), []byte("garbage"))) },
			`b/"k": part row`, false},
		{"part has another size", func(x *partSpecimen) {
			mustWrite(t, x.s, x.rewrite(x.object, 2, func(p *partRow) { p.size--; p.pieces[0].length-- }))
		}, "b: has 3 rows of parts of versions", false},
		{"stray part", func(x *partSpecimen) { mustWrite(t, x.s, engine.Set(x.object.row(9), (&partRow{}).encode())) },
			"b: has 4 rows of parts of versions, versions name 3", true},
		{"damaged file of a part", func(x *partSpecimen) { x.damageFile(x.object, 2) }, `b/"k": part 2 of upload`, false},
		{"damaged file of an upload", func(x *partSpecimen) { x.damageFile(x.upload, 1) }, `b/"u": part 1 of upload`, true},
		{"other sum", func(x *partSpecimen) {
			mustWrite(t, x.s, x.rewrite(x.object, 1, func(p *partRow) { p.crc++ }))
		}, `b/"k": part 1 of upload`, true},
		{"inline bytes are gone", func(x *partSpecimen) {
			mustWrite(t, x.s, engine.Delete(dataKey(x.object.bucket, x.part(x.object, 3).pieces[0].ref)))
		}, `b/"k": part 3 of upload`, false},
		{"blob row of another part", func(x *partSpecimen) {
			p := x.part(x.object, 1).pieces[0]
			row := blobRow{bucket: x.object.bucket, key: "k", upload: x.object.upload, part: 2, stored: p.stored}
			mustWrite(t, x.s, engine.Set(blobKey(p.ref), row.encode()))
		}, `b/"k": blob row of file`, true},
		{"upload is gone", func(x *partSpecimen) {
			mustWrite(t, x.s, engine.Delete(uploadKey(x.upload.bucket, "u", x.upload.upload)))
		},
			"b: has 4 rows of parts of versions, versions name 3", true},
		{"upload is garbage", func(x *partSpecimen) {
			mustWrite(t, x.s, engine.Set(uploadKey(x.upload.bucket, "u", x.upload.upload), []byte("garbage")))
		}, `b/"u": upload row`, true},
		{"completed upload is garbage", func(x *partSpecimen) { mustWrite(t, x.s, engine.Set(doneKey(5), []byte("garbage"))) },
			"row of a completed upload", true},
		{"more uploads than counted", func(x *partSpecimen) {
			row := &uploadRow{description: &record{order: 5}}
			mustWrite(t, x.s, engine.Set(uploadKey(x.upload.bucket, "x", 5), row.encode()))
		}, "b: counters say", true},
	} {
		x := newPartSpecimen(t)
		c.spoil(x)
		report, err := x.s.Check(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		found := false
		for _, p := range report.Problems {
			found = found || strings.HasPrefix(p.String(), c.want)
		}
		if !found {
			t.Errorf("%s: %v, want %s", c.name, report.Problems, c.want)
		}
		got, err := read(t, x.s, "b", "k", versioning.ID{})
		if (err == nil) != c.reads || err != nil && !isDamage(err) && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: read %d bytes, %v", c.name, len(got), err)
		}
	}
}
