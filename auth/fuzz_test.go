package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzAuthorizationHeader: whatever the header says, the answer is a session of the one key there is, an
// anonymous one for an empty header, or a refusal of ours; and what was understood is understood again when
// it is written in the usual way.
func FuzzAuthorizationHeader(f *testing.F) {
	const credential = "Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request"
	const sig = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	for _, seed := range []string{
		"", " ", "AWS a:b", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ,,=",
		"AWS4-HMAC-SHA256 " + credential + ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=" + sig,
		"AWS4-HMAC-SHA256 Signature=" + sig + ",  SignedHeaders=;;host;, " + credential,
		"AWS4-HMAC-SHA256 Credential=a/b/c/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=00",
		"AWS4-HMAC-SHA256 Credential=////,SignedHeaders==,Signature==",
	} {
		f.Add(seed)
	}
	v := exampleVerifier()
	f.Fuzz(func(t *testing.T, header string) {
		r := parseRequest(t, "GET /test.txt HTTP/1.1\n"+exampleHead+"Range: bytes=0-9\nx-amz-content-sha256: "+emptySHA256+"\n\n")
		r.Header.Set(headerAuthorization, header)
		s, err := v.Verify(r, "", exampleTime)
		var refusal *Error
		switch {
		case err != nil && (!errors.As(err, &refusal) || strings.Contains(fmt.Sprint(refusal), exampleSecret)):
			t.Fatalf("%q: %v", header, err)
		case err == nil && s.Anonymous != (header == ""), err == nil && !s.Anonymous && s.AccessKey != exampleKey:
			t.Fatalf("%q: %+v", header, s.Identity)
		}
		a, err := parseAuthorization(header)
		if err != nil {
			return
		}
		again, err := parseAuthorization(algorithmV4 + " Credential=" + a.scope.accessKey + "/" + a.scope.String() +
			", SignedHeaders=" + a.signedHeaders + ", Signature=" + a.signature)
		if err != nil || again != a {
			t.Fatalf("%q: %+v, then %+v, %v", header, a, again, err)
		}
	})
}

// splits are ways of handing the same bytes to a reader.
func splits(body []byte, seed uint64) map[string]io.Reader {
	return map[string]io.Reader{
		"one byte":      iotest.OneByteReader(bytes.NewReader(body)),
		"half":          iotest.HalfReader(bytes.NewReader(body)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(body)),
		"random":        &randomReader{bytes.NewReader(body), rand.New(rand.NewPCG(seed, 0))},
	}
}

// randomReader reads as much as chance wants, sometimes nothing.
type randomReader struct {
	io.Reader
	chance *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.Reader.Read(p[:r.chance.IntN(len(p)+1)])
}

// readAll reads b by pieces of random size and returns what came of it. An error is described by its text.
func readAll(t *testing.T, payload Payload, length int64, source io.Reader, chance *rand.Rand) string {
	b, err := bodyOf(payload, length, announcedFor(payload), source)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for {
		p := make([]byte, 1+chance.IntN(20000))
		n, err := b.Read(p)
		data = append(data, p[:n]...)
		if errors.Is(err, io.EOF) {
			if int64(len(data)) != length {
				t.Fatalf("EOF after %d of %d bytes", len(data), length)
			}
			return fmt.Sprintf("%x EOF %v", data, b.Trailer())
		}
		if err != nil {
			return fmt.Sprintf("%x %s", data, describeError(err))
		}
	}
}

