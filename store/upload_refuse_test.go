package store

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// A list of parts is refused as a whole, with the first part that is wrong; the
// upload goes on.
//
// spec: WI3-5, WI5-2
func TestRefusedLists(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k", Algorithm: checksum.SHA1, ChecksumType: Composite})
	one, two := mustPart(t, s, name, 1, "0123456789"), mustPart(t, s, name, 2, "short")
	three := mustPart(t, s, name, 3, strings.Repeat("3", 300))
	wrong := CompletedPart{Number: 2, ETag: one.ETag}
	sum := func(p CompletedPart, body string) CompletedPart {
		p.Checksums = []checksum.Value{checksum.Of(checksum.SHA1, []byte(body))}
		return p
	}
	for _, c := range []struct {
		what  string
		parts []CompletedPart
		want  PartError
	}{
		{"none", nil, PartError{Reason: PartInvalid}},
		{"descending", []CompletedPart{two, one}, PartError{Reason: PartOrder, Number: 1, ETag: one.ETag}},
		{"twice", []CompletedPart{one, one}, PartError{Reason: PartOrder, Number: 1, ETag: one.ETag}},
		{"not there", []CompletedPart{one, {Number: 5, ETag: "x"}}, PartError{Reason: PartInvalid, Number: 5, ETag: "x"}},
		{"first not there", []CompletedPart{{Number: 4, ETag: "x"}}, PartError{Reason: PartInvalid, Number: 4, ETag: "x"}},
		{"no number", []CompletedPart{{Number: 0}}, PartError{Reason: PartInvalid}},
		{"number too high", []CompletedPart{one, {Number: 1 << 16, ETag: "x"}}, PartError{Reason: PartInvalid, Number: 1 << 16, ETag: "x"}},
		{"other ETag", []CompletedPart{one, wrong}, PartError{Reason: PartInvalid, Number: 2, ETag: one.ETag, Size: 5}},
		{"other checksum", []CompletedPart{sum(one, "x")}, PartError{Reason: PartInvalid, Number: 1, ETag: one.ETag, Size: 10}},
		{"too small", []CompletedPart{one, two, three}, PartError{Reason: PartTooSmall, Number: 2, ETag: two.ETag, Size: 5}},
	} {
		_, err := complete(t, s, name, c.parts...)
		var got *PartError
		if !errors.As(err, &got) || *got != c.want || got.Error() == "" {
			t.Errorf("%s: %v, want %+v", c.what, err, c.want)
		}
	}
	if got := historyText(t, s, "b"); got != "" {
		t.Errorf("history %q", got)
	}
	mustComplete(t, s, name, sum(one, "0123456789"), sum(two, "short"))
	mustRead(t, s, "b", "k", versioning.ID{}, "0123456789short")
	mustReclaimed(t, s)
	mustClean(t, s)
}

