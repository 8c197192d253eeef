package store

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// A table is the first byte of an engine key. The bytes are on disk for ever;
// docs/format.md lists them.
type table byte

const (
	metaTable    table = 'M'
	bucketTable  table = 'B'
	configTable  table = 'C'
	headTable    table = 'H'
	liveTable    table = 'L'
	versionTable table = 'V'
	dataTable    table = 'D'
	blobTable    table = 'F'
	lockTable    table = 'K'
	uploadTable  table = 'U'
	partTable    table = 'P'
	reclaimTable table = 'R'
	statsTable   table = 'S'
	doneTable    table = 'Q'
	accountTable table = 'A'
	mfaTable     table = 'Y'
	ledgerTable  table = 'G'
	sealTable    table = 'Z'
	jobTable     table = 'J'

	// Reserved for later parts of the store.
	outboxTable table = 'O'
	aliasTable  table = 'X'
)

// bucketID names a bucket inside the store. It is an order, so the id of a
// deleted bucket never comes back with its name.
type bucketID uint64

const (
	bucketPrefix = 1 + 8 + 1 // table, bucket id, 0
	orderBytes   = 8
)

// within begins a key of a bucket's rows. The 0 is reserved for splitting the
// rows of a hot bucket later.
func within(t table, b bucketID, room int) []byte {
	k := make([]byte, 0, bucketPrefix+room)
	k = append(k, byte(t))
	k = binary.BigEndian.AppendUint64(k, uint64(b))
	return append(k, 0)
}

// keyRow is the key of a row that a table has once for each key. A key holds no
// U+0000, so the 0 behind it ends it and keeps the order of keys.
func keyRow(t table, b bucketID, key string) []byte {
	k := append(within(t, b, len(key)+1), key...)
	return append(k, 0)
}

func headKey(b bucketID, key string) []byte { return keyRow(headTable, b, key) }
func liveKey(b bucketID, key string) []byte { return keyRow(liveTable, b, key) }

// versionKey sorts the versions of a key newest first.
func versionKey(b bucketID, key string, o versioning.Order) []byte {
	k := append(within(versionTable, b, len(key)+1+orderBytes), key...)
	k = append(k, 0)
	return binary.BigEndian.AppendUint64(k, ^uint64(o))
}

func dataKey(b bucketID, ref blob.Ref) []byte {
	return ref.Append(within(dataTable, b, 12))
}

func blobKey(ref blob.Ref) []byte {
	return ref.Append([]byte{byte(blobTable)})
}

func reclaimKey(o versioning.Order, ref blob.Ref) []byte {
	k := binary.BigEndian.AppendUint64([]byte{byte(reclaimTable)}, uint64(o))
	return ref.Append(k)
}

// lockKey sorts locks by their end; a legal hold has none and sorts last.
func lockKey(b bucketID, until uint64, key string, o versioning.Order) []byte {
	k := within(lockTable, b, orderBytes+len(key)+1+orderBytes)
	k = binary.BigEndian.AppendUint64(k, until)
	k = append(append(k, key...), 0)
	return binary.BigEndian.AppendUint64(k, uint64(o))
}

// splitLockKey takes end, S3 key and order out of a lock row's key.
func splitLockKey(row []byte) (until uint64, key string, o versioning.Order, ok bool) {
	if len(row) < bucketPrefix+orderBytes {
		return 0, "", 0, false
	}
	until = binary.BigEndian.Uint64(row[bucketPrefix:])
	name, rest, ok := splitKey(row[orderBytes:])
	if !ok || len(rest) != orderBytes {
		return 0, "", 0, false
	}
	return until, string(name), versioning.Order(binary.BigEndian.Uint64(rest)), true
}

// uploadKey sorts the uploads of a key by their initiation.
func uploadKey(b bucketID, key string, upload versioning.Order) []byte {
	k := append(within(uploadTable, b, len(key)+1+orderBytes), key...)
	k = append(k, 0)
	return binary.BigEndian.AppendUint64(k, uint64(upload))
}

const partNumberBytes = 2

