package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every form of branch, and one that no test can notice.
const sample = `package sample

type kind int

func size(n int, k kind, list []int) (total int) {
	if n > 3 &&
		k != 0 {
		total++
	}
	for i := 0; i < len(list); i++ {
		total += list[i]
	}
	switch k := k + 0; k {
	case 1, 2:
		total += 10
	case 3:
		total += 20
	default:
		total += 30
	}
	switch {
	case n < 0:
		total = -1
	case n == 77 || n == 78:
		total = 77
	}
	positive := (n > 0)
	if !positive {
		total -= 100
	}
	switch "x" {
	}
	if n > 1000 && k != 9 {
		total++
	}
	_ = total == 1<<40
	return total
}
`

const sampleTest = `package sample

import "testing"

func TestSize(t *testing.T) {
	tests := []struct{ n int; k kind; list []int; want int }{
		{4, 1, []int{5}, 16},
		{4, 2, nil, 11},
		{4, 0, nil, 30},
		{3, 1, nil, 10},
		{2, 3, nil, 20},
		{77, 1, nil, 77},
		{-1, 1, nil, -101},
		{1001, 3, nil, 22},
	}
	for _, test := range tests {
		if got := size(test.n, test.k, test.list); got != test.want {
			t.Errorf("size(%v, %v, %v) = %d, want %d", test.n, test.k, test.list, got, test.want)
		}
	}
}
`

func TestSample(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a package")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module sample\n\ngo 1.26\n", "sample.go": sample, "sample_test.go": sampleTest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mutants, left, err := run(t.Context(), target{dir: dir, tests: "."})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range mutants {
		verdict := "killed   "
		if slices.Contains(left, m) {
			verdict = "survived "
		}
		all = append(all, verdict+strings.TrimPrefix(m.id, "sample.go size ")+" "+strings.TrimPrefix(m.at, "sample.go"))
	}
	want := []string{
		"killed   if: n > 3 && k != 0 :6",
		"killed   swap: n > 3 && k != 0 :6",
		"killed   operand: n > 3 :6",
		"killed   operand: k != 0 :7",
		"killed   for: i < len(list) :10",
		"killed   case: 1 :14",
		"killed   case: 2 :14",
		"killed   case: 3 :16",
		"killed   case: n < 0 :22",
		"killed   case: n == 77 || n == 78 :24",
		"killed   swap: n == 77 || n == 78 :24",
		"killed   operand: n == 77 :24",
		"killed   operand: n == 78 :24",
		"killed   comparison: n > 0 :27",
		"killed   if: !positive :28",
		"killed   if: n > 1000 && k != 9 :33",
		"killed   swap: n > 1000 && k != 9 :33",
		"killed   operand: n > 1000 :33",
		"killed   operand: k != 9 :33",
		"survived comparison: total == 1<<40 :36",
	}
	if !slices.Equal(all, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
	}
}

// Inverting any branch of the rule book turns a test red.
func TestVersioning(t *testing.T) {
	noneSurvives(t, target{dir: filepath.Join("..", "..", "versioning"), tests: "."})
}

// lifecycleRules are the files of lifecycle that decide, and lifecycleTests the tests
// that are about them and nothing else.
var lifecycleRules = []string{"config.go", "due.go", "evaluate.go", "filter.go", "validate.go"}

const lifecycleTests = "^(TestRules|Test.*Documents|TestRefused.*|TestXML|TestMinimumSize|TestEncoding|TestPrefixes|TestTransitionsAreTold|TestConfigErrorText)$"

// Inverting any branch of the rules of lifecycle turns one of their tests red.
func TestLifecycle(t *testing.T) {
	noneSurvives(t, target{dir: filepath.Join("..", "..", "lifecycle"), files: lifecycleRules, tests: lifecycleTests})
}

// noneSurvives inverts the branches of a target.
func noneSurvives(t *testing.T, what target) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the tests of a package once for each branch")
	}
	readAll(t, what.dir)
	var table strings.Builder
	ok, err := mutate(t.Context(), &table, what, "survivors.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Errorf("branches of %s can be inverted unnoticed:\n%s", what.dir, notKilled(table.String()))
	}
}

// readAll reads what the tests of dir depend on, so that go test does not take
// this test's result from its cache after a change there.
func readAll(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		_, err = os.ReadFile(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func notKilled(table string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(table, "\n"), func(l string) bool {
		return strings.HasPrefix(l, "killed")
	}), "\n")
}

func TestPrintTable(t *testing.T) {
	mutants := []mutant{{1, "p/a.go f if: x", "p/a.go:3"}, {2, "p/a.go f if: y", "p/a.go:4"}}
	tests := []struct {
		name    string
		left    []mutant
		reasons map[string]string
		ok      bool
	}{
		{"all killed", nil, nil, true},
		{"survivor", mutants[:1], nil, false},
		{"survivor with a reason", mutants[:1], map[string]string{"p/a.go f if: x": "of x"}, true},
		{"another one's reason", mutants[:1], map[string]string{"p/a.go f if: y": "of y"}, false},
		{"needless reason", nil, map[string]string{"p/a.go f if: x": "of x"}, false},
		{"reason for another folder", nil, map[string]string{"q/a.go f if: x": "of x"}, true},
	}
	for _, test := range tests {
		var table strings.Builder
		if ok := printTable(&table, mutants, test.left, test.reasons); ok != test.ok {
			t.Errorf("%s: %v, want %v:\n%s", test.name, ok, test.ok, table.String())
		}
	}
}

func TestReasonsAreRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(name, []byte("# a comment\n\np/a.go f if: x because of y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reasons, err := readSurvivors(name)
	if err != nil || len(reasons) != 1 || reasons["p/a.go f if: x"] != "of y" {
		t.Errorf("got %v, %v", reasons, err)
	}
}
