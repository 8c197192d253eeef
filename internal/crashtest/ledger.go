package crashtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/store"
)

// entryName names an entry of a history for ever. Null ones are left out: their name
// is used again.
type entryName struct{ bucket, key, id string }

const null = "null"

// told is what the ledger says of entries.
type told struct{ added, removed map[entryName]bool }

// verifyLedger compares the ledger with what is there: neither a change nor the row
// that tells of it may ever be there without the other. That the rows are as they
// were sealed, [store.Store.Check] has seen.
func verifyLedger(ctx context.Context, s *store.Store, contests []contest) error {
	said := told{make(map[entryName]bool), make(map[entryName]bool)}
	gone := make(map[string]bool) // keys of contests whose version was removed
	err := s.Ledger(ctx, store.LedgerQuery{}, func(e store.LedgerEntry) error {
		name := entryName{e.Bucket, e.Key, e.VersionID}
		switch e.Change {
		case store.LedgerMarkerAdded:
			said.added[name] = true
		case store.LedgerVersionRemoved, store.LedgerMarkerRemoved:
			if said.removed[name] && name.id != null {
				return fmt.Errorf("ledger: %v was removed twice", name)
			}
			said.removed[name] = true
			if e.Bucket == raceBucket {
				gone[e.Key] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	there, err := allEntries(ctx, s)
	errs := []error{err}
	for name, marker := range there {
		if said.removed[name] || marker && !said.added[name] {
			errs = append(errs, fmt.Errorf("ledger: %v is there, added %v, removed %v", name, said.added[name], said.removed[name]))
		}
	}
	for name := range said.added {
		if _, exists := there[name]; !exists && !said.removed[name] && name.id != null {
			errs = append(errs, fmt.Errorf("ledger: %v was added and is not there", name))
		}
	}
	for n, c := range contests {
		if c.deleted && !gone[raceKey(n)] {
			errs = append(errs, fmt.Errorf("ledger: nothing of the end of %s", raceKey(n)))
		}
	}
	return errors.Join(errs...)
}

// allEntries lists all entries but null ones, and says which are delete markers.
func allEntries(ctx context.Context, s *store.Store) (map[entryName]bool, error) {
	entries := make(map[entryName]bool)
	buckets, _, err := s.Buckets(ctx, store.BucketQuery{})
	if err != nil {
		return nil, err
	}
	for _, b := range buckets {
		if err := addEntries(ctx, s, b.Name, entries); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// addEntries adds the entries of a bucket.
func addEntries(ctx context.Context, s *store.Store, bucket string, entries map[entryName]bool) error {
	r := store.VersionsRequest{Bucket: bucket, Limit: 1000}
	for more := true; more; {
		page, err := s.ListObjectVersions(ctx, r)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if e.VersionID != null {
				entries[entryName{bucket, e.Key, e.VersionID}] = e.DeleteMarker
			}
		}
		more, r.KeyMarker = page.Truncated, page.NextKeyMarker
		if !more || page.NextVersionIDMarker == "" {
			continue
		}
		if r.IDMarker, err = s.ParseVersionID(page.NextVersionIDMarker); err != nil {
			return err
		}
	}
	return nil
}
