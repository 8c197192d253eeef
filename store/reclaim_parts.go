package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

const (
	// doneFor is how long a completed upload is known (spec WI5-3).
	doneFor = 24 * time.Hour
	// doneSweep is how often, at most, completed uploads are looked through for
	// those that are older.
	doneSweep = time.Hour
	// maxPagePieces bounds the files that go between two commits.
	maxPagePieces = 512
)

// lostPart is a part that goes.
type lostPart struct {
	row    []byte // key of its row
	upload versioning.Order
	part   *partRow
}

// hasReaders tells whether somebody may read the parts: those that no version ever
// had are read by nobody.
func (l *lostParts) hasReaders() bool { return l.version || l.upload == 0 }

// stretches are the key ranges of the rows that l names.
func (l *lostParts) stretches(b bucketID) (all []engine.Range) {
	if l.upload == 0 {
		start := within(partTable, b, 0)
		return []engine.Range{{Start: start, End: prefixEnd(start)}}
	}
	for _, g := range l.kept.gaps() {
		all = append(all, engine.Range{
			Start: partKey(b, l.key, l.upload, g.first), End: partKey(b, l.key, l.upload, g.end),
		})
	}
	return all
}

// removeParts removes the parts that row names, with their bytes, a page at a
// time, and then row. Those that somebody reads are passed over, and row stays.
func (r *reclaimer) removeParts(ctx context.Context, row reclaimRow) error {
	if row.parts.version && r.passOver(partSet{upload: row.parts.upload}.pin()) {
		return nil
	}
	left := false
	for _, stretch := range row.parts.stretches(row.bucket) {
		for stretch.Start != nil {
			parts, next, err := r.store.lostPage(ctx, stretch)
			if err != nil {
				return err
			}
			read := func(p lostPart) bool { return row.parts.hasReaders() && r.passOver(partSet{upload: p.upload}.pin()) }
			free := slices.DeleteFunc(slices.Clone(parts), read)
			left = left || len(free) < len(parts)
			if err := r.removePage(ctx, row, free); err != nil {
				return err
			}
			stretch.Start = next
		}
	}
	if left {
		return nil
	}
	if row.parts.upload == 0 {
		if err := r.removeUploads(ctx, row.bucket); err != nil {
			return err
		}
	}
	freed := &deltas{}
	freed.add(statReclaim, -1)
	freed.add(statReclaimBytes, -row.stored)
	done := engine.Delete(reclaimKey(row.order, row.ref))
	return r.forget(ctx, []engine.Mutation{done}, map[bucketID]*deltas{row.bucket: freed})
}

// lostPage reads the first part rows of a stretch, and returns where the next ones
// begin, nil at the end.
func (s *Store) lostPage(ctx context.Context, stretch engine.Range) (parts []lostPart, next []byte, err error) {
	pieces := 0
	stretch.Limit = reclaimPage
	err = s.view(ctx, func(rd engine.Reader) error {
		var bad error
		_, err := rd.Scan(stretch, func(k, v []byte) bool {
			p := lostPart{row: bytes.Clone(k)}
			_, upload, _, ok := splitPartKey(k)
			if p.part, bad = decodePart(bytes.Clone(v)); bad == nil && !ok {
				bad = errRecord
			}
			if bad != nil {
				bad = fmt.Errorf("%w at %x", bad, k)
				return false
			}
			p.upload = upload
			parts = append(parts, p)
			pieces += len(p.part.pieces)
			if len(parts) < reclaimPage && pieces < maxPagePieces {
				return true
			}
			next = append(bytes.Clone(k), 0)
			return false
		})
		return errors.Join(err, bad)
	})
	return parts, next, err
}

// removePage removes the files of parts, and then their rows.
func (r *reclaimer) removePage(ctx context.Context, row reclaimRow, parts []lostPart) error {
	if len(parts) == 0 {
		return nil
	}
	freed := &deltas{}
	var refs []blob.Ref
	for _, p := range parts {
		if !row.parts.version {
			freed.add(statUploadBytes, -p.part.size)
		}
		for i := range p.part.pieces {
			if piece := &p.part.pieces[i]; piece.place == placeFile {
				refs = append(refs, piece.ref)
			}
		}
	}
	// A part that a crash could bring back must not have lost its files.
	if err := r.store.engine.Sync(ctx); err != nil {
		return err
	}
	if err := r.store.blobs.Remove(refs...); err != nil {
		return err
	}
	return r.forget(ctx, partsGone(row.bucket, parts), map[bucketID]*deltas{row.bucket: freed})
}

// removeUploads removes the uploads of a bucket that is gone.
func (r *reclaimer) removeUploads(ctx context.Context, b bucketID) error {
	prefix := within(uploadTable, b, 0)
	return r.removeRows(ctx, engine.Range{Start: prefix, End: prefixEnd(prefix)}, func(k, _ []byte) (engine.Mutation, bool) {
		key, upload, ok := splitUploadKey(k)
		return engine.Delete(uploadKey(b, string(key), upload)), ok
	})
}

// removeRows goes over the rows of a range and removes those that gone says, a page
// at a time.
func (r *reclaimer) removeRows(ctx context.Context, rg engine.Range, gone func(k, v []byte) (engine.Mutation, bool)) error {
	rg.Limit = reclaimPage
	for rg.Start != nil {
		var mutations []engine.Mutation
		var next []byte
		seen := 0
		err := r.store.view(ctx, func(rd engine.Reader) error {
			_, err := rd.Scan(rg, func(k, v []byte) bool {
				if m, ok := gone(k, v); ok {
					mutations = append(mutations, m)
				}
				if seen++; seen == reclaimPage {
					next = append(bytes.Clone(k), 0)
				}
				return true
			})
			return err
		})
		if err != nil {
			return err
		}
		if len(mutations) > 0 {
			if err := r.store.commit(ctx, nil, mutations); err != nil {
				return err
			}
		}
		rg.Start = next
	}
	return nil
}

// forgetDone removes the rows of uploads that were completed too long ago. They
// are few, and nobody waits for their end: it is looked for now and then.
func (r *reclaimer) forgetDone(ctx context.Context) error {
	now := r.store.now()
	if !r.doneLooked.IsZero() && now.Sub(r.doneLooked) < doneSweep {
		return nil
	}
	var bad error
	start := []byte{byte(doneTable)}
	err := r.removeRows(ctx, engine.Range{Start: start, End: prefixEnd(start)}, func(k, v []byte) (engine.Mutation, bool) {
		d, upload, err := decodeDoneRow(k, v)
		if err != nil {
			bad = err
			return engine.Mutation{}, false
		}
		return engine.Delete(doneKey(upload)), d.over(now)
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	r.doneLooked = now
	return nil
}
