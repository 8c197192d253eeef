package metamorphic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (g *Generator) get() Op {
	op := g.read("get")
	if g.one(3) {
		from := g.size()
		op = op.with("range", fmt.Sprintf("%d-%d", from, from+g.size()))
	}
	return op
}

func (g *Generator) head() Op { return g.read("head") }

func (g *Generator) read(verb string) Op {
	b, key := g.bucket(), pick(g, g.space.Keys)
	op := Op{Verb: verb, Args: []string{b, key}}
	if g.one(2) {
		op = op.with("version", g.version(b, key))
	}
	return op
}

// readers are the names of objects that stay open for a while.
var readers = []string{"r1", "r2", "r3"}

func (g *Generator) open() Op { return g.read("open").with("as", pick(g, readers)) }

func (g *Generator) readOpened() Op {
	if g.one(4) {
		return Op{Verb: "close", Args: []string{pick(g, readers)}}
	}
	return Op{Verb: "read", Args: []string{pick(g, readers)}}
}

// part returns a piece of a key from its beginning, often one that ends a level.
func (g *Generator) part() string {
	key := pick(g, g.space.Keys)
	if i := strings.LastIndex(key, "/"); i >= 0 && g.one(2) {
		return key[:i+1]
	}
	runes := []rune(key)
	return string(runes[:g.rng.IntN(len(runes)+1)])
}

// listing adds what both kinds of listing have.
func (g *Generator) listing(op Op, marker string) Op {
	if g.one(2) {
		op = op.with("prefix", g.part())
	}
	if g.one(2) {
		op = op.with("delimiter", pick(g, []string{"/", "/", "/", "a", "/b", "ü"}))
	}
	if g.one(2) {
		op = op.with(marker, g.part())
	}
	if slices.Contains(g.space.Fixed, op.Args[0]) && !strings.HasPrefix(op.text("prefix"), g.space.Own) {
		op = op.with("prefix", g.space.Own)
	}
	return op.with("limit", strconv.Itoa(pick(g, []int{0, 1, 1, 2, 3, 5, 8, maxPage})))
}

func (g *Generator) list() Op {
	return g.listing(Op{Verb: "list", Args: []string{g.bucket()}}, "after")
}

func (g *Generator) versions() Op {
	op := g.listing(Op{Verb: "versions", Args: []string{g.bucket()}}, "key-marker")
	if g.one(3) {
		key := pick(g, g.space.Keys)
		op = op.with("key-marker", key).with("version-marker", g.version(op.Args[0], key))
	}
	return op
}

func (g *Generator) walk() Op {
	op := g.listing(Op{Verb: "walk", Args: []string{g.bucket()}}, "prefix")
	return op.with("limit", strconv.Itoa(pick(g, []int{1, 2, 3, 7, 20, maxPage})))
}

func (g *Generator) advance() Op {
	times := []string{"1ms", "1s", "11s", "1h", "24h", "-1s", "-1h", "-24h"}
	return Op{Verb: "advance", Args: []string{pick(g, times)}}
}

func (g *Generator) crash() Op {
	keep := pick(g, []int{0, 0, 50, 50, 100})
	return Op{Verb: "crash"}.with("keep", strconv.Itoa(keep)).with("seed", strconv.Itoa(g.rng.IntN(1000)))
}
