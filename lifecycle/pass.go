package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// maxBatch is how many removals are done in one commit, and how many entries a page
// has, at most.
const maxBatch = 1000

// leastPage is how many entries a page has at least for the sake of the rate: to read less
// at a time costs more than it helps.
const leastPage = 32

// clockTolerance is how far a clock may be set back, as it is when it is corrected,
// without anybody noticing.
const clockTolerance = time.Second

// pass is one pass over the entries and uploads of a bucket.
type pass struct {
	x      *Expirer
	bucket Bucket
	config *Config
	digest string  // of config
	at     Instant // of which each page fills in the state
	prefix string  // only keys that begin with it
	from   string  // entries of keys before it were passed already
	// passed says that all entries were, and the uploads up to upload.
	passed  bool
	upload  UploadsRequest
	started time.Time     // object time when it began; zero for a dry run
	until   time.Duration // elapsed real time when its slice is over; 0: it has no slices
	actions int64         // how many it may have taken when the slice is over

	dry     bool // nothing is done
	present bool // at is the time when it began
	shares  bool // others may have the turn between its batches
	paced   bool // it keeps to the rate and rests for requests
	holds   bool // it has the turn
	each    func(*Action) error
	visit   *visit  // it is over this part of the bucket; nil: over all of it
	agenda  *agenda // takes what will be due; nil: nobody does

	tally   tally
	told    Report   // what of the tally is in the figures of the expirer
	watched *watched // nil for a dry run
	batch   batch
	again   []changedKey // to be read anew
	aside   bool         // it is reading them
	// broken is the last key that something failed at: it is not read anew.
	broken string
	// safe is a key that has not been passed to its end, when all before it have.
	safe string
	save func(ctx context.Context, from string) // is told of safe; nil: nobody is
}

// newPass returns a pass over b, by its rules as they are, at the present moment.
func (x *Expirer) newPass(b Bucket, c *Config) *pass {
	return &pass{
		x: x, bucket: b, config: c, digest: digest(c), present: true,
		at: Instant{Now: x.o.Now(), Locks: x.o.LockTime()},
	}
}

// digest tells configurations apart.
func digest(c *Config) string {
	sum := sha256.Sum256(c.Encode())
	return hex.EncodeToString(sum[:])
}

// run passes over the bucket. When it fails, the tally is of what was done. It goes on
// where its last slice was cut.
func (p *pass) run(ctx context.Context) error {
	p.tally.At = p.at.Now
	if !p.passed {
		pass := p.passEntries
		if p.visit != nil {
			pass = p.visitKeys
		}
		if err := pass(ctx); err != nil {
			return err
		}
		p.passed = true
	}
	if p.visit != nil && !p.visit.uploads {
		return nil
	}
	for _, prefix := range narrow(p.config.UploadPrefixes(), p.prefix) {
		if err := p.passUploads(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}

// passEntries passes over the entries that rules select.
func (p *pass) passEntries(ctx context.Context) error {
	scanned := false
	for _, prefix := range narrow(p.config.Prefixes(), p.prefix) {
		s := &scan{pass: p, prefix: prefix}
		switch {
		case strings.HasPrefix(p.from, prefix):
			s.after = before(p.from)
		case p.from > prefix:
			continue // it ends before from
		case scanned && p.over():
			p.safe = prefix
			return errCut
		}
		if err := s.run(ctx); err != nil {
			return err
		}
		scanned = true
	}
	return nil
}

// narrow returns what prefixes select of the keys that begin with within.
func narrow(prefixes []string, within string) []string {
	var both []string
	for _, prefix := range prefixes {
		switch {
		case strings.HasPrefix(prefix, within):
			both = append(both, prefix)
		case strings.HasPrefix(within, prefix):
			both = append(both, within)
		}
	}
	return both
}

// still fails if what entries were judged by is not so any more.
func (p *pass) still(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.x.o.Buckets.Config(ctx, p.bucket.Name)
	switch {
	case err != nil:
		return err
	case c != p.config && (c == nil || digest(c) != p.digest):
		return ErrRulesChanged
	case p.present && p.at.Now.Sub(p.x.o.Now()) > clockTolerance:
		return ErrRulesChanged // not all that was due is
	}
	return nil
}

// apart does what takes time and changes nothing, and meanwhile lets others have the
// turn.
func (p *pass) apart(ctx context.Context, what func() error) error {
	if !p.shares {
		return what()
	}
	p.x.turn.give()
	p.holds = false
	if err := what(); err != nil {
		return err
	}
	if err := p.x.turn.take(ctx); err != nil {
		return err
	}
	p.holds = true
	return nil
}

// rest waits after a step that began at started and did n changes, as requests need it.
func (p *pass) rest(ctx context.Context, started time.Duration, n int) error {
	p.tell()
	return p.apart(ctx, func() error {
		if !p.paced {
			return ctx.Err()
		}
		return p.x.o.Budget.Rest(ctx, p.x.o.Clock.Elapsed()-started, n)
	})
}

// allow waits until the rate allows n removals, and fails if they are not to be done
// any more.
func (p *pass) allow(ctx context.Context, n int) error {
	if p.paced && !p.dry {
		if d := p.x.pace.reserve(n); d > 0 {
			if err := p.apart(ctx, func() error { return p.x.o.Wait(ctx, d) }); err != nil {
				return err
			}
		}
	}
	return p.still(ctx)
}

// size returns how many removals the next batch may have.
func (p *pass) size() int {
	most := p.x.most
	if !p.paced {
		return most
	}
	if p.x.o.Rate > 0 {
		most = min(most, p.x.o.Rate)
	}
	return p.x.o.Budget.Batch(most)
}

// pageSize returns how many entries the next page may have: all that is due on it
// makes one batch, with a marker of the key before and one that a removal adds.
func (p *pass) pageSize() int {
	most := p.x.most
	if p.paced {
		most = p.x.o.Budget.Batch(most)
	}
	if rate := p.x.o.Rate; p.paced && rate > 0 {
		most = min(most, max(rate*int(slice/time.Second), leastPage)) // else a slice takes long
	}
	return max(most-2, 1)
}
