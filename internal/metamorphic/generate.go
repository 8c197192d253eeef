package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/seed61737384/tombstone/internal/model"
)

// Space is what the generator draws from.
type Space struct {
	Buckets []string // made, changed and removed at random
	Fixed   []string // exist, and keep their state
	Keys    []string
	Sizes   []int
	// Entries is how many a bucket has before it is emptied rather than filled.
	Entries int
	// Own begins the keys, if the store has others beside them: then fixed buckets
	// are listed beneath it only.
	Own string
	// Host adds operations on the store as a whole.
	Host bool
}

// Generator makes operations of which many do something: it plays them against a
// model of its own and picks names that are there.
type Generator struct {
	rng    *rand.Rand
	space  Space
	model  *model.Store
	prefix string
	names  []string // last ones given
	count  int
	total  int  // weights
	queue  []Op // to come next
	made   int  // operations
	revive Op   // makes a bucket that was removed, after the operation reviveAt
	// reviveAt is 0 if none is to be made.
	reviveAt int
}

const recentNames = 200

// NewGenerator returns the generator of a seed. The names it gives begin with
// prefix. Fixed buckets have to be in the state that m says.
func NewGenerator(seed uint64, prefix string, space Space, m *model.Store) *Generator {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, 1)), space: space, model: m, prefix: prefix}
	for _, w := range weights {
		g.total += w.weight
	}
	for _, b := range space.Buckets {
		g.queue = append(g.queue, Op{Verb: "create", Args: []string{b}})
	}
	return g
}

// The operations and how often they come, out of the sum of all.
var weights = []struct {
	weight int
	host   bool
	make   func(*Generator) Op
}{
	{400, false, (*Generator).put},
	{130, false, (*Generator).delete},
	{170, false, (*Generator).deleteVersion},
	{40, false, (*Generator).deleteObjects},
	{60, false, (*Generator).lock},
	{40, false, (*Generator).hold},
	{8, false, (*Generator).setDefault},
	{150, false, (*Generator).get},
	{40, false, (*Generator).head},
	{15, false, (*Generator).open},
	{20, false, (*Generator).readOpened},
	{80, false, (*Generator).list},
	{80, false, (*Generator).versions},
	{10, false, (*Generator).walk},
	{30, false, (*Generator).onBucket},
	{10, false, (*Generator).stats},
	{6, false, (*Generator).renew},
	{4, true, (*Generator).advance},
	{2, true, func(*Generator) Op { return Op{Verb: "check"} }},
	{2, true, func(*Generator) Op { return Op{Verb: "reclaim"} }},
	{1, true, func(*Generator) Op { return Op{Verb: "restart"} }},
	{1, true, (*Generator).crash},
}

// Next returns the next operation.
func (g *Generator) Next() Op {
	g.made++
	if g.reviveAt > 0 && g.made >= g.reviveAt {
		g.queue, g.reviveAt = append(g.queue, g.revive), 0
	}
	for len(g.queue) == 0 {
		n := g.rng.IntN(g.total)
		i := 0
		for ; n >= weights[i].weight; i++ {
			n -= weights[i].weight
		}
		if !weights[i].host || g.space.Host {
			op := weights[i].make(g)
			g.queue = append([]Op{op}, g.queue...)
		}
	}
	op := g.queue[0]
	g.queue = g.queue[1:]
	Apply(g.model, op)
	return op
}

// Generate returns n operations.
func Generate(seed uint64, n int, space Space) []Op {
	g := NewGenerator(seed, "v", space, model.New())
	ops := make([]Op, n)
	for i := range ops {
		ops[i] = g.Next()
	}
	return ops
}

func pick[T any](g *Generator, from []T) T { return from[g.rng.IntN(len(from))] }

// one tells, in one of n cases, true.
func (g *Generator) one(n int) bool { return g.rng.IntN(n) == 0 }

func (g *Generator) bucket() string {
	n := len(g.space.Buckets)
	if i := g.rng.IntN(n + len(g.space.Fixed)); i >= n {
		return g.space.Fixed[i-n]
	}
	return pick(g, g.space.Buckets)
}

// name returns a new name.
func (g *Generator) name() string {
	g.count++
	name := g.prefix + strconv.Itoa(g.count)
	g.names = append(g.names, name)
	if len(g.names) > recentNames {
		g.names = g.names[1:]
	}
	return name
}

// version returns the name of an entry: mostly of one that key has, else of the
// null entry, one that is gone or of another key, or none.
func (g *Generator) version(bucket, key string) string {
	history := g.model.History(bucket, key)
	switch n := g.rng.IntN(20); {
	case n < 14 && len(history) > 0:
		return pick(g, history).Name
	case n < 17 || len(g.names) == 0:
		return model.Null
	case n < 19:
		return pick(g, g.names)
	}
	return "unknown"
}

