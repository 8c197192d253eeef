package store

import (
	"context"

	"github.com/seed61737384/tombstone/store/engine"
)

// remainsRows is how many rows Remains looks at, at most, for its samples.
const remainsRows = 1000

// Remains is what keeps a bucket from being deleted, and its uploads, which do not.
type Remains struct {
	Statistics
	// A key of each kind, empty if none was found: current object, noncurrent object
	// version, delete marker, upload in progress, version whose lock protects it now.
	SampleObject, SampleNoncurrent, SampleMarker, SampleUpload, SampleLocked string
}

// Remains returns the statistics of a bucket, and samples found within its first 1,000
// rows: however large the bucket is it costs no more.
func (s *Store) Remains(ctx context.Context, bucket string) (Remains, error) {
	stats, err := s.Statistics(ctx, bucket)
	if err != nil {
		return Remains{}, err
	}
	r := Remains{Statistics: stats}
	b, err := s.bucket(bucket)
	if err == nil {
		err = s.view(ctx, func(rd engine.Reader) error { return r.sample(rd, b.id, uint64(s.lockNow().UnixMilli())) })
	}
	if err != nil {
		return Remains{}, &Error{Op: "read what remains", Bucket: bucket, Err: err}
	}
	return r, nil
}

// sample finds the samples, as locks are at the time now in milliseconds.
func (r *Remains) sample(rd engine.Reader, b bucketID, now uint64) error {
	objects, uploads, locks := within(liveTable, b, 0), within(uploadTable, b, 0), within(lockTable, b, 0)
	inForce := lockKey(b, now+1, "", 0) // a retention that ends in this millisecond protects no more
	for _, first := range []struct {
		rg   engine.Range
		take func(row []byte)
	}{
		{engine.Range{Start: objects, End: prefixEnd(objects)}, keyInto(&r.SampleObject)},
		{engine.Range{Start: uploads, End: prefixEnd(uploads)}, keyInto(&r.SampleUpload)},
		{engine.Range{Start: inForce, End: prefixEnd(locks)}, func(row []byte) { _, r.SampleLocked, _, _ = splitLockKey(row) }},
	} {
		first.rg.Limit = 1
		_, err := rd.Scan(first.rg, func(k, _ []byte) bool { first.take(k); return false })
		if err != nil {
			return err
		}
	}
	const looked = 3
	return r.sampleHistory(rd, b, remainsRows-looked)
}

func keyInto(sample *string) func(row []byte) {
	return func(row []byte) {
		if key, _, ok := splitKey(row); ok {
			*sample = string(key)
		}
	}
}

// sampleHistory finds a noncurrent version and a delete marker among the first limit
// entries, unless there is known to be none.
func (r *Remains) sampleHistory(rd engine.Reader, b bucketID, limit int) error {
	enough := func() bool {
		return (r.SampleNoncurrent != "" || r.Noncurrent == 0) && (r.SampleMarker != "" || r.DeleteMarkers == 0)
	}
	if enough() {
		return nil
	}
	entries, last := within(versionTable, b, 0), ""
	_, err := rd.Scan(engine.Range{Start: entries, End: prefixEnd(entries), Limit: limit}, func(k, v []byte) bool {
		key, _, _ := splitKey(k)
		current := string(key) != last
		last = string(key)
		rec, err := decodeBrief(v)
		switch {
		case err != nil: // what cannot be read is no sample
		case rec.marker && r.SampleMarker == "":
			r.SampleMarker = last
		case !rec.marker && !current && r.SampleNoncurrent == "":
			r.SampleNoncurrent = last
		}
		return !enough()
	})
	return err
}
