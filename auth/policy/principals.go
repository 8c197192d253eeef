package policy

import (
	"fmt"
	"strings"
)

// principals are those whom a statement of a bucket policy names. Services,
// federated users and roles may be named but make no requests here.
type principals struct {
	everyone   bool
	accounts   []string
	canonicals []string
	users      []namedUser
}

// namedUser is a user as an ARN names it.
type namedUser struct{ account, path, name string }

// reach is how a statement names the caller.
type reach uint8

const (
	notNamed  reach = iota
	asAccount       // by its account, which may then decide (a delegation)
	asSelf          // itself, or with everybody
)

// match returns how the principals name a caller. To name an account is to name
// its root and, for a Deny, all its users; an Allow leaves it to the account
// which of its users may. (IAM reference, "AWS account principals")
func (s *principals) match(p *Principal) reach {
	if s.everyone {
		return asSelf
	}
	if p.Anonymous() {
		return notNamed
	}
	if s.hasUser(p) {
		return asSelf
	}
	if !s.hasAccount(p) {
		return notNamed
	}
	if p.Root() {
		return asSelf
	}
	return asAccount
}

// exempts reports whether NotPrincipal spares a caller. A user is spared only if
// it is named together with its account, as IAM asks. (IAM reference,
// "NotPrincipal with Deny")
func (s *principals) exempts(p *Principal) bool {
	switch {
	case s.everyone:
		return true
	case p.Anonymous():
		return false
	}
	return s.hasAccount(p) && (p.Root() || s.hasUser(p))
}

func (s *principals) hasAccount(p *Principal) bool {
	for _, a := range s.accounts {
		if a == p.Account {
			return true
		}
	}
	for _, id := range s.canonicals {
		if id == p.CanonicalID {
			return true
		}
	}
	return false
}

func (s *principals) hasUser(p *Principal) bool {
	path := p.Path
	if path == "" {
		path = "/"
	}
	for _, u := range s.users {
		if u.name == p.User && u.account == p.Account && u.path == path {
			return true
		}
	}
	return false
}

const (
	invalidPrincipal = "Invalid principal in policy"
	missingPrincipal = "Missing required field Principal"
)

// principal reads Principal or NotPrincipal.
func (p *parser) principal(s *statement, n *node) error {
	v := n.member("Principal")
	if v == nil {
		v = n.member("NotPrincipal")
		s.notPrincipal = v != nil
	}
	switch {
	case p.kind == Identity && v != nil:
		return p.fail(v, "Policy document should not specify a principal.", "")
	case p.kind == Identity:
		s.principals.everyone = true
		return nil
	case v == nil:
		return p.fail(n, missingPrincipal, "")
	case s.notPrincipal && !s.deny:
		return p.fail(v, invalidPrincipal, "NotPrincipal goes with the effect Deny only")
	case v.kind == stringNode && v.text == "*":
		s.principals.everyone = true
		return nil
	case v.kind != objectNode:
		return p.fail(v, badSyntax, `a principal is "*" or an object`)
	case len(v.members) == 0:
		return p.fail(v, missingPrincipal, "the object is empty")
	}
	for _, m := range v.members {
		list, err := p.strings(m.value)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return p.fail(m.value, invalidPrincipal, "the list is empty")
		}
		for _, item := range list {
			if !s.principals.add(m.name, item.text) {
				return p.fail(item, invalidPrincipal, fmt.Sprintf("%s: %s", m.name, item.text))
			}
		}
	}
	return nil
}

// add adds a principal of a type, and reports whether it is well formed.
func (s *principals) add(kind, name string) bool {
	switch kind {
	case "AWS":
		return s.addAWS(name)
	case "CanonicalUser":
		s.canonicals = append(s.canonicals, name)
		return name != "" && !strings.Contains(name, "*")
	case "Service", "Federated":
		return name != "" && name != "*"
	}
	return false
}

// addAWS adds "*", an account by its id, or what an ARN names.
func (s *principals) addAWS(name string) bool {
	if name == "*" {
		s.everyone = true
		return true
	}
	if accountID(name) {
		s.accounts = append(s.accounts, name)
		return true
	}
	rest, ok := strings.CutPrefix(name, iamARN)
	if !ok {
		rest, ok = strings.CutPrefix(name, "arn:aws:sts::")
		account, session, _ := strings.Cut(rest, ":")
		return ok && accountID(account) && session != "" && !strings.ContainsAny(session, "*?")
	}
	account, id, _ := strings.Cut(rest, ":")
	if !accountID(account) || strings.ContainsAny(id, "*?") {
		return false
	}
	if id == "root" {
		s.accounts = append(s.accounts, account)
		return true
	}
	kind, path, _ := strings.Cut(id, "/")
	slash := strings.LastIndexByte(path, '/')
	if path == "" || slash == len(path)-1 || kind != "user" && kind != "role" {
		return false
	}
	if kind == "user" {
		s.users = append(s.users, namedUser{account, "/" + path[:slash+1], path[slash+1:]})
	}
	return true
}

func accountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
