package identity

import (
	"maps"
	"slices"
)

// tellRows logs the rows that an edit of before added, changed and removed, by name.
func (r *Registry) tellRows(by string, before *snapshot, e *edit) {
	for _, name := range slices.Sorted(maps.Keys(e.rows)) {
		kind, parts, err := splitName(name)
		if err != nil || kind == kindSecrets || kind == kindUsed {
			continue
		}
		had := before.has(kind, parts)
		switch {
		case e.rows[name] == nil && had:
			r.logger.Info("identity removed", "by", by, "row", name)
		case e.rows[name] != nil && had:
			r.logger.Info("identity changed", "by", by, "row", name)
		case e.rows[name] != nil:
			r.logger.Info("identity added", "by", by, "row", name)
		}
	}
}

// has reports whether the row of a name is there.
func (s *snapshot) has(kind string, parts []string) bool {
	switch kind {
	case kindKey:
		return s.keys[parts[0]] != nil
	case kindDevice:
		return s.devices[parts[0]] != nil
	}
	a := s.accounts[parts[0]]
	switch {
	case a == nil:
		return false
	case kind == kindAccount:
		return a.stored
	case kind == kindPolicy:
		return a.policies[parts[1]] != nil
	}
	u := a.users[parts[1]]
	switch {
	case u == nil:
		return false
	case kind == kindInline:
		return u.inline[parts[2]] != nil
	case kind == kindAttached:
		return u.attached[parts[2]] != nil
	}
	return true
}
