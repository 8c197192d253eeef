package store

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

// probe stands between a store and its engine. It counts what the store asks for,
// and hands commits and point reads to hooks that may delay or spoil them.
type probe struct {
	engine.Engine

	mu     sync.Mutex // protects counts
	counts counts

	// onCommit is called in place of a commit; apply makes it.
	onCommit atomic.Pointer[func(mutations []engine.Mutation, apply func() error) error]
	// afterView is called after the next view of a request.
	afterView atomic.Pointer[func()]
	// onGet is called before each point read, but for those of GetMulti.
	onGet atomic.Pointer[func(key []byte)]
	// onScan is called before each scan.
	onScan atomic.Pointer[func(engine.Range)]
}

// counts is what a store asked of its engine.
type counts struct {
	Views     int
	Gets      int // point reads, those of GetMulti one by one
	Scans     int
	Rows      int // rows that scans delivered
	Bytes     int // keys and values that were read
	Commits   int
	Mutations int
}

// rows is the number of rows that were read.
func (c counts) rows() int { return c.Gets + c.Rows }

func (c counts) String() string {
	return fmt.Sprintf("views %d, gets %d, scans %d, rows %d, bytes %d, commits %d, mutations %d",
		c.Views, c.Gets, c.Scans, c.Rows, c.Bytes, c.Commits, c.Mutations)
}

// openProbed opens a test store whose engine is watched.
func openProbed(t *testing.T, change func(*Options)) (*Store, *probe) {
	t.Helper()
	p := &probe{}
	s := openTest(t, nil, func(o *Options) {
		p.under(o)
		if change != nil {
			change(o)
		}
	})
	mustReclaimed(t, s) // the first look of the reclaimer is not to be counted
	return s, p
}

// under makes p watch the engine of the store that o opens.
func (p *probe) under(o *Options) {
	o.Ledger.manual = true // the sealer is not to be counted either
	o.WrapEngine = func(e engine.Engine) engine.Engine {
		p.Engine = e
		return p
	}
}

// cost returns what fn asks for. Nothing else may use the store meanwhile.
func (p *probe) cost(fn func()) counts {
	p.mu.Lock()
	before := p.counts
	p.mu.Unlock()
	fn()
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	c.Views -= before.Views
	c.Gets -= before.Gets
	c.Scans -= before.Scans
	c.Rows -= before.Rows
	c.Bytes -= before.Bytes
	c.Commits -= before.Commits
	c.Mutations -= before.Mutations
	return c
}

func (p *probe) count(change func(*counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.counts)
}

// byReclaimer reports whether it is the reclaimer that calls: a hook that waits for it
// must not be run by it.
func byReclaimer() bool {
	stack := make([]byte, 16<<10)
	return bytes.Contains(stack[:runtime.Stack(stack, false)], []byte("(*reclaimer).run"))
}

func (p *probe) View(ctx context.Context, fn func(engine.Reader) error) error {
	p.count(func(c *counts) { c.Views++ })
	if p.afterView.Load() != nil && !byReclaimer() {
		if hook := p.afterView.Swap(nil); hook != nil {
			defer (*hook)()
		}
	}
	return p.Engine.View(ctx, func(r engine.Reader) error { return fn(&probeReader{r, p}) })
}

func (p *probe) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	p.count(func(c *counts) { c.Commits++; c.Mutations += len(mutations) })
	apply := func() error { return p.Engine.Commit(ctx, guards, mutations) }
	if hook := p.onCommit.Load(); hook != nil {
		return (*hook)(mutations, apply)
	}
	return apply()
}

// probeReader is the reader of one view.
type probeReader struct {
	engine.Reader
	probe *probe
}

func (r *probeReader) Get(key []byte) ([]byte, bool, error) {
	if hook := r.probe.onGet.Load(); hook != nil {
		(*hook)(key)
	}
	value, found, err := r.Reader.Get(key)
	r.probe.count(func(c *counts) { c.Gets++; c.Bytes += len(key) + len(value) })
	return value, found, err
}

func (r *probeReader) GetMulti(keys [][]byte) ([][]byte, error) {
	values, err := r.Reader.GetMulti(keys)
	r.probe.count(func(c *counts) {
		c.Gets += len(keys)
		for i := range values {
			c.Bytes += len(keys[i]) + len(values[i])
		}
	})
	return values, err
}

func (r *probeReader) Scan(rg engine.Range, fn func(key, value []byte) bool) (bool, error) {
	if hook := r.probe.onScan.Load(); hook != nil {
		(*hook)(rg)
	}
	r.probe.count(func(c *counts) { c.Scans++ })
	return r.Reader.Scan(rg, func(k, v []byte) bool {
		r.probe.count(func(c *counts) { c.Rows++; c.Bytes += len(k) + len(v) })
		return fn(k, v)
	})
}

// inTable reports whether a mutation is one of t's rows.
func inTable(t table, mutations []engine.Mutation) bool {
	for _, m := range mutations {
		if m.Key[0] == byte(t) {
			return true
		}
	}
	return false
}
