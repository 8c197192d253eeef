package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Head returns what is known of an entry (spec VD4). A delete marker is a
// [versioning.Refusal] that carries the marker.
func (s *Store) Head(ctx context.Context, r ReadRequest) (Object, error) {
	var o Object
	err := s.read(ctx, &r, func(f *found) error {
		o = f.object
		return nil
	})
	return o, err
}

// Opened is an object open for reading: its bytes stay as they are until Close,
// even if the version is destroyed.
type Opened struct {
	Object Object

	store  *Store
	record *record
	bucket *bucketState
	blob   *blob.Blob // nil for an object that is empty or made of parts
	close  func() error
}

// Get opens an entry for reading. The caller closes it.
func (s *Store) Get(ctx context.Context, r ReadRequest) (*Opened, error) {
	// A file can go between the view that finds its version and its opening;
	// then another look tells what is there now. A file that is gone while its
	// version stands is damage.
	for range maxAttempts {
		o, again, err := s.openObject(ctx, &r)
		if err != nil {
			return nil, err
		}
		if !again {
			return o, nil
		}
	}
	err := fmt.Errorf("%w: the file of a version is missing", ErrDamaged)
	return nil, &Error{Op: "get", Bucket: r.Bucket, Key: r.Key, Err: err}
}

// openObject makes one attempt of Get; again says that the file was gone.
func (s *Store) openObject(ctx context.Context, r *ReadRequest) (o *Opened, again bool, err error) {
	o = &Opened{store: s, close: func() error { return nil }}
	var file *found
	err = s.read(ctx, r, func(f *found) error {
		o.Object, o.record, o.bucket = f.object, f.record, f.bucket
		switch f.record.place {
		case placeData:
			o.blob, err = f.inline()
		case placeFile:
			file = f
			o.pin(f.record.ref)
		case placeParts:
			o.pin(f.record.partsOf(f.bucket.id, r.Key).pin())
		}
		return err
	})
	switch {
	case err != nil:
		return o, false, err
	case o.record.place == placeParts:
		return s.openParts(ctx, o)
	case file == nil:
		return o, false, nil
	}
	o.blob, err = file.open(s.blobs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, true, o.close()
	case err != nil:
		return nil, false, errors.Join(&Error{Op: "get", Bucket: r.Bucket, Key: r.Key, Err: damage(err)}, o.close())
	}
	unpin := o.close
	o.close = func() error { return errors.Join(o.blob.Close(), unpin()) }
	return o, false, nil
}

// pin keeps the reclaimer from a file, or a set of parts, until o is closed.
func (o *Opened) pin(ref blob.Ref) {
	o.store.pins.pin(ref)
	o.close = func() error { o.store.pins.unpin(ref); return nil }
}

// openParts ends the opening of an object that is made of parts, whose set is
// pinned. If its version is still there, nothing of the set was reclaimed before
// the pin; else it is as if a file was gone.
func (s *Store) openParts(ctx context.Context, o *Opened) (_ *Opened, again bool, err error) {
	var found bool
	err = s.view(ctx, func(rd engine.Reader) error {
		_, found, err = rd.Get(versionKey(o.bucket.id, o.Object.Key, o.record.order))
		return err
	})
	if err == nil && found {
		return o, false, nil
	}
	return nil, err == nil, errors.Join(err, o.close())
}

// Reader returns length bytes from offset, which must lie within the object. The
// first of them are verified before it returns; damage further on is an error of
// the reader. The reader also implements io.WriterTo, and is closed before o.
func (o *Opened) Reader(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	if o.record.place == placeParts {
		set := o.record.partsOf(o.bucket.id, o.Object.Key)
		return o.store.newPartsReader(ctx, set, o.record.parts, offset, length)
	}
	if o.blob == nil {
		if offset != 0 || length != 0 {
			return nil, fmt.Errorf("range of %d bytes at %d of an empty object", length, offset)
		}
		return emptyReader{}, nil
	}
	r, err := o.blob.Range(ctx, offset, length)
	if err != nil {
		return nil, damage(err)
	}
	return r, nil
}

// Close releases the object.
func (o *Opened) Close() error { return o.close() }