// What the request expects of the object is held against it, for each kind of
// checksum. That of a whole is combined, that of parts is made of their digests.
//
// spec: WI4-1, WI4-2, WI4-3, WI4-5, WI4-8, WI4-14, WI4-15
func TestUploadChecksums(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	bodies := []string{strings.Repeat("a", 70), strings.Repeat("b", 170), "c"}
	whole := strings.Join(bodies, "")
	for _, c := range []struct {
		asked     checksum.Algorithm
		kind      ChecksumType
		effective checksum.Algorithm
	}{
		{checksum.None, 0, checksum.CRC64NVME}, {checksum.CRC64NVME, FullObject, checksum.CRC64NVME},
		{checksum.CRC32, FullObject, checksum.CRC32}, {checksum.CRC32C, FullObject, checksum.CRC32C},
		{checksum.CRC32, Composite, checksum.CRC32}, {checksum.CRC32C, Composite, checksum.CRC32C},
		{checksum.SHA1, Composite, checksum.SHA1}, {checksum.SHA256, Composite, checksum.SHA256},
	} {
		key := fmt.Sprint(c.asked, c.kind)
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: key, Algorithm: c.asked, ChecksumType: c.kind})
		var parts []CompletedPart
		var digests []byte
		for i, body := range bodies {
			p := mustPart(t, s, name, i+1, body)
			sum := checksum.Of(c.effective, []byte(body))
			p.Checksums = []checksum.Value{sum}
			digests = append(digests, sum.Sum...)
			parts = append(parts, p)
		}
		want, kind, text := checksum.Of(c.effective, []byte(whole)), FullObject, ""
		if c.kind == Composite {
			want, kind, text = checksum.Of(c.effective, digests), Composite, "-3"
		}
		r := CompleteRequest{Upload: name, Parts: parts, Size: -1}
		refused := func(change func(*CompleteRequest), want CompleteError) {
			t.Helper()
			bad := r
			change(&bad)
			_, err := s.CompleteUpload(t.Context(), bad)
			var got *CompleteError
			if !errors.As(err, &got) || fmt.Sprint(*got) != fmt.Sprint(want) || got.Error() == "" {
				t.Errorf("%s: %v, want %+v", key, err, want)
			}
		}
		other := FullObject + Composite - kind
		refused(func(r *CompleteRequest) { r.ChecksumType = other }, CompleteError{WantType: other, Type: kind})
		refused(func(r *CompleteRequest) { r.Size = 5 }, CompleteError{WantSize: 5, Size: int64(len(whole))})
		refused(func(r *CompleteRequest) { r.Checksum = checksum.Of(c.effective, nil) }, CompleteError{Checksum: true, Computed: want})
		r.ChecksumType, r.Size, r.Checksum = kind, int64(len(whole)), want
		res, err := s.CompleteUpload(t.Context(), r)
		if err != nil || len(res.Checksums) != 1 || !res.Checksums[0].Equal(want) || res.ChecksumType != kind {
			t.Errorf("%s: %+v, %v", key, res, err)
			continue
		}
		if got := ChecksumText(want, kind, res.Parts); got != want.String()+text {
			t.Errorf("%s: shown as %s", key, got)
		}
		page, err := s.ObjectParts(t.Context(), ObjectPartsRequest{Read: ReadRequest{Bucket: "b", Key: key}, After: 1, Limit: 1})
		if err != nil || !page.Truncated || len(page.Parts) != 1 || page.Parts[0].Number != 2 || page.Parts[0].Size != 170 ||
			len(page.Parts[0].Checksums) != 1 || page.Object.ETag != res.ETag {
			t.Errorf("%s: %+v, %v", key, page, err)
		}
	}
	mustReclaimed(t, s)
	mustClean(t, s)
}

// An upload is known by its bucket, key and id together, and nothing else is one.
//
// spec: WI5-3, WI5-4
func TestNoSuchUpload(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustBucket(t, s, "c", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	part := mustPart(t, s, name, 1, "x")
	aborted := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	mustAbort(t, s, aborted)
	version := mustPut(t, s, "b", "k", "x").VersionHeader
	for _, n := range []UploadName{
		{"b", "other", name.ID}, {"c", "k", name.ID}, {"b", "k", ""}, {"b", "k", "null"}, {"b", "k", version},
		{"b", "k", name.ID + "0"}, {"b", "k", strings.ToLower(name.ID)}, aborted,
	} {
		_, look := s.Upload(t.Context(), n)
		_, put := s.PutPart(t.Context(), PartRequest{Upload: n, Number: 1, Body: strings.NewReader("y"), Size: 1})
		_, copied := s.CopyPart(t.Context(), PartCopyRequest{Upload: n, Number: 1, Source: CopySource{Bucket: "b", Key: "k", Length: -1}})
		_, list := s.ListParts(t.Context(), PartsRequest{Upload: n, Limit: 1})
		_, end := complete(t, s, n, part)
		for what, err := range map[string]error{
			"look": look, "put": put, "copy": copied, "list": list, "complete": end, "abort": s.AbortUpload(t.Context(), n, Maker{}),
		} {
			if !errors.Is(err, ErrNoSuchUpload) {
				t.Errorf("%s of %v: %v", what, n, err)
			}
		}
	}
	for _, number := range []int{-1, 0, MaxPartNumber + 1} {
		_, err := s.PutPart(t.Context(), PartRequest{Upload: name, Number: number, Body: strings.NewReader("y"), Size: 1})
		if !errors.Is(err, errPartNumber) {
			t.Errorf("part %d: %v", number, err)
		}
	}
	mustComplete(t, s, name, part)
	mustReclaimed(t, s)
	mustClean(t, s)
}

// The conditions of a Complete are held against the key as it was when its upload
// began, too. The upload survives a refusal.
//
// spec: VD7-9, VD7-10, VD7-11, VD7-12, VD7-13, VD7-14
func TestCompleteConditions(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", state)
		try := func(name UploadName, part CompletedPart, match, noneMatch string, want error) {
			t.Helper()
			condition, err := versioning.WriteCondition(match, noneMatch)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.CompleteUpload(t.Context(), CompleteRequest{Upload: name, Parts: []CompletedPart{part}, Condition: condition, Size: -1})
			if !errors.Is(err, want) {
				t.Errorf("%v: if-match %s, if-none-match %s: %v, want %v", state, match, noneMatch, err, want)
			}
		}
		begin := func() (UploadName, CompletedPart) {
			name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
			return name, mustPart(t, s, name, 1, "x")
		}
		fresh, part := begin()
		first := mustPut(t, s, "b", "k", "first").ETag
		try(fresh, part, "", "*", versioning.PreconditionFailed)
		over, part := begin()
		second := mustPut(t, s, "b", "k", "second").ETag
		try(over, part, first, "", versioning.PreconditionFailed)
		try(over, part, second, "", versioning.ConditionalConflict)
		same, part := begin()
		mustPut(t, s, "b", "k", "second")
		try(same, part, second, "", versioning.ConditionalConflict)
		mustDelete(t, s, "b", "k", versioning.ID{})
		try(over, part, "", "*", versioning.ConditionalConflict)
		try(over, part, second, "", versioning.NoSuchKey)
		try(fresh, part, "", "*", nil)
		mustRead(t, s, "b", "k", versioning.ID{}, "x")
		mustAbort(t, s, over)
		mustAbort(t, s, same)
		mustReclaimed(t, s)
		mustClean(t, s)
	}
}

