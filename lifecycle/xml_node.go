package lifecycle

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// errSchema says that a document is not well-formed or not of its schema.
var errSchema = errors.New("malformed XML")

// maxDepth bounds the nesting of a document; the schema needs six.
const maxDepth = 16

// node is an element of a document: it holds text or other elements. Names are
// without their namespace, which may be missing.
type node struct {
	name     string
	text     []byte
	children []*node
}

// parseTree reads a whole document. Document type declarations are refused.
func parseTree(document []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\ufeff"))))
	d.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") {
			return input, nil // a part of UTF-8
		}
		return nil, errSchema
	}
	outside := &node{}
	open := []*node{outside}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errSchema
		}
		if open, err = place(open, token); err != nil {
			return nil, err
		}
	}
	if len(outside.children) != 1 || !outside.isContainer() {
		return nil, errSchema
	}
	return outside.children[0], nil
}

// place puts a token where it belongs and returns the elements that are open then.
func place(open []*node, token xml.Token) ([]*node, error) {
	inner := open[len(open)-1]
	switch t := token.(type) {
	case xml.StartElement:
		if len(open) == maxDepth {
			return nil, errSchema
		}
		n := &node{name: t.Name.Local}
		inner.children = append(inner.children, n)
		return append(open, n), nil
	case xml.EndElement:
		return open[:len(open)-1], nil
	case xml.CharData:
		inner.text = append(inner.text, t...)
	case xml.Directive:
		return nil, errSchema
	}
	return open, nil
}

// isContainer reports whether n holds no text but white space.
func (n *node) isContainer() bool { return len(bytes.Trim(n.text, xmlSpace)) == 0 }

// xmlSpace is what counts as white space in XML.
const xmlSpace = " \t\r\n"

// fields returns the children of n for reading.
func (n *node) fields() *fields { return &fields{left: n.children, bad: !n.isContainer()} }

// fields are the children of an element, which are taken by name, in any order. What
// is wrong is remembered until done is called.
type fields struct {
	left []*node
	bad  bool
}

// done returns an error if a child was not as asked for, or one is left over.
func (f *fields) done() error {
	if f.bad || len(f.left) > 0 {
		return errSchema
	}
	return nil
}

// many takes all children of a name.
func (f *fields) many(name string) (taken []*node) {
	var left []*node
	for _, n := range f.left {
		if n.name == name {
			taken = append(taken, n)
		} else {
			left = append(left, n)
		}
	}
	f.left = left
	return taken
}

// one takes the child of a name, nil if there is none; there is at most one.
func (f *fields) one(name string) *node {
	taken := f.many(name)
	if len(taken) > 1 {
		f.bad = true
	}
	if len(taken) == 0 {
		return nil
	}
	return taken[0]
}

// value takes a child that holds text.
func (f *fields) value(name string) (text string, ok bool) {
	n := f.one(name)
	if n == nil {
		return "", false
	}
	if len(n.children) > 0 {
		f.bad = true
	}
	return string(n.text), true
}

// token takes a child whose text says the same with white space around it: a number,
// a date or a flag.
func (f *fields) token(name string) (text string, ok bool) {
	text, ok = f.value(name)
	return strings.Trim(text, xmlSpace), ok
}

// number takes a child that holds a whole number of so many bits.
func (f *fields) number(name string, bits int) (n int64, ok bool) {
	text, ok := f.token(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, bits)
	f.bad = f.bad || err != nil
	return n, true
}

// days takes a child that holds a count.
func (f *fields) days(name string) (n int, ok bool) {
	wide, ok := f.number(name, 32)
	return int(wide), ok
}

// flag takes a child that holds true or false.
func (f *fields) flag(name string) (value, ok bool) {
	text, ok := f.token(name)
	if !ok {
		return false, false
	}
	switch text {
	case "true", "TRUE":
		return true, true
	case "false", "FALSE":
		return false, true
	}
	f.bad = true
	return false, true
}

// dateForms are the forms of ISO 8601 in which a Date may be sent; a fraction of a
// second may follow (spec LC3-15, LC3-17). One without a zone is in UTC.
var dateForms = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02"}

// date takes a child that holds a date, and returns its text too.
func (f *fields) date(name string) (t time.Time, text string, ok bool) {
	if text, ok = f.token(name); !ok {
		return time.Time{}, "", false
	}
	for _, form := range dateForms {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		t = t.UTC()
		if t.After(time.Time{}) && t.Year() <= 9999 { // the zero time means none
			return t, text, true
		}
	}
	f.bad = true
	return time.Time{}, text, true
}
