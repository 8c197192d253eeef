package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// applier is the one file that removes the rows of a version, after the rule
// book was asked.
const applier = "store/apply.go"

// guarded are the constructors of the keys of those rows.
var guarded = []string{"versionKey", "headKey", "liveKey", "blobKey"}

// guardedTables are the names of their tables.
var guardedTables = []string{"versionTable", "headTable", "liveTable", "blobTable"}

// scanned are the functions outside the applier that remove rows by the keys
// that a scan of another table gave them, as "path function".
var scanned = map[string]string{
	"store/bucket.go Store.removeBucket": "the config rows of a bucket without entries",
}

// TestOneDestroyer holds that nothing but store/apply.go destroys a version.
// Everywhere else in the store a removal names, at the spot, the constructor of
// the key it removes, and that is none of the guarded ones; and nothing calls
// what removes rows in the applier.
func TestOneDestroyer(t *testing.T) {
	r := repo(t)
	d := destroyers{engine: r.module + "/store/engine", unused: maps.Clone(scanned)}
	store := slices.DeleteFunc(r.product(), func(f *goFile) bool { return f.dir != "store" })
	for _, f := range store {
		if f.path == applier {
			d.inner = d.removers(f.ast)
		}
	}
	for _, f := range store {
		if f.path == applier {
			continue
		}
		for _, rm := range d.judge(f.path, f.ast) {
			t.Errorf("%s:%d: %s", f.path, r.line(rm.pos), rm.wrong)
		}
	}
	for name := range d.unused {
		t.Errorf("%s removes no scanned rows; take it off the list", name)
	}
}

// destroyers judges the files of package store.
type destroyers struct {
	engine string            // import path of the engine
	inner  []string          // functions of the applier that remove rows
	unused map[string]string // entries of scanned that were not needed yet
}

// removers returns the names of the functions of f that remove rows themselves.
func (d *destroyers) removers(f *ast.File) []string {
	var names []string
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && len(findRemovals(d.engine, f, fn)) > 0 {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}

// judge returns the removals of a file that only the applier may contain.
func (d *destroyers) judge(path string, f *ast.File) []removal {
	var wrong []removal
	for _, decl := range f.Decls {
		name := path + " "
		if fn, ok := decl.(*ast.FuncDecl); ok {
			name += funcName(fn)
		}
		found := findRemovals(d.engine, f, decl)
		if scanned[name] != "" && len(found) > 0 && !mentions(decl, guardedTables) {
			delete(d.unused, name)
			found = slices.DeleteFunc(found, func(rm removal) bool { return rm.unnamed })
		}
		for _, rm := range append(found, d.calls(decl)...) {
			if rm.wrong != "" {
				wrong = append(wrong, rm)
			}
		}
	}
	return wrong
}

// calls finds the uses of the applier's own functions that remove rows.
func (d *destroyers) calls(n ast.Node) []removal {
	var found []removal
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && slices.Contains(d.inner, calledName(call)) {
			found = append(found, removal{pos: call.Pos(), wrong: calledName(call) + " removes rows of a version: only " + applier + " calls it"})
		}
		return true
	})
	return found
}

// mentions tells whether one of names stands in n.
func mentions(n ast.Node, names []string) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && slices.Contains(names, id.Name)
		return true
	})
	return found
}

// removal is a place that builds a mutation which deletes a row.
type removal struct {
	pos     token.Pos
	wrong   string // why it may stand in the applier only, or ""
	unnamed bool   // its key is not made at the spot
}

// findRemovals finds the removals within a node of file f, given the import
// path of the engine.
func findRemovals(engine string, f *ast.File, within ast.Node) []removal {
	names := importNames(f)
	var found []removal
	calls := make(map[ast.Node]bool) // selectors that are called
	ast.Inspect(within, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && isRemoval(names, engine, call.Fun) && len(call.Args) > 0 {
			calls[call.Fun] = true
			wrong, unnamed := judgeKey(call.Args[0])
			found = append(found, removal{call.Pos(), wrong, unnamed})
			return true
		}
		if sel, ok := n.(*ast.SelectorExpr); ok && !calls[n] && isRemoval(names, engine, sel) {
			wrong := fmt.Sprintf("%s is used without a call: which row goes is not to be seen; only %s may do that", sel.Sel.Name, applier)
			found = append(found, removal{pos: sel.Pos(), wrong: wrong})
		}
		return true
	})
	return found
}

func isRemoval(names map[string]string, engine string, x ast.Expr) bool {
	sel, ok := x.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && names[pkg.Name] == engine && slices.Contains([]string{"Delete", "DeleteSized", "KindDelete"}, sel.Sel.Name)
}

