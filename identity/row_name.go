package identity

import (
	"fmt"
	"strings"
)

// The kinds of rows, with which their names begin. What a row belongs to follows; no part of that but the last of a
// device's holds a slash.
const (
	kindAccount  = "account"
	kindUser     = "user"
	kindKey      = "key"
	kindPolicy   = "policy"
	kindInline   = "inline"
	kindAttached = "attached"
	kindDevice   = "mfa"
	kindUsed     = "used"
	kindSecrets  = "secrets"
)

// rowName returns the name of the row of a kind that belongs to the other parts.
func rowName(parts ...string) string { return strings.Join(parts, "/") }

// splitName takes the name of a row apart.
func splitName(name string) (kind string, parts []string, err error) {
	kind, rest, _ := strings.Cut(name, "/")
	for _, k := range kinds {
		if k.kind != kind {
			continue
		}
		if k.parts > 0 {
			parts = strings.SplitN(rest, "/", k.parts)
		}
		if len(parts) != k.parts || rowName(append([]string{kind}, parts...)...) != name {
			return "", nil, fmt.Errorf("%w: row %q", ErrDamaged, name)
		}
		return kind, parts, nil
	}
	return "", nil, fmt.Errorf("%w: row %q", ErrNewer, name)
}
