package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// TestPlainBody reads bodies that are not aws-chunked.
//
// spec: WI1.2-1, WI1.2-2, WI1.3-15, WI1.3-19
func TestPlainBody(t *testing.T) {
	sum := sha256.Sum256([]byte("hello"))
	right := hex.EncodeToString(sum[:])
	cut := io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(io.ErrUnexpectedEOF))
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		payload Payload
		value   string
		length  int64
		source  io.Reader
		want    error // nil for io.EOF
	}{
		"unsigned":             {PayloadUnsigned, "", 5, strings.NewReader("hello"), nil},
		"unsigned, short":      {PayloadUnsigned, "", 6, strings.NewReader("hello"), IncompleteBody},
		"unsigned, long":       {PayloadUnsigned, "", 4, strings.NewReader("hello"), IncompleteBody},
		"cut by net/http":      {PayloadUnsigned, "", 5, cut, IncompleteBody},
		"hash":                 {PayloadSHA256, right, 5, strings.NewReader("hello"), nil},
		"hash in upper case":   {PayloadSHA256, strings.ToUpper(right), 5, strings.NewReader("hello"), nil},
		"other hash":           {PayloadSHA256, emptySHA256, 5, strings.NewReader("hello"), XAmzContentSHA256Mismatch},
		"hash, data with EOF":  {PayloadSHA256, emptySHA256, 5, iotest.DataErrReader(strings.NewReader("hello")), XAmzContentSHA256Mismatch},
		"hash of a short body": {PayloadSHA256, right, 6, strings.NewReader("hello"), IncompleteBody},
		"no body":              {PayloadSHA256, emptySHA256, 0, strings.NewReader(""), nil},
		"broken connection":    {PayloadUnsigned, "", 5, iotest.ErrReader(broken), broken},
	} {
		t.Run(name, func(t *testing.T) {
			s := Session{payload: c.payload, payloadValue: c.value}
			b, err := s.Body(&http.Request{ContentLength: c.length, Body: io.NopCloser(c.source)})
			if err != nil {
				t.Fatal(err)
			}
			if b.Len() != c.length {
				t.Errorf("length %d", b.Len())
			}
			_, err = io.Copy(io.Discard, b)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			want := err
			if want == nil {
				want = io.EOF
			}
			if n, again := b.Read(make([]byte, 1)); n != 0 || again != want {
				t.Errorf("then read %d, %v", n, again)
			}
		})
	}
}

