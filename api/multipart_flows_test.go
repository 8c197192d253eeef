package api

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// begin begins an upload and returns the target of requests to it.
func (s *testServer) begin(target string) string {
	s.t.Helper()
	root, err := parseAnswer(s.must("POST", target+"?uploads", "").body)
	if err != nil {
		s.t.Fatal(err)
	}
	return target + "?uploadId=" + root.child("UploadId")
}

// onePart is the list of parts of an upload that has one.
func onePart(body string) string {
	sum := md5.Sum([]byte(body))
	return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + hex.EncodeToString(sum[:]) +
		"</ETag></Part></CompleteMultipartUpload>"
}

// Complete, Abort and UploadPart of one upload at a time: it ends once. Completes
// that name what was there answer the same; an object is whole or not there.
//
// spec: WI5-2, WI5-3, WI5-4
func TestUploadRace(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	completed := 0
	for round := range 40 {
		key := fmt.Sprintf("/bucket/key-%d", round)
		upload := s.begin(key)
		s.must("PUT", upload+"&partNumber=1", "hello")
		var answers [4]answer
		each(len(answers), func(i int) {
			switch i {
			case 0, 1:
				answers[i] = s.do("POST", upload, onePart("hello"))
			case 2:
				answers[i] = s.do("DELETE", upload, "")
			case 3:
				answers[i] = s.do("PUT", upload+"&partNumber=1", "other")
			}
		})
		completed += checkRace(t, s, key, upload, answers)
	}
	t.Logf("%d of 40 uploads were completed", completed)
	if left := entriesOf(s.document("/bucket?uploads"), "Upload"); len(left) != 0 {
		t.Errorf("%d uploads are in progress", len(left))
	}
}

// checkRace holds the answers of two Completes, an Abort and an UploadPart against
// each other and against what is there. It returns 1 if there is an object.
func checkRace(t *testing.T, s *testServer, key, upload string, answers [4]answer) int {
	t.Helper()
	first, second, abort, part := answers[0], answers[1], answers[2], answers[3]
	got := s.do("GET", key, "")
	statuses := fmt.Sprint(first.status, second.status, abort.status, part.status, got.status)
	done := first.status == 200 || second.status == 200
	if done && first.status == 200 && second.status == 200 && string(first.body) != string(second.body) {
		t.Errorf("%s: two answers: %s, %s", key, first.body, second.body)
	}
	switch {
	case done && (abort.status != 404 || got.status != 200 || string(got.body) != "hello"):
		t.Errorf("%s was completed: %s, %q", key, statuses, got.body)
	case !done && (abort.status != 204 || got.status != 404):
		t.Errorf("%s was not completed: %s", key, statuses)
	case part.status != 200 && part.status != 404:
		t.Errorf("%s: a part answered %s", key, part.body)
	}
	for _, a := range []answer{first, second} { // a part may have taken the place of the one that is named
		if a.status != 200 && a.status != 404 && (a.status != 400 || !strings.Contains(string(a.body), "InvalidPart")) {
			t.Errorf("%s: a Complete answered %d %s", key, a.status, a.body)
		}
	}
	if want := map[bool]int{true: 1}[done]; len(s.versions("/bucket?versions&prefix="+key[len("/bucket/"):])) != want {
		t.Errorf("%s: not %d versions", key, want)
	}
	if a := s.do("GET", upload, ""); a.status != 404 {
		t.Errorf("%s: its upload answers %d", key, a.status)
	}
	return map[bool]int{true: 1}[done]
}

// document returns the document of a GET.
func (s *testServer) document(target string) *node {
	s.t.Helper()
	root, err := parseAnswer(s.must("GET", target, "").body)
	if err != nil {
		s.t.Fatal(err)
	}
	return root
}

// Clients that clean up list uploads and abort each, more than a page of them, while
// others begin and end. None that was there is passed over.
//
// spec: VD9-15, LS5-1, LS5-2, LS6-1, LS6-2
func TestAbortAll(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	const uploads = 1050
	for i := range uploads {
		s.begin(fmt.Sprintf("/bucket/dir/%d", i%400))
	}
	next := func(root *node) string {
		return "&key-marker=" + url.QueryEscape(root.child("NextKeyMarker")) + "&upload-id-marker=" + root.child("NextUploadIdMarker")
	}
	aborted, pages := 0, 0
	s.pages("/bucket?uploads", next, func(root *node) {
		pages++
		for _, u := range entriesOf(root, "Upload") {
			s.must("DELETE", "/bucket/"+u.child("Key")+"?uploadId="+u.child("UploadId"), "")
			aborted++
		}
	})
	if aborted != uploads || pages != 2 {
		t.Errorf("%d uploads in %d pages, want %d in 2", aborted, pages, uploads)
	}
	if left := entriesOf(s.document("/bucket?uploads"), "Upload"); len(left) != 0 {
		t.Errorf("%d uploads are left", len(left))
	}
	s.must("DELETE", "/bucket", "")
}

