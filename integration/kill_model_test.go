package integration

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// place is a key of a bucket.
type place struct{ bucket, key string }

// stored is an entry of a key as the client knows it.
type stored struct {
	id     string // "" if it was never learned
	marker bool
	sum    [sha256.Size]byte // of the body of an object version
}

// past is the history of a key, newest first.
type past []stored

// change is one change of one key.
type change struct {
	place
	kind kind
	id   string // of the entry to destroy
	body []byte
}

type kind int

const (
	changePut kind = iota
	changeDelete
	changeDeleteID
)

func (c change) String() string {
	text := [...]string{"put", "delete", "delete version"}[c.kind]
	return fmt.Sprintf("%s %s/%s %s (%d bytes)", text, c.bucket, c.key, c.id, len(c.body))
}

// after returns the history that c makes of before in a bucket with the given
// versioning status. id is that of the new entry, "" if it is not known.
func (c change) after(before past, status, id string) past {
	if c.kind == changeDeleteID {
		return slices.DeleteFunc(slices.Clone(before), func(s stored) bool { return s.id == c.id })
	}
	rest := before
	if status != "Enabled" {
		id = "null"
		rest = slices.DeleteFunc(slices.Clone(before), func(s stored) bool { return s.id == id })
	}
	if c.kind == changeDelete && status == "" {
		return rest
	}
	added := stored{id: id, marker: c.kind == changeDelete}
	if !added.marker {
		added.sum = sha256.Sum256(c.body)
	}
	return slices.Insert(slices.Clone(rest), 0, added)
}

// fits tells whether seen is the history p, where p may not know all ids.
func (p past) fits(seen past) bool {
	return slices.EqualFunc(p, seen, func(want, got stored) bool {
		return want.marker == got.marker && want.sum == got.sum && (want.id == "" || want.id == got.id)
	})
}

// String shows a history in a form that fits a line.
func (p past) String() string {
	text := "["
	for _, s := range p {
		what := "marker"
		if !s.marker {
			what = fmt.Sprintf("%x", s.sum[:4])
		}
		text += fmt.Sprintf(" %s:%s", s.id, what)
	}
	return text + " ]"
}