// TestMismatchFields names both hashes.
//
// spec: WI1.3-15
func TestMismatchFields(t *testing.T) {
	s := Session{payload: PayloadSHA256, payloadValue: emptySHA256}
	b, err := s.Body(&http.Request{ContentLength: 5, Body: io.NopCloser(strings.NewReader("hello"))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(b)
	const want = "XAmzContentSHA256Mismatch: The provided 'x-amz-content-sha256' header does not match what was computed.\n" +
		"  ClientComputedContentSHA256: \"" + emptySHA256 + "\"\n" +
		"  S3ComputedContentSHA256: \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"\n"
	if got := describeError(err); got != want {
		t.Errorf("got %s", got)
	}
}

// TestContentLength reads the announced length, which is another header in each form.
//
// spec: WI1.2-7, WI1.3-21
func TestContentLength(t *testing.T) {
	for name, c := range map[string]struct {
		payload Payload
		length  int64
		decoded []string
		want    int64 // -1 for MissingContentLength
	}{
		"plain":                          {PayloadUnsigned, 7, nil, 7},
		"plain, unknown":                 {PayloadUnsigned, -1, nil, -1},
		"plain, decoded length to spare": {PayloadSHA256, 7, []string{"9"}, 7},
		"streaming":                      {PayloadStreamingSigned, 99, []string{"7"}, 7},
		"streaming, HTTP chunks":         {PayloadStreamingUnsignedTrailer, -1, []string{"0"}, 0},
		"streaming, missing":             {PayloadStreamingSigned, 99, nil, -1},
		"streaming, not a number":        {PayloadStreamingSigned, 99, []string{"abc"}, -1},
		"streaming, negative":            {PayloadStreamingSigned, 99, []string{"-1"}, -1},
		"streaming, plus":                {PayloadStreamingSigned, 99, []string{"+1"}, -1},
		"streaming, too large":           {PayloadStreamingSigned, 99, []string{"9223372036854775808"}, -1},
		"streaming, twice":               {PayloadStreamingSigned, 99, []string{"7", "7"}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{ContentLength: c.length, Header: http.Header{headerAmzDecodedLen: c.decoded}}
			s := Session{payload: c.payload}
			got, err := s.ContentLength(r)
			if c.want < 0 {
				if !errors.Is(err, MissingContentLength) {
					t.Errorf("got %d, %v", got, err)
				}
				if _, err := s.Body(r); !errors.Is(err, MissingContentLength) {
					t.Errorf("Body: %v", err)
				}
				return
			}
			if got != c.want || err != nil {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

// TestStripAWSChunked keeps what describes the object (T-S3T:test_object_content_encoding_aws_chunked).
//
// spec: WI1.2-7
func TestStripAWSChunked(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"gzip":                            "gzip",
		"deflate, gzip":                   "deflate, gzip",
		"aws-chunked":                     "",
		"AWS-Chunked":                     "",
		"aws-chunked,gzip":                "gzip",
		"gzip, aws-chunked":               "gzip",
		"aws-chunked, gzip, aws-chunked":  "gzip",
		"deflate, gzip, aws-chunked":      "deflate, gzip",
		"aws-chunked, deflate,gzip":       "deflate,gzip",
		"x-aws-chunked":                   "x-aws-chunked",
		"aws-chunked,aws-chunked":         "",
		"aws-chunked , custom;q=1 , gzip": "custom;q=1 , gzip",
	} {
		if got := StripAWSChunked(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// streamingPayloads are the aws-chunked forms.
var streamingPayloads = []Payload{PayloadStreamingUnsignedTrailer, PayloadStreamingSigned, PayloadStreamingSignedTrailer}

// announcedFor returns what a request in form p announces in these tests.
func announcedFor(p Payload) string {
	if p.trailer() {
		return "x-amz-checksum-crc32"
	}
	return ""
}

// TestChunkedTruncation cuts a right body at every byte: none of the parts is a right body.
//
// spec: WI1.3-19
func TestChunkedTruncation(t *testing.T) {
	data := pattern(minChunk + 10)
	for _, payload := range streamingPayloads {
		whole := encode(payload, data, minChunk, announcedFor(payload)+":AAAAAA==")
		for n := range len(whole) {
			b, err := bodyOf(payload, int64(len(data)), announcedFor(payload), bytes.NewReader(whole[:n]))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, b); !errors.Is(err, IncompleteBody) {
				t.Fatalf("%v cut at %d of %d: %v", payload, n, len(whole), err)
			}
		}
	}
}

// TestChunkedTampering changes every byte of a signed body in turn: none of the results is a right body with
// other data.
//
// spec: WI1.3-16
func TestChunkedTampering(t *testing.T) {
	data := pattern(60)
	for _, payload := range []Payload{PayloadStreamingSigned, PayloadStreamingSignedTrailer} {
		whole := encode(payload, data, len(data), announcedFor(payload)+":AAAAAA==")
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= 0x20 // case of letters
			b, err := bodyOf(payload, int64(len(data)), announcedFor(payload), bytes.NewReader(changed))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(b)
			if err == nil && (!bytes.Equal(got, data) || payload.trailer() && b.Trailer().Get("x-amz-checksum-crc32") != "AAAAAA==") {
				t.Fatalf("%v: byte %d changed and nobody noticed", payload, i)
			}
		}
	}
}

// TestChunkedConnectionError hands errors of the connection through.
func TestChunkedConnectionError(t *testing.T) {
	broken := errors.New("broken")
	for _, payload := range streamingPayloads {
		whole := encode(payload, pattern(10), 10, announcedFor(payload)+":AAAAAA==")
		for n := range len(whole) + 1 {
			source := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))
			b, err := bodyOf(payload, 10, announcedFor(payload), source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, b); !errors.Is(err, broken) {
				t.Fatalf("%v broken at %d: %v", payload, n, err)
			}
		}
	}
}

// endless is a source that never ends.
type endless struct{ head, rest string }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	for n < len(p) {
		n += copy(p[n:], e.rest)
	}
	return n, nil
}

// TestChunkedBounds feeds lines without end: each is refused after a bounded number of bytes.
func TestChunkedBounds(t *testing.T) {
	for name, c := range map[string]struct {
		head, rest string
		want       Reason
	}{
		"chunk size":        {"", "0", IncompleteBody},
		"lines":             {"", "\n", IncompleteBody},
		"trailer line":      {"0\r\n", "x", MalformedTrailerError},
		"trailer LF":        {"0\r\nx-amz-checksum-crc32:", "a\n", MalformedTrailerError},
		"trailer lines":     {"0\r\n", "x-amz-checksum-crc32:a\r\n", MalformedTrailerError},
		"after the trailer": {"0\r\nx-amz-checksum-crc32:a\r\n\r\n", "x", IncompleteBody},
	} {
		t.Run(name, func(t *testing.T) {
			source := &countingReader{Reader: &endless{c.head, c.rest}}
			b, err := bodyOf(PayloadStreamingUnsignedTrailer, 0, "x-amz-checksum-crc32", source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, b); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if source.n > 2*bufferSize {
				t.Errorf("read %d bytes", source.n)
			}
		})
	}
}

// countingReader counts the bytes read through it.
type countingReader struct {
	io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// TestLines reads lines whose lone LFs make them span reads, in pieces of any size: what is read later must
// not overwrite what came before.
func TestLines(t *testing.T) {
	lines := []string{"", "a", "a\nb", "\n\n\n", strings.Repeat("x\n", 700) + "end", strings.Repeat("y", 1500) + "\n", "last"}
	text := strings.Join(lines, "\r\n") + "\r\n"
	for size := 1; size <= len(text); size = size*3/2 + 1 {
		c := &chunkReader{source: bufio.NewReaderSize(pieces{strings.NewReader(text), size}, bufferSize)}
		for i, want := range lines {
			got, err := c.line(maxTrailer)
			if err != nil || string(got) != want {
				t.Fatalf("pieces of %d: line %d is %.40q (%d bytes), %v, want %.40q (%d)", size, i, got, len(got), err, want, len(want))
			}
		}
		if _, err := c.line(maxTrailer); err == nil {
			t.Error("a line behind the end")
		}
	}
}

// pieces reads at most size bytes at once.
type pieces struct {
	io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
