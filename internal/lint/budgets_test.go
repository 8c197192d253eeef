package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The budgets of code that is not a test. They keep each rule on one screen.
const (
	functionP95    = 45 // lines
	functionMax    = 80
	fileP95        = 350
	fileMax        = 500
	nestingMax     = 3
	interfaceMax   = 6 // methods
	maxExceptions  = 0 // lines of budgets.txt; may only be lowered
	exceptionParts = 2 // kind and path, before name and size
)

// measure is the size of one thing. Its id is as in budgets.txt, without size.
type measure struct {
	id   string
	kind string
	size int
	at   string
}

// budget is the largest size of each kind.
var budget = map[string]int{"function": functionMax, "nesting": nestingMax, "file": fileMax, "interface": interfaceMax}

func TestSizeBudgets(t *testing.T) {
	measures := measureAll(repo(t))
	exceptions := readExceptions(t)
	for _, m := range measures {
		allowed, excepted := exceptions[m.id]
		delete(exceptions, m.id)
		switch {
		case !excepted && m.size > budget[m.kind]:
			t.Errorf("%s: %s is %d, over the budget of %d: split it by naming a step", m.at, m.id, m.size, budget[m.kind])
		case excepted && m.size <= budget[m.kind]:
			t.Errorf("budgets.txt: %q is within its budget now; remove the exception", m.id)
		case excepted && m.size > allowed:
			t.Errorf("%s: %s has grown from %d to %d; an exception may only shrink", m.at, m.id, allowed, m.size)
		case excepted && m.size < allowed:
			t.Errorf("budgets.txt: %q has shrunk to %d; write that down", m.id, m.size)
		}
	}
	for id := range exceptions {
		t.Errorf("budgets.txt: %q names nothing that exists; remove it", id)
	}
}

func TestTypicalSize(t *testing.T) {
	measures := measureAll(repo(t))
	checkP95(t, measures, "function", functionP95)
	checkP95(t, measures, "file", fileP95)
}

func checkP95(t *testing.T, measures []measure, kind string, limit int) {
	t.Helper()
	var sizes []int
	for _, m := range measures {
		if m.kind == kind {
			sizes = append(sizes, m.size)
		}
	}
	p := p95(sizes)
	t.Logf("%d %ss, p95 %d lines", len(sizes), kind, p)
	if p <= limit {
		return
	}
	t.Errorf("95 %% of the %ss are to have at most %d lines, the percentile is %d; the longest:", kind, limit, p)
	slices.SortFunc(measures, func(a, b measure) int { return b.size - a.size })
	for _, m := range measures {
		if m.kind == kind && m.size > limit {
			t.Logf("%4d %s", m.size, m.at)
		}
	}
}

// p95 returns the smallest size that at least 95 % of sizes do not exceed.
func p95(sizes []int) int {
	if len(sizes) == 0 {
		return 0
	}
	slices.Sort(sizes)
	return sizes[(len(sizes)*95+99)/100-1]
}

// measureAll measures the repository's code that is not a test.
func measureAll(r *repository) []measure {
	var all []measure
	for _, f := range r.product() {
		length := r.fset.File(f.ast.Pos()).LineCount()
		all = append(all, measure{id: "file " + f.path, kind: "file", size: length, at: f.path})
		for _, d := range f.ast.Decls {
			all = append(all, measureDecl(r, f, d)...)
		}
	}
	return all
}

func measureDecl(r *repository, f *goFile, d ast.Decl) []measure {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := funcName(d)
		at := fmt.Sprintf("%s:%d", f.path, r.line(d.Pos()))
		return []measure{
			{id: "function " + f.path + " " + name, kind: "function", size: r.lines(d), at: at + " " + name},
			{id: "nesting " + f.path + " " + name, kind: "nesting", size: nesting(d.Body), at: at},
		}
	case *ast.GenDecl:
		var all []measure
		ast.Inspect(d, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok {
				all = append(all, measure{
					id:   "interface " + f.path + " " + spec.Name.Name,
					kind: "interface",
					size: countMethods(r, f, i),
					at:   fmt.Sprintf("%s:%d", f.path, r.line(spec.Pos())),
				})
			}
			return true
		})
		return all
	}
	return nil
}

