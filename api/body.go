package api

import (
	"bytes"
	"crypto/md5"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/internal/checksum"
)

// The sizes that documents are read up to, bytes.
const (
	maxSmallDocument  = 1 << 20 // spec VD1-17
	maxDeleteDocument = 2 << 20 // spec VD5-8
)

// body is the payload of a request. It remembers how reading it ended, because
// the store cannot tell a client that went away from a disk that failed.
type body struct {
	*auth.Body
	err error
}

// openBody returns the payload of the request, none of it read.
func (x *exchange) openBody() (*body, error) {
	b, err := x.session.Body(x.r)
	if err != nil {
		return nil, err
	}
	return &body{Body: b}, nil
}

// Read reads payload bytes.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Body.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// blame returns the error that an operation on the body answers which ended with
// err: the body's own, if it was the body that failed.
func (b *body) blame(err error) error {
	var refused *auth.Error
	var network net.Error
	switch {
	case err == nil || b.err == nil:
		return err
	case errors.As(b.err, &refused):
		return b.err
	case errors.As(b.err, &network) && network.Timeout():
		return &failure{code: "RequestTimeout", cause: b.err}
	}
	return &failure{code: "IncompleteBody", cause: b.err}
}

// readDocument reads a body of at most limit bytes and verifies its digests.
func (x *exchange) readDocument(limit int64) ([]byte, error) {
	data, _, err := x.readDigested(limit)
	return data, err
}

// readDigested is readDocument that also tells what digests were sent.
func (x *exchange) readDigested(limit int64) ([]byte, digests, error) {
	return x.readProtected(limit, x.r.Header)
}

// readVerified is readDocument for a body that has to hold something and be protected by
// a digest (spec VD5-1, LC1-1).
func (x *exchange) readVerified(limit int64) ([]byte, error) {
	data, d, err := x.readDigested(limit)
	switch {
	case err != nil:
		return nil, err
	case !d.sent():
		return nil, refuseWith("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	case len(data) == 0:
		return nil, refuse("MissingRequestBodyError")
	}
	return data, nil
}

// readProtected is readDigested for a request of whose headers only those of h say
// something of the body.
func (x *exchange) readProtected(limit int64, h http.Header) ([]byte, digests, error) {
	b, err := x.openBody()
	if err != nil {
		return nil, digests{}, err
	}
	d, err := parseDigests(h, b.Announced())
	if err != nil {
		return nil, d, err
	}
	if b.Len() > limit {
		return nil, d, refuse("MaxMessageLengthExceeded", "MaxMessageLengthBytes", strconv.FormatInt(limit, 10))
	}
	// Reading goes on to the end, where the body turns out to be the one signed.
	buf := bytes.NewBuffer(make([]byte, 0, b.Len()+bytes.MinRead))
	if _, err := buf.ReadFrom(b); err != nil {
		return nil, d, b.blame(err)
	}
	data := buf.Bytes()
	if !d.sent() {
		return data, d, nil
	}
	return data, d, d.verify(md5.Sum(data), []checksum.Value{checksum.Of(d.algorithm, data)}, b.Trailer())
}
