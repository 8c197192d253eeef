package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// rule is an "only", "never" or "call" line of imports.txt.
type rule struct {
	line int
	verb string
	what []string // import patterns, or functions
	in   []string // package patterns
	why  string
}

// policy is the meaning of imports.txt.
type policy struct {
	layer   map[string]int // listed package -> its line counted from the top
	tooling []string       // listed packages that serve tests
	rules   []rule
}

func readPolicy(name string) (*policy, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parsePolicy(string(data))
}

func parsePolicy(text string) (*policy, error) {
	p := &policy{layer: make(map[string]int)}
	layers := 0
	for i, l := range strings.Split(text, "\n") {
		words := strings.Fields(l)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch words[0] {
		case "layer":
			layers++
			for _, pkg := range words[1:] {
				p.layer[pkg] = layers
			}
		case "tooling":
			p.tooling = append(p.tooling, words[1:]...)
		case "only", "never", "call":
			r, err := parseRule(l)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			r.line = i + 1
			p.rules = append(p.rules, r)
		default:
			return nil, fmt.Errorf("line %d: unknown word %q", i+1, words[0])
		}
	}
	return p, nil
}

func parseRule(l string) (rule, error) {
	head, why, ok := strings.Cut(l, " because ")
	if !ok {
		return rule{}, fmt.Errorf("no reason given")
	}
	what, in, ok := strings.Cut(head, " in ")
	if !ok {
		return rule{}, fmt.Errorf("no packages given")
	}
	words := strings.Fields(what)
	return rule{verb: words[0], what: words[1:], in: strings.Fields(in), why: why}, nil
}

// entry returns the listed package that pkg belongs to: itself, or the nearest
// listed folder above it. tool tells whether that one serves tests.
func (p *policy) entry(pkg string) (entry string, tool, ok bool) {
	for dir := pkg; ; {
		if _, listed := p.layer[dir]; listed {
			return dir, false, true
		}
		if slices.Contains(p.tooling, dir) {
			return dir, true, true
		}
		i := strings.LastIndex(dir, "/")
		if i < 0 {
			return "", false, false
		}
		dir = dir[:i]
	}
}

// edge judges that package from imports package to, both of this module and
// given by their folder; test tells whether a test file does. It returns the
// reason against it, or "".
func (p *policy) edge(from, to string, test bool) string {
	fromEntry, fromTool, ok := p.entry(from)
	if !ok {
		return fmt.Sprintf("package %s has no place in imports.txt", from)
	}
	toEntry, toTool, ok := p.entry(to)
	switch {
	case !ok:
		return fmt.Sprintf("package %s has no place in imports.txt", to)
	case fromTool || fromEntry == toEntry:
		return ""
	case toTool && test:
		return ""
	case toTool:
		return fmt.Sprintf("%s serves tests; product code does not import it", toEntry)
	case p.layer[toEntry] == p.layer[fromEntry]:
		return fmt.Sprintf("%s stands beside %s; declare a small interface in %[2]s and let cmd/server join them", toEntry, fromEntry)
	case p.layer[toEntry] < p.layer[fromEntry]:
		return fmt.Sprintf("%s stands above %s; imports go down only", toEntry, fromEntry)
	}
	return ""
}

// names judges that product code of package pkg imports imp: a path of another
// module, of the standard library, or a folder of this module (own). It returns
// the reason against it, or "".
func (p *policy) names(pkg, imp string, own bool) string {
	var nearest rule
	longest := -1
	for _, r := range p.rules {
		for _, pattern := range r.what {
			if !matchImport(pattern, imp, own) {
				continue
			}
			if r.verb == "never" && matchAny(r.in, pkg) {
				return r.why
			}
			if r.verb == "only" && len(pattern) > longest {
				nearest, longest = r, len(pattern)
			}
		}
	}
	if longest >= 0 && !matchAny(nearest.in, pkg) {
		return nearest.why
	}
	return ""
}

// calls judges that product code of package pkg calls fn ("time.Now").
func (p *policy) calls(pkg, fn string) string {
	for _, r := range p.rules {
		if r.verb == "call" && slices.Contains(r.what, fn) && !matchAny(r.in, pkg) {
			return r.why
		}
	}
	return ""
}

func matchImport(pattern, imp string, own bool) bool {
	if pattern == "other" {
		host, _, _ := strings.Cut(imp, "/")
		return !own && strings.Contains(host, ".")
	}
	return match(pattern, imp)
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, pkg) })
}

func match(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return pattern == path
}
