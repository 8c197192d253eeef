package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// The rulers are right about known sizes.
func TestNesting(t *testing.T) {
	tests := []struct {
		body string
		want int
	}{
		{"f()", 0},
		{"if a { f() }", 1},
		{"if a { f() } else if b { f() } else if c { f() }", 1},
		{"if a { f() } else if b { if c { f() } }", 2},
		{"if a { f() } else { if b { f() } }", 2},
		{"for { switch x { case 1: f() } }", 2},
		{"for { switch x { case 1: if a { f() } } }", 3},
		{"for range x { g(func() { if a { f() } }) }", 2},
		{"select { case <-c: for { f() } }", 2},
		{"switch x.(type) { case T: f() }", 1},
	}
	for _, test := range tests {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() { "+test.body+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := nesting(file.Decls[0].(*ast.FuncDecl).Body); got != test.want {
			t.Errorf("nesting(%s) = %d, want %d", test.body, got, test.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	sizes := make([]int, 100)
	for i := range sizes {
		sizes[i] = i + 1
	}
	if got := p95(sizes); got != 95 {
		t.Errorf("p95 of 1..100 = %d, want 95", got)
	}
	if got := p95([]int{7}); got != 7 {
		t.Errorf("p95 of one = %d, want 7", got)
	}
}

func TestExceptionForm(t *testing.T) {
	id, size, err := parseException("function store/x.go Store.apply 90 because a table reads in one piece")
	if id != "function store/x.go Store.apply" || size != 90 || err != nil {
		t.Errorf("got %q, %d, %v", id, size, err)
	}
	for _, bad := range []string{"function a.go f 90", "function a.go f because x", "length a.go 9 because x", "file a.go because x"} {
		if _, _, err := parseException(bad); err == nil {
			t.Errorf("parseException(%q) succeeded", bad)
		}
	}
}

func TestFileLength(t *testing.T) {
	r := repo(t)
	for _, m := range measureAll(r) {
		if m.id == "file internal/lint/doc.go" && m.size != lineCount(r.read(t, "internal/lint/doc.go")) {
			t.Errorf("doc.go measures %d lines", m.size)
		}
	}
}
