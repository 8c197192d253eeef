package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// CompleteUpload makes an object of the parts of an upload, as a put of the key
// does (spec WI5-1, WI5-6). Parts that the request does not name are let go of. For
// 24 hours the same request gets the same answer again, another one
// [ErrNoSuchUpload] (spec WI5-3). A list that is refused is a [*PartError]; what the
// request expects of the object and is not so, a [*CompleteError].
//
// The bytes stay where they are: the version is a map of its parts.
func (s *Store) CompleteUpload(ctx context.Context, r CompleteRequest) (CompleteResult, error) {
	res, err := s.completeUpload(ctx, &r)
	if err != nil {
		return CompleteResult{}, &Error{Op: "complete upload", Bucket: r.Upload.Bucket, Key: r.Upload.Key, Err: err}
	}
	return res, nil
}

func (s *Store) completeUpload(ctx context.Context, r *CompleteRequest) (CompleteResult, error) {
	b, order, err := s.uploadName(r.Upload)
	if err != nil {
		return CompleteResult{}, err
	}
	c := &completion{store: s, request: r, bucket: b, set: partSet{bucket: b.id, key: r.Upload.Key, upload: order}}
	if err := s.changeUpload(ctx, b, []string{r.Upload.Key}, c.plan); err != nil {
		return CompleteResult{}, err
	}
	return c.result(), nil
}

// checkOrder refuses a list that is empty or does not ascend (spec WI5-2).
func checkOrder(parts []CompletedPart) error {
	if len(parts) == 0 {
		return &PartError{Reason: PartInvalid}
	}
	last := 0
	for _, p := range parts {
		switch {
		case p.Number < 1 || p.Number > MaxPartNumber:
			return &PartError{Reason: PartInvalid, Number: p.Number, ETag: p.ETag}
		case p.Number <= last:
			return &PartError{Reason: PartOrder, Number: p.Number, ETag: p.ETag}
		}
		last = p.Number
	}
	return nil
}

// completion is one CompleteUpload, planned anew with each attempt.
type completion struct {
	store   *Store
	request *CompleteRequest
	bucket  *bucketState
	set     partSet

	upload *uploadRow
	whole  *assembly
	done   *doneUpload // the outcome
}

func (c *completion) result() CompleteResult {
	d := c.done
	return CompleteResult{
		PutResult: PutResult{
			VersionHeader: c.store.FormatVersionID(d.versionID()), ETag: d.etag, Size: d.size,
			LastModified: d.at, Checksums: d.checksums,
		},
		ChecksumType: d.checksumType, Parts: d.parts,
	}
}

// plan gathers what completes the upload, nothing if it was completed before.
func (c *completion) plan(rd engine.Reader, batch *batch) (err error) {
	c.upload, err = readUpload(rd, c.bucket.id, c.set.key, c.set.upload)
	if errors.Is(err, ErrNoSuchUpload) {
		return c.again(rd)
	}
	if err != nil {
		return err
	}
	if err := checkOrder(c.request.Parts); err != nil {
		return err
	}
	if c.whole, err = c.assemble(rd); err != nil {
		return err
	}
	if err := c.whole.meets(c.request); err != nil {
		return err
	}
	// The guards of the history come first: they tell this change from another end
	// of the upload, should the outcome of the commit be unknown.
	end := newBatch(c.bucket, 1)
	end.endUpload(c.set.key, c.upload, c.whole.parts)
	batch.deltas = end.deltas
	e := c.edit()
	if err := c.store.planAll(rd, batch, []*edit{e}); err != nil {
		return err
	}
	if e.err != nil {
		return e.err
	}
	c.done = c.outcome(e)
	batch.guards = append(append(batch.guards, end.guards...), c.whole.guards...)
	batch.mutations = append(append(batch.mutations, end.mutations...), engine.Set(doneKey(c.set.upload), c.done.encode()))
	batch.released += end.released
	return nil
}

// again finds the answer that the same request got before.
func (c *completion) again(rd engine.Reader) error {
	row, found, err := rd.Get(doneKey(c.set.upload))
	if err != nil {
		return err
	}
	if !found {
		return ErrNoSuchUpload
	}
	d, err := decodeDone(row)
	if err != nil {
		return err
	}
	same := d.bucket == c.bucket.id && d.key == c.set.key && d.list == listHash(c.request.Parts)
	if !same || d.over(c.store.now()) {
		return ErrNoSuchUpload
	}
	c.done = d
	return c.request.describes(d.checksumType, d.size)
}

// listHash is the hash of a list of parts.
func listHash(parts []CompletedPart) (sum [sha256.Size]byte) {
	h := sha256.New()
	var buf []byte
	for _, p := range parts {
		buf = binary.AppendUvarint(buf[:0], uint64(p.Number))
		buf = binary.AppendUvarint(buf, uint64(len(p.ETag)))
		buf = append(buf, p.ETag...)
		buf = binary.AppendUvarint(buf, uint64(len(p.Checksums)))
		for _, v := range p.Checksums {
			buf = append(buf, byte(v.Algorithm))
			buf = append(buf, v.Sum...)
		}
		h.Write(buf)
	}
	h.Sum(sum[:0])
	return sum
}

// edit is the put that makes the version.
func (c *completion) edit() *edit {
	rule := versioning.PutRequest{Now: c.store.lockNow(), Condition: c.request.Condition, Start: &c.upload.start}
	return &edit{
		key: c.set.key, inserts: true, made: &c.request.Made, needs: rule.Needs, authorize: c.request.Authorize,
		plan: func(state versioning.State, f versioning.Facts, o versioning.Order) (versioning.Plan, error) {
			rule.Order = o
			return versioning.Put(state, f, &rule)
		},
		build: func(v *versioning.Version) (*record, []engine.Mutation) { return c.record(v), nil },
	}
}

// record makes the record of the version: what the upload said of it, and its
// parts. It was modified when it was completed (spec WI5-1).
func (c *completion) record(v *versioning.Version) *record {
	rec, w := *c.upload.description, c.whole // optional fields of later versions too
	rec.order, rec.null = v.Order, v.Null
	rec.initiated, rec.upload = rec.lastModified, c.set.upload
	created, lockStart := c.store.creation()
	rec.lastModified, rec.realTime = created, c.store.options.Clock.Now()
	rec.place, rec.parts, rec.size, rec.storedSize, rec.crc = placeParts, w.parts, w.parts.size(), w.stored, w.crc()
	rec.lock = c.bucket.newLock(rec.lock, lockStart)
	rec.etag = w.etag()
	rec.checksums, rec.checksumType = w.checksums(), w.kind
	rec.made = c.request.Made
	return &rec
}

// outcome is what is answered now and, for a day, again.
func (c *completion) outcome(e *edit) *doneUpload {
	rec := e.inserted
	d := &doneUpload{
		bucket: c.bucket.id, key: c.set.key, order: rec.order, list: listHash(c.request.Parts),
		size: rec.size, parts: rec.parts.Count(), at: rec.lastModified, etag: rec.etag,
		checksums: rec.checksums, checksumType: rec.checksumType,
	}
	switch id := e.answer.VersionID; {
	case id.IsNull():
		d.answer = answeredNull
	case !id.IsZero():
		d.answer = answeredID
	}
	return d
}
