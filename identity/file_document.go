package identity

import (
	"bytes"
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/seed61737384/tombstone/auth/policy"
)

// documentError is a policy of a file that is not well formed. Its line is that of the file.
type documentError struct{ syntax *policy.SyntaxError }

func (e documentError) Error() string {
	if e.syntax.Detail == "" {
		return "policy: " + e.syntax.Message
	}
	return "policy: " + e.syntax.Message + ": " + e.syntax.Detail
}

func (e documentError) Unwrap() error { return e.syntax }

// readDocument reads a policy that is written as a mapping, or as a text in JSON, and returns its JSON.
func readDocument(n *yaml.Node) ([]byte, error) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		first := n.Line
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			first++ // the text begins below the sign
		}
		return []byte(n.Value), checkDocument([]byte(n.Value), first)
	}
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "a policy is expected here%s", aliased(n))
	}
	compact := documentWriter{}
	if err := compact.node(n); err != nil {
		return nil, err
	}
	if checkDocument(compact.json.Bytes(), 0) == nil {
		return compact.json.Bytes(), nil
	}
	// To name the line of the file the same JSON is laid out as the file is.
	spread := documentWriter{spread: true, line: n.Line}
	if err := spread.node(n); err != nil {
		return nil, err
	}
	return nil, checkDocument(spread.json.Bytes(), n.Line)
}

// checkDocument is parseDocument with the lines of the file, whose line first is the first of the document.
func checkDocument(document []byte, first int) error {
	_, err := parseDocument(document)
	var syntax *policy.SyntaxError
	if errors.As(err, &syntax) {
		return &FileError{Line: first + max(syntax.Line, 1) - 1, Err: documentError{syntax}}
	}
	return atLine(first, err)
}

// documentWriter writes nodes as JSON: on one line, or each on its line in the file.
type documentWriter struct {
	json   bytes.Buffer
	spread bool
	line   int // of the file, that is being written
}

// reach goes on to the line of n.
func (w *documentWriter) reach(n *yaml.Node) {
	for w.spread && w.line < n.Line {
		w.json.WriteByte('\n')
		w.line++
	}
}

func (w *documentWriter) node(n *yaml.Node) error {
	w.reach(n)
	switch {
	case n.Kind == yaml.MappingNode && n.ShortTag() == "!!map":
		return w.members(n, '{', '}')
	case n.Kind == yaml.SequenceNode && n.ShortTag() == "!!seq":
		return w.members(n, '[', ']')
	case plain(n):
		return w.scalar(n)
	}
	return wrong(n, "this has no place in a policy%s", aliased(n))
}

// members writes the content of a mapping, where keys and values alternate, or of a list.
func (w *documentWriter) members(n *yaml.Node, begin, end byte) error {
	w.json.WriteByte(begin)
	for i, child := range n.Content {
		write, sign := w.node, byte(',')
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			write = w.key
		} else if n.Kind == yaml.MappingNode {
			sign = ':'
		}
		if i > 0 {
			w.json.WriteByte(sign)
		}
		if err := write(child); err != nil {
			return err
		}
	}
	w.json.WriteByte(end)
	return nil
}

func (w *documentWriter) key(n *yaml.Node) error {
	if !plain(n) {
		return wrong(n, "a key is expected here%s", aliased(n))
	}
	w.reach(n)
	return w.text(n)
}

// scalar writes numbers and booleans as such where they are JSON, and everything else, dates too, as a text.
func (w *documentWriter) scalar(n *yaml.Node) error {
	tag := n.ShortTag()
	if tag != "!!str" && tag != "!!timestamp" && json.Valid([]byte(n.Value)) {
		w.json.WriteString(n.Value)
		return nil
	}
	return w.text(n)
}

func (w *documentWriter) text(n *yaml.Node) error {
	text, err := json.Marshal(n.Value)
	if err != nil {
		return wrong(n, "this cannot be written as JSON")
	}
	w.json.Write(text)
	return nil
}
