package versioning_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// notPossible stands in the tables of the specification where a bucket in U
// would need an id or a delete marker.
const notPossible = "not possible"

// specKey is a key as the tables of docs/spec/versioning-and-deletion.md write
// it: "absent", or names such as "D,v1,N", newest first. The tables of the tests
// are those of the specification, and what they demand is worked out here from
// the names alone, without the rule book.
type specKey struct {
	names   []string
	history history
}

func readKey(text string) specKey {
	k := specKey{}
	if text != "absent" {
		k.names = strings.Split(text, ",")
	}
	for i, n := range k.names {
		k.history = append(k.history, newEntry(specLetters(n), versioning.Order(len(k.names)-i)))
	}
	return k
}

// specLetters returns the letters of a name: v, N, D or DN.
func specLetters(name string) string { return strings.TrimRight(name, "0123456789'") }

// order returns one above those of all entries.
func (k specKey) order() versioning.Order { return versioning.Order(len(k.names) + 1) }

// id returns the id of an entry by its name, "null" or "unknown"; none for "".
func (k specKey) id(name string) versioning.ID {
	switch name {
	case "":
		return versioning.ID{}
	case "null":
		return versioning.Null
	case "unknown":
		return unknown
	}
	return k.history[slices.Index(k.names, name)].ID()
}

// text writes what became of k: entries of k by their names, others by their
// letters and a star.
func (k specKey) text(after history) string {
	if len(after) == 0 {
		return "absent"
	}
	var names []string
	for _, v := range after {
		if i := slices.Index(k.history, v); i >= 0 {
			names = append(names, k.names[i])
			continue
		}
		names = append(names, letters(v)+"*")
	}
	return strings.Join(names, ",")
}

// demand writes a cell of the table as text does: a name that is not one of k is
// a new entry.
func (k specKey) demand(cell string) string {
	if cell == "absent" {
		return cell
	}
	var names []string
	for _, n := range strings.Split(cell, ",") {
		if !slices.Contains(k.names, n) {
			n = specLetters(n) + "*"
		}
		names = append(names, n)
	}
	return strings.Join(names, ",")
}

// headers writes an answer as the tables do, with "new" for the id of the new
// entry.
func (k specKey) headers(a versioning.Answer, after history) string {
	var words []string
	if a.DeleteMarker {
		words = append(words, "true")
	}
	switch id := a.VersionID; {
	case id.IsZero():
	case id.IsNull():
		words = append(words, "null")
	case id == unknown:
		words = append(words, "unknown")
	case k.history.named(id) != nil:
		words = append(words, k.names[slices.Index(k.history, k.history.named(id))])
	case len(after) > 0 && after[0].ID() == id:
		words = append(words, "new")
	default:
		words = append(words, "an id of nothing")
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// withoutNull returns h without its null entry.
func (h history) withoutNull() history {
	return slices.DeleteFunc(slices.Clone(h), func(v *versioning.Version) bool { return v.Null })
}

// checkCell holds one cell of a table, and the headers that belong to it, against
// what the rule book does with the key.
func (k specKey) checkCell(t *testing.T, s bucket, c change, cell, headers string) {
	t.Helper()
	if cell == notPossible {
		if k.history.impossible(s.state) == "" {
			t.Errorf("%v is not possible in %s, but the rule book has it", k.history, s.letter)
		}
		return
	}
	before := strings.Join(k.names, ",")
	after, answer, err := k.history.play(t, c)
	if err != nil || k.text(after) != k.demand(cell) {
		t.Errorf("%s: %s becomes %s, %v; want %s", s.letter, before, k.text(after), err, k.demand(cell))
	}
	if got := k.headers(answer, after); got != headers {
		t.Errorf("%s: the change of %s to %s answers %s, want %s", s.letter, before, cell, got, headers)
	}
}
