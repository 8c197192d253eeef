package attack

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

// Failure is an operation after which things were not as the oracle said.
type Failure struct {
	Seed     uint64
	Op       *Op
	Problems []string
	Outcome  string // that the oracle said
	Answer   string
	Trace    []string // all operations up to it, with their answers
}

// Error tells what was wrong.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, %v\noracle: %s\nanswer: %s\n%s",
		f.Seed, f.Op, f.Outcome, f.Answer, strings.Join(f.Problems, "\n"))
}

// Counts says how often what happened.
type Counts map[string]int

// Episode is the operations of one seed against a new server.
type Episode struct {
	Seed       uint64
	Operations int
	Without    map[int]bool // numbers that are left out
}

// Run plays an episode. It returns a [*Failure] at the first difference.
func (e Episode) Run(ctx context.Context, counts Counts) error {
	w, err := newWorld(ctx, e.Seed)
	if err != nil {
		return err
	}
	p := &play{episode: e, world: w, counts: counts, read: map[string]*document{}}
	err = p.all(ctx)
	if closing := w.close(ctx); err == nil {
		err = closing
	}
	return err
}

// play is an episode that runs.
type play struct {
	episode   Episode
	world     *World
	counts    Counts
	read      map[string]*document
	trace     []string
	destroyed Counts // versions by place and principal
}

func (p *play) all(ctx context.Context) error {
	p.destroyed = Counts{}
	state, err := p.world.read(ctx)
	was := state.facts()
	for number := 0; err == nil && number < p.episode.Operations; number++ {
		if err = ctx.Err(); err == nil && !p.episode.Without[number] {
			state, was, err = p.one(ctx, number, state, was)
		}
	}
	if err == nil {
		err = p.audit(ctx)
	}
	return err
}

// one plays one operation and holds what is then against what the oracle said.
func (p *play) one(ctx context.Context, number int, state *State, was facts) (*State, facts, error) {
	w := p.world
	op := w.generate(p.episode.Seed, number, state)
	out := w.judge(state, op, p.read)
	got, err := w.do(ctx, op)
	if err != nil {
		return nil, nil, err
	}
	after, err := w.read(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("after %v: %w", op, err)
	}
	is := after.facts()
	problems := out.differences(op, got, was, is)
	if at := w.store.LockTime(); at.Before(w.locks.passed) || at.After(w.locks.latest) {
		problems = append(problems, fmt.Sprintf("locks go by %s, which is not from %s to %s", at, w.locks.passed, w.locks.latest))
	}
	p.trace = append(p.trace, fmt.Sprintf("%v\n\t%d %s", op, got.status, got.code()))
	if len(problems) > 0 {
		return nil, nil, &Failure{
			Seed: p.episode.Seed, Op: op, Problems: problems, Outcome: out.String(),
			Answer: fmt.Sprintf("%d %s", got.status, got.body[:min(len(got.body), 600)]), Trace: p.trace,
		}
	}
	w.learn(state, op, got)
	p.count(op, out, got, was, is)
	p.note(state, op, was, is)
	return after, is, nil
}

// do sends a request, or moves the clock.
func (w *World) do(ctx context.Context, op *Op) (answer, error) {
	var got answer
	var err error
	switch op.Kind {
	case "Advance":
		w.clock.Advance(op.Move)
		w.locks.advance(op.Move)
	case "SetClock":
		w.clock.Set(w.clock.Now().Add(op.Move))
	case "Restart":
		err = w.restart(ctx)
	default:
		got, err = w.send(ctx, op)
	}
	if op.Kind == "AcceptClockStep" && got.status == http.StatusOK {
		w.locks.accept(w.clock.Now())
	}
	w.locks.observe(w.clock.Now())
	return got, err
}

// differences holds an answer and what became of it against the outcome.
func (out *outcome) differences(op *Op, got answer, was, is facts) []string {
	malformed := strings.HasPrefix(op.Kind, "Put") && strings.HasSuffix(op.Kind, "Policy") && strings.Contains(got.body, "MalformedPolicy")
	failed := got.status >= 400
	effects := out.effects
	switch {
	case op.isEvent():
	case got.status >= 500:
		return []string{"the server failed"}
	case out.open:
		effects = slices.Clone(effects)
		for i := range effects {
			effects[i].optional = true
		}
	case out.refused != "" && !failed:
		return append([]string{"it was to be refused"}, differences(was, is, out.spends)...)
	case out.refused == "" && failed && !malformed:
		return append([]string{"it was to be done"}, differences(was, is, nil)...)
	case failed:
		effects = out.spends
	}
	return differences(was, is, effects)
}

