package identity

import (
	"context"
	"time"
)

// useEvery is how often notes of last use are written.
const useEvery = time.Minute

// Used notes that an access key was used. It is cheap enough for every request: the note is written later.
func (r *Registry) Used(accessKey string, at time.Time) {
	k := r.snapshot.Load().keys[accessKey]
	if k == nil {
		return
	}
	for ms := at.UnixMilli(); ; {
		last := k.use.last.Load()
		if ms <= last || k.use.last.CompareAndSwap(last, ms) {
			return
		}
	}
}

// writeUses writes notes of last use until ctx ends.
func (r *Registry) writeUses(ctx context.Context) {
	ticker := time.NewTicker(useEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := r.flushUses(ctx); err != nil {
				r.logger.Warn("last use of access keys could not be written", "error", err)
			}
		}
	}
}

// flushUses writes the notes that changed since they were last written.
func (r *Registry) flushUses(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	rows, written := make(map[string][]byte), make(map[*usage]int64)
	for accessKey, k := range r.snapshot.Load().keys {
		if ms := k.use.last.Load(); ms > k.use.written {
			rows[rowName(kindUsed, accessKey)], written[k.use] = encodeUsed(ms), ms
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := r.rows.SaveUses(ctx, rows); err != nil {
		return err
	}
	for use, ms := range written {
		use.written = ms
	}
	return nil
}
