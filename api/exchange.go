package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// exchange is one request and its answer. It is what the operations work on, and
// the ResponseWriter they write to. Not safe for concurrent use.
type exchange struct {
	http.ResponseWriter
	h       *Handler
	r       *http.Request
	id      string // of the request, as x-amz-request-id
	started time.Time

	target
	query   query
	op      *operation // nil until it is known
	session auth.Session
	caller  *identity.Caller // nil until it is known
	// principal is the name of the caller, empty if it is not known.
	principal string
	found     store.Bucket // the bucket, for operations that need one
	version   versioning.ID
	source    *judgedSource // of a copy
	task      *task         // nil until it is prepared
	form      *postForm     // of a PostObject that was verified
	token     bool          // a code of an MFA device of the bucket's owner was taken
	document  []byte        // that an endpoint of the server's own was given

	sideOfBucket *policy.Resource // nil until policy was asked
	deferred     bool             // the store asks for permission
	restsOnState bool             // permission rests on whether versions are kept
	posed        posed            // the last question

	origin  origin
	cors    []pair // headers that let a page read the answer, whatever it is
	own     string // names a request of the server's own paths
	closing bool   // the connection must not be used again
	awaited bool   // the client waits for a 100 that only goOn sends

	values            []string // of the headers of the answer, each in its own slice
	status            int      // sent, zero if nothing was
	code              Code     // of the error answered
	received, written int64    // bytes of the bodies
}

// codeClientGone is logged for a request that nobody waits for any more. It is no
// S3 code.
const codeClientGone Code = "ClientGone"

// task is an operation that has read its request and waits for permission.
type task struct {
	run func() error
	// perEntry says that policy decides about each entry and not about the whole.
	perEntry bool
	// bypass says that x-amz-bypass-governance-retention means something here.
	bypass bool
	// ofLock says that the request is about the lock of a version.
	ofLock bool
	// mfa says that x-amz-mfa means something here, token that the request needs one.
	mfa, token bool
	// tags and lock are those that the document of the request sets.
	tags []store.Tag
	lock versioning.Lock
}

// receive takes the request, as the client sent it to a trusted proxy if one
// handed it on. The request of net/http is left as it is: net/http looks at it to
// find out whether the client still waits for a 100.
func (x *exchange) receive(r *http.Request) {
	x.origin = originOf(r, x.h.proxies)
	// A proxy may have taken this request out of another length than its own; one
	// that stands for many clients gets no connection back that could be off.
	x.closing = x.origin.proxied && len(r.TransferEncoding) > 0
	x.awaited = awaitsNothing(r)
	x.r = r.WithContext(r.Context())
	x.r.Host = x.origin.host
	if r.Body != nil && r.Body != http.NoBody {
		x.r.Body = &countedBody{ReadCloser: r.Body, n: &x.received}
	}
}

// countedBody counts what is read of a body.
type countedBody struct {
	io.ReadCloser
	n *int64
}

// Read reads from the body.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.n += int64(n)
	return n, err
}

// Context returns the context of the request.
func (x *exchange) Context() context.Context { return x.r.Context() }

// WriteHeader sends the status, once.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, after status 200 if none was sent.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(p)
	x.written += int64(n)
	return n, err
}

// set gives a header its value, under the name as S3 writes it: some clients keep
// the case of user metadata.
func (x *exchange) set(name, value string) {
	x.Header()[name] = x.single(value)
}

// single returns value alone, in memory for the values of several headers.
func (x *exchange) single(value string) []string {
	const usual = 8
	if len(x.values) == cap(x.values) {
		x.values = make([]string, 0, usual)
	}
	n := len(x.values)
	x.values = append(x.values, value)
	return x.values[n : n+1 : n+1]
}

// setNonEmpty is set for a header that is not sent without a value.
func (x *exchange) setNonEmpty(name, value string) {
	if value != "" {
		x.set(name, value)
	}
}

