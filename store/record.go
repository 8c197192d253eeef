package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// Fields of a version record. docs/format.md is the table of them; a test keeps
// the two the same. A number is never used again for something else.
const (
	versionKind         = 1 // 1 object, 2 delete marker
	versionNull         = 2
	versionOrder        = 3
	versionSize         = 4
	versionPlace        = 5 // where the bytes are: placeData or placeFile, ref
	versionPartMap      = 6 // numbers and sizes of the parts that the bytes are in
	versionStoredSize   = 7
	versionBlockSize    = 8
	versionTransforms   = 9 // reserved: encryption, compression
	versionLock         = 10
	versionUpload       = 11 // order of the upload and its initiation
	versionForeignID    = 12 // reserved: id given by another server
	versionCRC          = 13 // CRC-32C of the payload
	versionLastModified = 14
	versionRealTime     = 15
	versionETag         = 16
	versionTags         = 17 // repeated: pair
	versionACL          = 18 // access control list, if not the private one
	versionOrigin       = 19 // what the header of a shared file names
	versionChecksum     = 64 // repeated: algorithm, sum
	versionChecksumType = 65
	versionClass        = 66
	versionSystem       = 67 // repeated: pair
	versionUser         = 68 // repeated: pair
	versionOwner        = 69 // only if not the bucket's
	versionMade         = 70
	versionReplication  = 71 // reserved: origin and status
)

const (
	kindObject = 1
	kindMarker = 2

	placeNone = 0
	placeData = 1 // a data row
	placeFile = 2 // a file, with a blob row
	// placeParts is not written: a part map says it.
	placeParts = 3 // the rows of an upload's parts
)

// record is one entry of a key's history as it is stored.
type record struct {
	order  versioning.Order
	null   bool
	marker bool

	size         int64
	place        byte
	ref          blob.Ref
	origin       blob.Origin // of a shared file
	parts        PartMap
	upload       versioning.Order // that made parts
	initiated    time.Time        // of upload
	storedSize   int64
	blockSize    int
	crc          uint32
	lastModified time.Time
	realTime     time.Time
	etag         string
	checksums    []checksum.Value
	checksumType ChecksumType
	class        string
	system, user []Pair
	tags         []Tag
	acl          []byte // nil: private
	owner        *Owner
	lock         versioning.Lock
	made         Maker
	unknown      []byte // optional fields of later versions, kept as they are

	// brief says that what an object is served with was read over, but for etag.
	brief bool
	// tagged says that a brief record has its tags, and neither etag nor acl.
	tagged bool
}

// version returns what the rules know of r.
func (r *record) version() *versioning.Version {
	return &versioning.Version{
		Order: r.order, Null: r.null, DeleteMarker: r.marker,
		ETag: r.etag, LastModified: r.lastModified, Lock: r.lock,
	}
}

func (r *record) locked() bool {
	return r.lock.Mode != versioning.NoRetention || r.lock.Hold != versioning.HoldNever
}

// usualRecord is room for the record of an object that says little of itself, bytes.
const usualRecord = 320

// encode returns r as it is stored.
func (r *record) encode() []byte {
	f := make(fields, 0, usualRecord)
	kind := uint64(kindObject)
	if r.marker {
		kind = kindMarker
	}
	f.uint(versionKind, kind)
	f.flag(versionNull, r.null)
	f.uint(versionOrder, uint64(r.order))
	f.uint(versionSize, uint64(r.size))
	if r.place == placeData || r.place == placeFile {
		var buf [16]byte
		f.bytes(versionPlace, r.ref.Append(append(buf[:0], r.place)))
	}
	if r.place == placeParts {
		f.bytes(versionPartMap, r.parts.encode())
		f.bytes(versionUpload, encodeUploadOrigin(r.upload, r.initiated))
	}
	if !r.origin.IsZero() {
		f.bytes(versionOrigin, encodeOrigin(r.origin))
	}
	f.uint(versionStoredSize, uint64(r.storedSize))
	f.uint(versionBlockSize, uint64(r.blockSize))
	if r.locked() {
		f.bytes(versionLock, encodeLock(r.lock))
	}
	f.uint(versionCRC, uint64(r.crc))
	f.time(versionLastModified, r.lastModified)
	f.time(versionRealTime, r.realTime)
	f.text(versionETag, r.etag)
	for _, c := range r.checksums {
		f.bytes(versionChecksum, encodeChecksum(c))
	}
	f.uint(versionChecksumType, uint64(r.checksumType))
	f.text(versionClass, r.class)
	for _, p := range r.system {
		f.pair(versionSystem, p)
	}
	for _, p := range r.user {
		f.pair(versionUser, p)
	}
	for _, t := range r.tags {
		f.pair(versionTags, Pair{Name: t.Key, Value: t.Value})
	}
	f.bytes(versionACL, r.acl)
	if r.owner != nil {
		f.bytes(versionOwner, encodeOwner(*r.owner))
	}
	f.bytes(versionMade, encodeMaker(r.made))
	return append(f, r.unknown...)
}