// size returns a size; large ones are rare.
func (g *Generator) size() int {
	n := len(g.space.Sizes)
	return g.space.Sizes[min(g.rng.IntN(n), g.rng.IntN(n), g.rng.IntN(n))]
}

// match returns the value of an if-match on key: mostly the ETag that it has.
func (g *Generator) match(bucket, key string) string {
	if e, _, err := g.model.Read(bucket, key, ""); err == nil && !g.one(3) {
		return fmt.Sprintf("%d/%d", e.Object.Size, e.Object.Seed)
	}
	return "1/1"
}

func (g *Generator) put() Op {
	b, key := g.bucket(), pick(g, g.space.Keys)
	if g.full(b) {
		return g.empty(b, g.one(4))
	}
	op := Op{Verb: "put", Args: []string{b, key}}
	op = op.with("size", strconv.Itoa(g.size())).with("seed", strconv.Itoa(g.rng.IntN(1000))).with("as", g.name())
	switch g.rng.IntN(12) {
	case 0:
		op = op.with("if-none-match", "*")
	case 1:
		op = op.with("if-match", g.match(b, key))
	case 2:
		op = op.with("body", pick(g, []string{"short", "long", "fails", "refused"}))
	}
	if g.one(200) {
		op = op.with("if-match", "*")
	}
	if _, lock, _ := g.model.Bucket(b); lock && g.one(3) || g.one(100) {
		op = g.withRetention(op)
	}
	return op
}

// full tells that a bucket has enough entries.
func (g *Generator) full(bucket string) bool {
	s, _ := g.model.Statistics(bucket)
	return int(s.Objects+s.Noncurrent+s.DeleteMarkers) >= g.space.Entries
}

// empty deletes all entries of a bucket at once, or about half of them, once what
// holds them is out of the way.
func (g *Generator) empty(bucket string, all bool) Op {
	g.queue = append([]Op{g.emptied(bucket, all)}, g.queue...)
	for _, op := range g.freed(bucket) {
		g.queue = append([]Op{op}, g.queue...)
	}
	op := g.queue[0]
	g.queue = g.queue[1:]
	return op
}

func (g *Generator) emptied(bucket string, all bool) Op {
	op := Op{Verb: "delete-objects", Args: []string{bucket}}.with("as", g.name()).with("bypass", "yes")
	for _, key := range g.model.Keys(bucket, "") {
		for _, e := range g.model.History(bucket, key) {
			if all || g.one(2) {
				op.Targets = append(op.Targets, Target{key, e.Name})
			}
		}
	}
	return op
}

func (g *Generator) delete() Op {
	b, key := g.bucket(), pick(g, g.space.Keys)
	op := Op{Verb: "delete", Args: []string{b, key}}.with("as", g.name())
	switch g.rng.IntN(10) {
	case 0:
		op = op.with("if-match", "*")
	case 1:
		op = op.with("if-match", g.match(b, key))
	}
	return op
}

func (g *Generator) deleteVersion() Op {
	b, key := g.bucket(), pick(g, g.space.Keys)
	op := Op{Verb: "delete", Args: []string{b, key}}.with("version", g.version(b, key))
	if g.one(4) {
		op = op.with("bypass", "yes")
	}
	if g.one(50) {
		op = op.with("if-match", "*")
	}
	return op
}

func (g *Generator) deleteObjects() Op {
	b := g.bucket()
	op := Op{Verb: "delete-objects", Args: []string{b}}.with("as", g.name())
	for range 1 + g.rng.IntN(12) {
		t := Target{Key: pick(g, g.space.Keys)}
		if !g.one(3) {
			t.Version = g.version(b, t.Key)
		}
		op.Targets = append(op.Targets, t)
	}
	return op
}

func (g *Generator) onBucket() Op {
	verb := pick(g, []string{"create", "create", "enable", "suspend", "enable", "delete-bucket", "bucket", "buckets"})
	if verb == "buckets" && g.space.Host {
		return Op{Verb: verb}.with("limit", strconv.Itoa(1+g.rng.IntN(4)))
	}
	if verb == "buckets" {
		verb = "bucket"
	}
	op := Op{Verb: verb, Args: []string{pick(g, g.space.Buckets)}}
	if verb == "create" && g.one(4) {
		op = op.with("lock", "yes")
	}
	return op
}

// renew takes a bucket through its whole life: emptied, removed, and a little later
// made again.
func (g *Generator) renew() Op {
	b := pick(g, g.space.Buckets)
	g.queue = append(g.queue, Op{Verb: "delete-bucket", Args: []string{b}})
	g.revive, g.reviveAt = Op{Verb: "create", Args: []string{b}}, g.made+2+g.rng.IntN(40)
	if g.one(4) {
		g.revive = g.revive.with("lock", "yes")
	}
	return g.empty(b, true)
}

func (g *Generator) stats() Op { return Op{Verb: "stats", Args: []string{pick(g, g.space.Buckets)}} }