// Parts are stored whatever the key holds, and change nothing that it shows.
//
// spec: VD4-10, WI5-7
func TestPartUnderDeleteMarker(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "x")
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	mustDelete(t, s, "b", "k", versioning.ID{})
	part := mustPart(t, s, name, 1, "part")
	if got, want := historyText(t, s, "b"), "k[D] kv"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	mustComplete(t, s, name, part)
	if got, want := historyText(t, s, "b"), "k[v] kD kv"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
}

// In a bucket that is not Enabled a completed upload takes the place of the null
// entry (spec WI5-6), with the state that the bucket has then.
//
// spec: WI5-1, WI5-6
func TestCompleteInStates(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", strings.Repeat("null", 100))
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	part := mustPart(t, s, name, 1, "one")
	mustUpload(t, s, "b", "k", strings.Repeat("two", 100))
	if got, want := historyText(t, s, "b"), "k[v0]"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	mustState(t, s, "b", versioning.Enabled)
	if res := mustComplete(t, s, name, part); res.VersionHeader == "" {
		t.Errorf("%+v", res)
	}
	if got, want := historyText(t, s, "b"), "k[v] kv0"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	mustState(t, s, "b", versioning.Suspended)
	if res := mustUpload(t, s, "b", "k", "three"); res.VersionHeader != "" {
		t.Errorf("%+v", res)
	}
	if got, want := historyText(t, s, "b"), "k[v0] kv"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	mustReclaimed(t, s)
	mustClean(t, s)
	if files := blobFiles(t, s.fs); len(files) != 0 {
		t.Error(files)
	}
}

// A part that is refused, or whose body fails, leaves nothing and the one before.
func TestRefusedPart(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	part := mustPart(t, s, name, 1, "before")
	no := errors.New("no")
	body := strings.Repeat("x", 500)
	for what, r := range map[string]PartRequest{
		"digests": {Body: strings.NewReader(body), Size: 500, Verify: func(d Digests) error {
			if d.Size != 500 || len(d.Checksums) != 0 {
				t.Errorf("%+v", d)
			}
			return no
		}},
		"body":  {Body: io.MultiReader(strings.NewReader(body), failingReader{no}), Size: -1},
		"short": {Body: strings.NewReader(body), Size: 501},
		"long":  {Body: strings.NewReader(body), Size: 499},
	} {
		r.Upload, r.Number = name, 1
		_, err := s.PutPart(t.Context(), r)
		if !errors.Is(err, no) && !errors.Is(err, ErrShortBody) && !errors.Is(err, ErrLongBody) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if files := blobFiles(t, s.fs); len(files) != 0 {
		t.Error(files)
	}
	mustComplete(t, s, name, part)
	mustRead(t, s, "b", "k", versioning.ID{}, "before")
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
