package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// partsCheck is what is known of the parts of the bucket under check. Their rows
// are compared with the versions that imply them by sums, as others are.
type partsCheck struct {
	implied, found rowSum
	upload         versioning.Order // whose parts are being read
	inProgress     bool
}

// partRowSum is what stands for a part in a sum: the key of its row and its size.
func partRowSum(row []byte, size int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(nil), row...), uint64(size))
}

// implyParts takes the parts that a version names.
func (c *checker) implyParts(rec *record) {
	set := rec.partsOf(c.bucket.id, c.key.name)
	for _, run := range rec.parts.runs {
		for i := range run.count {
			c.parts.implied.add(partRowSum(set.row(run.first+i), run.size))
		}
	}
}

// lost tells whether the parts of an upload wait for reclaim, the one of a number
// at least, and whether it is counted as a part of an upload until then.
func (c *checker) lost(upload versioning.Order, number int) (lost, counted bool) {
	for _, l := range c.lostParts[upload] {
		switch {
		case l.version:
			lost = true
		case !l.kept.has(number):
			return true, true
		}
	}
	return lost, false
}

// checkUploads counts the uploads of the bucket.
func (c *checker) checkUploads() error {
	return c.scanPages(uploadTable, func(k, v []byte) error {
		key, order, ok := splitUploadKey(k)
		u, err := decodeUpload(v)
		if err == nil && (!ok || u.order() != order) {
			err = errRecord
		}
		if err != nil {
			c.problem(string(key), "", "upload row %x: %v", k, err)
		}
		c.sums.add(statUploads, 1)
		return nil
	})
}

// checkParts reads the parts of the bucket: those of uploads in progress, those of
// versions, and those that wait for reclaim.
func (c *checker) checkParts() error {
	if err := c.scanPages(partTable, c.checkPart); err != nil {
		return err
	}
	if c.parts.found != c.parts.implied && !c.broken {
		c.problem("", "", "has %d rows of parts of versions, versions name %d", c.parts.found.count, c.parts.implied.count)
	}
	return nil
}

func (c *checker) checkPart(k, v []byte) error {
	key, upload, number, ok := splitPartKey(k)
	part, err := decodePart(v)
	if err == nil && !ok {
		err = errRecord
	}
	if err != nil {
		c.problem(string(key), "", "part row %x: %v", k, err)
		return nil
	}
	set := partSet{bucket: c.bucket.id, key: string(key), upload: upload}
	if err := c.checkPieces(set, number, part); err != nil {
		return err
	}
	if c.parts.upload != upload {
		_, c.parts.inProgress, err = c.reader.Get(uploadKey(set.bucket, set.key, upload))
		if err != nil {
			return err
		}
		c.parts.upload = upload
	}
	lost, counted := c.lost(upload, number)
	if c.parts.inProgress || counted {
		c.sums.add(statUploadBytes, part.size)
	}
	if lost {
		return nil
	}
	if !c.parts.inProgress {
		c.parts.found.add(partRowSum(k, part.size))
	}
	return c.checkPartBytes(set, number, part)
}

// checkPieces takes the rows that the pieces of a part imply.
func (c *checker) checkPieces(set partSet, number int, part *partRow) error {
	for i := range part.pieces {
		p := &part.pieces[i]
		if p.place == placeData {
			c.dataImplied.add(dataKey(set.bucket, p.ref))
			continue
		}
		c.blobImplied.add(blobKey(p.ref))
		c.report.Files++
		want := blobRow{bucket: set.bucket, key: set.key, upload: set.upload, part: number, stored: p.stored}
		if err := c.checkBlobRow(p.ref, want, set.key, ""); err != nil {
			return err
		}
	}
	return nil
}

// checkPartBytes reads the bytes of a part. What is missing or wrong is a problem
// unless the part went since Check began.
func (c *checker) checkPartBytes(set partSet, number int, part *partRow) error {
	err := c.sumPart(set, part)
	switch {
	case err == nil:
		c.report.Bytes += part.size
		return nil
	case c.ctx.Err() != nil, errors.Is(err, engine.ErrClosed):
		return err
	}
	return c.store.view(c.ctx, func(r engine.Reader) error {
		row, found, readErr := r.Get(set.row(number))
		if readErr == nil && found && string(row) == string(part.encode()) {
			c.problem(set.key, "", "part %d of upload %s: %v", number,
				c.store.formatUploadID(set.bucket, set.key, set.upload), err)
		}
		return readErr
	})
}

// sumPart compares the bytes of a part with their sum.
func (c *checker) sumPart(set partSet, part *partRow) error {
	r, err := c.store.newPiecesReader(c.ctx, set, part.pieces)
	if err != nil {
		return err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, err = io.Copy(sum, r)
	if err = errors.Join(err, r.Close()); err == nil && sum.Sum32() != part.crc {
		err = fmt.Errorf("%w: sum of the part is %08x, not %08x", ErrDamaged, sum.Sum32(), part.crc)
	}
	return err
}

// checkLostBuckets takes the files of the parts that deleted buckets have left to
// the reclaimer.
func (c *checker) checkLostBuckets() error {
	for _, b := range c.lostBuckets {
		err := c.scan(within(partTable, b, 0), func(k, v []byte) error {
			part, err := decodePart(v)
			if err != nil {
				c.problem("", "", "part row %x: %v", k, err)
				return nil
			}
			for i := range part.pieces {
				if p := &part.pieces[i]; p.place == placeFile {
					c.blobImplied.add(blobKey(p.ref))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDone reads the rows of completed uploads.
func (c *checker) checkDone() error {
	return c.scan([]byte{byte(doneTable)}, func(k, v []byte) error {
		if _, _, err := decodeDoneRow(k, v); err != nil {
			c.problem("", "", "%v", err)
		}
		return nil
	})
}
