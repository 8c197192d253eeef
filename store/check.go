package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strings"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// Problem is something that [Store.Check] found wrong.
type Problem struct {
	Bucket, Key string
	VersionID   string // empty if the problem is not with one version
	Detail      string
}

// String returns the problem as one line.
func (p Problem) String() string {
	s := p.Bucket
	if p.Key != "" {
		s += "/" + quote(p.Key)
	}
	if p.VersionID != "" {
		s += " version " + p.VersionID
	}
	if s == "" {
		return p.Detail
	}
	return s + ": " + p.Detail
}

// Report is what [Store.Check] saw.
type Report struct {
	Buckets, Keys, Versions, DeleteMarkers int64
	Files                                  int64 // files that belong to versions and parts
	Bytes                                  int64 // payload bytes that were read and verified
	Problems                               []Problem
	// Truncated says that more problems were found than Problems holds.
	Truncated bool
}

// maxProblems bounds the problems that a report holds.
const maxProblems = 1000

// Check reads everything and compares it: each history with its head and live
// rows, the counters of each bucket with what they count, all bytes with their
// sums, each row about bytes with the version that it belongs to, and the ledger with
// its seals. It changes nothing. While changes are made it sees the store as it was when it began.
// What of the index cannot be read is a problem too, and no reason to end.
func (s *Store) Check(ctx context.Context) (Report, error) {
	c := &checker{store: s, ctx: ctx}
	err := s.view(ctx, func(r engine.Reader) error {
		c.reader = r
		return c.run()
	})
	if err == nil {
		err = c.passed("the ledger", c.checkLedger(ctx))
	}
	if err != nil {
		return c.report, &Error{Op: "check", Err: err}
	}
	return c.report, nil
}

// checkLedger verifies the ledger, as it is then.
func (c *checker) checkLedger(ctx context.Context) error {
	r, err := c.store.VerifyLedger(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		c.problem("", "", "ledger: %v", p)
	}
	return nil
}

// checker is one run of Check. Its memory grows with the number of buckets and of
// what waits for reclaim only.
type checker struct {
	store  *Store
	ctx    context.Context
	reader engine.Reader
	report Report
	broken bool // something could not be read, so that not all was counted

	reclaim     map[bucketID]*deltas              // what waits for reclaim
	lostParts   map[versioning.Order][]*lostParts // of it, by upload
	lostBuckets []bucketID                        // that are gone, and left uploads

	bucket *bucketRow
	state  *bucketState // as histories know it
	sums   deltas
	key    keyCheck
	// Rows about bytes and locks are compared with the versions that imply them by
	// sums over the keys of each side; blob rows name their version besides.
	dataImplied, dataFound rowSum
	blobImplied, blobFound rowSum
	lockImplied, lockFound rowSum
	parts                  partsCheck
}

// keyCheck is what is known of the key whose versions are being read.
type keyCheck struct {
	name   string
	newest *record
	head   versioning.Head
}

// rowSum is a sum over the keys of rows that does not depend on their order.
type rowSum struct{ count, sum uint64 }

func (r *rowSum) add(key []byte) {
	h := fnv.New64a()
	h.Write(key)
	r.count++
	r.sum += h.Sum64()
}

func (c *checker) problem(key, versionID, format string, args ...any) {
	if len(c.report.Problems) >= maxProblems {
		c.report.Truncated = true
		return
	}
	detail, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\n") // Pebble's errors may have more lines, for its own use
	p := Problem{Key: key, VersionID: versionID, Detail: detail}
	if c.bucket != nil {
		p.Bucket = c.bucket.Name
	}
	c.report.Problems = append(c.report.Problems, p)
}

// passed makes a problem of a part of the index that could not be read: the parts after it
// may be. An end of the whole check stays an error.
func (c *checker) passed(what string, err error) error {
	if err == nil || c.ctx.Err() != nil || errors.Is(err, engine.ErrClosed) {
		return err
	}
	c.broken = true
	c.problem("", "", "%s cannot be read: %v", what, err)
	return nil
}

