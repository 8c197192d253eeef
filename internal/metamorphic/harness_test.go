package metamorphic_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
)

func scope() metamorphic.Scope {
	return metamorphic.Scope{Buckets: metamorphic.Everywhere().Buckets}
}

// TestGenerate makes the same script of the same seed, and another of another.
func TestGenerate(t *testing.T) {
	script := func(seed uint64) string {
		return metamorphic.Script(metamorphic.Generate(seed, 1000, metamorphic.Everywhere()))
	}
	if once, again := script(1), script(1); once != again {
		t.Error("one seed makes two scripts")
	}
	if script(1) == script(2) {
		t.Error("two seeds make one script")
	}
	ops, err := metamorphic.ParseScript("# comment\n\n" + script(1))
	if err != nil || metamorphic.Script(ops) != script(1) {
		t.Errorf("script is not read as it was written: %v", err)
	}
}

// TestReach looks whether scripts get to all that they are made for.
func TestReach(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand operations, one after the other, which a whole run plays")
	}
	h, err := metamorphic.NewHost(metamorphic.Configs()[0], scope())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range metamorphic.Generate(1, 10000, metamorphic.Everywhere()) {
		if err := h.Play(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	for verb, codes := range map[string]string{
		"create":         " BucketAlreadyExists",
		"enable":         " NoSuchBucket",
		"suspend":        " InvalidBucketState",
		"delete-bucket":  " NoSuchBucket BucketNotEmpty",
		"put":            " NoSuchBucket NoSuchKey PreconditionFailed NotImplemented InvalidRequest ShortBody LongBody BodyFails Refused",
		"delete":         " NoSuchBucket NoSuchKey PreconditionFailed NotImplemented AccessDenied",
		"delete-objects": " NoSuchBucket",
		"lock":           " NoSuchBucket InvalidRequest NoSuchKey NoSuchVersion MethodNotAllowed AccessDenied",
		"hold":           " NoSuchBucket InvalidRequest NoSuchKey NoSuchVersion MethodNotAllowed",
		"default":        " NoSuchBucket InvalidBucketState",
		"get":            " NoSuchBucket NoSuchKey NoSuchVersion MethodNotAllowed",
		"head":           " NoSuchBucket NoSuchKey NoSuchVersion MethodNotAllowed",
		"list":           " NoSuchBucket",
		"versions":       " NoSuchBucket",
		"open":           "",
		"read":           "",
		"walk":           "",
		"stats":          "",
	} {
		for _, code := range strings.Split(codes, " ") {
			if answer := strings.TrimSpace(verb + " " + code); h.Client.Answers[answer] == 0 {
				t.Errorf("never answered: %s", answer)
			}
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// forgetful is an engine that leaves out one in so many removals of version rows.
type forgetful struct {
	engine.Engine
	every, count int
}

func (f *forgetful) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	var kept []engine.Mutation
	for _, m := range mutations {
		if m.Kind == engine.KindDelete && m.Key[0] == 'V' {
			if f.count++; f.count%f.every == 0 {
				continue
			}
		}
		kept = append(kept, m)
	}
	return f.Engine.Commit(ctx, guards, kept)
}

// TestFindsAndShrinks plays against a store that is wrong now and then, and expects
// a short script.
func TestFindsAndShrinks(t *testing.T) {
	c := metamorphic.Configs()[0]
	options := c.Options
	c.Options = func() store.Options {
		o := options()
		o.WrapEngine = func(e engine.Engine) engine.Engine { return &forgetful{Engine: e, every: 3} }
		return o
	}
	ops := metamorphic.Generate(1, 2000, metamorphic.Everywhere())
	failure := (*metamorphic.Failure)(nil)
	if err := metamorphic.Run(t.Context(), c, scope(), ops); !errors.As(err, &failure) {
		t.Fatalf("found nothing: %v", err)
	}
	short := metamorphic.Shrink(t.Context(), ops[:failure.Line], func(ctx context.Context, ops []metamorphic.Op) bool {
		return metamorphic.Run(ctx, c, scope(), ops) != nil
	})
	// A bucket, and three times an entry and its end, or a put in its place.
	if len(short) > 8 {
		t.Errorf("shrunken script is long:\n%s", metamorphic.Script(short))
	}
	t.Logf("from %d operations to\n%s%v", failure.Line, metamorphic.Script(short), metamorphic.Run(t.Context(), c, scope(), short))
}

// blind is an engine that a store cannot read while it has to find out about an
// unknown outcome.
type blind struct {
	engine.Engine
	unknown atomic.Bool
}

func (b *blind) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	err := b.Engine.Commit(ctx, guards, mutations)
	// What has no guard is repeated. A bucket whose row is in doubt stays as it was
	// until the next start.
	if errors.Is(err, engine.ErrCommitUnknown) && len(guards) > 0 && guards[0].Key[0] != 'B' {
		b.unknown.Store(true)
	}
	return err
}

func (b *blind) View(ctx context.Context, fn func(engine.Reader) error) error {
	if b.unknown.CompareAndSwap(true, false) {
		return errors.New("cannot be read now")
	}
	return b.Engine.View(ctx, fn)
}

// TestFindsOut plays on an engine with unknown outcomes that the store cannot find
// out about itself, so that the client has to.
func TestFindsOut(t *testing.T) {
	c := metamorphic.Configs()[0]
	options := c.Options
	c.Options = func() store.Options {
		o := options()
		o.WrapEngine = func(e engine.Engine) engine.Engine {
			return &blind{Engine: enginefault.New(e, enginefault.Options{Seed: 1, Lost: 0.02, Applied: 0.02})}
		}
		return o
	}
	h, err := metamorphic.NewHost(c, scope())
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range metamorphic.Generate(1, 3000, metamorphic.Everywhere()) {
		if op.Verb == "reclaim" {
			continue // rests a second after a failure
		}
		if err := h.Play(t.Context(), op); err != nil {
			t.Fatalf("operation %d: %v: %v", i, op, err)
		}
	}
	if h.Client.Unknowns < 20 {
		t.Errorf("only %d unknown outcomes", h.Client.Unknowns)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}
