package pebbledb

import (
	"bytes"
	"sync"

	"github.com/seed61737384/tombstone/store/engine"
)

// releases records what commits have deleted, for maintenance to decide on.
type releases struct {
	mu      sync.Mutex
	deletes int   // since the last flush that maintenance began
	bytes   int64 // keys and values that these deletes let go of
	total   uint64
	spans   spans // where deletes were since everything was last in order
}

// released is a reading of releases.
type released struct {
	deletes int
	bytes   int64
	total   uint64 // deletes since Open: moves whenever something was released
}

func (r *releases) record(mutations []engine.Mutation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range mutations {
		m := &mutations[i]
		if m.Kind != engine.KindDelete {
			continue
		}
		r.deletes++
		r.total++
		r.bytes += int64(len(m.Key) + m.Size)
		r.spans.add(m.Key)
	}
}

func (r *releases) read() released {
	r.mu.Lock()
	defer r.mu.Unlock()
	return released{deletes: r.deletes, bytes: r.bytes, total: r.total}
}

// flushed starts the count of deletes anew. What is released between this and
// the flush itself is counted once too often, which costs a small flush.
func (r *releases) flushed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deletes, r.bytes = 0, 0
}

// touched returns the spans to look at.
func (r *releases) touched() spans {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans.clone()
}

// settled forgets the spans, if nothing was released since total was read.
func (r *releases) settled(total uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total != total {
		return false
	}
	r.spans = nil
	return true
}

// span is the keys from first to last, both included.
type span struct{ first, last []byte }

// spans holds one span per first byte of a key. That byte is the table of the
// index a key belongs to, and deletes of one job are near each other in each
// table, but far from each other across tables.
type spans map[byte]span

// everywhere is what a fresh start has to look at: deletes of the run before may
// be left.
func everywhere() spans {
	return spans{0: {last: bytes.Repeat([]byte{0xff}, maxKeySize)}}
}

func (s *spans) add(key []byte) {
	if *s == nil {
		*s = spans{}
	}
	had, ok := (*s)[key[0]]
	if !ok {
		(*s)[key[0]] = span{first: bytes.Clone(key), last: bytes.Clone(key)}
		return
	}
	if bytes.Compare(key, had.first) < 0 {
		had.first = bytes.Clone(key)
	}
	if bytes.Compare(key, had.last) > 0 {
		had.last = bytes.Clone(key)
	}
	(*s)[key[0]] = had
}

func (s spans) clone() spans {
	c := make(spans, len(s))
	for table, sp := range s {
		c[table] = sp // the keys are replaced, never written to
	}
	return c
}
