package auth

import (
	"encoding/hex"
	"strconv"
	"time"
)

// Reason is why a request was refused. Its text is the S3 error code of docs/spec/wire.md §1.3; the HTTP
// status belongs to the api's table. errors.Is(err, auth.SignatureDoesNotMatch) works on any error of
// this package.
type Reason string

// Reasons for refusing a request.
const (
	AccessDenied                      Reason = "AccessDenied"
	AuthorizationHeaderMalformed      Reason = "AuthorizationHeaderMalformed"
	AuthorizationQueryParametersError Reason = "AuthorizationQueryParametersError"
	EntityTooLarge                    Reason = "EntityTooLarge"
	EntityTooSmall                    Reason = "EntityTooSmall"
	IncompleteBody                    Reason = "IncompleteBody"
	InvalidAccessKeyId                Reason = "InvalidAccessKeyId"
	InvalidArgument                   Reason = "InvalidArgument"
	InvalidChunkSizeError             Reason = "InvalidChunkSizeError"
	InvalidPolicyDocument             Reason = "InvalidPolicyDocument"
	InvalidRequest                    Reason = "InvalidRequest"
	InvalidToken                      Reason = "InvalidToken"
	MalformedTrailerError             Reason = "MalformedTrailerError"
	MissingContentLength              Reason = "MissingContentLength"
	NotImplemented                    Reason = "NotImplemented"
	RequestTimeTooSkewed              Reason = "RequestTimeTooSkewed"
	SignatureDoesNotMatch             Reason = "SignatureDoesNotMatch"
	XAmzContentSHA256Mismatch         Reason = "XAmzContentSHA256Mismatch"
)

// Error returns the S3 error code.
func (r Reason) Error() string { return string(r) }

// Field is an element of the error document beyond Code and Message, in the order S3 sends them.
// A Value is text of the client's making and may hold any byte.
type Field struct{ Name, Value string }

// Error is a refused request: what the error document says.
type Error struct {
	Reason  Reason
	Message string
	Fields  []Field
}

// Error returns the code and the message. Fields are left out: they repeat the request.
func (e *Error) Error() string { return string(e.Reason) + ": " + e.Message }

// Unwrap returns the Reason, for errors.Is.
func (e *Error) Unwrap() error { return e.Reason }

// Texts that S3 sends for more than one case.
const (
	messageBodyEnded     = "The request body terminated unexpectedly"
	messageBodyLength    = "You did not provide the number of bytes specified by the Content-Length HTTP header"
	messageTrailer       = "The request contained trailing data that was not well-formed or did not conform to our published schema."
	messageUnimplemented = "A header you provided implies functionality that is not implemented"
	messageMechanism     = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
	messageOneMechanism  = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
)

// malformedHeader is the answer to an Authorization header that cannot be understood, or whose scope is
// not the server's.
func malformedHeader(detail string) *Error {
	return &Error{Reason: AuthorizationHeaderMalformed, Message: "The authorization header is malformed; " + detail}
}

// malformedQuery is the answer to a presigned query that cannot be understood.
func malformedQuery(message string) *Error {
	return &Error{Reason: AuthorizationQueryParametersError, Message: message}
}

// invalidArgument is the answer to a value that cannot be right.
func invalidArgument(message, name, value string) *Error {
	return &Error{Reason: InvalidArgument, Message: message, Fields: []Field{{"ArgumentName", name}, {"ArgumentValue", value}}}
}

// notImplemented is the answer to what this package knows by name and cannot verify.
func notImplemented(header, what string) *Error {
	return &Error{Reason: NotImplemented, Message: messageUnimplemented, Fields: []Field{
		{"Header", header},
		{"additionalMessage", what + " is not supported."},
	}}
}

func noDate() *Error {
	return &Error{Reason: AccessDenied, Message: "AWS authentication requires a valid Date or x-amz-date header"}
}

func messageTwice(header string) string {
	return `the SignedHeaders name "` + header + `" more than once.`
}

// serverTime writes a time as the elements ServerTime and Expires hold it.
func serverTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// bodyEnded is the answer to a body that stops early and to aws-chunked framing that cannot be read;
// S3 does not tell the two apart (recorded in versity/versitygw#1666 and #1685).
func bodyEnded() *Error {
	return &Error{Reason: IncompleteBody, Message: messageBodyEnded}
}

// bodyLength is the answer to a payload of another length than announced, shorter or longer (recorded in
// versity/versitygw#1684).
func bodyLength(expected, provided int64) *Error {
	return &Error{Reason: IncompleteBody, Message: messageBodyLength, Fields: []Field{
		{"NumberBytesExpected", strconv.FormatInt(expected, 10)},
		{"NumberBytesProvided", strconv.FormatInt(provided, 10)},
	}}
}

func malformedTrailer() *Error {
	return &Error{Reason: MalformedTrailerError, Message: messageTrailer}
}

// mismatch is the answer to a wrong signature of Signature Version 4. canonical is the request that was signed; a
// chunk's answer repeats the one its seed came from (recorded in aws-amplify/aws-sdk-ios#602).
func mismatch(accessKey, stringToSign, provided, canonical string) *Error {
	err := mismatchText(accessKey, stringToSign, provided)
	err.Fields = append(err.Fields, Field{"CanonicalRequest", canonical}, Field{"CanonicalRequestBytes", spacedHex(canonical)})
	return err
}

// mismatchText is mismatch where the string to sign holds no canonical request: forms and Signature Version 2.
func mismatchText(accessKey, stringToSign, provided string) *Error {
	return &Error{
		Reason:  SignatureDoesNotMatch,
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		Fields: []Field{
			{"AWSAccessKeyId", accessKey},
			{"StringToSign", stringToSign},
			{"SignatureProvided", provided},
			{"StringToSignBytes", spacedHex(stringToSign)},
		},
	}
}

// spacedHex writes bytes as S3 does in its ...Bytes elements: "41 57 53 34".
func spacedHex(s string) string {
	out := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		if i > 0 {
			out = append(out, ' ')
		}
		out = hex.AppendEncode(out, []byte{s[i]})
	}
	return string(out)
}
