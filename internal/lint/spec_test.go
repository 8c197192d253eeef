package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// required are the sections whose every rule has a test: file prefix and
// section, sub-sections included. It grows with what the server does.
var required = []string{
	"VD1", "VD2", "VD3", "VD4", "VD5", "VD6", "VD7", "VD8", "VD9",
	"LS1", "LS2", "LS3", "LS4", "LS5", "LS6",
	"AP1", "AP2", "AP3", "AP4", "AP5",
	"OL1", "OL2",
	"WI1", "WI2", "WI3", "WI4", "WI5", "WI6",
	"LC1", "LC2", "LC3", "LC4", "LC5", "LC6", "LC7",
}

const specFolder = "docs/spec/"

// specFiles are the files of docs/spec with the prefix of their ids.
var specFiles = []struct{ prefix, name string }{
	{"VD", "versioning-and-deletion.md"},
	{"LS", "listing.md"},
	{"LC", "lifecycle.md"},
	{"OL", "object-lock-and-mfa.md"},
	{"AP", "auth-and-policy.md"},
	{"WI", "wire.md"},
	{"DB", "directory-buckets.md"},
	{"EV", "events-and-logs.md"},
}

var (
	idForm  = regexp.MustCompile(`^([A-Z]{2})([1-9][0-9]*)(\.[1-9][0-9]*)?-[1-9][0-9]*$`)
	heading = regexp.MustCompile(`^#{2,3} ([1-9][0-9]*(?:\.[1-9][0-9]*)?)\.? `)
	listed  = regexp.MustCompile("^(?:- |[1-9][0-9]*\\. )?`([A-Z]{2}[0-9.]*-[0-9]*)` ")
	bullet  = regexp.MustCompile(`^(?:- |[1-9][0-9]*\. )`)
)

// spec is what docs/spec says: its ids in order, and where each stands.
type spec struct {
	ids   []string
	at    map[string]string // id -> file:line
	wrong []string
}

func readSpec(t *testing.T, r *repository) *spec {
	t.Helper()
	s := &spec{at: make(map[string]string)}
	for _, f := range specFiles {
		page := specPage{spec: s, file: f.name, prefix: f.prefix}
		for i, l := range strings.Split(r.read(t, specFolder+f.name), "\n") {
			page.line(i+1, l)
		}
	}
	return s
}

// specPage reads one file of docs/spec line by line.
type specPage struct {
	spec    *spec
	file    string
	prefix  string
	section string // "" before the first numbered heading
	code    bool   // within a fence
	row     int    // lines of the current table so far
}

func (p *specPage) line(n int, l string) {
	if strings.HasPrefix(l, "```") {
		p.code = !p.code
	}
	if m := heading.FindStringSubmatch(l); m != nil {
		p.section = m[1]
	}
	if p.code || p.section == "" {
		return
	}
	if strings.HasPrefix(l, "|") {
		p.row++
		p.tableRow(n, l)
		return
	}
	p.row = 0
	switch m := listed.FindStringSubmatch(l); {
	case m != nil:
		p.add(n, m[1])
	case bullet.MatchString(l):
		p.complain(n, "a rule without an id")
	}
}

func (p *specPage) tableRow(n int, l string) {
	cells := strings.Split(l, "|")
	first := strings.TrimSpace(cells[1])
	switch {
	case p.row == 1 && first != "Id":
		p.complain(n, "a table whose first column is not Id")
	case p.row > 2 && first != "":
		p.add(n, first)
	case p.row == 3, p.row > 3 && strings.TrimSpace(cells[2]) != "":
		p.complain(n, "a row without an id")
	}
}

func (p *specPage) add(n int, id string) {
	if !strings.HasPrefix(id, p.prefix+p.section+"-") || !idForm.MatchString(id) {
		p.complain(n, fmt.Sprintf("id %q in section %s%s", id, p.prefix, p.section))
	}
	if first, twice := p.spec.at[id]; twice {
		p.complain(n, fmt.Sprintf("id %s stands at %s already", id, first))
		return
	}
	p.spec.at[id] = fmt.Sprintf("%s:%d", p.file, n)
	p.spec.ids = append(p.spec.ids, id)
}

func (p *specPage) complain(n int, what string) {
	p.spec.wrong = append(p.spec.wrong, fmt.Sprintf("%s%s:%d: %s", specFolder, p.file, n, what))
}

