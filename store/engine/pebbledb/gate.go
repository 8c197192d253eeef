package pebbledb

import "sync"

// gate counts the calls under way, so that Close can wait for them: Pebble
// panics when it is used after its own Close. Unlike a sync.RWMutex it lets a
// call that is inside make another one while Close waits: that one is refused
// and nothing hangs.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   bool
	empty  chan struct{} // closed when shut and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter reports whether the caller is let in; if so it must call leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.shut && g.inside == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more and reports whether it was open before. The
// channel closes when the last one inside has left.
func (g *gate) close() (left <-chan struct{}, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return g.empty, false
	}
	g.shut = true
	if g.inside == 0 {
		close(g.empty)
	}
	return g.empty, true
}
