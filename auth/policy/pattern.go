package policy

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// The wildcards of a pattern. They are bytes that occur in no UTF-8 text, so
// that a star which is meant as such, written ${*}, stays a star.
const (
	anyRun = '\xff' // "*", any characters or none, "/" included (AP2-1)
	anyOne = '\xfe' // "?", one character
)

// match reports whether a pattern matches all of s.
func match(pattern, s string) bool {
	g := newGlob(pattern)
	return g.match(s)
}

// glob is a pattern cut at its stars.
type glob struct {
	prefix piece
	middle []piece // between two stars
	suffix piece   // after the last star
	stars  bool    // if not, prefix is everything
}

// piece is a run of a pattern without stars.
type piece struct {
	text string
	ones bool // anyOne occurs
}

func newPiece(s string) piece { return piece{s, strings.IndexByte(s, anyOne) >= 0} }

func newGlob(pattern string) glob {
	before, rest, stars := strings.Cut(pattern, string([]byte{anyRun}))
	g := glob{prefix: newPiece(before), stars: stars}
	for stars {
		if before, rest, stars = strings.Cut(rest, string([]byte{anyRun})); !stars {
			g.suffix = newPiece(before)
		} else if before != "" {
			g.middle = append(g.middle, newPiece(before))
		}
	}
	return g
}

// match reports whether the pattern matches all of s. Each run between two stars
// is looked for once, from left to right, so that stars do not multiply the time.
func (g *glob) match(s string) bool {
	n, ok := g.prefix.begins(s)
	if !ok || !g.stars {
		return ok && n == len(s)
	}
	s = s[n:]
	n, ok = g.suffix.ends(s)
	if !ok {
		return false
	}
	s = s[:len(s)-n]
	for i := range g.middle {
		if n = g.middle[i].find(s); n < 0 {
			return false
		}
		s = s[n:]
	}
	return true
}

// begins reports whether s begins with the piece, and how many bytes that takes.
func (p *piece) begins(s string) (int, bool) {
	if !p.ones {
		return len(p.text), strings.HasPrefix(s, p.text)
	}
	i := 0
	for j := range len(p.text) {
		if i >= len(s) {
			return 0, false
		}
		switch p.text[j] {
		case anyOne:
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
		case s[i]:
			i++
		default:
			return 0, false
		}
	}
	return i, true
}

// ends reports whether s ends with the piece, and how many bytes that takes.
func (p *piece) ends(s string) (int, bool) {
	if !p.ones {
		return len(p.text), strings.HasSuffix(s, p.text)
	}
	rest := s
	for j := len(p.text) - 1; j >= 0; j-- {
		n := 1
		switch {
		case rest == "":
			return 0, false
		case p.text[j] == anyOne:
			_, n = utf8.DecodeLastRuneInString(rest)
		case p.text[j] != rest[len(rest)-1]:
			return 0, false
		}
		rest = rest[:len(rest)-n]
	}
	return len(s) - len(rest), true
}

// find returns the end of the first place where the piece matches, and -1 if it
// matches nowhere.
func (p *piece) find(s string) int {
	if !p.ones {
		i := strings.Index(s, p.text)
		if i < 0 {
			return -1
		}
		return i + len(p.text)
	}
	one := strings.IndexByte(p.text, anyOne)
	for start := 0; ; {
		i := strings.Index(s[start:], p.text[:one])
		if i < 0 || start+i == len(s) {
			return -1
		}
		start += i
		if n, ok := p.begins(s[start:]); ok {
			return start + n
		}
		_, n := utf8.DecodeRuneInString(s[start:])
		start += n
	}
}

// text is a string of a policy in which variables may stand.
type text struct {
	fixed string // all of it, if there is no variable; if there is, with anyRun in place of each
	glob  glob   // fixed as a pattern
	parts []part // nil if there is no variable
}

// part is a piece of a text: a literal, or a variable where the key is set.
type part struct {
	literal  string
	variable keyName
	fallback string // "${key, 'fallback'}"
	has      bool   // a fallback was given, maybe ""
}

var (
	errOpenVariable = errors.New("a policy variable is not closed")
	errVariable     = errors.New("a policy variable is not well formed")
)

// compileText reads a string. wild says that "*" and "?" are wildcards,
// variables that "${" begins a variable, as since version 2012-10-17.
func compileText(s string, wild, variables bool) (text, error) {
	var parts []part
	var literal []byte
	for i := 0; i < len(s); i++ {
		if !variables || !strings.HasPrefix(s[i:], "${") {
			literal = append(literal, wildcard(s[i], wild))
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return text{}, errOpenVariable
		}
		inside := s[i+2 : i+end]
		i += end
		if len(inside) == 1 && strings.Contains("*?$", inside) {
			literal = append(literal, inside[0])
			continue
		}
		v, err := compileVariable(inside)
		if err != nil {
			return text{}, err
		}
		parts = append(parts, part{literal: string(literal)}, v)
		literal = nil
	}
	if parts == nil {
		return text{fixed: string(literal), glob: newGlob(string(literal))}, nil
	}
	return variableText(append(parts, part{literal: string(literal)})), nil
}

// variableText is the text of literals and variables.
func variableText(parts []part) text {
	var widest []byte
	for _, p := range parts {
		if p.variable.name != "" {
			widest = append(widest, anyRun)
		}
		widest = append(widest, p.literal...)
	}
	return text{fixed: string(widest), glob: newGlob(string(widest)), parts: parts}
}

func wildcard(c byte, wild bool) byte {
	switch {
	case wild && c == '*':
		return anyRun
	case wild && c == '?':
		return anyOne
	}
	return c
}

// compileVariable reads what stands in "${...}": a key and maybe a default in
// single quotes.
func compileVariable(s string) (part, error) {
	name, rest, defaulted := strings.Cut(s, ",")
	name = strings.TrimSpace(name)
	if !strings.Contains(name, ":") || strings.ContainsAny(name, " $*?{'") {
		return part{}, errVariable
	}
	p := part{variable: newKeyName(name), has: defaulted}
	if !defaulted {
		return p, nil
	}
	rest = strings.TrimSpace(rest)
	if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' {
		return part{}, errVariable
	}
	p.fallback = rest[1 : len(rest)-1]
	return p, nil
}

// expand returns the text with the values of its variables, and false if one
// has none: it is absent, has several, or holds bytes that are not UTF-8.
func (t *text) expand(e *evaluation) (string, bool) {
	if t.parts == nil {
		return t.fixed, true
	}
	var b strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		if p.variable.name == "" {
			b.WriteString(p.literal)
			continue
		}
		values, ok := e.lookup(&p.variable)
		switch {
		case ok && len(values) == 1 && utf8.ValidString(values[0]):
			b.WriteString(values[0])
		case ok && len(values) > 0 || !p.has:
			return "", false
		default:
			b.WriteString(p.fallback)
		}
	}
	return b.String(), true
}

// matches reports whether the text matches s as a pattern. It asks for values
// only if some could make it match.
func (t *text) matches(e *evaluation, s string) answer {
	if !t.glob.match(s) {
		return no
	}
	if t.parts == nil {
		return yes
	}
	pattern, ok := t.expand(e)
	if !ok {
		return unknown
	}
	return answerOf(match(pattern, s))
}

// variable reports whether a variable occurs.
func (t *text) variable() bool { return t.parts != nil }
