package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// example returns a request target, and headers, that ask for op.
func (op *operation) example() (target string, header []string) {
	target = map[level]string{service: "/", bucket: "/bucket", object: "/bucket/key"}[op.level]
	var query []string
	if op.sub != "" {
		query = append(query, op.sub)
	}
	if name, ok := strings.CutSuffix(op.variant, ":"); ok {
		header = []string{name, "/bucket/key"}
	} else if op.variant != "" {
		query = append(query, op.variant)
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	return target, header
}

// TestTable checks what every line of the table has to say, and that each is found
// by the request it describes.
func TestTable(t *testing.T) {
	s := newTestServer(t, nil)
	seen := make(map[string]bool)
	for i := range operations {
		op := &operations[i]
		form := op.method + " " + strconv.Itoa(int(op.level)) + " " + op.sub + " " + op.variant
		if seen[form] || op.name == "" || !strings.HasPrefix(op.action, "s3") || op.level == nowhere {
			t.Errorf("%s (%s): repeated, or without name, action or level", op.name, form)
		}
		seen[form] = true
		target, header := op.example()
		r := s.request(op.method, target, nil)
		for j := 0; j < len(header); j += 2 {
			r.Header.Set(header[j], header[j+1])
		}
		_, raw, _ := strings.Cut(target, "?")
		q, ok := parseQuery(raw)
		if !ok {
			t.Fatalf("%s: %q is no query", op.name, raw)
		}
		found, err := s.handler.table.find(r, op.level, q)
		if err != nil || found.name != op.name {
			t.Errorf("%s %s: found %v, %v; want %s", op.method, target, found, err, op.name)
		}
	}
}

// TestNotImplemented asks for every operation that this version does not have. Each
// is named in the answer, and none changes anything.
func TestNotImplemented(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "before")
	const versions = "/bucket?versions"
	before := s.must("GET", versions, "").body
	asked := 0
	for i := range operations {
		op := &operations[i]
		if op.prepare != nil {
			continue
		}
		asked++
		target, header := op.example()
		a := s.do(op.method, target, "after", header...)
		if a.status != 501 {
			t.Errorf("%s: %s %s answered %d %s", op.name, op.method, target, a.status, a.body)
		}
		root, err := parseAnswer(a.body)
		if err != nil || root.child("Code") != "NotImplemented" || !strings.Contains(root.child("Message"), op.name+" ") {
			t.Errorf("%s: %s %s answered %s", op.name, op.method, target, a.body)
		}
	}
	if asked < 20 {
		t.Errorf("%d operations are not implemented; the table has more", asked)
	}
	if after := s.must("GET", versions, "").body; string(after) != string(before) {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	if a := s.must("GET", "/bucket/key", ""); string(a.body) != "before" {
		t.Errorf("the object is %q", a.body)
	}
}

// TestCodes holds that every code in the sources stands in the table of codes, and
// every code of the table in the sources or in package auth.
func TestCodes(t *testing.T) {
	used := make(map[Code]bool)
	for _, file := range productFiles(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "refuse" || fn.Name == "refuseWith") {
					use(used, n.Args[0])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "code" {
					use(used, n.Value)
				}
			case *ast.CompositeLit:
				if len(n.Elts) == 2 { // a line of storeCodes
					if _, ok := n.Elts[0].(*ast.SelectorExpr); ok {
						use(used, n.Elts[1])
					}
				}
			}
			return true
		})
	}
	for code := range used {
		if _, ok := codes[code]; !ok {
			t.Errorf("%q is answered and not in the table", code)
		}
	}
	for _, reason := range authReasons(t) {
		if _, ok := codes[Code(reason)]; !ok {
			t.Errorf("auth refuses with %q, which is not in the table", reason)
		}
		used[Code(reason)] = true
	}
	for code := range codes {
		if !used[code] {
			t.Errorf("%q is in the table and never answered", code)
		}
	}
}

func use(used map[Code]bool, x ast.Expr) {
	if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			used[Code(text)] = true
		}
	}
}

// authReasons returns the texts of the constants of type auth.Reason.
func authReasons(t *testing.T) []string {
	var reasons []string
	for _, file := range productFiles(t, "../auth") {
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := v.Type.(*ast.Ident); !ok || typ.Name != "Reason" {
				return true
			}
			for _, value := range v.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				reasons = append(reasons, text)
			}
			return true
		})
	}
	if len(reasons) == 0 {
		t.Fatal("package auth has no reasons")
	}
	return reasons
}

func productFiles(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