func TestSpecIDs(t *testing.T) {
	s := readSpec(t, repo(t))
	for _, w := range s.wrong {
		t.Error(w)
	}
	for _, section := range required {
		if !slices.ContainsFunc(s.ids, func(id string) bool { return within(id, section) }) {
			t.Errorf("required section %s has no rules", section)
		}
	}
}

// within tells whether an id belongs to a section such as VD3, or to one of
// its sub-sections.
func within(id, section string) bool {
	rest, ok := strings.CutPrefix(id, section)
	return ok && (rest[0] == '-' || rest[0] == '.')
}

func TestSpecCoverage(t *testing.T) {
	r := repo(t)
	s := readSpec(t, r)
	marks := readMarks(t, r)
	tested := make(map[string]bool)
	for _, m := range marks {
		if m.wrong != "" {
			t.Errorf("%s: %s", m.at, m.wrong)
			continue
		}
		if s.at[m.id] == "" {
			t.Errorf("%s: no rule of docs/spec has the id %s", m.at, m.id)
		}
		tested[m.id] = true
	}
	reasons := readUntested(t, s, tested)
	var missing []string
	for _, id := range s.ids {
		if isRequired(id) && !tested[id] && reasons[id] == "" {
			missing = append(missing, fmt.Sprintf("%s (%s)", id, s.at[id]))
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d required rules have no test that names them with \"spec: ID\":\n\t%s", len(missing), strings.Join(missing, "\n\t"))
	}
	report(t, s, tested)
}

func isRequired(id string) bool {
	return slices.ContainsFunc(required, func(section string) bool { return within(id, section) })
}

// report logs how much of each file the tests name.
func report(t *testing.T, s *spec, tested map[string]bool) {
	t.Helper()
	all, done := make(map[string]int), make(map[string]int)
	for _, id := range s.ids {
		all[id[:2]]++
		if tested[id] {
			done[id[:2]]++
		}
	}
	for _, f := range specFiles {
		t.Logf("%-28s %3d of %3d rules have a test", f.name, done[f.prefix], all[f.prefix])
	}
}

// readUntested reads the rules that have no test yet for a written reason. An
// entry that is not needed is an error, so that the list only shrinks.
func readUntested(t *testing.T, s *spec, tested map[string]bool) map[string]string {
	t.Helper()
	reasons := make(map[string]string)
	for n, l := range textLines(t, "untested.txt") {
		id, why, ok := strings.Cut(l, " because ")
		switch {
		case !ok:
			t.Errorf("untested.txt:%d: no reason given", n)
		case s.at[id] == "":
			t.Errorf("untested.txt:%d: no rule of docs/spec has the id %q", n, id)
		case !isRequired(id):
			t.Errorf("untested.txt:%d: %s is in no required section; remove the line", n, id)
		case tested[id]:
			t.Errorf("untested.txt:%d: %s has a test now; remove the line", n, id)
		}
		reasons[id] = why
	}
	if len(reasons) > maxUntested {
		t.Errorf("untested.txt has %d lines, at most %d are allowed", len(reasons), maxUntested)
	}
	if len(reasons) < maxUntested {
		t.Errorf("untested.txt has %d lines; lower maxUntested to that", len(reasons))
	}
	return reasons
}

// maxUntested is the length of untested.txt; it may only be lowered, except
// when a section is added to required.
const maxUntested = 1

// mark is one id that a test names, or what is wrong with a mark.
type mark struct {
	id, at, wrong string
}

// readMarks collects the marks of all tests: in the comments of test files, and
// in the lines of testdata that begin with #.
func readMarks(t *testing.T, r *repository) []mark {
	t.Helper()
	var marks []mark
	for _, f := range r.files {
		if !f.test || f.dir == "internal/lint" {
			continue
		}
		for _, group := range f.ast.Comments {
			at := fmt.Sprintf("%s:%d", f.path, r.line(group.Pos()))
			marks = append(marks, parseMarks(group.Text(), at)...)
		}
	}
	for _, rel := range r.paths {
		if !isTestdata(rel) {
			continue
		}
		text := r.read(t, rel)
		if strings.ContainsRune(text, 0) {
			continue // a kept data folder, not a text
		}
		for i, l := range strings.Split(text, "\n") {
			if comment, ok := strings.CutPrefix(strings.TrimSpace(l), "#"); ok {
				marks = append(marks, parseMarks(comment, fmt.Sprintf("%s:%d", rel, i+1))...)
			}
		}
	}
	return marks
}
