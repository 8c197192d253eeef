package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one inversion.
type mutant struct {
	number int    // selects it, from 1
	id     string // names it in survivors.txt, stable when lines move
	at     string // file:line
}

// edit replaces length bytes at offset by text.
type edit struct {
	offset, length int
	text           string
}

// instrumenter rewrites the files of one package so that each branch asks
// whether its mutant is awake. Numbers go on from file to file.
type instrumenter struct {
	mutants []mutant
	seen    map[string]int // id -> how often, to tell equal ones apart
}

// file returns the instrumented form of a Go file and notes its mutants. Path
// is the name used in ids and positions. Lines keep their numbers.
func (in *instrumenter) file(path string, src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	w := &walker{
		in: in, fset: fset, path: path, src: src,
		flips: make(map[ast.Expr]string),
		wraps: make(map[ast.Expr][2]string),
		tags:  make(map[*ast.CaseClause]string),
	}
	for _, d := range f.Decls {
		if gen, ok := d.(*ast.GenDecl); ok && gen.Tok != token.VAR {
			continue
		}
		w.scope = "var"
		if fn, ok := d.(*ast.FuncDecl); ok {
			w.scope = scope(fn)
		}
		w.walk(d)
	}
	if w.err != nil {
		return nil, w.err
	}
	return apply(src, w.edits), nil
}

// scope returns "f" for a function and "T.f" for a method.
func scope(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	recv := fn.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if generic, ok := recv.(*ast.IndexExpr); ok {
		recv = generic.X
	}
	if id, ok := recv.(*ast.Ident); ok {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

func apply(src []byte, edits []edit) []byte {
	// Edits at one place keep the order in which the walk met them: what is
	// opened first is closed last.
	slices.SortStableFunc(edits, func(a, b edit) int { return a.offset - b.offset })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, src[at:e.offset]...), e.text...)
		at = e.offset + e.length
	}
	return append(out, src[at:]...)
}

// walker collects the edits of one file, from the outside in.
type walker struct {
	in    *instrumenter
	fset  *token.FileSet
	path  string
	src   []byte
	scope string                     // function walked through
	flips map[ast.Expr]string        // what is negated, and its kind of mutant
	wraps map[ast.Expr][2]string     // text before and after an expression
	tags  map[*ast.CaseClause]string // clause of a switch with a tag -> the tag's variable
	edits []edit
	err   error
}

func (w *walker) walk(root ast.Node) {
	var open []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			w.leave(open[len(open)-1])
			open = open[:len(open)-1]
			return true
		}
		w.enter(n)
		open = append(open, n)
		return true
	})
}

func (w *walker) enter(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		w.flip(n.Cond, "if")
	case *ast.ForStmt:
		w.flip(n.Cond, "for")
	case *ast.SwitchStmt:
		w.switchStmt(n)
	case *ast.TypeSwitchStmt:
		w.err = fmt.Errorf("%s: cannot invert the cases of a type switch", w.fset.Position(n.Pos()))
	case *ast.LabeledStmt:
		if s, ok := n.Stmt.(*ast.SwitchStmt); ok && s.Init != nil && s.Tag != nil {
			w.err = fmt.Errorf("%s: cannot invert the cases of a labelled switch with a statement", w.fset.Position(n.Pos()))
		}
	case *ast.CaseClause:
		w.caseClause(n)
	case *ast.BinaryExpr:
		w.binary(n)
	}
	if e, ok := n.(ast.Expr); ok {
		w.open(e)
	}
}

func (w *walker) open(e ast.Expr) {
	if text := w.wraps[e][0]; text != "" {
		w.insert(e.Pos(), text)
	}
	if kind := w.flips[e]; kind != "" {
		w.insert(e.Pos(), fmt.Sprintf("mutantFlip(%d, ", w.note(kind, e)))
	}
	if b, ok := e.(*ast.BinaryExpr); ok && isLogical(b.Op) {
		w.swap(b)
	}
}

// leave closes in reverse what open has opened.
func (w *walker) leave(n ast.Node) {
	e, ok := n.(ast.Expr)
	if !ok {
		return
	}
	if b, ok := e.(*ast.BinaryExpr); ok && isLogical(b.Op) {
		w.insert(e.End(), ") })")
	}
	if w.flips[e] != "" {
		w.insert(e.End(), ")")
	}
	if text := w.wraps[e][1]; text != "" {
		w.insert(e.End(), text)
	}
}

