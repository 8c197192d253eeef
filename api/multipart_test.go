package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// explained writes an error as its code, message and elements, for tests to compare.
func explained(err error) string {
	if err == nil {
		return ""
	}
	f := translate(err, place{})
	s := string(f.code) + ": " + f.text()
	for _, e := range f.elements {
		s += " " + e.name + "=" + e.value
	}
	return s
}

// spec: WI3-4
func TestPartNumbers(t *testing.T) {
	for _, good := range []string{"1", "+1", "007", "10000"} {
		if n, err := parsePartNumber(good); err != nil || n < 1 || n > store.MaxPartNumber {
			t.Errorf("%q: %d, %v", good, n, err)
		}
	}
	for _, bad := range []string{"", "0", "-1", "10001", "1.0", "1e3", "0x1", " 1", "99999999999999999999"} {
		want := "InvalidArgument: Part number must be an integer between 1 and 10000, inclusive ArgumentName=partNumber ArgumentValue=" + bad
		if _, err := parsePartNumber(bad); explained(err) != want {
			t.Errorf("%q: %s, want %s", bad, explained(err), want)
		}
	}
}

// spec: LS5-5
func TestCounts(t *testing.T) {
	tests := []struct {
		text string
		want int
		err  string
	}{
		{"", 1000, ""},
		{"0", 0, ""},
		{"+5", 5, ""},
		{"2147483647", 2147483647, ""},
		{"2147483648", 0, "Provided max-parts not an integer or within integer range"},
		{"abc", 0, "Provided max-parts not an integer or within integer range"},
		{"-1", 0, "Argument max-parts must be an integer between 0 and 2147483647"},
	}
	for _, test := range tests {
		want := ""
		if test.err != "" {
			want = "InvalidArgument: " + test.err + " ArgumentName=max-parts ArgumentValue=" + test.text
		}
		if n, err := parseCount("max-parts", test.text, 1000); n != test.want || explained(err) != want {
			t.Errorf("%q: %d, %s; want %d, %s", test.text, n, explained(err), test.want, want)
		}
	}
}

// The checksum of an upload: what may be asked for, and what that means.
//
// spec: WI4-1, WI4-2, WI4-3, WI4-4, WI4-10, WI4-11, WI4-12
func TestUploadChecksum(t *testing.T) {
	const unknown = "InvalidRequest: Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
	cannot := func(covers, algorithm string) string {
		return "InvalidRequest: The " + covers + " checksum type cannot be used with the " + algorithm + " checksum algorithm."
	}
	const alone = "InvalidRequest: The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
	tests := []struct {
		algorithm, covers string // "-": not sent
		want              string
	}{
		{"-", "-", " "},
		{"CRC64NVME", "-", "CRC64NVME FULL_OBJECT"},
		{"CRC32", "-", "CRC32 COMPOSITE"},
		{"CRC32C", "-", "CRC32C COMPOSITE"},
		{"SHA1", "-", "SHA1 COMPOSITE"},
		{"SHA256", "-", "SHA256 COMPOSITE"},
		{"CRC64NVME", "FULL_OBJECT", "CRC64NVME FULL_OBJECT"},
		{"CRC32", "FULL_OBJECT", "CRC32 FULL_OBJECT"},
		{"crc32c", "full_object", "CRC32C FULL_OBJECT"},
		{"CRC32", "COMPOSITE", "CRC32 COMPOSITE"},
		{"SHA256", "COMPOSITE", "SHA256 COMPOSITE"},
		{"CRC64NVME", "COMPOSITE", cannot("COMPOSITE", "crc64nvme")},
		{"SHA1", "FULL_OBJECT", cannot("FULL_OBJECT", "sha1")},
		{"SHA256", "FULL_OBJECT", cannot("FULL_OBJECT", "sha256")},
		{"-", "FULL_OBJECT", alone},
		{"-", "COMPOSITE", alone},
		{"CRC32", "PARTIAL", "InvalidRequest: Value for x-amz-checksum-type header is invalid."},
		{"-", "", "InvalidRequest: Value for x-amz-checksum-type header is invalid."},
		{"XYZ", "-", unknown},
		{"SHA512", "-", unknown},
		{"", "-", unknown},
	}
	for _, test := range tests {
		h := http.Header{}
		if test.algorithm != "-" {
			h.Set("x-amz-checksum-algorithm", test.algorithm)
		}
		if test.covers != "-" {
			h.Set("x-amz-checksum-type", test.covers)
		}
		algorithm, covers, err := parseUploadChecksum(h)
		got := algorithm.String() + " " + covers.String()
		if err != nil {
			got = explained(err)
		}
		if got != test.want {
			t.Errorf("%s %s: %s, want %s", test.algorithm, test.covers, got, test.want)
		}
	}
}