// learn remembers what an answer told.
func (w *World) learn(was *State, op *Op, got answer) {
	if got.status != http.StatusOK {
		return
	}
	o := &oracle{world: w, state: was, op: op, read: map[string]*document{}}
	switch op.Kind {
	case "CreateMultipartUpload":
		o.identify()
		made, _ := o.makes(was.Buckets[op.Bucket])
		w.uploads[between(got.body, "<UploadId>", "</UploadId>")] = &upload{made, map[int]string{}}
	case "UploadPart", "UploadPartCopy":
		content := op.Body
		if s := op.Source; s != nil {
			content = w.bodies[was.Buckets[s.Bucket].version(s.Key, s.Version, s.Versioned).Digest]
		}
		w.uploads[op.Upload].parts[op.Part] = content
	case "CreateAccount":
		w.secrets[between(got.body, `"accessKey":"`, `"`)] = between(got.body, `"secretKey":"`, `"`)
	case "CreateAccessKey":
		w.secrets[op.Name] = "secret-of-" + op.Name
	case "EnrollMFADevice":
		w.seeds[between(got.body, `"serial":"`, `"`)] = between(got.body, `"secret":"`, `"`)
	}
}

// code is the code of a refusal.
func (a answer) code() string { return between(a.body, "<Code>", "</Code>") }

// count counts what happened.
func (p *play) count(op *Op, out outcome, got answer, was, is facts) {
	p.counts["operations"]++
	switch {
	case out.open:
		p.counts["left open"]++
	case out.refused != "":
		p.counts["refused"]++
		reason, _, _ := strings.Cut(out.refused, " until ")
		p.counts["refused: "+reason]++
	default:
		p.counts["done"]++
		p.counts["done: "+op.Kind]++
	}
	if strings.Contains(got.body, "MalformedPolicy") {
		p.counts["malformed policies"]++
	}
	for name := range was {
		if _, left := is[name]; !left {
			kind, _, _ := strings.Cut(name, " ")
			p.counts["gone: "+kind]++
		}
	}
}

// note notes which versions were destroyed, and by whom, to ask the ledger about.
func (p *play) note(was *State, op *Op, before, after facts) {
	o := &oracle{world: p.world, state: was, op: op}
	o.identify()
	for name, value := range before {
		kind, place, _ := strings.Cut(name, " ")
		if now, left := after[name]; kind != "version" || left && (now == value || !replaces[op.Kind]) {
			continue
		}
		who := o.who.ARN()
		if op.By == "" {
			who = ""
		}
		p.destroyed[place+" by "+who]++
	}
}

// replaces are the operations that put another entry in the place of a null one. Others change
// what an entry says.
var replaces = map[string]bool{
	"PutObject": true, "PostObject": true, "CopyObject": true, "CompleteMultipartUpload": true, "DeleteObject": true, "DeleteObjects": true,
}

// audit asks the server itself at the end: whether its locks hold against each way to destroy
// a version, and whether its ledger tells of each version that was destroyed, and by whom.
func (p *play) audit(ctx context.Context) error {
	var problems []string
	for _, bucket := range buckets {
		if _, err := p.world.store.Bucket(ctx, bucket); err != nil {
			continue
		}
		err := p.world.store.VerifyLocks(ctx, bucket, func(proof store.LockProof) error {
			if !proof.Sound() {
				problems = append(problems, fmt.Sprintf("locks verify: %+v", proof))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	told := Counts{}
	err := p.world.store.Ledger(ctx, store.LedgerQuery{}, func(e store.LedgerEntry) error {
		if e.Change == store.LedgerVersionRemoved || e.Change == store.LedgerMarkerRemoved {
			told[fmt.Sprintf("%s %s %s by %s", e.Bucket, e.Key, e.VersionID, e.Made.Principal)]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, what := range slices.Sorted(maps.Keys(p.destroyed)) {
		// A null marker that takes the place of one is no difference that is seen here.
		if told[what] < p.destroyed[what] || told[what] > p.destroyed[what] && !strings.Contains(what, " null by ") {
			problems = append(problems, fmt.Sprintf("the ledger tells %d times of %s, which happened %d times", told[what], what, p.destroyed[what]))
		}
	}
	if len(problems) > 0 {
		return &Failure{Seed: p.episode.Seed, Op: &Op{Kind: "Restart", Number: p.episode.Operations}, Problems: problems, Trace: p.trace}
	}
	return nil
}
