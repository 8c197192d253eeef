package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
)

// Plain connections are watched while the head of a request comes in, for two
// things that net/http does not tell: that a chunked request had a Content-Length
// besides, and what it was that it could not read. Over TLS nothing is seen, and
// net/http's own answers stand.

// maxWatchedHead bounds what is kept of a head, bytes. A longer one is not judged.
const maxWatchedHead = 16 << 10

// unreadableHead is how net/http begins the header of an answer that it gives by
// itself. No answer of the handler begins so.
var unreadableHead = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// refuser writes the answer to a request that net/http could not read.
type refuser interface {
	Unreadable(w io.Writer, status int, encoding string) error
}

// watchedListener watches the connections it accepts.
type watchedListener struct {
	net.Listener
	refuser refuser
}

// Accept waits for the next connection.
func (l watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c, refuser: l.refuser, watching: true}, nil
}

// watchedConn is a connection that knows the head of its latest request.
type watchedConn struct {
	net.Conn
	refuser refuser

	mu       sync.Mutex // protects the rest
	head     []byte
	watching bool // the end of the head has not come yet
}

// Read reads, and keeps what may be a head.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.watching {
		return n, err
	}
	from := max(len(c.head)-3, 0)
	c.head = append(c.head, p[:n]...)
	if at := bytes.Index(c.head[from:], []byte("\r\n\r\n")); at >= 0 {
		c.head, c.watching = c.head[:from+at+4], false
	} else if len(c.head) > maxWatchedHead {
		c.head, c.watching = c.head[:0], false
	}
	return n, err
}

// Write writes, and puts an answer of S3 in the place of one that net/http gives by
// itself.
func (c *watchedConn) Write(p []byte) (int, error) {
	status, ok := unreadableStatus(p)
	if !ok {
		return c.Conn.Write(p)
	}
	var answer bytes.Buffer
	if err := c.refuser.Unreadable(&answer, status, strings.Join(c.header("")["Transfer-Encoding"], ",")); err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(answer.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite ends what this side says. net/http does that to let a client that is
// still sending read its answer before the connection is gone.
func (c *watchedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// maxUnreadable is more than net/http says by itself, bytes.
const maxUnreadable = 512

// unreadableStatus returns the status of an answer that net/http gave by itself.
func unreadableStatus(p []byte) (status int, ok bool) {
	if len(p) > maxUnreadable {
		return 0, false
	}
	line, rest, _ := bytes.Cut(p, unreadableHead)
	if rest == nil || bytes.ContainsAny(line, "\r\n") {
		return 0, false
	}
	text, ok := strings.CutPrefix(string(line), "HTTP/1.1 ")
	if !ok || len(text) < 3 {
		return 0, false
	}
	status, err := strconv.Atoi(text[:3])
	return status, err == nil && (status == http.StatusBadRequest ||
		status == http.StatusRequestHeaderFieldsTooLarge || status == http.StatusNotImplemented)
}

// watch begins anew with the next request.
func (c *watchedConn) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.watching = c.head[:0], true
}

// header returns the header of the head that was kept, nil if it is another
// request's: a client that does not wait for answers is ahead of them. Empty stands
// for any request. The first byte can be missing, for it may have come before the
// connection was known to be idle.
func (c *watchedConn) header(request string) textproto.MIMEHeader {
	c.mu.Lock()
	head := string(c.head)
	c.mu.Unlock()
	line, fields, _ := strings.Cut(head, "\r\n")
	if request != "" && line != request && line != request[1:] {
		return nil
	}
	header := make(textproto.MIMEHeader)
	for field := range strings.SplitSeq(fields, "\r\n") {
		if name, value, ok := strings.Cut(field, ":"); ok {
			header.Add(name, strings.TrimSpace(value))
		}
	}
	return header
}

// connectionKey is where the context of a request has its watched connection.
type connectionKey struct{}

// watchConnections makes a server of plain connections watch them.
func watchConnections(server *http.Server, listener net.Listener, r refuser) net.Listener {
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if watched, ok := c.(*watchedConn); ok && state == http.StateIdle {
			watched.watch()
		}
	}
	server.Handler = withBothLengths(server.Handler)
	return watchedListener{Listener: listener, refuser: r}
}

// withBothLengths gives a chunked request the Content-Length that it was sent with
// besides, which net/http takes away: the handler refuses to choose.
func withBothLengths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, watched := r.Context().Value(connectionKey{}).(*watchedConn)
		if !watched || len(r.TransferEncoding) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		if both := c.header(r.Method + " " + r.RequestURI + " " + r.Proto)["Content-Length"]; len(both) > 0 {
			r.Header["Content-Length"] = both
		}
		next.ServeHTTP(w, r)
	})
}
