package store

import (
	"bytes"

	"github.com/seed61737384/tombstone/store/engine"
)

// documentChunk is the length at which a document is cut, bytes: an engine may bound
// the values it takes.
const documentChunk = 32 << 10

// documentPlace is where a document is kept: the keys of its chunks, and what removes
// them.
type documentPlace struct {
	key    func(chunk int) []byte
	remove func(chunk int) engine.Mutation
}

// read reads the chunks of a document. All but the last have documentChunk bytes; a
// document that is a multiple of that long ends with a full one.
func (p documentPlace) read(r engine.Reader) (chunks [][]byte, err error) {
	for {
		chunk, found, err := r.Get(p.key(len(chunks)))
		if err != nil || !found {
			return chunks, err
		}
		if chunks = append(chunks, append([]byte{}, chunk...)); len(chunk) < documentChunk {
			return chunks, nil
		}
	}
}

// cutDocument cuts a document into its chunks; nil has none, and the empty document
// has an empty one.
func cutDocument(document []byte) (chunks [][]byte) {
	if document == nil {
		return nil
	}
	chunks = [][]byte{document[:min(len(document), documentChunk)]}
	for rest := document[len(chunks[0]):]; len(rest) > 0; {
		n := min(len(rest), documentChunk)
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	return chunks
}

// replace returns the rows that differ between two documents, each guarded by what it
// was.
func (p documentPlace) replace(was, is [][]byte) (guards []engine.Guard, mutations []engine.Mutation) {
	for n := range max(len(was), len(is)) {
		var before, after []byte
		if n < len(was) {
			before = was[n]
		}
		if n < len(is) {
			after = is[n]
		}
		if bytes.Equal(before, after) && (before == nil) == (after == nil) {
			continue
		}
		guards = append(guards, engine.Guard{Key: p.key(n), Value: before})
		if after == nil {
			mutations = append(mutations, p.remove(n))
		} else {
			mutations = append(mutations, engine.Set(p.key(n), after))
		}
	}
	return guards, mutations
}
