package store

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

func mustCreate(t *testing.T, s *Store, r UploadRequest) UploadName {
	t.Helper()
	up, err := s.CreateUpload(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return UploadName{r.Bucket, r.Key, up.ID}
}

func mustPart(t *testing.T, s *Store, name UploadName, number int, body string) CompletedPart {
	t.Helper()
	p, err := s.PutPart(t.Context(), PartRequest{Upload: name, Number: number, Body: strings.NewReader(body), Size: int64(len(body))})
	if err != nil {
		t.Fatal(err)
	}
	if p.Number != number || p.Size != int64(len(body)) || p.ETag != fmt.Sprintf("%x", md5.Sum([]byte(body))) {
		t.Fatalf("%+v", p)
	}
	return CompletedPart{Number: number, ETag: p.ETag}
}

func complete(t *testing.T, s *Store, name UploadName, parts ...CompletedPart) (CompleteResult, error) {
	t.Helper()
	return s.CompleteUpload(t.Context(), CompleteRequest{Upload: name, Parts: parts, Size: -1})
}

func mustComplete(t *testing.T, s *Store, name UploadName, parts ...CompletedPart) CompleteResult {
	t.Helper()
	res, err := complete(t, s, name, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// mustUpload uploads bodies as parts 1, 2, ….
func mustUpload(t *testing.T, s *Store, bucket, key string, bodies ...string) CompleteResult {
	t.Helper()
	name := mustCreate(t, s, UploadRequest{Bucket: bucket, Key: key})
	var parts []CompletedPart
	for i, body := range bodies {
		parts = append(parts, mustPart(t, s, name, i+1, body))
	}
	return mustComplete(t, s, name, parts...)
}

// TestLifeOfAnUpload takes an object of inline parts and files through its life,
// with restarts.
//
// spec: WI5-1, WI4-16
func TestLifeOfAnUpload(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "before")
	name := mustCreate(t, s, UploadRequest{
		Bucket: "b", Key: "k", System: []Pair{{"Content-Type", "a/b"}}, User: []Pair{{"n", "v"}},
		Tags: []Tag{{"t", "1"}}, StorageClass: "GLACIER",
	})
	large, small := string(pattern(1000)), strings.Repeat("s", 50)
	mustPart(t, s, name, 7, "replaced, a file too: "+large)
	one := mustPart(t, s, name, 1, large)
	seven := mustPart(t, s, name, 7, small)
	nine := mustPart(t, s, name, 9, "tail")
	mustPart(t, s, name, 8, "not listed "+large)
	mustReclaimed(t, s)
	mustClean(t, s)
	if got := mustStatistics(t, s, "b"); got.Uploads != 1 || got.UploadBytes != 1000+50+4+1011 {
		t.Errorf("%+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	res := mustComplete(t, s, name, one, seven, nine)
	whole := large + small + "tail"
	mustRead(t, s, "b", "k", versioning.ID{}, whole)
	var md5s []byte
	for _, body := range []string{large, small, "tail"} {
		sum := md5.Sum([]byte(body))
		md5s = append(md5s, sum[:]...)
	}
	if want := fmt.Sprintf("%x-3", md5.Sum(md5s)); res.ETag != want || res.Size != int64(len(whole)) || res.Parts != 3 || res.VersionHeader == "" {
		t.Errorf("%+v, want ETag %s", res, want)
	}
	if want := checksum.Of(checksum.CRC64NVME, []byte(whole)); len(res.Checksums) != 1 || !res.Checksums[0].Equal(want) || res.ChecksumType != FullObject {
		t.Errorf("checksum %v %v, want %v", res.Checksums, res.ChecksumType, want)
	}
	o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
	if err != nil || o.ETag != res.ETag || o.Parts.Count() != 3 || o.StorageClass != "GLACIER" ||
		len(o.System) != 1 || len(o.User) != 1 || len(o.Tags) != 1 || o.VersionHeader != res.VersionHeader {
		t.Errorf("%+v, %v", o, err)
	}
	mustReclaimed(t, s)
	mustClean(t, s)
	if got := mustStatistics(t, s, "b"); got != (Statistics{Objects: 1, ObjectBytes: int64(len(whole)), Noncurrent: 1, NoncurrentBytes: 6}) {
		t.Errorf("%+v", got)
	}
	if files := blobFiles(t, s.fs); len(files) != 1 {
		t.Error(files)
	}
	mustDelete(t, s, "b", "k", mustID(t, s, res.VersionHeader))
	mustReclaimed(t, s)
	mustClean(t, s)
	mustRead(t, s, "b", "k", versioning.ID{}, "before")
	if files, rows := blobFiles(t, s.fs), countTable(t, s, partTable)+countTable(t, s, uploadTable); len(files) != 0 || rows != 0 {
		t.Error(files, rows)
	}
}

// A completed upload answers the same again for a day, and nothing else.
//
// spec: WI5-3
func TestCompleteAgain(t *testing.T) {
	now := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s := openTest(t, nil, func(o *Options) { o.Clock = now })
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		bucket := "b" + state.String()
		mustBucket(t, s, bucket, state)
		name := mustCreate(t, s, UploadRequest{Bucket: bucket, Key: "k"})
		one, two := mustPart(t, s, name, 1, "0123456789"), mustPart(t, s, name, 2, "x")
		first := mustComplete(t, s, name, one, two)
		mustPut(t, s, bucket, "k", "later")
		if again := mustComplete(t, s, name, one, two); fmt.Sprint(again) != fmt.Sprint(first) {
			t.Errorf("%v: %+v, then %+v", state, first, again)
		}
		mustRead(t, s, bucket, "k", versioning.ID{}, "later")
		r := CompleteRequest{Upload: name, Parts: []CompletedPart{one, two}, Size: first.Size + 1}
		var other *CompleteError
		if _, err := s.CompleteUpload(t.Context(), r); !errors.As(err, &other) || other.Size != first.Size {
			t.Errorf("%v, of another size: %v", state, err)
		}
		refused := map[string]error{}
		_, refused["other list"] = complete(t, s, name, one)
		_, refused["part"] = s.PutPart(t.Context(), PartRequest{Upload: name, Number: 3, Body: strings.NewReader(""), Size: 0})
		_, refused["list parts"] = s.ListParts(t.Context(), PartsRequest{Upload: name, Limit: 10})
		refused["abort"] = s.AbortUpload(t.Context(), name, Maker{})
		now.Advance(doneFor)
		_, refused["after a day"] = complete(t, s, name, one, two)
		for what, err := range refused {
			if !errors.Is(err, ErrNoSuchUpload) {
				t.Errorf("%v %s: %v", state, what, err)
			}
		}
	}
	// The next look of the reclaimer forgets the last of them.
	mustUpload(t, s, "b", "other", "x")
	mustReclaimed(t, s)
	if got := countTable(t, s, doneTable); got != 1 {
		t.Errorf("%d completed uploads are kept", got)
	}
	mustClean(t, s)
}

// Every range of an object of parts is what it would be of one.
func TestReadParts(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for n := range 20 {
		var bodies []string
		for range 1 + rng.IntN(6) {
			bodies = append(bodies, string(pattern(10+rng.IntN(300))))
		}
		if rng.IntN(3) == 0 {
			bodies = append(bodies, "")
		}
		key, whole := fmt.Sprint("k", n), strings.Join(bodies, "")
		mustUpload(t, s, "b", key, bodies...)
		o, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			offset := rng.IntN(len(whole) + 1)
			length := rng.IntN(len(whole) - offset + 1)
			r, err := o.Reader(t.Context(), int64(offset), int64(length))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			var got bytes.Buffer
			if rng.IntN(2) == 0 {
				_, err = r.(io.WriterTo).WriteTo(&got)
			} else {
				_, err = io.Copy(&got, struct{ io.Reader }{r})
			}
			if err := errors.Join(err, r.Close()); err != nil || got.String() != whole[offset:offset+length] {
				t.Fatalf("seed %d: range %d+%d of %d: %v", seed, offset, length, len(whole), err)
			}
		}
		for _, bad := range [][2]int64{{-1, 1}, {0, int64(len(whole)) + 1}, {int64(len(whole)) + 1, 0}} {
			if _, err := o.Reader(t.Context(), bad[0], bad[1]); err == nil {
				t.Errorf("range %v was read", bad)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustClean(t, s)
}
