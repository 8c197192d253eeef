package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// Fields of a head row: the summary that every change of a key in Enabled or
// Suspended writes.
const (
	headNewest  = 1
	headMarker  = 2
	headNull    = 3
	headEntries = 4
	headAmended = 64 // how often an entry was changed that stayed
)

func encodeHead(h versioning.Head) []byte {
	f := make(fields, 0, 40)
	f.uint(headNewest, uint64(h.Newest))
	f.flag(headMarker, h.Marker)
	f.uint(headNull, uint64(h.Null))
	f.uint(headEntries, h.Entries)
	f.uint(headAmended, h.Amended)
	return f
}

func decodeHead(b []byte) (h versioning.Head, err error) {
	ok := true
	_, err = readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case headNewest:
			h.Newest = versioning.Order(readUint(p, &ok))
		case headMarker:
			h.Marker = readUint(p, &ok) == 1
		case headNull:
			h.Null = versioning.Order(readUint(p, &ok))
		case headEntries:
			h.Entries = readUint(p, &ok)
		case headAmended:
			h.Amended = readUint(p, &ok)
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && (!ok || h.Newest == 0 || h.Entries == 0) {
		err = errRecord
	}
	if err != nil {
		return h, fmt.Errorf("head row: %w", err)
	}
	return h, nil
}

// Fields of a live row: what a listing of current objects prints.
const (
	liveOrder        = 1
	liveSize         = 2
	liveLastModified = 3
	liveETag         = 4
	liveOwner        = 5 // only if not the bucket's
	liveClass        = 64
	liveAlgorithm    = 65 // repeated
	liveChecksumType = 66
	liveAmended      = 67 // how often the entry was changed
)

// live is the row of a key whose current entry is an object.
type live struct {
	order        versioning.Order
	size         int64
	lastModified time.Time
	etag         string
	class        string
	algorithms   []checksum.Algorithm
	checksumType ChecksumType
	owner        *Owner
	amended      uint64 // see history.amend
}

// liveOf returns the live row of r.
func liveOf(r *record) *live {
	l := &live{
		order: r.order, size: r.size, lastModified: r.lastModified, etag: r.etag,
		class: r.class, checksumType: r.checksumType, owner: r.owner,
	}
	for _, c := range r.checksums {
		l.algorithms = append(l.algorithms, c.Algorithm)
	}
	return l
}

func (l *live) encode() []byte {
	f := make(fields, 0, 80)
	f.uint(liveOrder, uint64(l.order))
	f.uint(liveSize, uint64(l.size))
	f.time(liveLastModified, l.lastModified)
	f.text(liveETag, l.etag)
	if l.owner != nil {
		f.bytes(liveOwner, encodeOwner(*l.owner))
	}
	f.text(liveClass, l.class)
	for _, a := range l.algorithms {
		f.uint(liveAlgorithm, uint64(a))
	}
	f.uint(liveChecksumType, uint64(l.checksumType))
	f.uint(liveAmended, l.amended)
	return f
}

func decodeLive(b []byte) (*live, error) {
	l, ok := &live{}, true
	_, err := readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case liveOrder:
			l.order = versioning.Order(readUint(p, &ok))
		case liveSize:
			l.size = int64(readUint(p, &ok))
		case liveLastModified:
			l.lastModified = readTime(p, &ok)
		case liveETag:
			l.etag = string(p)
		case liveOwner:
			o := decodeOwner(p, &ok)
			l.owner = &o
		case liveClass:
			l.class = string(p)
		case liveAlgorithm:
			l.algorithms = append(l.algorithms, checksum.Algorithm(readUint(p, &ok)))
		case liveChecksumType:
			l.checksumType = ChecksumType(readUint(p, &ok))
		case liveAmended:
			l.amended = readUint(p, &ok)
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && (!ok || l.order == 0 || l.size < 0) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("live row: %w", err)
	}
	return l, nil
}

// object returns the row as a listing shows it.
func (l *live) object(key string, bucketOwner Owner) Object {
	o := Object{
		Key: key, Size: l.size, LastModified: l.lastModified, ETag: l.etag,
		StorageClass: l.class, ChecksumType: l.checksumType, Owner: bucketOwner,
	}
	for _, a := range l.algorithms {
		o.Checksums = append(o.Checksums, checksum.Value{Algorithm: a})
	}
	if l.owner != nil {
		o.Owner = *l.owner
	}
	return o
}

// Fields of a bucket row.
const (
	bucketRowID         = 1
	bucketRowVersioning = 2
	bucketRowMFADelete  = 3
	bucketRowObjectLock = 4
	bucketRowDeleting   = 5
	bucketRowOwner      = 6
	bucketRowType       = 7 // reserved: absent means general purpose
	bucketRowOwnership  = 8 // reserved: absent means BucketOwnerEnforced
	bucketRowRetention  = 9 // default retention: mode, days, years
	bucketRowCreated    = 64
	bucketRowRegion     = 65
)

