package api

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// lockedBuffer is a buffer for logs.
type lockedBuffer struct {
	mu  sync.Mutex // protects buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// node is an element of an answer.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

// parseAnswer reads a document with the standard library's decoder, so that what
// is written is judged by another reader than the one of this package.
func parseAnswer(body []byte) (*node, error) {
	var n node
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&n); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the document: %v", err)
	}
	return &n, nil
}

func (n *node) child(name string) string {
	for i := range n.Children {
		if n.Children[i].XMLName.Local == name {
			return n.Children[i].Text
		}
	}
	return ""
}

// hidden are the elements and headers that a brief answer leaves out.
var hidden = []string{
	"ETag", "LastModified", "Size", "StorageClass", "Owner", "ChecksumAlgorithm", "ChecksumType",
	"RequestId", "HostId", "CreationDate",
}

// unremarkable are the elements that a brief answer leaves out if they say what
// they mostly do.
var unremarkable = map[string]string{
	"Prefix": "", "Marker": "", "KeyMarker": "", "VersionIdMarker": "", "MaxKeys": "1000", "IsTruncated": "false",
}

// renderer shows answers as text: a line for each element below the root, those
// with children in one line.
type renderer struct {
	all     bool // hide nothing
	rename  func(element, value string) string
	builder strings.Builder
}

func (r *renderer) document(root *node) {
	r.builder.WriteString(root.XMLName.Local + "\n")
	for i := range root.Children {
		c := &root.Children[i]
		if r.hides(c) {
			continue
		}
		r.builder.WriteString("  " + c.XMLName.Local + ":")
		if len(c.Children) > 0 {
			r.line(c)
		} else if text := r.rename(c.XMLName.Local, c.Text); text != "" {
			r.builder.WriteString(" " + quoteOdd(text))
		}
		r.builder.WriteString("\n")
	}
	if len(root.Children) == 0 && root.Text != "" {
		r.builder.WriteString("  " + quoteOdd(root.Text) + "\n")
	}
}

func (r *renderer) line(n *node) {
	for i := range n.Children {
		c := &n.Children[i]
		if r.hides(c) {
			continue
		}
		if len(c.Children) > 0 {
			r.builder.WriteString(" " + c.XMLName.Local + "(")
			r.line(c)
			r.builder.WriteString(" )")
			continue
		}
		r.builder.WriteString(" " + c.XMLName.Local + "=" + quoteOdd(r.rename(c.XMLName.Local, c.Text)))
	}
}

func (r *renderer) hides(n *node) bool {
	name := n.XMLName.Local
	if name == "RequestId" || name == "HostId" {
		return true
	}
	usual, ok := unremarkable[name]
	return !r.all && (slices.Contains(hidden, name) || ok && n.Text == usual && len(n.Children) == 0)
}

// plainText is text that can stand in an answer without quotes.
var plainText = regexp.MustCompile(`^[ -~]+$`)

func quoteOdd(s string) string {
	if s == "" || plainText.MatchString(s) {
		return shorten(s)
	}
	return shorten(fmt.Sprintf("%+q", s))
}

// shorten writes long runs of one character as {c*n}.
func shorten(s string) string {
	var out strings.Builder
	for len(s) > 0 {
		run := len(s) - len(strings.TrimLeft(s, s[:1]))
		if run > 40 {
			fmt.Fprintf(&out, "{%s*%d}", s[:1], run)
		} else {
			out.WriteString(s[:run])
		}
		s = s[run:]
	}
	return out.String()
}