// FuzzChunkReader: the outcome does not depend on how the bytes arrive or are asked for, and no part of a right
// body is a right body.
func FuzzChunkReader(f *testing.F) {
	trailer := announcedFor(PayloadStreamingSignedTrailer) + ":AAAAAA=="
	for i, payload := range streamingPayloads {
		for _, size := range []int{0, 1, 100, minChunk, minChunk + 1} {
			f.Add(encode(payload, pattern(size), minChunk, trailer), i, int64(size), uint64(i))
		}
		f.Add([]byte("5;chunk-signature="+emptySHA256+"\r\nhello\r\n0\r\n\r\n"), i, int64(5), uint64(0))
	}
	f.Add([]byte("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 0, int64(5), uint64(0))
	f.Add([]byte("0\r\nx-amz-checksum-crc32:a\n\r\n\r\n"), 0, int64(0), uint64(0))
	f.Fuzz(func(t *testing.T, body []byte, form int, length int64, seed uint64) {
		if form < 0 || form >= len(streamingPayloads) || length < 0 || len(body) > 1<<16 {
			return
		}
		payload := streamingPayloads[form]
		chance := rand.New(rand.NewPCG(seed, 1))
		want := readAll(t, payload, length, bytes.NewReader(body), chance)
		for name, source := range splits(body, seed) {
			if got := readAll(t, payload, length, source, chance); got != want {
				t.Fatalf("seed %d, %s: %s\nat once: %s", seed, name, got, want)
			}
		}
		if !strings.Contains(want, "EOF") {
			return
		}
		cut := chance.IntN(len(body))
		if got := readAll(t, payload, length, bytes.NewReader(body[:cut]), chance); strings.Contains(got, "EOF") {
			t.Fatalf("seed %d: cut at %d of %d it is still right", seed, cut, len(body))
		}
	})
}

// FuzzChunkEncoding: what was encoded is decoded, whatever the chunks.
func FuzzChunkEncoding(f *testing.F) {
	f.Add([]byte("hello"), 0, 0, uint64(1))
	f.Add(pattern(3*minChunk), 1, 1, uint64(2))
	f.Add(pattern(100_000), 2, 57344, uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, form, extra int, seed uint64) {
		if form < 0 || form >= len(streamingPayloads) || extra < 0 || extra > 1<<20 {
			return
		}
		payload := streamingPayloads[form]
		body := encode(payload, data, minChunk+extra, "x-amz-checksum-crc32:AAAAAA==")
		chance := rand.New(rand.NewPCG(seed, 1))
		got := readAll(t, payload, int64(len(data)), &randomReader{bytes.NewReader(body), chance}, chance)
		if want := fmt.Sprintf("%x EOF ", data); !strings.HasPrefix(got, want) {
			t.Fatalf("seed %d: %s", seed, got)
		}
	})
}

// FuzzCanonicalRequest: the canonical forms are stable, say the same as the originals to net/url, and cannot be
// made to look like more lines than there are.
func FuzzCanonicalRequest(f *testing.F) {
	f.Add("/", "", "")
	f.Add("/bucket//a/../b", "delete", "a  b")
	f.Add("/a+b%2B%20%2f~*", "prefix=a+b&a-b=1&a=2&;", "\ta \t b ")
	f.Add("/%zz%4%", "%zz=%&=&&==", ",,")
	f.Add("/", "X-Amz-Signature=0&%58-Amz-Signature&x-amz-signature=1", "")
	f.Fuzz(func(t *testing.T, path, query, value string) {
		canonicalPath := string(appendCanonicalPath(nil, path))
		canonicalQuery := string(appendCanonicalQuery(nil, query))
		if again := string(appendCanonicalPath(nil, canonicalPath)); again != canonicalPath {
			t.Fatalf("path %q, then %q", canonicalPath, again)
		}
		if again := string(appendCanonicalQuery(nil, canonicalQuery)); again != canonicalQuery {
			t.Fatalf("query %q, then %q", canonicalQuery, again)
		}
		checkSameMeaning(t, path, canonicalPath, query, canonicalQuery)
		if strings.ContainsAny(value, "\r\n") { // net/http lets no such value in
			return
		}
		r := &http.Request{Method: "GET", Host: "h", URL: &url.URL{}, RequestURI: "/" + path + "?" + query, Header: http.Header{"X-Amz-Meta-A": {value}}}
		text := string(appendCanonicalRequest(nil, r, "host;x-amz-meta-a", "UNSIGNED-PAYLOAD"))
		if lines := strings.Split(text, "\n"); len(lines) != 8 {
			t.Fatalf("%d lines: %q", len(lines), text)
		}
	})
}

// checkSameMeaning compares originals and canonical forms as net/url, and so the server, reads them.
func checkSameMeaning(t *testing.T, path, canonicalPath, query, canonicalQuery string) {
	if want, err := url.PathUnescape(path); err == nil && path != "" {
		if got, err := url.PathUnescape(canonicalPath); err != nil || got != want {
			t.Fatalf("path %q became %q: %v", path, canonicalPath, err)
		}
	}
	want, err := url.ParseQuery(query)
	if err != nil {
		return
	}
	delete(want, argSignature) // covers itself not
	for _, values := range want {
		slices.Sort(values)
	}
	got, err := url.ParseQuery(canonicalQuery)
	for _, values := range got {
		slices.Sort(values)
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("query %q became %q: %v", query, canonicalQuery, err)
	}
}
