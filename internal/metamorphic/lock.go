package metamorphic

import (
	"context"
	"strconv"
	"time"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// until reads the option until: hours since the start.
func until(op Op) time.Duration { return time.Duration(op.number("until", 0)) * time.Hour }

var modes = map[model.Mode]versioning.Mode{model.Governance: versioning.Governance, model.Compliance: versioning.Compliance}

var holds = map[model.Hold]versioning.Hold{model.HoldOn: versioning.HoldOn, model.HoldOff: versioning.HoldOff}

// lockOf returns a lock of the model as the store has it.
func lockOf(l model.Lock) versioning.Lock {
	lock := versioning.Lock{Mode: modes[l.Mode], Hold: holds[l.Hold]}
	if l.Mode != model.NoRetention {
		lock.Until = start.Add(l.Until)
	}
	return lock
}

// settle puts the end of a default retention right, once it is known when the store
// made the version: it begins then, unless the clock is far behind lock time.
func settle(e *model.Entry) {
	l := &e.Object.Lock
	if l.Days == 0 || e.Modified.IsZero() {
		return
	}
	made := e.Modified.Sub(start)
	if l.From-made > time.Minute {
		made = l.From
	}
	l.Until, l.Days = made+time.Duration(l.Days)*24*time.Hour, 0
}

func modelLock(op Op) model.LockChange {
	return model.LockChange{
		Bucket: op.Args[0], Key: op.Args[1], ID: op.text("version"), Mode: model.Mode(op.text("mode")), Until: until(op),
		Bypass: op.text("bypass") == "yes", Hold: model.Hold(op.text("set")),
	}
}

func playLock(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	id, _, err := c.id(op.text("version"))
	if err != nil {
		return broken(err)
	}
	want := modelLock(op)
	lock := lockOf(model.Lock{Mode: want.Mode, Until: want.Until})
	header, err := c.Store.SetRetention(ctx, store.RetentionRequest{
		Bucket: want.Bucket, Key: want.Key, ID: id, Mode: lock.Mode, Until: lock.Until, Bypass: want.Bypass,
	})
	return func(refused string) error { return c.compareLock(op, header, refused) }, err
}

func playHold(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	id, _, err := c.id(op.text("version"))
	if err != nil {
		return broken(err)
	}
	want := modelLock(op)
	header, err := c.Store.SetLegalHold(ctx, store.HoldRequest{
		Bucket: want.Bucket, Key: want.Key, ID: id, Hold: holds[want.Hold],
	})
	return func(refused string) error { return c.compareLock(op, header, refused) }, err
}

// compareLock compares the answer to a change of a lock.
func (c *Client) compareLock(op Op, header, refused string) error {
	a, err := c.Model.ChangeLock(modelLock(op))
	if err := differ(op.Verb, refused, refusal(err)); err != nil || refused != "" {
		return err
	}
	if a.VersionID != "" {
		a.VersionID = a.Made.ID
	}
	return differ(op.Verb, header, a.VersionID)
}

func playDefault(ctx context.Context, c *Client, op Op) (func(string) error, error) {
	d := store.DefaultRetention{Mode: modes[model.Mode(op.text("mode"))], Days: op.number("days", 0)}
	err := c.Store.SetObjectLock(ctx, op.Args[0], d, store.Maker{})
	return func(refused string) error {
		err := c.Model.SetDefault(op.Args[0], model.Mode(op.text("mode")), d.Days)
		return differ("default", refused, refusal(err))
	}, err
}

// forever is a number of hours that no script gets to.
const forever = 2_000_000

// withRetention adds a mode and an end, and sometimes a hold. Where nobody but the
// script moves the clock, retentions end while it is played; what cannot be bypassed
// ends soon, so that a bucket can be emptied. Elsewhere none ends.
func (g *Generator) withRetention(op Op) Op {
	now := int(g.model.Now() / time.Hour)
	mode, ends := string(model.Governance), []int{now - 10, forever}
	if g.space.Host {
		ends = []int{now - 10, now, now + 1, now + 2, now + 30, forever}
	}
	end := pick(g, ends)
	if end <= now || g.space.Host && end != forever && g.one(2) {
		mode = string(model.Compliance)
	}
	if op.Verb == "put" && g.one(3) {
		return op.with("hold", pick(g, []string{"ON", "OFF"}))
	}
	return op.with("mode", mode).with("until", strconv.Itoa(end))
}

// lockBucket is a bucket with Object Lock, if one is found soon.
func (g *Generator) lockBucket() string {
	for range 3 {
		b := g.bucket()
		if _, lock, _ := g.model.Bucket(b); lock {
			return b
		}
	}
	return g.bucket()
}

func (g *Generator) lock() Op {
	b, key := g.lockBucket(), pick(g, g.space.Keys)
	op := Op{Verb: "lock", Args: []string{b, key}}
	if !g.one(3) {
		op = op.with("version", g.version(b, key))
	}
	if !g.one(5) {
		op = g.withRetention(op)
	}
	if g.one(3) {
		op = op.with("bypass", "yes")
	}
	return op
}

func (g *Generator) hold() Op {
	b, key := g.lockBucket(), pick(g, g.space.Keys)
	op := Op{Verb: "hold", Args: []string{b, key}}
	if !g.one(3) {
		op = op.with("version", g.version(b, key))
	}
	return op.with("set", pick(g, []string{"ON", "OFF", "OFF"}))
}

// setDefault mostly leaves alone a bucket without Object Lock: it would have it for
// ever, and never be suspended.
func (g *Generator) setDefault() Op {
	op := Op{Verb: "default", Args: []string{pick(g, g.space.Buckets)}}
	if state, lock, _ := g.model.Bucket(op.Args[0]); !lock && state == versioning.Enabled && !g.one(6) {
		return Op{Verb: "bucket", Args: op.Args}
	}
	switch {
	case g.one(2):
		return op
	case g.space.Host && g.one(2):
		return op.with("mode", string(model.Compliance)).with("days", "1")
	}
	return op.with("mode", string(model.Governance)).with("days", pick(g, []string{"100", "36500"}))
}

// freed are the operations that let the versions of a bucket be destroyed with a
// bypass.
func (g *Generator) freed(bucket string) (ops []Op) {
	waits := false
	for _, key := range g.model.Keys(bucket, "") {
		for _, e := range g.model.History(bucket, key) {
			l := e.Object.Lock
			waits = waits || l.Mode == model.Compliance && l.Until > g.model.Now()
			if l.Hold == model.HoldOn {
				op := Op{Verb: "hold", Args: []string{bucket, key}}
				ops = append(ops, op.with("version", e.Name).with("set", "OFF"))
			}
		}
	}
	if waits && g.space.Host {
		ops = append(ops, Op{Verb: "advance", Args: []string{"31h"}})
	}
	return ops
}
