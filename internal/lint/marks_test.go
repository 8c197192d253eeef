package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	markWord = regexp.MustCompile(`(?m)(?:^|[\s(])spec:[ \t]*`)
	markID   = regexp.MustCompile(`^[A-Z]{2}[0-9][0-9.]*-[0-9]+`)
	markNext = regexp.MustCompile(`^,\s*`)
	// markEnd is what may stand after the last id of a mark.
	markEnd = regexp.MustCompile(`^[.;:)]*(?:\s|$)`)
)

// parseMarks finds "spec: VD3.3-4, VD3.3-5" in a comment. Prose may follow.
// The list may go on in the next line of the comment after a comma.
func parseMarks(comment, at string) []mark {
	var marks []mark
	for _, loc := range markWord.FindAllStringIndex(comment, -1) {
		rest := comment[loc[1]:]
		for {
			id := markID.FindString(rest)
			if id == "" {
				return append(marks, mark{at: at, wrong: fmt.Sprintf("a mark without an id before %q", firstWords(rest))})
			}
			marks = append(marks, mark{id: id, at: at})
			rest = rest[len(id):]
			comma := markNext.FindString(rest)
			if comma == "" {
				break
			}
			rest = rest[len(comma):]
		}
		if !markEnd.MatchString(rest) {
			marks = append(marks, mark{at: at, wrong: fmt.Sprintf("a mark lists ids with commas, not %q", firstWords(rest))})
		}
	}
	return marks
}

func firstWords(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s[:min(len(s), 20)]
}

func TestMarks(t *testing.T) {
	tests := []struct {
		comment string
		ids     []string
		wrong   bool
	}{
		{comment: "no mark here"},
		{comment: "spec: VD3.3-4", ids: []string{"VD3.3-4"}},
		{comment: "TestX removes.\nspec: VD3.3-4, LS2-7.", ids: []string{"VD3.3-4", "LS2-7"}},
		{comment: "spec: VD3.3-4,\nVD3.3-5 and prose", ids: []string{"VD3.3-4", "VD3.3-5"}},
		{comment: "gone for good (spec: VD3.3-1) and spec: VD3-2", ids: []string{"VD3.3-1", "VD3-2"}},
		{comment: "docs/spec: the rules"},
		{comment: "spec: VD3", wrong: true},
		{comment: "spec: VD3.3-4..7", ids: []string{"VD3.3-4"}, wrong: true},
		{comment: "spec: VD3.3-4, and more", ids: []string{"VD3.3-4"}, wrong: true},
	}
	for _, test := range tests {
		var ids []string
		wrong := false
		for _, m := range parseMarks(test.comment, "here") {
			if m.wrong != "" {
				wrong = true
				continue
			}
			ids = append(ids, m.id)
		}
		if !slices.Equal(ids, test.ids) || wrong != test.wrong {
			t.Errorf("parseMarks(%q) = %v, wrong %v; want %v, %v", test.comment, ids, wrong, test.ids, test.wrong)
		}
	}
}
