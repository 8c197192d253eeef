package attack

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/seed61737384/tombstone/auth/policy"
)

// texts is a string or a list of strings.
type texts []string

// UnmarshalJSON reads either.
func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// statement is a statement as it is written.
type statement struct {
	Effect                  string
	Action, NotAction       texts
	Resource, NotResource   texts
	Principal, NotPrincipal json.RawMessage
	Condition               map[string]map[string]texts
}

// document is a policy as it is written.
type document struct{ Statement []statement }

// readPolicy reads a policy that the server took. What cannot be read says nothing.
func readPolicy(text string) *document {
	var d document
	if text == "" {
		return &d
	}
	if json.Unmarshal([]byte(text), &d) == nil {
		return &d
	}
	var single struct{ Statement statement }
	_ = json.Unmarshal([]byte(text), &single)
	return &document{[]statement{single.Statement}}
}

// ask is a question of who may what.
type ask struct {
	who    policy.Principal
	action string
	arn    string // what follows arn:aws:s3:::, or *
	values map[string][]string
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand puts in the variables of a pattern. One without a value matches nothing.
func (a *ask) expand(pattern string) (string, bool) {
	known := true
	if !strings.Contains(pattern, "${") {
		return pattern, true
	}
	text := variable.ReplaceAllStringFunc(pattern, func(m string) string {
		values := a.values[strings.ToLower(m[2:len(m)-1])]
		if len(values) != 1 {
			known = false
			return ""
		}
		return values[0]
	})
	return text, known
}

// like matches * and ?.
func like(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return like(pattern[1:], s) || s != "" && like(pattern, s[1:])
	case s == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == s[0]) && like(pattern[1:], s[1:])
}

// names reports whether a list of patterns names the action.
func names(list texts, action string) bool {
	for _, p := range list {
		if like(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// covers reports whether a list of resources covers what is asked about. What has an ARN is
// none of the server's own.
func (a *ask) covers(list texts) bool {
	server := a.arn == "*" && strings.HasPrefix(a.action, "tombstone:")
	for _, p := range list {
		if server && p != "*" {
			continue
		}
		p, known := a.expand(strings.TrimPrefix(p, "arn:aws:s3:::"))
		if known && like(p, a.arn) {
			return true
		}
	}
	return false
}

// named is how a statement names the caller: 0 not, 1 as the account, 2 as such.
func (a *ask) named(raw json.RawMessage) int {
	var everybody string
	if json.Unmarshal(raw, &everybody) == nil {
		return 2
	}
	var lists map[string]texts
	_ = json.Unmarshal(raw, &lists)
	best := 0
	for kind, list := range lists {
		for _, name := range list {
			best = max(best, a.namedBy(kind, name))
		}
	}
	return best
}

func (a *ask) namedBy(kind, name string) int {
	account := a.who.Account
	switch {
	case name == "*":
		return 2
	case account == "":
		return 0
	case name == a.who.ARN() && a.who.User != "":
		return 2
	case name == account, name == "arn:aws:iam::"+account+":root", kind == "CanonicalUser" && name == a.who.CanonicalID:
		if a.who.User == "" {
			return 2
		}
		return 1
	}
	return 0
}

// spared reports whether a NotPrincipal spares the caller: a user only if their account is
// named too.
func (a *ask) spared(raw json.RawMessage) bool {
	root := *a
	root.who.User = ""
	return a.named(raw) == 2 && root.named(raw) == 2
}

// applies reports whether a statement of an identity policy, or of a bucket policy, applies,
// and how it names the caller.
func (a *ask) applies(s *statement, resource bool) (ok bool, reach int) {
	reach = 2
	if resource && s.NotPrincipal != nil {
		if a.spared(s.NotPrincipal) {
			return false, 0
		}
	} else if resource {
		reach = a.named(s.Principal)
	}
	action := names(s.Action, a.action) || s.NotAction != nil && !names(s.NotAction, a.action)
	what := a.covers(s.Resource) || s.NotResource != nil && !a.covers(s.NotResource)
	return reach > 0 && action && what && a.holds(s.Condition), reach
}

// verdict is what some policies say.
type verdict struct{ denied, allowed, delegated bool }

// judge reads a policy.
func (v *verdict) judge(a *ask, d *document, resource bool) {
	for i := range d.Statement {
		s := &d.Statement[i]
		ok, reach := a.applies(s, resource)
		switch {
		case !ok:
		case s.Effect == "Deny":
			v.denied = true
		case reach == 2:
			v.allowed = true
		default:
			v.delegated = true
		}
	}
}

// isPublic is Amazon's definition: an Allow for everybody that no condition holds to fixed
// values of a few keys.
func (d *document) isPublic() bool {
	for i := range d.Statement {
		s := &d.Statement[i]
		nobody := ask{}
		if s.Effect == "Allow" && nobody.named(s.Principal) == 2 && !confined(s.Condition) {
			return true
		}
	}
	return false
}

func confined(conditions map[string]map[string]texts) bool {
	for operator, keys := range conditions {
		for key, values := range keys {
			switch operator + " " + strings.ToLower(key) {
			case "StringEquals aws:principalaccount", "StringEquals aws:principalarn":
				return !strings.ContainsAny(strings.Join(values, ""), "*?$")
			case "IpAddress aws:sourceip":
				return !strings.HasSuffix(values[0], "/0")
			}
		}
	}
	return false
}
