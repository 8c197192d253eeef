package store

import (
	"encoding/binary"
	"fmt"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// Fields of a reclaim row: what is still to be removed.
const (
	reclaimBucket  = 1
	reclaimStored  = 2
	reclaimPartSet = 3 // parts record
)

// Fields of lost parts.
const (
	lostKey     = 1
	lostUpload  = 2
	lostKept    = 3 // part map
	lostVersion = 4
)

// reclaimRow names a file, or parts, that nothing needs any more.
type reclaimRow struct {
	order  versioning.Order // of the entry or upload that went, from the row's key
	ref    blob.Ref         // from the row's key; zero for parts
	bucket bucketID
	stored int64      // bytes on disk, as far as is known
	parts  *lostParts // nil for a file
}

// lostParts are parts that nothing needs any more, in one row however many they
// are. The zero value is all that a bucket has which is gone, uploads too.
type lostParts struct {
	key    string
	upload versioning.Order
	// kept are the parts that a version made of the upload has: all others go.
	kept PartMap
	// version says that the parts were those of a version, and not counted as those
	// of uploads any more.
	version bool
}

func (r reclaimRow) encode() []byte {
	var f fields
	f.uint(reclaimBucket, uint64(r.bucket))
	f.uint(reclaimStored, uint64(r.stored))
	if r.parts != nil {
		f.bytes(reclaimPartSet, r.parts.encode())
	}
	return f
}

func (l *lostParts) encode() []byte {
	var f fields
	f.text(lostKey, l.key)
	f.uint(lostUpload, uint64(l.upload))
	f.bytes(lostKept, l.kept.encode())
	f.flag(lostVersion, l.version)
	if len(f) == 0 {
		// A field of no bytes would be left out: a bucket's is one that says so.
		f = append(f, lostUpload, 1, 0)
	}
	return f
}

func decodeReclaim(key, row []byte) (reclaimRow, error) {
	r, ok := reclaimRow{}, len(key) > 1+orderBytes
	if ok {
		ref, err := blob.ParseRef(key[1+orderBytes:])
		r.order, r.ref, ok = versioning.Order(binary.BigEndian.Uint64(key[1:])), ref, err == nil
	}
	_, err := readFields(row, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case reclaimBucket:
			r.bucket = bucketID(readUint(p, &ok))
		case reclaimStored:
			r.stored = int64(readUint(p, &ok))
		case reclaimPartSet:
			r.parts = decodeLost(p, &ok)
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && (!ok || r.ref.IsZero() != (r.parts != nil)) {
		err = errRecord
	}
	if err != nil {
		return r, fmt.Errorf("reclaim row: %w", err)
	}
	return r, nil
}

func decodeLost(b []byte, ok *bool) *lostParts {
	l := &lostParts{}
	_, err := readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case lostKey:
			l.key = string(p)
		case lostUpload:
			l.upload = versioning.Order(readUint(p, ok))
		case lostKept:
			l.kept = decodePartMap(p, ok)
		case lostVersion:
			l.version = readUint(p, ok) == 1
		default:
			return false, nil
		}
		return true, nil
	})
	*ok = *ok && err == nil && (l.key == "") == (l.upload == 0)
	return l
}