// funcName returns "f" for a function and "T.f" for a method of T or *T.
func funcName(d *ast.FuncDecl) string {
	if recv := receiver(d); recv != "" {
		return recv + "." + d.Name.Name
	}
	return d.Name.Name
}

// receiver returns the name of the type that d is a method of, or "".
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	switch x := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	default:
		return typeName(x)
	}
}

// typeName returns the name of a type without its type parameters.
func typeName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.IndexExpr:
		return typeName(x.X)
	case *ast.IndexListExpr:
		return typeName(x.X)
	}
	return ""
}

// countMethods counts the methods of an interface, those of embedded
// interfaces of the same package included. One from elsewhere counts as one.
func countMethods(r *repository, f *goFile, i *ast.InterfaceType) int {
	n := 0
	for _, field := range i.Methods.List {
		if len(field.Names) > 0 {
			n += len(field.Names)
			continue
		}
		embedded := findInterface(r, f.dir, typeName(field.Type))
		if embedded == nil {
			n++
			continue
		}
		n += countMethods(r, f, embedded)
	}
	return n
}

func findInterface(r *repository, dir, name string) *ast.InterfaceType {
	var found *ast.InterfaceType
	for _, f := range r.files {
		if f.dir != dir || f.test || name == "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
				found, _ = spec.Type.(*ast.InterfaceType)
			}
			return found == nil
		})
	}
	return found
}

// depths walks a function's body and records the deepest nesting of if, for,
// switch and select. An else-if stands as deep as its if, a case as its switch.
type depths struct {
	depth   int
	deepest *int
}

func nesting(body *ast.BlockStmt) int {
	deepest := 0
	if body != nil {
		ast.Walk(depths{deepest: &deepest}, body)
	}
	return deepest
}

// Visit implements ast.Visitor.
func (v depths) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.IfStmt:
		inner := v.enter()
		walk(inner, n.Init, n.Cond, n.Body)
		if chained, ok := n.Else.(*ast.IfStmt); ok {
			ast.Walk(v, chained)
		} else {
			walk(inner, n.Else)
		}
		return nil
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return v.enter()
	}
	return v
}

func (v depths) enter() depths {
	v.depth++
	*v.deepest = max(*v.deepest, v.depth)
	return v
}

func walk(v ast.Visitor, nodes ...ast.Node) {
	for _, n := range nodes {
		if n != nil {
			ast.Walk(v, n)
		}
	}
}

// readExceptions returns the size that budgets.txt allows each id.
func readExceptions(t *testing.T) map[string]int {
	t.Helper()
	lines := textLines(t, "budgets.txt")
	if len(lines) > maxExceptions {
		t.Errorf("budgets.txt has %d exceptions, at most %d are allowed", len(lines), maxExceptions)
	}
	if len(lines) < maxExceptions {
		t.Errorf("budgets.txt has %d exceptions; lower maxExceptions to that", len(lines))
	}
	exceptions := make(map[string]int)
	for n, l := range lines {
		id, size, err := parseException(l)
		if err != nil {
			t.Errorf("budgets.txt:%d: %v", n, err)
			continue
		}
		exceptions[id] = size
	}
	return exceptions
}

func parseException(l string) (id string, size int, err error) {
	head, why, ok := strings.Cut(l, " because ")
	if !ok || strings.TrimSpace(why) == "" {
		return "", 0, fmt.Errorf("no reason given")
	}
	words := strings.Fields(head)
	if len(words) <= exceptionParts || budget[words[0]] == 0 {
		return "", 0, fmt.Errorf("want: kind, path, name (but of a file), size")
	}
	last := len(words) - 1
	size, err = strconv.Atoi(words[last])
	return strings.Join(words[:last], " "), size, err
}
