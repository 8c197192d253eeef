package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// history is the history of one key within one request: what was read of it, and
// what the request's edits make of it before they are committed together.
//
// A key that was only ever written in Unversioned has a live row and no head row;
// its one entry is null. In Unversioned no key has a head row, so it is not read.
type history struct {
	bucket *bucketState
	state  versioning.State
	key    string

	// blind says that the live row is not read, because the request destroys older
	// entries and nothing else.
	blind bool

	headRow, liveRow []byte      // as read, nil if absent: the guards
	seen             engine.Mark // of the snapshot they were read in
	storedHead       bool        // headRow is or becomes a row
	readHead         versioning.Head
	head             versioning.Head
	live             *live   // nil if the current entry is no object, or lost, or not read
	records          entries // as read or inserted; nil if not there, or destroyed by this request
	lost             bool    // the current entry went and the next is not looked up yet
	mutations        []engine.Mutation
	deltas           deltas
	released         int          // files that need reclaiming
	notes            *ledgerNotes // of the batch, for the ledger
	// spoiled says why the history cannot be read: a row is damaged, or was written
	// by a later version. Then nothing of it is changed.
	spoiled error
}

// spoil keeps an error that is about this history alone, so that it hinders no
// other one of the same request, and returns any other error.
func (h *history) spoil(err error) error {
	if unreadable(err) {
		h.spoiled = err
		return nil
	}
	return err
}

// unreadable reports whether err says that a row cannot be read, but others may.
func unreadable(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrFormat) || errors.Is(err, errRecord)
}

// take keeps a row that was wanted, nil if it is absent. Head and live rows are
// read by load.
func (h *history) take(w *want, row []byte) (err error) {
	switch {
	case w.table == headTable:
		h.headRow = row
	case w.table == liveTable:
		h.liveRow = row
	case row == nil:
		h.records.set(w.order, nil)
	default:
		_, err = h.keep(w.order, row, decodeBrief)
	}
	return h.spoil(err)
}

// load takes the rows that every change of a key starts from, nil if absent.
func (h *history) load(headRow, liveRow []byte) error {
	h.headRow, h.liveRow, h.storedHead = headRow, liveRow, headRow != nil
	if liveRow != nil {
		l, err := decodeLive(liveRow)
		if err != nil {
			return err
		}
		h.live = l
	}
	switch {
	case headRow != nil:
		head, err := decodeHead(headRow)
		if err != nil {
			return err
		}
		h.head = head
	case h.live != nil:
		h.head = versioning.Head{Newest: h.live.order, Null: h.live.order, Entries: 1, Amended: h.live.amended}
	}
	h.readHead = h.head
	if !h.blind && h.head.Newest != 0 && h.head.Marker == (h.live != nil) {
		return fmt.Errorf("%w: head and live row disagree", ErrDamaged)
	}
	return nil
}

// record returns the whole entry with the given order as this request sees it, nil
// if there is none.
func (h *history) record(r engine.Reader, o versioning.Order) (*record, error) {
	if rec, known := h.records.get(o); known && (rec == nil || !rec.brief) {
		return rec, nil
	}
	row, found, err := r.Get(versionKey(h.bucket.id, h.key, o))
	if err != nil {
		return nil, err
	}
	if !found {
		h.records.set(o, nil)
		return nil, nil
	}
	return h.keep(o, row, decodeRecord)
}

// keep decodes a version row that was read.
func (h *history) keep(o versioning.Order, row []byte, decode func([]byte) (*record, error)) (*record, error) {
	rec, err := decode(row)
	if err != nil {
		return nil, err
	}
	if rec.order != o {
		return nil, fmt.Errorf("%w: version record under another order", ErrDamaged)
	}
	h.records.set(o, rec)
	return rec, nil
}

// entries are what is known of entries, by their order. Most requests look at one
// of a key, which needs no map.
type entries struct {
	order  versioning.Order // of the first that was set, 0 if none was
	record *record
	more   map[versioning.Order]*record
}

// get returns the entry with an order and whether it is known; it is nil if there
// is known to be none.
func (e *entries) get(o versioning.Order) (r *record, known bool) {
	if o == e.order {
		return e.record, o != 0
	}
	r, known = e.more[o]
	return r, known
}

func (e *entries) set(o versioning.Order, r *record) {
	switch {
	case e.order == 0 || e.order == o:
		e.order, e.record = o, r
		return
	case e.more == nil:
		e.more = make(map[versioning.Order]*record)
	}
	e.more[o] = r
}

