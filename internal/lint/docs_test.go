package lint

import (
	"errors"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the pages with a budget, in lines.
var pages = []struct {
	path string
	max  int
}{
	{"README.md", 120},
	{"ARCHITECTURE.md", 150},
}

func TestPagesAreShort(t *testing.T) {
	r := repo(t)
	for _, p := range pages {
		data, err := os.ReadFile(filepath.Join(r.root, p.path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := lineCount(string(data)); n > p.max {
			t.Errorf("%s has %d lines, at most %d: move what only some readers need to docs/", p.path, n, p.max)
		}
	}
}

func lineCount(text string) int {
	return strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)(?:\s+"[^"]*")?\)`)
	codeFence    = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	codeSpan     = regexp.MustCompile("`[^`\n]*`")
)

func TestMarkdownLinks(t *testing.T) {
	r := repo(t)
	for _, rel := range r.paths {
		if !strings.HasSuffix(rel, ".md") || isTestdata(rel) {
			continue
		}
		for _, target := range linkTargets(r.read(t, rel)) {
			full := filepath.Join(r.root, filepath.FromSlash(path.Join(path.Dir(rel), target)))
			if _, err := os.Stat(full); err != nil {
				t.Errorf("%s links to %s, which is not there", rel, target)
			}
		}
	}
}

// linkTargets returns the paths that a Markdown text links to within the
// repository, fragments cut off.
func linkTargets(text string) []string {
	text = codeSpan.ReplaceAllString(codeFence.ReplaceAllString(text, ""), "")
	var targets []string
	for _, m := range markdownLink.FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target != "" && !strings.Contains(target, ":") {
			targets = append(targets, target)
		}
	}
	return targets
}

func TestNoInitFunctions(t *testing.T) {
	r := repo(t)
	for _, f := range r.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: init hides work from main; call it from where it is needed", f.path, r.line(fn.Pos()))
			}
		}
	}
}

// leftOver finds the words that mark unfinished work.
var leftOver = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func TestNoLeftOvers(t *testing.T) {
	r := repo(t)
	for _, f := range r.files {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if word := leftOver.FindString(c.Text); word != "" {
					t.Errorf("%s:%d says %s: finish it, or write an issue", f.path, r.line(c.Pos()), word)
				}
			}
		}
	}
}

// vague are names that say nothing about what is inside.
var vague = regexp.MustCompile(`(?:^|/)(?:utils?|common|helpers?|manager|misc)(?:_test)?(?:\.go|/)`)

func TestNamesSaySomething(t *testing.T) {
	for _, f := range repo(t).files {
		if name := vague.FindString(f.path); name != "" {
			t.Errorf("%s: %q does not say what is inside", f.path, strings.Trim(name, "/"))
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	r := repo(t)
	documented := make(map[string]bool) // folders whose package has a comment
	for _, f := range r.product() {
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil
		for _, d := range f.ast.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s:%d: exported %s has no doc comment", f.path, r.line(name.Pos()), name.Name)
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no comment; it is the package's specification", dir)
		}
	}
}

// undocumented returns the exported names that d declares without a comment.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		recv := receiver(d)
		if d.Doc == nil && d.Name.IsExported() && (recv == "" || ast.IsExported(recv)) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return nil
		}
		var names []*ast.Ident
		for _, s := range d.Specs {
			names = append(names, undocumentedSpec(s, d.Doc != nil)...)
		}
		return names
	}
	return nil
}

// undocumentedSpec is undocumented for one line of a declaration; group tells
// whether a comment stands above the whole declaration.
func undocumentedSpec(s ast.Spec, group bool) []*ast.Ident {
	var names []*ast.Ident
	switch s := s.(type) {
	case *ast.TypeSpec:
		if !group && s.Doc == nil && s.Comment == nil {
			names = append(names, s.Name)
		}
		if i, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
			names = append(names, undocumentedMethods(i)...)
		}
	case *ast.ValueSpec:
		if !group && s.Doc == nil && s.Comment == nil {
			names = append(names, s.Names...)
		}
	}
	return exported(names)
}

func undocumentedMethods(i *ast.InterfaceType) []*ast.Ident {
	var names []*ast.Ident
	for _, m := range i.Methods.List {
		if m.Doc == nil && m.Comment == nil {
			names = append(names, m.Names...)
		}
	}
	return names
}

func exported(names []*ast.Ident) []*ast.Ident {
	var out []*ast.Ident
	for _, n := range names {
		if n.IsExported() {
			out = append(out, n)
		}
	}
	return out
}
