package api

import (
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	xmlProlog = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// documentFlush is how many bytes of a document are gathered before they leave.
const documentFlush = 32 << 10

// document writes an XML document in pieces. It writes what encoding/xml cannot:
// characters that XML 1.0 forbids, as references, for keys may hold them (spec
// WI2.1-2, LS1-6).
type document struct {
	w       io.Writer
	buf     []byte
	pending bool  // a start tag lacks its ">"
	err     error // of the first write that failed
}

// documents keeps buffers from one answer to the next.
var documents = sync.Pool{New: func() any { return &document{buf: make([]byte, 0, documentFlush+4096)} }}

// newDocument begins a document on w with the given root element, in the S3
// namespace unless plain. The caller ends it.
func newDocument(w io.Writer, root string, plain bool) *document {
	d := documents.Get().(*document)
	d.w = w
	d.buf = append(d.buf[:0], xmlProlog...)
	d.open(root)
	if !plain {
		d.buf = append(d.buf, ` xmlns="`+namespace+`"`...)
	}
	return d
}

// open begins an element.
func (d *document) open(name string) {
	d.finishTag()
	d.buf = append(d.buf, '<')
	d.buf = append(d.buf, name...)
	d.pending = true
}

// close ends the element of the given name; one without content as <name/>.
func (d *document) close(name string) {
	if d.pending {
		d.buf = append(d.buf, '/', '>')
		d.pending = false
		return
	}
	d.buf = append(d.buf, '<', '/')
	d.buf = append(d.buf, name...)
	d.buf = append(d.buf, '>')
	if len(d.buf) >= documentFlush {
		d.flush()
	}
}

// text writes an element that holds value.
func (d *document) text(name, value string) {
	d.open(name)
	d.chars(value)
	d.close(name)
}

// chars writes value as content of the element that is open.
func (d *document) chars(value string) {
	if value == "" {
		return
	}
	d.finishTag()
	d.buf = appendEscaped(d.buf, value)
}

// number writes an element that holds n.
func (d *document) number(name string, n int64) {
	d.open(name)
	d.finishTag()
	d.buf = strconv.AppendInt(d.buf, n, 10)
	d.close(name)
}

// date writes an element that holds a time, to the second (spec LS1-9).
func (d *document) date(name string, t time.Time) {
	d.open(name)
	d.finishTag()
	d.buf = appendTimestamp(d.buf, t)
	d.close(name)
}

// etag writes an element that holds an ETag with its quotes.
func (d *document) etag(name, value string) {
	d.open(name)
	d.finishTag()
	d.buf = append(d.buf, "&quot;"...)
	d.buf = appendEscaped(d.buf, value)
	d.buf = append(d.buf, "&quot;"...)
	d.close(name)
}

// flag writes an element that holds true or false.
func (d *document) flag(name string, value bool) {
	if value {
		d.text(name, "true")
		return
	}
	d.text(name, "false")
}

// end closes the root element, sends the rest and gives the buffer back. It
// returns the first error of writing: the client is gone.
func (d *document) end(root string) error {
	d.close(root)
	d.flush()
	err := d.err
	*d = document{buf: d.buf[:0]}
	documents.Put(d)
	return err
}

func (d *document) finishTag() {
	if d.pending {
		d.buf = append(d.buf, '>')
		d.pending = false
	}
}

func (d *document) flush() {
	if d.err == nil && len(d.buf) > 0 {
		_, d.err = d.w.Write(d.buf)
	}
	d.buf = d.buf[:0]
}

// appendEscaped appends s as XML character data (spec WI2.1-2).
func appendEscaped(dst []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError && n == 1 {
				dst = append(dst, s[done:i]...)
				dst = appendReference(dst, r)
				done = i + n
			}
			i += n
			continue
		}
		if c >= ' ' && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'' || c == '\t' || c == '\n' {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		dst = appendReference(dst, rune(c))
		i++
		done = i
	}
	return append(dst, s[done:]...)
}

func appendReference(dst []byte, r rune) []byte {
	switch r {
	case '&':
		return append(dst, "&amp;"...)
	case '<':
		return append(dst, "&lt;"...)
	case '>':
		return append(dst, "&gt;"...)
	case '"':
		return append(dst, "&quot;"...)
	case '\'':
		return append(dst, "&apos;"...)
	case '\r':
		return append(dst, "&#13;"...)
	}
	const digits = "0123456789ABCDEF"
	dst = append(dst, "&#x"...)
	for shift := 12; shift >= 0; shift -= 4 {
		if r>>shift != 0 || shift == 0 {
			dst = append(dst, digits[r>>shift&15])
		}
	}
	return append(dst, ';')
}

// appendURLEncoded appends s as encoding-type=url shows it: form encoding, with
// the slash left alone (spec LS1-5).
func appendURLEncoded(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// appendTimestamp appends t as documents show it: to the second.
func appendTimestamp(dst []byte, t time.Time) []byte {
	return t.UTC().Truncate(time.Second).AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// quoteETag puts the quotes around an ETag that all headers show.
func quoteETag(etag string) string { return `"` + etag + `"` }
