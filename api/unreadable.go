package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Unreadable writes the whole answer to a request of HTTP/1.1 that never became
// one: status is what the HTTP library refused it with, encoding its
// Transfer-Encoding as far as that is known. The connection has to be closed after
// it. It fails if w does.
func (h *Handler) Unreadable(w io.Writer, status int, encoding string) error {
	out := &written{header: http.Header{}}
	x := &exchange{ResponseWriter: out, h: h, r: &http.Request{Header: http.Header{}}, id: h.ids.next(), started: h.clock.Now(), own: "Unreadable"}
	f := unreadable(status, encoding)
	x.code = f.code
	x.refuse(f)
	x.set("Date", x.started.UTC().Format(http.TimeFormat))
	x.record()
	answer := http.Response{
		StatusCode: x.status, ProtoMajor: 1, ProtoMinor: 1, Header: out.header,
		Body: io.NopCloser(&out.body), ContentLength: int64(out.body.Len()), Close: true,
	}
	return answer.Write(w)
}

// unreadable says why a request could not be read.
func unreadable(status int, encoding string) *failure {
	switch {
	case status == http.StatusRequestHeaderFieldsTooLarge:
		return refuse("RequestHeaderSectionTooLarge", "MaxSizeAllowed", strconv.Itoa(maxPutHeaders)) // spec WI3-7
	case status == http.StatusNotImplemented && knownCoding(encoding):
		return notImplemented("Transfer-Encoding", "") // spec WI2-7
	case status == http.StatusNotImplemented:
		return refuseWith("InvalidRequest", "The Transfer-Encoding is not supported.") // spec WI2-7
	}
	return refuseWith("InvalidRequest", "An error occurred when parsing the HTTP request.")
}

// knownCoding reports whether the first coding of a Transfer-Encoding is one that
// HTTP has and S3 does not.
func knownCoding(encoding string) bool {
	first, _, _ := strings.Cut(encoding, ",")
	switch strings.ToLower(strings.TrimSpace(first)) {
	case "gzip", "compress", "deflate":
		return true
	}
	return false
}

// written is an answer that is kept.
type written struct {
	header http.Header
	body   bytes.Buffer
}

// Header returns the headers of the answer.
func (w *written) Header() http.Header { return w.header }

// WriteHeader does nothing: the exchange keeps the status.
func (w *written) WriteHeader(int) {}

// Write keeps a part of the body.
func (w *written) Write(p []byte) (int, error) { return w.body.Write(p) }
