package store

import (
	"context"
	"errors"

	"github.com/seed61737384/tombstone/store/engine"
)

// ListParts lists the parts of an upload by number. One that was completed or
// aborted is [ErrNoSuchUpload].
func (s *Store) ListParts(ctx context.Context, r PartsRequest) (PartsPage, error) {
	page, err := s.listParts(ctx, &r)
	if err != nil {
		return PartsPage{}, &Error{Op: "list parts", Bucket: r.Upload.Bucket, Key: r.Upload.Key, Err: err}
	}
	return page, nil
}

func (s *Store) listParts(ctx context.Context, r *PartsRequest) (page PartsPage, err error) {
	b, order, err := s.uploadName(r.Upload)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(rd engine.Reader) error {
		u, err := readUpload(rd, b.id, r.Upload.Key, order)
		if err != nil {
			return err
		}
		page.Upload = u.upload(r.Upload.Key, r.Upload.ID, b.row.Load().Owner)
		set := partSet{bucket: b.id, key: r.Upload.Key, upload: order}
		page.Parts, page.Truncated, err = set.list(rd, r.After, r.Limit)
		return err
	})
	return page, s.waitDurable(ctx, err)
}

// list returns the parts behind number after, at most limit, and whether there is
// one more.
func (p partSet) list(rd engine.Reader, after, limit int) (parts []Part, more bool, err error) {
	limit = min(limit, maxPage)
	if limit <= 0 || after >= MaxPartNumber {
		return nil, false, nil
	}
	var bad error
	rg := engine.Range{Start: p.row(max(after, 0) + 1), End: p.row(MaxPartNumber + 1), Limit: limit + 1}
	_, err = rd.Scan(rg, func(k, v []byte) bool {
		if len(parts) == limit {
			more = true
			return false
		}
		var row *partRow
		_, _, number, ok := splitPartKey(k)
		if row, bad = decodePart(v); bad == nil && !ok {
			bad = errRecord
		}
		if bad == nil {
			parts = append(parts, row.part(number))
		}
		return bad == nil
	})
	return parts, more, errors.Join(err, bad)
}

// ListUploads lists uploads in progress by key and then by time of initiation
// (spec LS5).
func (s *Store) ListUploads(ctx context.Context, r UploadsRequest) (UploadsPage, error) {
	var page UploadsPage
	b, err := s.bucket(r.Bucket)
	if err == nil {
		err = s.view(ctx, func(rd engine.Reader) error {
			page, err = s.listUploads(rd, b, &r)
			return err
		})
	}
	if err != nil {
		return UploadsPage{}, &Error{Op: "list uploads", Bucket: r.Bucket, Err: err}
	}
	return page, nil
}

func (s *Store) listUploads(rd engine.Reader, b *bucketState, r *UploadsRequest) (UploadsPage, error) {
	var page UploadsPage
	start, err := s.uploadsStart(b, r)
	if err != nil {
		return page, err
	}
	owner := b.row.Load().Owner
	w := &walk{
		reader: rd, bucket: b.id, table: uploadTable,
		prefix: r.Prefix, delimiter: r.Delimiter, limit: min(r.Limit, maxPage),
		common: func(prefix string) {
			page.CommonPrefixes = append(page.CommonPrefixes, prefix)
			page.NextKeyMarker, page.NextUploadMarker = prefix, ""
		},
		row: func(key, _, value []byte) error {
			u, err := decodeUpload(value)
			if err != nil {
				return err
			}
			up := u.upload(string(key), s.formatUploadID(b.id, string(key), u.order()), owner)
			page.Uploads = append(page.Uploads, up)
			page.NextKeyMarker, page.NextUploadMarker = up.Key, up.ID
			return nil
		},
	}
	err = w.run(start)
	page.Truncated = w.more
	return page, err
}

// uploadsStart returns where a page behind the markers of r starts. An id marker
// goes with a key marker only, to whose key it must belong; it may name an upload
// that is over by now, so that emptying loops go on (spec LS5-3, LS6-1).
func (s *Store) uploadsStart(b *bucketState, r *UploadsRequest) ([]byte, error) {
	start := startAfter(uploadTable, b.id, r.Prefix, r.Delimiter, r.KeyMarker)
	if r.KeyMarker == "" || r.IDMarker == "" {
		return start, nil
	}
	order, err := s.parseUploadID(b.id, r.KeyMarker, r.IDMarker)
	if err != nil {
		return nil, err
	}
	_, rolls := rollUp(r.KeyMarker, r.Prefix, r.Delimiter)
	if rolls || !isKey(r.KeyMarker) {
		return start, nil // what no object is called has no uploads
	}
	return append(uploadKey(b.id, r.KeyMarker, order), 0), nil
}

// ObjectParts lists the parts of an object that was uploaded in parts, by number;
// there are none of any other.
func (s *Store) ObjectParts(ctx context.Context, r ObjectPartsRequest) (ObjectPartsPage, error) {
	var page ObjectPartsPage
	err := s.read(ctx, &r.Read, func(f *found) (err error) {
		page.Object = f.object
		if f.record.place == placeParts {
			set := f.record.partsOf(f.bucket.id, f.object.Key)
			page.Parts, page.Truncated, err = set.list(f.reader, r.After, r.Limit)
		}
		return err
	})
	return page, err
}