// facts gathers what needs ask for.
func (h *history) facts(r engine.Reader, n versioning.Needs, id versioning.ID) (f versioning.Facts, err error) {
	if n.Current {
		if f.Current, err = h.current(r); err != nil {
			return f, err
		}
	}
	if n.Null && h.head.Null != 0 {
		if f.Null, err = h.version(r, h.head.Null, true); err != nil {
			return f, err
		}
	}
	if n.Target {
		f.Target, err = h.target(r, id)
	}
	return f, err
}

// target returns the entry that id names. An id made for an order that a null
// entry has was never given out, and names nothing.
func (h *history) target(r engine.Reader, id versioning.ID) (*versioning.Version, error) {
	order := id.Order()
	if id.IsNull() {
		if order = h.head.Null; order == 0 {
			return nil, nil
		}
		return h.version(r, order, true)
	}
	v, err := h.version(r, order, false)
	if err != nil || v == nil || v.Null {
		return nil, err
	}
	return v, nil
}

// version returns an entry as the rules see it. One that a head or live row
// promises must be there.
func (h *history) version(r engine.Reader, o versioning.Order, promised bool) (*versioning.Version, error) {
	rec, known := h.records.get(o)
	if !known {
		var err error
		if rec, err = h.record(r, o); err != nil {
			return nil, err
		}
	}
	if rec == nil {
		if promised {
			return nil, fmt.Errorf("%w: version row is missing", ErrDamaged)
		}
		return nil, nil
	}
	return rec.version(), nil
}

// current returns the newest entry; of an object it knows what the live row says.
func (h *history) current(r engine.Reader) (*versioning.Version, error) {
	if err := h.settle(r); err != nil {
		return nil, err
	}
	switch {
	case h.head.Newest == 0:
		return nil, nil
	case h.live != nil:
		return &versioning.Version{
			Order: h.live.order, Null: h.live.order == h.head.Null,
			ETag: h.live.etag, LastModified: h.live.lastModified,
		}, nil
	}
	return h.version(r, h.head.Newest, true)
}

// settle makes the newest remaining entry current after the current one was
// destroyed. It passes over no more entries than this request destroyed.
func (h *history) settle(r engine.Reader) error {
	if !h.lost {
		return nil
	}
	h.lost = false
	if h.head.Entries == 0 {
		return nil
	}
	next, err := h.newest(r)
	if err != nil {
		return err
	}
	h.head.Newest, h.head.Marker = next.order, next.marker
	if !next.marker {
		h.live = liveOf(next)
		h.deltas.count(next, false, -1)
		h.deltas.count(next, true, 1)
	}
	return nil
}

// newest finds the newest entry that this request did not destroy. Entries that
// it inserted stay current until they are destroyed, so none of them is sought.
func (h *history) newest(r engine.Reader) (*record, error) {
	// Above the entry that was the newest there is nothing, but much may have been:
	// what an engine keeps of destroyed entries is passed over by starting here.
	start := versionKey(h.bucket.id, h.key, h.readHead.Newest)
	end := prefixEnd(keyRow(versionTable, h.bucket.id, h.key))
	var found *record
	var bad error
	_, err := r.Scan(engine.Range{Start: start, End: end}, func(k, v []byte) bool {
		_, o, ok := splitVersionKey(k)
		if !ok {
			bad = errRecord
			return false
		}
		rec, known := h.records.get(o)
		switch {
		case known && rec == nil:
			return true // destroyed by this request
		case known && !rec.brief:
			found = rec
		default:
			found, bad = h.keep(o, v, decodeRecord)
		}
		return false
	})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("%w: head row counts entries that are not there", ErrDamaged)
	}
	return found, nil
}

// addGuards adds the conditions under which the history is as it was read: the row
// that every change of the key writes.
func (h *history) addGuards(guards []engine.Guard) []engine.Guard {
	if h.state != versioning.Unversioned {
		guards = append(guards, engine.Guard{Key: headKey(h.bucket.id, h.key), Value: h.headRow, Seen: h.seen})
	}
	if h.headRow == nil || h.state == versioning.Unversioned {
		guards = append(guards, engine.Guard{Key: liveKey(h.bucket.id, h.key), Value: h.liveRow, Seen: h.seen})
	}
	return guards
}

// liveNow returns the live row after the request, nil if there is to be none, and
// whether that is a change. The history must be settled.
func (h *history) liveNow() (row []byte, changed bool) {
	if h.blind {
		return nil, false
	}
	if h.live != nil {
		row = h.live.encode()
	}
	return row, !bytes.Equal(row, h.liveRow)
}

// count adds n entries like r to the counters, as current or noncurrent ones.
func (d *deltas) count(r *record, current bool, n int64) {
	switch {
	case r.marker:
		d.add(statMarkers, n)
	case current:
		d.add(statObjects, n)
		d.add(statObjectBytes, n*r.size)
	default:
		d.add(statNoncurrent, n)
		d.add(statNoncurrentBytes, n*r.size)
	}
}