// decodeRecord reads a version record.
func decodeRecord(b []byte) (*record, error) {
	r := &record{}
	return r, r.decode(b)
}

// decodeBrief is decodeRecord for who only asks the rules about the entry, and
// destroys it: a record like this must not be shown or rewritten. It refuses what
// decodeRecord refuses.
func decodeBrief(b []byte) (*record, error) {
	r := &record{brief: true}
	return r, r.decode(b)
}

// decodeTagged makes r the brief record with tags that b is.
func (r *record) decodeTagged(b []byte) error {
	*r = record{brief: true, tagged: true}
	return r.decode(b)
}

func (r *record) decode(b []byte) error {
	ok, kind := true, uint64(0)
	unknown, err := readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case versionKind:
			kind = readUint(p, &ok)
			r.marker = kind == kindMarker
		case versionNull:
			r.null = readUint(p, &ok) == 1
		case versionOrder:
			r.order = versioning.Order(readUint(p, &ok))
		case versionLastModified:
			r.lastModified = readTime(p, &ok)
		case versionRealTime:
			r.realTime = readTime(p, &ok)
		case versionLock:
			r.lock = decodeLock(p, &ok)
		case versionOwner:
			o := decodeOwner(p, &ok)
			r.owner = &o
		default:
			return r.bytesField(tag, p, &ok) || r.passes(tag) && briefField(tag, p, &ok) || r.headerField(tag, p, &ok), nil
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("version record: %w", err)
	}
	if !ok || r.order == 0 || kind != kindObject && kind != kindMarker ||
		r.place == placeParts && (r.upload == 0 || r.size != r.parts.size()) {
		return fmt.Errorf("version record: %w", errRecord)
	}
	r.unknown = unknown
	return nil
}

// bytesField reads a field about the bytes of an object.
func (r *record) bytesField(tag uint64, p []byte, ok *bool) bool {
	switch tag {
	case versionSize:
		r.size = int64(readUint(p, ok))
		*ok = *ok && r.size >= 0
	case versionPlace:
		if len(p) == 0 || p[0] != placeData && p[0] != placeFile {
			*ok = false
			return true
		}
		ref, err := blob.ParseRef(p[1:])
		r.place, r.ref, *ok = p[0], ref, *ok && err == nil
	case versionPartMap:
		r.place, r.parts = placeParts, decodePartMap(p, ok)
	case versionUpload:
		r.upload, r.initiated = decodeUploadOrigin(p, ok)
	case versionOrigin:
		r.origin = decodeOrigin(p, ok)
	case versionStoredSize:
		r.storedSize = int64(readUint(p, ok))
	case versionBlockSize:
		r.blockSize = int(readUint(p, ok))
	case versionCRC:
		r.crc = uint32(readUint(p, ok))
	default:
		return false
	}
	return true
}

// passes reports whether r reads over a field that headerField would keep.
func (r *record) passes(tag uint64) bool {
	if r.tagged {
		return tag != versionTags
	}
	return r.brief && tag != versionETag && tag != versionACL
}

// briefField reads over a field that headerField would keep, and reports whether
// it is one. It is as strict about it.
func briefField(tag uint64, p []byte, ok *bool) bool {
	switch tag {
	case versionChecksum:
		*ok = *ok && len(p) > 0
	case versionClass, versionETag, versionACL:
	case versionSystem, versionUser, versionTags:
		size, n := binary.Uvarint(p)
		*ok = *ok && n > 0 && size <= uint64(len(p)-n)
	case versionMade:
		_, err := readFields(p, func(tag uint64, _ []byte) (bool, error) { return tag >= firstOptional, nil })
		*ok = *ok && err == nil
	default:
		return false
	}
	return true
}

// headerField reads a field about what an object is served with, and who made it.
func (r *record) headerField(tag uint64, p []byte, ok *bool) bool {
	switch tag {
	case versionETag:
		r.etag = string(p)
	case versionChecksum:
		r.checksums = append(r.checksums, decodeChecksum(p, ok))
	case versionChecksumType:
		r.checksumType = ChecksumType(readUint(p, ok))
	case versionClass:
		r.class = string(p)
	case versionSystem:
		r.system = append(r.system, readPair(p, ok))
	case versionUser:
		r.user = append(r.user, readPair(p, ok))
	case versionMade:
		r.made = decodeMaker(p, ok)
	case versionTags:
		tag := readPair(p, ok)
		r.tags = append(r.tags, Tag{Key: tag.Name, Value: tag.Value})
	case versionACL:
		r.acl = append([]byte(nil), p...)
	default:
		return false
	}
	return true
}

