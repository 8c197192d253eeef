package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// RunRequest is one pass over a bucket, now.
type RunRequest struct {
	Bucket string
	Prefix string    // only keys that begin with it
	At     time.Time // object time to judge at; zero: now
	DryRun bool      // nothing is done, and all is told as if it was
	// Each is called with every action, done or failed; nil: with none. Its error ends
	// the run. The action is valid during the call only.
	Each func(*Action) error

	visit  *visit  // only this part of the bucket; nil: all of it
	agenda *agenda // takes what will be due; nil: nobody does
}

// Action is what a rule did to an entry or an upload. In a suspended bucket the null
// entry that an expired key has below its current entry goes too: that is an action of
// its own, of kind ExpireCurrent.
type Action struct {
	Bucket, Key string
	ID          versioning.ID
	Order       versioning.Order // 0 for an upload, and for a marker that the same run adds
	Marker      bool             // the entry is a delete marker
	Upload      string           // id of the upload, empty for an entry
	Kind        Kind
	Rule        string // its ID
	Due         time.Time
	Size        int64 // bytes of the entry, or of the parts of the upload
	// Hides says that the entry stays, below a delete marker that is added: no byte is freed.
	Hides bool
	Err   error // why it was not done, nil if it was
}

// Report is what a run came to.
type Report struct {
	At      time.Time // object time that was judged at
	Scanned int64     // entries and uploads that were looked at
	// Rules are what rules did, in the order in which each of them first did something.
	Rules   []RuleTotals
	Held    int64     // due, but protected by a lock (spec LC6-1)
	Changed int64     // keys that changed under the run again and again, left to the next one
	Failed  int64     // entries and uploads
	NextDue time.Time // earliest due, or end of a lock, that is not now; zero: none is known
	// MFADelete says that the bucket was passed over because MFA Delete is Enabled
	// (spec LC6-2).
	MFADelete bool
}

// RuleTotals is what a rule did.
type RuleTotals struct {
	Rule   string // its ID
	Kind   Kind
	Count  int64
	Bytes  int64 // that are freed
	Hidden int64 // bytes of what stays below a delete marker
}

// tally is a report that is being made.
type tally struct {
	Report
	last int       // index in Rules of what was counted last
	met  time.Time // least due of what was come to, zero: none
	left time.Time // least due of what was not done, zero: none
}

// count counts an action that was done.
func (t *tally) count(a *Action) {
	if t.last >= len(t.Rules) || t.Rules[t.last].Rule != a.Rule || t.Rules[t.last].Kind != a.Kind {
		t.last = 0
		for t.last < len(t.Rules) && (t.Rules[t.last].Rule != a.Rule || t.Rules[t.last].Kind != a.Kind) {
			t.last++
		}
		if t.last == len(t.Rules) {
			t.Rules = append(t.Rules, RuleTotals{Rule: a.Rule, Kind: a.Kind})
		}
	}
	t.Rules[t.last].Count++
	if a.Hides {
		t.Rules[t.last].Hidden += a.Size
	} else {
		t.Rules[t.last].Bytes += a.Size
	}
}

// next takes an instant at which something will be due; zero: none.
func (t *tally) next(due time.Time) { t.NextDue = earlier(t.NextDue, due) }

// meet takes when something was due that the pass has come to.
func (t *tally) meet(due time.Time) { t.met = earlier(t.met, due) }

// leave takes when something was due that is not done.
func (t *tally) leave(due time.Time) { t.left = earlier(t.left, due) }

// fail counts what could not be done.
func (t *tally) fail(due time.Time) {
	t.Failed++
	t.leave(due)
}

// earlier returns the earlier of two times, of which zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// done reports whether a run did anything.
func (r *Report) done() bool { return len(r.Rules) > 0 }

// add adds what another report counts, at the time of that one.
func (r *Report) add(o *Report) {
	r.At = o.At
	r.Scanned += o.Scanned
	r.Held, r.Changed, r.Failed = r.Held+o.Held, r.Changed+o.Changed, r.Failed+o.Failed
	r.MFADelete = r.MFADelete || o.MFADelete
	for _, more := range o.Rules {
		n := 0
		for n < len(r.Rules) && (r.Rules[n].Rule != more.Rule || r.Rules[n].Kind != more.Kind) {
			n++
		}
		if n == len(r.Rules) {
			r.Rules = append(r.Rules, RuleTotals{Rule: more.Rule, Kind: more.Kind})
		}
		r.Rules[n].Count += more.Count
		r.Rules[n].Bytes += more.Bytes
		r.Rules[n].Hidden += more.Hidden
	}
}

// Run passes over a bucket once and returns when all that is due is done. A bucket
// without rules has an empty report. A dry run goes the same way but changes nothing:
// it tells what a run at that time does. At a later time it holds locks against that
// time.
//
// It fails with [ErrNoBucket], with [ErrFuture] if it is no dry run and At is later than
// object time, with [ErrRulesChanged] if the rules changed
// under it, with the error of Each, of ctx, or [ErrClosed]. The report is then of what
// was done until then.
func (x *Expirer) Run(ctx context.Context, r RunRequest) (Report, error) {
	if !x.enter() {
		return Report{}, ErrClosed
	}
	defer x.done.Done()
	ctx, cancel := x.during(ctx)
	defer cancel()
	b, err := x.o.Buckets.Bucket(ctx, r.Bucket)
	if err != nil {
		return Report{}, err
	}
	if !r.DryRun && r.At.After(x.o.Now()) {
		return Report{}, ErrFuture
	}
	report, err := x.runBucket(ctx, b, &r, false)
	var told *toldError
	if errors.As(err, &told) {
		err = told.err
	}
	return report, err
}

// runBucket does what Run does. Alone it is the part of a run that has the turn and keeps
// it; else it has the turn for one batch at a time, if it is no dry run.
func (x *Expirer) runBucket(ctx context.Context, b Bucket, r *RunRequest, alone bool) (Report, error) {
	shares, p := !alone && !r.DryRun, (*pass)(nil)
	if shares {
		if err := x.turn.take(ctx); err != nil {
			return Report{}, err
		}
		defer func() {
			if p == nil || p.holds {
				x.turn.give()
			}
		}()
	}
	c, err := x.o.Buckets.Config(ctx, b.Name)
	if err != nil {
		return Report{}, err
	}
	if c == nil {
		x.unwatch(b)
		return Report{At: x.o.Now()}, nil
	}
	p = x.newPass(b, c)
	p.prefix, p.dry, p.each, p.paced = r.Prefix, r.DryRun, r.Each, !alone
	p.shares, p.holds = shares, shares
	p.visit, p.agenda = r.visit, r.agenda
	if !r.At.IsZero() {
		p.at.Now, p.present = r.At, false
		if p.dry && r.At.After(p.at.Locks) {
			p.at.Locks = r.At
		}
	}
	if p.dry {
		err = p.run(ctx)
	} else {
		err = x.watchPass(ctx, p)
	}
	if errors.Is(err, ErrMFADelete) {
		p.tally.MFADelete, err = true, nil
	}
	return p.tally.Report, err
}