// Which checksums a part gets, by what the upload asked for and what came with it.
//
// spec: WI4-1, WI4-13
func TestPartChecksums(t *testing.T) {
	plain := &store.Upload{}
	composite := &store.Upload{Algorithm: checksum.SHA256, ChecksumType: store.Composite}
	whole := &store.Upload{Algorithm: checksum.CRC32, ChecksumType: store.FullObject}
	mismatch := func(want, actual string) string {
		return "InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: " + want + ", actual checksum Type: " + actual
	}
	tests := []struct {
		upload *store.Upload
		sent   checksum.Algorithm
		want   []checksum.Algorithm
		err    string
	}{
		{plain, checksum.None, []checksum.Algorithm{checksum.CRC64NVME}, ""},
		{plain, checksum.CRC64NVME, []checksum.Algorithm{checksum.CRC64NVME}, ""},
		{plain, checksum.SHA1, []checksum.Algorithm{checksum.CRC64NVME, checksum.SHA1}, ""},
		{composite, checksum.SHA256, []checksum.Algorithm{checksum.SHA256}, ""},
		{composite, checksum.CRC32, nil, mismatch("sha256", "crc32")},
		{composite, checksum.None, nil, mismatch("sha256", "null")},
		{whole, checksum.CRC32, []checksum.Algorithm{checksum.CRC32}, ""},
		{whole, checksum.None, []checksum.Algorithm{checksum.CRC32}, ""},
		{whole, checksum.CRC32C, nil, mismatch("crc32", "crc32c")},
	}
	for _, test := range tests {
		got, err := partChecksums(test.upload, test.sent)
		if !slices.Equal(got, test.want) || explained(err) != test.err {
			t.Errorf("%v of %v: %v, %s; want %v, %s", test.sent, test.upload.Algorithm, got, explained(err), test.want, test.err)
		}
	}
}

// What the head of a CompleteMultipartUpload may say of the object.
//
// spec: WI4-6, WI4-7, WI4-15
func TestCompletionHeaders(t *testing.T) {
	good := []struct {
		header []string
		want   completion
	}{
		{nil, completion{size: -1}},
		{[]string{"x-amz-mp-object-size", "5"}, completion{size: 5}},
		{[]string{"x-amz-checksum-type", "COMPOSITE"}, completion{size: -1, checksumType: store.Composite}},
		{[]string{"x-amz-checksum-crc32", "NhCmhg=="}, completion{size: -1, checksum: checksum.Of(checksum.CRC32, []byte("hello"))}},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==-12"}, completion{size: -1, checksum: checksum.Of(checksum.CRC32, []byte("hello")), parts: 12}},
		{[]string{"x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-mode", "ENABLED"}, completion{size: -1}},
	}
	for _, test := range good {
		got, err := parseCompletion(headerOf(test.header))
		same := got.checksumType == test.want.checksumType && got.checksum.Equal(test.want.checksum) && got.parts == test.want.parts && got.size == test.want.size
		if err != nil || !same {
			t.Errorf("%q: %+v, %v; want %+v", test.header, got, err, test.want)
		}
	}
	bad := []struct {
		header []string
		want   string
	}{
		{[]string{"x-amz-mp-object-size", "bad"}, "InvalidRequest: Value for x-amz-mp-object-size header is invalid: 'bad'"},
		{[]string{"x-amz-mp-object-size", "-1"}, "InvalidRequest: Value for x-amz-mp-object-size header is less than zero: '-1'"},
		{[]string{"x-amz-checksum-type", "x"}, "InvalidRequest: Value for x-amz-checksum-type header is invalid."},
		{[]string{"x-amz-checksum-crc32", "bad"}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==-"}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==-a"}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==-0"}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==-1-2"}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{[]string{"x-amz-checksum-crc32", "NhCmhg==", "x-amz-checksum-sha1", "x"}, "InvalidRequest: Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."},
		{[]string{"x-amz-checksum-sha512", "x"}, "NotImplemented: A header you provided implies functionality that is not implemented Header=x-amz-checksum-sha512"},
	}
	for _, test := range bad {
		if _, err := parseCompletion(headerOf(test.header)); explained(err) != test.want {
			t.Errorf("%q: %s, want %s", test.header, explained(err), test.want)
		}
	}
}

