package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
)

// Body is the payload of a request, verified while it is read.
//
// Read returns io.EOF only when everything was there and right; bytes before that are not yet verified.
// Once Read has returned an error it returns the same one for ever. Not safe for concurrent use.
type Body struct {
	source    io.Reader // returns io.EOF only after it has verified everything
	length    int64
	announced string // name of the trailer
	trailer   http.Header
	err       error // the error Read ended with
}

// Body returns the payload of r, whose head s is the session of: aws-chunked is decoded, signatures of
// chunks and trailer, the SHA-256 and the length are verified. Errors that the head already shows come from
// here (MissingContentLength, InvalidRequest, MalformedTrailerError); all others come from [Body.Read].
// r.Body is read to its end and not closed.
func (s *Session) Body(r *http.Request) (*Body, error) {
	length, err := payloadLength(r, s.payload)
	if err != nil {
		return nil, err
	}
	announced, err := announcedTrailer(r.Header, s.payload)
	if err != nil {
		return nil, err
	}
	var source io.Reader = r.Body
	if r.Body == nil {
		source = http.NoBody
	}
	b := &Body{length: length, announced: announced}
	if announced != "" {
		b.trailer = http.Header{}
	}
	if s.payload.Streaming() {
		b.source = newChunkReader(source, s, b)
		return b, nil
	}
	plain := &plainReader{source: source, expected: length}
	if s.payload == PayloadSHA256 {
		plain.sum, plain.announced = sha256.New(), s.payloadValue
	}
	b.source = plain
	return b, nil
}

// Read reads payload bytes. Errors of the framing, the length or a signature are [*Error]; errors of the
// connection are returned as they are.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.source.Read(p)
	b.err = err
	return n, err
}

// Len returns the length of the whole payload in bytes, as announced. Read returns io.EOF after exactly
// as many bytes, or another error.
func (b *Body) Len() int64 { return b.length }

// Announced returns the name of the trailer that will follow the payload, in lower case, or "" for none. It
// begins with x-amz-checksum-; whether the algorithm is known, and the value right, is for the caller to
// decide.
func (b *Body) Announced() string { return b.announced }

// Trailer returns the trailers: the announced one with its value, or nothing. It is complete once Read has
// returned io.EOF, and says nothing before.
func (b *Body) Trailer() http.Header { return b.trailer }

// plainReader reads a body that is its own payload.
type plainReader struct {
	source    io.Reader
	expected  int64
	read      int64
	sum       hash.Hash // nil when the body is not hashed
	announced string    // the hash in hex
}

func (p *plainReader) Read(buf []byte) (int, error) {
	n, err := p.source.Read(buf)
	p.read += int64(n)
	if p.sum != nil {
		p.sum.Write(buf[:n])
	}
	switch {
	case p.read > p.expected, errors.Is(err, io.ErrUnexpectedEOF):
		return n, bodyLength(p.expected, p.read)
	case errors.Is(err, io.EOF):
		return n, p.verify()
	}
	return n, err
}

// verify is called at the end of the source. It returns io.EOF if all is well.
func (p *plainReader) verify() error {
	if p.read != p.expected {
		return bodyLength(p.expected, p.read)
	}
	if p.sum == nil {
		return io.EOF
	}
	computed := hex.EncodeToString(p.sum.Sum(nil))
	if strings.EqualFold(computed, p.announced) {
		return io.EOF
	}
	return &Error{
		Reason:  XAmzContentSHA256Mismatch,
		Message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		Fields: []Field{
			{"ClientComputedContentSHA256", p.announced},
			{"S3ComputedContentSHA256", computed},
		},
	}
}

// isEnd reports whether err is the end of a source; net/http reports a body shorter than Content-Length as
// an unexpected one.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
