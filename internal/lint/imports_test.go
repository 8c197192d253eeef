package lint

import (
	"go/ast"
	"path"
	"strconv"
	"strings"
	"testing"
)

func loadPolicy(t *testing.T) *policy {
	t.Helper()
	p, err := readPolicy("imports.txt")
	if err != nil {
		t.Fatalf("imports.txt: %v", err)
	}
	return p
}

func TestImportOrder(t *testing.T) {
	r, p := repo(t), loadPolicy(t)
	for _, f := range r.files {
		if _, _, ok := p.entry(f.dir); !ok {
			t.Errorf("%s: package %s has no place in internal/lint/imports.txt", f.path, f.dir)
			continue
		}
		for _, spec := range f.ast.Imports {
			if why := judgeImport(r, p, f, spec); why != "" {
				t.Errorf("%s:%d imports %s: %s", f.path, r.line(spec.Pos()), spec.Path.Value, why)
			}
		}
	}
}

func judgeImport(r *repository, p *policy, f *goFile, spec *ast.ImportSpec) string {
	imp, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return err.Error()
	}
	folder, own := strings.CutPrefix(imp, r.module+"/")
	if own {
		if why := p.edge(f.dir, folder, f.test); why != "" {
			return why
		}
	}
	if _, tool, _ := p.entry(f.dir); tool || f.test {
		return ""
	}
	return p.names(f.dir, folder, own)
}

func TestTimeComesThroughTheDoor(t *testing.T) {
	r, p := repo(t), loadPolicy(t)
	for _, f := range r.product() {
		if _, tool, _ := p.entry(f.dir); tool {
			continue
		}
		packages := importNames(f.ast)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok {
				fn := packages[x.Name] + "." + sel.Sel.Name
				if why := p.calls(f.dir, fn); why != "" {
					t.Errorf("%s:%d uses %s: %s", f.path, r.line(sel.Pos()), fn, why)
				}
			}
			return true
		})
	}
}

// importNames maps the name a file gives an import to the import's path.
func importNames(f *ast.File) map[string]string {
	names := make(map[string]string)
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(imp)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imp
	}
	return names
}

// The policy itself judges as its head says; the verdicts below are samples.
func TestPolicyVerdicts(t *testing.T) {
	p := loadPolicy(t)
	edges := []struct {
		from, to string
		test, ok bool
	}{
		{"cmd/server", "store", false, true},
		{"api", "store", false, true},
		{"api", "versioning", false, true},
		{"api", "console", false, false},
		{"store", "api", false, false},
		{"store", "lifecycle", false, false},
		{"lifecycle", "store", false, false},
		{"store", "store/engine/pebbledb", false, true},
		{"store/engine/pebbledb", "store/engine", false, true},
		{"store/engine", "store/engine/pebbledb", false, false},
		{"store/blob", "store/engine", false, false},
		{"store/blob", "store", false, false},
		{"store/engine", "store", false, false},
		{"versioning", "auth", false, false},
		{"store", "internal/clock", false, true},
		{"store", "internal/model", false, false},
		{"store", "internal/model", true, true},
		{"store", "internal/invariants", false, true},
		{"internal/model", "store", false, true},
		{"integration/bench", "internal/clock", false, true},
		{"api", "nowhere", false, false},
	}
	for _, e := range edges {
		if why := p.edge(e.from, e.to, e.test); (why == "") != e.ok {
			t.Errorf("edge(%s, %s, test %v) = %q, want allowed %v", e.from, e.to, e.test, why, e.ok)
		}
	}
	names := []struct {
		pkg, imp string
		own, ok  bool
	}{
		{"store/engine/pebbledb", "github.com/cockroachdb/pebble/v2", false, true},
		{"store/blob", "github.com/cockroachdb/pebble/v2", false, false},
		{"store/blob", "github.com/cockroachdb/pebble/v2/vfs", false, true},
		{"api", "github.com/cockroachdb/pebble/v2/vfs", false, false},
		{"api", "github.com/minio/minio-go/v7", false, false},
		{"api", "github.com/gorilla/mux", false, true},
		{"api", "os", false, false},
		{"api", "store/engine", true, false},
		{"store", "store/engine", true, true},
		{"store/blob", "os", false, true},
		{"versioning", "fmt", false, true},
		{"versioning", "net/url", false, false},
		{"versioning", "github.com/gorilla/mux", false, false},
		{"versioning", "internal/clock", true, false},
		{"auth", "net/http", false, true},
		{"auth", "os", false, false},
	}
	for _, n := range names {
		if why := p.names(n.pkg, n.imp, n.own); (why == "") != n.ok {
			t.Errorf("names(%s, %s) = %q, want allowed %v", n.pkg, n.imp, why, n.ok)
		}
	}
}
