package store

import (
	"context"
	"errors"
	"strings"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// maxPage is the most entries that a page of a listing has (spec LS1).
const maxPage = 1000

// endOfKey ends a key within a row's key. No key holds it, but prefixes and
// markers of requests may.
const endOfKey = "\x00"

// walk goes over the rows of one table of a bucket in the order of their keys,
// rolling up common prefixes: a prefix costs one seek, however many keys it hides.
type walk struct {
	reader            engine.Reader
	bucket            bucketID
	table             table
	prefix, delimiter string
	limit             int // rows and common prefixes

	// row takes a row that is not rolled up.
	row func(key, rest, value []byte) error
	// common takes a common prefix.
	common func(prefix string)

	count int
	more  bool
}

// run walks from start, a key of the table, to the end of the prefix.
func (w *walk) run(start []byte) error {
	if w.limit <= 0 || strings.Contains(w.prefix, endOfKey) {
		return nil
	}
	prefix := append(within(w.table, w.bucket, len(w.prefix)), w.prefix...)
	end := prefixEnd(prefix)
	if string(start) < string(prefix) {
		start = prefix
	}
	for start != nil && string(start) < string(end) && !w.more {
		next, err := w.stretch(engine.Range{Start: start, End: end, Limit: w.limit - w.count + 1})
		if err != nil {
			return err
		}
		start = next
	}
	return nil
}

// stretch walks until a common prefix is met, and returns the key from which to
// go on behind it, nil at the end.
func (w *walk) stretch(r engine.Range) (next []byte, err error) {
	var bad error
	more, err := w.reader.Scan(r, func(k, v []byte) bool {
		if w.count == w.limit {
			w.more = true
			return false
		}
		key, rest, ok := splitKey(k)
		if !ok {
			bad = errRecord
			return false
		}
		w.count++
		if common, rolls := rollUp(string(key), w.prefix, w.delimiter); rolls {
			w.common(common)
			next = behindPrefix(w.table, w.bucket, common)
			return false
		}
		bad = w.row(key, rest, v)
		return bad == nil
	})
	if err == nil && bad == nil && next == nil && more && !w.more {
		return nil, errors.New("scan ended early")
	}
	return next, errors.Join(err, bad)
}

// rollUp returns the common prefix that key belongs to, if it belongs to one: the
// part up to the first delimiter behind prefix (spec LS1).
func rollUp(key, prefix, delimiter string) (common string, rolls bool) {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return "", false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}

// behindPrefix returns the least key of a table above all that begin with prefix.
func behindPrefix(t table, b bucketID, prefix string) []byte {
	return prefixEnd(append(within(t, b, len(prefix)), prefix...))
}

// behindKey returns the least key of a table above all rows of key.
func behindKey(t table, b bucketID, key string) []byte {
	row := keyRow(t, b, key)
	row[len(row)-1] = 1 // the end of a key is 0, so this is above it and below any longer key
	return row
}

// startAfter returns where a walk behind marker starts. A common prefix that is
// not above the marker is not shown again, so all of it is passed over (spec LS1).
func startAfter(t table, b bucketID, prefix, delimiter, marker string) []byte {
	// The keys above p+U+0000+rest, whatever the rest is, are those above p.
	marker, _, _ = strings.Cut(marker, endOfKey)
	if marker == "" {
		return within(t, b, 0)
	}
	if common, rolls := rollUp(marker, prefix, delimiter); rolls {
		return behindPrefix(t, b, common)
	}
	return behindKey(t, b, marker)
}

// ListObjects returns a page of the keys whose current entry is an object (spec
// LS3). It reads no history: keys hidden by delete markers and old versions cost
// nothing.
func (s *Store) ListObjects(ctx context.Context, r ListRequest) (ListPage, error) {
	var page ListPage
	b, err := s.bucket(r.Bucket)
	if err == nil {
		err = s.view(ctx, func(rd engine.Reader) error {
			page, err = listObjects(rd, b, &r)
			return err
		})
	}
	if err != nil {
		return ListPage{}, &Error{Op: "list objects", Bucket: r.Bucket, Err: err}
	}
	return page, nil
}

func listObjects(rd engine.Reader, b *bucketState, r *ListRequest) (ListPage, error) {
	var page ListPage
	owner := b.row.Load().Owner
	w := &walk{
		reader: rd, bucket: b.id, table: liveTable,
		prefix: r.Prefix, delimiter: r.Delimiter, limit: min(r.Limit, maxPage),
		common: func(prefix string) {
			page.CommonPrefixes = append(page.CommonPrefixes, prefix)
			page.Last = prefix
		},
		row: func(key, _, value []byte) error {
			l, err := decodeLive(value)
			if err != nil {
				return err
			}
			page.Last = string(key)
			page.Objects = append(page.Objects, l.object(page.Last, owner))
			return nil
		},
	}
	err := w.run(startAfter(liveTable, b.id, r.Prefix, r.Delimiter, r.After))
	page.Truncated = w.more
	return page, err
}

// ListObjectVersions returns a page of versions and delete markers: keys
// ascending, newest first within a key (spec LS2).
func (s *Store) ListObjectVersions(ctx context.Context, r VersionsRequest) (VersionsPage, error) {
	var page VersionsPage
	b, err := s.bucket(r.Bucket)
	if err == nil {
		err = s.view(ctx, func(rd engine.Reader) error {
			page, err = s.listVersions(rd, b, &r)
			return err
		})
	}
	if err != nil {
		return VersionsPage{}, &Error{Op: "list versions", Bucket: r.Bucket, Err: err}
	}
	return page, nil
}

func (s *Store) listVersions(rd engine.Reader, b *bucketState, r *VersionsRequest) (VersionsPage, error) {
	var page VersionsPage
	start, newest, err := versionsStart(rd, b, r)
	if err != nil {
		return page, err
	}
	owner, last := b.row.Load().Owner, r.KeyMarker
	w := &walk{
		reader: rd, bucket: b.id, table: versionTable,
		prefix: r.Prefix, delimiter: r.Delimiter, limit: min(r.Limit, maxPage),
		common: func(prefix string) {
			page.CommonPrefixes = append(page.CommonPrefixes, prefix)
			page.NextKeyMarker, page.NextVersionIDMarker = prefix, ""
		},
		row: func(key, _, value []byte) error {
			rec, err := decodeRecord(value)
			if err != nil {
				return err
			}
			o := rec.object(string(key), s.FormatVersionID(rec.version().ID()), owner)
			// The first entry of a key is current; so is the first behind a marker
			// inside a key if the newer ones were destroyed meanwhile.
			o.Latest = o.Key != last || rec.order == newest
			last, newest = o.Key, 0
			page.Entries = append(page.Entries, o)
			page.NextKeyMarker, page.NextVersionIDMarker = o.Key, o.VersionID
			return nil
		},
	}
	err = w.run(start)
	page.Truncated = w.more
	return page, err
}

// versionsStart returns where a page behind the markers of r starts and, if that
// is within the history of the key marker, the order of its newest entry.
func versionsStart(rd engine.Reader, b *bucketState, r *VersionsRequest) (start []byte, newest versioning.Order, err error) {
	start = startAfter(versionTable, b.id, r.Prefix, r.Delimiter, r.KeyMarker)
	_, rolls := rollUp(r.KeyMarker, r.Prefix, r.Delimiter)
	if rolls || r.IDMarker.IsZero() || r.KeyMarker == "" || strings.Contains(r.KeyMarker, endOfKey) {
		return start, 0, nil
	}
	h := &history{bucket: b, state: b.row.Load().Versioning, key: r.KeyMarker}
	if err := readHead(rd, h); err != nil {
		return nil, 0, err
	}
	place := r.IDMarker.Order()
	if r.IDMarker.IsNull() {
		place = h.head.Null
	}
	if place == 0 {
		return start, 0, nil // no null entry: behind all of the key (spec LS2)
	}
	return versionKey(b.id, r.KeyMarker, place-1), h.head.Newest, nil
}
