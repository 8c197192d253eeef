package policy

import (
	"slices"
	"strings"
)

// Level is what an action is about.
type Level uint8

// The levels.
const (
	ServiceLevel Level = iota + 1 // the account; its resource is "*"
	BucketLevel                   // arn:aws:s3:::bucket
	ObjectLevel                   // arn:aws:s3:::bucket/key
)

// Action is one row of the table of actions.
type Action struct {
	Name      string // as "s3:GetObject"
	Level     Level
	Versioned bool // it is about a version named by its id (AP1-1 to AP1-7)

	grant Permission // what an ACL has to grant; 0: no ACL grants it
	list  whichACL   // and which ACL
}

// whichACL is the list that grants an action.
type whichACL uint8

const (
	bucketList whichACL = iota + 1
	objectList
)

// Actions returns all actions that are known, by level and name.
func Actions() []Action { return slices.Clone(actions) }

// LookupAction returns the action of a name, and false if it is not known.
func LookupAction(name string) (Action, bool) {
	i, ok := actionIndex[name]
	if !ok {
		return Action{}, false
	}
	return actions[i], true
}

// actionIndex finds an action by its name.
var actionIndex = func() map[string]int {
	index := make(map[string]int, len(actions))
	for i, a := range actions {
		index[a.Name] = i
	}
	return index
}()

// lowerNames are the names in lower case, as patterns are matched with them.
var lowerNames = func() []string {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = strings.ToLower(a.Name)
	}
	return names
}()

// actionSet is a set of known actions, by index.
type actionSet [4]uint64

func (s *actionSet) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *actionSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s *actionSet) merge(t actionSet) {
	for i := range s {
		s[i] |= t[i]
	}
}

func (s *actionSet) meets(t *actionSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

func (s *actionSet) empty() bool { return *s == actionSet{} }

// actionsOf returns the known actions that a pattern names, without regard to
// case.
func actionsOf(pattern string) actionSet { return matching(lowerPattern(pattern)) }

// matching returns the known actions that match a pattern in lower case.
func matching(pattern string) actionSet {
	var set actionSet
	g := newGlob(pattern)
	for i := range lowerNames {
		if g.match(lowerNames[i]) {
			set.add(i)
		}
	}
	return set
}

// lowerPattern returns the pattern of an action as it is matched.
func lowerPattern(s string) string {
	b := []byte(strings.ToLower(s))
	for i, c := range b {
		b[i] = wildcard(c, true)
	}
	return string(b)
}

// actionsAt returns the known actions of a level.
func actionsAt(level Level) actionSet {
	var set actionSet
	for i, a := range actions {
		if a.Level == level {
			set.add(i)
		}
	}
	return set
}

// levels are the actions of each level.
var levels = [...]actionSet{
	ServiceLevel: actionsAt(ServiceLevel),
	BucketLevel:  actionsAt(BucketLevel),
	ObjectLevel:  actionsAt(ObjectLevel),
}