// object returns r as it is shown, for a key of a bucket of bucketOwner.
func (r *record) object(key, id string, bucketOwner Owner) Object {
	o := Object{
		Key: key, VersionID: id, DeleteMarker: r.marker, Size: r.size,
		LastModified: r.lastModified, ETag: r.etag, Checksums: r.checksums,
		ChecksumType: r.checksumType, StorageClass: r.class, Owner: bucketOwner,
		System: r.system, User: r.user, Lock: r.lock, Tags: r.tags,
		ACL: r.acl,
	}
	if r.owner != nil {
		o.Owner = *r.owner
	}
	return o
}

// A lock is mode, hold, and the end of retention in milliseconds.
func encodeLock(l versioning.Lock) []byte {
	b := []byte{byte(l.Mode), byte(l.Hold)}
	if l.Mode != versioning.NoRetention {
		b = binary.AppendUvarint(b, lockEnd(l))
	}
	return b
}

// lockEnd is the end of retention as it is stored. One before 1970 protects no
// more than 1970 does, and is no number that is read again.
func lockEnd(l versioning.Lock) uint64 { return uint64(max(l.Until.UnixMilli(), 0)) }

func decodeLock(p []byte, ok *bool) versioning.Lock {
	if len(p) < 2 || p[0] > byte(versioning.Compliance) || p[1] > byte(versioning.HoldOff) {
		*ok = false
		return versioning.Lock{}
	}
	l := versioning.Lock{Mode: versioning.Mode(p[0]), Hold: versioning.Hold(p[1])}
	if l.Mode != versioning.NoRetention {
		l.Until = readTime(p[2:], ok)
	}
	return l
}

// An origin is ref, bucket id and key.
func encodeOrigin(o blob.Origin) []byte {
	b := binary.BigEndian.AppendUint64(o.Ref.Append(nil), o.Bucket)
	return append(b, o.Key...)
}

func decodeOrigin(p []byte, ok *bool) (o blob.Origin) {
	const refBytes = 12
	if len(p) <= refBytes+8 {
		*ok = false
		return o
	}
	ref, err := blob.ParseRef(p[:refBytes])
	*ok = *ok && err == nil
	return blob.Origin{Ref: ref, Bucket: binary.BigEndian.Uint64(p[refBytes:]), Key: string(p[refBytes+8:])}
}

// An upload's part in a version is its order and its initiation in milliseconds.
func encodeUploadOrigin(o versioning.Order, initiated time.Time) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(o))
	return binary.AppendUvarint(b, uint64(initiated.UnixMilli()))
}

func decodeUploadOrigin(p []byte, ok *bool) (versioning.Order, time.Time) {
	if len(p) <= orderBytes {
		*ok = false
		return 0, time.Time{}
	}
	return versioning.Order(binary.BigEndian.Uint64(p)), readTime(p[orderBytes:], ok)
}

// Owners and makers are records of their own.
const (
	ownerAccount   = 1
	ownerCanonical = 2
	ownerDisplay   = 64

	madePrincipal = 64
	madeAccessKey = 65
	madeRequestID = 66
	madeCause     = 67 // one byte cause, id of the rule or job
)

func encodeOwner(o Owner) []byte {
	var f fields
	f.text(ownerAccount, o.Account)
	f.text(ownerCanonical, o.CanonicalID)
	f.text(ownerDisplay, o.DisplayName)
	return f
}

func decodeOwner(b []byte, ok *bool) Owner {
	var o Owner
	_, err := readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case ownerAccount:
			o.Account = string(p)
		case ownerCanonical:
			o.CanonicalID = string(p)
		case ownerDisplay:
			o.DisplayName = string(p)
		default:
			return false, nil
		}
		return true, nil
	})
	*ok = *ok && err == nil
	return o
}

func encodeMaker(m Maker) []byte {
	f := make(fields, 0, len(m.AccessKey)+len(m.RequestID)+len(m.Principal)+len(m.CauseID)+16)
	f.text(madeAccessKey, m.AccessKey)
	f.text(madeRequestID, m.RequestID)
	f.text(madePrincipal, m.Principal)
	if m.Cause != CauseRequest {
		f.text(madeCause, string(rune(m.Cause))+m.CauseID)
	}
	return f
}

func decodeMaker(b []byte, ok *bool) Maker {
	var m Maker
	_, err := readFields(b, func(tag uint64, p []byte) (bool, error) {
		switch tag {
		case madeAccessKey:
			m.AccessKey = string(p)
		case madeRequestID:
			m.RequestID = string(p)
		case madePrincipal:
			m.Principal = string(p)
		case madeCause:
			if len(p) == 0 {
				*ok = false
				return true, nil
			}
			m.Cause, m.CauseID = Cause(p[0]), string(p[1:])
		default:
			return false, nil
		}
		return true, nil
	})
	*ok = *ok && err == nil
	return m
}
