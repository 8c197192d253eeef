package store

import (
	"bytes"
	"fmt"
	"math"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// This file turns plans into rows. Nothing else in the store removes a version,
// head, live or blob row: whoever wants a version destroyed asks versioning for a
// plan first. The rows of bytes that only an upload had are removed here too.

// errProtected says that a plan would destroy what its lock protects.
var errProtected = fmt.Errorf("%w: a version is to be destroyed that its lock protects", ErrDamaged)

// apply makes plan, which e came to, part of the history. bytesRows is what the
// bytes of the entry need that it inserts.
func (h *history) apply(plan versioning.Plan, e *edit, bytesRows []engine.Mutation, t *lockTime) error {
	before := h.head
	after, lost := h.head.After(plan)
	if plan.Remove != nil {
		gone, _ := h.records.get(plan.Remove.Order)
		if err := h.destroy(gone, before.Newest == plan.Remove.Order, t, e.bypass); err != nil {
			return err
		}
	}
	if plan.Insert != nil {
		if h.live != nil {
			h.deltas.add(statObjects, -1)
			h.deltas.add(statObjectBytes, -h.live.size)
			h.deltas.add(statNoncurrent, 1)
			h.deltas.add(statNoncurrentBytes, h.live.size)
		}
		h.insert(e.inserted, bytesRows)
	}
	h.head = after
	h.lost = lost || h.lost && plan.Insert == nil
	return nil
}

// insert adds the rows of r and makes it current.
func (h *history) insert(r *record, bytesRows []engine.Mutation) {
	h.records.set(r.order, r)
	h.notes.inserted(h, r)
	h.live = nil
	if !r.marker {
		h.live = liveOf(r)
	}
	h.deltas.count(r, true, 1)
	h.mutations = append(h.mutations, bytesRows...)
	h.mutations = append(h.mutations, engine.Set(versionKey(h.bucket.id, h.key, r.order), r.encode()))
	if r.locked() {
		h.deltas.add(statLocked, 1)
		for _, key := range lockKeys(h.bucket.id, h.key, r.order, r.lock) {
			h.mutations = append(h.mutations, engine.Set(key, nil))
		}
	}
}

// destroy removes the rows of r and releases its bytes: inline ones go in this
// batch, a file becomes a reclaim row. Whoever planned it, with or without a rule:
// what its lock protects now is not destroyed (spec OL1.4).
func (h *history) destroy(r *record, current bool, t *lockTime, bypass bool) error {
	if r.locked() && r.lock.Protects(t.now(), bypass) {
		return errProtected
	}
	h.records.set(r.order, nil)
	h.notes.removed(h, r)
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
		for _, key := range lockKeys(h.bucket.id, h.key, r.order, r.lock) {
			h.mutations = append(h.mutations, engine.Delete(key))
		}
	}
	return nil
}

// amend rewrites the record of an entry, which must be there and not be new. The
// entry stays what it is but for what change sets, and keeps the optional fields
// of later versions. Nothing is written if nothing changes, or if change refuses.
func (h *history) amend(r engine.Reader, o versioning.Order, change func(*record) error) (refusal, err error) {
	key := versionKey(h.bucket.id, h.key, o)
	row, found, err := r.Get(key)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: version row is missing", ErrDamaged)
	}
	rec, err := h.keep(o, row, decodeRecord)
	if err != nil {
		return nil, err
	}
	was, locked := *rec, rec.lock
	if refusal = change(rec); refusal != nil {
		return refusal, nil
	}
	amended := rec.encode()
	if bytes.Equal(amended, row) {
		return nil, nil
	}
	// Every change of the key guards its head row, or live row. That has to be
	// another one now, or whoever destroys the entry at the same time, and read it
	// as it was, would not notice.
	h.head.Amended++
	if h.state == versioning.Unversioned {
		h.live.amended = h.head.Amended
	}
	h.mutations = append(h.mutations, engine.Set(key, amended))
	h.notes.amended(h, &was, rec)
	if rec.lock != locked {
		h.relock(o, locked, rec.lock)
	}
	return nil, nil
}

// relock makes the rows of a lock those of another one that an entry has now.
func (h *history) relock(o versioning.Order, before, after versioning.Lock) {
	for _, key := range lockKeys(h.bucket.id, h.key, o, before) {
		h.mutations = append(h.mutations, engine.Delete(key))
	}
	for _, key := range lockKeys(h.bucket.id, h.key, o, after) {
		h.mutations = append(h.mutations, engine.Set(key, nil))
	}
	if !before.IsZero() {
		h.deltas.add(statLocked, -1)
	}
	if !after.IsZero() {
		h.deltas.add(statLocked, 1)
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

// lockKeys are the keys of the rows that the lock table has for the lock l of an
// entry of key.
func lockKeys(b bucketID, key string, o versioning.Order, l versioning.Lock) (keys [][]byte) {
	if l.Mode != versioning.NoRetention {
		keys = append(keys, lockKey(b, lockEnd(l), key, o))
	}
	if l.Hold == versioning.HoldOn {
		keys = append(keys, lockKey(b, holdEnd, key, o))
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

// holdEnd stands for the end of a legal hold, which has none.
const holdEnd = math.MaxUint64

func setOrDelete(key, value []byte) engine.Mutation {
	if value == nil {
		return engine.Delete(key)
	}
	return engine.Set(key, value)
}
