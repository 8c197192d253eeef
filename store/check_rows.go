package store

import (
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// checkRows looks for head and live rows of keys without a history.
func (c *checker) checkRows() error {
	for _, t := range []table{headTable, liveTable} {
		err := c.scanKeys(t, func(k []byte) error {
			key, _, ok := splitKey(k)
			if !ok {
				c.problem("", "", "row with a malformed key %x", k)
				return nil
			}
			start := keyRow(versionTable, c.bucket.id, string(key))
			exists := false
			_, err := c.reader.Scan(engine.Range{Start: start, End: prefixEnd(start), Limit: 1}, func(_, _ []byte) bool {
				exists = true
				return false
			})
			if err == nil && !exists {
				c.problem(string(key), "", "row of table %c without a history", t)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scanKeys calls fn for the keys of a table of the bucket.
func (c *checker) scanKeys(t table, fn func(k []byte) error) error {
	return c.scanPages(t, func(k, _ []byte) error { return fn(k) })
}

// checkData compares the data rows of the bucket with the versions naming them.
func (c *checker) checkData() error {
	err := c.scanKeys(dataTable, func(k []byte) error {
		c.dataFound.add(k)
		return nil
	})
	if err == nil && !c.broken && c.dataFound != c.dataImplied {
		c.problem("", "", "has %d data rows, versions name %d", c.dataFound.count, c.dataImplied.count)
	}
	return err
}

// checkLocks compares the rows of the lock table with the locks of versions.
func (c *checker) checkLocks() error {
	err := c.scanKeys(lockTable, func(k []byte) error {
		c.lockFound.add(k)
		return nil
	})
	if err == nil && !c.broken && c.lockFound != c.lockImplied {
		c.problem("", "", "has %d lock rows, versions imply %d", c.lockFound.count, c.lockImplied.count)
	}
	return err
}

// gatherReclaim counts what waits for reclaim.
func (c *checker) gatherReclaim() error {
	c.reclaim = make(map[bucketID]*deltas)
	c.lostParts = make(map[versioning.Order][]*lostParts)
	return c.scan([]byte{byte(reclaimTable)}, func(k, v []byte) error {
		row, err := decodeReclaim(k, v)
		if err != nil {
			c.problem("", "", "%v", err)
			return nil
		}
		if l := row.parts; l != nil && l.upload == 0 {
			c.lostBuckets = append(c.lostBuckets, row.bucket)
		} else if l != nil {
			c.lostParts[l.upload] = append(c.lostParts[l.upload], l)
		}
		if c.reclaim[row.bucket] == nil {
			c.reclaim[row.bucket] = &deltas{}
		}
		c.reclaim[row.bucket].add(statReclaim, 1)
		c.reclaim[row.bucket].add(statReclaimBytes, row.stored)
		return nil
	})
}

// checkTotals compares the counters with what they count.
func (c *checker) checkTotals() error {
	sums, err := readTotals(c.reader, c.bucket.id)
	if err != nil {
		return err
	}
	if waiting := c.reclaim[c.bucket.id]; waiting != nil {
		c.sums.plus(*waiting)
	}
	if sums != c.sums && !c.broken {
		c.problem("", "", "counters say %v, versions say %v", sums, c.sums)
	}
	return nil
}

// checkJobs puts the documents of jobs together.
func (c *checker) checkJobs() error {
	var jobs jobRows
	return c.scan([]byte{byte(jobTable)}, func(k, v []byte) error {
		if err := jobs.take(k, v); err != nil {
			c.problem("", "", "%v", err)
			return nil
		}
		jobs.rows = jobs.rows[len(jobs.rows)-1:] // one at a time
		return nil
	})
}

// checkFiles compares the blob rows with the versions naming their files.
func (c *checker) checkFiles() error {
	err := c.scan([]byte{byte(blobTable)}, func(k, v []byte) error {
		if _, err := decodeBlobRow(v); err != nil {
			c.problem("", "", "blob row %x: %v", k, err)
		}
		c.blobFound.add(k)
		return nil
	})
	if err == nil && !c.broken && c.blobFound != c.blobImplied {
		c.problem("", "", "there are %d blob rows, versions name %d", c.blobFound.count, c.blobImplied.count)
	}
	return err
}