func (c *checker) run() error {
	var buckets []*bucketRow
	err := c.scan([]byte{byte(bucketTable)}, func(k, v []byte) error {
		row, err := decodeBucket(string(k[1:]), v)
		if err != nil {
			c.problem("", "", "bucket %q: %v", k[1:], err)
			return nil
		}
		buckets = append(buckets, row)
		return nil
	})
	if err := c.passed("the list of buckets", err); err != nil {
		return err
	}
	if err := c.passed("what waits for reclaim", c.gatherReclaim()); err != nil {
		return err
	}
	for _, row := range buckets {
		c.report.Buckets++
		if err := c.checkBucket(row); err != nil {
			return err
		}
	}
	c.bucket = nil
	return c.steps([]checkStep{
		{"uploads of removed buckets", c.checkLostBuckets}, {"completed uploads", c.checkDone}, {"rows of files", c.checkFiles},
		{"jobs", c.checkJobs},
	})
}

// checkStep checks a part of the index.
type checkStep struct {
	what string
	run  func() error
}

func (c *checker) steps(steps []checkStep) error {
	for _, step := range steps {
		if err := c.passed(step.what, step.run()); err != nil {
			return err
		}
	}
	return nil
}

// scan calls fn for all rows that begin with prefix.
func (c *checker) scan(prefix []byte, fn func(k, v []byte) error) error {
	var bad error
	_, err := c.reader.Scan(engine.Range{Start: prefix, End: prefixEnd(prefix)}, func(k, v []byte) bool {
		if bad = c.ctx.Err(); bad == nil {
			bad = fn(k, v)
		}
		return bad == nil
	})
	return errors.Join(err, bad)
}

func (c *checker) checkBucket(row *bucketRow) error {
	c.bucket, c.state = row, newBucketState(row)
	c.sums, c.key, c.parts = deltas{}, keyCheck{}, partsCheck{}
	c.dataImplied, c.dataFound = rowSum{}, rowSum{}
	c.lockImplied, c.lockFound = rowSum{}, rowSum{}
	return c.steps([]checkStep{
		{"versions", c.checkVersions}, {"uploads", c.checkUploads}, {"parts", c.checkParts}, {"head and live rows", c.checkRows},
		{"inline bytes", c.checkData}, {"locks", c.checkLocks}, {"counters", c.checkTotals},
	})
}

// checkVersions reads the histories of the bucket, newest entries first.
func (c *checker) checkVersions() error {
	if err := c.scanPages(versionTable, c.checkVersion); err != nil {
		return err
	}
	return c.endKey()
}

// scanPages calls fn for the rows of a table of the bucket. A page is gathered
// before fn sees it, so that fn may read.
func (c *checker) scanPages(t table, fn func(k, v []byte) error) error {
	type row struct{ key, value []byte }
	start := within(t, c.bucket.id, 0)
	for end := prefixEnd(start); start != nil; {
		var rows []row
		_, err := c.reader.Scan(engine.Range{Start: start, End: end, Limit: maxPage}, func(k, v []byte) bool {
			rows = append(rows, row{bytes.Clone(k), bytes.Clone(v)})
			return true
		})
		if err == nil {
			err = c.ctx.Err()
		}
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r.key, r.value); err != nil {
				return err
			}
		}
		start = nil
		if len(rows) == maxPage {
			start = append(rows[maxPage-1].key, 0)
		}
	}
	return nil
}

func (c *checker) checkVersion(k, v []byte) error {
	name, order, ok := splitVersionKey(k)
	if !ok {
		c.problem("", "", "version row with a malformed key %x", k)
		return nil
	}
	if string(name) != c.key.name {
		if err := c.endKey(); err != nil {
			return err
		}
		c.key = keyCheck{name: string(name)}
	}
	rec, err := decodeRecord(v)
	if err != nil || rec.order != order {
		c.problem(c.key.name, c.store.FormatVersionID(versioning.IDOf(order)), "record: %v", errors.Join(err, errRecord))
		return nil
	}
	current := c.key.newest == nil
	if current {
		c.key.newest = rec
		c.key.head = versioning.Head{Newest: order, Marker: rec.marker}
	}
	c.key.head.Entries++
	if rec.null {
		if c.key.head.Null != 0 {
			c.problem(c.key.name, "", "has two null entries")
		}
		c.key.head.Null = order
	}
	c.sums.count(rec, current, 1)
	if rec.locked() {
		c.sums.add(statLocked, 1)
		for _, row := range lockKeys(c.bucket.id, c.key.name, rec.order, rec.lock) {
			c.lockImplied.add(row)
		}
	}
	if rec.marker {
		c.report.DeleteMarkers++
		return nil
	}
	c.report.Versions++
	return c.checkBytes(rec)
}

