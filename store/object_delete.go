package store

import (
	"context"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Delete deletes a key or destroys a version of it (spec VD3.2, VD3.3). What it
// destroys is gone when it returns; files follow within a second.
func (s *Store) Delete(ctx context.Context, bucket string, r DeleteRequest) (DeleteResult, error) {
	results, err := s.deleteAll(ctx, bucket, []DeleteRequest{r})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return DeleteResult{}, &Error{Op: "delete", Bucket: bucket, Key: r.Key, Err: err}
	}
	return results[0], nil
}

// DeleteObjects deletes many at once, those of one key in their order (spec VD5).
// The results stand in the order of rs; a refused entry has its Err set and does
// not hinder the others. On an engine that takes them in one transaction, all are
// durable with one sync.
func (s *Store) DeleteObjects(ctx context.Context, bucket string, rs []DeleteRequest) ([]DeleteResult, error) {
	results, err := s.deleteAll(ctx, bucket, rs)
	if err != nil {
		return nil, &Error{Op: "delete objects", Bucket: bucket, Err: err}
	}
	return results, nil
}

func (s *Store) deleteAll(ctx context.Context, bucket string, rs []DeleteRequest) ([]DeleteResult, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, err
	}
	results := make([]DeleteResult, len(rs))
	deletions := make([]deletion, len(rs))
	edits := make([]*edit, 0, len(rs))
	place := make([]int, 0, len(rs))
	now := s.lockNow()
	for i := range rs {
		if err := checkKey(rs[i].Key); err != nil {
			results[i].Err = err
			continue
		}
		e := deletions[i].prepare(s, b, &rs[i], now)
		if rs[i].Made == rs[0].Made {
			e.made = &rs[0].Made // the ledger knows them for one request's
		}
		edits = append(edits, e)
		place = append(place, i)
	}
	if err := s.changeAllowed(ctx, b, edits, rs); err != nil {
		return nil, err
	}
	for n, e := range edits {
		results[place[n]] = DeleteResult{
			VersionHeader: s.FormatVersionID(e.answer.VersionID),
			DeleteMarker:  e.answer.DeleteMarker,
			Err:           e.err,
		}
	}
	return results, nil
}

// changeAllowed is change, unless one of rs needs a token that it has not: then
// nothing is deleted (spec OL2-8). The bucket is held, so MFA Delete stays what it is
// until all is done.
func (s *Store) changeAllowed(ctx context.Context, b *bucketState, edits []*edit, rs []DeleteRequest) error {
	if err := holdBucket(b); err != nil {
		return err
	}
	defer b.hold.RUnlock()
	if b.row.Load().MFADelete == MFADeleteEnabled {
		for i := range rs {
			if !rs[i].ID.IsZero() && !rs[i].MFA {
				return ErrMFARequired
			}
		}
	}
	return s.changeHeld(ctx, b, edits)
}

// deletion is the edit of a delete, and the rule that it asks.
type deletion struct {
	edit edit
	rule versioning.DeleteRequest
}

// prepare makes d the delete that r asks for, and returns its edit.
func (d *deletion) prepare(s *Store, b *bucketState, r *DeleteRequest, now time.Time) *edit {
	d.rule = versioning.DeleteRequest{ID: r.ID, Now: now, Condition: r.Condition}
	d.edit = edit{
		key: r.Key, id: r.ID, inserts: r.ID.IsZero(), authorize: r.Authorize, bypass: r.BypassGovernance,
		needs: d.rule.Needs, made: &r.Made,
		plan: func(state versioning.State, f versioning.Facts, o versioning.Order) (versioning.Plan, error) {
			d.rule.Order, d.rule.BypassGovernance = o, d.edit.bypass
			return versioning.Delete(state, f, &d.rule)
		},
	}
	if r.BypassGovernance {
		d.edit.mayBypass = r.MayBypass
	}
	if d.edit.inserts {
		d.edit.build = func(v *versioning.Version) (*record, []engine.Mutation) { return s.markerRecord(b, r, v), nil }
	}
	return &d.edit
}

// markerRecord makes the record of a delete marker.
func (s *Store) markerRecord(b *bucketState, r *DeleteRequest, v *versioning.Version) *record {
	rec := &record{
		order: v.Order, null: v.Null, marker: true,
		lastModified: s.now(), realTime: s.options.Clock.Now(), made: r.Made,
	}
	if owner := b.row.Load().Owner; r.Owner != (Owner{}) && r.Owner != owner {
		rec.owner = &r.Owner
	}
	return rec
}
