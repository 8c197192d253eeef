package auth

import (
	"net/http"
	"strconv"
	"strings"
)

// Payload is how a request's body is protected: what x-amz-content-sha256 said (docs/spec/wire.md §1.2).
type Payload int

// The payload forms.
const (
	// PayloadUnsigned: the body is taken as it comes (UNSIGNED-PAYLOAD, and anonymous requests without
	// the header).
	PayloadUnsigned Payload = iota
	// PayloadSHA256: the header holds the hex SHA-256 of the body.
	PayloadSHA256
	// PayloadStreamingUnsignedTrailer: aws-chunked, chunks without signatures, a trailer.
	PayloadStreamingUnsignedTrailer
	// PayloadStreamingSigned: aws-chunked, signed chunks, no trailer.
	PayloadStreamingSigned
	// PayloadStreamingSignedTrailer: aws-chunked, signed chunks, a signed trailer.
	PayloadStreamingSignedTrailer
)

// valueUnsigned says that the body is not verified.
const valueUnsigned = "UNSIGNED-PAYLOAD"

// payloadValues are the values of x-amz-content-sha256 that are not a hash.
var payloadValues = map[string]Payload{
	valueUnsigned:                                PayloadUnsigned,
	"STREAMING-UNSIGNED-PAYLOAD-TRAILER":         PayloadStreamingUnsignedTrailer,
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD":         PayloadStreamingSigned,
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": PayloadStreamingSignedTrailer,
}

// sigV4APayloads are the values of SigV4A, which is not implemented.
var sigV4APayloads = map[string]bool{
	"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":         true,
	"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER": true,
}

// messagePayload lists the allowed values as S3 does (recorded in versity/versitygw#1352).
const messagePayload = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, " +
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, " +
	"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER " +
	"or a valid sha256 value."

// String names the form as s3:x-amz-content-sha256 values do; a hash is called "SHA256".
func (p Payload) String() string {
	for value, payload := range payloadValues {
		if payload == p {
			return value
		}
	}
	return "SHA256"
}

// Streaming reports whether the body is aws-chunked, so that its bytes are not the payload's.
func (p Payload) Streaming() bool {
	return p >= PayloadStreamingUnsignedTrailer
}

// signedChunks reports whether each chunk carries a signature.
func (p Payload) signedChunks() bool {
	return p == PayloadStreamingSigned || p == PayloadStreamingSignedTrailer
}

// trailer reports whether lines may follow the last chunk.
func (p Payload) trailer() bool {
	return p == PayloadStreamingUnsignedTrailer || p == PayloadStreamingSignedTrailer
}

// parsePayload returns the form and the value of x-amz-content-sha256. The value stands in the canonical
// request, so it is protected even by clients that do not list the header as signed.
func parsePayload(h http.Header) (Payload, string, error) {
	values := h[headerAmzSHA256]
	if len(values) == 0 {
		return 0, "", &Error{
			Reason:  InvalidRequest,
			Message: "Missing required header for this request: x-amz-content-sha256",
		}
	}
	return parsePayloadValue(strings.Join(values, ","))
}

// parsePayloadValue returns the form that a value of x-amz-content-sha256 means, and the value.
func parsePayloadValue(value string) (Payload, string, error) {
	if isSHA256Hex(value) {
		return PayloadSHA256, value, nil
	}
	if payload, ok := payloadValues[value]; ok {
		return payload, value, nil
	}
	if sigV4APayloads[value] {
		return 0, "", notImplemented("x-amz-content-sha256", value)
	}
	return 0, "", invalidArgument(messagePayload, "x-amz-content-sha256", value)
}

// parseAnonymousPayload is parsePayload for a request without a signature: the header may be absent, and
// chunks cannot be signed. The refusal's text is the one S3 has for a form that does not fit the request
// (recorded in versity/versitygw#1601).
func parseAnonymousPayload(h http.Header) (Payload, string, error) {
	if len(h[headerAmzSHA256]) == 0 {
		return PayloadUnsigned, "", nil
	}
	payload, value, err := parsePayload(h)
	if err == nil && payload.signedChunks() {
		return 0, "", &Error{Reason: InvalidRequest, Message: "The value of x-amz-content-sha256 header is invalid."}
	}
	return payload, value, err
}

func isSHA256Hex(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if !isHex[s[i]] {
			return false
		}
	}
	return true
}

// isHex says which bytes are hexadecimal digits.
var isHex = func() (set [256]bool) {
	for _, c := range []byte("0123456789abcdefABCDEF") {
		set[c] = true
	}
	return set
}()

// payloadLength returns the number of bytes of the payload that the request announces: the decoded length
// of an aws-chunked body, Content-Length otherwise (x-amz-decoded-content-length of a plain body is
// ignored by S3). A missing or unreadable length is MissingContentLength (recorded in
// versity/versitygw#1656).
func payloadLength(r *http.Request, payload Payload) (int64, error) {
	if !payload.Streaming() {
		if r.ContentLength < 0 {
			return 0, missingLength()
		}
		return r.ContentLength, nil
	}
	values := r.Header[headerAmzDecodedLen]
	if len(values) != 1 {
		return 0, missingLength()
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0, missingLength()
	}
	return int64(n), nil
}

func missingLength() error {
	return &Error{Reason: MissingContentLength, Message: "You must provide the Content-Length HTTP header."}
}

// StripAWSChunked returns a Content-Encoding without aws-chunked, which describes the request and not the
// object (docs/spec/wire.md §1.2). What is left keeps its spelling; nothing left is "".
func StripAWSChunked(contentEncoding string) string {
	var kept []string
	for coding := range strings.SplitSeq(contentEncoding, ",") {
		if !strings.EqualFold(strings.TrimSpace(coding), "aws-chunked") {
			kept = append(kept, coding)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ","))
}