// emptyReader reads an object of no bytes.
type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error)         { return 0, io.EOF }
func (emptyReader) WriteTo(io.Writer) (int64, error) { return 0, nil }
func (emptyReader) Close() error                     { return nil }

// found is an entry within the view that it was found in.
type found struct {
	object Object
	record *record
	bucket *bucketState
	reader engine.Reader
}

// header is what the bytes of the entry must say of themselves.
func (f *found) header() blob.Header {
	return blob.Header{
		Ref: f.record.ref, Bucket: uint64(f.bucket.id), Key: f.object.Key, BlockSize: f.record.blockSize,
	}
}

// open opens the file of the entry.
func (f *found) open(files *blob.Folder) (*blob.Blob, error) {
	if rec := f.record; !rec.origin.IsZero() {
		return files.OpenLinked(rec.ref, rec.origin, rec.blockSize, rec.size)
	}
	return files.OpenBlob(f.header(), f.record.size)
}

// inline reads the data row of the entry.
func (f *found) inline() (*blob.Blob, error) {
	row, found, err := f.reader.Get(dataKey(f.bucket.id, f.record.ref))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: data row is missing", ErrDamaged)
	}
	b, err := blob.OpenInline(row, f.header(), f.record.size)
	return b, damage(err)
}

// read finds the entry of r by the rules and calls fn within the view.
func (s *Store) read(ctx context.Context, r *ReadRequest, fn func(*found) error) error {
	err := s.tryRead(ctx, r, fn)
	if err != nil {
		return &Error{Op: "read", Bucket: r.Bucket, Key: r.Key, Err: err}
	}
	return nil
}

func (s *Store) tryRead(ctx context.Context, r *ReadRequest, fn func(*found) error) error {
	b, err := s.bucket(r.Bucket)
	if err != nil {
		return err
	}
	if err := checkKey(r.Key); err != nil {
		return err
	}
	rule := versioning.ReadRequest{Operation: r.Operation, ID: r.ID}
	return s.view(ctx, func(rd engine.Reader) error {
		row := b.row.Load()
		h := &history{bucket: b, state: row.Versioning, key: r.Key}
		facts, err := h.readFacts(rd, &rule)
		if err != nil {
			return err
		}
		if r.Authorize != nil {
			known, err := h.objectFacts(rd, about(facts, r.ID))
			if err == nil {
				err = r.Authorize(known)
			}
			if err != nil {
				return err
			}
		}
		v, answer, err := versioning.Read(row.Versioning, facts, &rule)
		if err != nil {
			return err
		}
		rec, err := h.record(rd, v.Order)
		if err != nil {
			return err
		}
		if rec == nil {
			return fmt.Errorf("%w: version row is missing", ErrDamaged)
		}
		f := &found{record: rec, bucket: b, reader: rd}
		f.object = rec.object(r.Key, s.FormatVersionID(v.ID()), row.Owner)
		f.object.VersionHeader = s.FormatVersionID(answer.VersionID)
		f.object.Parts = rec.parts
		return fn(f)
	})
}

// readFacts reads the facts of a read in the fewest rows: an id leads straight to
// its version, an object that is current to its live row; only what is left needs
// the head row.
func (h *history) readFacts(r engine.Reader, rule *versioning.ReadRequest) (f versioning.Facts, err error) {
	if rule.ID.Order() != 0 {
		if err := h.load(nil, nil); err != nil {
			return f, err
		}
		return h.facts(r, rule.Needs(), rule.ID)
	}
	liveRow, _, err := r.Get(liveKey(h.bucket.id, h.key))
	if err != nil {
		return f, err
	}
	if liveRow != nil && rule.ID.IsZero() {
		l, err := decodeLive(liveRow)
		if err != nil {
			return f, err
		}
		f.Current, err = h.version(r, l.order, true)
		return f, err
	}
	headRow, _, err := r.Get(headKey(h.bucket.id, h.key))
	if err != nil {
		return f, err
	}
	if err := h.load(headRow, liveRow); err != nil {
		return f, err
	}
	return h.facts(r, rule.Needs(), rule.ID)
}

// damage makes what package blob calls damaged an [ErrDamaged].
func damage(err error) error {
	if errors.Is(err, blob.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
