package api

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

// errXML says that a document is not well-formed or not of its schema.
var errXML = errors.New("malformed XML")

// maxDepth bounds the nesting of a document; no S3 document comes near it.
const maxDepth = 16

// xmlReader reads a document from front to back: an element's children with
// child, or its text with text. It accepts what encoding/xml does not, references
// to characters that XML 1.0 forbids, for keys may hold them (spec VD5-29), and
// refuses document type declarations, so that there are no entities but the five
// of XML (spec WI2.1-2). Names are compared without their namespace.
type xmlReader struct {
	rest    []byte
	names   [][]byte // of the open elements, as written
	empty   bool     // the innermost one is of the form <name/>
	scratch []byte   // for text
}

// openXML begins a document, whose root element has to be of the given name.
func openXML(data []byte, root string) (*xmlReader, error) {
	r := &xmlReader{rest: bytes.TrimPrefix(data, []byte("\ufeff"))}
	if !utf8.Valid(data) || !r.declaresUTF8() {
		return nil, errXML
	}
	name, ok, err := r.child()
	if err != nil || !ok || name != root {
		return nil, errXML
	}
	return r, nil
}

// declaresUTF8 reports whether the XML declaration, if there is one, names UTF-8
// or no encoding: bytes of another one would be taken for the wrong characters.
func (r *xmlReader) declaresUTF8() bool {
	declaration, ok, err := r.section("<?xml ", "?>")
	_, encoding, named := bytes.Cut(declaration, []byte("encoding"))
	if err != nil || !ok || !named {
		return err == nil
	}
	encoding = bytes.Trim(encoding, " \t\r\n='\"")
	name, _, _ := bytes.Cut(encoding, []byte{' '})
	name = bytes.Trim(name, "'\"")
	return bytes.EqualFold(name, []byte("utf-8")) || bytes.EqualFold(name, []byte("us-ascii"))
}

// finish checks that the root element was closed and nothing follows it.
func (r *xmlReader) finish() error {
	if err := r.skipMisc(); err != nil || len(r.names) > 0 || len(r.rest) > 0 {
		return errXML
	}
	return nil
}

// child enters the next child of the open element and returns its name. At the
// end of the open element it leaves it and returns false. Text is refused.
func (r *xmlReader) child() (string, bool, error) {
	if r.empty {
		r.leave()
		return "", false, nil
	}
	if err := r.skipMisc(); err != nil {
		return "", false, err
	}
	if len(r.rest) < 2 || r.rest[0] != '<' {
		return "", false, errXML
	}
	if r.rest[1] == '/' {
		return "", false, r.endTag()
	}
	name, err := r.startTag()
	return name, true, err
}

// text returns the text of the open element, which has no children, and leaves it.
func (r *xmlReader) text() (string, error) {
	if r.empty {
		r.leave()
		return "", nil
	}
	out := r.scratch[:0]
	for {
		i := bytes.IndexByte(r.rest, '<')
		if i < 0 {
			return "", errXML
		}
		if len(out) == 0 && isPlain(r.rest[:i]) && bytes.HasPrefix(r.rest[i:], []byte("</")) {
			text := string(r.rest[:i])
			r.rest = r.rest[i:]
			return text, r.endTag()
		}
		var err error
		if out, err = appendText(out, r.rest[:i]); err != nil {
			return "", err
		}
		r.rest = r.rest[i:]
		if bytes.HasPrefix(r.rest, []byte("</")) {
			r.scratch = out
			return string(out), r.endTag()
		}
		if out, err = r.appendSection(out); err != nil {
			return "", err
		}
	}
}

// isPlain reports whether text is ASCII that means itself wherever it stands.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '&' || c == ']' {
			return false
		}
	}
	return true
}

// appendSection appends what stands in text besides characters and references: a
// CDATA section, or a comment or instruction, which says nothing.
func (r *xmlReader) appendSection(out []byte) ([]byte, error) {
	cdata, ok, err := r.section("<![CDATA[", "]]>")
	if err == nil && ok {
		return appendChars(out, cdata)
	}
	if err == nil {
		ok, err = r.skipOne()
	}
	if err != nil || !ok {
		return nil, errXML
	}
	return out, nil
}

// section takes what stands between begin and end if the rest starts with begin.
func (r *xmlReader) section(begin, end string) (content []byte, ok bool, err error) {
	rest, ok := bytes.CutPrefix(r.rest, []byte(begin))
	if !ok {
		return nil, false, nil
	}
	content, rest, ok = bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, false, errXML
	}
	r.rest = rest
	return content, true, nil
}

// skipOne passes over a comment or processing instruction, if one is next.
func (r *xmlReader) skipOne() (bool, error) {
	if _, ok, err := r.section("<!--", "-->"); ok || err != nil {
		return ok, err
	}
	_, ok, err := r.section("<?", "?>")
	return ok, err
}

// skipMisc passes over white space, comments and processing instructions.
func (r *xmlReader) skipMisc() error {
	for {
		r.rest = skipSpace(r.rest)
		if len(r.rest) > 1 && r.rest[1] != '!' && r.rest[1] != '?' {
			return nil // a tag, as almost always
		}
		ok, err := r.skipOne()
		if !ok || err != nil {
			return err
		}
	}
}

