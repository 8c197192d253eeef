package main

import (
	"io"
	"net/http"
	"time"
)

// stallTimeout is how long a connection may move no byte of a body, in either
// direction, while the server waits for its client. A transfer as a whole has no
// time limit: bodies are up to 5 GiB.
const stallTimeout = 60 * time.Second

// withPatience ends connections whose client has stalled for so long. The
// deadlines it sets are pushed ahead while bytes move; net/http sets its own ones
// between requests.
func withPatience(next http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		out := &patientWriter{ResponseWriter: w, deadline: deadline{stall: stall, set: control.SetWriteDeadline}}
		// The deadline of the connection's last request would still be in force.
		out.deadline.push()
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &patientBody{ReadCloser: r.Body, deadline: deadline{stall: stall, set: control.SetReadDeadline}}
		}
		next.ServeHTTP(out, r)
	})
}

// deadline is a deadline of a connection that moves with progress. It cannot be
// set on a connection that is closed, of which the next read or write tells.
type deadline struct {
	stall time.Duration
	set   func(time.Time) error
	at    time.Time // as it was last set; zero for none
}

// push sees to it that the deadline is nearly stall ahead. It leaves one alone
// that is, because setting one costs more than looking.
func (d *deadline) push() {
	now := time.Now()
	if d.at.Sub(now) > d.stall*3/4 {
		return
	}
	d.at = now.Add(d.stall)
	_ = d.set(d.at)
}

// lift removes the deadline.
func (d *deadline) lift() {
	if d.at.IsZero() {
		return
	}
	d.at = time.Time{}
	_ = d.set(d.at)
}

type patientBody struct {
	io.ReadCloser
	deadline deadline
}

// Read reads from the client, for a limited time without a byte. After the
// last byte the deadline is lifted: from there on net/http itself reads ahead to
// notice that a client has gone, and would take an expired deadline for that
// while the request is still being worked on.
func (b *patientBody) Read(p []byte) (int, error) {
	b.deadline.push()
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.deadline.lift()
	}
	return n, err
}

type patientWriter struct {
	http.ResponseWriter
	deadline deadline
}

// WriteHeader begins the answer.
func (w *patientWriter) WriteHeader(status int) {
	w.deadline.push()
	w.ResponseWriter.WriteHeader(status)
}

// Write writes to the client, for a limited time without progress.
func (w *patientWriter) Write(p []byte) (int, error) {
	w.deadline.push()
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
