package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// What a text may measure, so that no policy costs much to read.
const (
	maxText  = 64 << 10 // bytes with white space
	maxDepth = 16       // of objects and lists; a policy needs six
)

// Amazon's messages about the text as such.
const (
	notJSON     = "Policies must be valid JSON and the first byte must be '{'"
	invalidJSON = "This policy contains invalid Json"
	tooLarge    = "Normalized policy document exceeds the maximum allowed size of %d bytes"
	badSyntax   = "Invalid policy syntax."
)

// nodeKind is the kind of a JSON value.
type nodeKind uint8

const (
	stringNode nodeKind = iota + 1
	scalarNode          // number, true or false
	nullNode
	objectNode
	listNode
)

// node is a JSON value and where it begins.
type node struct {
	kind    nodeKind
	offset  int
	text    string // of a string or scalar
	members []member
	items   []*node
}

// member is a name and its value.
type member struct {
	name   string
	offset int // of the name
	value  *node
}

// member returns the value of a name, and nil if n has none.
func (n *node) member(name string) *node {
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// reader reads JSON strictly: no name twice in an object, nothing after the
// value, only UTF-8.
type reader struct {
	text    []byte
	decoder *json.Decoder
	depth   int
}

// readObject returns the object that text is, of at most size bytes without
// white space.
func readObject(text []byte, size int) (*node, error) {
	r := &reader{text: text}
	switch {
	case len(text) == 0 || text[0] != '{':
		return nil, r.fail(0, notJSON, "")
	case len(text) > maxText:
		return nil, r.fail(0, fmt.Sprintf(tooLarge, size), "")
	case !utf8.Valid(text):
		return nil, r.fail(firstInvalid(text), invalidJSON, "not UTF-8")
	}
	r.decoder = json.NewDecoder(bytes.NewReader(text))
	r.decoder.UseNumber()
	n, err := r.value()
	if err != nil {
		return nil, err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(r.next(), invalidJSON, "something follows the policy")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, r.fail(0, invalidJSON, err.Error())
	}
	if compact.Len() > size {
		return nil, r.fail(0, fmt.Sprintf(tooLarge, size), fmt.Sprintf("%d bytes", compact.Len()))
	}
	return n, nil
}

// value reads the next value.
func (r *reader) value() (*node, error) {
	n := &node{offset: r.next()}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, r.broken(err)
	}
	switch t := token.(type) {
	case string:
		n.kind, n.text = stringNode, t
	case json.Number:
		n.kind, n.text = scalarNode, t.String()
	case bool:
		n.kind, n.text = scalarNode, fmt.Sprint(t)
	case nil:
		n.kind = nullNode
	case json.Delim:
		return r.container(n, t)
	}
	return n, nil
}

// container reads the rest of an object or a list.
func (r *reader) container(n *node, opened json.Delim) (*node, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, r.fail(n.offset, invalidJSON, "nested too deep")
	}
	read := r.item
	n.kind = listNode
	if opened == '{' {
		n.kind, read = objectNode, r.member
	}
	for r.decoder.More() {
		if err := read(n); err != nil {
			return nil, err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return nil, r.broken(err)
	}
	r.depth--
	return n, nil
}

func (r *reader) item(n *node) error {
	v, err := r.value()
	n.items = append(n.items, v)
	return err
}

func (r *reader) member(n *node) error {
	offset := r.next()
	token, err := r.decoder.Token()
	if err != nil {
		return r.broken(err)
	}
	name, ok := token.(string)
	if !ok {
		return r.fail(offset, invalidJSON, "a name is expected")
	}
	if n.member(name) != nil {
		return r.fail(offset, invalidJSON, fmt.Sprintf("%q occurs twice", name))
	}
	v, err := r.value()
	n.members = append(n.members, member{name, offset, v})
	return err
}

// next returns where the next token begins.
func (r *reader) next() int {
	i := int(r.decoder.InputOffset())
	for i < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[i]) >= 0 {
		i++
	}
	return i
}

// broken is the error for what the decoder refused.
func (r *reader) broken(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		// Within a string or number the offset is one past what is wrong, between
		// tokens it is before it.
		return r.fail(max(int(syntax.Offset)-1, r.next()), invalidJSON, syntax.Error())
	}
	return r.fail(len(r.text), invalidJSON, "it ends too early")
}

func (r *reader) fail(offset int, message, detail string) error {
	return syntaxError(r.text, offset, message, detail)
}

// syntaxError is the error at a byte of text.
func syntaxError(text []byte, offset int, message, detail string) *SyntaxError {
	line, column := position(text, offset)
	return &SyntaxError{Line: line, Column: column, Message: message, Detail: detail}
}

// position returns line and column of a byte, both from 1.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}