// bucketRow is a bucket as it is stored.
type bucketRow struct {
	Bucket
	id       bucketID // its ID
	deleting bool
	unknown  []byte
}

func (b *bucketRow) encode() []byte {
	var f fields
	f.uint(bucketRowID, uint64(b.id))
	f.uint(bucketRowVersioning, uint64(b.Versioning))
	f.uint(bucketRowMFADelete, uint64(b.MFADelete))
	f.flag(bucketRowObjectLock, b.ObjectLock)
	f.flag(bucketRowDeleting, b.deleting)
	f.bytes(bucketRowOwner, encodeOwner(b.Owner))
	if !b.Retention.IsZero() {
		f.bytes(bucketRowRetention, encodeRetention(b.Retention))
	}
	f.time(bucketRowCreated, b.Created)
	f.text(bucketRowRegion, b.Region)
	return append(f, b.unknown...)
}

func decodeBucket(name string, row []byte) (*bucketRow, error) {
	b, ok := &bucketRow{Bucket: Bucket{Name: name}}, true
	unknown, err := readFields(row, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case bucketRowID:
			b.id = bucketID(readUint(p, &ok))
		case bucketRowVersioning:
			b.Versioning = versioning.State(readUint(p, &ok))
		case bucketRowMFADelete:
			b.MFADelete = MFADelete(readUint(p, &ok))
		case bucketRowObjectLock:
			b.ObjectLock = readUint(p, &ok) == 1
		case bucketRowDeleting:
			b.deleting = readUint(p, &ok) == 1
		case bucketRowOwner:
			b.Owner = decodeOwner(p, &ok)
		case bucketRowRetention:
			b.Retention = decodeRetention(p, &ok)
		case bucketRowCreated:
			b.Created = readTime(p, &ok)
		case bucketRowRegion:
			b.Region = string(p)
		default:
			return false, nil
		}
		return true, nil
	})
	b.unknown, b.ID = unknown, uint64(b.id)
	if err == nil && (!ok || b.id == 0 || b.Versioning > versioning.Suspended || b.MFADelete > MFADeleteEnabled) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("bucket row: %w", err)
	}
	return b, nil
}

// A default retention is a byte for its mode, and days and years as numbers.
func encodeRetention(d DefaultRetention) []byte {
	b := binary.AppendUvarint([]byte{byte(d.Mode)}, uint64(d.Days))
	return binary.AppendUvarint(b, uint64(d.Years))
}

func decodeRetention(p []byte, ok *bool) (d DefaultRetention) {
	if len(p) == 0 {
		*ok = false
		return d
	}
	days, n := binary.Uvarint(p[1:])
	if n <= 0 || len(p) == 1+n {
		*ok = false
		return d
	}
	years := readUint(p[1+n:], ok)
	d = DefaultRetention{Mode: versioning.Mode(p[0]), Days: int(days), Years: int(years)}
	*ok = *ok && d.valid()
	return d
}

// Fields of a blob row: what a file belongs to.
const (
	blobRowBucket = 1
	blobRowKey    = 2
	blobRowOrder  = 3 // of the version; none for a part
	blobRowUpload = 4 // order of the upload, for a part
	blobRowPart   = 5 // its number
	blobRowStored = 64
)

// blobRow is the row of a file.
type blobRow struct {
	bucket bucketID
	key    string
	order  versioning.Order
	upload versioning.Order
	part   int
	stored int64
}

func (b blobRow) encode() []byte {
	var f fields
	f.uint(blobRowBucket, uint64(b.bucket))
	f.text(blobRowKey, b.key)
	f.uint(blobRowOrder, uint64(b.order))
	f.uint(blobRowUpload, uint64(b.upload))
	f.uint(blobRowPart, uint64(b.part))
	f.uint(blobRowStored, uint64(b.stored))
	return f
}

func decodeBlobRow(row []byte) (blobRow, error) {
	var b blobRow
	ok := true
	_, err := readFields(row, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case blobRowBucket:
			b.bucket = bucketID(readUint(p, &ok))
		case blobRowKey:
			b.key = string(p)
		case blobRowOrder:
			b.order = versioning.Order(readUint(p, &ok))
		case blobRowUpload:
			b.upload = versioning.Order(readUint(p, &ok))
		case blobRowPart:
			b.part = int(readUint(p, &ok))
		case blobRowStored:
			b.stored = int64(readUint(p, &ok))
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && !ok {
		err = errRecord
	}
	if err != nil {
		return b, fmt.Errorf("blob row: %w", err)
	}
	return b, nil
}
