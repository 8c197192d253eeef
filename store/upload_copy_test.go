package store

import (
	"crypto/md5"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// copyPart copies a range of a source and holds what is answered against its bytes.
func copyPart(t *testing.T, s *Store, name UploadName, number int, source CopySource, want string) CompletedPart {
	t.Helper()
	var checked Object
	res, err := s.CopyPart(t.Context(), PartCopyRequest{
		Upload: name, Number: number, Source: source,
		Check: func(o Object) error { checked = o; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked.Key != source.Key || res.Size != int64(len(want)) || res.ETag != fmt.Sprintf("%x", md5.Sum([]byte(want))) {
		t.Fatalf("%+v of %+v, want %d bytes", res, checked, len(want))
	}
	if len(res.Checksums) != 1 || !res.Checksums[0].Equal(checksum.Of(res.Checksums[0].Algorithm, []byte(want))) {
		t.Fatalf("%v", res.Checksums)
	}
	return CompletedPart{Number: number, ETag: res.ETag, Checksums: res.Checksums}
}

// TestCopyParts makes objects of ranges of others, and of ranges of those, on and
// on. Each keeps its bytes when its sources are destroyed.
func TestCopyParts(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	bodies := map[string]string{"empty": "", "small": string(pattern(90)), "large": string(pattern(900))}
	for key, body := range bodies {
		mustPut(t, s, "b", key, body)
	}
	keys := []string{"empty", "small", "large"}
	for n := range 25 {
		key, whole := fmt.Sprint("copy-", n), ""
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: key, Algorithm: checksum.All()[n%5], ChecksumType: Composite})
		if n%5 == 2 {
			name = mustCreate(t, s, UploadRequest{Bucket: "b", Key: key})
		}
		var parts []CompletedPart
		for number := 1; number <= 1+rng.IntN(4); number++ {
			from := keys[rng.IntN(len(keys))]
			body := bodies[from]
			offset := rng.IntN(len(body) + 1)
			length := rng.IntN(len(body) - offset + 1)
			source := CopySource{Bucket: "b", Key: from, Offset: int64(offset), Length: int64(length)}
			if rng.IntN(3) == 0 {
				source.Offset, source.Length, offset, length = 0, -1, 0, len(body)
			}
			if length < 10 {
				body = strings.Repeat("p", 10+rng.IntN(200))
				parts = append(parts, mustPart(t, s, name, number, body))
				whole += body
				continue
			}
			parts = append(parts, copyPart(t, s, name, number, source, body[offset:offset+length]))
			whole += body[offset : offset+length]
		}
		mustComplete(t, s, name, parts...)
		mustRead(t, s, "b", key, versioning.ID{}, whole)
		bodies[key] = whole
		keys = append(keys, key)
	}
	mustClean(t, s)
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for n, key := range keys {
		o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		mustDelete(t, s, "b", key, mustID(t, s, o.VersionID))
		if n%5 != 0 {
			continue
		}
		mustReclaimed(t, s)
		mustClean(t, s)
		for _, left := range keys[n+1:] {
			mustRead(t, s, "b", left, versioning.ID{}, bodies[left])
		}
	}
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "gone"})
	_, err := s.CopyPart(t.Context(), PartCopyRequest{Upload: name, Number: 1, Source: CopySource{Bucket: "b", Key: "large", Length: -1}})
	if !errors.Is(err, versioning.NoSuchKey) {
		t.Error(err)
	}
	mustAbort(t, s, name)
	mustAbortAll(t, s, "b")
	mustReclaimed(t, s)
	if got := mustStatistics(t, s, "b"); got != (Statistics{}) {
		t.Errorf("%+v", got)
	}
	if files := blobFiles(t, s.fs); len(files) != 0 {
		t.Error(files)
	}
	mustClean(t, s)
}

func mustAbort(t *testing.T, s *Store, name UploadName) {
	t.Helper()
	if err := s.AbortUpload(t.Context(), name, Maker{}); err != nil {
		t.Fatal(err)
	}
}

// mustAbortAll empties a bucket of uploads as clients do.
func mustAbortAll(t *testing.T, s *Store, bucket string) {
	t.Helper()
	r := UploadsRequest{Bucket: bucket, Limit: 2}
	for {
		page, err := s.ListUploads(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Uploads {
			mustAbort(t, s, UploadName{bucket, u.Key, u.ID})
		}
		if !page.Truncated {
			return
		}
		r.KeyMarker, r.IDMarker = page.NextKeyMarker, page.NextUploadMarker
	}
}

// The source of a copy stays while it is copied, whatever happens to it.
func TestCopyPartKeepsItsSource(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	body := string(pattern(600))
	for _, whole := range []bool{true, false} {
		if whole {
			mustPut(t, s, "b", "source", body)
		} else {
			mustUpload(t, s, "b", "source", body[:300], body[300:])
		}
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
		r := PartCopyRequest{Upload: name, Number: 1, Source: CopySource{Bucket: "b", Key: "source", Offset: 100, Length: 450}}
		r.Check = func(Object) error {
			mustDelete(t, s, "b", "source", versioning.ID{})
			mustReclaimed(t, s)
			return nil
		}
		part, err := s.CopyPart(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		mustComplete(t, s, name, CompletedPart{Number: 1, ETag: part.ETag})
		mustRead(t, s, "b", "k", versioning.ID{}, body[100:550])
		mustReclaimed(t, s)
		mustClean(t, s)
	}
	no := errors.New("no")
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	for _, source := range []CopySource{{Offset: -1, Length: 1}, {Offset: 451, Length: -1}, {Offset: 1, Length: 450}} {
		source.Bucket, source.Key = "b", "k"
		if _, err := s.CopyPart(t.Context(), PartCopyRequest{Upload: name, Number: 1, Source: source}); err == nil {
			t.Errorf("%+v was copied", source)
		}
		_, err := s.CopyPart(t.Context(), PartCopyRequest{Upload: name, Number: 1, Source: source, Check: func(Object) error { return no }})
		if !errors.Is(err, no) {
			t.Error(err)
		}
	}
}
