package lifecycle

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

const (
	// progressPrefix begins the names of the documents of passes; the id of the bucket
	// follows.
	progressPrefix = "lifecycle/"
	// saveEvery is the real time between two documents of a pass.
	saveEvery = 5 * time.Second
)

// progress is how far a pass is: the document that is kept of it.
type progress struct {
	At     time.Time `json:"at"`     // object time it judged at
	Digest string    `json:"digest"` // of the rules
	From   string    `json:"from"`   // all keys before it are done
}

func progressName(id uint64) string { return progressPrefix + strconv.FormatUint(id, 10) }

// loadProgress reads how far the passes of an earlier process were.
func (x *Expirer) loadProgress(ctx context.Context) {
	kept, err := x.o.Progress.Kept(ctx)
	if err != nil {
		if ctx.Err() == nil {
			x.log.Error("the progress of lifecycle passes could not be read", "error", err)
		}
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, document := range kept {
		id, err := strconv.ParseUint(strings.TrimPrefix(name, progressPrefix), 10, 64)
		if err != nil {
			continue // nobody's
		}
		var at progress
		if json.Unmarshal(document, &at) != nil {
			at = progress{} // the pass begins anew
		}
		x.cut[id] = at
	}
}

// resume returns the key from which on the pass is to go on: where one of the same day
// and by the same rules was cut. What was passed before is not due again before
// tomorrow.
func (x *Expirer) resume(p *pass) (from string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, ok := x.cut[p.bucket.ID]
	if !ok || at.Digest != p.digest || at.At.After(p.at.Now) || !at.At.Truncate(day).Equal(p.at.Now.Truncate(day)) {
		return ""
	}
	return at.From
}

// saver returns what keeps the progress of a pass now and then.
func (x *Expirer) saver(p *pass) func(context.Context, string) {
	saved := x.o.Clock.Elapsed()
	return func(ctx context.Context, from string) {
		if now := x.o.Clock.Elapsed(); now-saved >= saveEvery {
			saved = now
			x.keepProgress(ctx, p, from)
		}
	}
}

// keepProgress keeps how far a pass is. Without it the pass would begin anew, which
// is no more than work.
func (x *Expirer) keepProgress(ctx context.Context, p *pass, from string) {
	at := progress{At: p.at.Now, Digest: p.digest, From: from}
	document, err := json.Marshal(at)
	if err == nil {
		err = x.o.Progress.Keep(ctx, progressName(p.bucket.ID), document)
	}
	if err != nil {
		x.log.Warn("the progress of a lifecycle pass could not be kept", "bucket", p.bucket.Name, "error", err)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut[p.bucket.ID] = at
}

// dropProgress removes what was kept of a bucket, if anything was.
func (x *Expirer) dropProgress(ctx context.Context, id uint64) {
	x.mu.Lock()
	_, kept := x.cut[id]
	x.mu.Unlock()
	if !kept {
		return
	}
	if err := x.o.Progress.Drop(ctx, progressName(id)); err != nil {
		if ctx.Err() == nil {
			x.log.Warn("the progress of a lifecycle pass could not be dropped", "error", err)
		}
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.cut, id)
}

// dropOrphans removes what was kept of buckets that are gone or have no rules any more.
func (x *Expirer) dropOrphans(ctx context.Context) {
	x.mu.Lock()
	var orphans []uint64
	for id := range x.cut {
		if x.watched[id] == nil {
			orphans = append(orphans, id)
		}
	}
	x.mu.Unlock()
	for _, id := range orphans {
		x.dropProgress(ctx, id)
	}
}
