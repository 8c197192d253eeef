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
	return x.readProtected(limit, x.r.Header, false)
}

// readVerified is readDocument for a body that has to hold something and be protected by
// a digest (spec VD5-1, LC1-1).
func (x *exchange) readVerified(limit int64) ([]byte, error) {
	data, err := x.readProtected(limit, x.r.Header, true)
	if err == nil && len(data) == 0 {
		err = refuse("MissingRequestBodyError")
	}
	return data, err
}

// readProtected is readDocument for a request of whose headers only those of h say
// something of the body. Where a digest is a must, the request is refused before its body
// is read if there is none.
func (x *exchange) readProtected(limit int64, h http.Header, must bool) ([]byte, error) {
	b, err := x.openBody()
	if err != nil {
		return nil, err
	}
	d, err := parseDigests(h, b.Announced())
	switch {
	case err != nil:
		return nil, err
	case b.Len() > limit:
		return nil, refuse("MaxMessageLengthExceeded", "MaxMessageLengthBytes", strconv.FormatInt(limit, 10))
	case must && !d.sent():
		return nil, refuseWith("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	// Reading goes on to the end, where the body turns out to be the one signed.
	buf := bytes.NewBuffer(make([]byte, 0, b.Len()+bytes.MinRead))
	if _, err := buf.ReadFrom(b); err != nil {
		return nil, b.blame(err)
	}
	data := buf.Bytes()
	if !d.sent() {
		return data, nil
	}
	return data, d.verify(md5.Sum(data), []checksum.Value{checksum.Of(d.algorithm, data)}, b.Trailer())
}