// headerOf returns a header of names and values.
func headerOf(pairs []string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// What is said of the object and of its parts has to fit what the upload asked for.
//
// spec: WI4-8, WI4-13
func TestCompletionFits(t *testing.T) {
	plain := store.Upload{}
	composite := store.Upload{Algorithm: checksum.CRC32, ChecksumType: store.Composite}
	whole := store.Upload{Algorithm: checksum.CRC32, ChecksumType: store.FullObject}
	sum := checksum.Of(checksum.CRC32, []byte("x"))
	other := checksum.Of(checksum.SHA256, []byte("x"))
	tests := []struct {
		upload store.Upload
		object completion
		parts  []checksum.Value // zero: none
		want   string
	}{
		{plain, completion{}, []checksum.Value{{}, other}, ""},
		{plain, completion{checksum: sum, parts: 7}, []checksum.Value{{}}, ""},
		{composite, completion{checksum: sum}, []checksum.Value{sum}, ""},
		{composite, completion{checksum: sum, parts: 2}, []checksum.Value{sum, sum}, ""},
		{composite, completion{checksum: sum, parts: 1}, []checksum.Value{sum, sum},
			"BadDigest: The crc32 you specified did not match the calculated checksum."},
		{composite, completion{checksum: other}, []checksum.Value{sum},
			"InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha256"},
		{composite, completion{}, []checksum.Value{sum, {}},
			"InvalidRequest: The upload was created using a crc32 checksum. The complete request must include the checksum for each part. It was missing for part 2 in the request."},
		{composite, completion{}, []checksum.Value{other},
			"BadDigest: The sha256 you specified for part 1 did not match what we received."},
		{whole, completion{}, []checksum.Value{{}, sum}, ""},
		{whole, completion{checksum: sum}, []checksum.Value{{}}, ""},
		{whole, completion{checksum: sum, parts: 1}, []checksum.Value{{}}, "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid."},
		{whole, completion{}, []checksum.Value{other}, "BadDigest: The sha256 you specified for part 1 did not match what we received."},
	}
	for i, test := range tests {
		var parts []store.CompletedPart
		for n, v := range test.parts {
			p := store.CompletedPart{Number: n + 1}
			if v.Algorithm != checksum.None {
				p.Checksums = []checksum.Value{v}
			}
			parts = append(parts, p)
		}
		if err := test.object.fit(&test.upload, parts); explained(err) != test.want {
			t.Errorf("%d: %s, want %s", i, explained(err), test.want)
		}
		if test.upload.Algorithm == checksum.None && test.object.checksum.Algorithm != checksum.None {
			t.Errorf("%d: a checksum that nothing asked for is kept", i)
		}
	}
}

// spec: WI5-2
func TestParseComplete(t *testing.T) {
	const head = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
	document := func(parts ...string) string {
		return head + strings.Join(parts, "") + "</CompleteMultipartUpload>"
	}
	part := func(inside string) string { return "<Part>" + inside + "</Part>" }
	const one = "<PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag>"
	const malformed = "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema"
	const twice = "InvalidArgument: Invalid Base64 or multiple checksums present in request ArgumentName=Checksum ArgumentValue="
	many := make([]string, store.MaxPartNumber+1)
	for i := range many {
		many[i] = part("<PartNumber>" + strconv.Itoa(i+1) + "</PartNumber><ETag>e</ETag>")
	}
	tests := []struct {
		body string
		want string // what is read, or the error
	}{
		{document(part(one)), "1 e"},
		{document(part("<ETag>e</ETag>\n<PartNumber> 2 </PartNumber>")), "2 e"},
		{document(part(one), part("<PartNumber>10001</PartNumber><ETag/>")), "1 e; 10001 "},
		{document(part(one + "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>")), "1 e NhCmhg=="},
		{document(many[:store.MaxPartNumber]...), ""},
		{"", "InvalidRequest: You must specify at least one part"},
		{document(), malformed},
		{document(many...), malformed},
		{"<", malformed},
		{head, malformed},
		{document(part(one)) + "x", malformed},
		{"<Other/>", malformed},
		{document("<Portion/>"), malformed},
		{document(part("")), malformed},
		{document(part("<PartNumber>1</PartNumber>")), malformed},
		{document(part("<ETag>e</ETag>")), malformed},
		{document(part(one + one)), malformed},
		{document(part(one + "<Size>1</Size>")), malformed},
		{document(part(one + "<ChecksumCRC16>x</ChecksumCRC16>")), malformed},
		{document(part("<PartNumber>x</PartNumber><ETag>e</ETag>")), malformed},
		{document(part("<PartNumber>1<b/></PartNumber><ETag>e</ETag>")), malformed},
		{document(part(strings.Repeat("<ChecksumCRC32/>", 20))), malformed},
		{document(part("<PartNumber>0</PartNumber><ETag>e</ETag>")), "InvalidArgument: PartNumber must be >= 1 ArgumentName=PartNumber ArgumentValue=0"},
		{document(part("<PartNumber>-4</PartNumber><ETag>e</ETag>")), "InvalidArgument: PartNumber must be >= 1 ArgumentName=PartNumber ArgumentValue=-4"},
		{document(part(one + "<ChecksumCRC32>bad</ChecksumCRC32>")), twice + "CRC32:bad;"},
		{document(part(one + "<ChecksumCRC32/>")), twice + "CRC32:;"},
		{document(part(one + "<ChecksumCRC32>NhCmhg==</ChecksumCRC32><ChecksumSHA1>x</ChecksumSHA1>")), twice + "CRC32:NhCmhg==;SHA1:x;"},
		{document(part(one + "<ChecksumSHA512>x</ChecksumSHA512>")),
			"NotImplemented: A header you provided implies functionality that is not implemented Header=ChecksumSHA512"},
	}
	for _, test := range tests {
		parts, err := parseComplete([]byte(test.body))
		got := explained(err)
		if err == nil && len(parts) < 10 {
			got = listed(parts)
		}
		if got != test.want {
			t.Errorf("%.200s: %s, want %s", test.body, got, test.want)
		}
	}
}

func listed(parts []store.CompletedPart) string {
	var out []string
	for _, p := range parts {
		s := strconv.Itoa(p.Number) + " " + p.ETag
		for _, v := range p.Checksums {
			s += " " + v.String()
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}
