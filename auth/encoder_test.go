package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// encoder writes aws-chunked bodies, right ones and wrong ones. It signs by its own reading of
// docs/spec/wire.md §1.2, not by the code under test.
type encoder struct {
	bytes.Buffer
	payload  Payload
	previous string
	lines    string // trailer lines as they are signed
}

// testChain is the state in which the encoder's bodies begin.
var testChain = chain{
	key:       newSigningKey(exampleSecret, "20130524", "us-east-1"),
	date:      "20130524T000000Z",
	scope:     "20130524/us-east-1/s3/aws4_request",
	previous:  signature{1, 2, 3},
	accessKey: exampleKey,
	canonical: "PUT\n/",
}

func newEncoder(payload Payload) *encoder {
	return &encoder{payload: payload, previous: hex.EncodeToString(testChain.previous[:])}
}

func (e *encoder) sign(algorithm string, hashes ...string) string {
	toSign := algorithm + "\n" + testChain.date + "\n" + testChain.scope + "\n" + e.previous + "\n" + strings.Join(hashes, "\n")
	mac := hmac.New(sha256.New, testChain.key.key[:])
	io.WriteString(mac, toSign)
	e.previous = hex.EncodeToString(mac.Sum(nil))
	return e.previous
}

// header writes the line before data, with size as its size.
func (e *encoder) header(size string, data []byte) {
	e.WriteString(size)
	if e.payload.signedChunks() {
		sum := sha256.Sum256(data)
		e.WriteString(";chunk-signature=" + e.sign("AWS4-HMAC-SHA256-PAYLOAD", emptySHA256, hex.EncodeToString(sum[:])))
	}
	e.WriteString("\r\n")
}

// chunk writes a chunk.
func (e *encoder) chunk(data []byte) {
	e.header(strconv.FormatInt(int64(len(data)), 16), data)
	e.Write(data)
	e.WriteString("\r\n")
}

// trailer writes a trailer line.
func (e *encoder) trailer(line string) {
	e.lines += line + "\n"
	e.WriteString(line + "\r\n")
}

// trailerSignature writes the signature of the trailer lines so far.
func (e *encoder) trailerSignature() {
	sum := sha256.Sum256([]byte(e.lines))
	e.WriteString("x-amz-trailer-signature:" + e.sign("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:])) + "\r\n")
}

// encode returns data as a right body, in chunks of the given size, and in the trailer forms with trailer.
func encode(payload Payload, data []byte, size int, trailer string) []byte {
	e := newEncoder(payload)
	for len(data) > 0 {
		n := min(size, len(data))
		e.chunk(data[:n])
		data = data[n:]
	}
	e.header("0", nil)
	if payload.trailer() && trailer != "" {
		e.trailer(trailer)
	}
	if payload == PayloadStreamingSignedTrailer {
		e.trailerSignature()
	}
	e.WriteString("\r\n")
	return e.Bytes()
}

// pattern returns n bytes in which every position can be told from its neighbours.
func pattern(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i) ^ byte(i>>8)
	}
	return out
}

// bodyOf returns the body of a request in form payload, without the head having been verified.
func bodyOf(payload Payload, length int64, announced string, source io.Reader) (*Body, error) {
	r := &http.Request{Header: http.Header{}, Body: io.NopCloser(source), ContentLength: -1}
	r.Header.Set(headerAmzDecodedLen, fmt.Sprint(length))
	if announced != "" {
		r.Header.Set(headerAmzTrailer, announced)
	}
	s := Session{payload: payload, chain: testChain}
	return s.Body(r)
}
