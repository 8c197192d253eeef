package metamorphic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Op is one operation: a line of a script.
type Op struct {
	Verb    string
	Args    []string // as many as the verb takes
	Targets []Target // of delete-objects
	Options map[string]string
}

// Target is an entry of a delete-objects: a key, or the entry of a key that
// Version names.
type Target struct{ Key, Version string }

// The verbs and what they take. Options stand in a line in this order.
var verbs = []struct {
	name    string
	args    []string
	targets bool
	options []string
}{
	{name: "create", args: []string{"bucket"}, options: []string{"lock"}},
	{name: "enable", args: []string{"bucket"}},
	{name: "suspend", args: []string{"bucket"}},
	{name: "delete-bucket", args: []string{"bucket"}},
	{name: "bucket", args: []string{"bucket"}},
	{name: "buckets", options: []string{"prefix", "after", "limit"}},
	{name: "put", args: []string{"bucket", "key"}, options: []string{"size", "seed", "as", "if-match", "if-none-match", "mode", "until", "hold", "body"}},
	{name: "delete", args: []string{"bucket", "key"}, options: []string{"version", "as", "if-match", "bypass"}},
	{name: "delete-objects", args: []string{"bucket"}, targets: true, options: []string{"as", "bypass"}},
	{name: "lock", args: []string{"bucket", "key"}, options: []string{"version", "mode", "until", "bypass"}},
	{name: "hold", args: []string{"bucket", "key"}, options: []string{"version", "set"}},
	{name: "default", args: []string{"bucket"}, options: []string{"mode", "days"}},
	{name: "get", args: []string{"bucket", "key"}, options: []string{"version", "range"}},
	{name: "head", args: []string{"bucket", "key"}, options: []string{"version"}},
	{name: "open", args: []string{"bucket", "key"}, options: []string{"version", "as"}},
	{name: "read", args: []string{"name"}, options: []string{"range"}},
	{name: "close", args: []string{"name"}},
	{name: "list", args: []string{"bucket"}, options: []string{"prefix", "delimiter", "after", "limit"}},
	{name: "versions", args: []string{"bucket"}, options: []string{"prefix", "delimiter", "key-marker", "version-marker", "limit"}},
	{name: "walk", args: []string{"bucket"}, options: []string{"prefix", "delimiter", "limit"}},
	{name: "stats", args: []string{"bucket"}},
	{name: "reclaim"},
	{name: "check"},
	{name: "restart"},
	{name: "crash", options: []string{"keep", "seed"}},
	{name: "advance", args: []string{"time"}},
}

// ParseOp reads a line.
func ParseOp(line string) (Op, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Op{}, fmt.Errorf("no operation in %q", line)
	}
	for _, v := range verbs {
		if v.name != words[0] {
			continue
		}
		op, err := parseWords(words[1:], len(v.args), v.targets, v.options)
		if err != nil {
			return Op{}, fmt.Errorf("%q: %w", line, err)
		}
		op.Verb = v.name
		return op, nil
	}
	return Op{}, fmt.Errorf("%q: no such operation", line)
}

func parseWords(words []string, args int, targets bool, options []string) (Op, error) {
	var op Op
	for _, word := range words {
		name, text, option := strings.Cut(word, "=")
		if option && !slices.Contains(options, name) {
			return op, fmt.Errorf("no such option: %s", name)
		}
		if !option {
			text = word
		}
		target, version, named := strings.Cut(text, "@")
		value, err := unescape(target)
		if err != nil {
			return op, err
		}
		switch {
		case option && named, !option && named && !targets:
			return op, fmt.Errorf("no version belongs in %s", word)
		case named && version == "":
			return op, fmt.Errorf("%s names no version", word)
		case option:
			op = op.with(name, value)
		case len(op.Args) < args && !named:
			op.Args = append(op.Args, value)
		case targets:
			op.Targets = append(op.Targets, Target{value, version})
		default:
			return op, fmt.Errorf("%s is too much", word)
		}
	}
	if len(op.Args) < args {
		return op, fmt.Errorf("%d arguments are missing", args-len(op.Args))
	}
	return op, nil
}

// with returns op with one more option.
func (op Op) with(name, value string) Op {
	options := map[string]string{name: value}
	for n, v := range op.Options {
		if n != name {
			options[n] = v
		}
	}
	op.Options = options
	return op
}

// text returns an option, empty if it is not given.
func (op Op) text(option string) string { return op.Options[option] }

// number returns an option as a number, or fallback if it is none.
func (op Op) number(option string, fallback int) int {
	if n, err := strconv.Atoi(op.Options[option]); err == nil {
		return n
	}
	return fallback
}

// String returns the line that [ParseOp] reads.
func (op Op) String() string {
	words := []string{op.Verb}
	for _, arg := range op.Args {
		words = append(words, escape(arg))
	}
	for _, t := range op.Targets {
		word := escape(t.Key)
		if t.Version != "" {
			word += "@" + t.Version
		}
		words = append(words, word)
	}
	for _, v := range verbs {
		if v.name != op.Verb {
			continue
		}
		for _, option := range v.options {
			if value, given := op.Options[option]; given {
				words = append(words, option+"="+escape(value))
			}
		}
	}
	return strings.Join(words, " ")
}

// ParseScript reads the operations of a script: a line each, without those that
// are empty or begin with #.
func ParseScript(script string) ([]Op, error) {
	var ops []Op
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		op, err := ParseOp(line)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// Script returns the text that [ParseScript] reads.
func Script(ops []Op) string {
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
	}
	return b.String()
}

// escape makes one word of s, as a URL does: bytes that mean something in a line
// and those that are not shown become %XX.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if strconv.IsPrint(r) && !strings.ContainsRune(" %=@#", r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(s[i : i+n])
		} else {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		i += n
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", fmt.Errorf("unfinished escape in %q", s)
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("bad escape in %q", s)
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}