func isLogical(op token.Token) bool { return op == token.LAND || op == token.LOR }

// binary marks what is inverted in a binary expression besides the operator.
func (w *walker) binary(b *ast.BinaryExpr) {
	switch b.Op {
	case token.LAND, token.LOR:
		w.flip(b.X, "operand")
		w.flip(b.Y, "operand")
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		w.flip(b, "comparison")
	}
}

// flip marks an expression to be negated, unless it is already.
func (w *walker) flip(e ast.Expr, kind string) {
	if e == nil {
		return
	}
	e = ast.Unparen(e)
	if w.flips[e] == "" {
		w.flips[e] = kind
	}
}

// swap hands both operands to a function that joins them by either operator.
func (w *walker) swap(b *ast.BinaryExpr) {
	name := map[token.Token]string{token.LAND: "mutantAnd", token.LOR: "mutantOr"}[b.Op]
	w.insert(b.Pos(), fmt.Sprintf("%s(%d, func() bool { return bool(", name, w.note("swap", b)))
	w.edits = append(w.edits, edit{w.offset(b.OpPos), len(b.Op.String()), ") }, func() bool { return bool("})
}

// switchStmt gives the tag of a switch a variable, so that its cases can
// become conditions.
func (w *walker) switchStmt(s *ast.SwitchStmt) {
	cases := 0
	for _, c := range s.Body.List {
		cases += len(c.(*ast.CaseClause).List)
	}
	if s.Tag == nil || cases == 0 {
		return
	}
	name := fmt.Sprintf("mutantTag%d", w.offset(s.Pos()))
	before := name + " := "
	if s.Init != nil {
		w.edits = append(w.edits, edit{w.offset(s.Pos()), len("switch"), "{"})
		before = "switch " + before
		w.insert(s.End(), "}")
	}
	w.wraps[s.Tag] = [2]string{before, "; true"}
	for _, c := range s.Body.List {
		w.tags[c.(*ast.CaseClause)] = name
	}
}

func (w *walker) caseClause(c *ast.CaseClause) {
	tag := w.tags[c]
	for _, e := range c.List {
		if tag == "" {
			w.flip(e, "case")
			continue
		}
		w.wraps[e] = [2]string{fmt.Sprintf("mutantCase(%d, %s == (", w.note("case", e), tag), "))"}
	}
}

func (w *walker) offset(p token.Pos) int { return w.fset.Position(p).Offset }

func (w *walker) insert(p token.Pos, text string) {
	w.edits = append(w.edits, edit{w.offset(p), 0, text})
}

// note records the mutant of a node and returns its number.
func (w *walker) note(kind string, n ast.Node) int {
	text := string(w.src[w.offset(n.Pos()):w.offset(n.End())])
	id := fmt.Sprintf("%s %s %s: %s", w.path, w.scope, kind, strings.Join(strings.Fields(text), " "))
	w.in.seen[id]++
	if k := w.in.seen[id]; k > 1 {
		id = fmt.Sprintf("%s #%d", id, k)
	}
	m := mutant{number: len(w.in.mutants) + 1, id: id, at: fmt.Sprintf("%s:%d", w.path, w.fset.Position(n.Pos()).Line)}
	w.in.mutants = append(w.in.mutants, m)
	return m.number
}

// wakeVariable is the environment variable with the number of the mutant that
// is awake.
const wakeVariable = "TOMBSTONE_MUTANT"

// schema returns the file that is added to each instrumented package.
func schema(pkg string) []byte {
	return []byte("package " + pkg + `

import "os"
import "strconv"

var mutantAwake, _ = strconv.Atoi(os.Getenv("` + wakeVariable + `"))

func mutantFlip[B ~bool](n int, b B) B {
	if mutantAwake == n {
		return !b
	}
	return b
}

func mutantCase(n int, b bool) bool { return b && mutantAwake != n }

func mutantAnd(n int, x, y func() bool) bool {
	if mutantAwake == n {
		return x() || y()
	}
	return x() && y()
}

func mutantOr(n int, x, y func() bool) bool {
	if mutantAwake == n {
		return x() && y()
	}
	return x() || y()
}
`)
}