// judgeKey says why a row with this key may be removed by the applier only, and
// whether that is because nothing is known of the key.
func judgeKey(key ast.Expr) (wrong string, unnamed bool) {
	call, ok := key.(*ast.CallExpr)
	if !ok || !strings.HasSuffix(calledName(call), "Key") {
		return "a removal outside " + applier + " names its row: engine.Delete(xKey(…))", true
	}
	if slices.Contains(guarded, calledName(call)) {
		return calledName(call) + ": only " + applier + " removes the rows of a version, after it asked the rule book", false
	}
	return "", false
}

// calledName returns the name of the function or method that is called.
func calledName(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		return fn.Sel.Name
	}
	return ""
}

// The constructors exist, or the rule above would hold nothing.
func TestGuardedConstructorsExist(t *testing.T) {
	r := repo(t)
	missing := slices.Clone(guarded)
	seen := false
	for _, f := range r.product() {
		if f.dir != "store" {
			continue
		}
		seen = seen || f.path == applier
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				missing = slices.DeleteFunc(missing, func(name string) bool { return name == fn.Name.Name })
			}
		}
	}
	if !seen {
		t.Fatal(applier + " is missing: removals have no place of their own")
	}
	if len(missing) > 0 {
		t.Errorf("package store has no functions %v", missing)
	}
}

func TestFindRemovals(t *testing.T) {
	const head = "package store\nimport e \"m/store/engine\"\nfunc f() { "
	tests := []struct {
		body  string
		wrong []bool
	}{
		{"e.Set(versionKey(b), v)", nil},
		{"e.Delete(uploadKey(b))", []bool{false}},
		{"e.Delete(versionKey(b))", []bool{true}},
		{"w(e.DeleteSized(k.headKey(b), 3))", []bool{true}},
		{"e.Delete(key)", []bool{true}},
		{"e.Delete(append(k, liveKey(b)...))", []bool{true}},
		{"m := e.Mutation{Kind: e.KindDelete, Key: uploadKey(b)}", []bool{true}},
		{"fn := e.Delete", []bool{true}},
		{"other.Delete(versionKey(b))", nil},
	}
	for _, test := range tests {
		file, err := parser.ParseFile(token.NewFileSet(), "", head+test.body+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		var wrong []bool
		for _, rm := range findRemovals("m/store/engine", file, file) {
			wrong = append(wrong, rm.wrong != "")
		}
		if !slices.Equal(wrong, test.wrong) {
			t.Errorf("%s: %v, want %v", test.body, wrong, test.wrong)
		}
	}
}

func TestJudgeStoreFile(t *testing.T) {
	const head = "package store\nimport \"m/store/engine\"\n"
	tests := []struct {
		text  string
		wrong int
	}{
		{"func f() { h.destroy(r) }", 1},
		{"func f() { w(setOrDelete(k, nil)) }", 1},
		{"func f() { h.rows() }", 0},
		{"func f() { w(engine.Delete(k)) }", 1},
		{"func (s *Store) removeBucket() { w(engine.Delete(k)) }", 0},
		{"func (s *Store) removeBucket() { scan(versionTable); w(engine.Delete(k)) }", 1},
		{"func (s *Store) removeBucket() { w(engine.Delete(k), engine.Delete(headKey(b))) }", 1},
	}
	for _, test := range tests {
		file, err := parser.ParseFile(token.NewFileSet(), "", head+test.text, 0)
		if err != nil {
			t.Fatal(err)
		}
		d := destroyers{engine: "m/store/engine", inner: []string{"destroy", "setOrDelete"}, unused: maps.Clone(scanned)}
		if wrong := d.judge("store/bucket.go", file); len(wrong) != test.wrong {
			t.Errorf("%s: %v, want %d", test.text, wrong, test.wrong)
		}
	}
}

// TestDestroyerLooksAtLocks holds that version rows are removed by one function of
// the applier, and that it asks the lock of the version before it does anything.
func TestDestroyerLooksAtLocks(t *testing.T) {
	r := repo(t)
	engine := r.module + "/store/engine"
	for _, f := range r.product() {
		if f.path != applier {
			continue
		}
		var destroyers []*ast.FuncDecl
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && len(findRemovals(engine, f.ast, fn)) > 0 && mentions(fn, []string{"versionKey"}) {
				destroyers = append(destroyers, fn)
			}
		}
		if len(destroyers) != 1 {
			t.Fatalf("%d functions of %s remove version rows, not one", len(destroyers), applier)
		}
		first := destroyers[0].Body.List[0]
		if _, ok := first.(*ast.IfStmt); !ok || !mentions(first, []string{"Protects"}) {
			t.Errorf("%s:%d: destroys before it asks Lock.Protects", f.path, r.line(first.Pos()))
		}
	}
}
