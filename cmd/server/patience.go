package main

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// headWritten is how much of an answer net/http may hold back before its head has
// left for sure, bytes.
const headWritten = 64 << 10

// stallTimeout is how long a connection may move no byte of a body, in either
// direction, while the server waits for its client. A transfer as a whole has no
// time limit: bodies are up to 5 GiB.
const stallTimeout = 60 * time.Second

// withPatience ends connections whose client has stalled for so long. The
// deadlines it sets are pushed ahead while bytes move; net/http sets its own ones
// between requests. The request is copied, because net/http looks at the body in
// its own to know whether the client still waits for a 100, and does not wait for
// a body that will not come.
func withPatience(next http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		p := &patience{writer: patientWriter{ResponseWriter: w, deadline: writeDeadline(control, stall)}}
		// The deadline of the connection's last request would still be in force.
		p.writer.deadline.push()
		if r.Body != nil && r.Body != http.NoBody {
			p.body = patientBody{ReadCloser: r.Body, deadline: readDeadline(control, stall)}
			p.writer.body = &p.body
			r = r.WithContext(r.Context())
			r.Body = &p.body
		}
		next.ServeHTTP(&p.writer, r)
	})
}

// patience is that for one request.
type patience struct {
	writer patientWriter
	body   patientBody
}

// deadline is a deadline of a connection that moves with progress. It cannot be
// set on a connection that is closed, of which the next read or write tells.
type deadline struct {
	stall   time.Duration
	control *http.ResponseController
	set     func(*http.ResponseController, time.Time) error
	at      time.Time // as it was last set; zero for none
}

func readDeadline(c *http.ResponseController, stall time.Duration) deadline {
	return deadline{stall: stall, control: c, set: (*http.ResponseController).SetReadDeadline}
}

func writeDeadline(c *http.ResponseController, stall time.Duration) deadline {
	return deadline{stall: stall, control: c, set: (*http.ResponseController).SetWriteDeadline}
}

// push sees to it that the deadline is nearly stall ahead. It leaves one alone
// that is, because setting one costs more than looking.
func (d *deadline) push() { d.pushTo(d.stall) }

func (d *deadline) pushTo(ahead time.Duration) {
	now := time.Now()
	if d.at.Sub(now) > ahead-d.stall/4 {
		return
	}
	d.at = now.Add(ahead)
	_ = d.set(d.control, d.at)
}

// lift removes the deadline.
func (d *deadline) lift() {
	if d.at.IsZero() {
		return
	}
	d.at = time.Time{}
	_ = d.set(d.control, d.at)
}

type patientBody struct {
	io.ReadCloser
	deadline deadline
	ended    bool // there is nothing left to wait for
}

// Read reads from the client, for a limited time without a byte. After the
// last byte the deadline is lifted: from there on net/http itself reads ahead to
// notice that a client has gone, and would take an expired deadline for that
// while the request is still being worked on. A deadline that has passed stays, so
// that net/http does not wait for the rest either.
func (b *patientBody) Read(p []byte) (int, error) {
	b.deadline.push()
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended = true
	}
	if errors.Is(err, io.EOF) {
		b.deadline.lift()
	}
	return n, err
}

type patientWriter struct {
	http.ResponseWriter
	deadline deadline
	body     *patientBody // of the request, nil if it has none or is past waiting for
	written  int64
}

// WriteHeader begins the answer. What is left of the body net/http reads before
// the head leaves, for which there is as much time as for any part of a body, and
// then as much for the answer.
func (w *patientWriter) WriteHeader(status int) {
	w.deadline.push()
	if w.body != nil && !w.body.ended {
		w.body.deadline.push()
		w.deadline.pushTo(2 * w.deadline.stall)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes to the client, for a limited time without progress.
func (w *patientWriter) Write(p []byte) (int, error) {
	w.deadline.push()
	n, err := w.ResponseWriter.Write(p)
	if w.written += int64(n); w.body != nil && w.written > headWritten {
		w.body.deadline.lift() // as in patientBody.Read
		w.body = nil
	}
	return n, err
}

// Unwrap lets http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