// What the store refuses of a list of parts, as S3 says it.
//
// spec: WI3-3, WI3-5, WI4-8, WI4-14, WI4-15, WI2.2-11, WI2.2-24, WI2.2-25
func TestRefusedCompletions(t *testing.T) {
	tests := []struct {
		err    error
		status int
		want   string
	}{
		{&store.PartError{Reason: store.PartInvalid, Number: 3, ETag: "e"}, 400, "InvalidPart: One or more of the specified parts could not be found.  " +
			"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag. PartNumber=3 ETag=e"},
		{&store.PartError{Reason: store.PartOrder}, 400, "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered by part number."},
		{&store.PartError{Reason: store.PartTooSmall, Number: 1, ETag: "e", Size: 9}, 400,
			"EntityTooSmall: Your proposed upload is smaller than the minimum allowed size ProposedSize=9 MinSizeAllowed=5242880 PartNumber=1 ETag=e"},
		{&store.PartError{Reason: store.ObjectTooLarge, Size: store.MaxObjectBytes + 1}, 400,
			"EntityTooLarge: Your proposed upload exceeds the maximum allowed size ProposedSize=5497558138881 MaxSizeAllowed=5497558138880"},
		{&store.CompleteError{WantType: store.Composite, Type: store.FullObject}, 400, "InvalidRequest: The upload was created using the FULL_OBJECT checksum mode. " +
			"The complete request must use the same checksum mode."},
		{&store.CompleteError{WantSize: 5, Size: 4}, 400, "InvalidRequest: The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 4"},
		{&store.CompleteError{Checksum: true, Computed: checksum.Of(checksum.SHA1, nil)}, 400,
			"BadDigest: The sha1 you specified did not match the calculated checksum."},
		{store.ErrNoSuchUpload, 404, "NoSuchUpload: The specified upload does not exist. " +
			"The upload ID may be invalid, or the upload may have been aborted or completed."},
	}
	for _, test := range tests {
		err := fmt.Errorf("wrapped: %w", &store.Error{Op: "complete", Err: test.err})
		if got := explained(err); got != test.want || translate(err, place{}).status() != test.status {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}

// The ranges that a part may be copied from.
func TestCopyRanges(t *testing.T) {
	tests := []struct {
		value          string
		offset, length int64
	}{
		{"bytes=0-0", 0, 1},
		{"bytes=5-9", 5, 5},
		{"bytes=0-4611686018427387903", 0, 1 << 62},
	}
	for _, test := range tests {
		if offset, length, err := parseCopyRange(test.value); offset != test.offset || length != test.length || err != nil {
			t.Errorf("%q: %d, %d, %v", test.value, offset, length, err)
		}
	}
	for _, bad := range []string{"", "bytes=", "bytes=-", "bytes=1-", "bytes=-1", "bytes=2-1", "bytes= 1-2", "bytes=1-2,3-4", "1-2", "bytes=+1-2", "bytes=0-4611686018427387904"} {
		if offset, length, err := parseCopyRange(bad); !strings.HasPrefix(explained(err), "InvalidArgument: The x-amz-copy-source-range value must be") {
			t.Errorf("%q: %d, %d, %v", bad, offset, length, err)
		}
	}
}

// FuzzCopyRange checks that a range that is accepted names bytes.
func FuzzCopyRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0", "bytes=5-2", "bytes=1-", "bytes=0-99999999999999999999"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, value string, size int64) {
		offset, length, err := parseCopyRange(value)
		if err != nil {
			return
		}
		if offset < 0 || length < 1 || offset+length < length {
			t.Fatalf("%q: %d, %d", value, offset, length)
		}
		p := partSource{byteRange: value}
		err = p.check(&store.Object{Size: size}, &store.CopySource{Offset: offset, Length: length})
		var refused *failure
		if inside := offset+length <= size && length <= store.MaxPartBytes; inside == errors.As(err, &refused) {
			t.Fatalf("%q of %d bytes: %v", value, size, err)
		}
	})
}