// checkBytes reads the bytes of a version.
func (c *checker) checkBytes(rec *record) error {
	id := c.store.FormatVersionID(rec.version().ID())
	f := &found{record: rec, bucket: c.state, reader: c.reader, object: Object{Key: c.key.name}}
	var b *blob.Blob
	var err error
	switch rec.place {
	case placeNone:
		if rec.size != 0 {
			c.problem(c.key.name, id, "has %d bytes and names none", rec.size)
		}
		return nil
	case placeParts:
		c.implyParts(rec)
		return nil
	case placeData:
		c.dataImplied.add(dataKey(c.bucket.id, rec.ref))
		b, err = f.inline()
	case placeFile:
		c.blobImplied.add(blobKey(rec.ref))
		c.report.Files++
		want := blobRow{bucket: c.bucket.id, key: c.key.name, order: rec.order, stored: rec.storedSize}
		if err := c.checkBlobRow(rec.ref, want, c.key.name, id); err != nil {
			return err
		}
		b, err = f.open(c.store.blobs)
	}
	if err == nil {
		err = errors.Join(b.Verify(c.ctx, rec.crc), b.Close())
	}
	switch {
	case err == nil:
		c.report.Bytes += rec.size
	case errors.Is(err, fs.ErrNotExist):
		return c.missingFile(rec, id, err)
	case c.ctx.Err() != nil, errors.Is(err, engine.ErrClosed):
		return err
	default:
		c.problem(c.key.name, id, "bytes: %v", err)
	}
	return nil
}

// missingFile is a problem unless the version was destroyed since Check began: its
// file may be reclaimed then.
func (c *checker) missingFile(rec *record, id string, cause error) error {
	return c.store.view(c.ctx, func(r engine.Reader) error {
		_, found, err := r.Get(versionKey(c.bucket.id, c.key.name, rec.order))
		if found {
			c.problem(c.key.name, id, "bytes: %v", cause)
		}
		return err
	})
}

// checkBlobRow looks at the row of a file, which belongs to key.
func (c *checker) checkBlobRow(ref blob.Ref, want blobRow, key, id string) error {
	row, found, err := c.reader.Get(blobKey(ref))
	if err != nil {
		return err
	}
	if !found {
		c.problem(key, id, "file %v has no blob row", ref)
		return nil
	}
	if got, err := decodeBlobRow(row); err != nil || got != want {
		c.problem(key, id, "blob row of file %v belongs to something else", ref)
	}
	return nil
}

// endKey compares the history that was read with the rows that sum it up.
func (c *checker) endKey() error {
	k := &c.key
	if k.newest == nil {
		return nil
	}
	c.report.Keys++
	h := &history{bucket: c.state, state: versioning.Enabled, key: k.name}
	if err := readHead(c.reader, h); err != nil {
		c.problem(k.name, "", "%v", err)
		return nil
	}
	k.head.Amended = h.head.Amended // no history tells it
	if h.head != k.head {
		c.problem(k.name, "", "head says %+v, history says %+v", h.head, k.head)
	}
	if c.bucket.Versioning == versioning.Unversioned && h.headRow != nil {
		c.problem(k.name, "", "has a head row in a bucket that was never versioned")
	}
	var live []byte
	if !k.newest.marker {
		want := liveOf(k.newest)
		if h.live != nil {
			want.amended = h.live.amended
		}
		live = want.encode()
	}
	if !bytes.Equal(live, h.liveRow) {
		c.problem(k.name, "", "live row is not that of the current entry")
	}
	return nil
}
