package api

import (
	"net/http"
	"testing"

	"github.com/seed61737384/tombstone/store"
)

// FuzzComplete checks that the body of a CompleteMultipartUpload is a list of parts or
// is refused, and that nothing is read out of it that is not in it.
func FuzzComplete(f *testing.F) {
	for _, s := range []string{
		"",
		"<CompleteMultipartUpload/>",
		`<CompleteMultipartUpload xmlns="x"><Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag></Part></CompleteMultipartUpload>`,
		"<CompleteMultipartUpload><Part><ETag>e</ETag><PartNumber>2</PartNumber><ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part></CompleteMultipartUpload>",
		"<CompleteMultipartUpload><Part><PartNumber>-1</PartNumber><ETag/></Part></CompleteMultipartUpload>",
		"<CompleteMultipartUpload><Part><ChecksumMD5>x</ChecksumMD5></Part>",
	} {
		f.Add([]byte(s))
	}
	allowed := map[Code]bool{"MalformedXML": true, "InvalidRequest": true, "InvalidArgument": true, "NotImplemented": true}
	f.Fuzz(func(t *testing.T, data []byte) {
		parts, err := parseComplete(data)
		if err != nil {
			if !allowed[translate(err, place{}).code] {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if len(parts) == 0 || len(parts) > store.MaxPartNumber || len(parts)*len("<Part></Part>") > len(data) {
			t.Fatalf("%q has %d parts", data, len(parts))
		}
		for _, p := range parts {
			if p.Number < 1 || len(p.Checksums) > 1 {
				t.Fatalf("%q: part %+v", data, p)
			}
			for _, v := range p.Checksums {
				if len(v.Sum) != v.Algorithm.Size() || !v.Algorithm.Valid() {
					t.Fatalf("%q: checksum %v of %v", data, v, v.Algorithm)
				}
			}
		}
	})
}

// FuzzCompletion checks the same of its headers.
func FuzzCompletion(f *testing.F) {
	f.Add("X-Amz-Checksum-Crc32", "NhCmhg==-3")
	f.Add("X-Amz-Checksum-Type", "COMPOSITE")
	f.Add("X-Amz-Mp-Object-Size", "-5")
	f.Add("X-Amz-Checksum-", "-1")
	f.Fuzz(func(t *testing.T, name, value string) {
		h := http.Header{}
		h.Set(name, value)
		c, err := parseCompletion(h)
		if err != nil && translate(err, place{}).status() == http.StatusInternalServerError {
			t.Fatalf("%q: %q: %v", name, value, err)
		}
		if err == nil && (c.size < -1 || c.parts < 0 || len(c.checksum.Sum) != c.checksum.Algorithm.Size()) {
			t.Fatalf("%q: %q: %+v", name, value, c)
		}
	})
}
