package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

// startHandler serves the S3 API from memory, with little patience, and returns a
// connection to it.
func startHandler(t *testing.T, stall time.Duration) net.Conn {
	t.Helper()
	st, err := store.Open("data", store.Options{Memory: true, Clock: clock.Wall{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	identities, err := openIdentities(config{memory: true}, st, slog.New(slog.DiscardHandler), defaultKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { identities.Close(context.Background()) })
	work := newBackground(config{}, st, slog.New(slog.DiscardHandler))
	t.Cleanup(work.close)
	handler, err := newHandler(config{}, st, slog.New(slog.DiscardHandler), identities, work)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(handler, slog.New(slog.DiscardHandler))
	server.Handler = withPatience(handler, stall)
	go server.Serve(watchConnections(server, listener, handler))
	t.Cleanup(func() { server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// converse says a request and returns the answer.
func converse(t *testing.T, conn net.Conn, request string) (status int, body string, closes bool) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Close
}

// A body whose rest does not come ends in RequestTimeout if it is wanted.
//
// spec: WI2.2-52
func TestStalledUpload(t *testing.T) {
	conn := startHandler(t, 50*time.Millisecond)
	head := signed(t, "PUT", "/bucket", "Content-Length: 0")
	if status, body, _ := converse(t, conn, head); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	head = signed(t, "PUT", "/bucket/key", "Content-Length: 1000")
	status, body, closes := converse(t, conn, head+"half")
	if status != 400 || !strings.Contains(body, "<Code>RequestTimeout</Code>") || !closes {
		t.Errorf("%d %s, closes %v; want 400 RequestTimeout and the end", status, body, closes)
	}
}

// Nor does a refusal wait longer for a body that nobody wants.
func TestStalledRefusedBody(t *testing.T) {
	conn := startHandler(t, 500*time.Millisecond)
	status, body, closes := converse(t, conn, signed(t, "PUT", "/none/key", "Content-Length: 1000")+"half")
	if status != 404 || !strings.Contains(body, "NoSuchBucket") || !closes {
		t.Errorf("%d %s, closes %v; want 404 and the end", status, body, closes)
	}
}

// The head that is kept is the one of the latest request, however it comes in, and
// a head that is another request's is not taken for it.
func TestWatchedHead(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	c := &watchedConn{Conn: ours, watching: true}
	read := func(text string) {
		go io.WriteString(theirs, text)
		if _, err := io.ReadFull(c, make([]byte, len(text))); err != nil {
			t.Fatal(err)
		}
	}
	const request = "PUT /k HTTP/1.1"
	for _, pieces := range [][]string{
		{request + "\r\ncontent-LENGTH:  5\r\nA: b\r\n\r\nA: body"},
		{"P", request[1:] + "\r\nContent-Length: 5\r\n\r", "\nA: x"},
	} {
		for _, piece := range pieces {
			read(piece)
		}
		if h := c.header(request); h.Get("Content-Length") != "5" || len(h["A"]) > 1 {
			t.Errorf("%q: header %v", pieces, h)
		}
		if h := c.header("PUT /other HTTP/1.1"); h != nil {
			t.Errorf("%q: header of another request: %v", pieces, h)
		}
		c.watch()
	}
	read(request[1:] + "\r\nContent-Length: 7\r\n\r\n") // its first byte came too early
	if h := c.header(request); h.Get("Content-Length") != "7" {
		t.Errorf("without its first byte: %v", h)
	}
	c.watch()
	read(request + "\r\nA: " + strings.Repeat("x", maxWatchedHead))
	if h := c.header(request); h != nil {
		t.Errorf("a head that is too long: %v", h)
	}
}

// What net/http answers by itself is known by its whole head, and nothing else is.
func TestUnreadableStatus(t *testing.T) {
	const head = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	for text, want := range map[string]int{
		"HTTP/1.1 400 Bad Request" + head + "400 Bad Request":                         400,
		"HTTP/1.1 400 Bad Request: missing required Host header" + head + "x":         400,
		"HTTP/1.1 431 Request Header Fields Too Large" + head + "x":                   431,
		"HTTP/1.1 501 Not Implemented" + head + "Unsupported transfer encoding":       501,
		"HTTP/1.1 505 HTTP Version Not Supported" + head + "x":                        0,
		"HTTP/1.1 200 OK\r\nA: b" + head + "x":                                        0,
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n": 0,
		"part of a body " + head + "x":                                                0,
	} {
		if status, ok := unreadableStatus([]byte(text)); ok != (want > 0) || ok && status != want {
			t.Errorf("%q: %d, %v", text, status, ok)
		}
	}
}

// signed returns the head of a signed request for any body.
func signed(t *testing.T, method, target string, lines ...string) string {
	t.Helper()
	return fmt.Sprintf("%s %s HTTP/1.1\r\n%s%s\r\n\r\n", method, target, signature(t, method, target), strings.Join(lines, "\r\n"))
}

// A watched connection can be closed by half, as net/http needs it.
func TestWatchedConnectionClosesByHalf(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	theirs, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours, err := watchedListener{Listener: listener}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := ours.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read after the end: %v", err)
	}
	if _, err := io.WriteString(theirs, "x"); err != nil {
		t.Errorf("write after the other side's end: %v", err)
	}
	if _, err := ours.Read(make([]byte, 1)); err != nil {
		t.Errorf("read after our end: %v", err)
	}
}
