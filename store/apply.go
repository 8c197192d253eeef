package store

import (
	"bytes"
	"math"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// This file turns plans into rows. Nothing else in the store removes a version,
// head, live or blob row: whoever wants a version destroyed asks versioning for a
// plan first.

// apply makes plan part of the history. inserted is the record of the entry that
// the plan inserts, with what its bytes need; nil if it inserts none.
func (h *history) apply(plan versioning.Plan, inserted *record, bytesRows []engine.Mutation) {
	before := h.head
	after, lost := h.head.After(plan)
	if plan.Remove != nil {
		h.destroy(h.records[plan.Remove.Order], before.Newest == plan.Remove.Order)
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
	h.records[r.order] = r
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
	h.records[r.order] = nil
	h.removed[r.order] = struct{}{}
	if current {
		h.live = nil
	}
	h.deltas.count(r, current, -1)
	h.mutations = append(h.mutations, engine.Delete(versionKey(h.bucket.id, h.key, r.order)))
	switch r.place {
	case placeData:
		h.mutations = append(h.mutations, engine.DeleteSized(dataKey(h.bucket.id, r.ref), int(r.storedSize)))
	case placeFile:
		row := reclaimRow{order: r.order, ref: r.ref, bucket: h.bucket.id, stored: r.storedSize}
		h.mutations = append(h.mutations, engine.Delete(blobKey(r.ref)),
			engine.Set(reclaimKey(r.order, r.ref), row.encode()))
		h.deltas.add(statReclaim, 1)
		h.deltas.add(statReclaimBytes, r.storedSize)
		h.released++
	}
	if r.locked() {
		h.deltas.add(statLocked, -1)
		for _, key := range lockKeys(h.bucket.id, h.key, r) {
			h.mutations = append(h.mutations, engine.Delete(key))
		}
	}
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

// rows returns all mutations of the history: those of its entries, then the head
// and live rows that follow from them. The history must be settled.
func (h *history) rows() []engine.Mutation {
	if len(h.mutations) == 0 {
		return nil
	}
	m := h.mutations
	var liveNow []byte
	if h.live != nil {
		liveNow = h.live.encode()
	}
	if !bytes.Equal(liveNow, h.liveRow) {
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