// startTag reads a start tag and opens its element.
func (r *xmlReader) startTag() (string, error) {
	name, rest := cutName(r.rest[1:])
	if len(name) == 0 || len(r.names) == maxDepth {
		return "", errXML
	}
	for {
		trimmed := skipSpace(rest)
		switch {
		case bytes.HasPrefix(trimmed, []byte(">")):
			r.rest, r.empty = trimmed[1:], false
		case bytes.HasPrefix(trimmed, []byte("/>")):
			r.rest, r.empty = trimmed[2:], true
		case len(trimmed) == len(rest): // attributes are set off by white space
			return "", errXML
		default:
			var err error
			if rest, err = cutAttribute(trimmed); err != nil {
				return "", err
			}
			continue
		}
		r.names = append(r.names, name)
		return localName(name), nil
	}
}

// endTag reads an end tag, which has to be that of the open element.
func (r *xmlReader) endTag() error {
	name, rest := cutName(r.rest[2:])
	rest = skipSpace(rest)
	if len(r.names) == 0 || !bytes.Equal(name, r.names[len(r.names)-1]) || !bytes.HasPrefix(rest, []byte(">")) {
		return errXML
	}
	r.rest = rest[1:]
	r.leave()
	return nil
}

func (r *xmlReader) leave() {
	r.names, r.empty = r.names[:len(r.names)-1], false
}

// skipSpace returns s without the white space it begins with.
func skipSpace(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\n' || s[0] == '\t' || s[0] == '\r') {
		s = s[1:]
	}
	return s
}

// cutName takes the name that s begins with, empty if it begins with none.
func cutName(s []byte) (name, rest []byte) {
	n := 0
	for n < len(s) && isNameByte(s[n], n == 0) {
		n++
	}
	return s[:n], s[n:]
}

func isNameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':', c >= utf8.RuneSelf:
		return true
	}
	return !first && ('0' <= c && c <= '9' || c == '-' || c == '.')
}

// localName returns a name without its namespace prefix.
func localName(name []byte) string {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	switch string(name) { // without making a string of each
	case "Object":
		return "Object"
	case "Key":
		return "Key"
	case "VersionId":
		return "VersionId"
	case "ETag":
		return "ETag"
	}
	return string(name)
}

// cutAttribute passes over the attribute that s begins with: all that S3's
// documents have are namespace declarations.
func cutAttribute(s []byte) ([]byte, error) {
	name, rest := cutName(s)
	rest, ok := bytes.CutPrefix(skipSpace(rest), []byte("="))
	rest = skipSpace(rest)
	if len(name) == 0 || !ok || len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return nil, errXML
	}
	value, after, ok := bytes.Cut(rest[1:], rest[:1])
	if !ok || bytes.IndexByte(value, '<') >= 0 {
		return nil, errXML
	}
	if _, err := appendText(nil, value); err != nil {
		return nil, err
	}
	return after, nil
}

// appendText appends character data with its references resolved.
func appendText(dst, text []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return appendCharData(dst, text)
		}
		var err error
		if dst, err = appendCharData(dst, text[:i]); err != nil {
			return nil, err
		}
		name, rest, ok := bytes.Cut(text[i+1:], []byte(";"))
		if !ok {
			return nil, errXML
		}
		if dst, err = appendResolved(dst, string(name)); err != nil {
			return nil, err
		}
		text = rest
	}
}

// appendCharData is appendChars for text outside CDATA sections, where the end of
// one may not stand.
func appendCharData(dst, text []byte) ([]byte, error) {
	if bytes.Contains(text, []byte("]]>")) {
		return nil, errXML
	}
	return appendChars(dst, text)
}

// appendChars appends characters that were sent as themselves. Those that XML 1.0
// forbids are refused, and each line end becomes a line feed, as XML has it.
func appendChars(dst, text []byte) ([]byte, error) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return nil, errXML
		}
		if c == 0xEF && (bytes.HasPrefix(text[i:], []byte("\uFFFE")) || bytes.HasPrefix(text[i:], []byte("\uFFFF"))) {
			return nil, errXML
		}
		if c == '\r' {
			if i+1 < len(text) && text[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		dst = append(dst, c)
	}
	return dst, nil
}

// appendResolved appends the character that the reference &name; stands for. All
// of Unicode but U+0000 may be referred to, as in XML 1.1 (spec VD5-29).
func appendResolved(dst []byte, name string) ([]byte, error) {
	switch name {
	case "amp":
		return append(dst, '&'), nil
	case "lt":
		return append(dst, '<'), nil
	case "gt":
		return append(dst, '>'), nil
	case "quot":
		return append(dst, '"'), nil
	case "apos":
		return append(dst, '\''), nil
	}
	if len(name) < 2 || name[0] != '#' {
		return nil, errXML
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n == 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return nil, errXML
	}
	return utf8.AppendRune(dst, rune(n)), nil
}
