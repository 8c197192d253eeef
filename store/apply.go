package store

import (
	"math"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// This file turns plans into rows. Nothing else in the store removes a version,
// head, live or blob row: whoever wants a version destroyed asks versioning for a
// plan first. The rows of bytes that only an upload had are removed here too.

// apply makes plan part of the history. inserted is the record of the entry that
// the plan inserts, with what its bytes need; nil if it inserts none.
func (h *history) apply(plan versioning.Plan, inserted *record, bytesRows []engine.Mutation) {
	before := h.head
	after, lost := h.head.After(plan)
	if plan.Remove != nil {
		gone, _ := h.records.get(plan.Remove.Order)
		h.destroy(gone, before.Newest == plan.Remove.Order)
	}
	if plan.Insert != nil {
		if h.live != nil {
			h.deltas.add(statObjects, -1)
			h.deltas.add(statObjectBytes, -h.live.size)
			h.deltas.add(statNoncurrent, 1)
			h.deltas.add(statNoncurrentBytes, h.live.size)
		}
		h.insert(inserted, bytesRows)
	}
	h.head = after
	h.lost = lost || h.lost && plan.Insert == nil
}

// insert adds the rows of r and makes it current.
func (h *history) insert(r *record, bytesRows []engine.Mutation) {
	h.records.set(r.order, r)
	h.live = nil
	if !r.marker {
		h.live = liveOf(r)
	}
	h.deltas.count(r, true, 1)
	h.mutations = append(h.mutations, bytesRows...)
	h.mutations = append(h.mutations, engine.Set(versionKey(h.bucket.id, h.key, r.order), r.encode()))
	if r.locked() {
		h.deltas.add(statLocked, 1)
		for _, key := range lockKeys(h.bucket.id, h.key, r) {
			h.mutations = append(h.mutations, engine.Set(key, nil))
		}
	}
}

// destroy removes the rows of r and releases its bytes: inline ones go in this
// batch, a file becomes a reclaim row.
func (h *history) destroy(r *record, current bool) {
	h.records.set(r.order, nil)
	if current {
		h.live = nil
	}
	h.deltas.count(r, current, -1)
	h.mutations = append(h.mutations, engine.Delete(versionKey(h.bucket.id, h.key, r.order)))
	switch r.place {
	case placeData:
		h.mutations = append(h.mutations, engine.DeleteSized(dataKey(h.bucket.id, r.ref), int(r.storedSize)))
	case placeFile:
		h.mutations = append(h.mutations, engine.Delete(blobKey(r.ref)))
		h.reclaim(reclaimRow{order: r.order, ref: r.ref, bucket: h.bucket.id, stored: r.storedSize})
	case placeParts:
		h.reclaim(reclaimRow{
			order: r.order, bucket: h.bucket.id, stored: r.storedSize,
			parts: &lostParts{key: h.key, upload: r.upload, version: true},
		})
	}
	if r.locked() {
		h.deltas.add(statLocked, -1)
		for _, key := range lockKeys(h.bucket.id, h.key, r) {
			h.mutations = append(h.mutations, engine.Delete(key))
		}
	}
}

// reclaim leaves what a version had to the reclaimer.
func (h *history) reclaim(row reclaimRow) {
	h.mutations = append(h.mutations, row.set(&h.deltas))
	h.released++
}

// reclaim leaves what an upload had to the reclaimer.
func (b *batch) reclaim(row reclaimRow) {
	b.mutations = append(b.mutations, row.set(&b.deltas))
	b.released++
}

// set writes the row and counts it.
func (r reclaimRow) set(d *deltas) engine.Mutation {
	d.add(statReclaim, 1)
	d.add(statReclaimBytes, r.stored)
	return engine.Set(reclaimKey(r.order, r.ref), r.encode())
}

// replacePart releases the bytes of a part whose row the batch overwrites.
func (b *batch) replacePart(upload versioning.Order, old *partRow) {
	b.deltas.add(statUploadBytes, -old.size)
	b.mutations = append(b.mutations, bytesGone(b.bucket.id, old)...)
	for i := range old.pieces {
		if p := &old.pieces[i]; p.place == placeFile {
			b.reclaim(reclaimRow{order: upload, ref: p.ref, bucket: b.bucket.id, stored: p.stored})
		}
	}
}

// partsGone removes the rows of parts whose files were removed.
func partsGone(b bucketID, parts []lostPart) []engine.Mutation {
	var m []engine.Mutation
	for _, p := range parts {
		m = append(m, partGone(b, p)...)
	}
	return m
}

// partGone removes the row of a part, and those of its bytes.
func partGone(b bucketID, p lostPart) []engine.Mutation {
	return append(bytesGone(b, p.part), engine.Delete(p.row))
}

// bytesGone removes the rows of a part's bytes.
func bytesGone(b bucketID, part *partRow) (m []engine.Mutation) {
	for i := range part.pieces {
		switch p := &part.pieces[i]; p.place {
		case placeData:
			m = append(m, engine.DeleteSized(dataKey(b, p.ref), int(p.stored)))
		case placeFile:
			m = append(m, engine.Delete(blobKey(p.ref)))
		}
	}
	return m
}

// lockKeys are the keys of the rows that the lock table has for an entry r of key.
func lockKeys(b bucketID, key string, r *record) (keys [][]byte) {
	if r.lock.Mode != versioning.NoRetention {
		keys = append(keys, lockKey(b, lockEnd(r.lock), key, r.order))
	}
	if r.lock.Hold == versioning.HoldOn {
		keys = append(keys, lockKey(b, math.MaxUint64, key, r.order))
	}
	return keys
}

// addRows adds all mutations of the history: those of its entries, then the head
// and live rows that follow from them. The history must be settled.
func (h *history) addRows(m []engine.Mutation) []engine.Mutation {
	if len(h.mutations) == 0 {
		return m
	}
	m = append(m, h.mutations...)
	if liveNow, changed := h.liveNow(); changed {
		m = append(m, setOrDelete(liveKey(h.bucket.id, h.key), liveNow))
	}
	headNow := h.headNow()
	if headNow != nil || h.storedHead {
		m = append(m, setOrDelete(headKey(h.bucket.id, h.key), headNow))
	}
	return m
}

// headNow is the head row after the request, nil if there is to be none: in
// Unversioned the live row says all, and an absent key leaves nothing behind.
func (h *history) headNow() []byte {
	if h.state == versioning.Unversioned || h.head.Entries == 0 {
		return nil
	}
	return encodeHead(h.head)
}

func setOrDelete(key, value []byte) engine.Mutation {
	if value == nil {
		return engine.Delete(key)
	}
	return engine.Set(key, value)
}
