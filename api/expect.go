package api

import (
	"maps"
	"net/http"
	"strings"
)

// A client that sends Expect: 100-continue waits for a 100 although its body is empty, and
// botocore is lost on a connection on which it got another answer first. Go's server sends
// the 100 where a body is read, so for an empty one it is sent here, or the connection is
// closed with the answer.

// awaitsNothing reports whether the client waits to be told to send a body that is empty.
func awaitsNothing(r *http.Request) bool {
	return r.ContentLength == 0 && r.ProtoMajor == 1 && r.ProtoMinor >= 1 && len(r.TransferEncoding) == 0 &&
		strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// goOn tells the client that waits for it that its request passed the checks that need no
// body (spec WI2-6).
func (x *exchange) goOn() {
	if !x.awaited {
		return
	}
	x.awaited = false
	headers := x.Header()
	of := maps.Clone(headers) // the answer's, which is not this one
	if !x.closing {
		delete(of, "Connection")
	}
	clear(headers)
	x.ResponseWriter.WriteHeader(http.StatusContinue)
	maps.Copy(headers, of)
}
