package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxFigures bounds the rules that have figures of their own. What comes after them is
// added up by kind under the name otherRules, for bucket and rule: no bucket is called so.
const (
	maxFigures = 1000
	otherRules = "_other"
)

// Metrics are the figures of an expirer since it was made. Dry runs do not count.
type Metrics struct {
	Scanned int64     // entries and uploads that were looked at
	Expired []Expired // sorted
	Held    int64     // due and protected by a lock, each time it was met
	Changed int64     // keys left to a later pass because they changed again and again
	Failed  int64     // entries, uploads and passes
	// Lag is how long ago the oldest work was due that is known and not yet done.
	Lag time.Duration
	// LastFull is when the last pass over all buckets ended, object time; zero: none did.
	LastFull time.Time
	Running  int // passes under way
}

// Expired is what a rule of a bucket did.
type Expired struct {
	Bucket, Rule string
	Kind         Kind
	Count        int64
	Bytes        int64 // that were freed
}

// figures are what is counted over all passes.
type figures struct {
	mu                             sync.Mutex // protects what follows
	scanned, held, changed, failed int64
	expired                        map[figureName]*Expired
}

// figureName is what tells figures of rules apart.
type figureName struct {
	bucket, rule string
	kind         Kind
}

// of returns the figure of a rule.
func (f *figures) of(name figureName) *Expired {
	e := f.expired[name]
	if e == nil && len(f.expired) >= maxFigures {
		name.bucket, name.rule = otherRules, otherRules
		e = f.expired[name]
	}
	if e == nil {
		if f.expired == nil {
			f.expired = make(map[figureName]*Expired)
		}
		e = &Expired{Bucket: name.bucket, Rule: name.rule, Kind: name.kind}
		f.expired[name] = e
	}
	return e
}

// add counts what a report of a bucket has more than it had.
func (f *figures) add(bucket string, had, has *Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scanned += has.Scanned - had.Scanned
	f.held += has.Held - had.Held
	f.changed += has.Changed - had.Changed
	f.failed += has.Failed - had.Failed
	for i := range has.Rules {
		r, was := has.Rules[i], RuleTotals{}
		if i < len(had.Rules) {
			was = had.Rules[i]
		}
		if r.Count == was.Count {
			continue
		}
		e := f.of(figureName{bucket, r.Rule, r.Kind})
		e.Count += r.Count - was.Count
		e.Bytes += r.Bytes - was.Bytes
	}
}

// Metrics returns the figures.
func (x *Expirer) Metrics() Metrics {
	m := x.figures.read()
	now := x.o.Now()
	late := make(map[string]time.Time)
	x.mu.Lock()
	m.LastFull = x.full
	for _, w := range x.watched {
		m.Running += w.running
		if due := w.oldestDue(now); !due.IsZero() {
			late[w.name] = due
		}
	}
	x.mu.Unlock()
	for name, due := range late {
		if x.ruled(name) {
			m.Lag = max(m.Lag, now.Sub(due))
		}
	}
	return m
}

// ruled reports whether a bucket is there and has rules, as far as that can be found
// out: nothing is due any more where it has none.
func (x *Expirer) ruled(bucket string) bool {
	c, err := x.o.Buckets.Config(context.Background(), bucket)
	return c != nil || err != nil && !errors.Is(err, ErrNoBucket)
}

func (f *figures) read() Metrics {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := Metrics{Scanned: f.scanned, Held: f.held, Changed: f.changed, Failed: f.failed}
	for _, e := range f.expired {
		m.Expired = append(m.Expired, *e)
	}
	slices.SortFunc(m.Expired, func(a, b Expired) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Kind, b.Kind))
	})
	return m
}

// Status is how far the rules of a bucket are, as far as that is known without reading the
// bucket: what was put or hidden since the last pass is not in it.
type Status struct {
	// Started and Finished are of the last whole pass, object time; zero: none since the
	// start of the process.
	Started, Finished time.Time
	Last              Report // of that pass
	Running           bool
	NextDue           time.Time // earliest due that is known and to come; zero: none
	OldestDue         time.Time // due and not done; zero: none
	// Active says that rules are applied in the background, and NextPass when the next pass
	// begins at the latest, object time; zero: not by itself, or it is to begin now.
	Active   bool
	NextPass time.Time
}

// Status returns how far the rules of a bucket are. Of one that has none, and of what had
// its name before, perhaps of another owner, it tells nothing but whether any are applied.
func (x *Expirer) Status(bucket string) Status {
	b, err := x.o.Buckets.Bucket(context.Background(), bucket)
	known := err == nil && x.ruled(bucket)
	now := x.o.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	var s Status
	w := x.watched[b.ID]
	if known && w != nil {
		s = w.status
		s.Last.Rules = slices.Clone(s.Last.Rules)
		s.Running, s.OldestDue = w.running > 0, w.oldestDue(now)
		if s.NextDue = s.Last.NextDue; !s.NextDue.After(now) {
			s.NextDue = time.Time{}
		}
	}
	if s.Active = x.started && !x.closed; s.Active {
		s.NextPass = x.next
		if known && w != nil && !w.begins.IsZero() {
			s.NextPass = w.begins
		}
		if !s.NextPass.After(now) {
			s.NextPass = time.Time{}
		}
	}
	return s
}

// oldestDue returns when the oldest work was due that is known and not yet done at
// now; zero: there is none. What the last pass saw coming is not done until the next
// pass is, whether that has begun or not.
func (w *watched) oldestDue(now time.Time) time.Time {
	due := earlier(earlier(w.status.Last.NextDue, w.oldest), w.left)
	if due.After(now) {
		return time.Time{}
	}
	return due
}
