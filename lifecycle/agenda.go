package lifecycle

import (
	"context"
	"slices"
	"time"
)

// Bounds of an agenda, beyond which a bucket is looked at as a whole.
const (
	maxAgenda = 100_000 // keys that are kept
	maxVisits = 100     // keys that are visited at one instant, each by a commit of its own
)

// agenda is when something of a bucket will be due, and of which keys: so Settle need not
// read all of the bucket at each instant. A key stands at the earliest of its own.
type agenda struct {
	keys    map[time.Time][]string
	number  int       // of keys
	uploads time.Time // when the next upload is due; zero: none is
	whole   time.Time // the earliest of the keys, where these are more than are kept; zero: they are not
	key     string    // whose entries come, and the earliest of them
	due     time.Time
}

func newAgenda() *agenda { return &agenda{keys: make(map[time.Time][]string)} }

// later takes that an entry of key will be due; entries come key by key.
func (a *agenda) later(key string, due time.Time) {
	if a == nil || due.IsZero() {
		return
	}
	if key != a.key {
		a.close()
		a.key = key
	}
	a.due = earlier(a.due, due)
}

// laterUpload takes that an upload will be due.
func (a *agenda) laterUpload(due time.Time) {
	if a != nil {
		a.uploads = earlier(a.uploads, due)
	}
}

// close puts the key down whose entries came.
func (a *agenda) close() {
	switch {
	case a.due.IsZero():
	case !a.whole.IsZero() || a.number == maxAgenda:
		for due := range a.keys {
			a.whole = earlier(a.whole, due)
		}
		a.whole, a.keys = earlier(a.whole, a.due), nil
	default:
		a.keys[a.due] = append(a.keys[a.due], a.key)
		a.number++
	}
	a.key, a.due = "", time.Time{}
}

// soonest returns when something is due; zero: never.
func (a *agenda) soonest() time.Time {
	a.close()
	soonest := earlier(a.uploads, a.whole)
	for due := range a.keys {
		soonest = earlier(soonest, due)
	}
	return soonest
}

// take takes out what is due: the keys, and whether uploads are. Whole says that the
// bucket has to be looked at as a whole.
func (a *agenda) take(now time.Time) (keys []string, uploads, whole bool) {
	a.close()
	for due, of := range a.keys {
		if !due.After(now) {
			keys = append(keys, of...)
			a.number -= len(of)
			delete(a.keys, due)
		}
	}
	if uploads = !a.uploads.IsZero() && !a.uploads.After(now); uploads {
		a.uploads = time.Time{}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys, uploads, !a.whole.IsZero() || len(keys) > maxVisits
}

// add adds what stands on o.
func (a *agenda) add(o *agenda) {
	o.close()
	for due, keys := range o.keys {
		for _, key := range keys {
			a.later(key, due)
		}
	}
	a.close()
	a.whole = earlier(a.whole, o.whole)
	a.laterUpload(o.uploads)
}

// visit is the part of a bucket that a pass is over: some keys, and perhaps the uploads.
type visit struct {
	keys    []string
	uploads bool
}

// visitKeys passes over the keys of a visit.
func (p *pass) visitKeys(ctx context.Context) error {
	for _, key := range p.visit.keys {
		s := &scan{pass: p, prefix: key, only: true}
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	return nil
}