// partKey sorts the parts of an upload by number.
func partKey(b bucketID, key string, upload versioning.Order, number int) []byte {
	k := append(within(partTable, b, len(key)+1+orderBytes+partNumberBytes), key...)
	k = append(k, 0)
	k = binary.BigEndian.AppendUint64(k, uint64(upload))
	return binary.BigEndian.AppendUint16(k, uint16(number))
}

// doneKey is that of a completed upload, which has left its bucket's tables: it
// may outlive the bucket.
func doneKey(upload versioning.Order) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(doneTable)}, uint64(upload))
}

const jobChunkBytes = 2

// jobKey is the key of a chunk of a job's document. A name holds no U+0000, so the 0
// behind it ends it.
func jobKey(name string, chunk int) []byte {
	k := append([]byte{byte(jobTable)}, name...)
	return binary.BigEndian.AppendUint16(append(k, 0), uint16(chunk))
}

// splitJobKey takes name and chunk out of a job row's key.
func splitJobKey(row []byte) (name []byte, chunk int, ok bool) {
	end := len(row) - jobChunkBytes - 1
	if end <= 1 || row[end] != 0 {
		return nil, 0, false
	}
	return row[1:end], int(binary.BigEndian.Uint16(row[end+1:])), true
}

func statsKey(b bucketID) []byte { return within(statsTable, b, 0) }

func bucketKey(name string) []byte { return append([]byte{byte(bucketTable)}, name...) }

func metaKey(name string) []byte { return append([]byte{byte(metaTable)}, name...) }

// prefixEnd returns the least key above all keys that begin with prefix; nil if
// there is none.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// splitKey takes the S3 key out of an engine key of a bucket's rows, with what
// follows its end.
func splitKey(row []byte) (key, rest []byte, ok bool) {
	if len(row) < bucketPrefix {
		return nil, nil, false
	}
	row = row[bucketPrefix:]
	for i, c := range row {
		if c == 0 {
			return row[:i], row[i+1:], true
		}
	}
	return nil, nil, false
}

// splitVersionKey takes the S3 key and the order out of a version row's key.
func splitVersionKey(row []byte) (key []byte, o versioning.Order, ok bool) {
	key, rest, ok := splitKey(row)
	if !ok {
		return nil, 0, false
	}
	o, ok = versionOrderOf(rest)
	return key, o, ok
}

// versionOrderOf takes the order out of what follows the S3 key in a version row's key.
func versionOrderOf(rest []byte) (o versioning.Order, ok bool) {
	if len(rest) != orderBytes {
		return 0, false
	}
	return versioning.Order(^binary.BigEndian.Uint64(rest)), true
}

// splitUploadKey takes the S3 key and the order out of an upload row's key.
func splitUploadKey(row []byte) (key []byte, upload versioning.Order, ok bool) {
	key, rest, ok := splitKey(row)
	if !ok || len(rest) != orderBytes {
		return nil, 0, false
	}
	return key, versioning.Order(binary.BigEndian.Uint64(rest)), true
}

// splitPartKey takes key, upload and number out of a part row's key.
func splitPartKey(row []byte) (key []byte, upload versioning.Order, number int, ok bool) {
	key, rest, ok := splitKey(row)
	if !ok || len(rest) != orderBytes+partNumberBytes {
		return nil, 0, 0, false
	}
	return key, versioning.Order(binary.BigEndian.Uint64(rest)), int(binary.BigEndian.Uint16(rest[orderBytes:])), true
}

// isKey reports whether an object can be called key.
func isKey(key string) bool { return checkKey(key) == nil }

// checkKey refuses what no object can be called (spec WI3): the empty key, more
// than MaxKeyBytes, and what is not UTF-8 or holds U+0000.
func checkKey(key string) error {
	if key == "" || !utf8.ValidString(key) {
		return ErrInvalidKey
	}
	for i := 0; i < len(key); i++ {
		if key[i] == 0 {
			return ErrInvalidKey
		}
	}
	if len(key) > MaxKeyBytes {
		return ErrKeyTooLong
	}
	return nil
}
