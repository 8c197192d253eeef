package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// Fields of an upload row.
const (
	uploadDescription  = 1 // version record of the object to be, without bytes; its order is the upload's
	uploadAlgorithm    = 2 // that was asked for
	uploadChecksumType = 3
	uploadStartOrder   = 4 // of the entry that was current at the start
	uploadStartObject  = 5 // that entry was an object
)

// uploadRow is an upload in progress. It does not change: a part is stored under
// the guard that the row is there, and its end removes it.
type uploadRow struct {
	description *record // order, initiation as last modified, headers, lock, owner
	algorithm   checksum.Algorithm
	kind        ChecksumType
	start       versioning.Start

	stored []byte // as read
}

// order is the name of the upload.
func (u *uploadRow) order() versioning.Order { return u.description.order }

// checksum is what parts and object have: if nothing was asked for, CRC64NVME of
// the whole (spec WI4-1).
func (u *uploadRow) checksum() (checksum.Algorithm, ChecksumType) {
	if u.algorithm == checksum.None {
		return checksum.CRC64NVME, FullObject
	}
	return u.algorithm, u.kind
}

func (u *uploadRow) encode() []byte {
	var f fields
	f.bytes(uploadDescription, u.description.encode())
	f.uint(uploadAlgorithm, uint64(u.algorithm))
	f.uint(uploadChecksumType, uint64(u.kind))
	f.uint(uploadStartOrder, uint64(u.start.Order))
	f.flag(uploadStartObject, u.start.Object)
	return f
}

func decodeUpload(row []byte) (*uploadRow, error) {
	u, ok := &uploadRow{stored: row}, true
	_, err := readFields(row, func(tag uint64, p []byte) (_ bool, err error) {
		switch tag {
		case uploadDescription:
			u.description, err = decodeRecord(p)
		case uploadAlgorithm:
			u.algorithm = checksum.Algorithm(readUint(p, &ok))
		case uploadChecksumType:
			u.kind = ChecksumType(readUint(p, &ok))
		case uploadStartOrder:
			u.start.Order = versioning.Order(readUint(p, &ok))
		case uploadStartObject:
			u.start.Object = readUint(p, &ok) == 1
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && (!ok || u.description == nil || u.algorithm != checksum.None && !u.algorithm.Valid()) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("upload row: %w", err)
	}
	return u, nil
}

// upload returns the row as it is shown.
func (u *uploadRow) upload(key, id string, bucketOwner Owner) Upload {
	up := Upload{
		Key: key, ID: id, Order: u.order(), Initiated: u.description.lastModified, StorageClass: u.description.class,
		Owner: bucketOwner, Algorithm: u.algorithm, ChecksumType: u.kind,
	}
	if u.description.owner != nil {
		up.Owner = *u.description.owner
	}
	return up
}

// Fields of the row of a completed upload.
const (
	doneBucket       = 1
	doneKeyText      = 2
	doneOrder        = 3 // of the version
	doneAnswer       = 4 // what x-amz-version-id said: 0 nothing, 1 null, 2 the version's id
	doneList         = 5 // hash of the list of parts
	doneSize         = 6
	doneParts        = 7
	doneAt           = 8
	doneETag         = 9
	doneChecksum     = 10
	doneChecksumType = 11
)

// What a completed upload answered as version id.
const (
	answeredNothing = iota
	answeredNull
	answeredID
)

// doneUpload is a completed upload: what is answered when the same request comes
// again (spec WI5-3).
type doneUpload struct {
	bucket       bucketID
	key          string
	order        versioning.Order
	answer       uint64
	list         [32]byte
	size         int64
	parts        int
	at           time.Time // completion
	etag         string
	checksums    []checksum.Value
	checksumType ChecksumType
}

// versionID is what the answer says of the version.
func (d *doneUpload) versionID() versioning.ID {
	switch d.answer {
	case answeredNull:
		return versioning.Null
	case answeredID:
		return versioning.IDOf(d.order)
	}
	return versioning.ID{}
}

func (d *doneUpload) encode() []byte {
	var f fields
	f.uint(doneBucket, uint64(d.bucket))
	f.text(doneKeyText, d.key)
	f.uint(doneOrder, uint64(d.order))
	f.uint(doneAnswer, d.answer)
	f.bytes(doneList, d.list[:])
	f.uint(doneSize, uint64(d.size))
	f.uint(doneParts, uint64(d.parts))
	f.time(doneAt, d.at)
	f.text(doneETag, d.etag)
	for _, c := range d.checksums {
		f.bytes(doneChecksum, encodeChecksum(c))
	}
	f.uint(doneChecksumType, uint64(d.checksumType))
	return f
}

func decodeDone(row []byte) (*doneUpload, error) {
	d, ok := &doneUpload{}, true
	_, err := readFields(row, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case doneBucket:
			d.bucket = bucketID(readUint(p, &ok))
		case doneKeyText:
			d.key = string(p)
		case doneOrder:
			d.order = versioning.Order(readUint(p, &ok))
		case doneAnswer:
			d.answer = readUint(p, &ok)
		case doneList:
			ok = ok && len(p) == copy(d.list[:], p) && len(p) == len(d.list)
		case doneSize:
			d.size = int64(readUint(p, &ok))
		case doneParts:
			d.parts = int(readUint(p, &ok))
		case doneAt:
			d.at = readTime(p, &ok)
		case doneETag:
			d.etag = string(p)
		case doneChecksum:
			d.checksums = append(d.checksums, decodeChecksum(p, &ok))
		case doneChecksumType:
			d.checksumType = ChecksumType(readUint(p, &ok))
		default:
			return false, nil
		}
		return true, nil
	})
	if err == nil && (!ok || d.order == 0 || d.answer > answeredID) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("row of a completed upload: %w", err)
	}
	return d, nil
}

// decodeDoneRow reads a row and its key.
func decodeDoneRow(key, row []byte) (*doneUpload, versioning.Order, error) {
	if len(key) != 1+orderBytes {
		return nil, 0, fmt.Errorf("row of a completed upload: %w at %x", errRecord, key)
	}
	d, err := decodeDone(row)
	return d, versioning.Order(binary.BigEndian.Uint64(key[1:])), err
}

// over reports whether the upload was completed too long ago to be known at now.
func (d *doneUpload) over(now time.Time) bool { return now.Sub(d.at) >= doneFor }
