package store

import (
	"sync"

	"github.com/seed61737384/tombstone/store/blob"
)

// pins are the files that somebody reads. Reclaim passes over them.
type pins struct {
	mu       sync.Mutex // protects readers
	readers  map[blob.Ref]int
	unpinned func() // called without mu when the last reader of a file is done
}

func (p *pins) pin(ref blob.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readers == nil {
		p.readers = make(map[blob.Ref]int)
	}
	p.readers[ref]++
}

func (p *pins) unpin(ref blob.Ref) {
	if p.drop(ref) && p.unpinned != nil {
		p.unpinned()
	}
}

func (p *pins) drop(ref blob.Ref) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers[ref]--
	if p.readers[ref] > 0 {
		return false
	}
	delete(p.readers, ref)
	return true
}

func (p *pins) pinned(ref blob.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readers[ref] > 0
}
