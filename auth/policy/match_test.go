package policy

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// modelMatch says what a pattern means, by trying everything.
func modelMatch(pattern, s []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return modelMatch(pattern[1:], s) || len(s) > 0 && modelMatch(pattern, s[1:])
	case len(s) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == s[0]) && modelMatch(pattern[1:], s[1:])
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"*", ""}, {"*", "a/b"}, {"?", ""}, {"a*", "abc"}, {"*c", "abc"}, {"a?c", "abc"}, {"a?c", "aäc"},
		{"*a*b*", "xxaxxbxx"}, {"*ab*ab", "abab"}, {"a*a", "a"}, {"*?*?", "ab"}, {"*?b?*d", "aabcdbad"}, {"ä*ö", "äö"},
		{"*a?b*", "aab"}, {"a**b", "ab"}, {"?*", "ä"}, {"*??", "ä"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) || len(pattern) > 12 || len(s) > 12 {
			t.Skip("not text of at most 12 bytes: the model, which tries every split, would take too long")
		}
		compiled, err := compileText(pattern, true, false)
		if err != nil {
			t.Fatalf("compileText(%q): %v", pattern, err)
		}
		if got, want := match(compiled.fixed, s), modelMatch([]rune(pattern), []rune(s)); got != want {
			t.Errorf("match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// Stars do not multiply the time: what would take a backtracking matcher years
// is over at once.
func TestMatchManyStars(t *testing.T) {
	pattern := strings.Repeat(string([]byte{anyRun, 'a'}), 1000) + "b"
	if match(pattern, strings.Repeat("a", 100_000)) {
		t.Error("matched without a b")
	}
	pattern = strings.Repeat(string([]byte{anyRun, anyOne, 'a'}), 200)
	if !match(pattern, strings.Repeat("a", 1000)) {
		t.Error("did not match")
	}
}

func TestCompileVariable(t *testing.T) {
	tests := []struct {
		in   string
		name string // "": refused
		want string // default
	}{
		{"aws:username", "aws:username", ""},
		{" aws:UserName ", "aws:username", ""},
		{"aws:username, 'a b'", "aws:username", "a b"},
		{"aws:username,''", "aws:username", ""},
		{"aws:PrincipalTag/a", "aws:principaltag/a", ""},
		{"username", "", ""},
		{"aws:username, a", "", ""},
		{"aws:username, '", "", ""},
		{"", "", ""},
		{"aws:a*", "", ""},
		{"aws:a${x", "", ""},
	}
	for _, test := range tests {
		p, err := compileVariable(test.in)
		if (err == nil) != (test.name != "") || p.variable.name != test.name || p.fallback != test.want {
			t.Errorf("compileVariable(%q) = %+v, %v", test.in, p, err)
		}
	}
}

// Each key that only some actions have stands for some, and all rows of the
// table of actions fit a set.
func TestTables(t *testing.T) {
	if len(actions) > len(actionSet{})*64 {
		t.Errorf("%d actions do not fit a set", len(actions))
	}
	for key, set := range s3Keys {
		if set.empty() {
			t.Errorf("no action has %s", key)
		}
	}
	seen := make(map[string]bool)
	for _, a := range Actions() {
		if seen[strings.ToLower(a.Name)] {
			t.Errorf("%s occurs twice", a.Name)
		}
		seen[strings.ToLower(a.Name)] = true
		if (a.grant == 0) != (a.list == 0) || a.Versioned && a.Level != ObjectLevel {
			t.Errorf("row %+v", a)
		}
		if found, ok := LookupAction(a.Name); !ok || found != a {
			t.Errorf("LookupAction(%s) = %+v, %v", a.Name, found, ok)
		}
	}
	if _, ok := LookupAction("s3:HeadObject"); ok {
		t.Error("s3:HeadObject is no action")
	}
}
