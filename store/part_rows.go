package store

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
)

// Fields of a part row.
const (
	partSize         = 1
	partPiece        = 2 // repeated, in order: piece record
	partOrigin       = 3 // repeated: bucket id and key that headers of shared files name
	partCRC          = 4 // CRC-32C of the payload
	partLastModified = 5
	partMD5          = 6
	partChecksum     = 64 // repeated
	partMade         = 65
)

// Fields of a piece.
const (
	pieceRef       = 1 // as the place of a version
	pieceLength    = 2
	pieceOffset    = 3 // within the blob
	pieceSize      = 4 // of the blob; absent: the length
	pieceStored    = 5
	pieceBlockSize = 6
	pieceOrigin    = 7 // place in the list of origins, and the ref there
)

// piece is a stretch of a part: bytes of one blob, which belongs to the part alone
// but whose file may have other names.
type piece struct {
	place          byte // placeData or placeFile
	ref            blob.Ref
	offset, length int64 // within the blob
	size           int64 // of the blob
	stored         int64 // bytes on disk
	blockSize      int
	origin         blob.Origin // of a shared file
}

// partRow is a part of an upload, or of a version that one became.
type partRow struct {
	size         int64
	pieces       []piece
	crc          uint32
	lastModified time.Time
	md5          [16]byte
	checksums    []checksum.Value
	made         Maker
}

// storedSize is the number of bytes on disk.
func (p *partRow) storedSize() (sum int64) {
	for i := range p.pieces {
		sum += p.pieces[i].stored
	}
	return sum
}

// part returns the row as it is shown.
func (p *partRow) part(number int) Part {
	return Part{
		Number: number, Size: p.size, ETag: hex.EncodeToString(p.md5[:]), LastModified: p.lastModified, Checksums: p.checksums,
	}
}

// checksum returns the sum that a made of the part.
func (p *partRow) checksum(a checksum.Algorithm) (checksum.Value, bool) {
	for _, c := range p.checksums {
		if c.Algorithm == a {
			return c, true
		}
	}
	return checksum.Value{}, false
}

func (p *partRow) encode() []byte {
	f := make(fields, 0, 100)
	f.uint(partSize, uint64(p.size))
	origins := make(map[string]uint64)
	for i := range p.pieces {
		f.bytes(partPiece, p.pieces[i].encode(&f, origins))
	}
	f.uint(partCRC, uint64(p.crc))
	f.time(partLastModified, p.lastModified)
	f.bytes(partMD5, p.md5[:])
	for _, c := range p.checksums {
		f.bytes(partChecksum, encodeChecksum(c))
	}
	f.bytes(partMade, encodeMaker(p.made))
	return f
}

// encode returns the piece. An origin that is not in origins yet is added to them
// and to the part.
func (p *piece) encode(part *fields, origins map[string]uint64) []byte {
	var f fields
	var buf [32]byte
	f.bytes(pieceRef, p.ref.Append(append(buf[:0], p.place)))
	f.uint(pieceLength, uint64(p.length))
	f.uint(pieceOffset, uint64(p.offset))
	if p.size != p.length {
		f.uint(pieceSize, uint64(p.size))
	}
	f.uint(pieceStored, uint64(p.stored))
	f.uint(pieceBlockSize, uint64(p.blockSize))
	if !p.origin.IsZero() {
		owner := string(binary.BigEndian.AppendUint64(nil, p.origin.Bucket)) + p.origin.Key
		n, known := origins[owner]
		if !known {
			n = uint64(len(origins))
			origins[owner] = n
			part.text(partOrigin, owner)
		}
		f.bytes(pieceOrigin, p.origin.Ref.Append(binary.AppendUvarint(buf[:0], n)))
	}
	return f
}

func decodePart(row []byte) (*partRow, error) {
	p, ok := &partRow{}, true
	var origins []string
	_, err := readFields(row, func(tag uint64, payload []byte) (bool, error) {
		switch tag {
		case partSize:
			p.size = int64(readUint(payload, &ok))
		case partPiece:
			p.pieces = append(p.pieces, decodePiece(payload, origins, &ok))
		case partOrigin:
			ok = ok && len(payload) > 8
			origins = append(origins, string(payload))
		case partCRC:
			p.crc = uint32(readUint(payload, &ok))
		case partLastModified:
			p.lastModified = readTime(payload, &ok)
		case partMD5:
			ok = ok && len(payload) == copy(p.md5[:], payload) && len(payload) == len(p.md5)
		case partChecksum:
			p.checksums = append(p.checksums, decodeChecksum(payload, &ok))
		case partMade:
			p.made = decodeMaker(payload, &ok)
		default:
			return false, nil
		}
		return true, nil
	})
	left := p.size
	for i := range p.pieces {
		left -= p.pieces[i].length
	}
	if err == nil && (!ok || left != 0) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("part row: %w", err)
	}
	return p, nil
}

func decodePiece(b []byte, origins []string, ok *bool) (p piece) {
	_, err := readFields(b, func(tag uint64, payload []byte) (bool, error) {
		switch tag {
		case pieceRef:
			if len(payload) == 0 || payload[0] != placeData && payload[0] != placeFile {
				return true, errRecord
			}
			p.place = payload[0]
			var err error
			p.ref, err = blob.ParseRef(payload[1:])
			return true, err
		case pieceLength:
			p.length = int64(readUint(payload, ok))
		case pieceOffset:
			p.offset = int64(readUint(payload, ok))
		case pieceSize:
			p.size = int64(readUint(payload, ok))
		case pieceStored:
			p.stored = int64(readUint(payload, ok))
		case pieceBlockSize:
			p.blockSize = int(readUint(payload, ok))
		case pieceOrigin:
			p.origin = decodePieceOrigin(payload, origins, ok)
		default:
			return false, nil
		}
		return true, nil
	})
	if p.size == 0 {
		p.size = p.length
	}
	*ok = *ok && err == nil && p.place != 0 && p.length > 0 && p.offset >= 0 && p.offset <= p.size-p.length
	return p
}

func decodePieceOrigin(b []byte, origins []string, ok *bool) (o blob.Origin) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n >= uint64(len(origins)) || len(origins[n]) <= 8 {
		*ok = false
		return o
	}
	ref, err := blob.ParseRef(b[size:])
	*ok = *ok && err == nil
	owner := origins[n]
	return blob.Origin{Ref: ref, Bucket: binary.BigEndian.Uint64([]byte(owner[:8])), Key: owner[8:]}
}

// A checksum is its algorithm and its digest.
func encodeChecksum(c checksum.Value) []byte {
	return append(append(make([]byte, 0, 1+len(c.Sum)), byte(c.Algorithm)), c.Sum...)
}

func decodeChecksum(p []byte, ok *bool) checksum.Value {
	if len(p) == 0 {
		*ok = false
		return checksum.Value{}
	}
	return checksum.Value{Algorithm: checksum.Algorithm(p[0]), Sum: append([]byte(nil), p[1:]...)}
}
