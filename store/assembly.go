package store

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/engine"
)

// assembly is an object that is being made of parts.
type assembly struct {
	parts     PartMap
	stored    int64 // bytes on disk
	guards    []engine.Guard
	md5s      hash.Hash // of the MD5s of the parts
	algorithm checksum.Algorithm
	kind      ChecksumType
	sums      hash.Hash       // COMPOSITE: of the digests of the parts
	chain     *checksum.Chain // FULL_OBJECT
	payload   *checksum.Chain // CRC-32C for the scrubber
}

// newAssembly returns an object of no parts.
func newAssembly(a checksum.Algorithm, kind ChecksumType) (*assembly, error) {
	w := &assembly{md5s: md5.New(), algorithm: a, kind: kind}
	w.payload, _ = checksum.NewChain(checksum.CRC32C)
	if kind == Composite {
		w.sums = a.New()
		return w, nil
	}
	chain, ok := checksum.NewChain(a)
	if !ok {
		return nil, fmt.Errorf("%w: upload with a %v checksum of the whole", ErrDamaged, a)
	}
	w.chain = chain
	return w, nil
}

// assemble reads the rows of the parts that are listed, and no others but those
// between them, and puts them together.
func (c *completion) assemble(rd engine.Reader) (*assembly, error) {
	w, err := newAssembly(c.upload.checksum())
	if err != nil {
		return nil, err
	}
	listed := c.request.Parts
	rg := engine.Range{Start: c.set.row(listed[0].Number), End: c.set.row(listed[len(listed)-1].Number + 1)}
	var bad error
	_, err = rd.Scan(rg, func(k, v []byte) bool {
		_, _, number, ok := splitPartKey(k)
		switch {
		case !ok:
			bad = errRecord
		case number == listed[0].Number:
			bad = w.take(&listed[0], bytes.Clone(k), bytes.Clone(v), len(listed) == 1, c.store.options.MinPartSize)
			w.guards[len(w.guards)-1].Seen = rd.Mark()
			listed = listed[1:]
		case number > listed[0].Number:
			return false // one is missing
		}
		return bad == nil && len(listed) > 0
	})
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	if len(listed) > 0 {
		return nil, &PartError{Reason: PartInvalid, Number: listed[0].Number, ETag: listed[0].ETag}
	}
	if size := w.parts.size(); size > MaxObjectBytes {
		return nil, &PartError{Reason: ObjectTooLarge, Size: size}
	}
	return w, nil
}

// take puts a part behind those before, if it is the one that the request lists.
// The row is guarded: no other part may take its place until the commit.
func (w *assembly) take(listed *CompletedPart, key, row []byte, last bool, least int64) error {
	w.guards = append(w.guards, engine.Guard{Key: key, Value: row})
	p, err := decodePart(row)
	if err != nil {
		return err
	}
	refuse := func(reason PartReason) error {
		return &PartError{Reason: reason, Number: listed.Number, ETag: listed.ETag, Size: p.size}
	}
	if listed.ETag != hex.EncodeToString(p.md5[:]) {
		return refuse(PartInvalid)
	}
	for _, want := range listed.Checksums {
		if got, ok := p.checksum(want.Algorithm); !ok || !got.Equal(want) {
			return refuse(PartInvalid)
		}
	}
	if p.size < least && !last {
		return refuse(PartTooSmall)
	}
	return w.add(listed.Number, p)
}

func (w *assembly) add(number int, p *partRow) error {
	w.parts.add(number, p.size)
	w.stored += p.storedSize()
	w.md5s.Write(p.md5[:])
	w.payload.Add(checksum.Value{Algorithm: checksum.CRC32C, Sum: binary.BigEndian.AppendUint32(nil, p.crc)}, p.size)
	v, ok := p.checksum(w.algorithm)
	if ok && w.kind == Composite {
		w.sums.Write(v.Sum)
	} else {
		ok = ok && w.chain.Add(v, p.size)
	}
	if !ok {
		return fmt.Errorf("%w: part %d has no %v checksum", ErrDamaged, number, w.algorithm)
	}
	return nil
}

// etag returns the ETag of the object (spec WI4-16).
func (w *assembly) etag() string {
	return fmt.Sprintf("%x-%d", w.md5s.Sum(nil), w.parts.Count())
}

func (w *assembly) crc() uint32 { return payloadCRC(w.payload.Value()) }

// payloadCRC is a CRC-32C as records keep that of a payload.
func payloadCRC(v checksum.Value) uint32 { return binary.BigEndian.Uint32(v.Sum) }

// checksums returns the checksum of the object (spec WI4-1 to WI4-5).
func (w *assembly) checksums() []checksum.Value {
	if w.kind == Composite {
		return []checksum.Value{checksum.ValueOf(w.algorithm, w.sums)}
	}
	return []checksum.Value{w.chain.Value()}
}

// meets holds what the request expects against the object (spec WI4-8, WI4-14,
// WI4-15).
func (w *assembly) meets(r *CompleteRequest) error {
	if err := r.describes(w.kind, w.parts.size()); err != nil {
		return err
	}
	if sum := w.checksums()[0]; r.Checksum.Algorithm != checksum.None && !sum.Equal(r.Checksum) {
		return &CompleteError{Checksum: true, Computed: sum}
	}
	return nil
}

// describes refuses an object of another type of checksum or another size than the
// request says.
func (r *CompleteRequest) describes(kind ChecksumType, size int64) error {
	if r.ChecksumType != 0 && r.ChecksumType != kind {
		return &CompleteError{WantType: r.ChecksumType, Type: kind}
	}
	if r.Size >= 0 && r.Size != size {
		return &CompleteError{WantSize: r.Size, Size: size}
	}
	return nil
}
