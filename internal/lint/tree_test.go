package lint

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// goFile is one parsed Go file of the repository.
type goFile struct {
	path string // from the repository's root, with slashes
	dir  string // the folder of path
	test bool   // named *_test.go
	ast  *ast.File
}

// repository is what the tests of this package look at.
type repository struct {
	root   string
	module string // path of the module
	fset   *token.FileSet
	files  []*goFile // in the order of their paths, testdata left out
	paths  []string  // every other regular file, from the root, with slashes
	broken []error   // Go files that do not parse
}

// load reads the repository once for all tests.
var load = sync.OnceValues(readRepository)

// repo returns the repository, or ends the test.
func repo(t *testing.T) *repository {
	t.Helper()
	r, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readRepository() (*repository, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	module, ok := strings.CutPrefix(first, "module ")
	if !ok {
		return nil, errors.New("go.mod does not begin with the module's path")
	}
	r := &repository{root: root, module: strings.TrimSpace(module), fset: token.NewFileSet()}
	return r, filepath.WalkDir(root, r.visit)
}

// skipped are folders that hold no source of this repository.
var skipped = map[string]bool{"bin": true, "data": true, "node_modules": true}

func (r *repository) visit(full string, d fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a test that runs beside this one has removed its own file
	}
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(r.root, full)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	switch {
	case d.IsDir() && rel != "." && (skipped[rel] || strings.HasPrefix(d.Name(), ".")):
		return filepath.SkipDir
	case !d.Type().IsRegular():
		return nil
	case !strings.HasSuffix(rel, ".go") || isTestdata(rel):
		r.paths = append(r.paths, rel)
		return nil
	}
	r.parse(full, rel)
	return nil
}

func (r *repository) parse(full, rel string) {
	f, err := parser.ParseFile(r.fset, full, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		r.broken = append(r.broken, err)
		return
	}
	r.files = append(r.files, &goFile{
		path: rel,
		dir:  path.Dir(rel),
		test: strings.HasSuffix(rel, "_test.go"),
		ast:  f,
	})
}

// isTestdata tells whether a file lies in a testdata folder.
func isTestdata(rel string) bool {
	return strings.HasPrefix(rel, "testdata/") || strings.Contains(rel, "/testdata/")
}

// product returns the Go files that are not tests.
func (r *repository) product() []*goFile {
	var files []*goFile
	for _, f := range r.files {
		if !f.test {
			files = append(files, f)
		}
	}
	return files
}

// line returns the line of p in its file.
func (r *repository) line(p token.Pos) int { return r.fset.Position(p).Line }

// lines returns the number of lines from the first to the last line of n.
func (r *repository) lines(n ast.Node) int { return r.line(n.End()) - r.line(n.Pos()) + 1 }

// read returns the text of a file given by its path from the root.
func (r *repository) read(t *testing.T, rel string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(rel)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Every other test is silent about a file that does not parse.
func TestFilesParse(t *testing.T) {
	for _, err := range repo(t).broken {
		t.Error(err)
	}
}

// textLines returns the lines of a list kept in this folder with their
// numbers, comments and empty lines left out.
func textLines(t *testing.T, name string) map[int]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[int]string)
	for i, l := range strings.Split(string(data), "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			lines[i+1] = l
		}
	}
	return lines
}