// header returns the value of a request header, named in canonical form. Several
// values were refused before, where they matter.
func (x *exchange) header(name string) string {
	if values := x.r.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// sent reports whether a request header was sent, named in canonical form.
func (x *exchange) sent(name string) bool { return len(x.r.Header[name]) > 0 }

// begin sets what every answer carries (spec WI2-3).
func (x *exchange) begin() {
	h := x.Header()
	clear(h)
	h["Server"] = x.h.serverHeader
	h["x-amz-id-2"] = x.h.hostHeader
	h["x-amz-request-id"] = x.single(x.id)
	x.setCORS()
	if x.closing || x.awaited {
		h["Connection"] = []string{"close"}
	}
}

// beginDocument sends the head of an answer with a document and begins it. It is
// sent in chunks, as S3 does.
func (x *exchange) beginDocument(status int, root string, plain bool) *document {
	x.set("Content-Type", "application/xml")
	if x.r.ProtoMajor == 1 {
		x.set("Transfer-Encoding", "chunked")
	}
	x.WriteHeader(status)
	return newDocument(x, root, plain)
}

// fail answers an error. One that comes after the head of the answer cuts the
// connection, so that the client cannot take what it has for the whole.
func (x *exchange) fail(err error) {
	if x.clientGone(err) {
		x.code = codeClientGone
		panic(http.ErrAbortHandler)
	}
	f := translate(err, x.place())
	x.code = f.code
	if f.status() >= http.StatusInternalServerError && f.code != "NotImplemented" {
		x.logFailure(err)
	}
	if x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	x.refuse(f)
}

// refuse sends the error document of f (spec WI2.1). A HEAD has no body.
func (x *exchange) refuse(f *failure) {
	x.begin()
	for _, h := range f.headers {
		x.set(h.name, h.value)
	}
	if x.r.Method == http.MethodHead {
		x.set("Content-Type", "application/xml")
		x.WriteHeader(f.status())
		return
	}
	d := x.beginDocument(f.status(), "Error", true)
	d.text("Code", string(f.code))
	d.text("Message", f.text())
	for _, name := range codes[f.code].elements {
		if !f.says(name) {
			d.text(name, x.element(name))
		}
	}
	for _, e := range f.elements {
		d.text(e.name, e.value)
	}
	d.text("RequestId", x.id)
	d.text("HostId", x.h.hostHeader[0])
	// A client that has gone needs no answer.
	_ = d.end("Error")
}

// element returns what the request says for an element of an error document.
func (x *exchange) element(name string) string {
	switch name {
	case "BucketName":
		return x.bucket
	case "Key":
		return x.key
	case "VersionId":
		return x.query.value("versionId")
	case "UploadId":
		return x.query.value("uploadId")
	case "Method":
		return x.r.Method
	}
	return ""
}

// place returns what errors are translated with.
func (x *exchange) place() place {
	return place{method: x.r.Method, key: x.key, versionID: x.query.value("versionId"), format: x.h.store.FormatVersionID}
}

// clientGone reports whether err came of the client's going away, so that nobody
// is left to answer.
func (x *exchange) clientGone(err error) bool {
	return errors.Is(err, context.Canceled) && x.Context().Err() != nil
}

// logFailure logs, once, what went wrong inside.
func (x *exchange) logFailure(err error) {
	x.h.log.LogAttrs(x.Context(), slog.LevelError, "request failed", append(x.attributes(), slog.Any("error", err))...)
}

// record counts the request and logs it: all with an access log, else what failed
// inside at Info and the rest at Debug.
func (x *exchange) record() {
	duration := x.h.clock.Now().Sub(x.started)
	x.h.metrics.count(x, duration.Seconds())
	at := slog.LevelDebug
	if x.h.accessLog || x.status >= http.StatusInternalServerError {
		at = slog.LevelInfo
	}
	if !x.h.log.Enabled(x.Context(), at) {
		return
	}
	x.h.log.LogAttrs(x.Context(), at, "request", append(x.attributes(),
		slog.String("version_id", x.namedVersion()),
		slog.Int("status", x.status),
		slog.String("code", string(x.code)),
		slog.Int64("bytes_in", x.received),
		slog.Int64("bytes_out", x.written),
		slog.Duration("duration", duration),
		slog.String("remote", x.remote()),
		slog.String("user_agent", cut(x.header("User-Agent"), maxLoggedText)),
		slog.String("access_key", cut(x.session.AccessKey, maxLoggedText)),
		slog.String("principal", x.principal),
	)...)
}

// maxLoggedText bounds what a client says of itself in a log line, bytes.
const maxLoggedText = 256

func cut(s string, limit int) string { return s[:min(len(s), limit)] }

// namedVersion returns the version id that the answer names, else the one that was
// asked for.
func (x *exchange) namedVersion() string {
	// The name is as it was set: in S3's spelling, which is not the canonical one.
	answered := map[string][]string(x.Header())
	if named := answered["x-amz-version-id"]; len(named) > 0 {
		return named[0]
	}
	return x.query.value("versionId")
}

// remote returns the address of the client, empty if it is not known.
func (x *exchange) remote() string {
	if !x.origin.remote.IsValid() {
		return ""
	}
	return x.origin.remote.String()
}

// name returns the name of the operation, empty if the request asks for none.
func (x *exchange) name() string {
	if x.op != nil {
		return x.op.name
	}
	return x.own
}

// attributes say which request a line of the log is about. The target is not among
// them as it was sent, for it holds the signature of a presigned request.
func (x *exchange) attributes() []slog.Attr {
	return []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("method", x.r.Method),
		slog.String("operation", x.name()),
		slog.String("bucket", x.bucket),
		slog.String("key", x.key),
	}
}
